"""Reading scorecards (考核) from a rulebook: the shape of the section, and what must hold in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.reporting.domain.scorecards.definition import (
    Consequence,
    Feed,
    Figure,
    Line,
    Part,
    Rate,
    Scorecard,
    Step,
    Taking,
    Unit,
)
from shared.registers.definition import Register
from shared.registers.rows import condition_field
from shared.registers.words import Type
from shared.regulations.fields import (
    REQUIRED,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    Whole,
    nested,
    source,
    sourced,
)

_OPTIONAL: dict[str, Any] = {"load_default": None, "allow_none": True}
_DAYS = frozenset({Type.DATE, Type.MOMENT})
_NUMBERS = frozenset({Type.NUMBER, Type.AMOUNT})
_MOST_MONTHS = 12


class _Signed(Value[Decimal]):
    """A number kept exactly, below zero for what is taken away: a whole number, or decimals in quotes."""

    def read(self, value: object) -> Decimal:
        """Return it."""
        if isinstance(value, int | str) and not isinstance(value, bool):
            try:
                number = Decimal(value)
            except InvalidOperation:
                number = Decimal("NaN")
            if number.is_finite():
                return number
        raise marshmallow.ValidationError(
            f'must be a whole number, or decimals in quotes such as "-0.5": {value!r}'
        )


class _FeedRow(Row):
    builds = Feed
    register = Text(**REQUIRED)
    person = Text(load_default="person")
    day = Text(**_OPTIONAL)
    when = Many(condition_field(), load_default=())
    states = Many(Text(), load_default=())
    quantity = Text(**_OPTIONAL)


class _RateRow(Row):
    builds = Rate
    at = Whole(least=1, load_default=1)
    each = _Signed(**REQUIRED)
    source = source()


class _StepRow(Row):
    builds = Step
    at = Whole(least=1, **REQUIRED)
    total = _Signed(**REQUIRED)
    source = source()


class _PartRow(Row):
    builds = Part
    figure = Text(**REQUIRED)
    weight = _Signed(**REQUIRED)
    source = source()


class _LineRow(Row):
    builds = Line
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    feeds = Many(nested(_FeedRow()), load_default=())
    rates = Many(nested(_RateRow()), load_default=())
    steps = Many(nested(_StepRow()), load_default=())
    free = sourced(Whole(least=1), **_OPTIONAL)
    percent_of = Text(**_OPTIONAL)
    parts = Many(nested(_PartRow()), load_default=())
    source = source()

    @validates_schema
    def _is_one_kind(self, data: dict[str, Any], **_: object) -> None:
        if bool(data["feeds"]) == bool(data["parts"]):
            raise marshmallow.ValidationError("has either feeds or parts")
        if data["parts"] and (data["rates"] or data["steps"] or data["free"] or data["percent_of"]):
            raise marshmallow.ValidationError("go with feeds, not beside rates and steps", "parts")
        for name in ("rates", "steps"):
            places = [each.at for each in data[name]]
            if len(set(places)) < len(places):
                raise marshmallow.ValidationError("two begin at the same place", name)


class _FigureRow(Row):
    builds = Figure
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    feed = nested(_FeedRow(), **REQUIRED)
    taking = OneOf(Taking, load_default=Taking.SUM)


class _ConsequenceRow(Row):
    builds = Consequence
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    at_most = sourced(_Signed(), **_OPTIONAL)
    at_least = sourced(_Signed(), **_OPTIONAL)
    months = Whole(least=1, most=_MOST_MONTHS, load_default=1)
    replaces = Many(Text(), load_default=())
    source = source()


class _ScorecardRow(Row):
    builds = Scorecard
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    unit = OneOf(Unit, load_default=Unit.POINTS)
    begins = sourced(_Signed(), **_OPTIONAL)
    lines = Table(_LineRow(), **REQUIRED)
    figures = Table(_FigureRow(), load_default=())
    consequences = Table(_ConsequenceRow(), load_default=())
    source = source()


def scorecards_field() -> Table:
    """Return the field of the section."""
    return Table(_ScorecardRow(), load_default=())


def scorecards_problems(
    scorecards: Sequence[Scorecard], registers: Sequence[Register]
) -> dict[str, list[str]]:
    """Return what is wrong with what scorecards name, by scorecard."""
    known = {register.code: register for register in registers}
    found = {each.code: list(_faults(each, known)) for each in scorecards}
    return {code: faults for code, faults in found.items() if faults}


def _faults(scorecard: Scorecard, known: dict[str, Register]) -> Iterator[str]:
    for line, feed in scorecard.feeds:
        yield from (f"lines.{line}: {fault}" for fault in _feed_faults(feed, known))
    for figure in scorecard.figures:
        if figure.feed.quantity is None:
            yield f"figures.{figure.code}: quantity is missing: which field holds the number"
        yield from (f"figures.{figure.code}: {fault}" for fault in _feed_faults(figure.feed, known))
    figures = {figure.code for figure in scorecard.figures}
    for each in scorecard.lines:
        named = [part.figure for part in each.parts] + ([each.percent_of] if each.percent_of else [])
        yield from (f"lines.{each.code}: there is no figure {code}" for code in named if code not in figures)
    consequences = {each.code for each in scorecard.consequences}
    for follows in scorecard.consequences:
        for code in follows.replaces:
            if code not in consequences:
                yield f"consequences.{follows.code}: there is no consequence {code}"


def _feed_faults(feed: Feed, known: dict[str, Register]) -> Iterator[str]:
    register = known.get(feed.register)
    if register is None:
        yield f"there is no register {feed.register}"
        return
    types = {field.code: field.type for field in register.fields}
    computed = {each.code for each in register.computed}
    if types.get(feed.person) is not Type.STAFF:
        yield f"{feed.person} is no field of {feed.register} that names a member of staff"
    if feed.day is not None and types.get(feed.day) not in _DAYS:
        yield f"{feed.day} is no date or moment of {feed.register}"
    if (
        feed.quantity is not None
        and feed.quantity not in computed
        and types.get(feed.quantity) not in _NUMBERS
    ):
        yield f"{feed.quantity} is no number of {feed.register}"
    compared = {code for each in feed.when for code in (each.field, each.other) if code}
    yield from (f"{feed.register} has no field {code}" for code in sorted(compared - set(types) - computed))
    states = {state.code for state in register.states}
    yield from (f"{code} is no state of {feed.register}" for code in feed.states if code not in states)
