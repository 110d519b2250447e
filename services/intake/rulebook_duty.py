"""Reading the duty section of the rulebooks: the shape of shifts, duty log and handover."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import marshmallow

from services.intake.domain.duty.rules import (
    Attendance,
    Check,
    Count,
    DutyRules,
    Form,
    Heading,
    Hours,
    LogKind,
    Part,
    Plan,
    Roster,
    Sampling,
    ShiftTemplate,
    Signing,
)
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
    sourced_duration,
)

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class _Hours(Value[Hours]):
    """A stretch of a day such as ``17:30-01:00``."""

    def read(self, value: object) -> Hours:
        """Read one value."""
        found = _HOURS.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise marshmallow.ValidationError(f'must be hours such as "17:30-01:00": {value!r}')
        first, second, third, fourth = map(int, found.groups())
        return Hours(time(first, second), time(third, fourth))


class _ShiftRow(Row):
    builds = ShiftTemplate
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    hours = Many(_Hours(), least=1, **REQUIRED)
    source = source()


class _KindRow(Row):
    builds = LogKind
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    asks = Many(Text())
    on_holidays = Flag()
    planned = Flag()
    source = source()


class _PlanRow(Row):
    builds = Plan
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    points = Many(Text(), least=1, **REQUIRED)
    departments = Many(Text(), least=1, **REQUIRED)
    source = source()


class _SigningRow(Row):
    builds = Signing
    roles = Many(Text(), least=1, **REQUIRED)
    days = Whole(**REQUIRED)
    source = source()


class _SamplingRow(Row):
    builds = Sampling
    percent = Whole(least=1, most=100, **REQUIRED)
    source = source()


class _CountRow(Row):
    builds = Count
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    holders = Flag()
    source = source()


class _CheckRow(Row):
    builds = Check
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    expects = Flag()
    explained = Flag()
    by = OneOf(Part)
    source = source()


class _HeadingRow(Row):
    builds = Heading
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()


class _FormRow(Row):
    builds = Form
    signed = sourced(Many(Text()), **REQUIRED)
    counts = Table(_CountRow())
    checks = Table(_CheckRow())
    headings = Table(_HeadingRow())
    prepared = sourced_duration()
    questions = sourced(Flag())
    finished = sourced(Flag())
    accepted = sourced(Flag())
    sealed = sourced(Flag())
    borne = sourced(Flag())
    takings = sourced(Flag())


class _RosterRow(Row):
    builds = Roster
    covers = sourced(Flag())
    gaps = sourced(Flag())
    run = sourced(Whole(least=1))
    rest_days = sourced(Whole(least=1))
    plan = sourced(Flag())
    drawn_by = sourced(Many(Text(), least=1))


class _AttendanceRow(Row):
    builds = Attendance
    early = sourced_duration()
    stays = sourced(Flag())
    hands_over = sourced(Many(Text()))
    extends = sourced(Many(Text(), least=1))
    stand_in = sourced_duration()
    absence = sourced(Flag())
    ready = Table(_HeadingRow())


class DutyRow(Row):
    """The section ``duty``; every key may be left out."""

    builds = DutyRules
    shifts = Table(_ShiftRow())
    writers = sourced(Many(Text(), least=1))
    readers = sourced(Many(Text(), least=1))
    kinds = Table(_KindRow())
    plans = Table(_PlanRow())
    daily = nested(_SigningRow())
    monthly = nested(_SigningRow())
    sample = nested(_SamplingRow())
    carried = sourced(Flag())
    roster = nested(_RosterRow())
    attendance = nested(_AttendanceRow())
    handover = nested(_FormRow())
    closing = nested(_FormRow())

    @marshmallow.validates_schema
    def _shifts_are_there(self, data: dict[str, Any], **_: object) -> None:
        known = {shift.code for shift in data.get("shifts", ())}
        attendance = data.get("attendance")
        if isinstance(attendance, Attendance):
            for name in ("hands_over", "extends"):
                named = getattr(attendance, name)
                unknown = set(named.value) - known if named else set()
                if unknown:
                    raise marshmallow.ValidationError(
                        f"names no shift: {', '.join(sorted(unknown))}", f"attendance.{name}"
                    )
