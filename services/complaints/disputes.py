"""Where complaints keeps disputes; knows pymongo, as ``repository`` does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.complaints.domain.dispute.dispute import Dispute
from services.complaints.ledgers import Kept
from services.complaints.supervision_documents import dispute_document, dispute_of
from shared.mongo.bounds import at_most
from shared.mongo.runtime import Runtime


class DisputeRepository:
    """Reads and writes disputes between departments."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self.disputes = Kept(runtime, "disputes", dispute_document, dispute_of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list."""
        self.disputes.store.ensure_indexes(
            [
                IndexModel([("pending", ASCENDING)], sparse=True),
                IndexModel([("next_due", ASCENDING)], sparse=True),
                IndexModel([("case_id", ASCENDING), ("raised_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("open", ASCENDING), ("raised_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("raised_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("interpreted_at", DESCENDING)]),
            ]
        )

    def pending(self, limit: int) -> list[Dispute]:
        """Return disputes of which their case still has to be told."""
        return self.disputes.find({"pending": True}, limit=limit)

    def due(self, now: datetime, limit: int) -> list[Dispute]:
        """Return disputes with a clock that fires at or before ``now``, the longest due first."""
        return self.disputes.find({"next_due": at_most(now)}, sort=[("next_due", ASCENDING)], limit=limit)

    def listed(
        self,
        org: str,
        *,
        is_open: bool | None,
        overdue: bool | None,
        case_id: str | None,
        limit: int,
        skip: int,
    ) -> list[Dispute]:
        """Return a page of disputes, the newest first."""
        given = {"open": is_open, "overdue": overdue, "case_id": case_id}
        query: dict[str, Any] = {"org": org}
        query |= {name: value for name, value in given.items() if value is not None}
        return self.disputes.find(query, sort=[("raised_at", DESCENDING)], limit=limit, skip=skip)

    def interpretations(self, org: str, *, topic: str | None, limit: int, skip: int) -> list[Dispute]:
        """Return a page of the disputes whose ruling says how the service policy is read, the newest first."""
        query: dict[str, Any] = {"org": org, "interpreted_at": {"$exists": True}}
        query |= {} if topic is None else {"topic": topic}
        return self.disputes.find(query, sort=[("interpreted_at", DESCENDING)], limit=limit, skip=skip)
