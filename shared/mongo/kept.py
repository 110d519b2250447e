"""One collection of aggregates of one kind: read as what they are, written back, and those with clocks found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING, IndexModel

from shared.aggregate import Aggregate
from shared.errors import Conflict
from shared.mongo.bounds import at_most
from shared.mongo.client import Document
from shared.mongo.runtime import Runtime, aggregate_store

A = TypeVar("A", bound=Aggregate)

#: Before anything there is.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
#: What the timer looks for, and what a newer calendar looks for; documents hold the fields only when they apply.
TIMED_INDEXES = (
    IndexModel([("next_due", ASCENDING)], sparse=True),
    IndexModel([("open_calendars", ASCENDING)], sparse=True),
)


class Kept(Generic[A]):
    """One collection of aggregates."""

    def __init__(
        self,
        runtime: Runtime,
        kind: str,
        to_document: Callable[[A], Document],
        from_document: Callable[[Mapping[str, Any]], A],
    ) -> None:
        """Keep aggregates in the collection ``kind`` in the shapes given."""
        self.kind = kind
        self.store = aggregate_store(runtime, kind)
        self._to, self.read = to_document, from_document

    def get(self, aggregate_id: str, org: str) -> A | None:
        """Return one of ``org``."""
        document = self.store.find(aggregate_id, org)
        return None if document is None else self.read(document)

    def insert(self, aggregate: A) -> bool:
        """Write a new one; False when its id or what it must not share is taken."""
        document = self._to(aggregate)
        written = bool(self.store.insert([document]).new)
        if written:
            self.written([(document, 1)])
        return written

    def save(self, aggregate: A, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile, or it would no longer be unique."""
        if self.save_all([(aggregate, since_seq)]):
            raise Conflict(f"{aggregate.id} was changed by somebody else: read it again")

    def save_all(self, changes: Sequence[tuple[A, int]]) -> tuple[str, ...]:
        """Write several and return the ids of those that somebody else changed meanwhile."""
        documents = [(self._to(aggregate), since) for aggregate, since in changes]
        lost = self.store.replace_many(documents)
        self.written([written for written in documents if written[0]["_id"] not in lost])
        return lost

    def find(self, query: Mapping[str, Any], **how: Any) -> list[A]:
        """Return those that match; ``how`` is sort, limit and skip, as the store takes them."""
        return [self.read(document) for document in self.store.find_many(query, **how)]

    def count(self, org: str) -> int:
        """Return how many ``org`` has."""
        return self.store.count({"org": org})

    def due(self, now: datetime, limit: int) -> list[A]:
        """Return those with a clock that fires at or before ``now``, the longest due first."""
        # Bounded below as well: some servers else read the entry of everything that waits for nothing.
        query = {"next_due": {"$gt": _EVER, **at_most(now)}}
        return self.find(query, sort=[("next_due", ASCENDING)], limit=limit)

    def behind(self, current: Collection[str], limit: int, *, skip: Collection[str] = ()) -> list[A]:
        """Return those, but for the ids ``skip``, with an open clock of a calendar not in ``current``."""
        found: dict[str, A] = {}
        for first, end in between(current):
            query = {"open_calendars": {"$gte": first, "$lt": end}}
            rows = self.find(query, limit=limit + len(skip))
            found |= {aggregate.id: aggregate for aggregate in rows if aggregate.id not in skip}
            if len(found) >= limit:
                break
        return list(found.values())[:limit]

    def written(self, documents: Sequence[tuple[Document, int]]) -> None:
        """Do what follows from a write, such as counting it; each document with its first new entry's number."""


def between(names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield stretches of text, each from its first one to before its end: all texts but ``names`` lie in one.

    Texts begin with a letter or a digit.
    """
    first = ""
    for name in sorted(names):
        yield first, name
        first = f"{name}\0"
    yield first, "~"
