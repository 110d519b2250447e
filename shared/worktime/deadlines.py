"""When something is due: the first instant that is too late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from shared.worktime.calendar import Calendar
from shared.worktime.counting import (
    RANGE_END,
    RANGE_START,
    Days,
    ElapsedTime,
    EveryDay,
    Flow,
    PausedDays,
    PausedFlow,
    SessionTime,
    WorkingDays,
    out_of_range,
)
from shared.worktime.durations import DAY_UNITS, Due, Duration, Unit
from shared.worktime.errors import WorktimeError
from shared.worktime.intervals import HOUR, MINUTE, Interval, Span, instant, merge, moment
from shared.worktime.zones import at_wall_time, day_start

_ONE_DAY = timedelta(days=1)

#: Microseconds in one unit of the units that count time.
UNIT_LENGTHS: dict[Unit, int] = {"minutes": MINUTE, "hours": HOUR, "working_hours": HOUR}


def due(calendar: Calendar, start: datetime, duration: Duration, pauses: Sequence[Interval] = ()) -> Due:
    """Return the first instant that is too late for what began at ``start`` and may take ``duration``.

    ``start`` and the pauses carry a UTC offset; the answer is in the calendar's zone.

    * ``minutes``, ``hours``: elapsed time; ``working_hours``: session time. When the amount is used up
      exactly at the end of a session or the beginning of a pause, that is when it is due.
    * ``days``: the same wall-clock time so many days later.
    * ``working_days``: so many working days after the start's date, at the same wall-clock time. Without
      ``from_next_day`` a start on a non-working day is first moved to 00:00 of the next working day.
    * ``from_next_day``: the count begins with the day after the start's date (for units of time: at its
      midnight).
    * ``end_of_day``: the local midnight that ends the last counted day.
    * Pauses: paused time does not count; in the day units a day does not count, and is treated like a
      non-working day, when pauses cover all of its session time (``days``: all of it from midnight to
      midnight).

    Raises ``start_without_offset`` and ``out_of_range`` (years before 1900 and after 2999).
    """
    begin = local_start(calendar, start)
    spans = usable_pauses(pauses)
    if duration.unit in DAY_UNITS:
        return _due_on_day(calendar, begin, duration, spans)
    return _due_at_time(calendar, begin, duration, spans)


def local_start(calendar: Calendar, start: datetime) -> datetime:
    """Return ``start`` in the calendar's zone; raises ``start_without_offset`` and ``out_of_range``."""
    if start.utcoffset() is None:
        raise WorktimeError("start_without_offset", f"a start needs a UTC offset such as +08:00, got {start}")
    if not RANGE_START <= instant(start) < RANGE_END:
        raise out_of_range()
    return start.astimezone(calendar.zone)


def usable_pauses(pauses: Iterable[Interval]) -> tuple[Span, ...]:
    """Return the union of ``pauses`` as far as it lies in the years that are counted."""
    if not pauses:
        return ()
    clipped = ((max(start, RANGE_START), min(end, RANGE_END)) for start, end in merge(pauses))
    return tuple((start, end) for start, end in clipped if start < end)


def days_of(calendar: Calendar, unit: Unit, pauses: Sequence[Span]) -> Days:
    """Return how days of the day unit ``unit`` are counted under ``pauses``."""
    days: Days = EveryDay(calendar) if unit == "days" else WorkingDays(calendar)
    return PausedDays(calendar, days, pauses) if pauses else days


def flow_of(calendar: Calendar, unit: Unit, pauses: Sequence[Span]) -> Flow:
    """Return how time of the time unit ``unit`` is counted under ``pauses``."""
    flow: Flow = SessionTime(calendar) if unit == "working_hours" else ElapsedTime()
    return PausedFlow(flow, pauses) if pauses else flow


def day_base(days: Days, begin: datetime, unit: Unit, *, from_next_day: bool) -> tuple[int, datetime]:
    """Return the ordinal of day 0 of a count of days, and a datetime with the wall time the count ends at."""
    base = begin.toordinal()
    if unit == "working_days" and not from_next_day and not days.count(base - 1, base):
        return days.nth(base, 1), begin.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return base, begin


def _due_on_day(calendar: Calendar, begin: datetime, duration: Duration, pauses: Sequence[Span]) -> Due:
    days = days_of(calendar, duration.unit, pauses)
    base, wall = day_base(days, begin, duration.unit, from_next_day=duration.from_next_day)
    last = date.fromordinal(days.nth(base, duration.amount))
    if duration.end_of_day:
        at = _in_zone(calendar, day_start(calendar.zone, last + _ONE_DAY))
    else:
        at = at_wall_time(calendar.zone, last, wall)
    first = begin.toordinal() + duration.from_next_day
    looks_at_days_off = duration.unit == "working_days"
    return _answer(calendar, at, date.fromordinal(first).year, last.year, official=looks_at_days_off)


def counted_time(
    calendar: Calendar, begin: datetime, duration: Duration, pauses: Sequence[Span]
) -> tuple[int, int]:
    """Return the instants between which a duration of a time unit is counted (``end_of_day`` left aside)."""
    first = instant(begin)
    if duration.from_next_day:
        first = day_start(calendar.zone, begin.date() + _ONE_DAY)
    flow = flow_of(calendar, duration.unit, pauses)
    end = flow.forward(first, duration.amount * UNIT_LENGTHS[duration.unit])
    if end > RANGE_END:
        raise out_of_range()
    return first, end


def _due_at_time(calendar: Calendar, begin: datetime, duration: Duration, pauses: Sequence[Span]) -> Due:
    first, end = counted_time(calendar, begin, duration, pauses)
    last_counted = _in_zone(calendar, end - 1).date()
    if duration.end_of_day:
        end = day_start(calendar.zone, last_counted + _ONE_DAY)
    first_year = _in_zone(calendar, first).year
    looks_at_days_off = duration.unit == "working_hours"
    return _answer(
        calendar, _in_zone(calendar, end), first_year, last_counted.year, official=looks_at_days_off
    )


def _answer(calendar: Calendar, at: datetime, first_year: int, last_year: int, *, official: bool) -> Due:
    years = range(first_year, last_year + 1) if official else ()
    return Due(at, any(map(calendar.provisional, years)), calendar.version)


def _in_zone(calendar: Calendar, at: int) -> datetime:
    return moment(at).astimezone(calendar.zone)
