"""Scoring an item on a card, and how far two who scored the same agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from services.followup.domain.quality.rules import Card, CardItem, Marking
from services.followup.domain.quality.scanning import Finding as Scanned
from shared.errors import Problem, ValidationFailed

_HUNDRED = Decimal(100)
_HUNDREDTH = Decimal("0.01")
_KAPPA = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Mark:
    """What one item got; ``passed`` is None for a mark, which is neither, and for what did not apply."""

    item: str
    value: str | None
    points: Decimal
    passed: bool | None
    source: str
    line: int | None = None
    alert: bool = False

    @property
    def applies(self) -> bool:
        """Return whether it counts at all."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Result:
    """A card filled in: ``total`` points ``of`` so many, the average of the marks, percent, and whether passed."""

    marks: tuple[Mark, ...]
    total: Decimal
    of: Decimal
    average: Decimal | None
    percent: Decimal
    passed: bool

    @property
    def failed(self) -> list[str]:
        """Return the items that were failed."""
        return [mark.item for mark in self.marks if mark.passed is False]

    @property
    def alerts(self) -> list[str]:
        """Return the failed items somebody must hear of."""
        return [mark.item for mark in self.marks if mark.alert]


def score(card: Card, given: Mapping[str, object], scanned: Mapping[str, Scanned]) -> Result:
    """Return the result of ``given`` by item, with phrases from what was ``scanned`` where the talk was passed in.

    Every item is marked. Raises ValidationFailed naming the items that are not, or not as the card says.
    """
    marks, problems = [], []
    for item in card.items:
        try:
            marks.append(_mark(item, given.get(item.code), scanned.get(item.phrase or "")))
        except ValueError as error:
            problems.append(Problem(f"marks.{item.code}", str(error)))
    strange = [code for code in given if card.item(code) is None]
    problems += [Problem(f"marks.{code}", f"is no item of {card.name}") for code in strange]
    if problems:
        raise ValidationFailed(f"the card {card.name} is not filled in", problems=tuple(problems))
    return _result(card, marks)


def _result(card: Card, marks: Sequence[Mark]) -> Result:
    counted = [(item, mark) for item, mark in zip(card.items, marks, strict=True) if mark.applies]
    of = sum((item.worth * item.weight for item, _ in counted), Decimal(0))
    fatal = any(item.fatal and mark.passed is False for item, mark in counted)
    total = sum((mark.points * item.weight for item, mark in counted), Decimal(0))
    if fatal:
        total = Decimal(0)
    rated = [(item, mark) for item, mark in counted if item.marking is Marking.MARK]
    weights = sum((item.weight for item, _ in rated), Decimal(0))
    average = (
        sum((mark.points * item.weight for item, mark in rated), Decimal(0)) / weights if weights else None
    )
    percent = (total / of * _HUNDRED) if of else _HUNDRED
    enough = card.pass_at is None or percent >= card.pass_at.value
    return Result(
        tuple(marks),
        total,
        of,
        None if average is None else average.quantize(_HUNDREDTH, ROUND_HALF_EVEN),
        percent.quantize(_HUNDREDTH, ROUND_HALF_EVEN),
        enough and not fatal,
    )


def _mark(item: CardItem, value: object, scanned: Scanned | None) -> Mark:
    if item.marking is Marking.PHRASE and scanned is not None:
        if value is not None:
            message = "is marked from the talk that was passed in: leave it out"
            raise ValueError(message)
        return _truth(item, passed=scanned.passed, line=scanned.line, alert=scanned.alert)
    if value is None and item.optional:
        return _truth(item, passed=None)
    if item.marking in (Marking.PHRASE, Marking.YES_NO):
        if not isinstance(value, bool):
            message = "is yes or no"
            raise ValueError(message)
        return _truth(item, passed=value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        message = "is a whole number from 0 up"
        raise ValueError(message)
    if item.marking is Marking.AT_MOST:
        passed = value <= item.most
        return Mark(item.code, str(value), Decimal(int(passed)), passed, item.source)
    if value > item.most:
        message = f"is from 0 to {item.most}"
        raise ValueError(message)
    return Mark(item.code, str(value), Decimal(value), None, item.source)


def _truth(item: CardItem, *, passed: bool | None, line: int | None = None, alert: bool = False) -> Mark:
    value = None if passed is None else ("yes" if passed else "no")
    return Mark(item.code, value, Decimal(int(passed is True)), passed, item.source, line, alert)


def kappa(pairs: Iterable[tuple[str, str]]) -> Decimal | None:
    """Return Cohen's kappa of two who judged the same; None where chance alone would agree, or nothing is there."""
    both = list(pairs)
    number = len(both)
    if not number:
        return None
    first, second = Counter(one for one, _ in both), Counter(other for _, other in both)
    agreed = sum(one == other for one, other in both) * number
    by_chance = sum(first[value] * second[value] for value in first)
    if by_chance == number * number:
        return None
    exact = Decimal(agreed - by_chance) / Decimal(number * number - by_chance)
    return exact.quantize(_KAPPA, ROUND_HALF_EVEN)


def mean(numbers: Sequence[Decimal]) -> Decimal | None:
    """Return the average to two places, None of nothing."""
    return (
        (sum(numbers, Decimal(0)) / len(numbers)).quantize(_HUNDREDTH, ROUND_HALF_EVEN) if numbers else None
    )
