"""Reading the path of a case out of the complaints rulebooks: the shape of the key ``path``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.path.rules import (
    COMMANDS,
    AlsoGrant,
    Answer,
    CaseValue,
    EachOf,
    FieldKind,
    FieldRule,
    NeededFor,
    Option,
    Path,
    PathStep,
    SameAs,
    SendBack,
    StepDue,
    When,
)
from services.complaints.domain.rulebook import AppliesTo, Grant
from shared.regulations.fields import (
    REQUIRED,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    nested,
    source,
    sourced,
    sourced_duration,
)


class _OptionRow(Row):
    builds = Option
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    not_on_grounds = Many(Text(), load_default=())


class _NeededRow(Row):
    builds = NeededFor
    field = Text(**REQUIRED)
    values = Many(Text(), least=1, **REQUIRED)


class _SameRow(Row):
    builds = SameAs
    step = Text(**REQUIRED)
    field = Text(**REQUIRED)


class _FieldRow(Row):
    builds = FieldRule
    code = Text()
    name = Text(**REQUIRED)
    kind = OneOf(FieldKind, load_default=FieldKind.TEXT)
    required = Flag(load_default=True)
    options = Many(nested(_OptionRow()), least=2, load_default=())
    value = OneOf(CaseValue)
    default = Text()
    needed_for = nested(_NeededRow())
    source = Text()
    same_as = nested(_SameRow())

    @validates_schema
    def _has_what_its_kind_needs(self, data: dict[str, Any], **_: object) -> None:
        kind = data["kind"]
        if (kind is FieldKind.CHOICE) is not bool(data["options"]):
            raise marshmallow.ValidationError("goes with the kind choice, and only with it", "options")
        if (kind is FieldKind.OF_CASE) is not (data.get("value") is not None):
            raise marshmallow.ValidationError("goes with the kind of_case, and only with it", "value")
        if (kind is FieldKind.OF_STEP) is not (data.get("same_as") is not None):
            raise marshmallow.ValidationError("goes with the kind of_step, and only with it", "same_as")
        codes = [option.code for option in data["options"]]
        if data.get("default") is not None and data["default"] not in codes:
            raise marshmallow.ValidationError("must be one of the options", "default")


class _AnswerRow(Row):
    builds = Answer
    step = Text(**REQUIRED)
    field = Text(**REQUIRED)
    value = Text(**REQUIRED)


class _WhenRow(Row):
    builds = When
    validity = OneOf(AppliesTo, load_default=AppliesTo.ANY)
    levels = Many(Text(), least=1, load_default=())
    grounds = Many(Text(), least=1, load_default=())
    channels = Many(Text(), least=1, load_default=())
    answers = Many(nested(_AnswerRow()), least=1, load_default=())
    unless = Many(nested(_AnswerRow()), least=1, load_default=())
    taken = Many(Text(), least=1, load_default=())


class _GrantRow(Row):
    builds = Grant
    role = Text(**REQUIRED)
    channels = Many(Text(), least=1, load_default=())
    source = Text()


class _AlsoRow(Row):
    builds = AlsoGrant
    role = Text(**REQUIRED)
    when = nested(_WhenRow(), required=True)
    source = source()


class _BackRow(Row):
    builds = SendBack
    field = Text(**REQUIRED)
    value = Text(**REQUIRED)
    to = Text(**REQUIRED)


class _EachRow(Row):
    builds = EachOf
    by = Text(**REQUIRED)
    step = Text()
    field = Text()


class _DueRow(Row):
    builds = StepDue
    duration = sourced_duration(load_default=None)
    same_day = sourced(Flag())
    after = Text()

    @validates_schema
    def _has_one_length(self, data: dict[str, Any], **_: object) -> None:
        same_day = data.get("same_day")
        if bool(data.get("duration")) == bool(same_day is not None and same_day.value):
            raise marshmallow.ValidationError("needs either a duration or same_day")


class _StepRow(Row):
    builds = PathStep
    code = Text()
    name = Text(**REQUIRED)
    grants = Many(nested(_GrantRow()), least=1, load_default=())
    also = Many(nested(_AlsoRow()), least=1, load_default=())
    form = Table(_FieldRow(), load_default=())
    after = Many(Text(), least=1, load_default=())
    when = nested(_WhenRow(), load_default=When)
    mandatory = Flag(load_default=False)
    not_by = Many(Text(), least=1, load_default=())
    each_of = nested(_EachRow())
    sends_back = nested(_BackRow())
    due = nested(_DueRow())
    source = source()

    @validates_schema
    def _names_who_takes_it(self, data: dict[str, Any], **_: object) -> None:
        if data["code"] in COMMANDS:
            for key in ("grants", "form", "each_of", "sends_back"):
                if data.get(key):
                    raise marshmallow.ValidationError("does not go with a step that has its own command", key)
        elif not data["grants"]:
            raise marshmallow.ValidationError("names nobody who may take the step", "grants")
        elif data["also"]:
            raise marshmallow.ValidationError("goes with a step that has its own command", "also")


class _PathField(Value[Path]):
    """The steps in their order; each rests only on steps before it."""

    def read(self, value: object) -> Path:
        """Read the whole path."""
        steps: tuple[PathStep, ...] = Table(_StepRow()).read(value)
        problems = {
            step.code: found
            for number, step in enumerate(steps)
            if (found := list(_faults(step, steps[:number])))
        }
        if problems:
            raise marshmallow.ValidationError(problems)
        return Path(steps)


def _faults(step: PathStep, earlier: Sequence[PathStep]) -> Iterator[str]:
    """Yield what is wrong with a step among those before it."""
    known = {each.code: each for each in earlier}
    wanted = {*step.rests_on, *step.not_by}
    wanted |= {step.due.after} if step.due is not None and step.due.after else set()
    wanted |= {step.sends_back.to} if step.sends_back is not None else set()
    also = {code for grant in step.also for code in grant.when.steps}
    for code in sorted((wanted | also) - known.keys()):
        yield f"there is no step {code!r} before it"
    conditions = [step.when, *(grant.when for grant in step.also)]
    for answer in (answer for when in conditions for answer in (*when.answers, *when.unless)):
        asked = known.get(answer.step)
        if asked is not None and asked.field(answer.field) is None:
            yield f"{answer.step} has no field {answer.field!r}"
    for answer in (*step.when.answers, *step.when.unless):
        asked = known.get(answer.step)
        if asked is not None and step.mandatory and not asked.mandatory:
            yield f"is mandatory, and whether it is asked for rests on {answer.step}, which is not"
    yield from _own_fields(step, known)


def _own_fields(step: PathStep, known: dict[str, PathStep]) -> Iterator[str]:
    """Yield which fields a step counts on and does not have."""
    each, back = step.each_of, step.sends_back
    codes = [each.by] if each is not None else []
    codes += [back.field] if back is not None else []
    codes += [rule.needed_for.field for rule in step.form if rule.needed_for is not None]
    for code in codes:
        if step.field(code) is None:
            yield f"has no field {code!r} of its own"
    for same in (rule.same_as for rule in step.form if rule.same_as is not None):
        if same.step not in known or known[same.step].field(same.field) is None:
            yield f"there is no field {same.field!r} of a step {same.step!r} before it"
    if each is not None:
        if (each.step is None) is not (each.field is None):
            yield "each_of names either a step with a field, or neither"
        if each.step in known and known[each.step].field(each.field or "") is None:
            yield f"{each.step} has no field {each.field!r}"


def form_field(**kwargs: Any) -> fields.Field[Any]:
    """Return the field for a form: its fields by their codes, in their order."""
    return Table(_FieldRow(), **kwargs)


def path_field() -> fields.Field[Any]:
    """Return the field for the key ``path``."""
    return _PathField(load_default=None)


def path_roles(path: Path | None) -> Iterator[tuple[str, str]]:
    """Yield every role the path names, with its place."""
    for step in path or ():
        for number, grant in enumerate(step.grants):
            yield f"path.{step.code}.grants.{number}.role", grant.role
        for number, also in enumerate(step.also):
            yield f"path.{step.code}.also.{number}.role", also.role


def path_problems(data: dict[str, Any]) -> dict[str, Any]:
    """Return what in the path speaks of levels, grounds or clocks that the rulebook does not have, by step."""
    path: Path | None = data.get("path")
    levels, grounds = {level.code for level in data["levels"]}, {row.code for row in data["grounds"]}
    clocks = {clock.name for clock in data["clocks"]}
    problems: dict[str, Any] = {}
    for step in path or ():
        conditions = [step.when, *(grant.when for grant in step.also)]
        named = {ground for rule in step.form for each in rule.options for ground in each.not_on_grounds}
        faults = [f"there is no level {code!r}" for when in conditions for code in set(when.levels) - levels]
        faults += [
            f"there is no ground {code!r}"
            for code in {*named, *(ground for when in conditions for ground in when.grounds)} - grounds
        ]
        if step.due is not None and step.clock in clocks:
            faults.append(f"there is a clock {step.clock!r} already")
        if faults:
            problems[step.code] = faults
    return problems
