"""Entry points of the intake service about the staff directory; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas import Nothing
from services.intake.schemas_staff import ChangeMember, EnterMember, MemberQuery, SuperiorQuery
from shared.messaging.rpc import Call, command, query

#: Who keeps the directory.
_KEEPERS = ("supervisor", "manager")
_READERS = ("staff", "supervisor", "manager", "system")


class StaffCalls:
    """Who works where, under whom, and what they can do."""

    app: Application

    @command(*_KEEPERS, schema=EnterMember)
    def enter_member(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter a member of staff."""
        return self.app.duty.directory.enter(call, data)

    @command(*_KEEPERS, schema=ChangeMember)
    def change_member(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Change a member of staff."""
        return self.app.duty.directory.change(call, data)

    @query(*_READERS, schema=MemberQuery)
    def list_members(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return members by unit, post or skill."""
        return self.app.duty.directory.members(call, data)

    @query(*_READERS, schema=SuperiorQuery)
    def get_superior(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return whom somebody reports to and the lists they see."""
        return self.app.duty.directory.superior(call, data)

    @query(*_READERS, schema=Nothing)
    def get_staffing(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the staffing table."""
        del data
        return self.app.duty.directory.staffing(call)
