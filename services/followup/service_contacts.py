"""Entry points of the followup service about quotas of contacts; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.followup.application import Application
from services.followup.schemas_contacts import ContactCoverage, ContactGaps
from shared.messaging.rpc import Call, query

_READERS = ("staff", "supervisor", "manager", "system")


class ContactCalls:
    """Whom the department has yet to see."""

    app: Application

    @query(*_READERS, schema=ContactCoverage)
    def get_contact_coverage(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return how far the quotas of contacts are."""
        return self.app.contacts.coverage(call, data)

    @query(*_READERS, schema=ContactGaps)
    def list_contact_gaps(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a page of those a quota means who were not in contact."""
        return self.app.contacts.gaps(call, data)
