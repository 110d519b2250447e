"""Where records of registers and the balances they move are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.errors import Conflict
from shared.mongo.bounds import at_most
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime
from shared.registers.forgetting import named_in
from shared.registers.record import Record
from shared.registers.stock import Balance
from shared.registers.values import token

#: Where a page ended: when its last record was opened, and its id.
After = tuple[datetime, str]

_NEWEST = [("opened_at", DESCENDING), ("_id", ASCENDING)]
_ATTEMPTS = 20
_DAY = timedelta(days=1)
_BATCH = 1000
#: What no list or count looks at.
_HEAVY = ("history", "answers", "processed", "acts", "corrections", "deadlines", "tokens")


class RecordsKept(Kept[Record]):
    """The records of all registers."""

    def __init__(self, runtime: Runtime, *, people: tuple[str, ...]) -> None:
        """Keep them in the collection ``records``; ids that begin like ``people`` say whom one is about."""
        documents = Documents(Record)

        def to(record: Record) -> Document:
            # Every document has a key of its own, so that the unique index needs no exceptions.
            about = sorted(text for text in named_in(record.values) if text.startswith(people))
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
                IndexModel([("to_open_since", ASCENDING)], sparse=True),
                IndexModel([*head, newest]),
                IndexModel([*head, ("state", ASCENDING), newest]),
                IndexModel([*head, ("closed_at", ASCENDING)]),
                IndexModel([*head, ("tokens", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), ("tokens", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), ("staff", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), ("overdue", ASCENDING)], sparse=True),
                IndexModel([("about", ASCENDING), ("_id", ASCENDING)], sparse=True),
            ]
        )

    def page(self, query: Mapping[str, Any], limit: int = 0, skip: int = 0) -> list[Record]:
        """Return a page of what matches, newest first."""
        return self.find(query, sort=_NEWEST, limit=limit, skip=skip)

    def holder(self, keys: Sequence[str], but: str) -> tuple[str, str] | None:
        """Return another record that has one of ``keys``, which no two may share, and which of them it is."""
        if not keys:
            return None
        wanted = {"shared": {"$in": list(keys)}, "_id": {"$ne": but}}
        found = self.store.find_many(wanted, limit=1, without=_HEAVY)
        if not found:
            return None
        return found[0]["_id"], next(key for key in keys if key in found[0]["shared"])

    def page_after(self, query: Mapping[str, Any], limit: int, after: After | None) -> list[Record]:
        """Return the first of what matches and comes behind ``after``, newest first."""
        return [self.read(row) for row in self._behind(query, limit, after, ())]

    def rows(self, query: Mapping[str, Any]) -> Iterator[Document]:
        """Yield the documents of all that matches, newest first, without their history, a batch at a time."""
        after: After | None = None
        while batch := self._behind(query, _BATCH, after, _HEAVY):
            yield from batch
            after = (batch[-1]["opened_at"], batch[-1]["_id"])

    def fence(self, record_id: str, org: str) -> None:
        """Keep whoever read the record before, or found none, from writing it without reading it again."""
        for _ in range(_ATTEMPTS):
            record = self.get(record_id, org)
            if record is None:
                self.store.insert([_fence(record_id)])
                return
            try:
                self.save(record, since_seq=record.history.next_seq)
            except Conflict:
                continue
            return
        raise Conflict(f"{record_id} keeps being changed by others: try again")

    def _behind(
        self, query: Mapping[str, Any], limit: int, after: After | None, without: Sequence[str]
    ) -> list[Document]:
        wanted = dict(query)
        if after is not None:
            at, record_id = after
            same = {"opened_at": at, "_id": {"$gt": record_id}}
            wanted = {"$and": [wanted, {"$or": [{"opened_at": {"$lt": at}}, same]}]}
        return self.store.find_many(wanted, sort=_NEWEST, limit=limit, without=without)

    def owing(self, before: datetime, limit: int) -> list[Record]:
        """Return records whose steps before ``before`` changed balances that may not know of it yet."""
        query = {"owed_since": {"$lt": before}}
        return self.find(query, sort=[("owed_since", ASCENDING)], limit=limit)

    def about(self, org: str, ids: Collection[str], *, after: str | None, limit: int) -> list[Record]:
        """Return records of ``org`` that name one of ``ids``, in the order of their own, those behind ``after``."""
        query: dict[str, Any] = {"about": {"$in": sorted(ids)}, "org": org}
        if after is not None:
            query["_id"] = {"$gt": after}
        return self.find(query, sort=[("_id", ASCENDING)], limit=limit)

    def of_days(self, org: str, register: str, day: str | None, first: date, last: date) -> list[Record]:
        """Return records whose field ``day``, or whose opening, lies in the days; of moments a day more on each side.

        ``day`` is the code of a field that holds a date or a moment. Whoever asks looks closer at what zone counts.
        """
        low, high = first - _DAY, last + 2 * _DAY
        query: dict[str, Any] = {"org": org, "register": register}
        if day is None:
            begins, ends = (datetime.combine(each, time.min, UTC) for each in (low, high))
            query["opened_at"] = {"$gte": begins, "$lt": ends}
        else:
            query["tokens"] = {"$elemMatch": {"$gte": token(day, low), "$lt": token(day, high)}}
        return self.find(query, sort=_NEWEST)

    def to_open(self, before: datetime, limit: int) -> list[Record]:
        """Return records whose steps until ``before`` open others that may not be there yet."""
        query = {"to_open_since": at_most(before)}
        return self.find(query, sort=[("to_open_since", ASCENDING)], limit=limit)


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
                IndexModel([("full", ASCENDING)], sparse=True),
            ]
        )

    def page(self, query: Mapping[str, Any], limit: int, skip: int) -> list[Balance]:
        """Return a page of what matches, by stock, item and place; of each balance the volume that is open."""
        order = [("stock", ASCENDING), ("item", ASCENDING), ("_id", ASCENDING)]
        return self.find({**query, "closed": {"$ne": True}}, sort=order, limit=limit, skip=skip)

    def full(self, limit: int) -> list[Balance]:
        """Return full volumes that are still to be closed and carried over."""
        return self.find({"full": True}, limit=limit)

    def unfinished(self, before: datetime, limit: int) -> list[Balance]:
        """Return balances with something reserved before ``before``."""
        query = {"reserved_since": {"$lt": before}}
        return self.find(query, sort=[("reserved_since", ASCENDING)], limit=limit)


def _fence(record_id: str) -> Document:
    """Return what stands where a record will never be, of no organisation, so that no list finds it."""
    return {
        "_id": record_id,
        "org": "",
        "version": 1,
        "history": [],
        "processed": [],
        "answers": [],
        "shared": [record_id],
    }


def _without_empty(documents: Documents[Any], aggregate: Record | Balance) -> Document:
    """Return the document without the fields that are searched for only where there is something."""
    document = documents.to(aggregate)
    for name in ("reserved_since", "owed_since", "to_open_since", "full"):
        if document.get(name) is None:
            document.pop(name, None)
    return document
