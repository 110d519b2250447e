"""What a rulebook says about a kind of satisfaction survey (满意度调查), as typed immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.clocks.points import WarnPoint
from shared.errors import Problem, ValidationFailed
from shared.regulations.values import Sourced
from shared.worktime import Duration


class Method(StrEnum):
    """How people are asked."""

    PHONE = "phone"
    LETTER = "letter"
    ON_SITE = "on_site"
    FAX = "fax"
    EMAIL = "email"
    LINK = "link"


class Every(StrEnum):
    """The stretch of a calendar in which one survey is owed."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


class Part(StrEnum):
    """A part of a plan that a rulebook may require before the plan is taken."""

    PURPOSE = "purpose"
    TARGET = "target"
    SAMPLE = "sample"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing people rate, from ``least`` to ``most``.

    Scores from ``satisfied_from`` on count as satisfied. ``recommends`` makes it a net promoter score, of a scale
    from 0 to 10. ``against`` names the dimension that holds what was expected: the gap is taken to it.
    """

    code: str
    name: str
    least: int
    most: int
    source: str
    satisfied_from: int | None = None
    recommends: bool = False
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When surveys are owed: one ``every`` stretch, or one sent before each of ``before_months``."""

    source: str
    every: Every | None = None
    before_months: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """A score that calls for something: what is to be done is said by ``measure``."""

    value: Decimal
    measure: str
    source: str


@dataclass(frozen=True, slots=True)
class SurveyKind:
    """One kind of survey; what is None the rulebook does not ask for.

    ``launchers`` are the roles that may launch a wave, ``plan`` what its plan needs, ``rehearsal`` whether it must
    have been tried out. ``share`` is the percentage of the target that is asked, ``per_unit`` asks each unit once.
    A wave closes after ``closes``, reminding at ``reminders``; ``returns`` is the least percentage of answers.
    An average below ``average`` opens an improvement, a score of at most ``low`` a corrective measure.
    ``after_case`` asks once after every closed case. ``results`` are the permitted results of a call, ``tags`` the
    needs an answer may name, ``message`` the template of invitations and ``reminder`` that of reminders.
    """

    code: str
    name: str
    source: str
    methods: tuple[Method, ...]
    dimensions: tuple[Dimension, ...] = ()
    results: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    anonymous: Sourced[bool] | None = None
    per_unit: bool = False
    launchers: Sourced[tuple[str, ...]] | None = None
    plan: Sourced[tuple[Part, ...]] | None = None
    rehearsal: Sourced[bool] | None = None
    share: Sourced[Decimal] | None = None
    closes: Sourced[Duration] | None = None
    reminders: tuple[WarnPoint, ...] = ()
    returns: Sourced[Decimal] | None = None
    average: Limit | None = None
    low: Limit | None = None
    credibility: Sourced[bool] | None = None
    rhythm: Rhythm | None = None
    after_case: Sourced[bool] | None = None
    message: str | None = None
    reminder: str | None = None

    @property
    def nameless(self) -> bool:
        """Return whether an answer must not say who gave it (匿名)."""
        return self.anonymous is not None and self.anonymous.value

    def dimension(self, code: str) -> Dimension | None:
        """Return the dimension called ``code``."""
        return next((each for each in self.dimensions if each.code == code), None)

    def check_answer(self, scores: dict[str, int], tags: tuple[str, ...], comment: str | None) -> None:
        """Raise ValidationFailed naming every score, dimension and tag that is no answer to this survey."""
        problems = []
        for code, score in scores.items():
            dimension = self.dimension(code)
            if dimension is None:
                problems.append(Problem(f"scores.{code}", "is not asked in this survey"))
            elif not dimension.least <= score <= dimension.most:
                scale = f"{dimension.least} to {dimension.most}"
                problems.append(Problem(f"scores.{code}", f"must be from {scale}"))
        lacking = [each.code for each in self.dimensions if each.code not in scores]
        problems += [Problem(f"scores.{code}", "is missing") for code in lacking]
        problems += [
            Problem(f"tags.{tag}", "is no tag of this survey") for tag in tags if tag not in self.tags
        ]
        if not self.dimensions and not tags and comment is None:
            problems.append(Problem("comment", "is missing: the survey asks for nothing else"))
        if problems:
            raise ValidationFailed("this is no answer to the survey", problems=tuple(problems))
