"""The four services in one process without broker and database: real entry points, real envelopes, real deliveries."""

from __future__ import annotations

import importlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from nameko.exceptions import serialize

import services.complaints.application
import services.followup.application
import services.intake.application
import services.reporting.application
from kefu.topology import SERVICES, subscriptions_of
from shared.clock import FixedClock
from shared.clocks.digest import pack
from shared.errors import KefuError
from shared.identity import Caller
from shared.ids import TimeOrderedIds
from shared.messaging.delivery import Delivery, Outcome
from shared.messaging.envelope import CONTENT_TYPE, render
from shared.messaging.rpc import CallContext, operations_of
from shared.mongo.runtime import Runtime
from shared.outbox import Unsent
from tests.contract.dispute_store import MemoryDisputes
from tests.contract.investigation_store import MemoryInvestigations
from tests.contract.ledger_store import MemoryLedgers
from tests.contract.offer_store import MemoryOffers
from tests.contract.stores import ComplaintsMemory, ReportingMemory, Sink
from tests.memory import memory_runtime

ORGANISATIONS = Path(__file__).parents[2] / "organisations"

_MEMORIES: Mapping[str, tuple[str, Callable[[Sink], Any]]] = {
    "complaints": ("services.complaints.application.CaseRepository", ComplaintsMemory),
    "reporting": ("services.reporting.application.ReportingRepository", ReportingMemory),
}
#: Firings of one round that go out one by one: so many that the story has both, singly and in digests.
_DIGEST_ABOVE = {"complaints": 11, "followup": 1, "intake": 2, "reporting": 2}
_LEDGERS = "services.complaints.application.LedgerRepository"
_OFFERS = "services.complaints.application.OfferRepository"
_DISPUTES = "services.complaints.application.DisputeRepository"
_INVESTIGATIONS = "services.complaints.application.InvestigationRepository"
_BUILD: Mapping[str, Callable[[Runtime], Any]] = {
    "intake": services.intake.application.build,
    "complaints": services.complaints.application.build,
    "followup": services.followup.application.build,
    "reporting": services.reporting.application.build,
}


#: Rulebooks never change once they are loaded, and reading them is most of what building a service takes.
_LOADERS: Mapping[str, Callable[[Path], Any]] = {
    name: cache(importlib.import_module(f"services.{name}.rulebook").load_rulebooks) for name in _BUILD
}


def _built(name: str, runtime: Runtime) -> Any:
    """Return the application of one service."""
    with patch(f"services.{name}.application.load_rulebooks", _LOADERS[name]):
        return _BUILD[name](runtime)


@dataclass(frozen=True, slots=True)
class Published:
    """One message on its way: the name of its source, its routing key and body, and the broker user that sent it."""

    source: str
    routing_key: str
    body: bytes
    user: str
    content_type: str = CONTENT_TYPE

    @property
    def document(self) -> dict[str, Any]:
        """Return the event as JSON."""
        return cast(dict[str, Any], json.loads(self.body))


@dataclass(frozen=True, slots=True)
class Handled:
    """What a service made of one message."""

    service: str
    source: str
    routing_key: str
    outcome: Outcome
    reason: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """One call as it stands on the wire: the request's and the reply's body."""

    service: str
    method: str
    request: dict[str, Any]
    reply: dict[str, Any]


@dataclass
class Stage:
    """The services, a clock that stands still, and everything that was said between them."""

    clock: FixedClock
    services: dict[str, Any] = field(default_factory=dict)
    memories: dict[str, Any] = field(default_factory=dict)
    databases: dict[str, Any] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    _waiting: list[Published] = field(default_factory=list)
    _keys: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def at(now: datetime) -> Stage:
        """Build all four services at the aware instant ``now``."""
        stage = Stage(FixedClock(now))
        for service_class in SERVICES:
            stage._build(service_class)
        return stage

    def _build(self, service_class: Any) -> None:
        name = service_class.name
        runtime = memory_runtime(
            self.clock,
            TimeOrderedIds(),
            sink=self._sink(name),
            settings=SimpleNamespace(
                service=name, organisations_dir=ORGANISATIONS, clock_digest_above=_DIGEST_ABOVE.get(name)
            ),
        )
        self.databases[name] = runtime.database
        if name not in _MEMORIES:
            # It runs its own repositories, over the database in memory.
            self._start(service_class, _built(name, runtime))
            return
        place, memory = _MEMORIES[name]
        kept = self.memories[name] = memory(self._sink(name))
        ledgers = MemoryLedgers(lambda: kept.cases_kept.all(), self._sink(name))  # noqa: PLW0108 - only complaints has cases
        offers = MemoryOffers(self._sink(name))
        disputes = MemoryDisputes(self._sink(name))
        found = kept.investigations = MemoryInvestigations(self._sink(name))
        with (
            patch(place, lambda _: kept),
            patch(_LEDGERS, lambda _: ledgers),
            patch(_OFFERS, lambda _: offers),
            patch(_DISPUTES, lambda _: disputes),
            patch(_INVESTIGATIONS, lambda _: found),
        ):
            application = _built(name, runtime)
        self._start(service_class, application)

    def _start(self, service_class: Any, application: Any) -> None:
        service = service_class()
        service.app = application
        self.services[service_class.name] = service

    def _sink(self, name: str) -> Sink:
        def publish(entries: Sequence[Unsent]) -> None:
            for unsent in pack(entries):
                body = render(unsent.entry, service=name, org=unsent.org, subject=unsent.subject)
                self.publish(Published(name, unsent.entry.type, body, user=name))

        return publish

    def publish(self, message: Published) -> None:
        """Put a message on its exchange; ``settle`` delivers it."""
        self.published.append(message)
        self._waiting.append(message)

    def settle(self) -> None:
        """Deliver what waits, and what comes of it, until the bus is empty."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for source in sorted({message.source for message in waiting}):
                self.deliver([message for message in waiting if message.source == source])

    def deliver(self, messages: Sequence[Published]) -> list[Handled]:
        """Hand messages of one source to every service that subscribes to them; return what each made of them."""
        outcomes: list[Handled] = []
        for service_class in SERVICES:
            for subscription in subscriptions_of(service_class):
                wanted = [
                    message
                    for message in messages
                    if message.source == subscription.source
                    and routed(subscription.types, message.routing_key)
                ]
                if wanted:
                    outcomes += self._hand(subscription.service, subscription.source, wanted)
        self.handled += outcomes
        return outcomes

    def _hand(self, service: str, source: str, messages: Sequence[Published]) -> list[Handled]:
        deliveries = [
            Delivery(
                body=message.body,
                routing_key=message.routing_key,
                content_type=message.content_type,
                user_id=message.user,
                redelivered=False,
                tag=number,
            )
            for number, message in enumerate(messages, start=1)
        ]
        getattr(self.services[service], f"on_{source}_events")(deliveries)
        return [
            Handled(service, source, delivery.routing_key, delivery.outcome, delivery.reason)
            for delivery in deliveries
        ]

    def call(
        self, method: str, /, *, org: str, actor: str = "u-1001", roles: Iterable[str] = (), **kwargs: Any
    ) -> dict[str, Any]:
        """Call ``<service>.<method>`` through its entry point; return the body of the reply.

        A command gets a key of its own unless it comes with one.
        """
        name, _, method = method.partition(".")
        service = self.services[name]
        if operations_of(type(service))[method].kind == "command":
            self._keys[method] += 1
            key = uuid.uuid5(uuid.NAMESPACE_OID, f"{method}-{self._keys[method]}")
            kwargs = {"idempotency_key": str(key)} | kwargs
        # As it would come over the wire.
        kwargs = json.loads(json.dumps(kwargs))
        request = {"args": [], "kwargs": dict(kwargs)}
        service.context = CallContext.Bound({"auth_token": "t"}, cast(Any, _Verifier(actor, org, roles)))
        try:
            reply = {"result": getattr(service, method)(**kwargs), "error": None}
        except KefuError as error:
            reply = {"result": None, "error": serialize(error)}
        reply = cast(dict[str, Any], json.loads(json.dumps(reply)))
        self.answered.append(Answered(name, method, request, reply))
        return reply

    def ask(self, method: str, /, **kwargs: Any) -> Any:
        """Call, settle the bus and return the result; fails when the call was refused."""
        reply = self.call(method, **kwargs)
        assert reply["error"] is None, reply["error"]
        self.settle()
        return reply["result"]

    def pass_time(self, by: timedelta) -> None:
        """Move the clock and let every service's timer come round until nothing is left to do."""
        self.clock.advance(by)
        for service in self.services.values():
            for tick in (getattr(service, name) for name in _TICKS if hasattr(service, name)):
                while tick():
                    pass
        self.settle()


#: What the timers of the services call, as far as a story waits for it.
_TICKS = ("fire_clocks", "absorb_steps", "go_on_rebuilding")


@dataclass(frozen=True, slots=True)
class _Verifier:
    """Believes the token: who calls is what the test says."""

    actor: str
    org: str
    roles: Iterable[str]

    def verify(self, token: str | None) -> Caller:
        assert token
        return Caller(self.actor, self.org, None, frozenset(self.roles), "tok-1")


def routed(patterns: Iterable[str], key: str) -> bool:
    """Tell whether a topic exchange would route ``key`` to a queue bound with ``patterns``."""
    return any(_matches(pattern.split("."), key.split(".")) for pattern in patterns)


def _matches(pattern: Sequence[str], key: Sequence[str]) -> bool:
    if not pattern:
        return not key
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_matches(rest, key[start:]) for start in range(len(key) + 1))
    return bool(key) and head in {"*", key[0]} and _matches(rest, key[1:])
