"""Where records of registers and the balances they move are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.intake.domain.registers.forgetting import named_in
from services.intake.domain.registers.record import Record
from services.intake.domain.registers.stock import Balance
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime

#: How the ids begin of customers and of contacts, which lead to one.
_PEOPLE = ("cu_", "ct_")


class RecordsKept(Kept[Record]):
    """The records of all registers."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``records``."""
        documents = Documents(Record)

        def to(record: Record) -> Document:
            # Every document has a key of its own, so that the unique index needs no exceptions.
            about = sorted(text for text in named_in(record.values) if text.startswith(_PEOPLE))
            named = {"about": about} if about else {}
            return _without_empty(documents, record) | {"shared": record.shared or [record.id]} | named

        super().__init__(runtime, "records", to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and every uniqueness."""
        head = [("org", ASCENDING), ("register", ASCENDING)]
        newest = ("opened_at", DESCENDING)
        self.store.ensure_indexes(
            [
                *TIMED_INDEXES,
                IndexModel([("shared", ASCENDING)], unique=True),
                IndexModel([("owed_since", ASCENDING)], sparse=True),
                IndexModel([*head, newest]),
                IndexModel([*head, ("state", ASCENDING), newest]),
                IndexModel([*head, ("tokens", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), ("tokens", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), ("staff", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), ("overdue", ASCENDING)], sparse=True),
            ]
        )

    def page(self, query: Mapping[str, Any], limit: int = 0, skip: int = 0) -> list[Record]:
        """Return a page of what matches, newest first."""
        order = [("opened_at", DESCENDING), ("_id", ASCENDING)]
        return self.find(query, sort=order, limit=limit, skip=skip)

    def holder(self, keys: Sequence[str], but: str) -> str | None:
        """Return the id of another record that has one of ``keys``, which no two may share."""
        if not keys:
            return None
        found = self.store.find_many({"shared": {"$in": list(keys)}, "_id": {"$ne": but}}, limit=1)
        return found[0]["_id"] if found else None

    def owing(self, before: datetime, limit: int) -> list[Record]:
        """Return records whose steps before ``before`` changed balances that may not know of it yet."""
        query = {"owed_since": {"$lt": before}}
        return self.find(query, sort=[("owed_since", ASCENDING)], limit=limit)


class BalancesKept(Kept[Balance]):
    """The balances of all stocks."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``balances``."""
        documents = Documents(Balance)

        def to(balance: Balance) -> Document:
            return _without_empty(documents, balance)

        super().__init__(runtime, "balances", to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of the list and of what is to be finished."""
        self.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("stock", ASCENDING), ("item", ASCENDING)]),
                IndexModel([("reserved_since", ASCENDING)], sparse=True),
            ]
        )

    def page(self, query: Mapping[str, Any], limit: int, skip: int) -> list[Balance]:
        """Return a page of what matches, by stock, item and place."""
        order = [("stock", ASCENDING), ("item", ASCENDING), ("_id", ASCENDING)]
        return self.find(query, sort=order, limit=limit, skip=skip)

    def unfinished(self, before: datetime, limit: int) -> list[Balance]:
        """Return balances with something reserved before ``before``."""
        query = {"reserved_since": {"$lt": before}}
        return self.find(query, sort=[("reserved_since", ASCENDING)], limit=limit)


def _without_empty(documents: Documents[Any], aggregate: Record | Balance) -> Document:
    """Return the document without the fields that are searched for only where there is something."""
    document = documents.to(aggregate)
    for name in ("reserved_since", "owed_since"):
        if document.get(name) is None:
            document.pop(name, None)
    return document
