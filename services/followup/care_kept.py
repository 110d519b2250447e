"""Where followup keeps campaigns, and how it finds the messages that came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.followup.domain.care.campaign import Campaign
from services.followup.domain.message import Message, Status
from services.followup.repository import message_document, message_of
from shared.mongo.bounds import at_most
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import Inserted


class CampaignsKept(Kept[Campaign]):
    """The campaigns of every organisation."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Campaign)
        super().__init__(runtime, "campaigns", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of the timer and of the lists."""
        newest = [("org", ASCENDING), ("started_at", DESCENDING), ("_id", ASCENDING)]
        of_kind = [("org", ASCENDING), ("kind", ASCENDING), ("started_at", DESCENDING), ("_id", ASCENDING)]
        self.store.ensure_indexes(
            [IndexModel([("next_at", ASCENDING)]), IndexModel(newest), IndexModel(of_kind)]
        )

    def insert_all(self, campaigns: Sequence[Campaign]) -> Inserted:
        """Write those not there yet."""
        return self.store.insert([self._to(campaign) for campaign in campaigns])

    def running(self, now: Any, limit: int) -> list[Campaign]:
        """Return campaigns that go on now, the longest waiting first."""
        query = {"next_at": {**at_most(now), "$ne": None}}
        return self.find(query, sort=[("next_at", ASCENDING), ("_id", ASCENDING)], limit=limit)

    def listed(self, org: str, kind: str | None, limit: int, skip: int) -> list[Campaign]:
        """Return a page of the campaigns of ``org``, newest first."""
        query = {"org": org, "kind": kind} if kind else {"org": org}
        order = [("started_at", DESCENDING), ("_id", ASCENDING)]
        return self.find(query, sort=order, limit=limit, skip=skip)


class MessagesKept(Kept[Message]):
    """The outgoing messages, as campaigns and delivery reports see them."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        super().__init__(runtime, "messages", message_document, message_of)

    def ensure_indexes(self) -> None:
        """Create the indexes: by campaign and status, and each of a customer's places in a month once."""
        newest = [("requested_at", DESCENDING), ("_id", ASCENDING)]
        campaign = [("campaign_id", ASCENDING), ("status", ASCENDING), *newest]
        self.store.ensure_indexes(
            [
                IndexModel(campaign, sparse=True),
                IndexModel([("place", ASCENDING)], unique=True, sparse=True),
                IndexModel([("awaiting", ASCENDING), *newest], sparse=True),
                IndexModel([("month", ASCENDING), ("customer_id", ASCENDING)], sparse=True),
            ]
        )

    def insert_all(self, messages: Sequence[Message]) -> Inserted:
        """Write those not there yet; known are also those whose place in the month was taken."""
        return self.store.insert([self._to(message) for message in messages])

    def campaigns_of(self, message_ids: Sequence[str]) -> dict[str, str | None]:
        """Return the campaign of each of the messages that are there."""
        rows = self.store.find_many({"_id": {"$in": list(message_ids)}}, only=["campaign_id"])
        return {row["_id"]: row.get("campaign_id") for row in rows}

    def in_month(self, month: str, customer_ids: Sequence[str]) -> Counter[str]:
        """Return how many counted messages each of the customers got in ``month``, which names the organisation."""
        query = {"month": month, "customer_id": {"$in": list(customer_ids)}}
        return Counter(row["customer_id"] for row in self.store.find_many(query, only=["customer_id"]))

    def with_ids(self, message_ids: Sequence[str]) -> dict[str, Message]:
        """Return those of the messages that are there."""
        return {message.id: message for message in self.find({"_id": {"$in": list(message_ids)}})}

    def by_status(self, campaign_id: str) -> dict[Status, int]:
        """Return how many messages of a campaign stand where."""
        return {
            status: self.store.count({"campaign_id": campaign_id, "status": status.value})
            for status in Status
        }
