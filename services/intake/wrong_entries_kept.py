"""Where intake keeps who entered what could not be taken, and counts it by member of staff."""

from __future__ import annotations

from typing import Any

from pymongo import ASCENDING, IndexModel

from services.intake.domain.wrong_entry import WrongEntry
from shared.mongo.bounds import at_most
from shared.mongo.client import database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime


class WrongEntries(Kept[WrongEntry]):
    """The refused commands of all organisations."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(WrongEntry)
        super().__init__(runtime, "wrong_entries", documents.to, documents.of)
        by_day = [("org", ASCENDING), ("staff", ASCENDING), ("day", ASCENDING)]
        self.store.ensure_indexes([IndexModel(by_day), IndexModel([("org", ASCENDING), ("day", ASCENDING)])])

    def on_day(self, org: str, staff: str, day: str) -> int:
        """Return how many are kept of one member of staff and day."""
        return self.store.count({"org": org, "staff": staff, "day": day})

    def by_staff(
        self, org: str, first: str, last: str, *, limit: int, skip: int
    ) -> list[tuple[str, int, dict[str, int]]]:
        """Return a page of the staff with entries from ``first`` to ``last``: how many, and by field; by name."""
        match = {"$match": {"org": org, "day": {"$gte": first, **at_most(last)}}}
        by_name: list[dict[str, Any]] = [{"$sort": {"_id": 1}}, {"$skip": skip}, {"$limit": limit}]
        entries: list[Any] = [match, {"$group": {"_id": "$staff", "count": {"$sum": 1}}}, *by_name]
        with database_errors():
            counts = {row["_id"]: row["count"] for row in self.store.collection.aggregate(entries)}
            of_these = {"$match": {"staff": {"$in": list(counts)}}}
            group = {"_id": {"staff": "$staff", "field": "$fields"}, "count": {"$sum": 1}}
            steps: list[Any] = [match, of_these, {"$unwind": "$fields"}, {"$group": group}]
            rows = list(self.store.collection.aggregate(steps)) if counts else []
        fields: dict[str, dict[str, int]] = {staff: {} for staff in counts}
        for row in rows:
            fields[row["_id"]["staff"]][row["_id"]["field"]] = row["count"]
        return [(staff, count, dict(sorted(fields[staff].items()))) for staff, count in counts.items()]
