"""What a definition demands of a filled form; refusals name the rule that demands it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shared.errors import Problem, RuleRefused
from shared.history import Cause, timestamp
from shared.registers.definition import Check, Field, Grant, Register
from shared.registers.reckoning import Values, applies, holds, numeric, place_of
from shared.registers.words import Default, Is, Otherwise, Sum, Type
from shared.worktime import Calendar

_NUMBERS = frozenset({Type.NUMBER, Type.AMOUNT})
#: In a grant, whoever opened the record.
OPENER = "opener"


@dataclass(frozen=True, slots=True)
class Hand:
    """Who takes a step, when, and with which calendar and time zone."""

    actor: str
    roles: frozenset[str]
    at: datetime
    cause: Cause
    calendar: Calendar
    zone: ZoneInfo


def granted(grants: Sequence[Grant], hand: Hand, values: Values, opener: str, source: str, what: str) -> str:
    """Return the role, or the field, by which ``hand`` may; RuleRefused, naming the rule, when nothing allows it."""
    for grant in grants:
        if grant.role is not None and grant.role in hand.roles:
            return grant.role
        if grant.field is not None and hand.actor == (
            opener if grant.field == OPENER else values.get(grant.field)
        ):
            return grant.field
    rule = next((grant.source for grant in grants if grant.source is not None), source)
    who = ", ".join(sorted({grant.role or f"who is {grant.field}" for grant in grants}))
    raise RuleRefused(f"{what} is for {who or 'nobody'}", rule=rule)


def with_defaults(fields: Iterable[Field], values: Values, hand: Hand) -> dict[str, Any]:
    """Return ``values`` with what stands in fields that nobody filled."""
    filled = dict(values)
    local = hand.at.astimezone(hand.zone)
    for field in fields:
        if field.default is None or filled.get(field.code) is not None:
            continue
        if field.default == Default.ACTOR:
            filled[field.code] = hand.actor
        elif field.default == Default.NOW:
            filled[field.code] = timestamp(hand.at)
        elif field.default == Default.TODAY:
            filled[field.code] = local.date().isoformat()
        else:
            filled[field.code] = field.default
    return filled


def demand(register: Register, values: Values, required: Collection[str], given: Collection[str]) -> None:
    """Refuse a form that lacks one of ``required`` or holds, in one of ``given``, what its field does not allow."""
    numbers = numeric(register.fields, register.computed)
    for field in register.fields:
        source = field.source or register.source
        value = values.get(field.code)
        needed = field.code in required or (
            field.required_if is not None and applies(field.required_if, values, numbers)
        )
        if value in (None, []) and needed:
            raise _refused(field.code, f"{field.name} is missing", source)
        if value is not None and field.code in given:
            _demand_value(field, value, source, field.code)


def _demand_rows(field: Field, rows: Sequence[Values], source: str) -> None:
    if field.least is not None and len(rows) < field.least:
        raise _refused(field.code, f"{field.name} needs at least {field.least} rows", source)
    if field.most is not None and len(rows) > field.most:
        raise _refused(field.code, f"{field.name} takes at most {field.most} rows", source)
    numbers = numeric(field.fields, field.computed)
    for number, row in enumerate(rows):
        for inner in field.fields:
            where, rule = f"{field.code}.{number}.{inner.code}", inner.source or source
            value = row.get(inner.code)
            needed = inner.required or (
                inner.required_if is not None and applies(inner.required_if, row, numbers)
            )
            if value is None and needed:
                raise _refused(where, f"{inner.name} is missing", rule)
            if value is not None:
                _demand_value(inner, value, rule, where)
    for each in field.computed:
        ordered = rows if each.how is Sum.ORDER else ()
        places = [place for row in ordered if (place := place_of(each, row)) is not None]
        if len(places) > len(set(places)):
            raise _refused(field.code, f"{each.name}: two rows have the same place", each.source or source)


def _demand_value(field: Field, value: Any, source: str, where: str) -> None:
    if field.type is Type.LIST:
        _demand_rows(field, value, source)
        return
    wrong = None
    if field.options and value not in {code for code, _ in field.options}:
        wrong = "is none of its options"
    elif field.must_be is not None and value != field.must_be:
        wrong = f"must be {field.must_be}"
    elif field.pattern is not None and not re.fullmatch(field.pattern, value):
        wrong = "does not have the form asked for"
    elif field.type in _NUMBERS:
        wrong = _beyond(field, Decimal(value))
    elif field.type is Type.TEXT and field.least is not None and len(value) < field.least:
        wrong = f"must have at least {field.least} characters"
    if wrong is not None:
        raise _refused(where, f"{field.name} {wrong}", source)


def _beyond(field: Field, number: Decimal) -> str | None:
    if field.least is not None and number < field.least:
        return f"must be at least {field.least}"
    if field.most is not None and number > field.most:
        return f"must be at most {field.most}"
    if field.above is not None and number <= field.above:
        return f"must be more than {field.above}"
    return None


def _refused(where: str, message: str, source: str) -> RuleRefused:
    return RuleRefused(message, rule=source, problems=(Problem(f"values.{where}", message),))


def run_checks(register: Register, values: Values, step: str, flags: Collection[str]) -> dict[str, Check]:
    """Return the flagging checks that fail now, by code, those not made at ``step`` as they stood in ``flags``.

    Raises RuleRefused, naming the check's rule, when one fails that refuses, or asks for a note that is not there.
    """
    numbers = numeric(register.fields, register.computed)
    failing: dict[str, Check] = {}
    for check in register.checks:
        if check.at and step not in check.at:
            if check.code in flags:
                failing[check.code] = check
            continue
        if not applies(check.when, values, numbers) or holds(check.holds, values, numbers) is not False:
            continue
        if check.otherwise is Otherwise.FLAG:
            failing[check.code] = check
        elif check.otherwise is Otherwise.REFUSE or not values.get(check.note or ""):
            details = {"check": check.code} | _difference(check, values, numbers)
            raise RuleRefused(check.message, rule=check.source, details=details)
    return failing


def _difference(check: Check, values: Values, numbers: frozenset[str]) -> dict[str, Any]:
    """Return by how much two numbers that should be equal differ."""
    condition = check.holds
    if condition.compare is not Is.EQUAL or condition.field not in numbers:
        return {}
    right = values.get(condition.other) if condition.other is not None else condition.value
    return {"difference": str(Decimal(values[condition.field]) - Decimal(str(right)) * condition.factor)}
