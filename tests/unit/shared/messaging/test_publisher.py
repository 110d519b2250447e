from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import amqp
import pytest
from amqp.exceptions import ConnectionForced, NotFound
from greenlet import GreenletExit

from shared.errors import Unavailable
from shared.messaging import publisher as module
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher

SILENT = object()


class Broker:
    """A broker that answers as told: ``answers`` are done one by one, each when the publisher looks.

    With no answers left, it acknowledges everything it has at once; ``SILENT`` is a look that brings nothing.
    """

    def __init__(self) -> None:
        self.answers: deque[Callable[[Channel], object] | object] = deque()
        self.connections: list[Connection] = []
        self.sent: list[tuple[str, str, amqp.Message, dict[str, Any]]] = []
        self.refuse: Exception | None = None
        self.on_send: Callable[[], object] = lambda: None
        self.now = 50.0

    def connect(self, _url: str, **_options: Any) -> Connection:
        self.connections.append(Connection(self))
        return self.connections[-1]


class Connection:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.channels: list[Channel] = []
        self.open = False
        self.beats = 0

    def connect(self) -> None:
        if self.broker.refuse:
            raise self.broker.refuse
        self.open = True

    def channel(self) -> Channel:
        self.channels.append(Channel(self.broker))
        return self.channels[-1]

    def drain_events(self, timeout: float) -> None:
        answer = self.broker.answers.popleft() if self.broker.answers else self.channels[-1].ack_all
        if answer is SILENT or not self.channels:
            self.broker.now += timeout
            raise TimeoutError
        assert callable(answer)
        answer(self.channels[-1])

    def heartbeat_check(self) -> None:
        self.beats += 1
        if self.broker.refuse:
            raise self.broker.refuse

    def collect(self) -> None:
        self.open = False


class Channel:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.events: dict[str, set[Callable[..., None]]] = {
            "basic_ack": set(),
            "basic_nack": set(),
            "basic_return": set(),
        }
        self.confirming = False
        self.tag = 0

    def confirm_select(self) -> None:
        self.confirming = True

    def _basic_publish(self, message: amqp.Message, exchange: str, routing_key: str, **options: Any) -> None:
        assert self.confirming, "published before confirms were asked for"
        self.broker.on_send()
        self.tag += 1
        self.broker.sent.append((exchange, routing_key, message, options))

    def ack(self, tag: int, *, multiple: bool = False) -> None:
        for callback in self.events["basic_ack"]:
            callback(tag, multiple)

    def nack(self, tag: int, *, multiple: bool = False) -> None:
        for callback in self.events["basic_nack"]:
            callback(tag, multiple)

    def give_back(self, message_id: str) -> None:
        (message,) = (m for _, _, m, _ in self.broker.sent if m.properties["message_id"] == message_id)
        for callback in self.events["basic_return"]:
            callback(Exception("NO_ROUTE"), "", "", message)

    def ack_all(self, _channel: Channel) -> None:
        self.ack(self.tag, multiple=True)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker in place of the network, and its time in place of the machine's."""
    broker = Broker()
    monkeypatch.setattr(module, "Connection", broker.connect)
    monkeypatch.setattr(module, "time", Mock(perf_counter=lambda: broker.now))
    return broker


def _publisher() -> PipelinedPublisher:
    return PipelinedPublisher("pyamqp://nowhere", confirm_timeout=10.0)


def _batch(*names: str) -> list[Outgoing]:
    return [Outgoing("desk.events", "order.placed", name.encode(), name) for name in names]


def test_a_whole_batch_is_sent_before_the_first_confirm_is_waited_for(broker: Broker) -> None:
    """That is what makes it fast."""
    looked_after: list[int] = []
    broker.answers += [lambda _: looked_after.extend([len(broker.sent)])]
    assert _publisher().publish(_batch("a", "b", "c")) == [Fate.CONFIRMED] * 3
    assert looked_after == [3]


def test_every_message_is_persistent_and_mandatory_and_says_what_it_is(broker: Broker) -> None:
    """It survives the broker's restart, comes back if no queue wants it, and cannot block for ever."""
    message = Outgoing(
        "desk.events",
        "order.placed",
        b"{}",
        "m1",
        content_type="text/x",
        headers={"x": 1},
        user_id="desk",
        type="order.placed",
    )
    _publisher().publish([message, *_batch("m2")])
    (exchange, key, first, options), (_, _, second, _) = broker.sent
    assert (exchange, key, options) == ("desk.events", "order.placed", {"mandatory": True, "timeout": 10.0})
    assert first.properties == {
        "content_type": "text/x",
        "delivery_mode": 2,
        "message_id": "m1",
        "application_headers": {"x": 1},
        "user_id": "desk",
        "type": "order.placed",
    }
    assert {"user_id", "type"}.isdisjoint(second.properties)
    assert second.properties["content_type"] == "application/cloudevents+json"


def test_confirms_one_by_one_in_any_order_reach_their_messages(broker: Broker) -> None:
    """The broker confirms as it writes, not as it was asked."""
    for tag in (2, 3, 1):
        broker.answers.append(lambda channel, tag=tag: channel.ack(tag))
    assert _publisher().publish(_batch("a", "b", "c")) == [Fate.CONFIRMED] * 3
    assert not broker.answers


def test_a_confirm_of_many_covers_those_up_to_its_tag_and_no_others(broker: Broker) -> None:
    """What follows still has to be waited for."""
    broker.answers += [
        lambda channel: channel.ack(2, multiple=True),
        lambda channel: channel.nack(4, multiple=True),
        lambda channel: channel.ack(5),
    ]
    fates = _publisher().publish(_batch("a", "b", "c", "d", "e"))
    assert fates == [Fate.CONFIRMED, Fate.CONFIRMED, Fate.REFUSED, Fate.REFUSED, Fate.CONFIRMED]


def test_a_message_no_queue_wants_is_returned_even_though_it_is_confirmed_too(broker: Broker) -> None:
    """The broker gives it back first and then says it has dealt with it; the first word is the true one."""
    broker.answers += [lambda channel: channel.give_back("b")]
    assert _publisher().publish(_batch("a", "b", "c")) == [Fate.CONFIRMED, Fate.RETURNED, Fate.CONFIRMED]


def test_a_full_queue_refuses(broker: Broker) -> None:
    """The caller learns which messages were not taken."""
    broker.answers += [lambda channel: channel.nack(1), lambda channel: channel.ack(2)]
    assert _publisher().publish(_batch("a", "b")) == [Fate.REFUSED, Fate.CONFIRMED]


def test_silence_is_given_up_after_the_time_set_for_the_whole_batch(broker: Broker) -> None:
    """A broker in alarm blocks publishers without a word; nobody knows what it took."""
    broker.answers += [lambda channel: channel.ack(1), SILENT, SILENT]
    publisher, started = _publisher(), broker.now
    with pytest.raises(Unavailable, match="did not confirm 2 messages"):
        publisher.publish(_batch("a", "b"))
    assert broker.now - started == pytest.approx(10.0)
    assert not broker.connections[0].open


def test_the_time_runs_from_before_the_first_message_is_sent(broker: Broker) -> None:
    """A slow network cannot stretch it by the number of messages."""

    def slowly() -> None:
        broker.now += 4.0

    broker.on_send = slowly
    broker.answers += [SILENT]
    with pytest.raises(Unavailable):
        _publisher().publish(_batch("a", "b", "c"))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        EOFError(),
        ConnectionForced("shutdown"),
        NotFound("no exchange 'x'"),
        OSError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_breaks_makes_it_unavailable_and_the_next_call_connects_anew(
    error: Exception, broker: Broker
) -> None:
    """Nothing of the lost connection is remembered: tags begin again at one."""

    def fail(_channel: Channel) -> None:
        raise error

    broker.answers += [lambda channel: channel.ack(1), fail]
    publisher = _publisher()
    with pytest.raises(Unavailable) as raised:
        publisher.publish(_batch("a", "b"))
    assert raised.value.__cause__ is error
    broker.answers += [lambda channel: channel.ack(1), lambda channel: channel.ack(2)]
    assert publisher.publish(_batch("a", "b")) == [Fate.CONFIRMED] * 2
    assert len(broker.connections) == 2
    assert [connection.open for connection in broker.connections] == [False, True]


@pytest.mark.parametrize("error", [struct.error("no such type"), GreenletExit()], ids=repr)
def test_a_batch_broken_off_for_any_other_reason_leaves_nothing_behind(
    error: BaseException, broker: Broker
) -> None:
    """Tags counted here and by the broker would differ by one, and confirms reach the wrong messages."""
    publisher = _publisher()
    publisher.publish(_batch("a"))
    broker.on_send = Mock(side_effect=error)
    with pytest.raises(type(error)):
        publisher.publish(_batch("b"))
    broker.on_send = lambda: None
    assert publisher.publish(_batch("c")) == [Fate.CONFIRMED]
    assert [connection.open for connection in broker.connections] == [False, True]


def test_a_broker_that_cannot_be_reached_is_unavailable(broker: Broker) -> None:
    """No batch is begun."""
    broker.refuse = ConnectionRefusedError()
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        _publisher().publish(_batch("a"))
    assert broker.sent == []


def test_one_connection_serves_one_batch_after_another(broker: Broker) -> None:
    """Tags count on over batches, and a late confirm of an earlier batch counts for nothing."""
    publisher = _publisher()
    assert publisher.publish(_batch("a", "b")) == [Fate.CONFIRMED] * 2
    broker.answers += [lambda channel: channel.ack(2), lambda channel: channel.nack(3)]
    assert publisher.publish(_batch("a")) == [Fate.REFUSED]
    assert len(broker.connections) == 1


def test_a_return_of_one_batch_does_not_follow_its_message_into_the_next(broker: Broker) -> None:
    """The same message published again may well find its queue."""
    publisher = _publisher()
    broker.answers += [lambda channel: channel.give_back("a"), lambda channel: channel.ack(1)]
    assert publisher.publish(_batch("a")) == [Fate.RETURNED]
    assert publisher.publish(_batch("a")) == [Fate.CONFIRMED]


def test_an_empty_batch_needs_no_broker(broker: Broker) -> None:
    """Nothing to publish, nothing to fail."""
    assert _publisher().publish([]) == []
    assert broker.connections == []


def test_a_heartbeat_reads_what_the_broker_sent_and_sends_its_own(broker: Broker) -> None:
    """Unread, the broker's heartbeats would count as missed and an idle connection as dead."""
    publisher = _publisher()
    publisher.heartbeat()
    assert broker.connections == []
    publisher.publish(_batch("a"))
    read: list[bool] = []
    broker.answers += [lambda _: read.append(True), SILENT]
    publisher.heartbeat()
    publisher.heartbeat()
    assert read == [True]
    assert broker.connections[0].beats == 2
    assert broker.connections[0].open


@pytest.mark.parametrize("where", ["reading", "sending"])
def test_a_connection_found_dead_at_a_heartbeat_is_dropped_quietly(where: str, broker: Broker) -> None:
    """The next batch simply opens another, and nobody sees an error."""
    publisher = _publisher()
    publisher.publish(_batch("a"))
    if where == "sending":
        broker.refuse = ConnectionForced("missed heartbeats")
    else:
        broker.answers += [Mock(side_effect=ConnectionResetError)]
    publisher.heartbeat()
    broker.refuse = None
    assert not broker.connections[0].open
    assert publisher.publish(_batch("a")) == [Fate.CONFIRMED]


def test_closing_is_repeatable_and_the_next_batch_opens_again(broker: Broker) -> None:
    """A publisher is never used up."""
    publisher = _publisher()
    publisher.close()
    publisher.publish(_batch("a"))
    publisher.close()
    publisher.close()
    assert not broker.connections[0].open
    assert publisher.publish(_batch("a")) == [Fate.CONFIRMED]
