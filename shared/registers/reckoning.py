"""Computed fields and comparisons of a form, in exact arithmetic."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shared.history import moment_of
from shared.registers.definition import Computed, Condition, Field
from shared.registers.words import Is, Sum, Type

_COMPARE: Mapping[Is, Callable[[Any, Any], Any]] = {
    Is.EQUAL: operator.eq,
    Is.NOT_EQUAL: operator.ne,
    Is.LESS: operator.lt,
    Is.AT_MOST: operator.le,
    Is.MORE: operator.gt,
    Is.AT_LEAST: operator.ge,
}
_FOLD: Mapping[Sum, Callable[[Sequence[Decimal]], Decimal]] = {
    Sum.SUM: lambda parts: sum(parts, Decimal(0)),
    Sum.DIFFERENCE: lambda parts: parts[0] - sum(parts[1:], Decimal(0)),
    Sum.PRODUCT: lambda parts: math.prod(parts, start=Decimal(1)),
    Sum.LEAST: min,
    Sum.MOST: max,
}
_NUMBERS = frozenset({Type.NUMBER, Type.AMOUNT})
Values = Mapping[str, Any]


def numeric(fields: Sequence[Field], computed: Sequence[Computed]) -> frozenset[str]:
    """Return the codes of what counts as a number."""
    return frozenset({field.code for field in fields if field.type in _NUMBERS} | {c.code for c in computed})


def holds(condition: Condition, values: Values, numbers: frozenset[str]) -> bool | None:
    """Return whether ``condition`` holds; None when what it compares is not there."""
    left = values.get(condition.field)
    if condition.compare is Is.FILLED:
        return left not in (None, [])
    if condition.compare is Is.EMPTY:
        return left in (None, [])
    right = values.get(condition.other) if condition.other is not None else condition.value
    if left is None or right is None:
        return None
    if condition.compare is Is.ONE_OF:
        return left in (right if isinstance(right, tuple | list) else (right,))
    if condition.field in numbers:
        return _compare(condition.compare, Decimal(left), Decimal(str(right)) * condition.factor)
    return _compare(condition.compare, left, right)


def applies(condition: Condition | None, values: Values, numbers: frozenset[str]) -> bool:
    """Return whether there is no ``condition`` or it holds."""
    return condition is None or holds(condition, values, numbers) is True


def _compare(how: Is, left: Any, right: Any) -> bool:
    return bool(_COMPARE[how](left, right))


def with_computed(fields: Sequence[Field], computed: Sequence[Computed], values: Values) -> dict[str, Any]:
    """Return ``values`` with every computed number, also in the rows of lists; what lacks a part is left out."""
    done = dict(values)
    for field in fields:
        if field.type is Type.LIST and field.computed and done.get(field.code):
            rows = [with_computed(field.fields, field.computed, row) for row in done[field.code]]
            done[field.code] = _in_order(rows, field.computed)
    numbers = numeric(fields, computed)
    lists = {field.code: numeric(field.fields, field.computed) for field in fields if field.fields}
    for each in computed:
        if each.how is Sum.ORDER:
            continue
        number = _number(each, done, numbers, lists)
        done.pop(each.code, None)
        if number is not None:
            done[each.code] = _text(number, each.places)
    return done


def place_of(each: Computed, row: Values) -> tuple[Decimal, ...] | None:
    """Return what a row is put in order by; None when a part is missing."""
    given = [row.get(code) for code in each.fields]
    return None if None in given else tuple(Decimal(value) for value in given if value is not None)


def _in_order(rows: Sequence[dict[str, Any]], computed: Sequence[Computed]) -> list[dict[str, Any]]:
    """Return ``rows`` with the number of each in every order asked for, the lowest first."""
    numbered = list(rows)
    for each in computed:
        if each.how is not Sum.ORDER:
            continue
        places = [place_of(each, row) for row in numbered]
        order = sorted(place for place in places if place is not None)
        numbered = [
            {key: value for key, value in row.items() if key != each.code}
            | ({} if place is None else {each.code: str(order.index(place) + 1)})
            for row, place in zip(numbered, places, strict=True)
        ]
    return numbered


def _text(number: Decimal, places: int) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return str(rounded + 0)


def _number(
    each: Computed, values: Values, numbers: frozenset[str], lists: Mapping[str, frozenset[str]]
) -> Decimal | None:
    if each.rows is not None:
        return _of_rows(each, values.get(each.rows) or [], lists[each.rows])
    return _of_fields(each, values) if applies(each.when, values, numbers) else None


def _of_rows(each: Computed, rows: Sequence[Values], numbers: frozenset[str]) -> Decimal | None:
    taken = [row for row in rows if applies(each.when, row, numbers)]
    if each.field is None or each.how is Sum.COUNT:
        return Decimal(len(taken))
    parts = [Decimal(row[each.field]) for row in taken if row.get(each.field) is not None]
    return _fold(each.how, parts) if parts or each.how is Sum.SUM else None


def _of_fields(each: Computed, values: Values) -> Decimal | None:
    given = [values.get(code) for code in each.fields]
    present = [value for value in given if value is not None]
    if each.how is Sum.COUNT:
        return Decimal(sum(1 for value in present if value != []))
    if len(present) < len(given):
        return None
    if each.how in (Sum.DAYS, Sum.MINUTES, Sum.MONTHS):
        return _between(each.how, present[0], present[-1])
    return _fold(each.how, [Decimal(value) for value in present])


def _between(how: Sum, first: str, last: str) -> Decimal:
    if how is not Sum.MINUTES:
        begins, ends = date.fromisoformat(first[:10]), date.fromisoformat(last[:10])
        if how is Sum.MONTHS:
            return Decimal((ends.year - begins.year) * 12 + ends.month - begins.month)
        return Decimal((ends - begins).days)
    return Decimal(int((moment_of(last) - moment_of(first)).total_seconds() // 60))


def _fold(how: Sum, parts: Sequence[Decimal]) -> Decimal | None:
    if how in (Sum.QUOTIENT, Sum.PERCENTAGE):
        whole = parts[-1]
        return parts[0] / whole * (100 if how is Sum.PERCENTAGE else 1) if whole else None
    return _FOLD[how](parts)
