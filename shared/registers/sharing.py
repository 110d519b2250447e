"""What no two records of a register may share: values, or the same thing at overlapping times; as index keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from shared.errors import RuleRefused
from shared.history import moment_of
from shared.registers.definition import NoOverlap, Register, Unique
from shared.registers.reckoning import applies, numeric
from shared.registers.words import Type

#: The most steps one stretch of time may have: each is a key in the index.
MAX_STEPS = 1000
_MINUTE = timedelta(minutes=1)
_EPOCH = moment_of("1970-01-01T00:00:00Z")


def shared_keys(
    register: Register, org: str, values: Mapping[str, Any], *, is_open: bool
) -> dict[str, Unique | NoOverlap]:
    """Return what no other record may have too, in the words of the unique index, each with its rule.

    RuleRefused for a stretch of time that ends before it begins, or is longer than anybody can mean.
    """
    numbers = numeric(register.fields, register.computed)
    keys: dict[str, Unique | NoOverlap] = {}
    for number, unique in enumerate(register.unique):
        parts = [values.get(code) for code in unique.fields]
        if (unique.open_only and not is_open) or None in parts or not applies(unique.when, values, numbers):
            continue
        keys["|".join([org, register.code, str(number), *(str(part) for part in parts)])] = unique
    for number, rule in enumerate(register.no_overlap):
        parts = [values.get(code) for code in (*rule.per, rule.begins)]
        if not is_open or None in parts or not applies(rule.when, values, numbers):
            continue
        head = [org, register.code, f"t{number}", *(str(part) for part in parts[:-1])]
        keys |= {"|".join([*head, step]): rule for step in _steps(register, rule, values)}
    return keys


def _steps(register: Register, rule: NoOverlap, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield every step of time that the stretch touches: days, or so many minutes."""
    first, end = values[rule.begins], values.get(rule.ends or "")
    field = register.field(rule.begins)
    if field is not None and field.type is Type.DATE:
        low = date.fromisoformat(first).toordinal()
        high = low + 1 if end is None else date.fromisoformat(end).toordinal() + 1
    else:
        low = _minutes(rule, first, values) // rule.step
        # What ends within a step has all of it; what has no end has the step in which it begins.
        high = low + 1 if end is None else -(-_minutes(rule, end, values) // rule.step)
    if high <= low:
        raise RuleRefused("the time ends before it begins", rule=rule.source)
    if high - low > MAX_STEPS:
        raise RuleRefused(f"the time is longer than {MAX_STEPS} steps", rule=rule.source)
    return (str(step) for step in range(low, high))


def _minutes(rule: NoOverlap, value: str, values: Mapping[str, Any]) -> int:
    """Return the minutes since the epoch of a moment, or of a time on the day that the form names."""
    moment = moment_of(value if rule.day is None else f"{values[rule.day]}T{value}:00Z")
    return (moment - _EPOCH) // _MINUTE
