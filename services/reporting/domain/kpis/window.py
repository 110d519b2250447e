"""Windows: the days, weeks, months, quarters and years that a figure is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.reporting.domain.month import Month

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_QUARTER = 3
_FORMS = {
    "year": re.compile(r"20[0-9]{2}"),
    "quarter": re.compile(r"20[0-9]{2}-Q[1-4]"),
    "month": re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])"),
    "week": re.compile(r"20[0-9]{2}-W(0[1-9]|[1-4][0-9]|5[0-3])"),
    "day": re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}"),
}


class Span(StrEnum):
    """How long a window is; a week begins on Monday and is numbered as ISO 8601 does."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The local days from ``first`` to ``last``, both included: one whole ``span`` of the calendar."""

    first: date
    last: date
    span: Span

    @staticmethod
    def of(text: str) -> Window:
        """Read ``2026``, ``2026-Q4``, ``2026-11``, ``2026-W47`` or ``2026-11-24``; ValueError for anything else."""
        span = next((Span(name) for name, form in _FORMS.items() if form.fullmatch(text)), None)
        if span is None:
            raise ValueError(f"{text!r} is no window such as 2026, 2026-Q4, 2026-11, 2026-W47 or 2026-11-24")
        if span is Span.DAY:
            return Window.containing(date.fromisoformat(text), span)
        year = int(text[:4])
        if span is Span.WEEK:
            return Window.containing(date.fromisocalendar(year, int(text[6:]), 1), span)
        month = {Span.YEAR: "1", Span.QUARTER: str(int(text[-1]) * _QUARTER), Span.MONTH: text[5:]}[span]
        return Window.containing(date(year, int(month), 1), span)

    @staticmethod
    def containing(day: date, span: Span) -> Window:
        """Return the window of that length that ``day`` lies in."""
        if span is Span.DAY:
            return Window(day, day, span)
        if span is Span.WEEK:
            first = day - _DAY * day.weekday()
            return Window(first, first + _WEEK - _DAY, span)
        months = {Span.MONTH: 1, Span.QUARTER: _QUARTER, Span.YEAR: 12}[span]
        begin = Month(day.year, (day.month - 1) // months * months + 1)
        after = begin
        for _ in range(months):
            after = after.next
        return Window(begin.day(1), after.day(1) - _DAY, span)

    @property
    def previous(self) -> Window:
        """Return the window before this one."""
        return Window.containing(self.first - _DAY, self.span)

    def back(self, count: int) -> Iterator[Window]:
        """Yield the ``count`` windows before this one, the latest first."""
        window = self
        for _ in range(count):
            window = window.previous
            yield window

    def ended(self, today: date) -> bool:
        """Tell whether its last day is over on ``today``; until then what is said of it is provisional."""
        return self.last < today

    def __str__(self) -> str:
        if self.span is Span.DAY:
            return self.first.isoformat()
        if self.span is Span.WEEK:
            year, week, _ = self.first.isocalendar()
            return f"{year:04}-W{week:02}"
        if self.span is Span.MONTH:
            return f"{self.first:%Y-%m}"
        if self.span is Span.QUARTER:
            return f"{self.first.year:04}-Q{(self.first.month - 1) // _QUARTER + 1}"
        return f"{self.first.year:04}"
