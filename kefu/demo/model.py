"""What a demo day consists of: the messages to publish and what staff do about the complaints in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

#: What must become of a message: registered, recognised as sent before, refused with a reason, dead-lettered.
Expected = Literal["accepted", "duplicate", "rejected", "dead"]
#: One try to reach the customer by phone.
Attempt = Literal["reached", "unreachable"]
#: What a customer answers when called back.
Outcome = Literal["satisfied", "neutral", "dissatisfied"]
#: How far staff have come with a complaint by the end of the day.
Stage = Literal["untouched", "accepted", "refused", "replied", "satisfied", "dissatisfied", "reworked"]


@dataclass(frozen=True, slots=True)
class Item:
    """One message as it goes to the broker, and what must become of it.

    ``reason_hint`` stands in the field or the reason (upper or lower case) that a rejected or dead message
    is reported with. ``org`` and ``event_id`` are ``None`` where nobody can read them from the body.
    """

    body: bytes
    content_type: str
    routing_key: str
    publisher: str
    expected: Expected
    reason_hint: str | None = None
    org: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What one callback brought: the outcome and the customer's own words."""

    outcome: Outcome
    opinion: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """What staff do about one complaint, in the order of the fields; what is empty has not been done yet.

    ``valid`` is ``None`` while nobody has decided, and ``reason`` then empty. ``ground`` is the code the
    organisation's rulebook knows the matter under, where it lists any. ``reply`` of a complaint found
    invalid is the polite refusal. ``next_reply`` is how long after the reply the next one is promised,
    where the trade promises one. ``callbacks`` hold at most two answers; between a dissatisfied one
    and the next the case is handled again and ``rework_reply`` sent.
    """

    valid: bool | None
    reason: str = ""
    ground: str | None = None
    contacts: tuple[Attempt, ...] = ()
    reply: str | None = None
    next_reply: timedelta | None = None
    prevention: str | None = None
    callbacks: tuple[CallbackAnswer, ...] = ()
    rework_reply: str | None = None

    @property
    def stage(self) -> Stage:
        """Return how far staff have come; 'satisfied' stands for every answer that lets the case close."""
        if self.valid is None:
            return "untouched"
        if not self.valid:
            return "refused"
        if self.reply is None:
            return "accepted"
        if not self.callbacks:
            return "replied"
        if self.callbacks[-1].outcome == "dissatisfied":
            return "dissatisfied"
        return "satisfied" if len(self.callbacks) == 1 else "reworked"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of contacts, ready to be published.

    ``items`` stand in the order of sending. ``plan`` has one reaction for each complaint that becomes a
    case of its own, keyed by event id; ``repeats`` names, for every contact that raises a complaint again,
    the event that raised it first. ``households`` counts the households behind each problem that several
    raised, keyed by the problem as the events write it. ``overdue`` are the complaints received so long
    ago that their deadlines have passed when they arrive.
    """

    items: tuple[Item, ...]
    plan: Mapping[str, Reaction]
    repeats: Mapping[str, str]
    households: Mapping[str, int]
    overdue: frozenset[str]
