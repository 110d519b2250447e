"""One message on its way through a handler, and what the handler may say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

#: Header that counts how often a message was tried before.
ATTEMPT_HEADER = "x-kefu-attempt"
#: Header that says, on a dead letter, why it could not be handled.
REASON_HEADER = "x-kefu-reason"
#: Headers of a copy (retry or replay) that keep who sent the original, and under which routing key.
SENDER_HEADER = "x-kefu-user"
ROUTING_KEY_HEADER = "x-kefu-routing-key"
#: Header that says when what an event tells of happened, in Unix seconds with fractions; copies keep it.
TIME_HEADER = "x-kefu-time"
_OURS = (ATTEMPT_HEADER, REASON_HEADER, SENDER_HEADER, ROUTING_KEY_HEADER)
#: What the broker itself notes on a message; a copy begins afresh.
_BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery-count")
_LARGEST_NUMBER = 2**31 - 1
#: Bytes of names and values; a broker's frame holds eight times as much.
_ROOM_FOR_HEADERS = 16_384


class Outcome(Enum):
    """What becomes of a delivery."""

    DONE = "done"
    #: Its effect was there already; acknowledged like DONE but counted apart.
    DUPLICATE = "duplicate"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(slots=True, eq=False)
class Delivery:
    """A message as the broker handed it over.

    ``attempt`` counts from 1 over all retries; ``redelivered`` is the broker's own hint that a
    consumer had it before; ``user_id`` is the broker user that sent the original, vouched for by the
    broker. ``happened_at`` is Unix seconds, None where the sender did not say; anybody may write it, so it
    is good for measuring and nothing else. A handler leaves ``outcome`` alone for done, or calls one of the verbs.
    """

    body: bytes
    routing_key: str
    content_type: str | None
    user_id: str | None
    redelivered: bool
    tag: int
    headers: Mapping[str, Any] = field(default_factory=dict)
    happened_at: float | None = None
    outcome: Outcome = Outcome.DONE
    reason: str | None = None

    @staticmethod
    def from_broker(
        body: bytes, properties: Mapping[str, Any], info: Mapping[str, Any], *, vouching: frozenset[str]
    ) -> Delivery:
        """Build a delivery; the headers of our copies count only if one of ``vouching`` sent them."""
        headers = properties.get("application_headers") or {}
        user, routing_key = properties.get("user_id"), info["routing_key"]
        if user not in vouching:
            # Anybody can write them: they would name another sender, or reset the count of attempts.
            headers = {name: value for name, value in headers.items() if name not in _OURS}
        elif ROUTING_KEY_HEADER in headers:
            # A copy. Without a sender's name in it, the original had none.
            user, routing_key = headers.get(SENDER_HEADER), headers[ROUTING_KEY_HEADER]
        return Delivery(
            body=body,
            routing_key=routing_key,
            content_type=properties.get("content_type"),
            user_id=user,
            redelivered=bool(info.get("redelivered")),
            tag=info["delivery_tag"],
            headers=headers,
            happened_at=_happened_at(headers.get(TIME_HEADER), properties.get("timestamp")),
        )

    @property
    def attempt(self) -> int:
        """Return which attempt this is, counted from 1."""
        before = self.headers.get(ATTEMPT_HEADER, 0)
        return (max(before, 0) if isinstance(before, int) else 0) + 1

    def duplicate(self) -> None:
        """Say that the message's effect was there already."""
        self.outcome = Outcome.DUPLICATE

    def retry(self, reason: str) -> None:
        """Ask for the message again later; after the last attempt it becomes a dead letter."""
        self.outcome, self.reason = Outcome.RETRY, reason

    def dead(self, reason: str) -> None:
        """Say that no retry can help; ``reason`` goes into a header of the dead letter."""
        self.outcome, self.reason = Outcome.DEAD, reason

    def reset(self) -> None:
        """Forget the outcome, before the message is handled once more."""
        self.outcome, self.reason = Outcome.DONE, None


def _happened_at(header: object, stamp: object) -> float | None:
    """Return when the event happened by our own header, or else by the message's time stamp of whole seconds."""
    if isinstance(header, int | float) and math.isfinite(header):
        return float(header)
    return stamp.replace(tzinfo=stamp.tzinfo or UTC).timestamp() if isinstance(stamp, datetime) else None


def headers_to_copy(headers: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what of a message's headers goes into a copy: neither ours nor the broker's, only plain and short.

    What else a client may have encoded cannot surely be written again, and what fills a frame leaves no room
    for ours: either would keep the copy from being published, and so its queue from moving.
    """
    kept: dict[str, Any] = {}
    room = _ROOM_FOR_HEADERS
    for name, value in headers.items():
        if (
            isinstance(name, str)
            and not name.startswith(_BROKERS_OWN)
            and name not in _OURS
            and _plain(value)
        ):
            room -= len(f"{name}{value}".encode("utf-8", "surrogatepass"))
            if room >= 0:
                kept[name] = value
    return kept


def _plain(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) <= _LARGEST_NUMBER
    return isinstance(value, str | float)
