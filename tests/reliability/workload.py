"""A department at work while things break: publishers, people at their desks, and senders of rubbish.

Every operation goes into a ledger before it is tried, and again once its caller was told what became of it.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from shared.errors import Conflict, DeadlineExceeded, NotFound, RuleRefused, Unavailable
from shared.history import timestamp
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.messaging.rpc_client import RpcClient
from shared.messaging.topology import RPC_EXCHANGE, events_exchange
from shared.testing.checker import Ledger
from tests.integration.bus import EVERY_ROLE
from tests.integration.ear import rejected_id_of
from tests.integration.events import as_message, complaint, contact_id_of, enquiry, raw_message
from tests.integration.process_stack import ProcessStack

ORG = "plaza-demo"
#: Kinds of operations in the ledger beside the commands, which go by their method.
CONTACTS = "events of contacts"
REJECTED = "events to be rejected"
DEAD = "messages to be dead-lettered"

_PUBLISHERS = ("hotline", "crm", "chat")
#: Seconds a caller repeats what was not answered before it gives up for good.
_PERSISTENCE = 90.0
_RPC_TIMEOUT = 1.5
_ROUNDS = 2
_HANDLERS = 8


@dataclass
class Shared:
    """What the workers of one run have in common."""

    stack: ProcessStack
    run: str
    ledger: Ledger
    stop: threading.Event = field(default_factory=threading.Event)
    #: Complaints a publisher knows to be taken, for the people who handle them.
    taken: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)
    claimed: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    #: Ids of the complaints that came in too late, whose first clock must breach once.
    late: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, subject: str) -> str:
        """Return the token of a member of staff; the same one for the whole run."""
        with self.lock:
            if subject not in self.tokens:
                self.tokens[subject] = self.stack.token(ORG, EVERY_ROLE, subject=subject)
            return self.tokens[subject]

    def claim(self, case_id: str) -> bool:
        """Return whether the case is still nobody's, and take it."""
        with self.lock:
            fresh = case_id not in self.claimed
            self.claimed.add(case_id)
            return fresh


class Workload:
    """Runs for as long as the ``with`` block; what was begun by then is finished before it ends."""

    def __init__(self, stack: ProcessStack, run: str, seed: int, *, pace: float = 0.25) -> None:
        """``run`` marks events and problems; ``pace`` is the pause of each publisher in seconds."""
        self.shared = Shared(stack, run, Ledger())
        rng = Random(seed)
        workers: list[_Worker] = [
            _Publisher(self.shared, Random(rng.random()), name, pace) for name in _PUBLISHERS[:2]
        ]
        workers += [_Handler(self.shared, Random(rng.random()), number) for number in range(_HANDLERS)]
        workers += [worker(self.shared, Random(rng.random())) for worker in (_Clerk, _Vandal, _Repeater)]
        self._threads = [threading.Thread(target=worker.work, name=str(worker)) for worker in workers]

    @property
    def ledger(self) -> Ledger:
        """What was attempted and what came of it, as its callers know."""
        return self.shared.ledger

    def __enter__(self) -> Self:
        """Start work."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin nothing new, and return once everything begun has been answered or given up."""
        self.shared.stop.set()
        for thread in self._threads:
            thread.join()


class _Worker:
    """One thread of the workload; whatever it cannot explain is noted as a failure of the run."""

    def __init__(self, shared: Shared, rng: Random) -> None:
        self.shared = shared
        self.rng = rng

    def work(self) -> None:
        try:
            self.toil()
        except Exception as error:  # noqa: BLE001 - reported by the test, in its own thread
            self.shared.failures.append(f"{self}: {type(error).__name__}: {error}")

    def toil(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return type(self).__name__


def publish_until_confirmed(publisher: PipelinedPublisher, messages: list[Outgoing]) -> bool:
    """Publish until the broker confirmed every message; False if it would not within a minute and a half."""
    deadline = time.monotonic() + _PERSISTENCE
    while time.monotonic() < deadline:
        try:
            return set(publisher.publish(messages)) == {Fate.CONFIRMED}
        except Unavailable:
            time.sleep(0.2)
    return False


class _Publisher(_Worker):
    """Publishes contacts: new and known customers, shared problems, duplicates, and some that are wrong."""

    def __init__(self, shared: Shared, rng: Random, name: str, pace: float) -> None:
        super().__init__(shared, rng)
        self._name = name
        self._pace = pace
        self._number = 0
        self._sent: list[dict[str, Any]] = []

    def toil(self) -> None:
        user = f"pub-{self._name}"
        publisher = PipelinedPublisher(self.shared.stack.broker_url(user))
        try:
            # Work for the handlers from the first moment on.
            batch = [self._attempt(self._event("complaint"), user) for _ in range(_HANDLERS)]
            while True:
                messages = [message for message, _ in batch]
                if publish_until_confirmed(publisher, messages):
                    for _, confirmed in batch:
                        confirmed()
                if self.shared.stop.wait(self.rng.uniform(0, 2 * self._pace)):
                    return
                batch = [self._wish(user) for _ in range(self.rng.randint(1, 6))]
        finally:
            publisher.close()

    def _wish(self, user: str) -> tuple[Outgoing, Callable[[], None]]:
        """Return one message that is in the ledger as attempted, and what to do once it is confirmed."""
        dice = self.rng.random()
        if dice < 0.10 and self._sent:
            event = self.rng.choice(self._sent)
        elif dice < 0.15:
            return self._wrong(user)
        elif dice < 0.18:
            return self._garbage(user)
        else:
            event = self._event(self.rng.choice(("enquiry", "complaint")))
        return self._attempt(event, user)

    def _attempt(self, event: dict[str, Any], user: str) -> tuple[Outgoing, Callable[[], None]]:
        self._sent.append(event)
        key = contact_key(event)
        self.shared.ledger.attempt(CONTACTS, key)
        message = _from(as_message(event), user)

        def confirmed() -> None:
            self.shared.ledger.acknowledge(CONTACTS, key)
            if event["data"]["category"] == "complaint":
                self.shared.taken.put(event)

        return message, confirmed

    def _event(self, category: str) -> dict[str, Any]:
        self._number += 1
        run, number = self.shared.run, self._number
        customer = {
            "kind": "household",
            "name": "测试户",
            "phone": f"139{self.rng.randrange(400):08d}",
            "unit": f"{run}-{self.rng.randrange(12)}",
        }
        if category == "enquiry":
            event = enquiry(ORG, customer=customer)
        else:
            # Few problems, so that households and repeats meet; some of them nobody else has.
            shared = self.rng.random() < 0.4
            problem = f"{run}-{self.rng.randrange(8)}" if shared else f"{run}-{self._name}-{number}"
            event = complaint(ORG, problem, customer=customer)
            if not shared and self.rng.random() < 0.2:
                late = datetime.now(UTC) - timedelta(hours=4)
                event["data"]["received_at"] = late.isoformat()
                customer["phone"] = f"137{self.rng.randrange(10**8):08d}"
                with self.shared.lock:
                    self.shared.late.add(contact_id_of({"source": f"/{run}", "id": f"{self._name}-{number}"}))
        return event | {"id": f"{self._name}-{number}", "source": f"/{run}"}

    def _wrong(self, user: str) -> tuple[Outgoing, Callable[[], None]]:
        self._number += 1
        event = enquiry(ORG, priority="high") | {"id": f"{self._name}-{self._number}"}
        message = _from(as_message(event), user)
        key = rejected_id_of(user, message.body)
        self.shared.ledger.attempt(REJECTED, key)
        return message, lambda: self.shared.ledger.acknowledge(REJECTED, key)

    def _garbage(self, user: str) -> tuple[Outgoing, Callable[[], None]]:
        self._number += 1
        key = f"evt-external--intake {self.shared.run}-{self._name}-{self._number}"
        self.shared.ledger.attempt(DEAD, key)
        message = _from(raw_message(f'{{"{key.split()[1]}": '.encode()), user)
        return message, lambda: self.shared.ledger.acknowledge(DEAD, key)


class _Caller(_Worker):
    """A worker that calls: commands are repeated under their key until they are answered."""

    def __init__(self, shared: Shared, rng: Random) -> None:
        super().__init__(shared, rng)
        self._number = 0
        self._client = RpcClient(shared.stack.broker_url("operator"), name="operator", timeout=_RPC_TIMEOUT)

    def work(self) -> None:
        super().work()
        self._client.close()

    def do(self, method: str, subject: str, **arguments: Any) -> dict[str, Any] | None:
        """Carry a command out; None if it was refused or could not be had answered."""
        self._number += 1
        key = f"{self.shared.run}-{self}-{self._number}"
        full = command_key(method, key)
        token = self.shared.token(subject)
        self.shared.ledger.attempt(method, full)
        deadline = time.monotonic() + _PERSISTENCE
        while time.monotonic() < deadline:
            try:
                answer = self._client.call(method, token=token, idempotency_key=key, **arguments)
            except (DeadlineExceeded, Unavailable, Conflict):
                continue
            except RuleRefused:
                self.shared.ledger.refuse(method, full)
                return None
            self.shared.ledger.acknowledge(method, full)
            return dict(answer)
        return None

    def ask(self, method: str, **arguments: Any) -> Any:
        """Return the answer to a query, None if nobody answered in time."""
        token = self.shared.token("reader")
        try:
            return self._client.call(method, token=token, **arguments)
        except (DeadlineExceeded, Unavailable, NotFound):
            return None


class _Handler(_Caller):
    """Handles complaint cases one after the other, from the decision to the callback."""

    def __init__(self, shared: Shared, rng: Random, number: int) -> None:
        super().__init__(shared, rng)
        self._name = f"handler{number}"

    def __str__(self) -> str:
        return self._name

    def toil(self) -> None:
        while not self.shared.stop.is_set():
            try:
                event = self.shared.taken.get(timeout=0.2)
            except queue.Empty:
                continue
            case = self._case_of(event)
            if case is not None and self.shared.claim(case["case_id"]):
                self._handle(case["case_id"])

    def _case_of(self, event: dict[str, Any]) -> dict[str, Any] | None:
        while not self.shared.stop.is_set():
            case = self.ask("complaints.get_case_of_contact", contact_id=contact_id_of(event))
            if case is not None:
                return dict(case)
            time.sleep(0.1)
        return None

    def _handle(self, case_id: str) -> None:
        valid = self.rng.random() < 0.85
        decided = self.do("complaints.decide_validity", self._name, id=case_id, valid=valid, reason="核实")
        if decided is None:
            return
        outcome = self.rng.choice(["reached", "unreachable"])
        self.do("complaints.attempt_contact", self._name, id=case_id, outcome=outcome)
        if valid:
            self.do("complaints.record_progress", self._name, id=case_id, text="处理中")
        for round_number in range(1, _ROUNDS + 1):
            if self.shared.stop.is_set():
                return
            replied = self.do("complaints.reply", self._name, id=case_id, text="已处理")
            if replied is None or not valid or not self._call_back(case_id, round_number):
                return

    def _call_back(self, case_id: str, round_number: int) -> bool:
        """Make the callback of a round; return whether the case is to be replied to again."""
        callback = self._callback(case_id, round_number)
        if callback is None:
            return False
        while not self.shared.stop.is_set():
            outcome = self.rng.choice(["unreachable", "satisfied", "satisfied", "dissatisfied"])
            if round_number == _ROUNDS and outcome == "dissatisfied":
                outcome = "neutral"
            made = self.do(
                "followup.complete_callback", "caller", id=callback["callback_id"], outcome=outcome
            )
            if made is None:
                return False
            if outcome != "unreachable":
                return outcome == "dissatisfied" and self._reopened(case_id)
        return False

    def _callback(self, case_id: str, round_number: int) -> dict[str, Any] | None:
        while not self.shared.stop.is_set():
            for callback in self.ask("followup.list_callbacks", case_id=case_id) or []:
                if callback["round"] == round_number:
                    return dict(callback)
            time.sleep(0.1)
        return None

    def _reopened(self, case_id: str) -> bool:
        while not self.shared.stop.is_set():
            case = self.ask("complaints.get_case", id=case_id)
            if case is not None and case["state"] == "accepted":
                return True
            time.sleep(0.1)
        return False


class _Clerk(_Caller):
    """Registers contacts by hand, each under its own key."""

    def toil(self) -> None:
        while not self.shared.stop.wait(self.rng.uniform(0.05, 0.4)):
            data = enquiry(ORG)["data"] | {"text": self.shared.run}
            self.do("intake.register_contact", "clerk", **data)


class _Vandal(_Worker):
    """Sends rubbish inside the house: poison into the services' own queues, garbage to their RPC."""

    def toil(self) -> None:
        publishers: dict[str, PipelinedPublisher] = {}
        number = 0
        while not self.shared.stop.wait(self.rng.uniform(0.1, 0.6)):
            number += 1
            mark = f"{self.shared.run}-vandal-{number}"
            if self.rng.random() < 0.6:
                user, key, queues = self.rng.choice(_POISON)
                message = self._poison(mark, f"{user}.events", key)
            else:
                user, queues = "operator", []
                method = self.rng.choice(_METHODS)
                message = raw_message(self.rng.choice(_GARBAGE), exchange=RPC_EXCHANGE, routing_key=method)
            for name in queues:
                self.shared.ledger.attempt(DEAD, f"{name} {mark}")
            publisher = publishers.setdefault(user, PipelinedPublisher(self.shared.stack.broker_url(user)))
            if publish_until_confirmed(publisher, [_from(message, user)]):
                for name in queues:
                    self.shared.ledger.acknowledge(DEAD, f"{name} {mark}")
        for publisher in publishers.values():
            publisher.close()

    def _poison(self, mark: str, exchange: str, key: str) -> Outgoing:
        bodies = (f'{{"{mark}": ', json.dumps({"id": mark, "data": 5}), json.dumps([mark]))
        return raw_message(self.rng.choice(bodies).encode(), exchange=exchange, routing_key=key)


class _Repeater(_Worker):
    """Publishes again, in any order, what the services have published: duplicates inside the house."""

    def toil(self) -> None:
        publishers = {
            service: PipelinedPublisher(self.shared.stack.broker_url(service))
            for service in ("intake", "complaints", "followup")
        }
        client: MongoClient[dict[str, Any]] = MongoClient(self.shared.stack.database_url(), tz_aware=True)
        began = datetime.now(UTC)
        with client:
            while not self.shared.stop.wait(self.rng.uniform(0.2, 0.8)):
                for event in self._some_of(client, began):
                    service = event["_id"].split("/")[2].split("#")[0]
                    publish_until_confirmed(publishers[service], [_from(_again(event), service)])
        for publisher in publishers.values():
            publisher.close()

    def _some_of(self, client: MongoClient[dict[str, Any]], began: datetime) -> list[dict[str, Any]]:
        try:
            events = client["kefu_reporting"]["events"].find({"archived_at": {"$gte": began}}).limit(300)
            found = [event for event in events if event["source"] != "reporting"]
        except PyMongoError:
            return []
        return self.rng.sample(found, min(len(found), 5))


def _again(event: dict[str, Any]) -> Outgoing:
    body = {
        "specversion": "1.0",
        "id": event["_id"].partition("#")[2],
        "source": event["_id"].partition("#")[0],
        "type": event["type"],
        "subject": event["subject"],
        "time": timestamp(event["time"]),
        "org": event["org"],
        "sequence": str(event["sequence"]),
        "data": event["data"],
    }
    encoded = json.dumps(body, ensure_ascii=False).encode()
    return raw_message(encoded, exchange=events_exchange(event["source"]), routing_key=event["type"])


_METHODS = ("intake.get_contact", "complaints.reply", "followup.get_callback", "reporting.no_such_method")
_GARBAGE = (b'{"args": ', b"[]", b'{"args": [], "kwargs": {}}', b"\xff")
#: Whose exchange, under which type, and the queues the poison arrives in.
_POISON: tuple[tuple[str, str, list[str]], ...] = (
    ("intake", "contact_routed", ["evt-intake--complaints", "evt-intake--reporting"]),
    ("complaints", "case_replied", ["evt-complaints--followup", "evt-complaints--reporting"]),
    ("followup", "callback_completed", ["evt-followup--complaints", "evt-followup--reporting"]),
    ("reporting", "report_published", ["evt-reporting--reporting"]),
)


def contact_key(event: dict[str, Any]) -> str:
    """Return the cause that a contact registered for ``event`` carries."""
    return f"{event['source']}#{event['id']}"


def command_key(method: str, key: str) -> str:
    """Return the cause that the effect of a command carries."""
    return f"{ORG}/{method.partition('.')[2]}/{key}"


def _from(message: Outgoing, user: str) -> Outgoing:
    return replace(message, user_id=user)
