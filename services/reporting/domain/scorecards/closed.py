"""A month that is closed: its cards as they stood, never changed after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.reporting.domain.month import Month
from shared.aggregate import Aggregate
from shared.history import Cause
from shared.ids import derived_id

PREFIX = "sm"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What facts of a closed ``month`` that came after it was closed come to; it counts where it is listed."""

    month: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ClosedCard:
    """One person's card of the month: what it came to by itself, with what came late, and as it was shown."""

    person: str
    own: Decimal | None
    total: Decimal | None
    adjustments: list[Adjustment]
    #: The card as everybody is shown it, JSON.
    shown: Any


def closed_id(org: str, scorecard: str, month: Month) -> str:
    """Return the id that the closed month always has: a month is closed once."""
    return derived_id(PREFIX, org, scorecard, str(month))


@dataclass(kw_only=True)
class ClosedMonth(Aggregate):
    """All cards of one scorecard and month, closed together."""

    scorecard: str
    month: str
    regulation: str
    closed_at: datetime
    closed_by: str
    cards: list[ClosedCard] = field(default_factory=list)

    def card(self, person: str) -> ClosedCard | None:
        """Return the card of ``person``; None for whoever had none."""
        return next((card for card in self.cards if card.person == person), None)

    def close(self, cards: Sequence[ClosedCard], cause: Cause) -> None:
        """Keep the cards and tell each person's, and what follows from it."""
        self.cards = list(cards)
        for card in self.cards:
            head = {
                "closing_id": self.id,
                "scorecard": self.scorecard,
                "month": self.month,
                "person": card.person,
                "total": card.shown["total"],
                "unit": card.shown["unit"],
            }
            told = {**head, "facts": card.shown["facts"], "regulation": self.regulation}
            self.record("scorecard_closed", told, at=self.closed_at, cause=cause)
            for follows in card.shown["consequences"]:
                what = {name: follows[name] for name in ("consequence", "months", "source")}
                self.record("scorecard_warning", {**head, **what}, at=self.closed_at, cause=cause)
