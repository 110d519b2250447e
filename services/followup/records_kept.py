"""Where followup finds callbacks by what was written down, and by the batch they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.followup.domain.batches import Batch
from services.followup.domain.callback import Callback
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime, aggregate_store


class RecordedCallbacks:
    """Reads the callbacks; writing them is their repository's work."""

    def __init__(self, runtime: Runtime, read: Callable[[Mapping[str, Any]], Callback]) -> None:
        """Use ``read`` for the documents of callbacks."""
        self._store, self._read = aggregate_store(runtime, "callbacks"), read

    def ensure_indexes(self) -> None:
        """Create the indexes of the list of records, and of the callbacks of a batch."""
        self._store.ensure_indexes(
            [
                IndexModel([("batch_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("written.at", DESCENDING), ("_id", ASCENDING)]),
            ]
        )

    def of_batch(self, batch_id: str) -> list[Callback]:
        """Return all callbacks of a batch."""
        rows = self._store.find_many({"batch_id": batch_id}, sort=[("_id", ASCENDING)])
        return [self._read(row) for row in rows]

    def recorded(self, org: str, *, where: Mapping[str, Any], limit: int, skip: int) -> list[Callback]:
        """Return a page of the callbacks of ``org`` with a record, the newest record first.

        ``where`` may hold ``rule``, ``batch_id``, ``outcome``, ``complete`` and ``field``, one that is filled.
        """
        query: dict[str, Any] = {"org": org, "written.at": {"$exists": True}}
        query |= {name: where[name] for name in ("rule", "batch_id", "outcome") if where.get(name)}
        if where.get("complete") is not None:
            query["written.missing.0"] = {"$exists": not where["complete"]}
        if where.get("field"):
            query[f"written.values.{where['field']}"] = {"$exists": True}
        order = [("written.at", DESCENDING), ("_id", ASCENDING)]
        return [self._read(row) for row in self._store.find_many(query, sort=order, limit=limit, skip=skip)]


class BatchesKept(Kept[Batch]):
    """The batches of all organisations; those whose callbacks are still to be written say so."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the runtime's database."""
        documents = Documents(Batch)

        def document(batch: Batch) -> Document:
            return documents.to(batch) | ({"making": True} if batch.making else {})

        super().__init__(runtime, "callback_batches", document, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of the list and of the timer."""
        self.store.ensure_indexes(
            [
                IndexModel([("making", ASCENDING)], sparse=True),
                IndexModel([("org", ASCENDING), ("compiled_at", DESCENDING), ("_id", ASCENDING)]),
            ]
        )

    def in_making(self, limit: int) -> list[Batch]:
        """Return batches whose callbacks are still to be written."""
        return self.find({"making": True}, limit=limit)

    def page(self, org: str, *, kind: str | None, state: str | None, limit: int, skip: int) -> list[Batch]:
        """Return a page of the batches of ``org``, the newest first."""
        query: dict[str, Any] = {"org": org}
        query |= {name: value for name, value in (("kind", kind), ("state", state)) if value}
        order = [("compiled_at", DESCENDING), ("_id", ASCENDING)]
        return self.find(query, sort=order, limit=limit, skip=skip)
