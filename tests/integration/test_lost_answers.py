"""Writes whose answer is lost on the way from a real database: the driver sends them again by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
import pytest

from kefu.local.database import PrivateDatabase
from kefu.local.ports import HOST, free_port
from kefu.local.waiting import wait_until
from shared.clock import SystemClock
from shared.history import Cause, History
from shared.ids import TimeOrderedIds
from shared.mongo.client import connect
from shared.mongo.store import AggregateStore, Inserted, MongoTickets
from shared.outbox import Ticket, Unsent
from shared.testing.proxy import FaultProxy

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PATIENCE = 30


class Listener:
    """A relay that only keeps the ids of the entries it is handed."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def hand_over(self, ticket_id: str, entries: Sequence[Unsent]) -> None:
        del ticket_id
        self.entries += [unsent.entry.id for unsent in entries]


class Tickets(MongoTickets):
    """Outbox tickets after whose writing the way to the database swallows every answer."""

    way: FaultProxy | None = None

    def open(self, ticket: Ticket) -> None:
        super().open(ticket)
        if self.way:
            self.way.blackhole(to_server=False)


@contextmanager
def in_the_background(task: Any) -> Iterator[None]:
    """Run ``task`` beside the block, and wait for it at the end."""
    thread = threading.Thread(target=task)
    thread.start()
    yield
    thread.join()


def thing(name: str) -> dict[str, Any]:
    history = History(name)
    history.append("made", {}, at=START, cause=Cause("m", "a"))
    return {"_id": name, "org": "plaza", "version": 1, "history": history.as_documents(), "processed": ["m"]}


@pytest.mark.timeout(120)
def test_an_insert_answered_only_by_a_dying_database_has_its_events_handed_over(tmp_path: Path) -> None:
    """The driver sends it again, and a server that forgot the first time calls its documents known.

    They are named in no other ticket: taken for somebody else's, they would never be published.
    """
    relay = Listener()
    with (
        PrivateDatabase(tmp_path / "database") as database,
        FaultProxy(database.port, port=free_port()) as way,
        pymongo.MongoClient[dict[str, Any]](database.url()) as direct,
    ):
        base = connect(f"mongodb://{HOST}:{way.port}/?directConnection=true", "some")
        tickets = Tickets(base)
        store = AggregateStore(
            base, "things", tickets=tickets, relay=relay, clock=SystemClock(), ids=TimeOrderedIds()
        )

        def die_once_it_is_written() -> None:
            assert wait_until(lambda: direct.some.things.count_documents({}) == 2, PATIENCE)
            database.kill()
            database.start()
            way.heal()

        tickets.way = way
        with base.client, in_the_background(die_once_it_is_written):
            result = store.insert([thing("a"), thing("b")])
    assert result == Inserted(("a", "b"), ())
    assert relay.entries == ["a.1", "b.1"]
