from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from amqp.serialization import dumps

from shared import metrics
from shared.errors import (
    ERRORS,
    Conflict,
    KefuError,
    NotFound,
    Unavailable,
    ValidationFailed,
)
from shared.messaging.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    ROUTING_KEY_HEADER,
    SENDER_HEADER,
    Delivery,
    Outcome,
)
from shared.messaging.publisher import Fate, Outgoing
from shared.messaging.settlement import forward_failures, judge_failure, safe_text

QUEUE = "evt-shop--desk"
DELAYS = (1_000, 5_000)


class Publisher:
    """Keeps what it is given; ``fates`` answers for it, confirmed unless said otherwise."""

    def __init__(self, *fates: Fate) -> None:
        self.sent: list[Outgoing] = []
        self._fates = list(fates)

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        self.sent += batch
        return [self._fates.pop(0) if self._fates else Fate.CONFIRMED for _ in batch]


def _delivery(user: str | None = "pub-shop", tag: int = 1, **headers: Any) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(b"body", "order.placed", "application/json", user, False, tag, named)


def _forward(batch: Sequence[Delivery], publisher: Publisher | None = None) -> list[Outgoing]:
    publisher = publisher or Publisher()
    forward_failures(
        batch, queue=QUEUE, source="shop", publisher=publisher, retry_delays_ms=DELAYS, own_user="desk"
    )
    return publisher.sent


def _retried(delivery: Delivery) -> Delivery:
    """Return the delivery as it comes back from its delay queue."""
    delivery.retry("not known yet")
    (copy,) = _forward([delivery])
    return Delivery.from_broker(
        copy.body,
        {
            "application_headers": copy.headers,
            "user_id": copy.user_id,
            "content_type": copy.content_type,
        },
        {"routing_key": copy.routing_key, "delivery_tag": 9, "redelivered": False},
        vouching=frozenset({"desk", "operator"}),
    )


def test_what_went_well_is_not_published_anywhere() -> None:
    """Done and duplicate end with the acknowledgement alone."""
    done, duplicate = _delivery(), _delivery()
    duplicate.duplicate()
    assert _forward([done, duplicate]) == []


def test_a_retry_goes_to_the_delay_of_its_attempt_and_back_to_its_queue() -> None:
    """Each attempt waits longer; the routing key leads the copy home."""
    first = _delivery()
    second = _retried(first)
    assert (second.attempt, second.body, second.content_type) == (2, b"body", "application/json")
    second.retry("not known yet")
    (copy,) = _forward([second])
    assert (copy.exchange, copy.routing_key) == ("retry.5000", QUEUE)
    assert copy.headers[ATTEMPT_HEADER] == 2


def test_after_the_last_delay_the_message_is_given_up() -> None:
    """As many retries as there are delays; then it is a dead letter that says why and how often."""
    delivery = _retried(_retried(_delivery()))
    assert delivery.attempt == len(DELAYS) + 1
    delivery.retry("order not known yet")
    (letter,) = _forward([delivery])
    assert (letter.exchange, letter.routing_key) == ("dead-letters", QUEUE)
    assert letter.headers[REASON_HEADER] == "given up after 3 attempts: order not known yet"
    assert letter.headers[ATTEMPT_HEADER] == 3
    assert delivery.outcome is Outcome.DEAD


def test_a_copy_keeps_who_sent_the_original_under_which_key_however_often_it_is_copied() -> None:
    """Who may send what is checked again at every attempt."""
    delivery = _retried(_retried(_delivery()))
    assert (delivery.user_id, delivery.routing_key) == ("pub-shop", "order.placed")


def test_a_copy_of_an_anonymous_message_stays_anonymous() -> None:
    """Copies are published under the service's own user, which must not become the sender."""
    assert _retried(_delivery(user=None)).user_id is None


def test_a_sender_cannot_write_the_headers_of_its_own_copy() -> None:
    """What the copy says of sender and key is what the broker said, not what the headers said."""
    forged = _delivery(None, x_kefu_user="pub-bank", x_kefu_routing_key="money.moved", x_kefu_attempt=-9)
    delivery = _retried(forged)
    assert (delivery.user_id, delivery.routing_key, delivery.attempt) == (None, "order.placed", 2)


def test_a_copy_is_published_under_the_services_own_user() -> None:
    """The broker vouches for that name, which is why the copy's headers can be believed."""
    delivery = _delivery()
    delivery.dead("never")
    (letter,) = _forward([delivery])
    assert letter.user_id == "desk"
    assert letter.headers[SENDER_HEADER] == "pub-shop"
    assert letter.headers[ROUTING_KEY_HEADER] == "order.placed"


def test_a_copy_begins_afresh_with_the_brokers_own_notes() -> None:
    """The broker counts deliveries and deaths of the copy, not of what was copied."""
    delivery = _delivery(
        x_death=[{"count": 1}], x_first_death_reason="expired", x_delivery_count=19, colour="red"
    )
    delivery.dead("never")
    (letter,) = _forward([delivery])
    assert letter.headers["colour"] == "red"
    assert not [name for name in letter.headers if "death" in name or "delivery" in name]


def test_a_header_that_cannot_be_written_again_does_not_hold_up_the_queue() -> None:
    """Publishers send what their clients can encode; copies carry what every broker surely reads."""
    odd: dict[str, Any] = {
        "big": 2**40,
        "worse": 2**70,
        "exact": Decimal("1.5"),
        "moment": datetime(2026, 3, 2, tzinfo=UTC),
        "nested": {"deep": [object()]},
        "bytes": b"\xff",
        "none": None,
        "fine": "text",
        "small": 7,
        "flag": True,
        "half": 0.5,
        "nan": math.nan,
    }
    delivery = _delivery(**odd)
    delivery.headers = {**delivery.headers, b"\xff": 1}  # type: ignore[dict-item]  # what a client may send
    delivery.dead("never")
    (letter,) = _forward([delivery])
    assert {"fine": "text", "small": 7, "flag": True, "half": 0.5}.items() <= letter.headers.items()
    assert {"big", "worse", "exact", "moment", "nested", "bytes", b"\xff"}.isdisjoint(letter.headers)
    assert dumps(b"F", [letter.headers])


@pytest.mark.parametrize(("number", "length"), [(1, 130_000), (1_000, 120)])
def test_headers_that_fill_a_frame_do_not_hold_up_the_queue(number: int, length: int) -> None:
    """With ours added they would no longer fit, and the broker would close the connection, again and again."""
    delivery = _delivery()
    delivery.headers = {f"h{index}": "客" * (length // 3) for index in range(number)}
    delivery.dead("never")
    (letter,) = _forward([delivery])
    assert len(dumps(b"F", [letter.headers])) < 32_000
    assert letter.headers[REASON_HEADER] == "never"


def test_a_reason_is_cut_to_what_a_header_holds() -> None:
    """A frame that is too long would close the connection, again and again."""
    delivery = _delivery()
    delivery.dead("x" * 100_000)
    assert len(_forward([delivery])[0].headers[REASON_HEADER]) == 500


@pytest.mark.parametrize("fate", [Fate.RETURNED, Fate.REFUSED])
def test_a_copy_the_broker_did_not_take_means_nothing_may_be_acknowledged(fate: Fate) -> None:
    """One that is not confirmed is enough, and no outcome is counted."""
    one, other = _delivery(tag=1), _delivery(tag=2)
    one.dead("never")
    other.retry("later")
    before = _handled("dead")
    with pytest.raises(Unavailable, match="declare the topology"):
        _forward([one, other], Publisher(Fate.CONFIRMED, fate))
    assert _handled("dead") == before


def test_every_outcome_is_counted_by_its_name() -> None:
    """Figures tell done, duplicate, retry and dead apart."""
    before = {outcome: _handled(outcome.value) for outcome in Outcome}
    batch = [_delivery(tag=tag) for tag in range(4)]
    batch[1].duplicate()
    batch[2].retry("later")
    batch[3].dead("never")
    _forward(batch)
    assert all(_handled(outcome.value) - before[outcome] == 1 for outcome in Outcome)


def _handled(outcome: str) -> float:
    labels = {"source": "shop", "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("kefu_events_handled_total", labels) or 0.0


@pytest.mark.parametrize("kind", ERRORS.values())
def test_a_permanent_error_is_not_tried_again_and_a_transient_one_is(kind: type[KefuError]) -> None:
    """Trying a refusal again only delays the dead letter somebody must look at."""
    delivery = _delivery()
    judge_failure(delivery, kind("why"))
    expected = Outcome.RETRY if kind in {Conflict, Unavailable} else Outcome.DEAD
    assert delivery.outcome is expected
    assert delivery.reason == f"{kind.__name__}: why"


def test_an_unforeseen_error_is_tried_again() -> None:
    """It may be a bug that the next release mends, or a moment's trouble."""
    delivery = _delivery()
    judge_failure(delivery, KeyError("x"))
    assert delivery.outcome is Outcome.RETRY


def test_the_text_of_a_foreign_error_is_never_written_down() -> None:
    """Drivers and validators quote what they were looking at; only our own errors promise not to."""
    delivery = _delivery()
    judge_failure(delivery, ValueError("could not parse 13800000001 of 测试甲"))
    (copy,) = _forward([delivery])
    assert delivery.reason == "ValueError"
    assert "13800000001" not in str(copy.headers)
    assert safe_text(NotFound("no such order")) == "NotFound: no such order"
    assert safe_text(ValidationFailed("wrong")) == "ValidationFailed: wrong"
