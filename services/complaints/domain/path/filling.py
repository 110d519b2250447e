"""Filling a step's fields: what was given is held against what the rulebook asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.path.rules import CaseValue, FieldKind, FieldRule, PathStep
from services.complaints.domain.path.standing import said
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import timestamp
from shared.ledger import exact

_MOST_NAMES = 100
_SUM = re.compile(r"\d{1,12}(\.\d{1,2})?", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


class _Wrong(ValueError):
    """What is wrong with a value."""


def fill(
    step: PathStep,
    given: Mapping[str, Any],
    case: Mapping[CaseValue, str | None],
    ground: str | None,
    earlier: Mapping[tuple[str, str], Any],
) -> dict[str, Any]:
    """Return the values of the step's fields, JSON-safe.

    ``case`` is what the case says of itself, ``ground`` the one it was found valid on, ``earlier`` what was
    filled into the steps before, by step and field. Raises
    ValidationFailed for fields the step does not have and values of the wrong kind, RuleRefused with the
    rule that asks for it for a field left out, and for what the rulebook does not permit.
    """
    _check_kinds(step, given)
    values: dict[str, Any] = {}
    for rule in step.form:
        value = _value(rule, step, given, case, earlier)
        if value is not None:
            values[rule.code] = value
    for rule in step.form:
        _check_permitted(rule, step, values, ground)
    return values


def _check_kinds(step: PathStep, given: Mapping[str, Any]) -> None:
    problems = [
        Problem(f"filled.{code}", f"is no field of the step {step.code}")
        for code in given
        if step.field(code) is None
    ]
    for rule in step.form:
        value = given.get(rule.code)
        if value is None:
            continue
        try:
            _READERS[rule.kind](rule, value)
        except _Wrong as wrong:
            problems.append(Problem(f"filled.{rule.code}", str(wrong)))
    if problems:
        raise ValidationFailed(f"the fields of {step.code} are not right", problems=tuple(problems))


def _value(
    rule: FieldRule,
    step: PathStep,
    given: Mapping[str, Any],
    case: Mapping[CaseValue, str | None],
    earlier: Mapping[tuple[str, str], Any],
) -> Any:
    value = given.get(rule.code)
    if rule.value is None and rule.same_as is None:
        return _READERS[rule.kind](rule, rule.default if value is None else value)
    if rule.value is not None:
        own = case[rule.value]
    else:
        own = earlier.get((rule.same_as.step, rule.same_as.field)) if rule.same_as is not None else None
    if value is not None and value != own:
        problem = Problem(f"filled.{rule.code}", f"is {own or 'not known'} on this case")
        message = f"{step.name}: {rule.name} is another one than the case's"
        raise RuleRefused(message, rule=rule.source or step.source, problems=(problem,))
    return own


def _check_permitted(rule: FieldRule, step: PathStep, values: Mapping[str, Any], ground: str | None) -> None:
    value, cited = values.get(rule.code), rule.source or step.source
    needed = rule.needed_for
    required = rule.required or (needed is not None and said(values.get(needed.field)) in needed.values)
    if value is None:
        if required:
            problem = Problem(f"filled.{rule.code}", "is missing")
            raise RuleRefused(f"{step.name} needs {rule.name}", rule=cited, problems=(problem,))
        return
    option = next((each for each in rule.options if each.code == value), None)
    if option is not None and ground in option.not_on_grounds:
        problem = Problem(f"filled.{rule.code}", f"is not for the ground {ground}")
        raise RuleRefused(f"{step.name}: {option.name} is not permitted", rule=cited, problems=(problem,))


def _text(_: FieldRule, value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise _Wrong("must be text")
    return value


def _choice(rule: FieldRule, value: Any) -> Any:
    codes = [option.code for option in rule.options]
    if value is not None and value not in codes:
        raise _Wrong(f"must be one of {', '.join(codes)}")
    return value


def _yes_no(_: FieldRule, value: Any) -> Any:
    if value is not None and not isinstance(value, bool):
        raise _Wrong("must be true or false")
    return value


def _moment(_: FieldRule, value: Any) -> Any:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise _Wrong("must have an offset from UTC")
        return timestamp(moment)
    except (ValueError, TypeError, OverflowError):
        raise _Wrong("must be a moment with an offset from UTC, as RFC 3339 writes it") from None


def _names(_: FieldRule, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_NAMES:
        raise _Wrong(f"must be a list of 1 to {_MOST_NAMES} names")
    if any(not isinstance(name, str) or not name.strip() for name in value):
        raise _Wrong("must be a list of names")
    if len(set(value)) < len(value):
        raise _Wrong("names one more than once")
    return list(value)


def _amount(_: FieldRule, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str) or not _SUM.fullmatch(value):
        raise _Wrong('must be text of at most 12 digits and two decimals, for example "5000.00"')
    return str(exact(Decimal(value)))


def _count(_: FieldRule, value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or not _NUMBER.fullmatch(value)):
        raise _Wrong('must be text of a whole number above 0, for example "3"')
    return value


_READERS = {
    FieldKind.TEXT: _text,
    FieldKind.CHOICE: _choice,
    FieldKind.YES_NO: _yes_no,
    FieldKind.MOMENT: _moment,
    FieldKind.NAMES: _names,
    FieldKind.AMOUNT: _amount,
    FieldKind.COUNT: _count,
    FieldKind.OF_CASE: _text,
    FieldKind.OF_STEP: _text,
}
