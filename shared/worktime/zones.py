"""Local days in a time zone, exact where clocks jump: where a day begins and how it is cut by a jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.worktime.errors import WorktimeError
from shared.worktime.intervals import DAY, EPOCH, SECOND, Span, instant, moment
from shared.worktime.sessions import Sessions

_MICROSECOND = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)


class Piece(NamedTuple):
    """A part of a local day during which the offset from UTC stays the same; all in microseconds."""

    start: int
    end: int
    offset: int


def zone_named(name: object) -> ZoneInfo:
    """Return the IANA zone called ``name``; raises ``unknown_zone``."""
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        raise WorktimeError(
            "unknown_zone", f"{name!r} is not an IANA time zone such as Asia/Shanghai"
        ) from None


def day_start(zone: ZoneInfo, day: date) -> int:
    """Return the first instant of the local ``day``.

    Where clocks jump over midnight that is the instant of the jump; where midnight happens twice, the first
    one.
    """
    naive = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock reading
    at = instant(naive.replace(tzinfo=zone))
    if moment(at).astimezone(zone).replace(tzinfo=None) == naive:
        return at
    # Midnight is skipped: look for the jump between two instants that are safely on either side of it.
    return _offset_change(zone, at - 2 * DAY, at + 2 * DAY)


def day_pieces(zone: ZoneInfo, day: date) -> tuple[Piece, ...]:
    """Return the parts of the local ``day``: one, two when clocks change, none when the zone skips it."""
    opens = datetime(day.year, day.month, day.day, tzinfo=zone)
    closes = opens + _ONE_DAY
    offset = opens.utcoffset()
    if offset is not None and offset == closes.utcoffset() == closes.replace(fold=1).utcoffset():
        # Nearly every day: the clock runs evenly from midnight to midnight.
        shift = offset // _MICROSECOND
        midnight = _utc_midnight(day) - shift
        return (Piece(midnight, midnight + DAY, shift),)
    return _jumping_day(zone, day)


def session_spans(zone: ZoneInfo, day: date, sessions: Sessions) -> tuple[Span, ...]:
    """Return the stretches of ``day`` whose local wall time lies in ``sessions``, in order, none empty.

    So an hour that clocks skip is not worked and an hour that they repeat is worked twice.
    """
    midnight = _utc_midnight(day)
    spans = []
    for piece in day_pieces(zone, day):
        local_midnight = midnight - piece.offset
        for session in sessions:
            start = max(piece.start, local_midnight + session.start * SECOND)
            end = min(piece.end, local_midnight + session.end * SECOND)
            if start < end:
                spans.append((start, end))
    return tuple(spans)


def at_wall_time(zone: ZoneInfo, day: date, wall: datetime) -> datetime:
    """Return the wall-clock time of ``wall`` on ``day``; a reading that clocks skip is moved on by the jump.

    Of a reading that happens twice it is the first.
    """
    local = datetime.combine(day, wall.time(), zone).replace(fold=0)
    return local.astimezone(UTC).astimezone(zone)


def _jumping_day(zone: ZoneInfo, day: date) -> tuple[Piece, ...]:
    start, end = day_start(zone, day), day_start(zone, day + _ONE_DAY)
    if start == end:
        return ()
    before, after = _offset(zone, start), _offset(zone, end - 1)
    if before == after:
        return (Piece(start, end, before),)
    change = _offset_change(zone, start, end - 1)
    return (Piece(start, change, before), Piece(change, end, after))


def _utc_midnight(day: date) -> int:
    return (day.toordinal() - EPOCH.toordinal()) * DAY


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = moment(at).astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always has one; this is for the type checker
    return offset // _MICROSECOND


def _offset_change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first second after ``low`` with another offset than at ``low``; ``high`` must have one."""
    before = _offset(zone, low)
    first, last = low // SECOND, -(-high // SECOND)
    while last - first > 1:
        middle = (first + last) // 2
        if _offset(zone, middle * SECOND) == before:
            first = middle
        else:
            last = middle
    return last * SECOND
