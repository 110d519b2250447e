from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Self

import pytest

from shared.messaging import topology as module
from shared.messaging.topology import (
    DELIVERY_LIMIT,
    Subscription,
    Topology,
    dead_letter_queue,
    events_exchange,
    events_queue,
    retry_name,
    rpc_queue,
)

SERVICES = ("desk", "orders", "books")
SUBSCRIPTIONS = (
    Subscription("desk", "external", ("order.received",)),
    Subscription("orders", "desk", ("order_taken", "order_changed")),
    Subscription("books", "desk", ("#",)),
    Subscription("books", "orders", ("#",)),
)
DELAYS = (1_000, 5_000)
TOPOLOGY = Topology(SERVICES, SUBSCRIPTIONS, ("shop", "crm"), DELAYS, vhost="v")
EXCHANGES = {name for name, _ in TOPOLOGY.exchanges}
QUEUES = dict(TOPOLOGY.queues())
#: Everything there is, and what appears at run time under anybody's name.
NAMES = (
    EXCHANGES
    | QUEUES.keys()
    | {"amq.default", "amq.topic"}
    | {f"rpc.reply-{user}-1f2e" for user in (*SERVICES, "operator")}
    | {f"pub-{publisher}.heard" for publisher in ("shop", "crm")}
)


def _rights(user: str) -> dict[str, set[str]]:
    """Return what ``user`` may configure, write and read of everything there is, as the broker decides it."""
    (patterns,) = [rights for name, *rights in TOPOLOGY.permissions() if name == user]
    return {
        right: {name for name in NAMES if re.search(pattern, name)}
        for right, pattern in zip(("configure", "write", "read"), patterns, strict=True)
    }


def test_names_on_the_broker_are_frozen() -> None:
    """Messages wait in queues of these names through every release: a new name is a migration."""
    assert (module.EXTERNAL_EXCHANGE, module.RPC_EXCHANGE) == ("external.events", "nameko-rpc")
    assert module.DEAD_LETTER_EXCHANGE == "dead-letters"
    assert events_exchange("external") == "external.events"
    assert events_exchange("desk") == "desk.events"
    assert events_queue("external", "desk") == Subscription("desk", "external", ()).queue
    assert events_queue("external", "desk") == "evt-external--desk"
    assert dead_letter_queue("evt-desk--orders") == "dlq.evt-desk--orders"
    assert retry_name(1_000) == "retry.1000"
    assert rpc_queue("desk") == "rpc-desk"


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=lambda subscription: subscription.queue)
def test_every_event_queue_is_replicated_bounded_and_has_a_place_for_its_dead(
    subscription: Subscription,
) -> None:
    """A message that kills consumers ends as a dead letter, moved safely, in the queue of its own name."""
    arguments = QUEUES[subscription.queue]
    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-delivery-limit"] == DELIVERY_LIMIT >= 20
    assert arguments["x-dead-letter-exchange"] == "dead-letters"
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"
    key = arguments["x-dead-letter-routing-key"]
    assert ("dead-letters", f"dlq.{subscription.queue}", key) in set(TOPOLOGY.bindings())
    assert QUEUES[f"dlq.{subscription.queue}"]["x-queue-type"] == "quorum"


@pytest.mark.parametrize("queue", [name for name in QUEUES if name.startswith("dlq.")])
def test_a_dead_letter_can_be_looked_at_as_often_as_anybody_likes(queue: str) -> None:
    """Each look counts as a delivery; without a limit of its own the queue gets 20 from RabbitMQ 4 on.

    Past it, with nowhere to dead-letter to, the broker would throw the message away.
    """
    assert QUEUES[queue]["x-delivery-limit"] >= 1_000_000
    assert "x-message-ttl" not in QUEUES[queue]


@pytest.mark.parametrize("delay", DELAYS)
def test_a_delay_queue_gives_a_message_back_to_the_queue_it_came_from(delay: int) -> None:
    """It leads through the default exchange, where the routing key is the queue's name."""
    arguments = QUEUES[f"retry.{delay}"]
    assert arguments["x-message-ttl"] == delay
    assert arguments["x-dead-letter-exchange"] == ""
    assert "x-dead-letter-routing-key" not in arguments
    assert (arguments["x-queue-type"], arguments["x-dead-letter-strategy"]) == ("quorum", "at-least-once")
    assert arguments["x-overflow"] == "reject-publish"
    assert (f"retry.{delay}", "fanout") in TOPOLOGY.exchanges
    assert (f"retry.{delay}", f"retry.{delay}", "") in set(TOPOLOGY.bindings())


@pytest.mark.parametrize("service", SERVICES)
def test_rpc_queues_are_the_plain_ones_nameko_declares(service: str) -> None:
    """Other arguments would make nameko's own declaration fail, and replicated queues make calls slow."""
    assert QUEUES[f"rpc-{service}"] == {}
    assert ("nameko-rpc", f"rpc-{service}", f"{service}.*") in set(TOPOLOGY.bindings())


def test_every_pattern_of_a_subscription_is_bound_to_its_sources_exchange() -> None:
    """And nothing else leads into an event queue."""
    into = {
        queue: {(exchange, key) for exchange, to, key in TOPOLOGY.bindings() if to == queue}
        for queue in QUEUES
        if queue.startswith("evt-")
    }
    assert into == {
        "evt-external--desk": {("external.events", "order.received")},
        "evt-desk--orders": {("desk.events", "order_taken"), ("desk.events", "order_changed")},
        "evt-desk--books": {("desk.events", "#")},
        "evt-orders--books": {("orders.events", "#")},
    }


def test_everything_bound_exists() -> None:
    """No binding names an exchange or a queue that is not declared."""
    for exchange, queue, _ in TOPOLOGY.bindings():
        assert exchange in EXCHANGES
        assert queue in QUEUES


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_exactly_what_it_needs(service: str) -> None:
    """Its own queues and exchange, RPC, delays and dead letters; nobody else's."""
    own_queues = {subscription.queue for subscription in SUBSCRIPTIONS if subscription.service == service}
    rpc = {f"rpc-{service}", "nameko-rpc", f"rpc.reply-{service}-1f2e"}
    assert _rights(service) == {
        "configure": rpc,
        "write": rpc | {f"{service}.events", "dead-letters", "retry.1000", "retry.5000"},
        "read": rpc | own_queues,
    }


def test_a_publisher_writes_to_the_external_exchange_and_to_nothing_else_but_its_own_queues() -> None:
    """Whatever its password opens, it cannot speak as a service, nor hear what others are told."""
    assert _rights("pub-shop") == {
        "configure": {"pub-shop.heard"},
        "write": {"external.events", "pub-shop.heard"},
        "read": {"desk.events", "pub-shop.heard"},
    }


def test_a_publisher_hears_only_the_service_that_takes_its_events() -> None:
    """Nobody outside is bound to a service that never takes anything from outside."""
    inside = Topology(SERVICES, SUBSCRIPTIONS[1:], ("shop",), DELAYS)
    (read,) = (read for user, _, _, read in inside.permissions() if user == "pub-shop")
    assert not [name for name in EXCHANGES if re.search(read, name)]


def test_the_operator_calls_services_and_sends_dead_letters_back() -> None:
    """It reads no event queue and publishes no events."""
    dead = {name for name in QUEUES if name.startswith("dlq.")}
    reply = "rpc.reply-operator-1f2e"
    assert _rights("operator") == {
        "configure": {reply},
        "write": {"nameko-rpc", "amq.default", reply},
        "read": {"nameko-rpc", reply} | dead,
    }


def test_a_right_covers_whole_names_only() -> None:
    """The broker searches with these patterns, so each must be anchored at both ends; a dot is a dot."""
    for user, *patterns in TOPOLOGY.permissions():
        if user == "admin":
            continue
        for pattern in patterns:
            for name in NAMES:
                if re.search(pattern, name):
                    assert not re.search(pattern, f"x{name}")
            assert not re.search(pattern, "externalXevents")
            assert not re.search(pattern, "retryX1000")
            assert not re.search(pattern, "")


def test_users_are_one_per_service_and_publisher_and_two_for_people() -> None:
    """A password that leaks opens one door."""
    users = [user for user, *_ in TOPOLOGY.permissions()]
    assert users == ["admin", *SERVICES, "pub-shop", "pub-crm", "operator"]


def test_the_definitions_file_holds_everything_the_topology_does() -> None:
    """A broker that boots with it needs no declaring: nothing is published before everything stands."""
    definitions = json.loads(TOPOLOGY.definitions(lambda user: f"hash-of-{user}"))
    assert definitions["vhosts"] == [{"name": "v"}]
    assert {(row["name"], row["type"]) for row in definitions["exchanges"]} == set(TOPOLOGY.exchanges)
    assert {row["name"]: row["arguments"] for row in definitions["queues"]} == QUEUES
    bindings = {(row["source"], row["destination"], row["routing_key"]) for row in definitions["bindings"]}
    assert bindings == set(TOPOLOGY.bindings())
    assert {row["destination_type"] for row in definitions["bindings"]} == {"queue"}
    rights = {
        (row["user"], row["configure"], row["write"], row["read"]) for row in definitions["permissions"]
    }
    assert rights == set(TOPOLOGY.permissions())
    for kind in ("exchanges", "queues"):
        assert all(row["durable"] and not row["auto_delete"] for row in definitions[kind])
    for kind in ("exchanges", "queues", "bindings", "permissions"):
        assert {row["vhost"] for row in definitions[kind]} == {"v"}


def test_every_user_of_the_definitions_has_its_own_hash_and_only_admin_administers() -> None:
    """No user without a password, no second administrator."""
    users = json.loads(TOPOLOGY.definitions(lambda user: f"hash-of-{user}"))["users"]
    assert {user["name"]: user["password_hash"] for user in users} == {
        user: f"hash-of-{user}" for user, *_ in TOPOLOGY.permissions()
    }
    assert [user["name"] for user in users if user["tags"]] == ["admin"]
    assert {user["hashing_algorithm"] for user in users} == {"rabbit_password_hashing_sha256"}


def test_declaring_makes_the_same_in_an_order_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges and queues first, then what binds them; the same twice over, as a repeat is harmless."""
    done: list[tuple[str, ...]] = []

    class Connection:
        def __init__(self, url: str, **_: object) -> None:
            assert url == "pyamqp://admin@nowhere"

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            done.append(("closed",))

        def channel(self) -> Connection:
            return self

        def exchange_declare(self, name: str, kind: str, *, durable: bool, auto_delete: bool) -> None:
            assert (durable, auto_delete) == (True, False)
            done.append(("exchange", name, kind))

        def queue_declare(
            self, name: str, *, durable: bool, auto_delete: bool, arguments: dict[str, object]
        ) -> None:
            assert (durable, auto_delete, arguments) == (True, False, QUEUES[name])
            done.append(("queue", name))

        def queue_bind(self, queue: str, exchange: str, key: str) -> None:
            assert ("queue", queue) in done
            assert exchange in {name for what, name, *_ in done if what == "exchange"}
            done.append(("binding", exchange, queue, key))

    monkeypatch.setattr(module, "Connection", Connection)
    TOPOLOGY.declare("pyamqp://admin@nowhere")
    assert {step[1:] for step in done if step[0] == "exchange"} == set(TOPOLOGY.exchanges)
    assert {step[1] for step in done if step[0] == "queue"} == QUEUES.keys()
    assert {step[1:] for step in done if step[0] == "binding"} == set(TOPOLOGY.bindings())
    assert done[-1] == ("closed",)


@pytest.mark.parametrize("parts", [TOPOLOGY.queues, TOPOLOGY.permissions, TOPOLOGY.bindings])
def test_nothing_is_named_twice(parts: Callable[[], Iterable[object]]) -> None:
    """A second definition of the same name would win or lose by chance."""
    listed = [repr(part) for part in parts()]
    assert len(listed) == len(set(listed))
