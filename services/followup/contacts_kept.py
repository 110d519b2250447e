"""Where it is kept who was in contact: a mark for each customer and period, how many there are, and who is due next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.followup.domain.contacts.mark import Mark
from services.followup.domain.contacts.standing import Standing, standing_id
from shared.errors import Conflict
from shared.mongo.client import Document, database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime

_ATTEMPTS = 50


class TalliesKept:
    """Marks, and for each quota and period a tally of them, so that nobody ever counts marks to answer.

    A mark and its tally are two documents. The tally carries what it has counted and the mark does not know of yet
    (``pending``), and every change of it is made on the version read before, so that whatever dies in between, and
    whoever else is at it, each mark is counted once and taken back once. A mark remembers the version of the tally
    it learned from (``seen``), so that who is slow tells it nothing old.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        self._marks = runtime.database["contact_marks"]
        self._tallies = runtime.database["contact_tallies"]

    def ensure_indexes(self) -> None:
        """Create the indexes by which a record's marks are found; all else is found by id."""
        with database_errors():
            self._marks.create_indexes(
                [IndexModel([("records", ASCENDING)]), IndexModel([("leaving", ASCENDING)])]
            )

    def place(self, record_id: str, marks: Collection[Mark]) -> list[Mark]:
        """Let a record stand for exactly these ``marks``, and return those it has left.

        Repeating it is harmless, and finishes what a process that died began: what was left is returned until
        ``let_go`` says that all that follows is done.
        """
        wanted = {mark.id: mark for mark in marks}
        for mark in wanted.values():
            self._add(record_id, mark)
        with database_errors():
            rows = list(self._marks.find({"$or": [{"records": record_id}, {"leaving": record_id}]}))
            left = [
                Mark(row["org"], row["quota"], row["period"], row["customer_id"])
                for row in rows
                if row["_id"] not in wanted
            ]
            for mark in left:
                change = {"$pull": {"records": record_id}, "$addToSet": {"leaving": record_id}}
                self._marks.update_one({"_id": mark.id}, change)
        for mark in (*left, *wanted.values()):
            self._settle(mark)
        return left

    def let_go(self, record_id: str, left: Collection[Mark]) -> None:
        """Forget that a record once stood for the marks it has ``left``."""
        if left:
            gone = {"_id": {"$in": [mark.id for mark in left]}}
            with database_errors():
                self._marks.update_many(gone, {"$pull": {"leaving": record_id}})

    def reached(self, org: str, quota: str, period: str) -> int:
        """Return how many are marked: one document is read, however many there are."""
        with database_errors():
            tally = self._tallies.find_one({"_id": _tally_id(org, quota, period)})
        return 0 if tally is None else int(tally["reached"])

    def marked(self, org: str, quota: str, period: str, customers: Collection[str]) -> set[str]:
        """Return which of ``customers`` are marked."""
        ids = [Mark(org, quota, period, customer).id for customer in customers]
        query = {"_id": {"$in": ids}, "records.0": {"$exists": True}}
        with database_errors():
            return {row["customer_id"] for row in self._marks.find(query, {"customer_id": 1})}

    def census(self, org: str, quota: str) -> tuple[int, datetime] | None:
        """Return how many customers were meant when they were last counted, and when that was."""
        with database_errors():
            row = self._tallies.find_one({"_id": _census_id(org, quota)})
        return None if row is None else (int(row["population"]), row["at"])

    def keep_census(self, org: str, quota: str, population: int, at: datetime) -> None:
        """Remember how many customers are meant."""
        row = {"org": org, "quota": quota, "population": population, "at": at}
        with database_errors():
            self._tallies.update_one({"_id": _census_id(org, quota)}, {"$set": row}, upsert=True)

    def _add(self, record_id: str, mark: Mark) -> None:
        new = {
            "org": mark.org,
            "quota": mark.quota,
            "period": mark.period,
            "customer_id": mark.customer_id,
            "counted": False,
            "seen": 0,
        }
        change = {
            "$setOnInsert": new,
            "$addToSet": {"records": record_id},
            "$pull": {"leaving": record_id},
            "$set": {"member": mark.member},
        }
        for _ in range(_ATTEMPTS):
            try:
                with database_errors():
                    self._marks.update_one({"_id": mark.id}, change, upsert=True)
            except DuplicateKeyError:
                # Somebody wrote the first at the same instant; now it is there to be changed.
                continue
            return

    def _settle(self, mark: Mark) -> None:
        """Bring the tally to what the mark says."""
        for _ in range(_ATTEMPTS):
            tally = self._tally(mark)
            with database_errors():
                row = self._marks.find_one({"_id": mark.id})
            if row is None:
                return
            if mark.id in tally["pending"]:
                self._tell(mark.id, tally)
                continue
            wanted = bool(row["records"]) and bool(row["member"])
            if wanted == row["counted"]:
                return
            step = {
                "$inc": {"version": 1, "reached": 1 if wanted else -1},
                "$set": {f"pending.{mark.id}": wanted},
            }
            self._change(tally, step)
        raise Conflict("others keep counting the same contacts: try again")

    def _tell(self, mark_id: str, tally: Mapping[str, Any]) -> None:
        """Let a mark know that it is counted, or no longer, and then let the tally forget about it."""
        version = tally["version"]
        with database_errors():
            self._marks.update_one(
                {"_id": mark_id, "seen": {"$lt": version}},
                {"$set": {"counted": tally["pending"][mark_id], "seen": version}},
            )
        self._change(tally, {"$inc": {"version": 1}, "$unset": {f"pending.{mark_id}": ""}})

    def _change(self, tally: Mapping[str, Any], step: Mapping[str, Any]) -> None:
        """Change a tally if it is still as it was read; if not, whoever asks reads it again."""
        with database_errors():
            self._tallies.update_one({"_id": tally["_id"], "version": tally["version"]}, step)

    def _tally(self, mark: Mark) -> Document:
        tally_id = _tally_id(mark.org, mark.quota, mark.period)
        new = {
            "org": mark.org,
            "quota": mark.quota,
            "period": mark.period,
            "reached": 0,
            "version": 1,
            "pending": {},
        }
        for _ in range(_ATTEMPTS):
            with database_errors():
                tally = self._tallies.find_one({"_id": tally_id})
                if tally is not None:
                    return tally
                try:
                    self._tallies.insert_one({"_id": tally_id, **new})
                except DuplicateKeyError:
                    continue
        raise Conflict("others keep counting the same contacts: try again")


class StandingsKept(Kept[Standing]):
    """How customers stand under quotas that give an interval."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``contact_standings``."""
        documents = Documents(Standing)
        super().__init__(runtime, "contact_standings", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of the timer and of what is overdue."""
        late = [("org", ASCENDING), ("quota", ASCENDING), ("overdue", ASCENDING)]
        self.store.ensure_indexes([*TIMED_INDEXES, IndexModel(late)])

    def overdue(self, org: str, quota: str) -> int:
        """Return how many are overdue; the index holds what is."""
        return self.store.count({"org": org, "quota": quota, "overdue": True})

    def of(self, org: str, quota: str, customers: Collection[str]) -> dict[str, Standing]:
        """Return how ``customers`` stand, by customer; who was never in contact is not there."""
        ids = [standing_id(org, quota, customer) for customer in customers]
        return {standing.customer_id: standing for standing in self.find({"_id": {"$in": ids}})}


def _tally_id(org: str, quota: str, period: str) -> str:
    return f"{org}/{quota}/{period}"


def _census_id(org: str, quota: str) -> str:
    return f"{org}/{quota}"
