"""Where reporting keeps which generation of counts is in force, and how far a rebuild has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.reporting.counts_kept import CountsKept
from services.reporting.handlers.rebuilding import Rebuilding, Stage
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime

#: How long a process may go on with a generation that is no longer in force.
STALE = timedelta(seconds=5)
_CURRENT, _REBUILD = "current", "rebuild"


class Generations:
    """The generation in force, and the one that is being made."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep both in the collection ``counting``."""
        self._runtime, self._clock = runtime, runtime.clock
        self._rows = runtime.database["counting"]
        self._known: dict[int, CountsKept] = {}
        self._current = 0
        self._read_at: datetime | None = None

    def now(self) -> CountsKept:
        """Return the counts in force; whoever begins something does all of it with what this returned."""
        at = self._clock.now()
        if self._read_at is None or not self._read_at <= at < self._read_at + STALE:
            with database_errors():
                row = self._rows.find_one({"_id": _CURRENT})
            self._current, self._read_at = (row["generation"] if row else 0), at
        return self.of(self._current)

    def of(self, generation: int) -> CountsKept:
        """Return the counts of a generation, with their indexes."""
        if generation not in self._known:
            counts = CountsKept(self._runtime, generation)
            counts.ensure_indexes()
            self._known[generation] = counts
        return self._known[generation]

    def put_in_force(self, generation: int) -> None:
        """Let ``generation`` be in force: in this process at once, in others soon."""
        with database_errors():
            self._rows.update_one({"_id": _CURRENT}, {"$set": {"generation": generation}}, upsert=True)
        self._read_at = None

    def drop(self, generation: int) -> None:
        """Throw away the counts of a generation that is no longer in force."""
        self._known.pop(generation, None)
        CountsKept(self._runtime, generation).drop()

    # --- the rebuild ------------------------------------------------------------------------------------------

    def rebuilding(self) -> Rebuilding | None:
        """Return the last rebuild, done or not; None when there was none."""
        with database_errors():
            row = self._rows.find_one({"_id": _REBUILD})
        return None if row is None else _rebuilding(row)

    def begin(self, fresh: Rebuilding, before: Rebuilding | None) -> bool:
        """Note that a rebuild begins in place of ``before``; False when somebody else began one meanwhile."""
        document = _document(fresh)
        with database_errors():
            if before is None:
                try:
                    self._rows.insert_one(document)
                except DuplicateKeyError:
                    return False
                return True
            return self._replaced(document, before.turn)

    def save(self, moved: Rebuilding) -> Rebuilding | None:
        """Write how far it has come; None when somebody else wrote since it was read."""
        after = replace(moved, turn=moved.turn + 1)
        with database_errors():
            return after if self._replaced(_document(after), moved.turn) else None

    def _replaced(self, document: Document, turn: int) -> bool:
        guard = {"_id": _REBUILD, "turn": turn}
        found = self._rows.find_one_and_replace(guard, document, return_document=ReturnDocument.AFTER)
        return found is not None


def _document(rebuilding: Rebuilding) -> Document:
    return {"_id": _REBUILD, **asdict(rebuilding), "stage": rebuilding.stage.value}


def _rebuilding(row: Mapping[str, Any]) -> Rebuilding:
    fields = {name: value for name, value in row.items() if name != "_id"}
    return Rebuilding(**fields | {"stage": Stage(row["stage"])})
