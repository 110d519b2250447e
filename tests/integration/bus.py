"""What outsiders do with a running stack: publish events, call the services, look at dead letters."""

from __future__ import annotations

import http.client
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Self, TypeVar

from prometheus_client.parser import text_string_to_metric_families
from pymongo import MongoClient
from pymongo.database import Database

from kefu.local.ports import HOST
from services.names import SERVICES
from shared.errors import KefuError, Unavailable
from shared.messaging.dead_letters import DeadLetter, DeadLetters
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.messaging.rpc_client import RpcClient
from shared.messaging.topology import dead_letter_queue
from tests.integration.events import as_message, contact_id_of
from tests.integration.stack import Stack

#: Everything a department's people may be, so that a test need not care unless it is about roles.
EVERY_ROLE = (
    "staff",
    "complaint_handler",
    "cs_head",
    "ops_cs",
    "store_superior",
    "followup_agent",
    "supervisor",
    "manager",
    "system",
)
PATIENCE = 40.0

Document = dict[str, Any]

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, timeout: float = PATIENCE) -> T:
    """Return what ``ask`` returns as soon as it raises neither AssertionError nor one of our own errors.

    Its last complaint is raised after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    pause = 0.02
    while True:
        try:
            return ask()
        except (AssertionError, KefuError):
            if time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 0.25)


class Bus:
    """Speaks to a stack as its publishers, staff and operator do; not to be shared between threads.

    Connections are opened when needed, and again after the broker was away.
    """

    def __init__(self, stack: Stack) -> None:
        """Speak to ``stack``."""
        self.stack = stack
        self._publishers: dict[str, PipelinedPublisher] = {}
        self._client = RpcClient(stack.broker_url("operator"), name="operator")
        self._mongo: MongoClient[Document] = MongoClient(
            stack.database_url(), tz_aware=True, serverSelectionTimeoutMS=5_000, connect=False
        )

    def __enter__(self) -> Self:
        """Return this; nothing is open yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
        self._mongo.close()
        for publisher in self._publishers.values():
            publisher.close()

    def publish(self, publisher: str, *events: Mapping[str, Any]) -> None:
        """Publish events to ``external.events`` as ``publisher`` until the broker confirmed each of them."""
        self.send(publisher, *(as_message(event) for event in events))

    def send(self, publisher: str, *messages: Outgoing) -> None:
        """Publish messages as the external ``publisher`` until the broker confirmed each of them."""
        fates = self.publish_as(f"pub-{publisher}", *messages)
        assert fates == [Fate.CONFIRMED] * len(messages), fates

    def publish_as(self, user: str, *messages: Outgoing) -> list[Fate]:
        """Publish messages as the broker user ``user``; return each one's fate."""
        publisher = self._publishers.setdefault(user, PipelinedPublisher(self.stack.broker_url(user)))
        batch = [replace(message, user_id=message.user_id or user) for message in messages]
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return publisher.publish(batch)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def call(self, method: str, /, *, token: str | None, timeout: float = 20.0, **arguments: Any) -> Any:
        """Call ``<service>.<method>`` with exactly this token and these arguments."""
        return self._client.call(method, token=token, timeout=timeout, **arguments)

    def desk(
        self, org: str, roles: Collection[str] = EVERY_ROLE, *, subject: str = "stf_test", key: str = ""
    ) -> Desk:
        """Return a member of staff of ``org`` who may do everything ``roles`` say."""
        return Desk(self, org, self.stack.token(org, roles, subject=subject), key)

    def database(self, service: str) -> Database[Document]:
        """Return the database of a service, to look at what no call shows."""
        return self._mongo[f"kefu_{service}"]

    def dead_letters(self, queue: str) -> list[DeadLetter]:
        """Return what lies in the dead-letter queue of ``queue`` and leave it there."""
        with DeadLetters(self.stack.broker_url("operator")) as letters:
            return letters.peek(dead_letter_queue(queue), 1000)

    def dead_letter(self, queue: str, holding: str) -> DeadLetter:
        """Return the dead letter of ``queue`` whose body holds ``holding``, once it is there."""

        def found() -> DeadLetter:
            letters = [one for one in self.dead_letters(queue) if holding.encode() in one.body]
            assert len(letters) == 1, f"{len(letters)} dead letters hold {holding}"
            return letters[0]

        return eventually(found)

    def replay(self, queue: str) -> int:
        """Send every dead letter of ``queue`` back to it, as an operator would; return how many."""
        with DeadLetters(self.stack.broker_url("operator")) as letters:
            return letters.replay(dead_letter_queue(queue), 1000).done

    def ready(self, service: str) -> bool:
        """Return whether the service says it is ready."""
        return self._get(service, "/readyz")[0] == 200

    def metric(self, service: str, name: str, **labels: str) -> float:
        """Return the sum of the samples called ``name`` of a service that carry ``labels``."""
        families = text_string_to_metric_families(self._get(service, "/metrics")[1])
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def born(self) -> dict[str, float]:
        """Return when the process of each service was started; it changes when one was restarted."""
        return {service: self.metric(service, "process_start_time_seconds") for service in SERVICES}

    def _get(self, service: str, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(HOST, self.stack.http_port(service), timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{service} does not answer: {type(error).__name__}") from error
        finally:
            connection.close()


class Desk:
    """A member of staff of one organisation at work."""

    def __init__(self, bus: Bus, org: str, token: str, key: str = "") -> None:
        """Call with ``token``; ``key`` is what every idempotency key starts with."""
        self.bus = bus
        self.org = org
        self._token = token
        self._key = key

    def ask(self, method: str, /, **arguments: Any) -> Any:
        """Return the answer to a query."""
        return self.bus.call(method, token=self._token, **arguments)

    def do(
        self,
        method: str,
        /,
        *,
        key: str | None = None,
        timeout: float = 20.0,
        data: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Return the answer to a command; each call is a command of its own unless ``key`` says otherwise.

        ``data`` are arguments as well, for those whose names are taken here.
        """
        chosen = key or f"{self._key}{uuid.uuid4().hex}"
        return self.bus.call(
            method, token=self._token, idempotency_key=chosen, timeout=timeout, data=data, **arguments
        )

    def contact_of(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the contact that ``event`` became, once intake has registered it."""
        contact_id = contact_id_of(event)
        return eventually(lambda: self._dict("intake.get_contact", id=contact_id))

    def case_of(self, event: Mapping[str, Any], **expected: Any) -> dict[str, Any]:
        """Return the case that ``event`` opened or joined, once it is there and looks as expected."""
        contact_id = contact_id_of(event)

        def look() -> dict[str, Any]:
            case = self._dict("complaints.get_case_of_contact", contact_id=contact_id)
            assert expected.items() <= case.items(), (expected, case)
            return case

        return eventually(look)

    def callbacks_of(self, case_id: str, number: int) -> list[dict[str, Any]]:
        """Return the callbacks of a case, the first round first, once there are ``number`` of them."""

        def look() -> list[dict[str, Any]]:
            found = self.ask("followup.list_callbacks", case_id=case_id)
            assert len(found) == number, found
            return sorted(found, key=lambda callback: int(callback["round"]))

        return eventually(look)

    def archived(self, about: str, *types: str) -> list[dict[str, Any]]:
        """Return what reporting archived about one thing, once it holds ``types``, each as often as named."""

        def look() -> list[dict[str, Any]]:
            events: list[dict[str, Any]] = self.ask("reporting.list_archive", about=about, limit=200)
            missing = Counter(types) - Counter(event["type"] for event in events)
            assert not missing, f"not archived about {about}: {sorted(missing)}"
            return events

        return eventually(look)

    def happened(self, about: str, kind: str, *, times: int = 1) -> list[dict[str, Any]]:
        """Return the archived events of type ``kind`` about one thing, once there are exactly ``times``."""

        def look() -> list[dict[str, Any]]:
            events = self.ask("reporting.list_archive", about=about, limit=200)
            found = [event for event in events if event["type"] == kind]
            assert len(found) == times, found
            return found

        return eventually(look)

    def only(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Return the one row a listing holds, once it holds one."""

        def look() -> dict[str, Any]:
            rows = self.ask(method, **arguments)
            assert len(rows) == 1, rows
            return dict(rows[0])

        return eventually(look)

    def _dict(self, method: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(method, **arguments)
        return answer
