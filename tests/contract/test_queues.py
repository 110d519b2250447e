"""Queues, bindings and exchanges: frozen by name, and the same in contracts and broker definitions.

A queue outlives the service that reads it. Renaming one leaves its messages behind, so a change of the lists
below needs a migration: drain the old queue, declare the new one, delete the old.
"""

from __future__ import annotations

from typing import Any

import pytest

from kefu.contracts import Operation, all_contracts
from kefu.topology import SERVICES, subscriptions_of, topology
from shared.messaging.topology import (
    EXTERNAL,
    RPC_EXCHANGE,
    event_queue_arguments,
    events_exchange,
    events_queue,
    rpc_queue,
)

#: Queue, exchange and routing keys of everything that is consumed.
FROZEN = {
    ("rpc-complaints", "nameko-rpc", ("complaints.*",)),
    ("rpc-followup", "nameko-rpc", ("followup.*",)),
    ("rpc-intake", "nameko-rpc", ("intake.*",)),
    ("rpc-reporting", "nameko-rpc", ("reporting.*",)),
    ("evt-external--intake", "external.events", ("#",)),
    ("evt-intake--complaints", "intake.events", ("contact_routed",)),
    (
        "evt-intake--followup",
        "intake.events",
        (
            "contact_registered",
            "customer_changed",
            "customer_registered",
            "personal_data_erased",
            "privacy_flags_set",
        ),
    ),
    ("evt-followup--followup", "followup.events", ("callback_unsatisfied",)),
    ("evt-followup--complaints", "followup.events", ("callback_completed", "callback_unsatisfied")),
    (
        "evt-complaints--followup",
        "complaints.events",
        ("case_closed", "case_opened", "case_reopened", "case_replied", "contact_attempted"),
    ),
    ("evt-complaints--reporting", "complaints.events", ("#",)),
    ("evt-followup--reporting", "followup.events", ("#",)),
    ("evt-intake--reporting", "intake.events", ("#",)),
    ("evt-reporting--reporting", "reporting.events", ("#",)),
}
#: Arguments of a queue cannot be changed on a running broker either.
FROZEN_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 20,
    "x-dead-letter-exchange": "dead-letters",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
FROZEN_DELAYS = {"retry.1000", "retry.5000", "retry.30000", "retry.120000", "retry.600000"}
FROZEN_EXCHANGES = {
    "external.events": "topic",
    "intake.events": "topic",
    "complaints.events": "topic",
    "followup.events": "topic",
    "reporting.events": "topic",
    "nameko-rpc": "topic",
    "dead-letters": "direct",
} | dict.fromkeys(FROZEN_DELAYS, "fanout")

CONTRACTS = all_contracts()
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def consumed(bindings: list[tuple[str, str, str]]) -> set[tuple[str, str, tuple[str, ...]]]:
    """Return (queue, exchange, keys) of what services consume."""
    keys: dict[tuple[str, str], list[str]] = {}
    for exchange, queue, key in bindings:
        if queue.startswith(("evt-", "rpc-")):
            keys.setdefault((queue, exchange), []).append(key)
    return {(queue, exchange, tuple(sorted(found))) for (queue, exchange), found in keys.items()}


def queues_of(operations: dict[str, Operation]) -> set[tuple[str, str, tuple[str, ...]]]:
    """Return the same of the operations that receive."""
    channels = [each.channel for each in operations.values() if each.action == "receive"]
    return {
        (each.binding["queue"]["name"], each.exchange or "", tuple(sorted(each.routing_keys)))
        for each in channels
    }


def test_the_queues_and_their_bindings_are_the_frozen_ones() -> None:
    """A renamed queue keeps its messages where nobody reads them."""
    assert consumed(list(topology().bindings())) == FROZEN


def test_the_arguments_of_queues_and_the_exchanges_are_the_frozen_ones() -> None:
    """A broker refuses to declare again with other arguments, so nothing would start."""
    queues = dict(topology().queues())
    for name, _, _ in FROZEN:
        expected = FROZEN_ARGUMENTS | {"x-dead-letter-routing-key": name} if name.startswith("evt-") else {}
        assert queues[name] == expected
        if name.startswith("evt-"):
            assert queues[f"dlq.{name}"] == {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
    assert {name for name in queues if not name.startswith(("evt-", "rpc-", "dlq."))} == FROZEN_DELAYS
    assert dict(topology().exchanges) == FROZEN_EXCHANGES


def test_every_queue_of_the_topology_is_in_a_contract_and_the_reverse() -> None:
    """Contract and broker speak of the same queues, exchanges and keys."""
    described = set().union(*(queues_of(contract.operations()) for contract in CONTRACTS.values()))
    assert described == consumed(list(topology().bindings()))


@every_service
def test_queues_are_described_as_they_are_declared(service: Any) -> None:
    """Durable, shared, and with the very arguments the broker gets."""
    for each in CONTRACTS[service.name].operations().values():
        if each.action != "receive":
            continue
        queue = each.channel.binding["queue"]
        assert each.channel.binding["is"] == "queue"
        assert (queue["durable"], queue["exclusive"], queue["autoDelete"]) == (True, False, False)
        assert dict(each.channel.queue_arguments) == dict(topology().queues())[queue["name"]]


@every_service
def test_calls_go_to_the_services_own_rpc_queue_and_replies_to_the_rpc_exchange(service: Any) -> None:
    """Where nameko listens, and where it answers."""
    name = service.name
    channels = CONTRACTS[name].document["channels"]
    assert channels["rpc"]["bindings"]["amqp"]["queue"]["name"] == rpc_queue(name)
    assert channels["rpc"]["address"] == f"{name}.*"
    assert channels["rpc"]["x-kefu-exchange"] == RPC_EXCHANGE
    assert channels["rpc_reply"]["address"] is None
    assert channels["rpc_reply"]["bindings"]["amqp"]["exchange"]["name"] == RPC_EXCHANGE
    for call in CONTRACTS[name].calls().values():
        assert call.channel.key == "rpc"


@every_service
def test_every_subscription_is_an_operation_of_the_contract_and_the_reverse(service: Any) -> None:
    """An entry point for events has its operation under its own name, with queue, exchange and keys."""
    receivers = CONTRACTS[service.name].receivers()
    subscriptions = {f"on_{each.source}_events": each for each in subscriptions_of(service)}
    assert set(receivers) == set(subscriptions)
    for name, subscription in subscriptions.items():
        channel = receivers[name].channel
        assert callable(getattr(service, name))
        assert channel.address == events_queue(subscription.source, service.name)
        assert channel.binding["queue"]["name"] == subscription.queue
        assert channel.exchange == events_exchange(subscription.source)
        assert sorted(channel.routing_keys) == sorted(subscription.types)
        assert dict(channel.queue_arguments) == event_queue_arguments(subscription.queue)


@every_service
def test_events_go_to_the_services_own_exchange_under_their_type(service: Any) -> None:
    """What the relay does: exchange <service>.events, routing key = type, persistent, mandatory."""
    exchange = {"name": events_exchange(service.name), "type": "topic", "durable": True, "autoDelete": False}
    contract = CONTRACTS[service.name]
    for each in contract.operations().values():
        if each.action != "send":
            continue
        (message,) = each.messages
        assert each.key == f"send_{message.type}"
        assert each.channel.address == message.type
        assert each.channel.binding == {"is": "routingKey", "exchange": exchange}
        bindings = contract.document["operations"][each.key]["bindings"]["amqp"]
        assert bindings == {"deliveryMode": 2, "mandatory": True}


@every_service
def test_a_service_receives_exactly_the_published_events_its_keys_match(service: Any) -> None:
    """Whoever subscribes to everything of a source describes every event of that source, new ones too."""
    for subscription in subscriptions_of(service):
        received = CONTRACTS[service.name].receivers()[f"on_{subscription.source}_events"]
        types = {message.type for message in received.messages}
        if subscription.source == EXTERNAL:
            assert types == {"contact.received"}
            continue
        published = set(CONTRACTS[subscription.source].sent())
        assert types == (published if subscription.types == ("#",) else set(subscription.types))
        assert types <= published
