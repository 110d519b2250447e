"""Reading the section ``care`` of the followup rulebooks, and what must hold between its values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.followup.domain.care.festivals import LUNAR
from services.followup.domain.care.rules import (
    Acknowledgement,
    AtLeast,
    Below,
    CareKind,
    CareRules,
    Every,
    Festival,
    Makes,
    Reminder,
)
from shared.regulations.fields import (
    REQUIRED,
    Flag,
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
    sourced_duration,
)

_YEARS = 3660
#: What each thing a campaign makes cannot do without.
_NEEDS = {Makes.MESSAGE: ("template", "channel"), Makes.TASK: ("register",), Makes.MARK: ("marks",)}


class _Codes(Value[Mapping[str, str]]):
    """A mapping of codes to texts."""

    def read(self, value: object) -> Mapping[str, str]:
        """Read one value."""
        if not isinstance(value, Mapping) or not all(
            isinstance(part, str) and part.strip() for pair in value.items() for part in pair
        ):
            raise marshmallow.ValidationError("must be a mapping of codes to texts in quotes")
        return dict(value)


class _ReminderRow(Row):
    builds = Reminder
    counts_from = Text(**REQUIRED)
    yearly = Flag(load_default=False)
    begins = sourced(Whole(least=-_YEARS, most=_YEARS))
    ends = sourced(Whole(least=-_YEARS, most=_YEARS))
    source = source()

    @validates_schema
    def _begins_first(self, data: dict[str, Any], **_: object) -> None:
        begins, ends = data.get("begins"), data.get("ends")
        if begins is not None and ends is not None and ends.value < begins.value:
            raise marshmallow.ValidationError("must not be before it begins", "ends")


class _AtLeastRow(Row):
    builds = AtLeast
    trait = Text(**REQUIRED)
    value = sourced(Whole(least=1))
    source = source()


class _BelowRow(Row):
    builds = Below
    trait = Text(**REQUIRED)
    variable = Text(**REQUIRED)
    source = source()


class _AcknowledgementRow(Row):
    builds = Acknowledgement
    within = sourced_duration()
    source = source()


class _FestivalRow(Row):
    builds = Festival
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    day = Text()
    lunar = Text()
    source = source()

    @validates_schema
    def _falls_on_a_day(self, data: dict[str, Any], **_: object) -> None:
        if ("day" in data) == ("lunar" in data):
            raise marshmallow.ValidationError("either the day of the year or the lunar festival", "day")
        if "lunar" in data and data["lunar"] not in LUNAR:
            raise marshmallow.ValidationError(f"must be one of {', '.join(LUNAR)}", "lunar")
        try:
            date.fromisoformat(f"2025-{data.get('day', '01-01')}")
        except ValueError:
            message = 'must be a day of every year such as "06-01"'
            raise marshmallow.ValidationError(message, "day") from None


class _KindRow(Row):
    builds = CareKind
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    makes = OneOf(Makes, **REQUIRED)
    purpose = Text(**REQUIRED)
    template = Text()
    channel = Text()
    consent = sourced(Flag())
    grants = Many(Text())
    where = _Codes()
    at_least = nested(_AtLeastRow())
    below = nested(_BelowRow())
    register = Text()
    values = _Codes()
    marks = _Codes()
    acknowledge = nested(_AcknowledgementRow())
    reminder = nested(_ReminderRow())
    festivals = Many(Text())
    every = sourced(OneOf(Every))
    source = source()

    @validates_schema
    def _has_what_it_needs(self, data: dict[str, Any], **_: object) -> None:
        lacking = [name for name in _NEEDS[data["makes"]] if name not in data]
        if lacking:
            raise marshmallow.ValidationError({name: ["is missing"] for name in lacking})


class CareRow(Row):
    """The section ``care``; every key may be left out."""

    builds = CareRules
    kinds = Table(_KindRow())
    festivals = Table(_FestivalRow())
    cap = sourced(Whole(least=1))

    @validates_schema
    def _knows_its_festivals(self, data: dict[str, Any], **_: object) -> None:
        known = {festival.code for festival in data.get("festivals", ())}
        problems = {
            kind.code: {"festivals": [f"there is no festival {', '.join(odd)}"]}
            for kind in data.get("kinds", ())
            if (odd := [code for code in kind.festivals if code not in known])
        }
        if problems:
            raise marshmallow.ValidationError({"kinds": problems})


def care_problems(
    care: CareRules, templates: Collection[str], registers: Collection[str]
) -> dict[str, dict[str, list[str]]]:
    """Return by kind what it names and the rulebook does not have."""
    problems: dict[str, dict[str, list[str]]] = {}
    for kind in care.kinds:
        if kind.template is not None and kind.template not in templates:
            problems.setdefault(kind.code, {})["template"] = [f"there is no template {kind.template}"]
        if kind.register is not None and kind.register not in registers:
            problems.setdefault(kind.code, {})["register"] = [f"there is no register {kind.register}"]
    return problems


def care_roles(care: CareRules) -> Iterator[tuple[str, str]]:
    """Yield every role the section names, with its path."""
    for kind in care.kinds:
        for role in kind.grants:
            yield f"care.kinds.{kind.code}.grants", role
