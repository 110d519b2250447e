"""Statements: what another system measured for one window, the last one holding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.reporting.domain.kpis.definition import Gives, ReportedFigure
from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Window
from shared.aggregate import Aggregate
from shared.errors import Problem, ValidationFailed
from shared.history import Cause
from shared.ids import derived_id

#: How the ids of statements begin.
PREFIX = "fg"

Values = Mapping[str, Decimal | None]
Parts = Mapping[str, str | None]


@dataclass(kw_only=True)
class Statement(Aggregate):
    """One figure for one window and one part of the organisation; corrected by stating it again."""

    figure: str
    window: str
    parts: dict[str, str]
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    value: Decimal | None = None
    reference: str | None = None
    times: int = 0

    def state(
        self, window: Window, values: Values, reference: str | None, at: datetime, cause: Cause
    ) -> None:
        """Take what is stated now, also when it is what was stated before."""
        said = {name: values[name] for name in ("numerator", "denominator", "value")}
        self.numerator, self.denominator, self.value = said["numerator"], said["denominator"], said["value"]
        self.reference, self.times = reference, self.times + 1
        data: dict[str, Any] = {
            "statement_id": self.id,
            "figure": self.figure,
            "window": window.span.value,
            "begins_on": window.first.isoformat(),
            "ends_on": window.last.isoformat(),
            **{each.value: self.parts.get(each.value) for each in STATED_APART},
            **{name: None if amount is None else f"{amount:f}" for name, amount in said.items()},
            "times": self.times,
        }
        self.record("figure_reported", data, at=at, cause=cause)


#: What a statement may be split by.
STATED_APART = (Dimension.UNIT, Dimension.PERSON, Dimension.PROJECT)


def statement_id(org: str, figure: str, window: Window, parts: Mapping[str, str]) -> str:
    """Return the id a statement always has: who states the same figure again corrects it."""
    return derived_id(PREFIX, org, figure, str(window), *(parts.get(each.value, "") for each in STATED_APART))


def check(wanted: ReportedFigure, window: Window, parts: Parts, values: Values) -> dict[str, str]:
    """Return the parts a statement names; ValidationFailed for one that does not say what ``wanted`` asks for."""
    problems = []
    if window.span is not wanted.window:
        problems.append(Problem("window", f"{wanted.code} is reported by the {wanted.window}"))
    named = {name: value for name, value in parts.items() if value is not None}
    asked = {each.value for each in wanted.per}
    problems += [
        Problem(name, f"{wanted.code} is reported apart by it") for name in sorted(asked - set(named))
    ]
    problems += [
        Problem(name, f"{wanted.code} is not reported apart by it") for name in sorted(set(named) - asked)
    ]
    needed = {"numerator", "denominator"} if wanted.gives is Gives.SHARE else {"value"}
    given = {name for name, value in values.items() if value is not None}
    problems += [Problem(name, "is missing") for name in sorted(needed - given)]
    problems += [Problem(name, f"{wanted.code} has none") for name in sorted(given - needed)]
    if problems:
        raise ValidationFailed(f"this is no statement of {wanted.code}", problems=tuple(problems))
    return named
