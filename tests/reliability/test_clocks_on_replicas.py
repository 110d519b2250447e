"""Two replicas of one service are killed while its clocks fire: each warning and breach happens once, and is heard of.

Complaints come in straight from the exchange they would arrive by, received so long ago that a clock of each
warns or breaches at a moment of the test's choosing. What the histories hold is held against those moments
and against what a subscriber heard.
"""

from __future__ import annotations

import copy
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any, Self

import pytest
from kombu.connection import Connection
from pymongo import MongoClient

from kefu.contracts import all_contracts
from kefu.local.ports import free_port
from kefu.local.processes import ServiceProcess
from shared.clocks.digest import DIGEST, unpack
from shared.history import moment_of, timestamp
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent, parse
from shared.messaging.publisher import Fate, PipelinedPublisher
from shared.testing.checker import chain_faults
from tests.integration.events import raw_message
from tests.integration.process_stack import ProcessStack

ORG = "plaza-demo"
#: The clock that starts when a complaint is received, how long it runs, and where it warns first.
CLOCK, SPAN = "first_contact", timedelta(hours=3)
FIRST_WARNING = 50
SEEDS = range(1, 6 if os.environ.get("KEFU_TEST_DEEP") else 4)
#: Seconds in which complaints come in and clocks fire, in which replicas are killed, and for all to settle.
ARRIVALS, KILLS, PATIENCE = 7.0, 9.0, 60.0
_BATCHES, _AT_ONCE = 14, 24
_SILENCE = 1.0

Document = dict[str, Any]


class TwoReplicas(ProcessStack):
    """Broker, database, and one service twice; the other services do not run."""

    def __init__(self) -> None:
        """Prepare the servers; ``replicas`` run only within ``working``."""
        super().__init__()
        self.replicas: list[ServiceProcess] = []

    def start(self) -> Self:
        """Start the servers only."""
        try:
            self._broker.launch()
            self._database.launch()
            self._broker.wait_ready()
            self._database.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Kill what runs."""
        for replica in self.replicas:
            replica.kill()
        super().stop()

    def work(self, **settings: str) -> None:
        """Start two replicas with ``settings`` and return once both are ready."""
        for name in ("one", "two"):
            own = {"KEFU_HTTP_PORT": str(free_port()), "KEFU_REPLICA": f"complaints-{name}"}
            environment = self._settings("complaints") | own | settings
            self.replicas.append(ServiceProcess("complaints", environment, self._directory / name))
        self.revive()

    def revive(self) -> None:
        """Start whichever replica does not run, and return once both are ready."""
        for replica in self.replicas:
            replica.start()
        for replica in self.replicas:
            replica.wait_ready()

    def errors(self) -> str:
        """Return what the replicas logged as errors, the last lines of it."""
        lines = [line for replica in self.replicas for line in replica.log_path.read_text().splitlines()]
        return "\n".join([line for line in lines if '"level": "error"' in line][-5:])

    def rest(self) -> None:
        """Kill the replicas."""
        for replica in self.replicas:
            replica.kill()
        self.replicas.clear()


@pytest.fixture(scope="module")
def stack() -> Iterator[TwoReplicas]:
    """The servers of all these tests; each test has replicas of its own."""
    with TwoReplicas() as stack:
        yield stack


class Subscriber:
    """Has a queue of its own for what clocks tell, from before the first of them fires."""

    def __init__(self, url: str) -> None:
        """Connect with ``url``, of a user who may declare queues."""
        self._url = url
        self.digests = 0
        self.heard: dict[str, list[CloudEvent]] = {}

    def __enter__(self) -> Self:
        """Declare the queue; what is published from now on stays in it until it is heard."""
        self._connection = Connection(self._url, connect_timeout=5)
        self._connection.connect()
        self._channel: Any = self._connection.channel()
        self._queue = f"subscriber-{uuid.uuid4().hex}"
        self._channel.queue_declare(self._queue, exclusive=True, auto_delete=True)
        for kind in ("clock_warned", "clock_breached", DIGEST):
            self._channel.queue_bind(self._queue, "complaints.events", kind)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self._connection.release()

    def forget(self, *queues: str) -> None:
        """Empty queues of others."""
        for name in queues:
            self._channel.queue_purge(name)

    def listen(self) -> None:
        """Take everything that is there."""
        while (message := self._channel.basic_get(self._queue, no_ack=True)) is not None:
            event = parse(json.loads(message.body))
            self.digests += event.type == DIGEST
            for each in unpack(event):
                self.heard.setdefault(each.id, []).append(each)


@dataclass
class Department:
    """Publishes complaints and remembers what their first clock must do, and from when on it may."""

    stack: TwoReplicas
    run: str
    rng: Random
    #: When the clock of each contact is due, and the one point at which it must fire: 100 is the breach.
    due: dict[str, datetime] = field(default_factory=dict)
    point: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take the contract's own example as the pattern of all."""
        usual, _ = all_contracts()["intake"].sent()["contact_routed"].examples
        self._pattern: Document = usual["payload"]
        self._publisher = PipelinedPublisher(self.stack.broker_url("intake"))

    def receive(self) -> None:
        """Publish a batch: some are late already, and for some a warning or the breach is seconds away.

        All that is ahead in a batch falls into the same instant, as deadlines at the end of a day do.
        """
        now = datetime.now(UTC)
        instant = now + timedelta(seconds=self.rng.uniform(0.5, 3.0))
        messages = []
        for _ in range(_AT_ONCE):
            contact, dice = f"{self.run}-{len(self.due)}", self.rng.random()
            if dice < 0.3:
                due, point = now - timedelta(hours=1), 100
            elif dice < 0.65:
                due, point = instant, 100
            else:
                due, point = instant + SPAN * (100 - FIRST_WARNING) / 100, FIRST_WARNING
            contact_id = derived_id("ct", contact)
            self.due[contact_id], self.point[contact_id] = due, point
            messages.append(self._routed(contact_id, due - SPAN))
        fates = self._publisher.publish(
            [
                raw_message(body, routing_key="contact_routed", exchange="intake.events", user_id="intake")
                for body in messages
            ]
        )
        assert set(fates) == {Fate.CONFIRMED}

    def close(self) -> None:
        """Close the connection."""
        self._publisher.close()

    def _routed(self, contact_id: str, received_at: datetime) -> bytes:
        event = copy.deepcopy(self._pattern)
        event |= {"id": f"{contact_id}.2", "subject": contact_id, "time": timestamp(datetime.now(UTC))}
        event["data"] |= {
            "contact_id": contact_id,
            "number": contact_id,
            "customer_id": f"cu_{contact_id[3:]}",
            "received_at": timestamp(received_at),
        }
        event["data"]["complaint"]["problem"] = contact_id
        return json.dumps(event).encode()


def break_things(stack: TwoReplicas, department: Department, rng: Random) -> int:
    """Let complaints come in, and replicas be killed and started again, at moments of ``rng``; return the kills."""
    began = time.monotonic()
    happenings = [(rng.uniform(0, ARRIVALS), "receive") for _ in range(_BATCHES)]
    happenings += [(rng.uniform(0.5, KILLS), "kill") for _ in range(rng.randint(4, 7))]
    kills = 0
    for moment, what in sorted(happenings):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if what == "receive":
            department.receive()
        else:
            victim = rng.choice([replica for replica in stack.replicas if replica.running])
            victim.kill()
            victim.start()
            kills += 1
    stack.revive()
    return kills


class Records:
    """What the service's database holds of one run."""

    def __init__(self, stack: TwoReplicas, department: Department) -> None:
        """Read the database of ``stack``."""
        self._client: MongoClient[Document] = MongoClient(stack.database_url(), tz_aware=True)
        self._department = department

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def cases(self) -> list[Document]:
        """Return the cases of the run."""
        return list(
            self._client["kefu_complaints"]["cases"].find({"contacts": {"$in": list(self._department.due)}})
        )

    def archived(self, ids: Sequence[str]) -> set[str]:
        """Return which of these events reporting has in its archive."""
        keys = [f"/kefu/complaints#{each}" for each in ids]
        found = self._client["kefu_reporting"]["events"].find({"_id": {"$in": keys}}, {"_id": 1})
        return {row["_id"].partition("#")[2] for row in found}


def firings_of(case: Document) -> list[Document]:
    """Return the entries in which clocks of ``case`` fired."""
    return [entry for entry in case["history"] if entry["type"] in {"clock_warned", "clock_breached"}]


def point_of(entry: Mapping[str, Any]) -> int:
    """Return the point at which a clock fired, 100 for the breach."""
    return 100 if entry["type"] == "clock_breached" else int(entry["data"]["percent"])


def missing(department: Department, cases: Sequence[Document]) -> list[str]:
    """Return the contacts whose clock has yet to do what it must."""
    fired = {(case["contacts"][0], point_of(entry)) for case in cases for entry in firings_of(case)}
    return [contact for contact, point in department.point.items() if (contact, point) not in fired]


def faults(department: Department, cases: Sequence[Document]) -> list[str]:
    """Return what fired twice, too early, or though nobody asked for it; one line a fault."""
    found = chain_faults(cases)
    for case in cases:
        contact = case["contacts"][0]
        due = department.due[contact]
        points = Counter((entry["data"]["clock"], point_of(entry)) for entry in firings_of(case))
        found += [f"{contact}: {what} fired {times} times" for what, times in points.items() if times > 1]
        # Points between receipt and arrival that were slept through may be told before the breach.
        found += [
            f"{contact}: {what} was not asked for"
            for what in points
            if what[0] != CLOCK or what[1] > department.point[contact]
        ]
        for entry in firings_of(case):
            instant = due - SPAN * (100 - point_of(entry)) / 100
            # The database keeps milliseconds.
            if moment_of(entry["time"]) < instant - timedelta(milliseconds=1):
                found.append(f"{entry['id']}: fired at {entry['time']}, before {timestamp(instant)}")
    counted = Counter(case["contacts"][0] for case in cases)
    return found + [f"{contact}: {times} cases" for contact, times in counted.items() if times > 1]


def settle(department: Department, records: Records, subscriber: Subscriber) -> list[Document]:
    """Return the run's cases once all has fired, been published and been heard, or as they are after a minute."""
    deadline = time.monotonic() + PATIENCE
    while True:
        cases = records.cases()
        subscriber.listen()
        recorded = {entry["id"] for case in cases for entry in firings_of(case)}
        if not missing(department, cases) and recorded <= subscriber.heard.keys():
            return cases
        if time.monotonic() > deadline:
            return cases
        time.sleep(0.2)


def hold_against(department: Department, cases: Sequence[Document], subscriber: Subscriber) -> None:
    """Fail unless each clock fired as it must and each firing was heard of under its own id."""
    assert not missing(department, cases), department.stack.errors()
    assert not faults(department, cases)
    recorded = {entry["id"]: entry for case in cases for entry in firings_of(case)}
    assert subscriber.heard.keys() == recorded.keys()
    for key, events in subscriber.heard.items():
        entry = recorded[key]
        for event in events:
            assert (event.type, event.subject, event.data) == (
                entry["type"],
                key.partition(".")[0],
                entry["data"],
            )


@pytest.mark.parametrize("digests", [False, True], ids=["one by one", "in digests"])
@pytest.mark.parametrize("seed", SEEDS)
def test_each_clock_fires_once_and_is_heard_of_whichever_replica_is_killed(
    stack: TwoReplicas, seed: int, *, digests: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each warning and breach is in the history exactly once, never before its time, and reaches a subscriber.

    A subscriber that knows events by their ids hears of each once, alone or in a digest, whatever was sent
    again after a kill.
    """
    rng = Random(seed)
    department = Department(stack, f"r{seed}-{uuid.uuid4().hex[:6]}", rng)
    records = Records(stack, department)
    try:
        with Subscriber(stack.broker_url("admin")) as subscriber:
            stack.work(KEFU_CLOCK_DIGEST_ABOVE="3" if digests else "1000000")
            kills = break_things(stack, department, rng)
            cases = settle(department, records, subscriber)
            # Whatever else is on its way, a firing too many above all, is heard as well.
            time.sleep(_SILENCE)
            subscriber.listen()
            with capsys.disabled():
                fired = sum(len(firings_of(case)) for case in cases)
                heard = sum(map(len, subscriber.heard.values()))
                print(  # noqa: T201 - the figures are the result
                    f"\n{department.run}: {kills} kills, {len(cases)} cases, {fired} firings, heard {heard} times, "
                    f"{subscriber.digests} digests"
                )
            hold_against(department, records.cases(), subscriber)
            assert bool(subscriber.digests) is digests
    finally:
        stack.rest()
        department.close()
        records.close()


def test_what_went_out_in_digests_is_in_the_archive_event_by_event(stack: TwoReplicas) -> None:
    """The consumer in earnest takes a storm's digests, and what it archives is what the histories hold."""
    department = Department(stack, f"archive-{uuid.uuid4().hex[:6]}", Random(0))
    records = Records(stack, department)
    try:
        with Subscriber(stack.broker_url("admin")) as subscriber:
            # What the other tests have published and nobody took.
            subscriber.forget("evt-complaints--reporting", "evt-intake--reporting")
            stack.work(KEFU_CLOCK_DIGEST_ABOVE="3")
            stack.start_service("reporting")
            department.receive()
            department.receive()
            cases = settle(department, records, subscriber)
            hold_against(department, cases, subscriber)
            assert subscriber.digests
            recorded = {entry["id"] for case in cases for entry in case["history"]}
            deadline = time.monotonic() + PATIENCE
            while records.archived(sorted(recorded)) != recorded:
                assert time.monotonic() < deadline, "the archive lacks what the histories hold"
                time.sleep(0.2)
    finally:
        stack.kill("reporting")
        stack.rest()
        department.close()
        records.close()
