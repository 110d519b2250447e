"""Reading the registers of a rulebook: the shape of every definition; what must hold in it is checked elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from shared.registers.checking import register_faults
from shared.registers.checking_opens import circle_faults, opening_faults, succession_faults
from shared.registers.definition import (
    Action,
    BalanceRule,
    Check,
    ClockRule,
    Computed,
    Condition,
    Confidential,
    Extends,
    Field,
    Gap,
    Grant,
    Level,
    Movement,
    NoOverlap,
    Notice,
    Obligation,
    Opens,
    Register,
    Retention,
    Sampling,
    State,
    Succession,
    Unique,
)
from shared.registers.rows_values import (
    ClockTime,
    Codes,
    Copies,
    Fills,
    Hours,
    Number,
    Options,
    Pattern,
    Plain,
    Point,
    YearDay,
)
from shared.registers.words import Every, Is, Move, Otherwise, Sum, Type
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
from shared.regulations.numbering import NumberingRow


class _ConditionRow(Row):
    builds = Condition
    field = Text(**REQUIRED)
    compare = OneOf(Is, data_key="is", load_default=Is.EQUAL)
    value = Plain(load_default=None)
    other = Text(load_default=None)
    factor = Number(load_default=Decimal(1))

    @validates_schema
    def _compares_with_one_thing(self, data: dict[str, Any], **_: object) -> None:
        given = (data["value"] is not None) + (data["other"] is not None)
        if given != (0 if data["compare"] in (Is.FILLED, Is.EMPTY) else 1):
            raise marshmallow.ValidationError("compares with a value or with another field", "value")
        if (data["compare"] is Is.ONE_OF) != isinstance(data["value"], tuple):
            raise marshmallow.ValidationError("a list goes with one_of", "value")


class _GrantRow(Row):
    builds = Grant
    role = Text(load_default=None)
    field = Text(load_default=None)
    source = Text(load_default=None)

    @validates_schema
    def _names_somebody(self, data: dict[str, Any], **_: object) -> None:
        if (data["role"] is None) == (data["field"] is None):
            raise marshmallow.ValidationError("names a role, or a field with a member of staff", "role")


def _grants(**kwargs: Any) -> fields.Field[Any]:
    return Many(nested(_GrantRow()), **kwargs)


def condition_field() -> fields.Field[Any]:
    """Return the field for a comparison that may be left out."""
    return nested(_ConditionRow(), load_default=None)


class _ComputedRow(Row):
    builds = Computed
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    how = OneOf(Sum, **REQUIRED)
    parts = Codes(data_key="fields", attribute="fields", load_default=())
    rows = Text(load_default=None)
    field = Text(load_default=None)
    when = condition_field()
    places = Whole(most=6, load_default=2)
    source = Text(load_default=None)


class _PlainFieldRow(Row):
    builds = Field
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    type = OneOf(Type, **REQUIRED)
    required = Flag(load_default=False)
    required_if = condition_field()
    opening = Flag(load_default=None)
    personal = Flag(load_default=False)
    options = Options(load_default=())
    least = Number(load_default=None)
    most = Number(load_default=None)
    above = Number(load_default=None)
    pattern = Pattern(load_default=None)
    must_be = Plain(load_default=None)
    default = Plain(load_default=None)
    fixed = Flag(load_default=False)
    register = Text(load_default=None)
    states = Codes(load_default=())
    same = Codes(load_default=())
    of = Text(load_default=None)
    known = Text(load_default=None)
    source = Text(load_default=None)


class _FieldRow(_PlainFieldRow):
    inner = Table(_PlainFieldRow(), data_key="fields", attribute="fields", load_default=())
    computed = Table(_ComputedRow(), load_default=())


class _UniqueRow(Row):
    builds = Unique
    parts = Codes(data_key="fields", attribute="fields", **REQUIRED)
    open_only = Flag(load_default=True)
    when = condition_field()
    source = source()


class _NoOverlapRow(Row):
    builds = NoOverlap
    begins = Text(**REQUIRED)
    ends = Text(load_default=None)
    day = Text(load_default=None)
    per = Codes(load_default=())
    step = Whole(least=1, most=1440, load_default=5)
    when = condition_field()
    source = source()


class _CheckRow(Row):
    builds = Check
    code = Text(**REQUIRED)
    holds = nested(_ConditionRow(), **REQUIRED)
    message = Text(**REQUIRED)
    otherwise = OneOf(Otherwise, load_default=Otherwise.REFUSE)
    note = Text(load_default=None)
    when = condition_field()
    at = Codes(load_default=())
    source = source()


class _StateRow(Row):
    builds = State
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    final = Flag(load_default=False)


class _LevelRow(Row):
    builds = Level
    grants = _grants(least=1, **REQUIRED)
    when = condition_field()
    name = Text(load_default=None)


class _ExtendsRow(Row):
    builds = Extends
    clock = Text(**REQUIRED)
    by = Text(**REQUIRED)
    reason = Text(load_default=None)


class _ActionRow(Row):
    builds = Action
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    grants = _grants(load_default=())
    from_ = Codes(data_key="from", load_default=())
    to = Text(load_default=None)
    sets = Codes(load_default=())
    needs = Codes(load_default=())
    after = Codes(load_default=())
    same_as = Codes(load_default=())
    not_same_as = Codes(load_default=())
    signers = Whole(least=1, most=9, load_default=1)
    levels = Many(nested(_LevelRow()), load_default=())
    when = condition_field()
    once = Flag(load_default=False)
    extends = nested(_ExtendsRow(), load_default=None)
    source = source()


class _ClockRow(Row):
    builds = ClockRule
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    starts = Codes(**REQUIRED)
    ends = Codes(**REQUIRED)
    within = sourced_duration(load_default=None)
    since = Text(load_default=None)
    until = Text(load_default=None)
    by = ClockTime(load_default=None)
    end_of = OneOf(Every, load_default=None)
    warn_at = Many(Point(), load_default=())
    when = condition_field()
    source = source()


class _NoticeRow(Row):
    builds = Notice
    code = Text(**REQUIRED)
    at = Codes(**REQUIRED)
    to = Codes(load_default=())
    to_field = Text(load_default=None)
    why = Text(**REQUIRED)
    when = condition_field()
    source = source()


class _MovementRow(Row):
    builds = Movement
    at = Text(**REQUIRED)
    kind = OneOf(Move, **REQUIRED)
    quantity = Text(**REQUIRED)
    to_place = Text(load_default=None)


class _BalanceRow(Row):
    builds = BalanceRule
    stock = Text(**REQUIRED)
    item = Text(**REQUIRED)
    place = Text(load_default=None)
    rows = Text(load_default=None)
    moves = Many(nested(_MovementRow()), least=1, **REQUIRED)
    source = source()


class _GapRow(Row):
    builds = Gap
    minutes = sourced(Whole(least=1, most=1440), **REQUIRED)
    hours = sourced(Hours(), load_default=None)


class _ObligationRow(Row):
    builds = Obligation
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    every = OneOf(Every, load_default=None)
    times = Whole(least=1, most=99, load_default=1)
    every_days = sourced(Whole(least=1, most=3660), load_default=None)
    gap = nested(_GapRow(), load_default=None)
    by = ClockTime(load_default=None)
    on_day = Whole(least=1, most=366, load_default=None)
    on_date = YearDay(load_default=None)
    each = Text(load_default=None)
    of = sourced(Codes(), load_default=None)
    day_field = Text(load_default=None)
    state = Codes(load_default=())
    workdays_only = Flag(load_default=False)
    to_workday = Flag(load_default=False)
    when = condition_field()
    source = source()


class _OpensRow(Row):
    builds = Opens
    code = Text(**REQUIRED)
    register = Text(**REQUIRED)
    at = Codes(**REQUIRED)
    when = condition_field()
    rows = Text(load_default=None)
    row_when = condition_field()
    fills = Fills(load_default=())
    copies = Copies(load_default=())
    source = source()


class _SuccessionRow(Row):
    builds = Succession
    of = Codes(**REQUIRED)
    begins = Text(**REQUIRED)
    at = Text(**REQUIRED)
    then = Text(**REQUIRED)
    source = source()


class _RetentionRow(Row):
    builds = Retention
    years = Whole(least=1, most=100, **REQUIRED)
    grants = _grants(least=1, **REQUIRED)
    source = source()


class _SamplingRow(Row):
    builds = Sampling
    percent = Exact(**REQUIRED)
    least = Whole(load_default=1)
    source = source()


class ConfidentialRow(Row):
    """Who may read what is confidential."""

    builds = Confidential
    roles = Codes(**REQUIRED)
    source = source()


class _RegisterRow(Row):
    builds = Register
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    form = Table(_FieldRow(), data_key="fields", attribute="fields", **REQUIRED)
    open = _grants(least=1, **REQUIRED)
    numbering = nested(NumberingRow(), load_default=None)
    computed = Table(_ComputedRow(), load_default=())
    unique = Many(nested(_UniqueRow()), load_default=())
    no_overlap = Many(nested(_NoOverlapRow()), load_default=())
    checks = Table(_CheckRow(), load_default=())
    states = Table(_StateRow())
    actions = Table(_ActionRow(), load_default=())
    corrections = _grants(load_default=())
    clocks = Table(_ClockRow(), load_default=())
    notices = Table(_NoticeRow(), load_default=())
    balance = nested(_BalanceRow(), load_default=None)
    obligations = Table(_ObligationRow(), load_default=())
    retention = nested(_RetentionRow(), load_default=None)
    sampling = nested(_SamplingRow(), load_default=None)
    confidential = nested(ConfidentialRow(), load_default=None)
    opens = Table(_OpensRow(), load_default=())
    succession = nested(_SuccessionRow(), load_default=None)
    source = source()


def form_field(**kwargs: Any) -> fields.Field[Any]:
    """Return the field for the fields of a form that is no register of its own."""
    return Table(_FieldRow(), **kwargs)


def checks_field() -> fields.Field[Any]:
    """Return the field for what must hold in such a form."""
    return Table(_CheckRow(), load_default=())


def registers_field() -> fields.Field[Any]:
    """Return the field for the section ``registers``."""
    return Table(_RegisterRow(), load_default=())


def registers_problems(registers: tuple[Register, ...]) -> dict[str, Any]:
    """Return what is wrong inside and between the definitions, nested as the file is."""
    codes = {register.code: register for register in registers}
    problems: dict[str, Any] = {}
    circles = list(circle_faults(registers))
    for register in registers:
        faults = [*register_faults(register, codes), *opening_faults(register, codes)]
        faults += succession_faults(register)
        faults += [(path, reason) for code, path, reason in circles if code == register.code]
        for path, reason in faults:
            node = problems.setdefault(register.code, {})
            *steps, last = path.split(".")
            for step in steps:
                node = node.setdefault(step, {})
            node.setdefault(last, []).append(reason)
    return problems


def register_roles(registers: tuple[Register, ...]) -> Iterator[tuple[str, str]]:
    """Yield every role a register names, with its path."""
    for register in registers:
        head = f"registers.{register.code}"
        for place, grants in (("open", register.open), ("corrections", register.corrections)):
            yield from _granted(f"{head}.{place}", grants)
        for action in register.actions:
            yield from _granted(f"{head}.actions.{action.code}.grants", action.grants)
            for number, level in enumerate(action.levels):
                yield from _granted(f"{head}.actions.{action.code}.levels.{number}.grants", level.grants)
        for notice in register.notices:
            for role in notice.to:
                yield f"{head}.notices.{notice.code}.to", role
        if register.retention is not None:
            yield from _granted(f"{head}.retention.grants", register.retention.grants)
        if register.confidential is not None:
            for role in register.confidential.roles:
                yield f"{head}.confidential.roles", role


def _granted(place: str, grants: tuple[Grant, ...]) -> Iterator[tuple[str, str]]:
    for number, grant in enumerate(grants):
        if grant.role is not None:
            yield f"{place}.{number}.role", grant.role
