"""Deadlines of every kind in a Chinese week with a holiday in it, for examples and for hypothesis."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from shared.clocks import Authority, Before, Deadline, WarnPoint
from shared.worktime import UNITS, Calendar, Duration, Unit
from shared.worktime.calendars import calendar_from

ZONE = ZoneInfo("Asia/Shanghai")
#: Two sessions a day, Monday to Friday, and a closed Wednesday (4 March 2026).
CALENDAR = calendar_from(
    "house",
    {
        "country": "none",
        "zone": "Asia/Shanghai",
        "sessions": {"mon-fri": [["09:00", "12:00"], ["13:30", "18:00"]]},
        "closures": ["2026-03-04"],
    },
)
#: The same house, which then decides to work that Wednesday after all.
WITHOUT_CLOSURE = calendar_from(
    "house",
    {
        "country": "none",
        "zone": "Asia/Shanghai",
        "sessions": {"mon-fri": [["09:00", "12:00"], ["13:30", "18:00"]]},
    },
)
HANDLER, BOSS = Authority("customer_away", "stf_1", "complaint_handler"), ("stf_9", "manager")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    """Return the instant of a wall clock in China, in March 2026: ``02 09:00`` is a Monday morning."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=ZONE)


def begin(
    amount: int,
    unit: Unit,
    start: datetime,
    *warn_at: WarnPoint,
    end_of_day: bool = False,
    calendar: Calendar = CALENDAR,
) -> Deadline:
    """Return a deadline that counts from the next day where it ends with the day."""
    duration = Duration(amount, unit, from_next_day=end_of_day, end_of_day=end_of_day)
    return Deadline.begin("close", duration, calendar, start, source="R-1", warn_at=warn_at)


def starts() -> st.SearchStrategy[datetime]:
    """Return the minutes of three weeks."""
    return st.integers(0, 21 * 24 * 60).map(lambda minutes: at("02 00:00") + minutes * MINUTE)


def points() -> st.SearchStrategy[list[WarnPoint]]:
    """Return any set of warning points."""
    percents = st.integers(1, 99)
    befores = st.builds(Before, st.integers(1, 30), st.sampled_from(["minutes", "hours", "working_hours"]))
    return st.lists(percents | befores, max_size=4, unique_by=str)


@st.composite
def deadlines(draw: st.DrawFn) -> Deadline:
    """Return a deadline of any unit, amount and start."""
    unit = draw(st.sampled_from(UNITS))
    end_of_day = unit in {"days", "working_days"} and draw(st.booleans())
    amount = draw(st.integers(1, 600 if unit == "minutes" else 12))
    return begin(amount, unit, draw(starts()), *draw(points()), end_of_day=end_of_day)
