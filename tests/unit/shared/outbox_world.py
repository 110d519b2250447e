"""A database and a broker in memory that outlive the processes using them, and processes that can die."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from pymongo import ReplaceOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from shared.clock import FixedClock
from shared.clocks.digest import unpack
from shared.history import Cause, History
from shared.ids import CountingIds
from shared.messaging.envelope import parse
from shared.messaging.outbox import Relay
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.mongo.store import AggregateStore, MongoTickets
from shared.testing.crashes import Steps

Document = dict[str, Any]

GRACE = timedelta(seconds=10)
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class World:
    """What stays when processes die: collections by name, events the broker took, the time."""

    def __init__(self) -> None:
        """Start with nothing kept and nothing published."""
        self.collections: dict[str, dict[str, Document]] = {}
        self.published: list[str] = []
        self.clock = FixedClock(START)
        self.ids = CountingIds()

    def process(self, steps: Steps | None = None) -> Process:
        """Return a new process that takes its steps through ``steps``."""
        return Process(self, steps or Steps())

    def recorded(self) -> set[str]:
        """Return the id of every history entry in the database."""
        return {
            entry["id"]
            for name, collection in self.collections.items()
            if name != "outbox_tickets"
            for document in collection.values()
            for entry in document["history"]
        }

    def tickets(self) -> list[str]:
        """Return the ids of the open tickets."""
        return sorted(self.collections.get("outbox_tickets", {}))

    def recover(self, steps: Steps | None = None) -> None:
        """Let the grace pass and a fresh replica do what the dead ones left, to the end."""
        self.clock.advance(2 * GRACE)
        relay = self.process(steps).relay
        relay.recover()

    def forget_the_abandoned(self) -> None:
        """Let so much time pass that tickets without anything to send are given up."""
        self.clock.advance(timedelta(hours=2))
        self.process().relay.recover()


class Process:
    """One run of a service: its store and its relay, whose memory dies with it."""

    def __init__(self, world: World, steps: Steps) -> None:
        """Use the world's database, broker and time."""
        self.world = world
        database = cast("Database[Document]", _Database(world, steps))
        tickets = MongoTickets(database)
        publisher = cast("PipelinedPublisher", _Broker(world, steps))
        self.relay = Relay("desk", tickets, publisher, world.clock, grace=GRACE)
        self.store = AggregateStore(
            database,
            "things",
            tickets=tickets,
            relay=self.relay,
            clock=world.clock,
            ids=world.ids,
            grace=GRACE,
        )

    def finish(self) -> None:
        """Publish everything in hand."""
        while self.relay.pump():
            pass
        self.relay.close_tickets()


def thing(name: str, *, entries: int = 1) -> Document:
    """Return a new aggregate with so many history entries."""
    history = History(name)
    for number in range(entries):
        history.append("happened", {"number": number}, at=START, cause=Cause(f"message-{name}", "tests"))
    return {
        "_id": name,
        "org": "tests",
        "version": 1,
        "history": history.as_documents(),
        "processed": [f"message-{name}"],
    }


def events_in(message: Outgoing) -> list[str]:
    """Return the ids of the events a message carries: its own, or those of a digest."""
    return [event.id for event in unpack(parse(json.loads(message.body)))]


def changed(document: Document, message: str, *, digested: bool = False) -> tuple[Document, int]:
    """Return the next version of an aggregate, one entry longer, and the number of that entry."""
    history = History.from_documents(document["_id"], document["history"])
    since = history.next_seq
    history.append("changed", {}, at=START, cause=Cause(message, "tests", digested=digested))
    return document | {
        "version": document["version"] + 1,
        "history": history.as_documents(),
        "processed": [*document["processed"], message],
    }, since


class _Broker:
    """Takes messages one by one, as steps; the confirmation is a step of its own."""

    def __init__(self, world: World, steps: Steps) -> None:
        self._world = world
        self._steps = steps

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        for message in batch:
            self._steps.step()
            self._world.published += events_in(message)
        self._steps.step()
        return [Fate.CONFIRMED] * len(batch)


class _Database:
    def __init__(self, world: World, steps: Steps) -> None:
        self._world = world
        self._steps = steps

    def __getitem__(self, name: str) -> _Collection:
        return _Collection(self._world.collections.setdefault(name, {}), self._steps)


@dataclass
class _Cursor:
    """What ``find`` returns: the few things the store does with it."""

    rows: list[Document]

    def sort(self, key: str, direction: int) -> _Cursor:
        return _Cursor(sorted(self.rows, key=lambda row: row[key], reverse=direction < 0))

    def skip(self, number: int) -> _Cursor:
        return _Cursor(self.rows[number:])

    def limit(self, number: int) -> _Cursor:
        return _Cursor(self.rows[:number] if number else self.rows)

    def __iter__(self) -> Any:
        return iter(self.rows)


class _Collection:
    """The calls of a pymongo collection that the store makes; every write of one document is one step."""

    def __init__(self, documents: dict[str, Document], steps: Steps) -> None:
        self._documents = documents
        self._steps = steps

    def insert_one(self, document: Document) -> None:
        self._steps.step()
        if document["_id"] in self._documents:
            raise DuplicateKeyError("there")
        self._documents[document["_id"]] = copy.deepcopy(document)

    def insert_many(self, documents: Sequence[Document], *, ordered: bool) -> None:
        assert not ordered
        errors = []
        for index, document in enumerate(documents):
            try:
                self.insert_one(document)
            except DuplicateKeyError:
                errors.append({"index": index, "code": 11000})
        if errors:
            raise BulkWriteError({"writeErrors": errors})

    def bulk_write(self, writes: Sequence[ReplaceOne[Any]], *, ordered: bool) -> Any:
        assert not ordered
        matched = 0
        for write in writes:
            self._steps.step()
            for key in self._find(write._filter):
                self._documents[key] = copy.deepcopy(cast("Document", write._doc))
                matched += 1
        return SimpleNamespace(matched_count=matched)

    def update_one(self, query: Mapping[str, Any], update: Mapping[str, Any]) -> None:
        self._steps.step()
        for key in self._find(query):
            self._documents[key] |= copy.deepcopy(update["$set"])

    def delete_many(self, query: Mapping[str, Any]) -> None:
        self._steps.step()
        for key in self._find(query):
            del self._documents[key]

    def find_one(self, query: Mapping[str, Any], _fields: object = None) -> Document | None:
        return next(iter(self.find(query)), None)

    def find(self, query: Mapping[str, Any], _fields: object = None) -> _Cursor:
        return _Cursor([copy.deepcopy(self._documents[key]) for key in self._find(query)])

    def estimated_document_count(self) -> int:
        return len(self._documents)

    def _find(self, query: Mapping[str, Any]) -> list[str]:
        return [key for key, row in self._documents.items() if _matches(row, query)]


def _matches(row: Document, query: Mapping[str, Any]) -> bool:
    return all(_fits(row[name], wanted) for name, wanted in query.items())


def _fits(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    tests: dict[str, Callable[[Any], bool]] = {
        "$in": lambda bound: value in bound,
        "$lt": lambda bound: value < bound,
    }
    return all(tests[operator](bound) for operator, bound in wanted.items())
