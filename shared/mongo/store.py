"""Keeps aggregates: one document each, written together with what they publish and what they have processed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from shared.clock import Clock
from shared.errors import Conflict, Unavailable
from shared.history import Entry
from shared.ids import IdSource
from shared.mongo.client import Document, database_errors
from shared.outbox import Ref, Sender, Ticket, Unsent

_DUPLICATE_KEY = 11000


class MongoTickets:
    """The outbox tickets of one service, and the way back from a ticket to the entries it stands for."""

    def __init__(self, database: Database[Document]) -> None:
        """Keep tickets in the collection ``outbox_tickets`` of ``database``."""
        self._database = database
        self._tickets: Collection[Document] = database["outbox_tickets"]

    def open(self, ticket: Ticket) -> None:
        """Write ``ticket``; repeating it is harmless."""
        row = {"_id": ticket.id, "opened_at": ticket.opened_at, "refs": _rows(ticket.refs)}
        with database_errors():
            try:
                self._tickets.insert_one(row)
            except DuplicateKeyError:
                return

    def close(self, ticket_ids: Sequence[str]) -> None:
        """Delete tickets whose entries were all confirmed."""
        if ticket_ids:
            with database_errors():
                self._tickets.delete_many({"_id": {"$in": list(ticket_ids)}})

    def narrow(self, ticket_id: str, refs: Sequence[Ref]) -> None:
        """Leave only ``refs`` in a ticket, because the entries of the others were confirmed."""
        with database_errors():
            self._tickets.update_one({"_id": ticket_id}, {"$set": {"refs": _rows(refs)}})

    def overdue(self, before: datetime, limit: int, skip: int = 0) -> list[Ticket]:
        """Return a page of the tickets opened before ``before``, oldest first."""
        with database_errors():
            rows = self._tickets.find({"opened_at": {"$lt": before}}).sort("opened_at", 1)
            found = list(rows.skip(skip).limit(limit))
        return [
            Ticket(row["_id"], row["opened_at"], tuple(Ref(kind, key, seq) for kind, key, seq in row["refs"]))
            for row in found
        ]

    def unsent(self, refs: Sequence[Ref]) -> list[Unsent]:
        """Return the entries the refs point at, in order for each aggregate."""
        result = []
        for kind in sorted({ref.kind for ref in refs}):
            wanted: dict[str, int] = {}
            for ref in refs:
                if ref.kind == kind:
                    wanted[ref.id] = min(ref.from_seq, wanted.get(ref.id, ref.from_seq))
            with database_errors():
                found = list(
                    self._database[kind].find({"_id": {"$in": list(wanted)}}, {"org": 1, "history": 1})
                )
            for row in found:
                entries = (Entry.from_document(document) for document in row["history"])
                result += [
                    Unsent(row["org"], row["_id"], entry)
                    for entry in entries
                    if entry.seq >= wanted[row["_id"]]
                ]
        return result

    def backlog(self) -> tuple[int, datetime | None]:
        """Return how many tickets are open and when the oldest was opened."""
        with database_errors():
            count = self._tickets.estimated_document_count()
            oldest = next(iter(self._tickets.find({}, {"opened_at": 1}).sort("opened_at", 1).limit(1)), None)
        return count, oldest["opened_at"] if oldest else None

    def ensure_indexes(self) -> None:
        """Create the index the relay looks tickets up by."""
        with database_errors():
            self._tickets.create_indexes([IndexModel([("opened_at", ASCENDING)])])


def _rows(refs: Sequence[Ref]) -> list[list[Any]]:
    return [[ref.kind, ref.id, ref.from_seq] for ref in refs]


@dataclass(frozen=True, slots=True)
class Inserted:
    """Which documents of a batch are new, and which were there before under the same id or unique key."""

    new: tuple[str, ...]
    known: tuple[str, ...]


class AggregateStore:
    """One collection of aggregates.

    A document has at least ``_id``, ``org``, ``version`` (from 1), ``history`` (see shared.history) and
    ``processed``. Every write names, in a ticket written before it, the entries it adds; after it they
    are handed to the relay. Refusals: Conflict when the version moved on, Unavailable when the server
    is away (then the write may or may not have happened; the same write again is safe).
    """

    def __init__(
        self,
        database: Database[Document],
        kind: str,
        *,
        tickets: MongoTickets,
        relay: Sender,
        clock: Clock,
        ids: IdSource,
        grace: timedelta = timedelta(seconds=10),
    ) -> None:
        """Keep aggregates in the collection named ``kind``."""
        self.collection: Collection[Document] = database[kind]
        self._kind = kind
        self._tickets = tickets
        self._relay = relay
        self._clock = clock
        self._ids = ids
        self._grace = grace

    def insert(self, documents: Sequence[Document]) -> Inserted:
        """Insert all documents not there yet, each atomically with its history.

        Of several with the same id the first counts, and the others are not mentioned.
        """
        return insert_in_turn([(self, documents)])[0]

    def _insert(self, documents: Sequence[Document]) -> Inserted:
        failed: set[int] = set()
        try:
            with database_errors():
                self.collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
                raise
            failed = {failure["index"] for failure in failures}
            ours = self._inserted_by([documents[index] for index in failed])
            failed = {index for index in failed if documents[index]["_id"] not in ours}
        ids = [document["_id"] for document in documents]
        new = dict.fromkeys(key for index, key in enumerate(ids) if index not in failed)
        known = dict.fromkeys(ids[index] for index in sorted(failed) if ids[index] not in new)
        return Inserted(tuple(new), tuple(known))

    def _inserted_by(self, documents: Sequence[Document]) -> set[str]:
        """Return the ids of those refused ``documents`` that are there because this very insert wrote them.

        The driver sends an insert again after a lost answer, and a server that has forgotten the first time
        calls the documents known. Nobody else would publish them: the ticket that names them is this one.
        """
        kept = self._histories([document["_id"] for document in documents])
        return {
            document["_id"]
            for document in documents
            if _recorded(kept.get(document["_id"], []), document["history"], 1)
        }

    def replace(self, document: Document, *, since_seq: int) -> None:
        """Write the next version of an aggregate that was read at ``document["version"] - 1``.

        ``since_seq`` is the first history entry that is new. Raises Conflict if somebody wrote between, or if
        the write would break a unique index.
        """
        if self.replace_many([(document, since_seq)]):
            message = f"{document['_id']} was changed by somebody else: read it again"
            raise Conflict(message)

    def replace_many(self, changes: Sequence[tuple[Document, int]]) -> tuple[str, ...]:
        """Write several aggregates in one go, each atomically, and return the ids of those that were not.

        Each aggregate at most once; see ``replace`` for what a change is and what keeps it from being
        written. Not all or nothing: what is not returned is written.
        """
        if not changes:
            return ()
        ticket = self._open([self._ref(document, since) for document, since in changes])
        # After an error nobody knows what was written: the ticket stays open and the relay finds out.
        lost = self._replace_all(changes)
        self._hand_over(ticket, [change for change in changes if change[0]["_id"] not in lost])
        return tuple(document["_id"] for document, _ in changes if document["_id"] in lost)

    def _replace_all(self, changes: Sequence[tuple[Document, int]]) -> set[str]:
        writes = [
            ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)
            for document, _ in changes
        ]
        refused: set[str] = set()
        try:
            with database_errors():
                matched = self.collection.bulk_write(writes, ordered=False).matched_count
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if not failures or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
                raise
            refused = {changes[failure["index"]][0]["_id"] for failure in failures}
            matched = error.details["nMatched"]
        if matched + len(refused) == len(changes):
            return refused
        return refused | self._moved_on([change for change in changes if change[0]["_id"] not in refused])

    def _moved_on(self, changes: Sequence[tuple[Document, int]]) -> set[str]:
        """Return which of ``changes`` somebody else came before.

        How many were written says nothing of which. The driver may also have sent the writes twice after a
        lost answer; then the first time counts. A write is known by what it recorded, also when somebody
        has built on it since; one that recorded nothing looks like anybody else's and is not claimed.
        """
        found = self._histories([document["_id"] for document, _ in changes])
        return {
            document["_id"]
            for document, since in changes
            if not _recorded(found.get(document["_id"], []), document["history"], since)
        }

    def _histories(self, ids: Sequence[str]) -> dict[str, list[Document]]:
        with database_errors():
            rows = self.collection.find({"_id": {"$in": list(ids)}}, {"history": 1})
            return {row["_id"]: row["history"] for row in rows}

    def find(self, aggregate_id: str, org: str | None = None) -> Document | None:
        """Return one aggregate, of ``org`` only if that is given."""
        # By id alone: servers have a fast path for that, and none for an id with a second condition.
        with database_errors():
            found = self.collection.find_one({"_id": aggregate_id})
        if found is not None and org is not None and found["org"] != org:
            return None
        return found

    def find_many(
        self,
        query: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        skip: int = 0,
        without: Sequence[str] = (),
        only: Sequence[str] = (),
    ) -> list[Document]:
        """Return the aggregates that match, without the fields named in ``without``, or ``only`` those named."""
        projection = dict.fromkeys(only, 1) or dict.fromkeys(without, 0) or None
        with database_errors():
            cursor = self.collection.find(query, projection)
            if sort:
                cursor = cursor.sort(list(sort))
            return list(cursor.skip(skip).limit(limit))

    def find_within(
        self,
        rough: Mapping[str, Any],
        exact: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        skip: int = 0,
        only: Sequence[str] = (),
    ) -> list[Document]:
        """Return the aggregates that match both, an index having answered ``rough``; ``only`` the fields named.

        For an ``exact`` condition that a server has no use of an index for, and a ``rough`` one besides that it
        has. MongoDB makes one condition of the two.
        """
        steps: list[Mapping[str, Any]] = [{"$match": rough}, {"$match": exact}]
        if sort:
            steps.append({"$sort": dict(sort)})
        steps.append({"$skip": skip})
        if limit:
            steps.append({"$limit": limit})
        if only:
            steps.append({"$project": dict.fromkeys(only, 1)})
        with database_errors():
            return list(self.collection.aggregate(steps))

    def count(self, query: Mapping[str, Any]) -> int:
        """Return how many aggregates match."""
        with database_errors():
            return self.collection.count_documents(query)

    def ensure_indexes(self, indexes: Sequence[IndexModel]) -> None:
        """Create the indexes that are not there yet."""
        if indexes:
            with database_errors():
                self.collection.create_indexes(list(indexes))

    def _ref(self, document: Document, since: int) -> Ref:
        return Ref(self._kind, document["_id"], since)

    def _open(self, refs: Sequence[Ref]) -> Ticket:
        ticket = Ticket(self._ids.new("tk"), self._clock.now(), tuple(refs))
        self._tickets.open(ticket)
        return ticket

    def _hand_over(self, ticket: Ticket, written: Sequence[tuple[Document, int]]) -> None:
        if self._clock.now() - ticket.opened_at > self._grace / 2:
            # So slow that another replica may have taken the ticket for a dead one's and closed it.
            self._tickets.open(ticket)
        entries = [
            Unsent(document["org"], document["_id"], Entry.from_document(row))
            for document, since in written
            for row in document["history"][since - 1 :]
        ]
        if entries:
            self._relay.hand_over(ticket.id, entries)
        else:
            # The relay closes it in the end; what was written stays written.
            with suppress(PyMongoError, Unavailable):
                self._tickets.close([ticket.id])


def insert_in_turn(steps: Sequence[tuple[AggregateStore, Sequence[Document]]]) -> list[Inserted]:
    """Insert into several stores of one service under one ticket, and return what became of each step.

    In each store the documents not there yet are inserted, each atomically with its history; of several
    with the same id the first counts, and the others are not mentioned. After a step that found one of its
    documents known the later steps are not taken and have no result: what they build on is not theirs.
    """
    refs = [store._ref(document, 1) for store, documents in steps for document in documents]  # noqa: SLF001 - the stores' own function
    if not refs:
        return [Inserted((), ()) for _ in steps]
    first = steps[0][0]
    ticket = first._open(refs)  # noqa: SLF001
    results: list[Inserted] = []
    written: dict[str, Document] = {}
    for store, documents in steps:
        result = store._insert(documents) if documents else Inserted((), ())  # noqa: SLF001
        results.append(result)
        by_id = {document["_id"]: document for document in reversed(documents)}
        written |= {key: by_id[key] for key in result.new}
        if result.known:
            break
    first._hand_over(ticket, [(document, 1) for document in written.values()])  # noqa: SLF001
    return results


def _recorded(found: Sequence[Document], written: Sequence[Document], since: int) -> bool:
    """Return whether the history ``found`` holds what a write added to ``written`` from ``since`` on."""
    last = len(written)
    return since <= last <= len(found) and bool(found[last - 1]["hash"] == written[-1]["hash"])


def base_indexes() -> list[IndexModel]:
    """Return the indexes every collection of aggregates has: by organisation."""
    return [IndexModel([("org", ASCENDING)])]
