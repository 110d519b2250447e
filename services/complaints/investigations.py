"""Where complaints keeps investigations and corrective actions; knows pymongo, as ``repository`` does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.investigation.states import ActionState, InvestigationState
from services.complaints.investigation_documents import (
    action_document,
    action_of,
    investigation_document,
    investigation_of,
)
from services.complaints.ledgers import Kept
from shared.mongo.client import database_errors
from shared.mongo.runtime import Runtime

#: The causes of these are established.
_REPORTED = [InvestigationState.SUBMITTED.value, InvestigationState.APPROVED.value]


class InvestigationRepository:
    """Reads and writes what is found out about cases, and what is done about it."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self.investigations = Kept(runtime, "investigations", investigation_document, investigation_of)
        self.actions = Kept(runtime, "corrective_actions", action_document, action_of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list."""
        self.investigations.store.ensure_indexes(
            [
                IndexModel([("pending", ASCENDING)], sparse=True),
                IndexModel([("case_id", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("causes", ASCENDING), ("reported_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("awaits", ASCENDING), ("opened_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("opened_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("opened_at", DESCENDING)]),
            ]
        )
        self.actions.store.ensure_indexes(
            [
                IndexModel([("pending", ASCENDING)], sparse=True),
                IndexModel([("next_due", ASCENDING)], sparse=True),
                IndexModel([("open_calendars", ASCENDING)], sparse=True),
                IndexModel([("case_id", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("open", ASCENDING), ("due_at", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("opened_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("owner", ASCENDING), ("opened_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("cause", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("opened_at", DESCENDING)]),
            ]
        )

    def untold_investigations(self, limit: int) -> list[Investigation]:
        """Return investigations of which their case still has to be told."""
        return self.investigations.find({"pending": True}, limit=limit)

    def untold_actions(self, limit: int) -> list[CorrectiveAction]:
        """Return corrective actions of which their case still has to be told."""
        return self.actions.find({"pending": True}, limit=limit)

    def due(self, now: datetime, limit: int) -> list[CorrectiveAction]:
        """Return corrective actions of which a clock fires at or before ``now``, the longest due first."""
        return self.actions.due(now, limit)

    def behind(
        self, current: Collection[str], limit: int, *, skip: Collection[str] = ()
    ) -> list[CorrectiveAction]:
        """Return corrective actions, but for the ids ``skip``, with an open clock of a calendar not in ``current``."""
        return self.actions.behind(current, limit, skip=skip)

    def save_all(self, changes: Sequence[tuple[CorrectiveAction, int]]) -> tuple[str, ...]:
        """Write several changed actions and return the ids of those that somebody else changed meanwhile."""
        return self.actions.save_all(changes)

    def listed(
        self,
        org: str,
        *,
        state: str | None,
        case_id: str | None,
        causes: Collection[str] | None,
        awaits: Collection[str] | None,
        limit: int,
        skip: int,
    ) -> list[Investigation]:
        """Return a page of investigations, the newest first; ``awaits`` are roles of which one is to approve next."""
        query = _given(org=org, state=state, case_id=case_id)
        if causes is not None:
            query["causes"] = {"$in": sorted(causes)}
        if awaits is not None:
            query["awaits"] = {"$in": sorted(awaits)}
        return self.investigations.find(query, sort=[("opened_at", DESCENDING)], limit=limit, skip=skip)

    def recurring(
        self,
        org: str,
        causes: Collection[str],
        since: datetime,
        *,
        besides: str | None,
        limit: int,
        skip: int = 0,
    ) -> tuple[int, list[Investigation]]:
        """Return how many investigations of other cases than ``besides`` reported one of ``causes`` from ``since`` on.

        With the number comes a page of them, the newest report first.
        """
        query: dict[str, Any] = {
            "org": org,
            "causes": {"$in": sorted(causes)},
            "reported_at": {"$gte": since},
            "state": {"$in": _REPORTED},
        }
        if besides is not None:
            query["case_id"] = {"$ne": besides}
        found = self.investigations.find(
            query, sort=[("reported_at", DESCENDING), ("_id", ASCENDING)], limit=limit, skip=skip
        )
        return self.investigations.store.count(query), found

    def listed_actions(
        self,
        org: str,
        *,
        show: str | None,
        due_before: datetime | None,
        limit: int,
        skip: int,
        **given: str | None,
    ) -> list[CorrectiveAction]:
        """Return a page of corrective actions, the newest first; those with ``due_before`` by when they are due.

        ``show`` is ``open``, ``overdue`` or ``to_check``; ``given`` are fields that must be as said.
        """
        query = _given(org=org, **given) | _SHOWN.get(show or "", {})
        sort = [("opened_at", DESCENDING)]
        if due_before is not None:
            query |= {"open": True, "due_at": {"$lt": due_before}}
            sort = [("due_at", ASCENDING)]
        return self.actions.find(query, sort=sort, limit=limit, skip=skip)

    def effectiveness(self, org: str, causes: Collection[str] | None) -> list[dict[str, Any]]:
        """Return by cause how many actions there are, are open, and were found effective or not."""
        match: dict[str, Any] = {"org": org}
        if causes is not None:
            match["cause"] = {"$in": sorted(causes)}
        pipeline: list[dict[str, Any]] = [
            {"$match": match},
            {
                "$group": {
                    "_id": "$cause",
                    "actions": {"$sum": 1},
                    "open": {"$sum": {"$cond": ["$open", 1, 0]}},
                    "overdue": {"$sum": {"$cond": ["$overdue", 1, 0]}},
                    "effective": {"$sum": "$effective_checks"},
                    "ineffective": {"$sum": "$failed_checks"},
                }
            },
        ]
        with database_errors():
            rows = list(self.actions.store.collection.aggregate(pipeline))
        return [{"cause": row.pop("_id"), **row} for row in rows]


_SHOWN: dict[str, dict[str, Any]] = {
    "open": {"open": True},
    "overdue": {"overdue": True},
    "to_check": {"state": ActionState.DONE.value},
}


def _given(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
