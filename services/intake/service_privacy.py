"""Entry points of the intake service about personal data and the door; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas import Nothing
from services.intake.schemas_privacy import (
    DecideData,
    ExportCustomers,
    ListData,
    ReadFields,
    ReadLog,
    RequestData,
    SetFlags,
)
from shared.arguments import ById, Page
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who is let through, and the log who was not.
_STAFF = ("staff",)
_OPERATORS = ("supervisor", "operator", "system")


class PrivacyCalls:
    """Who sees, exports and erases personal data; what publishers send too much of."""

    app: Application

    @every_tick
    def erase_personal_data(self) -> bool:
        """Carry granted erasures out, and finish those that were left half done."""
        return self.app.eraser()

    @command(*_STAFF, schema=ReadFields)
    def read_personal_data(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return fields of a customer in full; logged."""
        return self.app.personal_data.read(call, data)

    @command(*_STAFF, schema=ExportCustomers)
    def export_customers(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return customers as CSV; logged."""
        return self.app.personal_data.export(call, data)

    @command(*_STAFF, schema=RequestData)
    def request_personal_data(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Ask to read, export or erase personal data."""
        return self.app.data_requests.ask(call, data)

    @command(*_STAFF, schema=DecideData)
    def decide_data_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Grant or decline a request of somebody else."""
        return self.app.data_requests.decide(call, data)

    @command(*_STAFF, schema=SetFlags)
    def set_privacy_flags(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Set what a customer agreed to or declined."""
        return self.app.personal_data.set_flags(call, data)

    @query(*_STAFF, schema=ListData)
    def list_data_requests(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of requests, newest first."""
        return self.app.data_requests.requests(call, data)

    @query(*_STAFF, schema=ById)
    def get_privacy(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return whom a customer's file identifies, and its flags."""
        return self.app.personal_data.privacy_of(call, data["id"])

    @query(*_STAFF, schema=Nothing)
    def field_catalogue(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return every class and field of personal data."""
        del data
        return self.app.personal_data.catalogue(call)

    @query(*_STAFF, schema=ReadLog)
    def access_log(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return who saw whose personal data, or a sample for an audit."""
        return self.app.accesses.read_log(call, data)

    @query(*_OPERATORS, schema=Page)
    def list_throttled(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of hours in which a publisher sent too much that could not be taken."""
        return self.app.door.throttled(call, data)
