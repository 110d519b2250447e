"""What a customer claims and what staff note down: the parts a case is made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.rulebook import ComplaintRules, LevelFacts
from shared.clocks import Deadline
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import timestamp


@dataclass(frozen=True, slots=True)
class Claim:
    """What the customer complains of; ``amount`` in yuan."""

    problem: str
    complainant_type: str | None = None
    ground: str | None = None
    demand: str | None = None
    amount: Decimal | None = None
    media: bool = False
    lawsuit: bool = False

    def facts(self, households: int) -> LevelFacts:
        """Return what decides the level when ``households`` have the same problem."""
        return LevelFacts(households=households, amount=self.amount, media=self.media, lawsuit=self.lawsuit)

    def with_repeat(self, other: Claim) -> Claim:
        """Return the claim after the same customer raised it again as ``other``: the gravest of each, in any order."""
        amounts = [amount for amount in (self.amount, other.amount) if amount is not None]
        return replace(
            self,
            complainant_type=self.complainant_type or other.complainant_type,
            ground=self.ground or other.ground,
            demand=self.demand or other.demand,
            amount=max(amounts, default=None),
            media=self.media or other.media,
            lawsuit=self.lawsuit or other.lawsuit,
        )


@dataclass(frozen=True, slots=True)
class Note:
    """One thing written into the case by a member of staff: kind, text and time."""

    kind: str
    text: str
    actor: str
    at: datetime


def check_ground(ground: str | None, rules: ComplaintRules) -> None:
    """Refuse a ground that the rulebook does not list, where it lists any."""
    codes = {choice.code: choice for choice in rules.grounds}
    if codes and ground not in codes:
        problem = Problem("ground", f"must be one of {', '.join(codes)}")
        message = "a complaint is valid only on one of the rulebook's grounds"
        raise RuleRefused(message, rule=next(iter(codes.values())).source, problems=(problem,))


def check_next_reply(next_reply_at: datetime | None, at: datetime, rules: ComplaintRules) -> None:
    """Refuse a reply for now that leaves the next one's time open where the rulebook wants it, or names a past one."""
    required = rules.next_reply_time_required
    if next_reply_at is None and required is not None and required.value:
        message = "a reply that does not solve the complaint must agree the time of the next one"
        raise RuleRefused(message, rule=required.source, problems=(Problem("next_reply_at", "is missing"),))
    if next_reply_at is not None and next_reply_at <= at:
        message = "the time of the next reply has already passed"
        raise ValidationFailed(message, problems=(Problem("next_reply_at", "lies in the past"),))


def clocks_data(deadlines: Collection[Deadline]) -> list[dict[str, Any]]:
    """Return the JSON shape of the clocks that run."""
    return [
        {"name": deadline.name, "due_at": timestamp(deadline.due_at), "provisional": deadline.provisional}
        for deadline in deadlines
        if deadline.open and deadline.ended_at is None
    ]
