"""The broker's objects, declared from one definition: exchanges, queues, bindings, users and their rights.

The same ``Topology`` is rendered to the broker's own definitions file (read at boot) and can be
declared over AMQP on a broker that is already running. Nothing is published before it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kombu.connection import Connection

EXTERNAL_EXCHANGE = "external.events"
RPC_EXCHANGE = "nameko-rpc"
DEAD_LETTER_EXCHANGE = "dead-letters"
#: Source name under which the external exchange's events are consumed.
EXTERNAL = "external"
#: Deliveries of one message that ended in a crash before the broker dead-letters it.
DELIVERY_LIMIT = 20
#: Times a dead letter may be taken and given back; "no limit" cannot be said to RabbitMQ 3 and 4 alike.
DEAD_LETTER_DELIVERY_LIMIT = 1_000_000


def events_exchange(source: str) -> str:
    """Return the topic exchange that ``source`` publishes its events to."""
    return EXTERNAL_EXCHANGE if source == EXTERNAL else f"{source}.events"


def events_queue(source: str, service: str) -> str:
    """Return the queue that carries the events of ``source`` to ``service``; renaming it is a migration."""
    return f"evt-{source}--{service}"


def dead_letter_queue(queue: str) -> str:
    """Return the queue that keeps what could not be handled from ``queue``."""
    return f"dlq.{queue}"


def retry_name(delay_ms: int) -> str:
    """Return the name shared by the exchange and the queue that hold a message for ``delay_ms``."""
    return f"retry.{delay_ms}"


def rpc_queue(service: str) -> str:
    """Return the queue nameko serves the RPC of ``service`` from."""
    return f"rpc-{service}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """``service`` wants the events of ``source`` whose type matches one of ``types`` (topic patterns)."""

    service: str
    source: str
    types: tuple[str, ...]

    @property
    def queue(self) -> str:
        """Return the name of the queue."""
        return events_queue(self.source, self.service)


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything the broker must hold for a set of services."""

    services: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    publishers: tuple[str, ...]
    retry_delays_ms: tuple[int, ...]
    vhost: str = "kefu"
    #: Publishers that may use certain routing keys only, each with these; the others may use any.
    limited: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exchanges: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the exchanges: (name, type)."""
        names = [
            (EXTERNAL_EXCHANGE, "topic"),
            (RPC_EXCHANGE, "topic"),
            (DEAD_LETTER_EXCHANGE, "direct"),
            *((events_exchange(service), "topic") for service in self.services),
            *((retry_name(delay), "fanout") for delay in self.retry_delays_ms),
        ]
        object.__setattr__(self, "exchanges", tuple(names))

    def queues(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield every queue and its arguments."""
        for subscription in self.subscriptions:
            yield subscription.queue, event_queue_arguments(subscription.queue)
            yield dead_letter_queue(subscription.queue), dead_letter_queue_arguments()
        for delay in self.retry_delays_ms:
            yield retry_name(delay), retry_queue_arguments(delay)
        for service in self.services:
            yield rpc_queue(service), {}

    def bindings(self) -> Iterable[tuple[str, str, str]]:
        """Yield every binding as (exchange, queue, routing key)."""
        for subscription in self.subscriptions:
            for pattern in subscription.types:
                yield events_exchange(subscription.source), subscription.queue, pattern
            yield DEAD_LETTER_EXCHANGE, dead_letter_queue(subscription.queue), subscription.queue
        for delay in self.retry_delays_ms:
            yield retry_name(delay), retry_name(delay), ""
        for service in self.services:
            yield RPC_EXCHANGE, rpc_queue(service), f"{service}.*"

    def permissions(self) -> Iterable[tuple[str, str, str, str]]:
        """Yield (user, configure, write, read): each user may do what its task needs and no more."""
        yield "admin", ".*", ".*", ".*"
        for service in self.services:
            rpc = rpc_queue(service)
            queues = [s.queue for s in self.subscriptions if s.service == service]
            replies = rf"rpc\.reply-{service}-.*"
            retries = [retry_name(delay) for delay in self.retry_delays_ms]
            yield (
                service,
                _any_of([rpc, RPC_EXCHANGE], replies),
                _any_of(
                    [rpc, RPC_EXCHANGE, events_exchange(service), DEAD_LETTER_EXCHANGE, *retries], replies
                ),
                _any_of([rpc, RPC_EXCHANGE, *queues], replies),
            )
        # Whoever takes external events tells the publishers on its own exchange what became of them.
        answers = sorted({events_exchange(s.service) for s in self.subscriptions if s.source == EXTERNAL})
        for publisher in self.publishers:
            # It may publish, and hear the answers on queues of its own.
            own = rf"pub-{re.escape(publisher)}\..*"
            yield (
                f"pub-{publisher}",
                f"^({own})$",
                _any_of([EXTERNAL_EXCHANGE], own),
                _any_of(answers, own),
            )
        queues = [name for name, _ in self.queues() if name.startswith(("evt-", "dlq."))]
        dead = [name for name in queues if name.startswith("dlq.")]
        replies = r"rpc\.reply-operator-.*"
        # The default exchange takes a replayed message straight back to the queue it came from.
        yield (
            "operator",
            f"^({replies})$",
            _any_of([RPC_EXCHANGE, "amq.default"], replies),
            _any_of([RPC_EXCHANGE, *dead], replies),
        )

    def topic_permissions(self) -> Iterable[tuple[str, str, str]]:
        """Yield (user, exchange, pattern of the routing keys it may publish with) of every limited publisher."""
        for publisher, keys in self.limited:
            yield f"pub-{publisher}", EXTERNAL_EXCHANGE, _any_of(keys)

    def definitions(self, password_hash: Callable[[str], str]) -> str:
        """Return the broker's definitions file as JSON; ``password_hash`` gives a user's salted SHA-256 hash."""
        permissions = list(self.permissions())
        return json.dumps(
            {
                "vhosts": [{"name": self.vhost}],
                "users": [
                    {
                        "name": user,
                        "password_hash": password_hash(user),
                        "hashing_algorithm": "rabbit_password_hashing_sha256",
                        "tags": ["administrator"] if user == "admin" else [],
                    }
                    for user, *_ in permissions
                ],
                "permissions": [
                    {"user": user, "vhost": self.vhost, "configure": configure, "write": write, "read": read}
                    for user, configure, write, read in permissions
                ],
                "topic_permissions": [
                    {"user": user, "vhost": self.vhost, "exchange": name, "write": keys, "read": ".*"}
                    for user, name, keys in self.topic_permissions()
                ],
                "exchanges": [
                    {
                        "name": name,
                        "vhost": self.vhost,
                        "type": kind,
                        "durable": True,
                        "auto_delete": False,
                        "internal": False,
                        "arguments": {},
                    }
                    for name, kind in self.exchanges
                ],
                "queues": [
                    {
                        "name": name,
                        "vhost": self.vhost,
                        "durable": True,
                        "auto_delete": False,
                        "arguments": arguments,
                    }
                    for name, arguments in self.queues()
                ],
                "bindings": [
                    {
                        "source": exchange,
                        "vhost": self.vhost,
                        "destination": queue,
                        "destination_type": "queue",
                        "routing_key": key,
                        "arguments": {},
                    }
                    for exchange, queue, key in self.bindings()
                ],
            },
            indent=1,
        )

    def declare(self, url: str) -> None:
        """Declare exchanges, queues and bindings on a running broker; repeating it changes nothing.

        ``url`` must be of a user with full rights. Users cannot be made over AMQP: import the
        definitions file for those.
        """
        with Connection(url, connect_timeout=10) as connection:
            channel = connection.channel()
            for name, kind in self.exchanges:
                channel.exchange_declare(name, kind, durable=True, auto_delete=False)
            for name, arguments in self.queues():
                channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
            for exchange, queue, key in self.bindings():
                channel.queue_bind(queue, exchange, key)


def event_queue_arguments(queue: str) -> dict[str, Any]:
    """Return the arguments of an event queue: replicated, bounded redelivery, nothing dropped on the way out."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def dead_letter_queue_arguments() -> dict[str, Any]:
    """Return the arguments of a dead-letter queue: replicated, and a message may be looked at without end.

    Each look counts as a delivery. Where no limit is set, RabbitMQ 4 sets 20 and throws away what exceeds it.
    """
    return {"x-queue-type": "quorum", "x-delivery-limit": DEAD_LETTER_DELIVERY_LIMIT}


def retry_queue_arguments(delay_ms: int) -> dict[str, Any]:
    """Return the arguments of a delay queue: after ``delay_ms`` a message goes to the queue its routing key names."""
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": delay_ms,
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _any_of(names: Sequence[str], *patterns: str) -> str:
    return "^(" + "|".join([*(re.escape(name) for name in names), *patterns]) + ")$"
