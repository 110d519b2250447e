"""Where complaints keeps offers and delegations; knows pymongo, as ``repository`` does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.complaints.domain.money.delegation import Delegation
from services.complaints.domain.money.offer import Offer
from services.complaints.ledgers import Kept
from services.complaints.offer_documents import (
    delegation_document,
    delegation_of,
    offer_document,
    offer_of,
)
from shared.mongo.bounds import at_most
from shared.mongo.runtime import Runtime


class OfferRepository:
    """Reads and writes what is offered to customers, and who may act for whom."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self.offers = Kept(runtime, "offers", offer_document, offer_of)
        self.delegations = Kept(runtime, "delegations", delegation_document, delegation_of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list."""
        self.offers.store.ensure_indexes(
            [
                IndexModel([("pending", ASCENDING)], sparse=True),
                IndexModel([("next_due", ASCENDING)], sparse=True),
                IndexModel([("matter_id", ASCENDING), ("committed", ASCENDING)]),
                IndexModel([("case_id", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("awaits", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("_id", ASCENDING)]),
            ]
        )
        self.delegations.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("principal", ASCENDING), ("until", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("delegate", ASCENDING), ("until", DESCENDING)]),
            ]
        )

    def committed(self, org: str, matter_id: str) -> list[Offer]:
        """Return the approved offers of a matter, those accepted and paid among them."""
        return self.offers.find({"matter_id": matter_id, "committed": True, "org": org})

    def pending(self, limit: int) -> list[Offer]:
        """Return offers of which their case still has to be told."""
        return self.offers.find({"pending": True}, limit=limit)

    def due(self, now: datetime, limit: int) -> list[Offer]:
        """Return offers whose clock fires at or before ``now``, the longest due first."""
        return self.offers.find({"next_due": at_most(now)}, sort=[("next_due", ASCENDING)], limit=limit)

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
        """Return a page of offers, the newest first; ``awaits`` are roles of which one is to approve next."""
        query: dict[str, Any] = {"org": org}
        given = {"state": state, "case_id": case_id, "matter_id": matter_id}
        query |= {name: value for name, value in given.items() if value is not None}
        if awaits is not None:
            query["awaits"] = {"$in": sorted(awaits)}
        return self.offers.find(query, sort=[("proposed_at", DESCENDING)], limit=limit, skip=skip)

    def delegated(
        self, org: str, *, principal: str | None, delegate: str | None, limit: int, skip: int
    ) -> list[Delegation]:
        """Return a page of delegations, those that end last first."""
        query: dict[str, Any] = {"org": org}
        given = {"principal": principal, "delegate": delegate}
        query |= {name: value for name, value in given.items() if value is not None}
        return self.delegations.find(query, sort=[("until", DESCENDING)], limit=limit, skip=skip)
