"""What is written down of a callback (回访记录表): its form, whether it is complete, and what a bad answer opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import RuleRefused
from shared.registers.definition import Check, Condition, Field, Register
from shared.registers.demands import demand, run_checks
from shared.registers.reckoning import applies, numeric
from shared.registers.values import read_values
from shared.registers.words import Type
from shared.regulations.values import Sourced

#: The code under which the conditions of a form see the outcome of the call.
OUTCOME = "outcome"
#: The step at which the checks of a form are made.
RECORDED = "recorded"


class Incomplete(StrEnum):
    """What becomes of a record that lacks something."""

    REFUSE = "refuse"
    #: It is kept, says what it lacks, and does not count as a record until that is filled in.
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class RecordForm:
    """The form of the callbacks of one rule, which has the same ``code``.

    Conditions may ask for ``outcome``. Unless it is ``demanded``, a call may be recorded without the form.
    """

    code: str
    name: str
    source: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...] = ()
    demanded: Sourced[bool] | None = None
    incomplete: Incomplete = Incomplete.REFUSE

    @property
    def register(self) -> Register:
        """Return the form as the register mechanism reads one."""
        outcome = Field(OUTCOME, "结果", Type.TEXT)
        return Register(
            self.code, self.name, self.source, fields=(outcome, *self.fields), open=(), checks=self.checks
        )


@dataclass(frozen=True, slots=True)
class Record:
    """What was written down of one call; ``missing`` and ``flags`` are codes of fields and of checks.

    ``counted`` are the fields that may be counted and stand in events: no text, nothing personal.
    """

    values: Mapping[str, Any]
    counted: tuple[str, ...]
    missing: tuple[str, ...]
    flags: tuple[str, ...]
    at: datetime
    by: str

    @property
    def counted_values(self) -> list[tuple[str, str]]:
        """Return field and value, as text, of what may be counted."""
        return [(code, str(self.values[code])) for code in self.counted]

    @property
    def complete(self) -> bool:
        """Return whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Remedy:
    """What an answer opens (及时补救): a corrective measure due ``days`` later, and the day promised to the customer.

    It applies to the callbacks of the rules ``callbacks`` that end with one of ``outcomes``, or whose record is
    as ``when`` says.
    """

    code: str
    callbacks: tuple[str, ...]
    finding: str
    measure: str
    source: str
    outcomes: tuple[str, ...] = ()
    when: Condition | None = None
    days: Sourced[int] | None = None
    promise: Sourced[int] | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A remedy that applies, with its days."""

    remedy: Remedy
    due_on: date | None
    promised_on: date | None


def write_down(
    form: RecordForm, outcome: str, given: Mapping[str, Any], *, at: datetime, by: str, before: Record | None
) -> Record:
    """Return the record of a call that ended with ``outcome``; ``before`` is what an incomplete one held already.

    Raises ValidationFailed for a value that is none; RuleRefused, naming the rule of the field, for one the form
    does not allow or, unless the form keeps incomplete records, lacks; and for a second form of the same call.
    """
    if before is not None and before.complete:
        message = "the form of this callback is filled in: there is one for each callback"
        raise RuleRefused(message, rule=form.source)
    read = {code: value for code, value in read_values(form.fields, given).items() if value is not None}
    written = dict(before.values) if before else {}
    again = sorted(code for code in read if code in written)
    if again:
        raise RuleRefused(f"written down already: {', '.join(again)}", rule=form.source)
    values = {**written, **read, OUTCOME: outcome}
    register = form.register
    if form.incomplete is Incomplete.REFUSE:
        demand(register, values, {field.code for field in form.fields if field.required}, read)
    else:
        lenient = tuple(replace(field, required_if=None) for field in register.fields)
        demand(replace(register, fields=lenient), values, (), read)
    flags = run_checks(register, values, RECORDED, ())
    missing = _missing(form, values)
    del values[OUTCOME]
    counted = tuple(str(row["field"]) for row in register.shown(values))
    since, who = (before.at, before.by) if before else (at, by)
    return Record(values, counted, missing, tuple(flags), since, who)


def _missing(form: RecordForm, values: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = numeric(form.fields, ())
    return tuple(
        field.code
        for field in form.fields
        if values.get(field.code) in (None, [])
        and (
            field.required or (field.required_if is not None and applies(field.required_if, values, numbers))
        )
    )


def opened_by(
    remedies: tuple[Remedy, ...],
    form: RecordForm | None,
    rule: str,
    outcome: str,
    record: Record | None,
    today: date,
) -> tuple[Opened, ...]:
    """Return the remedies that a call on a callback of ``rule`` opens, counted from the local day ``today``."""
    values = {**(record.values if record else {}), OUTCOME: outcome}
    numbers = numeric(form.fields if form else (), ())
    return tuple(
        Opened(each, _later(today, each.days), _later(today, each.promise))
        for each in remedies
        if rule in each.callbacks
        and (outcome in each.outcomes or (each.when is not None and applies(each.when, values, numbers)))
    )


def _later(today: date, days: Sourced[int] | None) -> date | None:
    return today + timedelta(days=days.value) if days else None
