"""Schedules (周期): which stretches of days a duty comes back for, and until when it is to be done for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from shared.worktime import Calendar

_DAY = timedelta(days=1)
#: What is looked through for a worked day before it is taken that none comes.
_A_YEAR = 366


class Every(StrEnum):
    """How long the stretches are; a week begins on Monday, half a month on the 1st and the 16th."""

    DAY = "day"
    #: So many days from a first one.
    DAYS = "days"
    WEEK = "week"
    HALF_MONTH = "half_month"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


#: How many months the longer stretches have.
MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of local days, both ends counted."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        """Tell whether ``day`` lies in it."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Reminder:
    """When to remind (提醒): at the local time ``at``, ``days`` or ``workdays`` before the day it is due on."""

    at: str
    source: str
    days: int = 0
    workdays: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often something is due, and when.

    It is due in the stretch it is for, or with ``in_next`` in the one after: on its day ``day`` (the last one where
    there are fewer), on its worked day ``workday`` (-1 is the last), or on its last day. ``month`` narrows a longer
    stretch to one of its months, ``first_week`` to the week, up to Sunday, in which its first worked day is. With
    ``to_workday`` a day nobody works goes back to the last one somebody did. It ends with that day, or at the local
    time ``by``. Of single days ``workdays_only`` leaves out those nobody works: also the next is the next worked one.
    """

    every: Every
    source: str
    number: int = 1
    since: date | None = None
    in_next: bool = False
    day: int | None = None
    workday: int | None = None
    month: int | None = None
    first_week: bool = False
    to_workday: bool = False
    workdays_only: bool = False
    by: str | None = None

    def period(self, day: date) -> Period | None:
        """Return the stretch that ``day`` lies in; None before the first, or on a day nobody works."""
        if self.every is Every.DAYS:
            return self._counted(day)
        return _stretch(self.every, day)

    def asked(self, period: Period, calendar: Calendar) -> bool:
        """Tell whether anything is due for ``period``."""
        return not self.workdays_only or calendar.is_working_day(period.first)

    def periods(self, first: date, last: date) -> Iterator[Period]:
        """Yield the stretches from that of ``first`` to that of ``last``, in order."""
        day = max(first, self.since) if self.every is Every.DAYS and self.since else first
        while day <= last:
            period = self.period(day)
            if period is None:
                return
            yield period
            day = period.last + _DAY

    def due_day(self, period: Period, calendar: Calendar) -> date:
        """Return the local day on which what is for ``period`` is due."""
        window = self._window(period, calendar)
        if self.workday is not None:
            worked = [day for day in _days(window) if calendar.is_working_day(day)]
            if worked:
                return worked[-1] if self.workday < 0 else worked[min(self.workday, len(worked)) - 1]
            return window.last
        due = window.last if self.day is None else min(window.first + (self.day - 1) * _DAY, window.last)
        while self.to_workday and due > window.first and not calendar.is_working_day(due):
            due -= _DAY
        return due

    def due_at(self, period: Period, calendar: Calendar) -> datetime:
        """Return the first instant that is too late, in the calendar's zone."""
        day = self.due_day(period, calendar)
        if self.by is None:
            return datetime.combine(day + _DAY, time.min, calendar.zone)
        return datetime.combine(day, time.fromisoformat(self.by), calendar.zone)

    def remind_at(self, reminder: Reminder, period: Period, calendar: Calendar) -> datetime:
        """Return when ``reminder`` comes, in the calendar's zone."""
        day = self.due_day(period, calendar) - reminder.days * _DAY
        for _ in range(reminder.workdays):
            day = _worked(day, -_DAY, calendar)
        return datetime.combine(day, time.fromisoformat(reminder.at), calendar.zone)

    def _counted(self, day: date) -> Period | None:
        if self.since is None or day < self.since:
            return None
        first = day - ((day - self.since).days % self.number) * _DAY
        return Period(first, first + (self.number - 1) * _DAY)

    def _window(self, period: Period, calendar: Calendar) -> Period:
        """Return the days among which the due one is."""
        window = self._after(period, calendar) if self.in_next else period
        if self.month is not None:
            month = _stretch(Every.MONTH, window.first)
            for _ in range(self.month - 1):
                month = _stretch(Every.MONTH, month.last + _DAY)
            window = month
        if self.first_week:
            worked = next((day for day in _days(window) if calendar.is_working_day(day)), window.first)
            window = Period(window.first, min(_stretch(Every.WEEK, worked).last, window.last))
        return window

    def _after(self, period: Period, calendar: Calendar) -> Period:
        if self.workdays_only:
            day = _worked(period.last, _DAY, calendar)
            return Period(day, day)
        return self.period(period.last + _DAY) or period


def _stretch(every: Every, day: date) -> Period:
    if every is Every.WEEK:
        monday = day - day.weekday() * _DAY
        return Period(monday, monday + 6 * _DAY)
    if every is Every.HALF_MONTH:
        month = _stretch(Every.MONTH, day)
        middle = month.first + 14 * _DAY
        return Period(month.first, middle) if day <= middle else Period(middle + _DAY, month.last)
    if every in MONTHS:
        months = MONTHS[every]
        begins = (day.month - 1) // months * months + 1
        ends = begins + months
        after = date(day.year + 1, 1, 1) if ends > MONTHS[Every.YEAR] else date(day.year, ends, 1)
        return Period(date(day.year, begins, 1), after - _DAY)
    return Period(day, day)


def _days(period: Period) -> Iterator[date]:
    return (period.first + number * _DAY for number in range((period.last - period.first).days + 1))


def _worked(day: date, step: timedelta, calendar: Calendar) -> date:
    """Return the next worked day from ``day`` on in steps; where none comes in a year, the next day."""
    found = (day + number * step for number in range(1, _A_YEAR))
    return next((each for each in found if calendar.is_working_day(each)), day + step)
