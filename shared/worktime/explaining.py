"""A deadline told day by day: what each day from the start to the end is, and how much of it counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from shared.worktime.calendar import Calendar
from shared.worktime.deadlines import (
    UNIT_LENGTHS,
    counted_time,
    day_base,
    days_of,
    due,
    local_start,
    usable_pauses,
)
from shared.worktime.durations import DAY_UNITS, Due, Duration, Unit
from shared.worktime.intervals import Interval, Span, moment, without
from shared.worktime.zones import day_start

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One local day: what it is, the stretches of it that counted, and the amount reached by its end.

    ``kind`` and ``name`` are the calendar's (``holiday``, ``Spring Festival``); ``stretches`` are aware and
    only given for units of time; ``counted`` is the day's share and ``total`` the amount so far, both in
    the duration's unit; ``note`` says what else matters (start, moved, paused).
    """

    day: date
    kind: str
    name: str
    stretches: tuple[tuple[datetime, datetime], ...]
    counted: Fraction
    total: Fraction
    note: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The days of a count in order, and its answer."""

    lines: tuple[Line, ...]
    due: Due


def explain(
    calendar: Calendar, start: datetime, duration: Duration, pauses: Sequence[Interval] = ()
) -> Explanation:
    """Return ``due`` with one line for every local day from the start's to the last counted one.

    The ``total`` of the last line is the duration's amount. Raises as ``due`` does.
    """
    answer = due(calendar, start, duration, pauses)
    begin = local_start(calendar, start)
    spans = usable_pauses(pauses)
    told = _day_lines if duration.unit in DAY_UNITS else _time_lines
    return Explanation(tuple(told(calendar, begin, duration, spans)), answer)


def _day_lines(
    calendar: Calendar, begin: datetime, duration: Duration, pauses: Sequence[Span]
) -> Iterator[Line]:
    unpaused, days = days_of(calendar, duration.unit, ()), days_of(calendar, duration.unit, pauses)
    base, _ = day_base(days, begin, duration.unit, from_next_day=duration.from_next_day)
    start, last = begin.toordinal(), days.nth(base, duration.amount)
    total = 0
    for number in range(start, last + 1):
        counts = number > base and days.count(number - 1, number) > 0
        total += counts
        notes = ["start"] if number == start else []
        if number == base != start:
            notes.append("the start moves to 00:00 of this day")
        if not counts and unpaused.count(number - 1, number) > days.count(number - 1, number):
            notes.append("paused")
        day = date.fromordinal(number)
        yield _line(calendar, day, (), Fraction(int(counts)), Fraction(total), notes, duration.unit)


def _time_lines(
    calendar: Calendar, begin: datetime, duration: Duration, pauses: Sequence[Span]
) -> Iterator[Line]:
    first, end = counted_time(calendar, begin, duration, pauses)
    length = UNIT_LENGTHS[duration.unit]
    last = moment(end - 1).astimezone(calendar.zone).date()
    day, total = begin.date(), Fraction(0)
    while day <= last:
        limits = (day_start(calendar.zone, day), day_start(calendar.zone, day + _ONE_DAY))
        worked = calendar.spans_of(day) if duration.unit == "working_hours" else (limits,)
        clipped = [(max(a, first), min(b, end)) for a, b in worked if max(a, first) < min(b, end)]
        counted = without(clipped, pauses)
        share = Fraction(sum(b - a for a, b in counted), length)
        total += share
        notes = ["start"] if day == begin.date() else []
        if counted != clipped:
            notes.append("paused")
        yield _line(calendar, day, counted, share, total, notes, duration.unit)
        day += _ONE_DAY


def _line(
    calendar: Calendar,
    day: date,
    counted: Sequence[Span],
    share: Fraction,
    total: Fraction,
    notes: Sequence[str],
    unit: Unit,
) -> Line:
    info = calendar.day(day)
    official = unit in {"working_days", "working_hours"}
    stretches = tuple(
        (moment(a).astimezone(calendar.zone), moment(b).astimezone(calendar.zone)) for a, b in counted
    )
    kind, name = (str(info.kind), info.name) if official else ("day", "")
    all_notes = [*notes, "provisional"] if official and calendar.provisional(day.year) else notes
    return Line(day, kind, name, stretches, share, total, ", ".join(all_notes))
