"""Working time: calendars, and what is due when in them. Pure: no I/O, no clock.

``due`` answers when something is too late, ``elapsed`` how much has passed, ``before`` and ``part_way``
when so much is left or over (for warnings), and ``explain`` shows the count. ``calendars`` builds the
calendars they count in.
"""

from __future__ import annotations

from shared.worktime import calendars
from shared.worktime.calendar import Calendar, DayInfo, DayKind
from shared.worktime.calendars import Calendars
from shared.worktime.deadlines import due
from shared.worktime.durations import UNITS, Due, Duration, Unit
from shared.worktime.errors import WorktimeError
from shared.worktime.explaining import Explanation, Line, explain
from shared.worktime.intervals import Interval
from shared.worktime.measuring import before, elapsed, part_way

__all__ = [
    "UNITS",
    "Calendar",
    "Calendars",
    "DayInfo",
    "DayKind",
    "Due",
    "Duration",
    "Explanation",
    "Interval",
    "Line",
    "Unit",
    "WorktimeError",
    "before",
    "calendars",
    "due",
    "elapsed",
    "explain",
    "part_way",
]
