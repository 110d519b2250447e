"""Entry points of the reporting service about obligations; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.reporting.application import Application
from services.reporting.schemas_obligations import ConfirmObligation, ObligationQuery
from shared.arguments import ById
from shared.messaging.rpc import Call, command, query

#: The rulebook says whose an obligation is; whoever is not meant is refused.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class ObligationCalls:
    """What is owed again and again."""

    app: Application

    @command(*_STAFF, schema=ConfirmObligation)
    def confirm_obligation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take the word of whoever owes something that it was done."""
        return self.app.obligations.desk.confirm(call, data)

    @query(*_READERS, schema=ById)
    def get_obligation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one thing owed for one stretch of days."""
        return self.app.obligations.desk.get(call.org, data["id"])

    @query(*_READERS, schema=ObligationQuery)
    def list_obligations(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of what is owed, the earliest due first."""
        return self.app.obligations.desk.page(call.org, call.actor, data)
