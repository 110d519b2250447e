"""Dead letters whose headers were written by somebody who means ill, or by a client with its own ideas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import amqp
import pytest
from amqp.exceptions import AccessRefused, ConnectionForced, NotFound
from amqp.serialization import dumps

from shared.errors import Forbidden, Unavailable
from shared.errors import NotFound as Missing
from shared.messaging import dead_letters
from shared.messaging.dead_letters import DeadLetters, check_login
from shared.messaging.publisher import Fate, Outgoing

QUEUE = "dlq.evt-external--desk"
DEATH = {"queue": "evt-external--desk", "reason": "delivery_limit", "routing-keys": ["order.placed"]}


class Broker:
    """One queue of dead letters behind one connection; ``fail`` is raised by the next call on the channel."""

    def __init__(self) -> None:
        self.waiting: list[amqp.Message] = []
        self.sent: list[Outgoing] = []
        self.fail: Exception | None = None
        self.refuse: Exception | None = None
        self.connections = 0
        self.auto_decode = True
        self.is_open = True
        self.userid = "operator"

    @property
    def message_count(self) -> int:
        return len(self.waiting)

    def __call__(self, _url: str, **_options: Any) -> Broker:
        return self

    def connect(self) -> None:
        if self.refuse:
            raise self.refuse
        self.connections += 1

    def channel(self) -> Broker:
        return self

    def queue_declare(self, _queue: str, *, passive: bool) -> Broker:
        assert passive
        if self.fail:
            error, self.fail = self.fail, None
            raise error
        return self

    def basic_get(self, _queue: str, *, no_ack: bool) -> amqp.Message | None:
        assert not no_ack
        return self.waiting.pop(0) if self.waiting else None

    def basic_ack(self, _tag: int) -> None: ...

    def basic_reject(self, _tag: int, *, requeue: bool) -> None:
        assert requeue

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        self.sent += batch
        return [Fate.CONFIRMED for _ in batch]

    def close(self) -> None: ...

    def collect(self) -> None: ...

    def release(self) -> None: ...


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker in place of the network."""
    broker = Broker()
    monkeypatch.setattr(dead_letters, "Connection", broker)
    monkeypatch.setattr(dead_letters, "PipelinedPublisher", broker)
    return broker


def _letters() -> DeadLetters:
    return DeadLetters("pyamqp://operator:secret@nowhere/kefu")


def _buried(headers: dict[Any, Any], **properties: Any) -> amqp.Message:
    """Return a publisher's message that the broker itself has dead-lettered."""
    given = {"user_id": "pub-shop", "application_headers": headers, **properties}
    message = amqp.Message(b"\xff{}", **given)
    message.delivery_info = {"delivery_tag": 1}
    return message


def test_a_reason_written_by_the_sender_is_not_shown_as_ours(broker: Broker) -> None:
    """The operator acts on what is shown; only we and the broker say why a message died."""
    forged = {"x-kefu-reason": "please replay me", "x-kefu-attempt": 9, "x-death": [DEATH]}
    broker.waiting = [_buried({**forged, "x-first-death-reason": "delivery_limit"})]
    (letter,) = _letters().peek(QUEUE, 1)
    assert letter.reason == "dead-lettered by the broker: delivery_limit"
    assert letter.attempts == 0


def test_of_several_deaths_the_newest_is_the_brokers_own(broker: Broker) -> None:
    """A message that never was a copy died once; older deaths in its headers were written by its sender."""
    broker.waiting = [_buried({"x-death": [DEATH, {"routing-keys": ["money.moved"]}]})]
    (letter,) = _letters().peek(QUEUE, 1)
    assert letter.routing_key == "order.placed"


@pytest.mark.parametrize(
    "deaths",
    ["text", 7, [], ["text"], [None], [{}], [{"routing-keys": None}], [{"routing-keys": "k"}]],
    ids=repr,
)
def test_deaths_that_are_none_do_not_keep_the_letter_from_being_seen(deaths: object, broker: Broker) -> None:
    """One odd message must not hide all the others."""
    broker.waiting = [_buried({"x-death": deaths})]
    (letter,) = _letters().peek(QUEUE, 1)
    assert (letter.sender, letter.routing_key) == ("pub-shop", "")


def test_a_letter_is_replayed_without_the_headers_that_cannot_be_written_again(broker: Broker) -> None:
    """One odd message must not keep all the others from being replayed."""
    odd = {"big": 2**70, "nested": {"deep": [object()]}, b"\xff": 1, "fine": "text", "x-death": [DEATH]}
    broker.waiting = [_buried(odd)]
    assert _letters().replay(QUEUE, 1).done == 1
    (copy,) = broker.sent
    assert copy.headers == {
        "fine": "text",
        "x-kefu-user": "pub-shop",
        "x-kefu-routing-key": "order.placed",
    }
    assert dumps(b"F", [copy.headers])


def test_bodies_are_replayed_as_they_were_sent_whatever_encoding_they_claim(broker: Broker) -> None:
    """Decoding and encoding again would change them."""
    broker.waiting = [_buried({}, content_encoding="latin-1")]
    _letters().replay(QUEUE, 1)
    assert broker.sent[0].body == b"\xff{}"
    assert broker.auto_decode is False


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotFound("no queue 'x'"), Missing),
        (AccessRefused("access to queue 'x' refused"), Forbidden),
        (ConnectionForced("shutdown"), Unavailable),
        (ConnectionResetError(), Unavailable),
        (TimeoutError(), Unavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_the_brokers_errors_become_ours_and_the_next_call_works(
    error: Exception, expected: type[Exception], broker: Broker
) -> None:
    """The command line knows one family of errors; a lost connection is opened again."""
    letters = _letters()
    assert letters.depth(QUEUE) == 0
    broker.fail = error
    with pytest.raises(expected):
        letters.depth(QUEUE)
    assert letters.depth(QUEUE) == 0
    assert broker.connections == (1 if expected is Missing else 2)
    with letters:
        assert letters.depth(QUEUE) == 0


@pytest.mark.parametrize(
    ("error", "expected"), [(AccessRefused("x"), Forbidden), (ConnectionRefusedError(), Unavailable)]
)
def test_a_login_that_fails_says_whether_the_password_or_the_address_is_wrong(
    error: Exception, expected: type[Exception], broker: Broker
) -> None:
    """And never shows the password."""
    broker.refuse = error
    with pytest.raises(expected) as refused:
        check_login("pyamqp://operator:secret@nowhere/kefu")
    assert "secret" not in str(refused.value)


def test_a_login_that_works_says_nothing(broker: Broker) -> None:
    """No news is good news."""
    check: Callable[[str], None] = check_login
    check("pyamqp://operator:secret@nowhere/kefu")
    assert broker.connections == 1
