from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import amqp
import pytest
from amqp.exceptions import ConnectionForced
from nameko.exceptions import IncorrectSignature, MalformedRequest, MethodNotFound, serialize

from shared import metrics
from shared.errors import (
    ERRORS,
    DeadlineExceeded,
    KefuError,
    NotFound,
    Problem,
    Unavailable,
    ValidationFailed,
)
from shared.messaging import rpc_client as module
from shared.messaging.rpc_client import RpcClient


class Broker:
    """A broker and the service behind it: ``answers`` are done one by one, each when the client waits.

    With none left the service answers what it was asked; ``silent`` makes it say nothing at all.
    """

    def __init__(self) -> None:
        self.answers: deque[Callable[[Channel], object]] = deque()
        self.channels: list[Channel] = []
        self.refuse: list[Exception] = []
        self.result: object = None
        self.silent = False
        self.now = 1_000.0
        self.slept = 0.0

    def __call__(self, _url: str, **_options: Any) -> Broker:
        return self

    def connect(self) -> None:
        if self.refuse:
            raise self.refuse.pop(0)

    def channel(self) -> Channel:
        self.channels.append(Channel(self))
        return self.channels[-1]

    def drain_events(self, timeout: float) -> None:
        if self.answers:
            self.answers.popleft()(self.channels[-1])
        elif self.silent:
            self.now += timeout
            raise TimeoutError
        else:
            self.channels[-1].reply({"result": self.result, "error": None})

    def collect(self) -> None:
        for channel in self.channels:
            channel.closed = True

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += max(seconds, 0.001)

    @property
    def requests(self) -> list[amqp.Message]:
        return [message for channel in self.channels for message in channel.sent]


class Channel:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.sent: list[amqp.Message] = []
        self.declared: dict[str, dict[str, bool]] = {}
        self.bound: list[tuple[str, str, str]] = []
        self.events: dict[str, set[Callable[..., None]]] = {"basic_return": set()}
        self.callback: Callable[[amqp.Message], None] = Mock()
        self.closed = False

    def queue_declare(self, queue: str, **options: bool) -> None:
        self.declared[queue] = options

    def queue_bind(self, queue: str, exchange: str, key: str) -> None:
        self.bound.append((queue, exchange, key))

    def basic_consume(self, queue: str, *, no_ack: bool, callback: Callable[[amqp.Message], None]) -> None:
        assert queue in self.declared
        assert no_ack
        self.callback = callback

    def basic_publish(
        self, message: amqp.Message, *, exchange: str, routing_key: str, mandatory: bool
    ) -> None:
        assert (exchange, mandatory) == ("nameko-rpc", True)
        assert routing_key == "desk.place_order"
        self.sent.append(message)

    def reply(self, body: object, correlation: str | None = None) -> None:
        asked = self.sent[-1].properties["correlation_id"] if self.sent else ""
        self.callback(amqp.Message(json.dumps(body), correlation_id=correlation or asked))

    def give_back(self) -> None:
        for callback in self.events["basic_return"]:
            callback(Exception("NO_ROUTE"), "nameko-rpc", "desk.place_order", self.sent[-1])


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker in place of the network, and its time in place of the machine's."""
    broker = Broker()
    monkeypatch.setattr(module, "Connection", broker)
    fake = Mock(time=lambda: broker.now, perf_counter=lambda: broker.now, sleep=broker.sleep)
    monkeypatch.setattr(module, "time", fake)
    return broker


def _client(**options: Any) -> RpcClient:
    return RpcClient("pyamqp://nowhere", name="shop", **options)


def _error(error: BaseException) -> dict[str, Any]:
    """Return the answer nameko sends when a method raised."""
    return {"result": None, "error": json.loads(json.dumps(serialize(error)))}


def test_a_call_is_what_nameko_expects_and_its_result_comes_back(broker: Broker) -> None:
    """Arguments by name, the token and the deadline in headers, the answer on a queue of the caller's own."""
    broker.result = {"done": 7}
    client = _client(token="good", timeout=5.0)
    assert client.call("desk.place_order", number=7, idempotency_key="k1") == {"done": 7}
    (request,) = broker.requests
    assert json.loads(request.body) == {"args": [], "kwargs": {"number": 7, "idempotency_key": "k1"}}
    properties = request.properties
    assert properties["application_headers"] == {"nameko.deadline": 1_005.0, "nameko.auth_token": "good"}
    assert properties["expiration"] == "5000"
    assert (properties["content_type"], properties["content_encoding"]) == ("application/json", "utf-8")
    ((queue, exchange, key),) = broker.channels[0].bound
    assert queue == f"rpc.reply-shop-{properties['reply_to']}"
    assert (exchange, key) == ("nameko-rpc", properties["reply_to"])
    assert broker.channels[0].declared[queue] == {"durable": False, "exclusive": True, "auto_delete": True}


def test_a_call_may_bring_its_own_token_and_time(broker: Broker) -> None:
    """One client serves several members of staff."""
    client = _client(token="good", timeout=5.0)
    client.call("desk.place_order", token="other", timeout=60.0)
    headers = broker.requests[0].properties["application_headers"]
    assert headers == {"nameko.deadline": 1_060.0, "nameko.auth_token": "other"}
    _client().call("desk.place_order")
    assert "nameko.auth_token" not in broker.requests[1].properties["application_headers"]


def test_money_and_moments_are_written_as_text(broker: Broker) -> None:
    """JSON knows neither; the service's schema reads them."""
    _client().call("desk.place_order", amount=Decimal("1.50"), at=datetime(2026, 3, 2, tzinfo=UTC))
    assert json.loads(broker.requests[0].body)["kwargs"] == {
        "amount": "1.50",
        "at": "2026-03-02 00:00:00+00:00",
    }


def test_one_connection_serves_one_call_after_another(broker: Broker) -> None:
    """Each finds its own answer."""
    client = _client()
    for number in range(3):
        broker.result = number
        assert client.call("desk.place_order") == number
    assert len(broker.channels) == 1
    assert len({request.properties["correlation_id"] for request in broker.requests}) == 3


def test_an_answer_to_an_earlier_call_is_not_taken_for_this_ones(broker: Broker) -> None:
    """A call that was given up may still be answered, late."""
    client = _client(timeout=5.0)
    broker.silent = True
    with pytest.raises(DeadlineExceeded):
        client.call("desk.place_order")
    late = broker.requests[0].properties["correlation_id"]
    broker.silent = False
    broker.answers.append(lambda channel: channel.reply({"result": "late", "error": None}, late))
    broker.result = "mine"
    assert client.call("desk.place_order") == "mine"


@pytest.mark.parametrize("kind", ERRORS.values())
def test_the_error_the_service_raised_is_raised_here(kind: type[KefuError], broker: Broker) -> None:
    """Class, message, problems and rule: the caller deals with it as if the method had been called here."""
    raised = kind("no", problems=(Problem("number", "is taken"),), rule="R-7", details={"state": "closed"})
    raised.args = (raised.as_dict(),)
    broker.answers.append(lambda channel: channel.reply(_error(raised)))
    with pytest.raises(KefuError) as arrived:
        _client().call("desk.place_order")
    assert type(arrived.value) is kind
    assert arrived.value.as_dict() == raised.as_dict() | {"message": "no"}


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (MethodNotFound("place_order"), NotFound),
        (MalformedRequest("Message missing `args` or `kwargs`"), ValidationFailed),
        (IncorrectSignature("missing 1 required argument"), ValidationFailed),
        (ZeroDivisionError("division by zero"), KefuError),
        (ValueError(), KefuError),
    ],
    ids=repr,
)
def test_namekos_own_errors_become_ours(raised: Exception, kind: type[KefuError], broker: Broker) -> None:
    """The caller knows one family of errors."""
    broker.answers.append(lambda channel: channel.reply(_error(raised)))
    with pytest.raises(KefuError) as arrived:
        _client().call("desk.place_order")
    assert type(arrived.value) is kind


def test_a_service_that_does_not_exist_is_told_at_once(broker: Broker) -> None:
    """The broker gives the request back; nobody waits for the deadline."""
    broker.answers.append(Channel.give_back)
    with pytest.raises(NotFound, match=r"no service answers to 'desk\.place_order'"):
        _client().call("desk.place_order")
    assert broker.now == 1_000.0


@pytest.mark.parametrize("noise", [b"{", b"\xff", b"[]", b"7", b'{"error": "text"}'])
def test_an_answer_that_cannot_be_read_is_an_error_of_the_family(noise: bytes, broker: Broker) -> None:
    """The call ends at once, and whoever made it deals with one kind of error only."""
    broker.answers.append(
        lambda channel: channel.callback(
            amqp.Message(noise, correlation_id=channel.sent[-1].properties["correlation_id"])
        )
    )
    with pytest.raises(KefuError, match="cannot be read"):
        _client().call("desk.place_order")


def test_no_answer_within_the_deadline_says_so_and_how_to_go_on(broker: Broker) -> None:
    """A command may have been carried out: the same key finds out."""
    broker.silent = True
    with pytest.raises(DeadlineExceeded, match="same idempotency key"):
        _client(timeout=5.0).call("desk.place_order", idempotency_key="k")
    assert broker.now == pytest.approx(1_005.0)
    assert len(broker.requests) == 1


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(), EOFError(), ConnectionForced("x")],
    ids=lambda error: type(error).__name__,
)
def test_without_a_key_a_call_whose_answer_got_lost_is_not_repeated(error: Exception, broker: Broker) -> None:
    """It may have been carried out, and nothing would tell the repeat from a second one."""
    broker.answers.append(Mock(side_effect=error))
    with pytest.raises(Unavailable, match="may not have been called"):
        _client().call("desk.place_order")
    assert len(broker.requests) == 1
    assert broker.channels[0].closed


def test_with_a_key_a_call_whose_answer_got_lost_is_repeated_under_the_same_key_and_deadline(
    broker: Broker,
) -> None:
    """On a new connection, with the time that is left."""
    broker.answers += [Mock(side_effect=ConnectionResetError()), Mock(side_effect=EOFError())]
    broker.result = "done"
    assert _client(timeout=5.0).call("desk.place_order", idempotency_key="k") == "done"
    assert len(broker.channels) == len(broker.requests) == 3
    bodies = {request.body for request in broker.requests}
    deadlines = {r.properties["application_headers"]["nameko.deadline"] for r in broker.requests}
    assert (len(bodies), deadlines) == (1, {1_005.0})
    assert int(broker.requests[2].properties["expiration"]) < 5_000


def test_a_broker_that_stays_away_is_given_up_at_the_deadline(broker: Broker) -> None:
    """Trying for longer would answer somebody who has stopped waiting."""
    broker.refuse = [ConnectionRefusedError() for _ in range(1_000)]
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        _client(timeout=5.0).call("desk.place_order", idempotency_key="k")
    assert broker.now == pytest.approx(1_005.0, abs=0.3)
    assert broker.requests == []


def test_calls_are_counted_by_method_and_outcome(broker: Broker) -> None:
    """Also those that failed."""

    def count(outcome: str) -> float:
        labels = {"method": "desk.place_order", "outcome": outcome}
        return metrics.REGISTRY.get_sample_value("kefu_rpc_client_requests_total", labels) or 0.0

    before = {outcome: count(outcome) for outcome in ("ok", "not_found")}
    _client().call("desk.place_order")
    broker.answers.append(Channel.give_back)
    with pytest.raises(NotFound):
        _client().call("desk.place_order")
    assert all(count(outcome) - known == 1 for outcome, known in before.items())


def test_a_client_closes_its_connection_when_it_is_left(broker: Broker) -> None:
    """Closing twice is harmless, and another call opens a new one."""
    with _client() as client:
        client.call("desk.place_order")
    client.close()
    assert broker.channels[0].closed
    client.call("desk.place_order")
    assert len(broker.channels) == 2
