"""Entry points of the followup service about people; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.followup.application import Application
from services.followup.schemas_people import MarkPeople, PeopleQuery
from shared.arguments import ById
from shared.messaging.rpc import Call, command, query

#: Systems that know customers, and who keeps their files.
_TELLERS = ("system", "supervisor", "manager")
_READERS = ("staff", "system")


class PeopleCalls:
    """Whom there is to follow up."""

    app: Application

    @command(*_TELLERS, schema=MarkPeople)
    def mark_people(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take traits, dates, units and consent of customers."""
        return self.app.people.mark(call, data["rows"])

    @query(*_READERS, schema=ById)
    def get_person(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is known of one customer."""
        return self.app.people.view(call.org, data["id"])

    @query(*_READERS, schema=PeopleQuery)
    def list_people(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of customers chosen by traits."""
        return self.app.people.views(call.org, data)
