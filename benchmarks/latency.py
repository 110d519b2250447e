"""From publish to case visible at a steady rate, against the latency of a bare publish-consume-insert."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import Any

from kombu.connection import Connection

from benchmarks.backing import SERVICES, Backing, percentile, wait_until
from benchmarks.contacts import contact_event
from shared.ids import derived_id
from shared.messaging.publisher import PipelinedPublisher
from shared.mongo.client import connect

RATE = 50
_QUEUE = "bench-latency"
_POLL = 0.02


def measure(backing: Backing, seconds: int = 30) -> dict[str, float]:
    """Return the bare p50 and our p50 and p99 in milliseconds, and p99 as a multiple of the bare p50.

    All services run while the bare loop is measured, with nothing to do. A case is visible when a
    reader who looks every 20 ms finds it, so up to 20 ms are the reader's.
    """
    backing.start(*SERVICES)
    bare = percentile(_bare(backing, seconds=10), 50)
    ours = _cases(backing, seconds)
    backing.stop(*SERVICES)
    p99 = percentile(ours, 99)
    return {
        "bare": bare * 1000,
        "kefu_p50": percentile(ours, 50) * 1000,
        "kefu": p99 * 1000,
        "cases": float(len(ours)),
        "ratio": p99 / bare,
    }


def _publish_steadily(
    backing: Backing, run: str, seconds: int, sent: dict[str, float], queue: str | None = None
) -> None:
    """Publish contacts to Kefu, or the same bodies straight into ``queue``."""
    user = "admin" if queue else "pub-hotline"
    publisher = PipelinedPublisher(backing.broker_url(user))
    started = time.perf_counter()
    for number in range(RATE * seconds):
        time.sleep(max(0.0, started + number / RATE - time.perf_counter()))
        event = contact_event(run, number)
        if queue:
            event = replace(event, exchange="", routing_key=queue, user_id=None)
        sent[event.message_id] = time.time()
        publisher.publish([event])
    publisher.close()


def _bare(backing: Backing, seconds: int) -> list[float]:
    """Consume one message, insert one document, acknowledge; return each message's way from publish to insert."""
    collection = connect(backing.database.url(), "bench_bare")["latency"]
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    with Connection(backing.broker_url("admin")) as connection:
        connection.connect()
        channel: Any = connection.channel()
        channel.queue_declare(_QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})

        def on_message(message: Any) -> None:
            document = json.loads(message.body)
            document["_id"] = document["id"]
            collection.insert_one(document)
            channel.basic_ack(message.delivery_tag)
            seen[document["id"]] = time.time()

        channel.basic_qos(0, 100, False)
        channel.basic_consume(_QUEUE, callback=on_message)
        arguments = (backing, "lat-bare", seconds, sent, _QUEUE)
        thread = threading.Thread(target=_publish_steadily, args=arguments)
        thread.start()
        while len(seen) < RATE * seconds:
            connection.drain_events(timeout=10)
        thread.join()
        channel.queue_delete(_QUEUE)
    return [seen[key] - sent[key] for key in sent]


def _cases(backing: Backing, seconds: int) -> list[float]:
    cases = backing.mongo("kefu_complaints")["cases"]
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    expected = [number for number in range(RATE * seconds) if number % 3 == 0]
    case_of = {
        derived_id("cs", derived_id("ct", "/hotline/bench", f"lat-{number}")): f"lat-{number}"
        for number in expected
    }
    thread = threading.Thread(target=_publish_steadily, args=(backing, "lat", seconds, sent))
    thread.start()
    missing = set(case_of)

    def look() -> bool:
        # Only what is due can be there: asking for all of them would load the database for nothing.
        due = [case_id for case_id in missing if case_of[case_id] in sent]
        for row in cases.find({"_id": {"$in": due}}, {"_id": 1}):
            seen[row["_id"]] = time.time()
            missing.discard(row["_id"])
        return not missing

    wait_until(look, seconds + 60, every=_POLL)
    thread.join()
    # The first second warms caches and connections of five processes up; it is not what users wait for.
    warm = {f"lat-{number}" for number in range(RATE)}
    return [seen[case_id] - sent[key] for case_id, key in case_of.items() if key not in warm]
