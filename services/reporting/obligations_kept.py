"""Where obligations are kept: what is owed, how far it was opened, and whom the staff directory has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.reporting.domain.obligations.occurrence import Occurrence
from services.reporting.handlers.obligations.staff import Member
from shared.mongo.client import database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime

_EARLIEST = [("due", ASCENDING), ("_id", ASCENDING)]


class OccurrencesKept(Kept[Occurrence]):
    """The occurrences of all obligations."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``obligations``."""
        documents = Documents(Occurrence)
        super().__init__(runtime, "obligations", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and of the timer."""
        searched = ("standing", "role", "owner", "code")
        self.store.ensure_indexes(
            [
                *TIMED_INDEXES,
                IndexModel([("org", ASCENDING), *_EARLIEST]),
                *(IndexModel([("org", ASCENDING), (name, ASCENDING), *_EARLIEST]) for name in searched),
            ]
        )

    def add(self, occurrences: Sequence[Occurrence]) -> int:
        """Write those not there yet; return how many were new."""
        return len(self.store.insert([self._to(each) for each in occurrences]).new) if occurrences else 0

    def overdue_by(self, now: datetime, limit: int) -> list[Occurrence]:
        """Return those whose clock runs out at or before ``now``, the longest due first."""
        return [each for each in self.due(now, limit) if each.due <= now]

    def page(self, query: Mapping[str, Any], limit: int, skip: int) -> list[Occurrence]:
        """Return a page of what matches, the earliest due first."""
        return self.find(query, sort=_EARLIEST, limit=limit, skip=skip)


class Opened:
    """Until which day each obligation of each organisation was opened."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep it in the collection ``obligations_opened``."""
        self._rows = runtime.database["obligations_opened"]

    def until(self, org: str, code: str) -> date | None:
        """Return the first day of the latest stretch that was opened."""
        with database_errors():
            row = self._rows.find_one({"_id": f"{org}/{code}"})
        return None if row is None else date.fromisoformat(row["first"])

    def note(self, org: str, code: str, first: date) -> None:
        """Note that the stretch from ``first`` was opened; an earlier one than what is there changes nothing."""
        key, text = f"{org}/{code}", first.isoformat()
        with database_errors():
            if self._rows.update_one(
                {"_id": key, "first": {"$lt": text}}, {"$set": {"first": text}}
            ).matched_count:
                return
            try:
                self._rows.insert_one({"_id": key, "first": text})
            except DuplicateKeyError:
                return


class StaffKept:
    """Who is on the staff of each organisation, as intake's directory says."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``staff``."""
        self._rows = runtime.database["staff"]

    def ensure_indexes(self) -> None:
        """Create the index of the list."""
        with database_errors():
            self._rows.create_indexes([IndexModel([("org", ASCENDING), ("active", ASCENDING)])])

    def note(self, org: str, member: Member, at: datetime, sequence: int) -> None:
        """Take what the directory said of somebody ``at`` an instant; what it said before that changes nothing."""
        key = f"{org}/{member.staff}"
        row = {
            "org": org,
            "staff": member.staff,
            "unit": member.unit,
            "post": member.post,
            "active": member.active,
            "at": at,
            "sequence": sequence,
        }
        older = {"$or": [{"at": {"$lt": at}}, {"at": at, "sequence": {"$lt": sequence}}]}
        with database_errors():
            if self._rows.update_one({"_id": key, **older}, {"$set": row}).matched_count:
                return
            try:
                self._rows.insert_one({"_id": key, **row})
            except DuplicateKeyError:
                return

    def ids(self, org: str) -> list[str]:
        """Return the ids of everybody who is there."""
        return [member.staff for member in self.active(org)]

    def active(self, org: str) -> list[Member]:
        """Return everybody who is there, by id."""
        with database_errors():
            rows = list(self._rows.find({"org": org, "active": True}).sort("staff", ASCENDING))
        return [Member(row["staff"], row["unit"], row["post"], active=True) for row in rows]
