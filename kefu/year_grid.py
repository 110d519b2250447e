"""A year of a calendar as text: twelve months, a mark for every day that is not as its weekday says."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import zip_longest

from shared.worktime import Calendar, DayInfo, DayKind

_MARKS = {
    DayKind.WORKING: " ",
    DayKind.WEEKEND: ".",
    DayKind.HOLIDAY: "*",
    DayKind.MAKE_UP: "+",
    DayKind.EXTRA: "+",
    DayKind.HALF: "~",
    DayKind.CLOSED: "x",
}
_LEGEND = "unmarked: worked   . weekend   * holiday   + make-up or extra working day   ~ half day   x closed"
_SIDE_BY_SIDE = 3
_WIDTH = 7 * 4


def year_grid(calendar: Calendar, year: int) -> Iterator[str]:
    """Yield the lines: a headline, the months three abreast, the legend, then every named or marked day."""
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    days = [calendar.day(first + timedelta(days=n)) for n in range(length)]
    worked = sum(info.kind.worked for info in days)
    state = "provisional, official days off not out" if calendar.provisional(year) else "official"
    yield f"{calendar.name} {year}: {worked} working days, {state} ({calendar.zone.key}, {calendar.version})"
    for quarter in range(1, 13, _SIDE_BY_SIDE):
        yield ""
        blocks = [list(_month(days, month)) for month in range(quarter, quarter + _SIDE_BY_SIDE)]
        for row in zip_longest(*blocks, fillvalue=""):
            yield "  ".join(f"{cell:<{_WIDTH}}" for cell in row).rstrip()
    yield ""
    yield _LEGEND
    yield from _marked(days)


def _month(days: list[DayInfo], month: int) -> Iterator[str]:
    own = [info for info in days if info.day.month == month]
    yield f"{months.month_name[month]}".center(_WIDTH).rstrip()
    yield "".join(f" {name[:2]} " for name in months.day_abbr)
    cells = ["    "] * own[0].day.weekday() + [f"{info.day.day:>3}{_MARKS[info.kind]}" for info in own]
    for start in range(0, len(cells), 7):
        yield "".join(cells[start : start + 7])


def _marked(days: list[DayInfo]) -> Iterator[str]:
    """Yield a line for every run of days that are not as their weekday says, alike in kind and name."""
    run: list[DayInfo] = []
    for info in [*days, None]:
        if run and (info is None or (info.kind, info.name) != (run[0].kind, run[0].name)):
            yield _run_text(run)
            run = []
        if info is not None and info.kind not in {DayKind.WORKING, DayKind.WEEKEND}:
            run.append(info)


def _run_text(run: list[DayInfo]) -> str:
    first, last = run[0], run[-1]
    dates = f"{first.day:%m-%d %a}" + (f" to {last.day:%m-%d %a}" if last is not first else "")
    what = f"{first.kind}: {first.name}" if first.name else str(first.kind)
    hours = f" ({', '.join(map(str, first.sessions))})" if first.kind in {DayKind.HALF, DayKind.EXTRA} else ""
    return f"{_MARKS[first.kind]} {dates:<23} {what}{hours}"
