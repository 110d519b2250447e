"""Where the time comes from: injected everywhere, so that tests and replays decide what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC, cut to milliseconds (what the database keeps)."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's current time in UTC, cut to milliseconds."""
        return to_milliseconds(datetime.now(UTC))


class FixedClock:
    """A clock that stands still until it is told to move; for tests and replays."""

    def __init__(self, now: datetime) -> None:
        """Start at ``now``, which must be aware."""
        self._now = to_milliseconds(now.astimezone(UTC))

    def now(self) -> datetime:
        """Return the instant the clock was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock by ``by``."""
        self._now = to_milliseconds(self._now + by)

    def set(self, now: datetime) -> None:
        """Put the clock to ``now``, which must be aware."""
        self._now = to_milliseconds(now.astimezone(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """Cut ``moment`` to whole milliseconds, the precision the database keeps."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
