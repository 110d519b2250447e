"""Reading what rulebooks say about talking to customers: record forms, remedies, scripts, festivals, batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from string import Formatter
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.followup.domain.batches_rules import BatchRule
from services.followup.domain.recording import OUTCOME, Incomplete, RecordForm, Remedy
from services.followup.domain.rulebook import CallbackRule
from services.followup.domain.scripts import Festival, Part, Script, Step, Wish
from shared.registers.checking import register_faults
from shared.registers.rows import checks_field, condition_field, form_field
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
    source,
    sourced,
)

_NO_CALLBACK = "is no callback of this rulebook"


class _Words(Value[str]):
    """Text with nothing but plain ``{variables}`` in it."""

    def read(self, value: object) -> str:
        """Read one text."""
        text = Text().read(value)
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise marshmallow.ValidationError(str(error)) from None
        names = [name for _, name, _, _ in parts if name is not None]
        if any(form or conversion for _, _, form, conversion in parts) or not all(
            map(str.isidentifier, names)
        ):
            raise marshmallow.ValidationError("holds something else than plain {variables}")
        return text


class _Day(Value[str]):
    """A day of every year such as "06-01", or of one year such as "2027-02-06", in quotes."""

    def read(self, value: object) -> str:
        """Read one day; the 29th of February is no day of every year."""
        try:
            if isinstance(value, str) and len(value) in (5, 10):
                date.fromisoformat(value if len(value) > len("MM-DD") else f"2027-{value}")
                return value
        except ValueError:
            pass
        raise marshmallow.ValidationError(f'must be a day such as "06-01" or "2027-02-06": {value!r}')


class RecordFormRow(Row):
    """The form of the callbacks of one rule."""

    builds = RecordForm
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    form = form_field(data_key="fields", attribute="fields", **REQUIRED)
    checks = checks_field()
    demanded = sourced(Flag(), load_default=None)
    incomplete = OneOf(Incomplete, load_default=Incomplete.REFUSE)
    source = source()


class RemedyRow(Row):
    """What an answer opens."""

    builds = Remedy
    code = Text(**REQUIRED)
    callbacks = Many(Text(), least=1, **REQUIRED)
    outcomes = Many(Text(), load_default=())
    when = condition_field()
    days = sourced(Whole(least=0, most=3650), load_default=None)
    promise = sourced(Whole(least=0, most=3650), load_default=None)
    finding = Text(**REQUIRED)
    measure = Text(**REQUIRED)
    source = source()

    @validates_schema
    def _follows_from_something(self, data: dict[str, Any], **_: object) -> None:
        if not data["outcomes"] and data["when"] is None:
            raise marshmallow.ValidationError(
                "follows from outcomes, or from what was written down", "outcomes"
            )


class _StepRow(Row):
    builds = Step
    code = Text(**REQUIRED)
    part = OneOf(Part, **REQUIRED)
    text = _Words(**REQUIRED)
    question = Flag(load_default=False)
    answers = Many(Text(), load_default=())
    source = source()


class _WishRow(Row):
    builds = Wish
    code = Text(**REQUIRED)
    text = Text(**REQUIRED)
    festival = Text(load_default=None)
    source = source()


class ScriptRow(Row):
    """The words of one kind of call; more questions than its limit are refused."""

    builds = Script
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    version = Text(load_default="v1")
    callbacks = Many(Text(), load_default=())
    courses = sourced(Many(Text()), load_default=None)
    steps = Table(_StepRow(), **REQUIRED)
    wishes = Table(_WishRow(), load_default=())
    questions = sourced(Whole(least=1), load_default=None)
    source = source()

    @validates_schema
    def _asks_few_questions(self, data: dict[str, Any], **_: object) -> None:
        limit = data["questions"]
        asked = Script(**data).most_questions()
        if limit is not None and asked > limit.value:
            reason = f"{asked} questions are asked where {limit.source} permits {limit.value}"
            raise marshmallow.ValidationError(reason, "steps")


class FestivalRow(Row):
    """Days that are celebrated."""

    builds = Festival
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    days = Many(_Day(), least=1, **REQUIRED)
    before = Whole(most=31, load_default=0)
    after = Whole(most=31, load_default=0)
    source = source()


class BatchRow(Row):
    """One kind of batch."""

    builds = BatchRule
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    callback = Text(**REQUIRED)
    per_occasion = Flag(load_default=False)
    share = sourced(Exact(), load_default=None)
    source = source()


def talk_problems(data: dict[str, Any]) -> dict[str, Any]:
    """Return what does not fit together, nested as the file is."""
    problems: dict[str, Any] = {}
    for section, code, key, reason in _misfits(data):
        problems.setdefault(section, {}).setdefault(code, {}).setdefault(key, []).append(reason)
    return problems


def _misfits(data: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    rules = {rule.code: rule for rule in data.get("callbacks", ())}
    for form in data["callback_records"]:
        yield from _form_misfits(form, rules)
    for batch in data["batches"]:
        if batch.callback not in rules:
            yield "batches", batch.code, "callback", _NO_CALLBACK
    for remedy in data["remedies"]:
        yield from _remedy_misfits(remedy, rules)
    festivals = {festival.code for festival in data["festivals"]}
    for script in data["scripts"]:
        if not set(script.callbacks) <= set(rules):
            yield "scripts", script.code, "callbacks", _NO_CALLBACK
        if not {wish.festival for wish in script.wishes} <= festivals | {None}:
            yield "scripts", script.code, "wishes", "name a festival that is not there"


def _form_misfits(form: RecordForm, rules: Mapping[str, CallbackRule]) -> Iterator[tuple[str, str, str, str]]:
    if form.code not in rules:
        yield "callback_records", form.code, "code", _NO_CALLBACK
    if any(field.code == OUTCOME for field in form.fields):
        yield "callback_records", form.code, "fields", f"{OUTCOME} is known from the call"
        return
    for path, reason in register_faults(form.register, ()):
        # Who may open it is no matter of a form.
        if path.startswith(("fields.", "checks.")):
            yield "callback_records", form.code, path, reason


def _remedy_misfits(remedy: Remedy, rules: Mapping[str, CallbackRule]) -> Iterator[tuple[str, str, str, str]]:
    if not set(remedy.callbacks) <= set(rules):
        yield "remedies", remedy.code, "callbacks", _NO_CALLBACK
    known = {outcome.code for code in remedy.callbacks if code in rules for outcome in rules[code].outcomes}
    if not set(remedy.outcomes) <= known:
        yield "remedies", remedy.code, "outcomes", "are no outcomes of these callbacks"
