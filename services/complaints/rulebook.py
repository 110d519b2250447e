"""Reading the complaints part of the rulebooks: the shape of its files and what must hold between values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.complaints.domain.rulebook import (
    AppliesTo,
    Choice,
    ClockEnd,
    ClockRule,
    ClockStart,
    CloseCondition,
    ComplaintRules,
    FirstContactMessage,
    Grant,
    Level,
    LevelTests,
    Step,
    StepRule,
)
from services.names import SERVICES
from shared.regulations import Rulebooks, Sourced
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    Whole,
    nested,
    read_each,
    source,
    sourced,
    sourced_duration,
)
from shared.regulations.loading import load
from shared.worktime import Duration

PROFILES = Path(__file__).parent / "regulations"


class _ChoiceRow(Row):
    builds = Choice
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()


class _TestsRow(Row):
    builds = LevelTests
    households_from = Whole(least=2)
    amount_from = Exact()
    amount_above = Exact()
    media = Flag()
    lawsuit = Flag()


class _LevelRow(Row):
    builds = Level
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    tests = nested(_TestsRow(), load_default=LevelTests)
    source = source()


class _DurationsByLevel(Value[tuple[tuple[str, Sourced[Duration]], ...]]):
    """A mapping of level codes to durations."""

    def read(self, value: object) -> tuple[tuple[str, Sourced[Duration]], ...]:
        """Return the pairs in the order of the file."""
        if not isinstance(value, dict):
            raise marshmallow.ValidationError("must be a mapping of levels to durations")
        return read_each(value, lambda level, duration: (level, sourced_duration().deserialize(duration)))


class _ClockRow(Row):
    builds = ClockRule
    name = Text(**REQUIRED)
    starts = OneOf(ClockStart, **REQUIRED)
    ends = OneOf(ClockEnd, **REQUIRED)
    applies_to = OneOf(AppliesTo, load_default=AppliesTo.ANY)
    duration = sourced_duration(load_default=None)
    by_level = _DurationsByLevel(load_default=())

    @validates_schema
    def _has_one_length(self, data: dict[str, Any], **_: object) -> None:
        if bool(data.get("duration")) == bool(data.get("by_level")):
            raise marshmallow.ValidationError("needs either a duration or durations by_level")
        if data["starts"] is ClockStart.FOUND_INVALID and data["applies_to"] is not AppliesTo.INVALID:
            raise marshmallow.ValidationError(
                "must be invalid for a clock that starts when a case is found invalid", "applies_to"
            )


class _GrantRow(Row):
    builds = Grant
    role = Text(**REQUIRED)
    channels = Many(Text(), least=1, load_default=())


class _StepRow(Row):
    builds = StepRule
    step = OneOf(Step)
    grants = Many(nested(_GrantRow()), least=1, **REQUIRED)
    source = source()


class _MessageRow(Row):
    builds = FirstContactMessage
    template = Text(**REQUIRED)
    required = Many(Text(), least=1, **REQUIRED)
    source = source()


class ComplaintRulesSchema(Row):
    """The sections of a complaints rulebook."""

    builds = ComplaintRules
    complainant_types = Many(nested(_ChoiceRow()), load_default=())
    demands = Many(nested(_ChoiceRow()), load_default=())
    grounds = Many(nested(_ChoiceRow()), load_default=())
    levels = Many(nested(_LevelRow()), least=1, **REQUIRED)
    clocks = Table(_ClockRow(), key="name", load_default=())
    warn_at = sourced(Many(Whole(least=1, most=99)), **REQUIRED)
    close_condition = sourced(OneOf(CloseCondition), **REQUIRED)
    steps = Table(_StepRow(), key="step", **REQUIRED)
    prevention_required = sourced(Flag())
    next_reply_time_required = sourced(Flag())
    repeat_escalates = sourced(Flag())
    late_entry_escalates = sourced(Flag())
    first_contact_message = nested(_MessageRow())

    @validates_schema
    def _clocks_cover_the_levels(self, data: dict[str, Any], **_: object) -> None:
        levels = [level.code for level in data["levels"]]
        problems: dict[str, dict[str, Any]] = {}
        for clock in data["clocks"]:
            if not clock.by_level:
                continue
            given = [level for level, _ in clock.by_level]
            faults = {level: ["there is no such level"] for level in given if level not in levels}
            faults |= {level: ["the level has no deadline"] for level in levels if level not in given}
            if faults:
                problems[clock.name] = {"by_level": faults}
        if problems:
            raise marshmallow.ValidationError({"clocks": problems})

    @validates_schema
    def _every_step_has_somebody(self, data: dict[str, Any], **_: object) -> None:
        named = {rule.step for rule in data["steps"]}
        missing = {step.value: ["names nobody who may take the step"] for step in Step if step not in named}
        if missing:
            raise marshmallow.ValidationError({"steps": missing})

    @validates_schema
    def _levels_rise(self, data: dict[str, Any], **_: object) -> None:
        lowest, *higher = data["levels"]
        if lowest.tests != LevelTests():
            reason = "the lowest level takes every case that meets no test, so it has none itself"
            raise marshmallow.ValidationError({"levels": {0: {"tests": [reason]}}})
        bare = [number for number, level in enumerate(higher, 1) if level.tests == LevelTests()]
        if bare:
            reason = "are missing, so no case would ever get here"
            raise marshmallow.ValidationError({"levels": {number: {"tests": [reason]} for number in bare}})

    @validates_schema
    def _warnings_rise(self, data: dict[str, Any], **_: object) -> None:
        points = data["warn_at"].value
        if list(points) != sorted(points):
            raise marshmallow.ValidationError({"warn_at": {"value": ["must rise"]}})


def load_rulebooks(organisations: Path, profiles: Path = PROFILES) -> Rulebooks[ComplaintRules]:
    """Return the complaints rulebooks of all ``organisations``; RegulationError names every bad file."""

    def read(sections: Any) -> ComplaintRules:
        rules: ComplaintRules = ComplaintRulesSchema().load(sections)
        return rules

    return load(profiles, organisations, read, "complaints", SERVICES)
