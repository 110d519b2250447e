"""Entry points of the intake service about customer files; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas_files import (
    CheckCustomer,
    ClassifyCustomer,
    CountCustomers,
    ImportCustomers,
    ListCustomers,
    MissedExtractions,
    MoveCustomer,
    RegisterCustomer,
    RelateCustomer,
    SearchCustomers,
    TimelinePage,
    UpdateCustomer,
)
from shared.arguments import ById
from shared.identity.roles import PERSONAL_DATA
from shared.messaging.rpc import Call, command, query

#: Any member of staff keeps files, of whatever department (资源共享); the rulebook says who classifies.
_STAFF = ("staff",)
_IMPORTERS = ("supervisor", "operator", "system")
_READERS = ("staff", "supervisor", "system")


class FileCalls:
    """Customer files (一户一档): kept, found, classified, imported."""

    app: Application

    @command(*_STAFF, schema=RegisterCustomer)
    def register_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open a customer's file by hand."""
        return self.app.files.change.register(call, data)

    @command(*_STAFF, schema=UpdateCustomer)
    def update_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter values or preferences into a file, or hand the unit over to another owner."""
        return self.app.files.change.update(call, data)

    @command(*_STAFF, schema=CheckCustomer)
    def check_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter that the customer confirmed the data, or that the file was reviewed."""
        return self.app.files.change.check(call, data)

    @command(*_STAFF, schema=MoveCustomer)
    def move_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Move a customer to another phase or state of life."""
        return self.app.files.change.move(call, data)

    @command(*_STAFF, schema=RelateCustomer)
    def relate_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Say what another customer or a member of staff is to a customer."""
        return self.app.files.change.relate(call, data)

    @command(*_STAFF, schema=ClassifyCustomer)
    def classify_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Extract a file, submit it, or classify it."""
        return self.app.files.change.classify(call, data)

    @command(*_IMPORTERS, schema=ImportCustomers)
    def import_customers(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take up to 500 customers of a list."""
        return self.app.files.take(call, data)

    @query(*_READERS, schema=ById)
    def get_customer_file(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return all there is in a file; personal data only to those who may see it."""
        return self.app.files.read.file(call.org, data["id"], actor=call.actor, full=_full(call))

    @query(*_READERS, schema=TimelinePage)
    def customer_timeline(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of a customer's contacts, newest first."""
        return self.app.files.read.timeline(call.org, data["id"], data["limit"], data["skip"])

    @query(*_READERS, schema=SearchCustomers)
    def search_customers(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the files found by name, pinyin, phone, unit or a searched field."""
        return self.app.files.read.search(call.org, full=_full(call), **data)

    @query(*_READERS, schema=ListCustomers)
    def list_customers(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the files in the states asked for: incomplete, stale, of a class."""
        return self.app.files.read.page(call.org, data, full=_full(call))

    @query(*_READERS, schema=CountCustomers)
    def count_customers(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return how many files there are by class, state of life, phase, origin or field."""
        return self.app.files.read.count(call.org, data["by"])

    @query(*_READERS, schema=MissedExtractions)
    def list_missed_extractions(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the specialists who extracted no file on a day."""
        return self.app.files.read.missed(call.org, data["day"])


def _full(call: Call) -> bool:
    return PERSONAL_DATA in call.caller.roles
