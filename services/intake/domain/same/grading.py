"""A round of grading (客户评级): cards of weighted dimensions, a split by percentages, approval before use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from services.intake.domain.same.rules import Dimension, Level
from services.intake.domain.same.rules import Grading as GradingRules
from services.intake.domain.same.shares import shares
from shared.aggregate import Aggregate
from shared.errors import RuleRefused
from shared.history import Cause


class Round(StrEnum):
    """How far a round is."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark on one dimension, and what proves it."""

    dimension: str
    points: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Card:
    """One customer's card; ``level`` is what comes of it."""

    subject: str
    marks: tuple[Mark, ...]
    score: Decimal = Decimal(0)
    level: str | None = None

    def why_not(self, dimensions: Sequence[Dimension]) -> str | None:
        """Return what is wrong with the marks; each dimension has one, within its bounds and with evidence."""
        best = {dimension.code: dimension.best for dimension in dimensions}
        if sorted(mark.dimension for mark in self.marks) != sorted(best):
            return f"{self.subject} needs one mark on each of {', '.join(best)}"
        above = [mark.dimension for mark in self.marks if mark.points > best[mark.dimension]]
        return f"{self.subject} has more than the best mark on {', '.join(above)}" if above else None


@dataclass(kw_only=True)
class Grading(Aggregate):
    """One round; ``period_key`` is unique while it is not refused."""

    period: str
    period_key: str
    regulation: str
    proposed_by: str
    proposed_at: datetime
    cards: list[Card]
    contacts: dict[str, str] = field(default_factory=dict)
    state: Round = Round.PROPOSED
    decided_by: str | None = None
    decided_at: datetime | None = None

    def propose(self, rules: GradingRules, source: str, at: datetime, cause: Cause) -> None:
        """Score the cards and split them into levels, the best first (评级标准表)."""
        self.cards = graded(self.cards, rules.dimensions, rules.levels)
        counts = {level.code: 0 for level in rules.levels}
        for card in self.cards:
            counts[str(card.level)] += 1
        split = [{"level": level, "count": count} for level, count in counts.items()]
        data = {"grading_id": self.id, "period": self.period, "split": split, "source": source}
        self.record("grading_proposed", data, at=at, cause=cause)

    def decide(
        self, contacts: Mapping[str, str], rules: GradingRules, at: datetime, cause: Cause, *, approved: bool
    ) -> None:
        """Approve, with a dedicated contact (专属联系人) for each level, or refuse; before that no grade counts."""
        source = rules.approved_by.source
        if self.state is not Round.PROPOSED:
            raise RuleRefused(f"{self.id} is {self.state} already", rule=source)
        if cause.actor == self.proposed_by:
            raise RuleRefused("nobody approves their own grading", rule=source)
        without = [level.code for level in rules.levels if level.code not in contacts]
        if approved and rules.contacts.value and without:
            raise RuleRefused(f"no dedicated contact for {', '.join(without)}", rule=rules.contacts.source)
        self.state = Round.APPROVED if approved else Round.REFUSED
        self.contacts = dict(contacts) if approved else {}
        self.decided_by, self.decided_at = cause.actor, at
        if not approved:
            self.period_key = self.id
        data = {
            "grading_id": self.id,
            "period": self.period,
            "state": self.state.value,
            "contacts": [{"level": level, "staff": staff} for level, staff in self.contacts.items()],
            "source": source,
        }
        self.record("grading_decided", data, at=at, cause=cause)

    def card_of(self, subject: str) -> Card | None:
        """Return a customer's card."""
        return next((card for card in self.cards if card.subject == subject), None)


def graded(cards: Sequence[Card], dimensions: Sequence[Dimension], levels: Sequence[Level]) -> list[Card]:
    """Return the cards scored, the best first and equal ones by subject, each with its level."""
    weight = {dimension.code: dimension.weight / dimension.best for dimension in dimensions}
    scored = [
        replace(card, score=sum((mark.points * weight[mark.dimension] for mark in card.marks), Decimal(0)))
        for card in cards
    ]
    ranked = sorted(scored, key=lambda card: (-card.score, card.subject))
    counts = shares(len(ranked), [level.percent for level in levels])
    codes = [level.code for level, count in zip(levels, counts, strict=True) for _ in range(count)]
    return [replace(card, level=code) for card, code in zip(ranked, codes, strict=True)]


def period_due(today: date, months: Sequence[int], opened_by: date | None) -> tuple[str, date]:
    """Return the newest period that is due, as its name and the last day of it.

    That is the newest of ``months``, each year; while a new place still has until ``opened_by``, that day.
    """
    if opened_by is not None and today <= opened_by:
        return f"opening-{opened_by.isoformat()}", opened_by
    begun = [
        date(year, month, 1)
        for year in (today.year, today.year - 1)
        for month in sorted(months, reverse=True)
    ]
    month = next(first for first in begun if first <= today)
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return f"{month:%Y-%m}", date.fromordinal(following.toordinal() - 1)
