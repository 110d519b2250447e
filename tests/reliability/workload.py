"""A department at work while things break: publishers, people at their desks, and senders of rubbish.

Every operation goes into a ledger before it is tried, and again once its caller was told what became of it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from shared.history import timestamp
from shared.messaging.publisher import Outgoing, PipelinedPublisher
from shared.messaging.topology import RPC_EXCHANGE, events_exchange
from shared.testing.checker import Ledger
from tests.integration.ear import rejected_id_of
from tests.integration.events import as_message, complaint, contact_id_of, enquiry, raw_message
from tests.integration.process_stack import ProcessStack
from tests.reliability.desks import Clerk, Handler
from tests.reliability.shift import (
    CONTACTS,
    DEAD,
    ORG,
    REJECTED,
    Shared,
    Worker,
    contact_key,
    publish_until_confirmed,
    sent_by,
)

_PUBLISHERS = ("hotline", "crm", "chat")
_HANDLERS = 8


class Workload:
    """Runs for as long as the ``with`` block; what was begun by then is finished before it ends."""

    def __init__(self, stack: ProcessStack, run: str, seed: int, *, pace: float = 0.6) -> None:
        """``run`` marks events and problems; ``pace`` is the pause of each publisher in seconds.

        At this pace two cores just keep up: a department that drowns in contacts has hardly a case to handle.
        """
        self.shared = Shared(stack, run, Ledger())
        rng = Random(seed)
        workers: list[Worker] = [
            _Publisher(self.shared, Random(rng.random()), name, pace) for name in _PUBLISHERS[:2]
        ]
        workers += [Handler(self.shared, Random(rng.random()), number) for number in range(_HANDLERS)]
        workers += [worker(self.shared, Random(rng.random())) for worker in (Clerk, _Vandal, _Repeater)]
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


class _Publisher(Worker):
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
        message = sent_by(as_message(event), user)

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
        message = sent_by(as_message(event), user)
        key = rejected_id_of(user, message.body)
        self.shared.ledger.attempt(REJECTED, key)
        return message, lambda: self.shared.ledger.acknowledge(REJECTED, key)

    def _garbage(self, user: str) -> tuple[Outgoing, Callable[[], None]]:
        self._number += 1
        key = f"evt-external--intake {self.shared.run}-{self._name}-{self._number}"
        self.shared.ledger.attempt(DEAD, key)
        message = sent_by(raw_message(f'{{"{key.split()[1]}": '.encode()), user)
        return message, lambda: self.shared.ledger.acknowledge(DEAD, key)


class _Vandal(Worker):
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
            if publish_until_confirmed(publisher, [sent_by(message, user)]):
                for name in queues:
                    self.shared.ledger.acknowledge(DEAD, f"{name} {mark}")
        for publisher in publishers.values():
            publisher.close()

    def _poison(self, mark: str, exchange: str, key: str) -> Outgoing:
        bodies = (f'{{"{mark}": ', json.dumps({"id": mark, "data": 5}), json.dumps([mark]))
        return raw_message(self.rng.choice(bodies).encode(), exchange=exchange, routing_key=key)


class _Repeater(Worker):
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
                    publish_until_confirmed(publishers[service], [sent_by(_again(event), service)])
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
