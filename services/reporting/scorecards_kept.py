"""Where scorecards find their facts, and where closed months are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from services.reporting.domain.scorecards.closed import ClosedMonth
from services.reporting.domain.scorecards.definition import Feed
from services.reporting.handlers.scorecards.facts import Row
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.registers import RecordsKept
from shared.mongo.runtime import Runtime
from shared.registers.values import token

_DAY = timedelta(days=1)


class ClosedMonths(Kept[ClosedMonth]):
    """The closed months of all scorecards."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``scorecards``; they are found by their ids alone."""
        documents = Documents(ClosedMonth)
        super().__init__(runtime, "scorecards", documents.to, documents.of)


class RecordsFed:
    """The records that feed cards."""

    def __init__(self, records: RecordsKept) -> None:
        """Look in ``records``."""
        self._records = records

    def fed(self, org: str, feed: Feed, first: date, last: date, person: str | None) -> Iterator[Row]:
        """Yield records that may be meant, those a day before and after too: whoever asks looks closer."""
        low, high = first - _DAY, last + 2 * _DAY
        query: dict[str, Any] = {"org": org, "register": feed.register}
        if feed.day is None:
            begins, ends = (datetime.combine(each, time.min, UTC) for each in (low, high))
            query["opened_at"] = {"$gte": begins, "$lt": ends}
        else:
            query["tokens"] = {"$elemMatch": {"$gte": token(feed.day, low), "$lt": token(feed.day, high)}}
        if person is not None:
            query = {"$and": [query, {"tokens": token(feed.person, person)}]}
        for row in self._records.rows(query):
            yield Row(row["_id"], row["opened_at"], row["state"], row["values"])
