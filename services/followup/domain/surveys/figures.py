"""What a wave's answers come to: averages, satisfied shares, net promoters, gaps, response; from counts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from services.followup.domain.surveys.definition import Dimension, SurveyKind

_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")
#: Of the normal distribution, for 95 of 100.
_Z = Decimal("1.959964")
_PROMOTER, _DETRACTOR = 9, 6
_EXACT = Context(prec=40)

#: How the counts name what they count.
STATE, CHANNEL, SCORE, TAG, RESULT = "state", "channel", "score", "tag", "result"


def fact(*parts: object) -> str:
    """Return the name under which one trait of an invitation is counted."""
    return "/".join(map(str, parts))


@dataclass(frozen=True, slots=True)
class Scores:
    """How often each score was given to one dimension."""

    dimension: Dimension
    counts: Mapping[int, int]

    @property
    def answers(self) -> int:
        """Return how many rated it."""
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        """Return the sum of all scores."""
        return sum(score * count for score, count in self.counts.items())

    @property
    def average(self) -> Decimal | None:
        """Return the average to two places; None without answers."""
        if not self.answers:
            return None
        return (Decimal(self.total) / self.answers).quantize(_CENT, ROUND_HALF_UP)

    def below(self, limit: Decimal) -> bool:
        """Return whether the exact average is below ``limit``; without answers it is not."""
        return bool(self.answers) and Decimal(self.total) < limit * self.answers

    def share(self, least: int, most: int | None = None) -> int:
        """Return how many gave at least ``least`` and at most ``most``."""
        return sum(
            n for score, n in self.counts.items() if score >= least and (most is None or score <= most)
        )


class Figures:
    """All figures of one wave, from ``counts`` of the facts of its invitations."""

    def __init__(self, kind: SurveyKind, counts: Mapping[str, int]) -> None:
        """Take the counts apart."""
        self._kind = kind
        told: dict[str, dict[str, int]] = {part: {} for part in (STATE, CHANNEL, SCORE, TAG, RESULT)}
        for name, number in counts.items():
            head, _, rest = name.partition("/")
            told[head][rest] = number
        self.states, self.channels = told[STATE], told[CHANNEL]
        self.tags, self.results = told[TAG], told[RESULT]
        self.dimensions = {each.code: self._scores(each, told[SCORE]) for each in kind.dimensions}

    @staticmethod
    def _scores(dimension: Dimension, told: Mapping[str, int]) -> Scores:
        own = {}
        for name, number in told.items():
            code, _, score = name.partition("/")
            if code == dimension.code:
                own[int(score)] = number
        return Scores(dimension, own)

    @property
    def sent(self) -> int:
        """Return how many were asked."""
        return sum(self.states.values())

    @property
    def answered(self) -> int:
        """Return how many answered."""
        return self.states.get("answered", 0)

    @property
    def returned(self) -> bool | None:
        """Return whether the least share of answers came back, exactly; None when none is asked or nobody was."""
        if self._kind.returns is None or not self.sent:
            return None
        return self.answered * 100 >= self._kind.returns.value * self.sent

    def below_average(self) -> list[str]:
        """Return the dimensions whose average is below what the rulebook asks."""
        limit = self._kind.average
        if limit is None:
            return []
        return [code for code, scores in self.dimensions.items() if scores.below(limit.value)]

    def view(self) -> dict[str, Any]:
        """Return the summary table in JSON's terms; what has no answers has null, never a zero."""
        return {
            "sent": self.sent,
            "answered": self.answered,
            "rate": percent(self.answered, self.sent),
            "interval": wilson(self.answered, self.sent),
            "returned": self.returned,
            "no_answers": not self.answered,
            "dimensions": [self._row(scores) for scores in self.dimensions.values()],
            "tags": dict(sorted(self.tags.items())),
            "channels": dict(sorted(self.channels.items())),
            "results": dict(sorted(self.results.items())),
        }

    def averages(self) -> list[dict[str, str | None]]:
        """Return the average of each dimension, as text."""
        return [
            {"dimension": code, "average": _text(scores.average)} for code, scores in self.dimensions.items()
        ]

    def _row(self, scores: Scores) -> dict[str, Any]:
        dimension, satisfied, nps = scores.dimension, None, None
        if dimension.satisfied_from is not None:
            satisfied = percent(scores.share(dimension.satisfied_from), scores.answers)
        if dimension.recommends and scores.answers:
            won = scores.share(_PROMOTER) - scores.share(dimension.least, _DETRACTOR)
            nps = str((Decimal(100 * won) / scores.answers).quantize(_TENTH, ROUND_HALF_UP))
        return {
            "dimension": dimension.code,
            "name": dimension.name,
            "answers": scores.answers,
            "average": _text(scores.average),
            "satisfied": satisfied,
            "nps": nps,
            "gap": self._gap(scores),
        }

    def _gap(self, scores: Scores) -> str | None:
        """Return perceived minus expected, with its sign."""
        expected = self.dimensions.get(scores.dimension.against or "")
        if expected is None or not expected.answers or not scores.answers:
            return None
        gap = Decimal(scores.total) / scores.answers - Decimal(expected.total) / expected.answers
        return f"{gap.quantize(_CENT, ROUND_HALF_UP):+}"


def percent(part: int, whole: int) -> str | None:
    """Return ``part`` of ``whole`` in percent to one place; None of nothing."""
    if not whole:
        return None
    return str((Decimal(100 * part) / whole).quantize(_TENTH, ROUND_HALF_UP))


def wilson(part: int, whole: int) -> list[str] | None:
    """Return the bounds, in percent, between which the true share lies 95 times of 100 (Wilson); None of nothing."""
    if not whole:
        return None
    number, square = Decimal(whole), _Z * _Z
    middle = (2 * part + square) / (2 * (number + square))
    spread = 4 * Decimal(part) * (number - part) / number + square
    half = _Z * _EXACT.sqrt(spread) / (2 * (number + square))
    bounds = (max(Decimal(0), middle - half), min(Decimal(1), middle + half))
    return [str((100 * bound).quantize(_TENTH, ROUND_HALF_UP)) for bound in bounds]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
