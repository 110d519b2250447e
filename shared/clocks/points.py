"""Warning points: at which part of a deadline's span, or how long before its end, it warns; pure, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.clock import to_milliseconds
from shared.worktime import Calendar, Interval, Unit, WorktimeError, before
from shared.worktime.deadlines import flow_of, usable_pauses
from shared.worktime.durations import DAY_UNITS, check_amount, check_unit
from shared.worktime.intervals import instant, moment

_WHOLE = 100


@dataclass(frozen=True, slots=True)
class Before:
    """So much of a unit of time before the deadline, for example two working hours.

    Raises ``bad_amount``, ``unknown_unit`` and ``unit_counts_days``: days have no parts to count back.
    """

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        check_amount(self.amount)
        check_unit(self.unit)
        if self.unit in DAY_UNITS:
            raise WorktimeError("unit_counts_days", f"{self.unit} cannot be counted back; use working_hours")


#: A whole number from 1 to 99 is the percentage of the span that has passed.
WarnPoint = int | Before

#: A point and the instant at which it comes.
Planned = tuple[WarnPoint, datetime]


def check_point(point: object) -> None:
    """Raise ``bad_percent`` for a percentage that is no whole number from 1 to 99."""
    if isinstance(point, Before):
        return
    if isinstance(point, bool) or not isinstance(point, int) or not 1 <= point < _WHOLE:
        raise WorktimeError("bad_percent", f"a warning's percentage is from 1 to 99, got {point!r}")


def own_time(unit: Unit) -> Unit:
    """Return in which unit the span of a deadline of ``unit`` has parts: working ones in session time."""
    return "working_hours" if unit in {"working_days", "working_hours"} else "hours"


def plan(
    calendar: Calendar,
    started_at: datetime,
    due_at: datetime,
    unit: Unit,
    points: Iterable[WarnPoint],
    pauses: Sequence[Interval] = (),
) -> tuple[Planned, ...]:
    """Return when each of ``points`` comes, in UTC and in order of time.

    Percentages are of the time that counts for ``unit``: session time for working units, all time for the
    others, pauses left out. Times before the end are in their own unit, and pauses left out only where that
    counts as ``unit`` does: the night before a working clock's end is not paused time.

    A point that does not lie between start and due is dropped, for there is nothing it could tell: the clock
    is shorter than what is to be left, or none of its time lies in between.
    """
    own = own_time(unit)
    part = _parts(calendar, started_at, due_at, own, pauses)
    found: list[Planned] = []
    for point in points:
        if isinstance(point, Before):
            at = _before(calendar, due_at, point, pauses if own_time(point.unit) == own else ())
        else:
            at = part(point)
        if started_at < at < due_at:
            found.append((point, at))
    return tuple(sorted(found, key=lambda planned: planned[1]))


def _parts(
    calendar: Calendar, started_at: datetime, due_at: datetime, own: Unit, pauses: Sequence[Interval]
) -> Callable[[int], datetime]:
    """Return what ``shared.worktime.part_way`` answers for a percentage, with the span measured only once."""
    flow = flow_of(calendar, own, usable_pauses(pauses))
    begin = instant(started_at)
    total = flow.amount(begin, instant(due_at))

    def part(percent: int) -> datetime:
        if not total:
            return due_at
        return to_milliseconds(moment(flow.forward(begin, -(-total * percent // _WHOLE))))

    return part


def _before(calendar: Calendar, due_at: datetime, point: Before, pauses: Sequence[Interval]) -> datetime:
    try:
        at = before(calendar, due_at, point.amount, point.unit, pauses)
    except WorktimeError as error:
        if error.code != "out_of_range":
            raise
        # So long before the end that no calendar reaches back to it.
        return datetime.min.replace(tzinfo=UTC)
    return to_milliseconds(at.astimezone(UTC))


def point_text(point: WarnPoint) -> str:
    """Return the point in a word for people, metrics and logs: ``90``, ``2_working_hours``."""
    return f"{point.amount}_{point.unit}" if isinstance(point, Before) else str(point)


def point_document(point: WarnPoint) -> Any:
    """Return the JSON-safe shape of a point: a number, or ``{"amount": …, "unit": …}``."""
    return {"amount": point.amount, "unit": point.unit} if isinstance(point, Before) else point


def point_of(document: Any) -> WarnPoint:
    """Rebuild a point from ``point_document``."""
    return Before(**document) if isinstance(document, dict) else int(document)
