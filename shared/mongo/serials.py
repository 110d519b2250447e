"""Counting: consecutive serials of a series, never given out twice, whoever asks at the same time."""

from __future__ import annotations

from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from shared.errors import Conflict
from shared.mongo.client import database_errors
from shared.mongo.runtime import Runtime

_ATTEMPTS = 50
#: Of how many series a replica remembers where they stood.
_GUESSES = 1_000


class Serials:
    """The counters of one service, in the collection ``serials``."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        self._serials = runtime.database["serials"]
        # Where each series stood when this replica last took from it: mostly it still stands there.
        self._guessed: dict[str, int] = {}

    def reserve(self, series: str, count: int) -> int:
        """Take ``count`` consecutive serials of ``series`` and return the first; never given out twice."""
        first = self._guessed.pop(series, None)
        for _ in range(_ATTEMPTS):
            with database_errors():
                if first is not None and self._take(series, first, count):
                    return first
                row = self._serials.find_one({"_id": series})
                if row is not None:
                    first = int(row["next"])
                    continue
                with suppress(DuplicateKeyError):
                    self._serials.insert_one({"_id": series, "next": 1 + count})
                    return 1
        message = f"too many others number {series} at the same time"
        raise Conflict(message)

    def _take(self, series: str, first: int, count: int) -> bool:
        taken = self._serials.update_one({"_id": series, "next": first}, {"$set": {"next": first + count}})
        if taken.modified_count != 1:
            return False
        if len(self._guessed) >= _GUESSES:
            self._guessed.clear()
        self._guessed[series] = first + count
        return True
