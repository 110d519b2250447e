"""Counting in a calendar: days through an index of working days, time through an index of sessions.

``Days`` and ``Flow`` are the two ways to count. Both know how much lies between two points and where a given
amount is used up, and both take pauses as stretches that do not count.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

from shared.worktime.calendar import Calendar
from shared.worktime.errors import WorktimeError
from shared.worktime.intervals import Span, instant, moment
from shared.worktime.zones import day_start

#: Deadlines are counted in these years; outside them lies a slip of the pen, not a deadline.
FIRST_YEAR, LAST_YEAR = 1900, 2999

RANGE_START = instant(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
RANGE_END = instant(datetime(LAST_YEAR, 12, 31, tzinfo=UTC))

_LAST_DAY = date(LAST_YEAR, 12, 31).toordinal()
_FOREVER = 2**62


def out_of_range() -> WorktimeError:
    """Return the refusal of a count that leaves the years that are counted."""
    return WorktimeError("out_of_range", f"the count leaves the years {FIRST_YEAR} to {LAST_YEAR}")


class Days(Protocol):
    """Counts whole days, given by their proleptic ordinals."""

    def count(self, after: int, upto: int) -> int:
        """Return how many days count in ``(after, upto]``."""
        ...

    def nth(self, after: int, n: int) -> int:
        """Return the ``n``-th counting day after ``after``, n ≥ 1; raises ``out_of_range``."""
        ...

    def covered(self, day: int, pauses: Sequence[Span]) -> bool:
        """Return whether ``pauses`` cover all of the day's time that matters."""
        ...


class EveryDay:
    """Counts calendar days."""

    def __init__(self, calendar: Calendar) -> None:
        """The calendar matters only for its zone."""
        self._zone = calendar.zone

    def count(self, after: int, upto: int) -> int:
        """Return the days in ``(after, upto]``."""
        return max(0, upto - after)

    def nth(self, after: int, n: int) -> int:
        """Return the day ``n`` days later."""
        if after + n > _LAST_DAY:
            raise out_of_range()
        return after + n

    def covered(self, day: int, pauses: Sequence[Span]) -> bool:
        """Return whether one pause covers the whole local day."""
        start = day_start(self._zone, date.fromordinal(day))
        end = day_start(self._zone, date.fromordinal(day + 1))
        return _inside((start, end), pauses)


class WorkingDays:
    """Counts the working days of a calendar through its yearly index."""

    def __init__(self, calendar: Calendar) -> None:
        """Count in ``calendar``."""
        self._calendar = calendar

    def count(self, after: int, upto: int) -> int:
        """Return the working days in ``(after, upto]``."""
        if upto <= after:
            return 0
        first, last = date.fromordinal(after).year, date.fromordinal(upto).year
        total = sum(len(self._calendar.working_days(year)) for year in range(first, last))
        return (
            total
            + bisect_right(self._calendar.working_days(last), upto)
            - bisect_right(self._calendar.working_days(first), after)
        )

    def nth(self, after: int, n: int) -> int:
        """Return the ``n``-th working day after ``after``."""
        if n > _LAST_DAY - after:
            raise out_of_range()
        year = date.fromordinal(after).year
        days = self._calendar.working_days(year)
        position = bisect_right(days, after) + n - 1
        while position >= len(days):
            position -= len(days)
            year += 1
            if year > LAST_YEAR:
                raise out_of_range()
            days = self._calendar.working_days(year)
        return days[position]

    def covered(self, day: int, pauses: Sequence[Span]) -> bool:
        """Return whether pauses cover every session of the day; never of a day without session time."""
        spans = self._calendar.spans_of(date.fromordinal(day))
        return bool(spans) and all(_inside(span, pauses) for span in spans)


class PausedDays:
    """Counts like the days it wraps, but skips those that pauses cover."""

    def __init__(self, calendar: Calendar, days: Days, pauses: Sequence[Span]) -> None:
        """``pauses`` are merged spans."""
        self._days = days
        self._skipped = list(_skipped_ranges(calendar, days, pauses))

    def count(self, after: int, upto: int) -> int:
        """Return the days in ``(after, upto]`` that count and are not skipped."""
        total = self._days.count(after, upto)
        for first, last in self._skipped:
            total -= self._days.count(max(first - 1, after), min(last, upto))
        return total

    def nth(self, after: int, n: int) -> int:
        """Return the ``n``-th day after ``after`` that counts and is not skipped."""
        for first, last in self._skipped:
            if last <= after:
                continue
            available = self._days.count(after, first - 1)
            if available >= n:
                break
            n -= available
            after = last
        return self._days.nth(after, n)

    def covered(self, day: int, pauses: Sequence[Span]) -> bool:
        """Return whether ``pauses`` cover the day."""
        return self._days.covered(day, pauses)


def _skipped_ranges(calendar: Calendar, days: Days, pauses: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield ranges of covered days, ascending: a pause's inner days, and its first and last if covered."""
    done = 0
    for start, end in pauses:
        first, last = (moment(at).astimezone(calendar.zone).toordinal() for at in (start, end))
        if first > done and days.covered(first, pauses):
            yield first, first
        if first + 1 < last:
            yield first + 1, last - 1
        if last > first and days.covered(last, pauses):
            yield last, last
        done = last


def _inside(span: Span, pauses: Sequence[Span]) -> bool:
    position = bisect_right(pauses, (span[0], _FOREVER)) - 1
    return position >= 0 and span[1] <= pauses[position][1]


class Flow(Protocol):
    """Counts time, in microseconds, between instants in microseconds since 1970."""

    def amount(self, start: int, end: int) -> int:
        """Return how much time counts in ``[start, end)``."""
        ...

    def forward(self, start: int, amount: int) -> int:
        """Return the first instant by which ``amount`` > 0 has counted; raises ``out_of_range``."""
        ...

    def backward(self, end: int, amount: int) -> int:
        """Return the last instant from which ``amount`` > 0 counts until ``end``; raises ``out_of_range``."""
        ...


class ElapsedTime:
    """Counts all time."""

    def amount(self, start: int, end: int) -> int:
        """Return the time between the two instants."""
        return max(0, end - start)

    def forward(self, start: int, amount: int) -> int:
        """Return the instant ``amount`` later."""
        return start + amount

    def backward(self, end: int, amount: int) -> int:
        """Return the instant ``amount`` earlier."""
        return end - amount


class SessionTime:
    """Counts only the session time of a calendar, through its yearly index."""

    def __init__(self, calendar: Calendar) -> None:
        """Count in ``calendar``."""
        self._calendar = calendar

    def amount(self, start: int, end: int) -> int:
        """Return the session time in ``[start, end)``."""
        if end <= start:
            return 0
        first, last = self._year(start), self._year(end)
        total = sum(self._upto(year, _FOREVER) for year in range(first, last))
        return total + self._upto(last, end) - self._upto(first, start)

    def forward(self, start: int, amount: int) -> int:
        """Return the first instant by which ``amount`` of session time has passed since ``start``."""
        if start + amount > RANGE_END:
            raise out_of_range()
        year = self._year(start)
        amount += self._upto(year, start)
        while amount > (total := self._upto(year, _FOREVER)):
            amount -= total
            year += 1
            if year > LAST_YEAR:
                raise out_of_range()
        totals = self._calendar.session_totals(year)
        position = bisect_left(totals, amount)
        return self._calendar.session_spans(year)[position][1] - (totals[position] - amount)

    def backward(self, end: int, amount: int) -> int:
        """Return the last instant since which ``amount`` of session time passes until ``end``."""
        if end - amount < RANGE_START:
            raise out_of_range()
        year = self._year(end)
        amount -= self._upto(year, end)
        while amount > 0:
            year -= 1
            if year < FIRST_YEAR:
                raise out_of_range()
            amount -= self._upto(year, _FOREVER)
        totals = self._calendar.session_totals(year)
        position = bisect_right(totals, -amount)
        return self._calendar.session_spans(year)[position][1] - (totals[position] + amount)

    def _year(self, at: int) -> int:
        return moment(at).astimezone(self._calendar.zone).year

    def _upto(self, year: int, at: int) -> int:
        """Return the session time of ``year`` before the instant ``at``."""
        spans = self._calendar.session_spans(year)
        position = bisect_right(spans, (at, _FOREVER))
        if not position:
            return 0
        return self._calendar.session_totals(year)[position - 1] - max(0, spans[position - 1][1] - at)


class PausedFlow:
    """Counts like the flow it wraps, but not during pauses."""

    def __init__(self, flow: Flow, pauses: Sequence[Span]) -> None:
        """``pauses`` are merged spans."""
        self._flow = flow
        self._pauses = pauses

    def amount(self, start: int, end: int) -> int:
        """Return the time that counts in ``[start, end)`` outside the pauses."""
        total = self._flow.amount(start, end)
        for first, last in self._pauses:
            total -= self._flow.amount(max(first, start), min(last, end))
        return total

    def forward(self, start: int, amount: int) -> int:
        """Return the first instant by which ``amount`` has counted outside the pauses."""
        for first, last in self._pauses:
            if last <= start:
                continue
            available = self._flow.amount(start, first)
            if available >= amount:
                break
            amount -= available
            start = last
        return self._flow.forward(start, amount)

    def backward(self, end: int, amount: int) -> int:
        """Return the last instant since which ``amount`` counts outside the pauses until ``end``."""
        for first, last in reversed(self._pauses):
            if first >= end:
                continue
            available = self._flow.amount(last, end)
            if available >= amount:
                break
            amount -= available
            end = first
        return self._flow.backward(end, amount)
