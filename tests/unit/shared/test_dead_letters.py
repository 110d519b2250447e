"""Dead letters by hand, without a broker: what is believed of them, and in which order things happen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import amqp
import pytest

from shared.errors import Unavailable
from shared.messaging import dead_letters
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.publisher import Fate, Outgoing

QUEUE = "dlq.evt-external--intake"


def message(
    tag: int, *, user: str | None = "intake", headers: dict[str, Any] | None = None, body: Any = b"{}"
) -> amqp.Message:
    properties: dict[str, Any] = {"application_headers": headers or {}, "content_type": "text/plain"}
    if user is not None:
        properties["user_id"] = user
    made = amqp.Message(body, **properties)
    made.delivery_info = {"delivery_tag": tag}
    return made


class Broker:
    """One dead-letter queue and the publisher's side; notes what happens in which order."""

    def __init__(self, *messages: amqp.Message) -> None:
        self.waiting = list(messages)
        self.log: list[str] = []
        self.sent: list[Outgoing] = []
        self.fates: list[Fate] = []
        self.fails = False

    @property
    def message_count(self) -> int:
        return len(self.waiting)

    def queue_declare(self, queue: str, *, passive: bool) -> Any:
        assert passive
        return self

    def basic_get(self, queue: str, *, no_ack: bool) -> amqp.Message | None:
        assert not no_ack
        return self.waiting.pop(0) if self.waiting else None

    def basic_ack(self, tag: int) -> None:
        self.log.append(f"ack {tag}")

    def basic_reject(self, tag: int, *, requeue: bool) -> None:
        assert requeue
        self.log.append(f"requeue {tag}")

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        if self.fails:
            raise Unavailable("gone")
        self.log.append(f"publish {len(batch)}")
        self.sent += batch
        return [self.fates.pop(0) if self.fates else Fate.CONFIRMED for _ in batch]

    def close(self) -> None:
        return


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> tuple[DeadLetters, Broker]:
    broker = Broker()

    @contextmanager
    def channel(_self: DeadLetters) -> Any:
        yield broker

    monkeypatch.setattr(DeadLetters, "_channel", channel)
    monkeypatch.setattr(dead_letters, "PipelinedPublisher", lambda _url: broker)
    return DeadLetters("pyamqp://operator:pw@broker.invalid/kefu"), broker


def test_looking_gives_every_message_back(letters: tuple[DeadLetters, Broker]) -> None:
    """Nothing is lost by looking, and no more is taken than asked for."""
    tool, broker = letters
    headers = {
        "x-kefu-reason": "broken",
        "x-kefu-attempt": 3,
        "x-kefu-user": "pub-shop",
        "x-kefu-routing-key": "k",
    }
    broker.waiting = [message(1, headers=headers), message(2), message(3)]
    first, _ = tool.peek(QUEUE, 2)
    assert (first.reason, first.attempts, first.sender, first.routing_key) == ("broken", 3, "pub-shop", "k")
    assert broker.log == ["requeue 1", "requeue 2"]
    assert len(broker.waiting) == 1


def test_a_replayed_message_is_acknowledged_only_after_its_copy_is_confirmed(
    letters: tuple[DeadLetters, Broker],
) -> None:
    """A crash in between repeats it; the other order would lose it."""
    tool, broker = letters
    broker.waiting = [message(1), message(2)]
    assert tool.replay(QUEUE, 10).done == 2
    assert broker.log == ["publish 2", "ack 1", "ack 2"]
    assert {(sent.exchange, sent.routing_key) for sent in broker.sent} == {("", "evt-external--intake")}


def test_a_broker_that_goes_away_keeps_the_messages(letters: tuple[DeadLetters, Broker]) -> None:
    """Nothing is acknowledged, so the broker gives them back."""
    tool, broker = letters
    broker.waiting, broker.fails = [message(1)], True
    with pytest.raises(Unavailable):
        tool.replay(QUEUE, 10)
    assert broker.log == []


@pytest.mark.parametrize("fate", [Fate.RETURNED, Fate.REFUSED])
def test_what_the_broker_does_not_take_stays_dead(letters: tuple[DeadLetters, Broker], fate: Fate) -> None:
    """The rest is left alone too: it would meet the same fate."""
    tool, broker = letters
    broker.waiting = [message(tag) for tag in range(1, 251)]
    broker.fates = [Fate.CONFIRMED, fate]
    result = tool.replay(QUEUE, 1000)
    assert (result.done, result.kept) == (99, 1)
    assert "requeue 2" in broker.log
    assert len(broker.waiting) == 150


def test_no_more_are_replayed_than_were_there(letters: tuple[DeadLetters, Broker]) -> None:
    """A message that dies again at once must not be sent round for ever."""
    tool, broker = letters
    broker.waiting = [message(1), message(2)]
    original = broker.publish

    def dies_again(batch: Sequence[Outgoing]) -> list[Fate]:
        broker.waiting += [message(99) for _ in batch]
        return original(batch)

    broker.publish = dies_again  # type: ignore[method-assign]
    assert tool.replay(QUEUE, 1000).done == 2
    assert len(broker.waiting) == 2


def test_a_replayed_message_keeps_its_sender_and_begins_afresh(letters: tuple[DeadLetters, Broker]) -> None:
    """Attempts, reason and the broker's own notes belong to its former life."""
    tool, broker = letters
    headers = {
        "x-kefu-user": "pub-shop", "x-kefu-routing-key": "contact.received", "x-kefu-attempt": 6,
        "x-kefu-reason": "given up", "x-death": [{"count": 1}], "x-first-death-queue": "q", "traceparent": "00-1",
    }  # fmt: skip
    broker.waiting = [message(1, headers=headers, body=b"\xff\x00")]
    tool.replay(QUEUE, 1)
    (sent,) = broker.sent
    assert sent.headers == {
        "x-kefu-user": "pub-shop", "x-kefu-routing-key": "contact.received", "traceparent": "00-1",
    }  # fmt: skip
    assert (sent.body, sent.content_type, sent.user_id) == (b"\xff\x00", "text/plain", "operator")


def test_headers_are_believed_only_of_our_own_copies(letters: tuple[DeadLetters, Broker]) -> None:
    """A publisher whose message the broker buried must not become somebody else by writing a header."""
    tool, broker = letters
    forged = {
        "x-kefu-user": "pub-crm", "x-kefu-routing-key": "forged",
        "x-death": [{"routing-keys": ["contact.received"]}], "x-first-death-reason": "delivery_limit",
    }  # fmt: skip
    broker.waiting = [message(1, user="pub-hotline", headers=forged), message(2, user=None, headers=forged)]
    shown = tool.peek(QUEUE, 2)
    assert [letter.sender for letter in shown] == ["pub-hotline", None]
    assert {letter.routing_key for letter in shown} == {"contact.received"}
    assert "delivery_limit" in shown[0].reason
    broker.waiting = [message(1, user="pub-hotline", headers=forged), message(2, user=None, headers=forged)]
    tool.replay(QUEUE, 2)
    assert [sent.headers.get("x-kefu-user") for sent in broker.sent] == ["pub-hotline", None]


def test_a_copy_the_operator_replayed_before_is_believed(letters: tuple[DeadLetters, Broker]) -> None:
    """A second replay must not forget who sent the original."""
    tool, broker = letters
    headers = {"x-kefu-user": "pub-shop", "x-kefu-routing-key": "contact.received"}
    broker.waiting = [message(1, user="operator", headers=headers)]
    tool.replay(QUEUE, 1)
    assert broker.sent[0].headers == headers
