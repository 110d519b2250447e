"""When a deadline with pauses is due; pure, no I/O.

``shared.worktime.due`` decides, with one addition. Units of days skip a day only when pauses cover all of its
session time, so a pause that begins on the last day and outlasts it would end after the due instant, and
the deadline would be missed in the moment it runs again. The last day then does not count, and the next one
that does takes its place: whatever was left of it is given again as a whole day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.clock import to_milliseconds
from shared.clocks.points import own_time
from shared.worktime import Calendar, Due, Duration, Interval, due, elapsed
from shared.worktime.durations import DAY_UNITS
from shared.worktime.intervals import moment
from shared.worktime.zones import day_start

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The due instant in UTC, whether a later calendar version may move it, and all that did not count."""

    due_at: datetime
    provisional: bool
    pauses: tuple[Interval, ...]


def reckon(
    calendar: Calendar, started_at: datetime, duration: Duration, pauses: Sequence[Interval] = ()
) -> Reckoned:
    """Return when ``duration`` from ``started_at`` is over; ``pauses`` are in order and do not overlap.

    Unless a pause holds no time that counts, the answer lies after the end of every pause that began before
    what was due without it. Raises as ``shared.worktime.due`` does.
    """
    counted: list[Interval] = []
    answer = due(calendar, started_at, duration)
    for pause in pauses:
        counted.append(pause)
        answer = due(calendar, started_at, duration, counted)
        if answer.at <= pause.start or not _stops_days(calendar, duration, pause):
            continue
        while answer.at <= pause.end:
            counted.append(_last_day(calendar, duration, answer))
            answer = due(calendar, started_at, duration, counted)
    return Reckoned(to_milliseconds(answer.at.astimezone(UTC)), answer.provisional, tuple(counted))


def _stops_days(calendar: Calendar, duration: Duration, pause: Interval) -> bool:
    """Return whether days are counted and some of their time lies in the pause."""
    if duration.unit not in DAY_UNITS:
        return False
    return elapsed(calendar, pause.start, pause.end, own_time(duration.unit)) > 0


def _last_day(calendar: Calendar, duration: Duration, answer: Due) -> Interval:
    """Return the local day on which the count that gave ``answer`` ended."""
    inside = answer.at - timedelta.resolution if duration.end_of_day else answer.at
    day = inside.astimezone(calendar.zone).date()
    return Interval(moment(day_start(calendar.zone, day)), moment(day_start(calendar.zone, day + _ONE_DAY)))
