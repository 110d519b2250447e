"""Reading obligations (定期义务) from a rulebook: the shape of the section, and what must hold in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.reporting.domain.obligations.definition import Obligation, Per, RecordProof
from services.reporting.domain.obligations.schedule import MONTHS, Every, Reminder, Schedule
from shared.registers.definition import Register
from shared.registers.words import Type
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
)

_OPTIONAL: dict[str, Any] = {"load_default": None, "allow_none": True}
_LONGEST = 366


class _TimeOfDay(Value[str]):
    """A local time of day in quotes, such as ``"08:00"``."""

    def read(self, value: object) -> str:
        """Return it; unquoted ones are refused, since YAML would turn them into numbers."""
        try:
            if isinstance(value, str) and time.fromisoformat(value).strftime("%H:%M") == value:
                return value
        except ValueError:
            pass
        raise marshmallow.ValidationError(f'must be a time of day in quotes such as "08:00": {value!r}')


class _Day(Value[date]):
    """A date."""

    def read(self, value: object) -> date:
        """Return it."""
        if not isinstance(value, date):
            raise marshmallow.ValidationError(f"must be a date such as 2026-01-31: {value!r}")
        return value


class _Worked(Value[int]):
    """A worked day of a stretch, counted from 1, or -1 for the last."""

    def read(self, value: object) -> int:
        """Return it."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not (value == -1 or 1 <= value <= _LONGEST)
        ):
            raise marshmallow.ValidationError(f"must be a number from 1, or -1 for the last: {value!r}")
        return value


class _ScheduleRow(Row):
    builds = Schedule
    every = OneOf(Every, **REQUIRED)
    number = Whole(least=1, most=_LONGEST, load_default=1)
    since = _Day(**_OPTIONAL)
    in_next = Flag(load_default=False)
    day = Whole(least=1, most=_LONGEST, **_OPTIONAL)
    workday = _Worked(**_OPTIONAL)
    month = Whole(least=1, most=12, **_OPTIONAL)
    first_week = Flag(load_default=False)
    to_workday = Flag(load_default=False)
    workdays_only = Flag(load_default=False)
    by = _TimeOfDay(**_OPTIONAL)
    source = source()

    @validates_schema
    def _fits_together(self, data: dict[str, Any], **_: object) -> None:
        every, months = data["every"], MONTHS.get(data["every"], 0)
        faults = {
            "since": "goes with every: days, and must stand there"
            * ((every is Every.DAYS) != bool(data["since"])),
            "number": "goes with every: days" * (data["number"] > 1 and every is not Every.DAYS),
            "workday": "is another day than day: give one" * bool(data["workday"] and data["day"]),
            "month": f"a {every.value} has no such month" * bool((data["month"] or 0) > months),
            "first_week": "goes with a month, or with one of a longer stretch"
            * bool(data["first_week"] and months != 1 and not data["month"]),
            "workdays_only": "goes with every: day" * (data["workdays_only"] and every is not Every.DAY),
            "to_workday": "goes with a day, not with a worked one"
            * bool(data["to_workday"] and data["workday"]),
        }
        found = {key: [fault] for key, fault in faults.items() if fault}
        if found:
            raise marshmallow.ValidationError(found)


class _ReminderRow(Row):
    builds = Reminder
    days = Whole(most=_LONGEST, load_default=0)
    workdays = Whole(most=_LONGEST, load_default=0)
    at = _TimeOfDay(**REQUIRED)
    source = source()


class _RecordRow(Row):
    builds = RecordProof
    register = Text(**REQUIRED)
    day = Text(**_OPTIONAL)
    owner = Text(**_OPTIONAL)
    states = Many(Text(), load_default=())


class _ObligationRow(Row):
    builds = Obligation
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    role = Text(**REQUIRED)
    schedule = nested(_ScheduleRow(), **_OPTIONAL)
    per = OneOf(Per, **_OPTIONAL)
    of = sourced(Many(Text()), **_OPTIONAL)
    posts = Many(Text(), load_default=())
    to = Many(Text(), load_default=())
    record = nested(_RecordRow(), **_OPTIONAL)
    report = Text(**_OPTIONAL)
    remind = nested(_ReminderRow(), **_OPTIONAL)
    source = source()

    @validates_schema
    def _says_whose_it_is(self, data: dict[str, Any], **_: object) -> None:
        if data["per"] is None and (data["of"] is not None or data["posts"]):
            raise marshmallow.ValidationError("is missing: say unit or person", "per")
        if data["record"] is not None and data["report"] is not None:
            raise marshmallow.ValidationError("is another proof than record: give one", "report")
        if data["per"] is not None and data["report"] is not None:
            raise marshmallow.ValidationError("a published report is nobody's own: per cannot be told", "per")


def obligations_field() -> Table:
    """Return the field of the section."""
    return Table(_ObligationRow(), load_default=())


def obligation_roles(obligations: Sequence[Obligation]) -> Iterator[tuple[str, str]]:
    """Yield every role the section names, with its path."""
    for obligation in obligations:
        yield f"obligations.{obligation.code}.role", obligation.role
        yield from ((f"obligations.{obligation.code}.to", role) for role in obligation.to)


def obligations_problems(
    obligations: Sequence[Obligation], registers: Sequence[Register]
) -> dict[str, dict[str, list[str]]]:
    """Return what is wrong with proofs that are records, by obligation."""
    known = {register.code: register for register in registers}
    faults = {each.code: list(_faults(each.record, known)) for each in obligations if each.record}
    return {code: {"record": found} for code, found in faults.items() if found}


def _faults(proof: RecordProof, known: dict[str, Register]) -> Iterator[str]:
    register = known.get(proof.register)
    if register is None:
        yield f"there is no register {proof.register}"
        return
    fields = {field.code: field.type for field in register.fields}
    if proof.day is not None and fields.get(proof.day) not in {Type.DATE, Type.MOMENT}:
        yield f"{proof.day} is no date or moment of {proof.register}"
    if proof.owner is not None and fields.get(proof.owner) not in {
        Type.STAFF,
        Type.UNIT,
        Type.TEXT,
        Type.CHOICE,
    }:
        yield f"{proof.owner} is no field of {proof.register} that names somebody"
    states = {state.code for state in register.states}
    yield from (f"{code} is no state of {proof.register}" for code in proof.states if code not in states)
