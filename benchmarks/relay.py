"""The outbox relay against the plainest pipelined publisher there is, on the same kind of queue."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import amqp
from kombu.connection import Connection

from benchmarks.backing import Backing
from shared.clock import SystemClock
from shared.history import Cause, History
from shared.ids import TimeOrderedIds
from shared.messaging.envelope import render
from shared.messaging.outbox import Relay
from shared.messaging.publisher import PipelinedPublisher
from shared.mongo.client import connect
from shared.mongo.store import MongoTickets
from shared.outbox import Ref, Ticket, Unsent

MESSAGES = 20_000
_BATCH = 200
_QUEUE = "bench-relay"
_EVENT = "bench_relayed"


def measure(backing: Backing, rounds: int = 3) -> dict[str, float]:
    """Return messages a second of both, the median of ``rounds`` taken in turn, and their ratio."""
    with Connection(backing.broker_url("admin")) as connection:
        channel = connection.channel()
        channel.queue_declare(_QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(_QUEUE, "intake.events", _EVENT)
        raw, ours = [], []
        for _ in range(rounds):
            raw.append(_raw(backing))
            channel.queue_purge(_QUEUE)
            ours.append(_relay(backing))
            channel.queue_purge(_QUEUE)
        channel.queue_delete(_QUEUE)
    bare, relay = sorted(raw)[rounds // 2], sorted(ours)[rounds // 2]
    return {"bare": bare, "kefu": relay, "ratio": relay / bare}


def _entries() -> list[Unsent]:
    unsent = []
    for number in range(MESSAGES // 2):
        history = History(f"ct_bench{number}")
        for _ in range(2):
            entry = history.append(
                _EVENT,
                {"contact_id": history.aggregate_id, "number": f"N{number}", "text": "x" * 200},
                at=datetime.now(UTC),
                cause=Cause("bench", "bench"),
            )
            unsent.append(Unsent("plaza-demo", history.aggregate_id, entry))
    return unsent


def _raw(backing: Backing) -> float:
    """Publish ready-made bodies, ``_BATCH`` in flight, waiting for each batch's confirms."""
    bodies = [render(u.entry, service="intake", org=u.org, subject=u.subject) for u in _entries()]
    with Connection(backing.broker_url("admin")) as connection:
        connection.connect()
        channel: Any = connection.channel()
        channel.confirm_select()
        waiting: set[int] = set()

        def on_ack(tag: int, multiple: bool) -> None:  # noqa: FBT001 - the broker's own signature
            if multiple:
                waiting.difference_update([w for w in waiting if w <= tag])
            else:
                waiting.discard(tag)

        channel.events["basic_ack"].add(on_ack)
        started = time.perf_counter()
        tag = 0
        for start in range(0, len(bodies), _BATCH):
            for body in bodies[start : start + _BATCH]:
                tag += 1
                waiting.add(tag)
                channel._basic_publish(  # noqa: SLF001 - the form that does not wait for each confirm
                    amqp.Message(body, delivery_mode=2, content_type="application/cloudevents+json"),
                    exchange="intake.events",
                    routing_key=_EVENT,
                    mandatory=True,
                )
            while waiting:
                connection.drain_events(timeout=10)
        return MESSAGES / (time.perf_counter() - started)


def _relay(backing: Backing) -> float:
    """Relay entries under tickets of ``_BATCH`` aggregates: rendered, confirmed, tickets deleted."""
    tickets = MongoTickets(connect(backing.database.url(), "bench_relay"))
    tickets.ensure_indexes()
    relay = Relay(
        "intake",
        tickets,
        PipelinedPublisher(backing.broker_url("intake")),
        SystemClock(),
        grace=timedelta(minutes=10),
    )
    entries, ids = _entries(), TimeOrderedIds()
    batches = []
    for start in range(0, len(entries), _BATCH):
        part = entries[start : start + _BATCH]
        refs = tuple(Ref("contacts", unsent.subject, 1) for unsent in part[::2])
        ticket = Ticket(ids.new("tk"), datetime.now(UTC), refs)
        tickets.open(ticket)
        batches.append((ticket.id, part))
    started = time.perf_counter()
    for ticket_id, part in batches:
        relay.hand_over(ticket_id, part)
    while relay.pump():
        pass
    elapsed = time.perf_counter() - started
    left, _ = tickets.backlog()
    assert left == 0, f"{left} tickets left open"
    return MESSAGES / elapsed
