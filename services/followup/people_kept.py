"""Where people are kept: one document for each customer of an organisation, and the commands that told of some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import ASCENDING, IndexModel, InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.followup.domain.person import Known, Person, Told, token
from shared.errors import Conflict
from shared.mongo.bounds import at_most
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime
from shared.mongo.stretches import Stretches

_ATTEMPTS = 20
_DUPLICATE_KEY = 11000


class PeopleKept:
    """The customers followup knows of."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        self._people = runtime.database["people"]
        self._commands = runtime.database["people_commands"]
        self._stretches = Stretches()

    def ensure_indexes(self) -> None:
        """Create the indexes of every choice."""
        with database_errors():
            self._people.create_indexes(
                [
                    IndexModel([("org", ASCENDING), ("customer_id", ASCENDING)]),
                    IndexModel([("org", ASCENDING), ("tokens", ASCENDING), ("customer_id", ASCENDING)]),
                ]
            )

    def note(self, known: Sequence[Known]) -> None:
        """Add what became known; repeating it, or doing it in another order, ends the same."""
        waiting: dict[str, list[Known]] = {}
        for each in known:
            waiting.setdefault(f"{each.org}/{each.customer_id}", []).append(each)
        for _ in range(_ATTEMPTS):
            if not waiting:
                return
            waiting = self._noted(waiting)
        raise Conflict("others keep telling of the same customers: try again")

    def _noted(self, waiting: Mapping[str, Sequence[Known]]) -> dict[str, list[Known]]:
        """Write once; return what somebody else was faster with."""
        with database_errors():
            found = {row["_id"]: row for row in self._people.find({"_id": {"$in": list(waiting)}})}
        writes: list[tuple[str, InsertOne[Document] | ReplaceOne[Document]]] = []
        for key, news in waiting.items():
            before = found.get(key)
            told = Told(news[0].org, news[0].customer_id) if before is None else _told(before)
            after = told
            for each in news:
                after = after.with_(each)
            if before is None:
                writes.append((key, InsertOne({"_id": key, "version": 1, **_document(after)})))
            elif after != told:
                guard = {"_id": key, "version": before["version"]}
                document = {"_id": key, "version": before["version"] + 1, **_document(after)}
                writes.append((key, ReplaceOne(guard, document)))
        return {key: list(waiting[key]) for key in self._lost(writes)}

    def _lost(self, writes: Sequence[tuple[str, InsertOne[Document] | ReplaceOne[Document]]]) -> set[str]:
        if not writes:
            return set()
        updates = sum(isinstance(write, ReplaceOne) for _, write in writes)
        try:
            with database_errors():
                done = self._people.bulk_write([write for _, write in writes], ordered=False)
        except BulkWriteError as error:
            faults = error.details["writeErrors"]
            if any(fault["code"] != _DUPLICATE_KEY for fault in faults):
                raise
            # What was written is found written next time, so all of them may be looked at again.
            return {key for key, _ in writes}
        return set() if done.matched_count == updates else {key for key, _ in writes}

    def get(self, org: str, customer_id: str) -> Person | None:
        """Return one customer of ``org``."""
        with database_errors():
            row = self._people.find_one({"_id": f"{org}/{customer_id}"})
        return None if row is None else _told(row).person()

    def page(self, org: str, where: Mapping[str, str], after: str | None, limit: int) -> list[Person]:
        """Return the first ``limit`` customers behind ``after`` that are all of ``where``, by id."""
        if after is None:
            return self._between(org, where, "", None, limit)
        found: list[Person] = []
        end: str | None = after
        while end is not None and len(found) < limit:
            after = end
            end = self._stretches.end(
                (org, *sorted(where.items())), after, limit, partial(self._ids, org, where, after)
            )
            found += self._between(org, where, after, end, limit - len(found))
        return found

    def _between(
        self, org: str, where: Mapping[str, str], after: str, end: str | None, limit: int
    ) -> list[Person]:
        query = _chosen(org, where)
        query["customer_id"] = {"$gt": after} | ({} if end is None else at_most(end))
        with database_errors():
            rows = list(self._people.find(query).sort("customer_id", ASCENDING).limit(limit))
        return [_told(row).person() for row in rows]

    def _ids(self, org: str, where: Mapping[str, str], after: str, limit: int) -> list[str]:
        query = _chosen(org, where) | {"customer_id": {"$gt": after}}
        with database_errors():
            rows = self._people.find(query, {"_id": 0, "customer_id": 1})
            return [row["customer_id"] for row in rows.sort("customer_id", ASCENDING).limit(limit)]

    def count(self, org: str, where: Mapping[str, str]) -> int:
        """Return how many customers are all of ``where``."""
        with database_errors():
            return int(self._people.count_documents(_chosen(org, where)))

    def begin(self, key: str, digest: str, at: datetime) -> tuple[str, datetime]:
        """Remember a command; return the digest and the instant of the first with its key."""
        row: Document = {"_id": key, "digest": digest, "at": at}
        with database_errors():
            try:
                self._commands.insert_one(row)
            except DuplicateKeyError:
                row = self._commands.find_one({"_id": key}) or row
        return str(row["digest"]), row["at"]


def _chosen(org: str, where: Mapping[str, str]) -> dict[str, Any]:
    query: dict[str, Any] = {"org": org}
    wanted = [token(code, value) for code, value in where.items()]
    if wanted:
        query["tokens"] = {"$all": wanted} if len(wanted) > 1 else wanted[0]
    return query


def _document(told: Told) -> Document:
    said = [{"thing": thing, "at": at, "value": value} for thing, (at, value) in sorted(told.said.items())]
    tokens = told.person().tokens()
    return {"org": told.org, "customer_id": told.customer_id, "said": said, "tokens": tokens}


def _told(row: Mapping[str, Any]) -> Told:
    said = {each["thing"]: (each["at"], each["value"]) for each in row["said"]}
    return Told(row["org"], row["customer_id"], said)
