"""Reading the quotas of contacts: the shape of their rows and what must hold between them and the registers."""

from __future__ import annotations

from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.followup.domain.contacts.quotas import Quota
from shared.registers.definition import Field, Register
from shared.registers.rows import condition_field
from shared.registers.rows_values import Codes, Options
from shared.registers.words import Every, Type
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    OneOf,
    Row,
    Table,
    Text,
    source,
    sourced,
    sourced_duration,
)

_EVERYBODY = 100


class _QuotaRow(Row):
    builds = Quota
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    registers = Codes(**REQUIRED)
    subject = Text(**REQUIRED)
    rows = Text(load_default=None)
    when = condition_field()
    state = Codes(load_default=())
    day = Text(load_default=None)
    who = Options(load_default=())
    every = OneOf(Every, load_default=None)
    share = sourced(Exact(), load_default=None)
    within = sourced_duration(load_default=None)
    first_by = Text(load_default=None)
    first = Codes(load_default=())
    source = source()

    @validates_schema
    def _asks_for_one_thing(self, data: dict[str, Any], **_: object) -> None:
        if data["every"] is None and data["share"] is not None:
            raise marshmallow.ValidationError("a share is one of a period", "share")
        if data["every"] is not None and data["within"] is not None:
            raise marshmallow.ValidationError("a period and an interval do not go together", "within")
        if (data["first_by"] is None) != (not data["first"]):
            raise marshmallow.ValidationError("goes with first_by, and first_by with it", "first")
        if data["share"] is not None and data["share"].value > _EVERYBODY:
            raise marshmallow.ValidationError("is more than everybody", "share")


def quotas_field() -> fields.Field[Any]:
    """Return the field for the section ``contact_quotas``."""
    return Table(_QuotaRow(), load_default=())


def quotas_problems(quotas: tuple[Quota, ...], registers: tuple[Register, ...]) -> dict[str, Any]:
    """Return what is wrong between quotas and the registers they count, nested as the file is."""
    known = {register.code: register for register in registers}
    problems: dict[str, Any] = {}
    for quota in quotas:
        found: dict[str, list[str]] = {}
        for code in quota.registers:
            register = known.get(code)
            if register is None:
                found.setdefault("registers", []).append(f"there is no register {code!r}")
                continue
            if not any(
                field.code == quota.subject and field.type is Type.PARTY for field in _forms(quota, register)
            ):
                found.setdefault("subject", []).append(f"{code} has no party {quota.subject!r} there")
            if quota.day is not None and not _is_day(register.field(quota.day)):
                found.setdefault("day", []).append(f"{code} has no day {quota.day!r}")
            states = {state.code for state in register.states}
            if not states.issuperset(quota.state):
                found.setdefault("state", []).append(f"{code} has no such state")
        if found:
            problems[quota.code] = found
    return problems


def _forms(quota: Quota, register: Register) -> tuple[Field, ...]:
    if quota.rows is None:
        return register.fields
    rows = register.field(quota.rows)
    return () if rows is None else rows.fields


def _is_day(field: Field | None) -> bool:
    return field is not None and field.type in (Type.DATE, Type.MOMENT)
