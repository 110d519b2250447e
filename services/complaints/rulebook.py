"""Reading the complaints part of the rulebooks: the shape of its files and what must hold between values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.rulebook import (
    AppliesTo,
    Choice,
    ClockEnd,
    ClockRule,
    ClockStart,
    CloseCondition,
    ComplaintRules,
    ExtensionRule,
    FirstContactMessage,
    Grant,
    Level,
    LevelTests,
    PauseRule,
    Step,
    StepRule,
)
from services.complaints.rulebook_authority import (
    authority_faults,
    authority_field,
    authority_roles,
    offers_field,
)
from services.complaints.rulebook_investigation import (
    investigation_faults,
    investigation_field,
    investigation_roles,
)
from services.complaints.rulebook_liability import liability_field, liability_roles
from services.complaints.rulebook_path import path_field, path_problems, path_roles
from services.complaints.rulebook_receiving import receiving_field, receiving_problems, receiving_roles
from services.complaints.rulebook_supervision import (
    disputes_field,
    supervision_faults,
    supervision_field,
    supervision_roles,
)
from services.handbooks import why_not_citable
from services.names import SERVICES
from shared.clocks import Before, WarnPoint
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
from shared.regulations.loading import Loaded, read_all
from shared.worktime import Duration, WorktimeError

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
    escalations_from = Whole(least=1)


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


class _BeforeRow(Row):
    amount = Whole(least=1, **REQUIRED)
    unit = Text(**REQUIRED)

    @staticmethod
    def builds(*, amount: int, unit: Any) -> Before:
        """Build the point; a unit it refuses is a problem of the file."""
        try:
            return Before(amount, unit)
        except WorktimeError as error:
            raise marshmallow.ValidationError(error.message, "unit") from None


class _WarnPoint(Value[WarnPoint]):
    """A whole number, which is a percentage of the span, or ``{amount, unit}``, so long before its end."""

    def read(self, value: object) -> WarnPoint:
        """Read one point."""
        if isinstance(value, Mapping):
            built: Before = _BeforeRow().load(value)
            return built
        return Whole(least=1, most=99).read(value)


class _WarnPoints(Many):
    """Percentages, rising, and after them times before the end."""

    def read(self, value: object) -> tuple[WarnPoint, ...]:
        """Read the list."""
        points: tuple[WarnPoint, ...] = super().read(value)
        percents = [point for point in points if isinstance(point, int)]
        if percents != sorted(percents) or any(
            isinstance(point, Before) for point in points[: len(percents)]
        ):
            raise marshmallow.ValidationError("must rise, times before the end last")
        return points


def _warn_at(**kwargs: Any) -> fields.Field[Any]:
    return sourced(_WarnPoints(_WarnPoint()), **kwargs)


class _ClockRow(Row):
    builds = ClockRule
    name = Text(**REQUIRED)
    starts = OneOf(ClockStart, **REQUIRED)
    ends = OneOf(ClockEnd, **REQUIRED)
    applies_to = OneOf(AppliesTo, load_default=AppliesTo.ANY)
    duration = sourced_duration(load_default=None)
    by_level = _DurationsByLevel(load_default=())
    without_limit = sourced(Many(Text(), least=1))
    warn_at = _warn_at()
    repeats = Flag(load_default=False)
    sources = Many(Text(), least=1, load_default=())

    @validates_schema
    def _has_one_length(self, data: dict[str, Any], **_: object) -> None:
        if bool(data.get("duration")) == bool(data.get("by_level")):
            raise marshmallow.ValidationError("needs either a duration or durations by_level")
        if data.get("without_limit") and not data.get("by_level"):
            raise marshmallow.ValidationError("goes with durations by_level", "without_limit")
        if data["starts"] is ClockStart.FOUND_INVALID and data["applies_to"] is not AppliesTo.INVALID:
            raise marshmallow.ValidationError(
                "must be invalid for a clock that starts when a case is found invalid", "applies_to"
            )


class _GrantRow(Row):
    builds = Grant
    role = Text(**REQUIRED)
    channels = Many(Text(), least=1, load_default=())
    source = Text()


class _StepRow(Row):
    builds = StepRule
    step = OneOf(Step)
    grants = Many(nested(_GrantRow()), least=1, **REQUIRED)
    source = source()


class _PauseRow(Row):
    builds = PauseRule
    clock = Text()
    grants = Many(nested(_GrantRow()), least=1, **REQUIRED)
    reasons = Many(nested(_ChoiceRow()), least=1, **REQUIRED)
    source = source()


class _ExtensionRow(Row):
    builds = ExtensionRule
    clock = Text()
    requests = Many(nested(_GrantRow()), least=1, **REQUIRED)
    approvals = Many(nested(_GrantRow()), least=1, **REQUIRED)
    reasons = Many(nested(_ChoiceRow()), least=1, **REQUIRED)
    at_most = Whole(least=1, **REQUIRED)
    source = source()


class _MessageRow(Row):
    builds = FirstContactMessage
    template = Text(**REQUIRED)
    required = Many(Text(), least=1, **REQUIRED)
    source = source()


def _gaps(clock: ClockRule, levels: Sequence[str]) -> dict[str, Any]:
    """Return what is wrong with a clock by level, by key: every level has a deadline or expressly none."""
    given = [level for level, _ in clock.by_level]
    free = clock.without_limit.value if clock.without_limit else ()
    faults = {level: ["there is no such level"] for level in given if level not in levels}
    faults |= {level: ["the level has no deadline"] for level in levels if level not in {*given, *free}}
    problems: dict[str, Any] = {"by_level": faults} if faults else {}
    if free and not faults and set(free) != set(levels[len(given) :]):
        problems["without_limit"] = {"value": ["must be the highest levels, those by_level leaves out"]}
    return problems


class ComplaintRulesSchema(Row):
    """The sections of a complaints rulebook."""

    builds = ComplaintRules
    complainant_types = Many(nested(_ChoiceRow()), load_default=())
    demands = Many(nested(_ChoiceRow()), load_default=())
    grounds = Many(nested(_ChoiceRow()), load_default=())
    levels = Many(nested(_LevelRow()), least=1, **REQUIRED)
    clocks = Table(_ClockRow(), key="name", load_default=())
    warn_at = _warn_at(**REQUIRED)
    close_condition = sourced(OneOf(CloseCondition), **REQUIRED)
    steps = Table(_StepRow(), key="step", **REQUIRED)
    prevention_required = sourced(Flag())
    next_reply_time_required = sourced(Flag())
    repeat_escalates = sourced(Flag())
    late_entry_escalates = sourced(Flag())
    first_contact_message = nested(_MessageRow())
    pauses = Table(_PauseRow(), key="clock", load_default=())
    extensions = Table(_ExtensionRow(), key="clock", load_default=())
    liability = liability_field()
    authority = authority_field()
    offers = offers_field()
    path = path_field()
    supervision = supervision_field()
    disputes = disputes_field()

    @validates_schema
    def _supervision_fits(self, data: dict[str, Any], **_: object) -> None:
        problems = supervision_faults(data)
        if problems:
            raise marshmallow.ValidationError(problems)

    receiving = receiving_field()

    @validates_schema
    def _receiving_fits(self, data: dict[str, Any], **_: object) -> None:
        problems = receiving_problems(data)
        if problems:
            raise marshmallow.ValidationError({"clocks": problems})

    limits_required = sourced(Many(OneOf(ClockEnd), least=1))
    reply_without = sourced(Many(Text(), least=1))

    @validates_schema
    def _has_the_limits_it_must(self, data: dict[str, Any], **_: object) -> None:
        required: Sourced[tuple[ClockEnd, ...]] | None = data.get("limits_required")
        limited = {clock.ends for clock in data["clocks"]}
        missing = [end for end in (required.value if required is not None else ()) if end not in limited]
        if required is not None and missing:
            reason = f"no clock ends with {', '.join(missing)}, and {required.source} asks for a limit"
            raise marshmallow.ValidationError({"clocks": [reason]})

    investigation = investigation_field()

    @validates_schema
    def _path_fits(self, data: dict[str, Any], **_: object) -> None:
        problems = path_problems(data)
        if problems:
            raise marshmallow.ValidationError({"path": problems})

    @validates_schema
    def _authority_fits(self, data: dict[str, Any], **_: object) -> None:
        levels = [level.code for level in data["levels"]]
        problems = authority_faults(data.get("authority"), data.get("offers"), levels)
        if problems:
            raise marshmallow.ValidationError(problems)

    @validates_schema
    def _investigation_fits(self, data: dict[str, Any], **_: object) -> None:
        problems = investigation_faults(data)
        if problems:
            raise marshmallow.ValidationError({"investigation": problems})

    @validates_schema
    def _only_clocks_it_has(self, data: dict[str, Any], **_: object) -> None:
        known = {clock.name for clock in data["clocks"]}
        problems = {
            section: {
                rule.clock: ["there is no such clock"] for rule in data[section] if rule.clock not in known
            }
            for section in ("pauses", "extensions")
        }
        if any(problems.values()):
            raise marshmallow.ValidationError({name: found for name, found in problems.items() if found})

    @validates_schema
    def _clocks_cover_the_levels(self, data: dict[str, Any], **_: object) -> None:
        levels = [level.code for level in data["levels"]]
        problems = {
            clock.name: faults
            for clock in data["clocks"]
            if clock.by_level and (faults := _gaps(clock, levels))
        }
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


def _roles(rules: ComplaintRules) -> Iterator[tuple[str, str]]:
    """Yield every role the rulebook names, with its path: a grant to nobody is a slip of the pen."""
    granted: dict[str, tuple[Grant, ...]] = {f"steps.{rule.step}.grants": rule.grants for rule in rules.steps}
    granted |= {f"pauses.{rule.clock}.grants": rule.grants for rule in rules.pauses}
    for extension in rules.extensions:
        granted[f"extensions.{extension.clock}.requests"] = extension.requests
        granted[f"extensions.{extension.clock}.approvals"] = extension.approvals
    for path, grants in granted.items():
        for number, grant in enumerate(grants):
            yield f"{path}.{number}.role", grant.role
    yield from liability_roles(rules.liability)
    yield from authority_roles(rules.authority, rules.offers)
    yield from path_roles(rules.path)
    yield from supervision_roles(rules.supervision, rules.disputes)
    yield from receiving_roles(rules.receiving)
    yield from investigation_roles(rules.investigation)


def _read(sections: Any) -> ComplaintRules:
    rules: ComplaintRules = ComplaintRulesSchema().load(sections)
    return rules


def read_rulebooks(
    organisations: Path, profiles: Path = PROFILES, *, unfollowed: bool = True
) -> Loaded[ComplaintRules]:
    """Return the complaints rulebooks of all ``organisations`` and of all profiles, with every fault of their files.

    Without ``unfollowed`` only the profiles that an organisation follows are gone through.
    """
    return read_all(
        profiles,
        organisations,
        _read,
        "complaints",
        SERVICES,
        refuse_source=why_not_citable,
        unfollowed=unfollowed,
        roles=_roles,
    )


def load_rulebooks(organisations: Path, profiles: Path = PROFILES) -> Rulebooks[ComplaintRules]:
    """Return the complaints rulebooks of all ``organisations``; RegulationError names every bad file."""
    return read_rulebooks(organisations, profiles, unfollowed=False).sound()
