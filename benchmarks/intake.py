"""Contact intake, whole, against a loop that consumes one message, inserts one document and acknowledges it."""

from __future__ import annotations

import json
import time
from typing import Any

from kombu.connection import Connection

from benchmarks.backing import Backing, wait_until
from benchmarks.contacts import contact_event
from shared.messaging.publisher import PipelinedPublisher
from shared.mongo.client import connect

_QUEUE = "bench-intake"


def measure(backing: Backing, contacts: int = 4_000, bare: int = 2_000) -> dict[str, float]:
    """Return contacts a second of both and their ratio; the bare loop is run before and after and averaged.

    Ours counts from the first contact's registration to the moment the last event was confirmed and
    the last ticket closed, with the queue full from the start, as the bare loop's is.
    """
    before = _bare(backing, bare, "before")
    ours = _intake(backing, contacts)
    after = _bare(backing, bare, "after")
    loop = 2 / (1 / before + 1 / after)
    return {"bare": loop, "kefu": ours, "ratio": ours / loop}


def _publish(backing: Backing, run: str, count: int) -> None:
    publisher = PipelinedPublisher(backing.broker_url("pub-hotline"))
    for start in range(0, count, 200):
        publisher.publish([contact_event(run, number) for number in range(start, min(count, start + 200))])
    publisher.close()


def _bare(backing: Backing, count: int, run: str) -> float:
    """Consume from a quorum queue, insert the decoded body, acknowledge; one by one."""
    database = connect(backing.database.url(), "bench_bare")
    collection = database[f"contacts_{run}"]
    with Connection(backing.broker_url("admin")) as connection:
        connection.connect()
        channel: Any = connection.channel()
        channel.queue_declare(_QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(_QUEUE, "external.events", "#")
        _publish(backing, f"bare-{run}", count)
        channel.basic_qos(0, 100, False)
        done = 0

        def on_message(message: Any) -> None:
            nonlocal done
            document = json.loads(message.body)
            document["_id"] = document["id"]
            collection.insert_one(document)
            channel.basic_ack(message.delivery_tag)
            done += 1

        channel.basic_consume(_QUEUE, callback=on_message)
        started = time.perf_counter()
        while done < count:
            connection.drain_events(timeout=10)
        elapsed = time.perf_counter() - started
        channel.queue_delete(_QUEUE)
    backing.purge()
    return count / elapsed


def _intake(backing: Backing, count: int) -> float:
    _publish(backing, "intake", count)
    database = backing.mongo("kefu_intake")
    backing.start("intake")

    def relayed() -> bool:
        if database["contacts"].estimated_document_count() < count:
            return False
        return not database["outbox_tickets"].find_one({})

    wait_until(relayed, 180, every=0.05)
    ended = time.time()
    first = next(iter(database["contacts"].find({}, {"registered_at": 1}).sort("registered_at", 1).limit(1)))
    elapsed: float = ended - first["registered_at"].timestamp()
    found = database["contacts"].count_documents({})
    assert found == count, f"{found} contacts instead of {count}"
    backing.stop("intake")
    backing.purge()
    return count / elapsed
