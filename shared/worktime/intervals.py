"""Half-open stretches of time, and instants as whole microseconds since 1970 (exact and cheap to compare)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.worktime.errors import WorktimeError

#: A half-open stretch ``[start, end)`` in microseconds since 1970-01-01T00:00Z.
Span = tuple[int, int]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_MICROSECOND = timedelta(microseconds=1)


def instant(moment: datetime) -> int:
    """Return the aware ``moment`` as microseconds since 1970-01-01T00:00Z."""
    return (moment - EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """Return the instant ``at`` (microseconds since 1970) as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open stretch of time ``[start, end)`` between two aware datetimes; empty when they are equal."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Raise ``pause_without_offset`` or ``pause_ends_before_start``."""
        for name, value in (("start", self.start), ("end", self.end)):
            if value.utcoffset() is None:
                raise WorktimeError(
                    "pause_without_offset", f"the {name} of a pause needs a UTC offset, got {value}"
                )
        # As instants: within one zone Python compares wall clocks, and those run twice over a repeated hour.
        if instant(self.end) < instant(self.start):
            raise WorktimeError(
                "pause_ends_before_start",
                f"the pause from {self.start.isoformat()} ends before it starts, at {self.end.isoformat()}",
            )

    @property
    def span(self) -> Span:
        """The same stretch in microseconds since 1970."""
        return instant(self.start), instant(self.end)


def merge(intervals: Iterable[Interval]) -> tuple[Span, ...]:
    """Return the union of ``intervals`` as sorted spans that neither overlap nor touch; empty ones vanish."""
    merged: list[Span] = []
    for start, end in sorted(interval.span for interval in intervals):
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def without(spans: Iterable[Span], pauses: Iterable[Span]) -> list[Span]:
    """Return what is left of ``spans`` outside ``pauses``; both sorted and free of overlaps."""
    left = list(spans)
    for first, last in pauses:
        cut: list[Span] = []
        for start, end in left:
            cut.extend((a, b) for a, b in ((start, min(end, first)), (max(start, last), end)) if a < b)
        left = cut
    return left
