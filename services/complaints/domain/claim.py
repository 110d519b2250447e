"""What a customer claims and what staff note down: the parts a case is made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.rulebook import LevelFacts
from shared.clocks import Deadline
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

    def facts(self, households: int, escalations: int = 0) -> LevelFacts:
        """Return what decides the level when ``households`` have the same problem, escalated so many times."""
        return LevelFacts(
            households=households,
            amount=self.amount,
            media=self.media,
            lawsuit=self.lawsuit,
            escalations=escalations,
        )

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


def clocks_data(deadlines: Collection[Deadline]) -> list[dict[str, Any]]:
    """Return the JSON shape of the clocks that run."""
    return [
        {"name": deadline.name, "due_at": timestamp(deadline.due_at), "provisional": deadline.provisional}
        for deadline in deadlines
        if deadline.open
    ]
