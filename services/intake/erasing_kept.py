"""Where an erasure finds what the collections of intake hold about a customer; part of the service's repository."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel

from services.intake.domain.privacy.holdings import HOLDINGS, Reach
from shared.aggregate import Aggregate
from shared.mongo.kept import Kept

_PAGE = 200
_BY_ID = [("_id", ASCENDING)]
#: Paths that a list of their own part has an index for already.
_INDEXED = frozenset({"requests", "dossiers", "gradings"})


class Holders:
    """The collections of everything but contacts and rejected events, by name."""

    def __init__(self, shelves: Iterable[Kept[Any]]) -> None:
        """Look into ``shelves``; a collection that nobody said anything of is a mistake."""
        self._shelves: Mapping[str, Kept[Any]] = {kept.kind: kept for kept in shelves}
        unsaid = sorted(self._shelves.keys() - HOLDINGS.keys())
        if unsaid:
            message = f"nobody said what is personal of {', '.join(unsaid)}"
            raise ValueError(message)

    def ensure_indexes(self) -> None:
        """Create the index each collection is searched by when a customer is erased."""
        for name, kept in self._shelves.items():
            holding = HOLDINGS[name]
            if holding.found_by is not None and name not in _INDEXED:
                there: dict[str, Any] = {holding.found_by: {"$exists": True}}
                path = [(holding.found_by, ASCENDING)]
                kept.store.ensure_indexes([IndexModel(path, partialFilterExpression=there)])
            if holding.reach is Reach.WORDS:
                kept.store.ensure_indexes([IndexModel([("org", ASCENDING), ("_id", ASCENDING)])])

    def about(
        self, name: str, org: str, ids: Collection[str], *, path: str | None = None
    ) -> Iterator[Sequence[Aggregate]]:
        """Yield pages of what the collection ``name`` holds about ``ids``, found by its own path or another."""
        found_by = path or HOLDINGS[name].found_by
        if found_by is not None and ids:
            yield from self._pages(name, {"org": org, found_by: {"$in": sorted(ids)}})

    def every(self, name: str, org: str) -> Iterator[Sequence[Aggregate]]:
        """Yield pages of all that ``org`` has in the collection ``name``."""
        yield from self._pages(name, {"org": org})

    def save(self, name: str, changes: Sequence[tuple[Any, int]]) -> tuple[str, ...]:
        """Write changed things; return the ids of those that somebody else changed meanwhile."""
        return self._shelves[name].save_all(changes)

    def _pages(self, name: str, query: Mapping[str, Any]) -> Iterator[Sequence[Aggregate]]:
        kept, after = self._shelves[name], ""
        while rows := kept.find({"$and": [query, {"_id": {"$gt": after}}]}, sort=_BY_ID, limit=_PAGE):
            after = rows[-1].id
            yield rows
