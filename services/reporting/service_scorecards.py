"""Entry points of the reporting service about scorecards; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.reporting.application import Application
from services.reporting.schemas_scorecards import CloseMonth, ScorecardQuery, ScorecardsQuery
from shared.messaging.rpc import Call, command, query

#: Everybody sees his own card; whoever leads others sees theirs, and a manager closes the month.
_STAFF = ("staff", "supervisor", "manager", "system")
_LEADERS = ("supervisor", "manager", "system")
_CLOSERS = ("manager", "system")


class ScorecardCalls:
    """What a month's records come to for each person."""

    app: Application

    @query(*_STAFF, schema=ScorecardQuery)
    def get_scorecard(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one person's card of a month, every line with what it came to and why."""
        return self.app.scorecards.get(call, data)

    @query(*_LEADERS, schema=ScorecardsQuery)
    def list_scorecards(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of a month's cards without their lines, by person."""
        return self.app.scorecards.page(call.org, data)

    @command(*_CLOSERS, schema=CloseMonth)
    def close_month(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Close a month that is over: its cards never change, and what comes late counts in the next open month."""
        return self.app.scorecards.close(call, data)
