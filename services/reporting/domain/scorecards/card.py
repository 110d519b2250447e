"""One month's card of one person, computed afresh from all facts of the month, whatever order they came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from services.reporting.domain.scorecards.definition import Consequence, Line, Rate, Scorecard, Step

_CENT = Decimal("0.01")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Fact:
    """One record that counts for a line: ``id`` is the record's, ``quantity`` what its feed says it counts for."""

    line: str
    id: str
    person: str
    day: date
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One fact on the card: its ``place`` in the month, what it comes to by itself, and the rule that says so."""

    fact: Fact
    place: int
    free: bool
    amount: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class LineResult:
    """What one line comes to, and why: its occurrences, or the step that replaced their sum, or parts of figures.

    ``amount`` is None where a figure it needs was not reported.
    """

    line: Line
    occurrences: tuple[Occurrence, ...]
    step: Step | None
    parts: tuple[tuple[str, Decimal | None, Decimal], ...]
    amount: Decimal | None

    @property
    def counted(self) -> int:
        """Return how many occurrences were not free."""
        return sum(1 for each in self.occurrences if not each.free)


@dataclass(frozen=True, slots=True)
class Card:
    """One month's card; ``total`` is None where a line is."""

    scorecard: Scorecard
    lines: tuple[LineResult, ...]
    total: Decimal | None
    facts: int


def card_of(scorecard: Scorecard, facts: Iterable[Fact], figures: Mapping[str, Decimal]) -> Card:
    """Return the card that ``facts`` of one person and month come to, with the ``figures`` reported of him.

    The same fact given twice counts once; the order they are given in does not matter.
    """
    once = {(fact.line, fact.id): fact for fact in facts}
    in_order = sorted(once.values(), key=lambda fact: (fact.day, fact.id))
    lines = tuple(
        _line(line, [fact for fact in in_order if fact.line == line.code], figures)
        for line in scorecard.lines
    )
    amounts = [line.amount for line in lines]
    begins = scorecard.begins.value if scorecard.begins else _ZERO
    known = [amount for amount in amounts if amount is not None]
    total = sum(known, begins) if len(known) == len(amounts) else None
    return Card(scorecard, lines, total, len(once) + len(figures))


def consequences(scorecard: Scorecard, totals: Sequence[Decimal | None]) -> list[Consequence]:
    """Return what follows from ``totals``: that of the month, before it those of the months before, latest first."""
    reached = [each for each in scorecard.consequences if _reached(each, totals)]
    replaced = {code for each in reached for code in each.replaces}
    return [each for each in reached if each.code not in replaced]


def _reached(consequence: Consequence, totals: Sequence[Decimal | None]) -> bool:
    looked_at = totals[: consequence.months]
    if len(looked_at) < consequence.months:
        return False
    low, high = consequence.at_most, consequence.at_least
    if low is None and high is None:
        return False
    return all(
        total is not None and (low is None or total <= low.value) and (high is None or total >= high.value)
        for total in looked_at
    )


def _line(line: Line, facts: Sequence[Fact], figures: Mapping[str, Decimal]) -> LineResult:
    if line.parts:
        parts = tuple((part.figure, figures.get(part.figure), part.weight) for part in line.parts)
        worth = [value * weight for _, value, weight in parts if value is not None]
        return LineResult(line, (), None, parts, sum(worth, _ZERO) if len(worth) == len(parts) else None)
    base = figures.get(line.percent_of) if line.percent_of else Decimal(100)
    free = line.free.value if line.free else 0
    occurrences = tuple(_occurrence(line, fact, place, free, base) for place, fact in enumerate(facts, 1))
    counted = sum(1 for each in occurrences if not each.free)
    reached = [step for step in line.steps if step.at <= counted]
    step = max(reached, key=lambda each: each.at, default=None)
    amount: Decimal | None = step.total if step else sum((each.amount for each in occurrences), _ZERO)
    if base is None and counted:
        amount = None
    return LineResult(line, occurrences, step, (), amount)


def _occurrence(line: Line, fact: Fact, place: int, free: int, base: Decimal | None) -> Occurrence:
    if place <= free:
        return Occurrence(fact, place, free=True, amount=_ZERO, source=line.free.source if line.free else "")
    rate = _rate(line, place - free)
    if rate is None:
        return Occurrence(fact, place, free=False, amount=_ZERO, source=line.source)
    each = rate.each
    if line.percent_of is not None:
        each = ((base or _ZERO) * rate.each / 100).quantize(_CENT, ROUND_HALF_UP)
    return Occurrence(fact, place, free=False, amount=each * fact.quantity, source=rate.source)


def _rate(line: Line, place: int) -> Rate | None:
    """Return the rate of the ``place``-th occurrence that counts; None where single ones come to nothing."""
    reached = [rate for rate in line.rates if rate.at <= place]
    return max(reached, key=lambda each: each.at, default=None)
