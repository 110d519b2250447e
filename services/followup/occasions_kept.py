"""Where occasions are kept, and what is known of intake's requests until they are closed and called back on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.followup.domain.occasion import Occasion
from shared.mongo.bounds import at_most
from shared.mongo.client import database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime

_DOCUMENTS = Documents(Occasion)


class OccasionsKept(Kept[Occasion]):
    """The occasions of all organisations."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the runtime's database."""
        super().__init__(runtime, "occasions", _DOCUMENTS.to, _DOCUMENTS.of)

    def ensure_indexes(self) -> None:
        """Create the index of what came before under the same reference."""
        self.store.ensure_indexes(
            [
                IndexModel(
                    [("org", ASCENDING), ("customer_id", ASCENDING), ("reference", ASCENDING)], sparse=True
                )
            ]
        )

    def before(self, occasion: Occasion) -> set[str]:
        """Return the codes of what happened under the same reference before ``occasion``."""
        if occasion.reference is None:
            return set()
        query = {
            "org": occasion.org,
            "customer_id": occasion.customer_id,
            "reference": occasion.reference,
            "at": at_most(occasion.at),
            "_id": {"$ne": occasion.id},
        }
        return {row["occasion"] for row in self.store.find_many(query, only=("occasion",))}


class RequestsKnown:
    """One small document for each request; what its two events tell is put together in whatever order they come."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        self._requests = runtime.database["requests_known"]

    def note(self, org: str, request_id: str, known: Mapping[str, str | datetime | None]) -> dict[str, Any]:
        """Add what one event tells and return all that is known; repeating it is harmless."""
        key = {"_id": f"{org}/{request_id}"}
        added = {"$set": dict(known)}
        with database_errors():
            try:
                found = self._add(key, added)
            except DuplicateKeyError:
                # Somebody else told of it first at the same moment: now it is there to be added to.
                found = self._add(key, added)
        return found

    def _add(self, key: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._requests.find_one_and_update(
            key, added, upsert=True, return_document=ReturnDocument.AFTER
        )
        return found


class RoundsKept:
    """How far each round over the customers has come: one small document for a rule and a day."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        self._rounds = runtime.database["callback_rounds"]

    def reached(self, key: str) -> tuple[str | None, bool]:
        """Return the last customer looked at, and whether that was the last of all."""
        with database_errors():
            row = self._rounds.find_one({"_id": key}) or {}
        return row.get("after"), bool(row.get("done", False))

    def reach(self, key: str, after: str | None, *, done: bool) -> None:
        """Remember how far it has come; two replicas that do the same page write the same."""
        with database_errors():
            self._rounds.replace_one({"_id": key}, {"_id": key, "after": after, "done": done}, upsert=True)
