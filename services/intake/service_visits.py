"""Entry points of the intake service about visits; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas_visits import CheckIn, MoveVisit, OneVisit, VisitsOfDay
from shared.identity.roles import PERSONAL_DATA
from shared.messaging.rpc import Call, command, query

_STAFF = ("staff",)
_READERS = ("staff", "system")


class VisitCalls:
    """Visitors at the front desk."""

    app: Application

    @command(*_STAFF, schema=CheckIn)
    def check_in_visit(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Check a visitor in."""
        return self.app.duty.visiting.check_in(call, data)

    @command(*_STAFF, schema=MoveVisit)
    def move_visit(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Say what happens next with a visit."""
        return self.app.duty.visiting.move(call, data)

    @query(*_READERS, schema=OneVisit)
    def get_visit(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one visit by id or scanned code."""
        full = PERSONAL_DATA in call.caller.roles
        return self.app.duty.visiting.visit(call, data, full=full)

    @query(*_READERS, schema=VisitsOfDay)
    def list_visits(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a desk's visits of a day and its queues."""
        return self.app.duty.visiting.visits(call, data)
