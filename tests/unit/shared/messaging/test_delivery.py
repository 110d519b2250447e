from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.messaging.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    ROUTING_KEY_HEADER,
    SENDER_HEADER,
    TIME_HEADER,
    Delivery,
    Outcome,
    headers_to_copy,
)

VOUCHING = frozenset({"desk", "operator"})
OURS = {
    ATTEMPT_HEADER: 4,
    REASON_HEADER: "forged",
    SENDER_HEADER: "pub-shop",
    ROUTING_KEY_HEADER: "order.placed",
}


def _delivery(user: str | None, headers: dict[str, Any] | None = None) -> Delivery:
    properties: dict[str, Any] = {"content_type": "application/json", "application_headers": headers}
    if user is not None:
        properties["user_id"] = user
    info = {"routing_key": "evt-shop--desk", "delivery_tag": 7, "redelivered": True}
    return Delivery.from_broker(b"{}", properties, info, vouching=VOUCHING)


def test_what_the_broker_says_of_a_message_is_kept() -> None:
    """Body, key, type, sender, tag and the hint of an earlier delivery."""
    delivery = _delivery("pub-shop", {"colour": "red"})
    assert (delivery.body, delivery.content_type, delivery.tag) == (b"{}", "application/json", 7)
    assert (delivery.user_id, delivery.routing_key) == ("pub-shop", "evt-shop--desk")
    assert (delivery.redelivered, delivery.headers, delivery.attempt) == (True, {"colour": "red"}, 1)
    assert delivery.outcome is Outcome.DONE


@pytest.mark.parametrize("user", ["pub-hotline", "intruder", None])
def test_nobody_outside_can_speak_in_another_senders_name(user: str | None) -> None:
    """Headers of our copies count for nothing on a message that somebody else sent, and are not kept."""
    delivery = _delivery(user, {**OURS, "colour": "red"})
    assert delivery.user_id == user
    assert delivery.routing_key == "evt-shop--desk"
    assert delivery.attempt == 1
    assert delivery.headers == {"colour": "red"}


@pytest.mark.parametrize("user", ["desk", "operator"])
def test_a_copy_of_ours_speaks_for_the_sender_of_the_original(user: str) -> None:
    """After a retry or a replay the handler sees who sent the message first, and under which key."""
    delivery = _delivery(user, OURS)
    assert (delivery.user_id, delivery.routing_key, delivery.attempt) == ("pub-shop", "order.placed", 5)


def test_a_copy_of_a_message_without_sender_has_none_either() -> None:
    """Being tried again must not turn an anonymous message into one of ours."""
    assert _delivery("desk", {ROUTING_KEY_HEADER: "order.placed", ATTEMPT_HEADER: 1}).user_id is None


def test_an_original_of_ours_is_ours() -> None:
    """Without the marks of a copy, the broker's word is the whole story."""
    assert _delivery("desk").user_id == "desk"


@pytest.mark.parametrize("value", [-1, -(2**40), "5", None, 2.0, [3]])
def test_a_count_of_attempts_that_is_none_counts_as_the_first(value: object) -> None:
    """The count picks the next delay, so it is never below one."""
    assert _delivery("desk", {ATTEMPT_HEADER: value, ROUTING_KEY_HEADER: "x"}).attempt == 1


@pytest.mark.parametrize(
    ("header", "stamp", "when"),
    [
        (1_772_413_200.25, None, 1_772_413_200.25),
        (1_772_413_200, datetime(2020, 1, 1, tzinfo=UTC), 1_772_413_200.0),
        (None, datetime(2026, 3, 2, 1, 0, tzinfo=UTC), 1_772_413_200.0),
        (None, datetime(2026, 3, 2, 1, 0), 1_772_413_200.0),  # noqa: DTZ001 - the library's own are in UTC and do not say so
        ("soon", None, None),
        (float("nan"), None, None),
        (None, "yesterday", None),
        (None, None, None),
    ],
)
def test_when_an_event_happened_is_read_from_our_header_or_the_messages_stamp(
    header: object, stamp: object, when: float | None
) -> None:
    """For measuring only, so whatever a stranger writes there does no harm."""
    properties = {"application_headers": {TIME_HEADER: header}, "timestamp": stamp}
    info = {"routing_key": "k", "delivery_tag": 1}
    assert Delivery.from_broker(b"{}", properties, info, vouching=VOUCHING).happened_at == when


def test_a_copy_keeps_when_its_event_happened() -> None:
    """An event that was tried again for an hour is an hour old, not new."""
    assert headers_to_copy({TIME_HEADER: 1_772_413_200.25}) == {TIME_HEADER: 1_772_413_200.25}


def test_a_handler_says_what_becomes_of_a_delivery_and_the_last_word_counts() -> None:
    """Done unless said otherwise; handled again, it starts afresh."""
    delivery = _delivery("pub-shop")
    delivery.duplicate()
    assert (delivery.outcome, delivery.reason) == (Outcome.DUPLICATE, None)
    delivery.retry("not known yet")
    assert (delivery.outcome, delivery.reason) == (Outcome.RETRY, "not known yet")
    delivery.dead("never")
    assert (delivery.outcome, delivery.reason) == (Outcome.DEAD, "never")
    delivery.reset()
    assert (delivery.outcome, delivery.reason) == (Outcome.DONE, None)
