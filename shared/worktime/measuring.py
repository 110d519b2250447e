"""How much time has passed, and where in a span a given part of it is reached: the inverses of ``due``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction

from shared.worktime.calendar import Calendar
from shared.worktime.counting import RANGE_START, out_of_range
from shared.worktime.deadlines import (
    UNIT_LENGTHS,
    day_base,
    days_of,
    flow_of,
    local_start,
    usable_pauses,
)
from shared.worktime.durations import DAY_UNITS, Unit, check_amount, check_unit
from shared.worktime.errors import WorktimeError
from shared.worktime.intervals import Interval, Span, instant, moment
from shared.worktime.zones import at_wall_time

_WHOLE = 100


def elapsed(
    calendar: Calendar, start: datetime, end: datetime, unit: Unit, pauses: Sequence[Interval] = ()
) -> Fraction:
    """Return how many ``unit`` have passed from ``start`` to ``end``, exactly.

    For ``minutes``, ``hours`` and ``working_hours`` a fraction; for ``days`` and ``working_days`` the whole
    number of them completed, that is the largest amount whose ``due`` (without ``from_next_day`` and
    ``end_of_day``) is not after ``end``. Pauses count as in ``due``. Raises ``unknown_unit``,
    ``start_without_offset``, ``end_before_start`` and ``out_of_range``.
    """
    check_unit(unit)
    begin, finish = _span(calendar, start, end)
    spans = usable_pauses(pauses)
    if unit in DAY_UNITS:
        return Fraction(_days_elapsed(calendar, begin, finish, unit, spans))
    return Fraction(
        flow_of(calendar, unit, spans).amount(instant(begin), instant(finish)), UNIT_LENGTHS[unit]
    )


def before(
    calendar: Calendar, end: datetime, amount: int, unit: Unit, pauses: Sequence[Interval] = ()
) -> datetime:
    """Return the last instant at which ``amount`` of a unit of time is still left until ``end``, in the zone.

    For warnings such as "4 working hours before it is due". Raises ``unit_counts_days`` for the day units,
    ``bad_amount``, ``unknown_unit``, ``start_without_offset`` and ``out_of_range``.
    """
    length = _time_unit(unit)
    check_amount(amount)
    finish = instant(local_start(calendar, end))
    at = flow_of(calendar, unit, usable_pauses(pauses)).backward(finish, amount * length)
    if at < RANGE_START:
        raise out_of_range()
    return moment(at).astimezone(calendar.zone)


def part_way(
    calendar: Calendar,
    start: datetime,
    end: datetime,
    percent: int,
    unit: Unit,
    pauses: Sequence[Interval] = (),
) -> datetime:
    """Return the first instant by which ``percent`` of the time from ``start`` to ``end`` has passed.

    ``unit`` says what counts as time: ``hours`` or ``minutes`` all of it, ``working_hours`` session time.
    Where nothing counts between the two, the answer is ``end``. Raises as ``before`` does, and
    ``bad_percent`` and ``end_before_start``.
    """
    _time_unit(unit)
    if not 1 <= percent <= _WHOLE:
        raise WorktimeError("bad_percent", f"a percentage is a whole number from 1 to 100, got {percent!r}")
    begin, finish = _span(calendar, start, end)
    flow = flow_of(calendar, unit, usable_pauses(pauses))
    total = flow.amount(instant(begin), instant(finish))
    if not total:
        return finish
    at = flow.forward(instant(begin), -(-total * percent // _WHOLE))
    return moment(at).astimezone(calendar.zone)


def _span(calendar: Calendar, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    begin, finish = local_start(calendar, start), local_start(calendar, end)
    if instant(finish) < instant(begin):
        raise WorktimeError("end_before_start", f"{end.isoformat()} is before {start.isoformat()}")
    return begin, finish


def _time_unit(unit: Unit) -> int:
    check_unit(unit)
    if unit in DAY_UNITS:
        raise WorktimeError("unit_counts_days", f"{unit} has no parts; use hours or working_hours")
    return UNIT_LENGTHS[unit]


def _days_elapsed(
    calendar: Calendar, begin: datetime, finish: datetime, unit: Unit, pauses: Sequence[Span]
) -> int:
    days = days_of(calendar, unit, pauses)
    base, wall = day_base(days, begin, unit, from_next_day=False)
    amount = days.count(base, finish.toordinal())
    # The last day counts only once its wall-clock time is reached.
    while amount and _wall_instant(calendar, days.nth(base, amount), wall) > instant(finish):
        amount -= 1
    return amount


def _wall_instant(calendar: Calendar, day: int, wall: datetime) -> int:
    return instant(at_wall_time(calendar.zone, date.fromordinal(day), wall))
