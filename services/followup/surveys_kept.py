"""Where followup keeps waves of surveys, invitations, and what it knows of cases until they close."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne

from services.followup.domain.surveys.invitation import INVITED, Invitation
from services.followup.domain.surveys.wave import Wave
from shared.mongo.client import Document, database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import Inserted


class WavesKept(Kept[Wave]):
    """The waves of every kind."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Wave)
        super().__init__(runtime, "survey_waves", lambda wave: _waiting(documents.to(wave)), documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of lists, of the work under way, and of the timer."""
        listed = [("org", ASCENDING), ("planned_at", DESCENDING), ("_id", ASCENDING)]
        by_kind = [("org", ASCENDING), ("kind", ASCENDING), ("launched_at", DESCENDING)]
        self.store.ensure_indexes(
            [
                IndexModel(listed),
                IndexModel(by_kind),
                IndexModel([("job.what", ASCENDING)], sparse=True),
                *TIMED_INDEXES,
            ]
        )

    def at_work(self, limit: int) -> list[Wave]:
        """Return waves whose people are being counted, drawn or reminded."""
        return self.find({"job.what": {"$exists": True}}, limit=limit)

    def page(self, org: str, kind: str | None, state: str | None, limit: int, skip: int) -> list[Wave]:
        """Return a page of waves, the newest plan first."""
        query = {"org": org} | ({"kind": kind} if kind else {}) | ({"state": state} if state else {})
        order = [("planned_at", DESCENDING), ("_id", ASCENDING)]
        return self.find(query, sort=order, limit=limit, skip=skip)

    def before(self, wave: Wave) -> Wave | None:
        """Return the wave of the same kind launched last before ``wave``."""
        query = {
            "org": wave.org,
            "kind": wave.kind,
            "launched_at": {"$lt": wave.launched_at or wave.planned_at},
        }
        rows = self.find(query, sort=[("launched_at", DESCENDING)], limit=1)
        return rows[0] if rows else None

    def launched_within(self, org: str, kind: str, first: datetime, end: datetime) -> bool:
        """Return whether a wave of ``kind`` was launched from ``first`` to before ``end``."""
        query = {"org": org, "kind": kind, "launched_at": {"$gte": first, "$lt": end}}
        return bool(self.store.find_many(query, limit=1, only=("_id",)))


def _waiting(document: Document) -> Document:
    """Leave out the work that is not there, so that the index of it stays small."""
    if document["job"] is None:
        del document["job"]
    return document


class InvitationsKept(Kept[Invitation]):
    """The people asked in every wave, with their answers."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Invitation)
        super().__init__(
            runtime,
            "survey_invitations",
            lambda asked: documents.to(asked) | {"counted": asked.counted},
            documents.of,
        )

    def ensure_indexes(self) -> None:
        """Create the indexes of a wave's list and figures."""
        keys = (("state", "_id"), ("_id",), ("counted",))
        of_waves = [
            IndexModel([("wave_id", ASCENDING), *((key, ASCENDING) for key in each)]) for each in keys
        ]
        by_customer = IndexModel([("org", ASCENDING), ("customer_id", ASCENDING), ("_id", ASCENDING)])
        self.store.ensure_indexes([*of_waves, by_customer])

    def add(self, invitations: Sequence[Invitation]) -> Inserted:
        """Write invitations; those already there are reported as known."""
        return self.store.insert([self._to(each) for each in invitations])

    def page(self, org: str, wave_id: str, state: str | None, limit: int, skip: int) -> list[Invitation]:
        """Return a page of a wave's invitations in the order of their ids, which is that of nobody's name."""
        query = {"wave_id": wave_id, "org": org} | ({"state": state} if state else {})
        return self.find(query, sort=[("_id", ASCENDING)], limit=limit, skip=skip)

    def of_customers(
        self, org: str, ids: Collection[str], *, after: str | None, limit: int
    ) -> list[Invitation]:
        """Return the first ``limit`` invitations of the customers that come after the id ``after``."""
        query: dict[str, Any] = {"org": org, "customer_id": {"$in": sorted(ids)}}
        if after:
            query["_id"] = {"$gt": after}
        return self.find(query, sort=[("_id", ASCENDING)], limit=limit)

    def unanswered(self, wave_id: str, after: str | None, limit: int) -> list[Invitation]:
        """Return those of a wave not answered yet that come after the id ``after``."""
        query: dict[str, Any] = {"wave_id": wave_id, "state": INVITED}
        if after:
            query["_id"] = {"$gt": after}
        return self.find(query, sort=[("_id", ASCENDING)], limit=limit)

    def with_facts(self, wave_id: str, facts: Collection[str], limit: int) -> list[Invitation]:
        """Return the invitations of a wave of which one of ``facts`` holds."""
        query = {"wave_id": wave_id, "counted": {"$in": sorted(facts)}}
        return self.find(query, sort=[("_id", ASCENDING)], limit=limit)

    def counts(self, wave_id: str) -> dict[str, int]:
        """Return how often each fact holds in a wave: one round trip, whatever its size."""
        steps: list[Mapping[str, Any]] = [
            {"$match": {"wave_id": wave_id}},
            {"$unwind": "$counted"},
            {"$group": {"_id": "$counted", "number": {"$sum": 1}}},
        ]
        with database_errors():
            return {row["_id"]: row["number"] for row in self.store.collection.aggregate(steps)}


class ClosingCases:
    """What is known of each case, put together from events in any order: whose it is, and when it closed."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        self._cases = runtime.database["survey_cases"]

    def learn(self, known: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[Document]:
        """Add to what is known by organisation and case, and return of all of them what is known now."""
        writes = [
            UpdateOne({"_id": f"{org}/{case}"}, {"$set": {"org": org, "case_id": case, **facts}}, upsert=True)
            for (org, case), facts in known.items()
        ]
        if not writes:
            return []
        with database_errors():
            self._cases.bulk_write(writes, ordered=False)
            ids = [f"{org}/{case}" for org, case in known]
            return list(self._cases.find({"_id": {"$in": ids}}))
