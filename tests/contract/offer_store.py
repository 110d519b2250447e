"""Where complaints keeps offers and delegations in tests: in memory, in the shapes the database would hold."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from services.complaints.domain.money.delegation import Delegation
from services.complaints.domain.money.offer import Offer
from services.complaints.offer_documents import (
    delegation_document,
    delegation_of,
    offer_document,
    offer_of,
)
from tests.contract.ledger_store import MemoryKept, Sink


class MemoryOffers:
    """Stands in for the repository of offers."""

    def __init__(self, sink: Sink | None = None) -> None:
        self.offers = MemoryKept[Offer](offer_document, offer_of, sink)
        self.delegations = MemoryKept[Delegation](delegation_document, delegation_of, sink)

    def ensure_indexes(self) -> None:
        """Nothing to do: what is unique is checked at every write."""

    def committed(self, org: str, matter_id: str) -> list[Offer]:
        rows = self.offers.all()
        return [row for row in rows if (row.org, row.matter_id) == (org, matter_id) and row.committed]

    def pending(self, limit: int) -> list[Offer]:
        return [row for row in self.offers.all() if row.pending][:limit]

    def due(self, now: datetime, limit: int) -> list[Offer]:
        return [row for row in self.offers.all() if row.next_due is not None and row.next_due <= now][:limit]

    def listed(
        self,
        org: str,
        *,
        state: str | None,
        case_id: str | None,
        matter_id: str | None,
        awaits: Collection[str] | None,
        limit: int,
        skip: int,
    ) -> list[Offer]:
        rows = [
            row
            for row in self.offers.all()
            if row.org == org
            and state in {None, row.state.value}
            and case_id in {None, row.case_id}
            and matter_id in {None, row.matter_id}
            and (awaits is None or set(awaits) & set(row.awaits))
        ]
        rows.sort(key=lambda row: row.proposed_at, reverse=True)
        return rows[skip : skip + limit]

    def delegated(
        self, org: str, *, principal: str | None, delegate: str | None, limit: int, skip: int
    ) -> list[Delegation]:
        rows = [
            row
            for row in self.delegations.all()
            if row.org == org
            and principal in {None, row.mandate.principal}
            and delegate in {None, row.mandate.delegate}
        ]
        rows.sort(key=lambda row: row.mandate.until, reverse=True)
        return rows[skip : skip + limit]
