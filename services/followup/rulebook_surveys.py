"""Reading the surveys section of the rulebooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.followup.domain.surveys.definition import (
    Dimension,
    Every,
    Limit,
    Method,
    Part,
    Rhythm,
    SurveyKind,
)
from shared.registers.rows_values import Point
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Whole,
    nested,
    source,
    sourced,
    sourced_duration,
)

_LARGEST, _DECEMBER, _TEN = 100, 12, 10


class _DimensionRow(Row):
    builds = Dimension
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    least = Whole(most=_LARGEST, **REQUIRED)
    most = Whole(least=1, most=_LARGEST, **REQUIRED)
    satisfied_from = Whole(most=_LARGEST)
    recommends = Flag()
    against = Text()
    source = source()

    @validates_schema
    def _is_a_scale(self, data: dict[str, Any], **_: object) -> None:
        least, most = data["least"], data["most"]
        if least >= most:
            raise marshmallow.ValidationError("must be above least", "most")
        if not least <= data.get("satisfied_from", least) <= most:
            raise marshmallow.ValidationError("lies outside the scale", "satisfied_from")
        if data.get("recommends") and (least, most) != (0, _TEN):
            raise marshmallow.ValidationError("goes with a scale from 0 to 10", "recommends")


class _LimitRow(Row):
    builds = Limit
    value = Exact(**REQUIRED)
    measure = Text(**REQUIRED)
    source = source()


class _RhythmRow(Row):
    builds = Rhythm
    every = OneOf(Every)
    before_months = Many(Whole(least=1, most=_DECEMBER), least=1)
    source = source()

    @validates_schema
    def _is_one_rhythm(self, data: dict[str, Any], **_: object) -> None:
        if ("every" in data) == ("before_months" in data):
            raise marshmallow.ValidationError("must have either every or before_months")


class _KindRow(Row):
    builds = SurveyKind
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()
    methods = Many(OneOf(Method), least=1, **REQUIRED)
    dimensions = Table(_DimensionRow())
    results = Many(Text())
    tags = Many(Text())
    anonymous = sourced(Flag())
    per_unit = Flag()
    launchers = sourced(Many(Text(), least=1))
    plan = sourced(Many(OneOf(Part), least=1))
    rehearsal = sourced(Flag())
    share = sourced(Exact())
    closes = sourced_duration()
    reminders = Many(Point())
    returns = sourced(Exact())
    average = nested(_LimitRow())
    low = nested(_LimitRow())
    credibility = sourced(Flag())
    rhythm = nested(_RhythmRow())
    after_case = sourced(Flag())
    message = Text()
    reminder = Text()

    @validates_schema
    def _expects_what_is_asked(self, data: dict[str, Any], **_: object) -> None:
        dimensions = data.get("dimensions", ())
        codes = [each.code for each in dimensions]
        for each in dimensions:
            if each.against is not None and each.against not in codes:
                known = ", ".join(codes)
                raise marshmallow.ValidationError(
                    {"dimensions": {each.code: {"against": [f"is no dimension: there is {known}"]}}}
                )


def surveys_field() -> marshmallow.fields.Field[Any]:
    """Return the field of the section ``surveys``: kinds by code."""
    return Table(_KindRow(), load_default=())


def survey_roles(kinds: tuple[SurveyKind, ...]) -> Iterator[tuple[str, str]]:
    """Yield every role the section names, behind its path."""
    for kind in kinds:
        for role in kind.launchers.value if kind.launchers else ():
            yield f"surveys.{kind.code}.launchers", role


def survey_problems(kinds: tuple[SurveyKind, ...], templates: tuple[str, ...]) -> dict[str, Any]:
    """Return the kinds that name a message template there is not, by code."""
    problems: dict[str, Any] = {}
    for kind in kinds:
        for key in ("message", "reminder"):
            named = getattr(kind, key)
            if named is not None and named not in templates:
                problems[kind.code] = {key: ["is no template of the rulebook"]}
    return problems
