"""Ends deliveries: what failed goes to a delay queue or the dead letters, confirmed, before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from shared import metrics
from shared.errors import KefuError, Unavailable
from shared.messaging.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    ROUTING_KEY_HEADER,
    SENDER_HEADER,
    Delivery,
    Outcome,
    headers_to_copy,
)
from shared.messaging.publisher import Fate, Outgoing
from shared.messaging.topology import DEAD_LETTER_EXCHANGE, retry_name

_MAX_REASON = 500


class Publishes(Protocol):
    """What settlement needs of a publisher."""

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        """Publish and return each message's fate; raises Unavailable."""
        ...


def judge_failure(delivery: Delivery, error: BaseException) -> None:
    """Set the outcome of one delivery whose handler raised ``error``: permanent errors are not tried again."""
    reason = safe_text(error)
    if isinstance(error, KefuError) and not error.transient:
        delivery.dead(reason)
    else:
        delivery.retry(reason)


def safe_text(error: BaseException) -> str:
    """Return what may be written down of an error: only our own promise to hold no personal data."""
    return f"{type(error).__name__}: {error}" if isinstance(error, KefuError) else type(error).__name__


def forward_failures(
    batch: Sequence[Delivery],
    *,
    queue: str,
    source: str,
    publisher: Publishes,
    retry_delays_ms: Sequence[int],
    own_user: str,
) -> None:
    """Publish the retried and dead deliveries of ``batch`` to where they belong and count every outcome.

    ``own_user`` is the broker user that publishes the copies: the broker vouches for it, which is how the
    original sender's name in a copy's headers can be believed. Raises Unavailable if the broker did
    not take all of them; then nothing of the batch may be acknowledged.
    """
    outgoing = []
    for delivery in batch:
        if delivery.outcome is Outcome.RETRY and delivery.attempt > len(retry_delays_ms):
            delivery.dead(f"given up after {delivery.attempt} attempts: {delivery.reason}")
        if delivery.outcome is Outcome.RETRY:
            delay = retry_delays_ms[delivery.attempt - 1]
            outgoing.append(
                _copy(delivery, retry_name(delay), queue, {ATTEMPT_HEADER: delivery.attempt}, own_user)
            )
        elif delivery.outcome is Outcome.DEAD:
            headers = {ATTEMPT_HEADER: delivery.attempt, REASON_HEADER: (delivery.reason or "")[:_MAX_REASON]}
            outgoing.append(_copy(delivery, DEAD_LETTER_EXCHANGE, queue, headers, own_user))
    if outgoing:
        fates = publisher.publish(outgoing)
        if any(fate is not Fate.CONFIRMED for fate in fates):
            message = "the broker has no place for retries or dead letters: declare the topology"
            raise Unavailable(message)
    for delivery in batch:
        metrics.EVENTS_HANDLED.labels(source=source, outcome=delivery.outcome.value).inc()


def _copy(delivery: Delivery, exchange: str, queue: str, headers: dict[str, Any], own_user: str) -> Outgoing:
    kept = headers_to_copy(delivery.headers)
    # The sender's name stays readable; as a property the broker would refuse it from anyone else.
    if delivery.user_id is not None:
        kept[SENDER_HEADER] = delivery.user_id
    kept[ROUTING_KEY_HEADER] = delivery.routing_key
    return Outgoing(
        exchange=exchange,
        routing_key=queue,
        body=delivery.body,
        message_id=f"copy-{delivery.tag}",
        content_type=delivery.content_type or "application/octet-stream",
        headers=kept | headers,
        user_id=own_user,
    )
