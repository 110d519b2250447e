"""Where complaints keeps disputes in tests: in memory, in the shapes the database would hold."""

from __future__ import annotations

from datetime import datetime

from services.complaints.domain.dispute.dispute import Dispute
from services.complaints.supervision_documents import dispute_document, dispute_of
from tests.contract.ledger_store import MemoryKept, Sink


class MemoryDisputes:
    """Stands in for the repository of disputes."""

    def __init__(self, sink: Sink | None = None) -> None:
        self.disputes = MemoryKept[Dispute](dispute_document, dispute_of, sink)

    def ensure_indexes(self) -> None:
        """Nothing to do: what is unique is checked at every write."""

    def pending(self, limit: int) -> list[Dispute]:
        return [row for row in self.disputes.all() if row.pending][:limit]

    def due(self, now: datetime, limit: int) -> list[Dispute]:
        return [row for row in self.disputes.all() if row.next_due is not None and row.next_due <= now][
            :limit
        ]

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
        rows = [
            row
            for row in self.disputes.all()
            if row.org == org
            and is_open in (None, row.is_open)
            and overdue in (None, row.overdue)
            and case_id in (None, row.case_id)
        ]
        rows.sort(key=lambda row: row.raised_at, reverse=True)
        return rows[skip : skip + limit]

    def interpretations(self, org: str, *, topic: str | None, limit: int, skip: int) -> list[Dispute]:
        kept = self.disputes.documents.values()
        rows = [
            row
            for row in kept
            if row["org"] == org and "interpreted_at" in row and topic in (None, row["topic"])
        ]
        rows.sort(key=lambda row: row["interpreted_at"], reverse=True)
        return [dispute_of(row) for row in rows[skip : skip + limit]]
