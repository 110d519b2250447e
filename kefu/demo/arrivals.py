"""When contacts come in: peaks before noon, in the afternoon and in the evening, local time."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from random import Random

#: Mainland China has kept this one offset since 1991, so the day needs no time zone database.
LOCAL = timezone(timedelta(hours=8))
#: How busy each local hour is, from midnight on.
_BUSY = (2, 1, 1, 1, 1, 2, 4, 9, 22, 40, 72, 68, 30, 32, 60, 66, 62, 34, 28, 54, 56, 26, 12, 5)
#: Somebody must be at the desk for these.
DESK_CHANNELS = frozenset({"counter", "letter"})
_DESK_HOURS = range(9, 18)
_MINUTES = 24 * 60
#: Nothing is received in the last minutes before now, so that no event is stamped later than now.
_QUIET_END = 5


class Arrivals:
    """Draws moments of reception from the 24 hours before ``now``."""

    def __init__(self, now: datetime, rng: Random) -> None:
        """``now`` must be aware."""
        self._rng = rng
        self._end = now.astimezone(LOCAL).replace(second=0, microsecond=0)
        self._begin = self._end - timedelta(minutes=_MINUTES - 1)
        self._weights: dict[tuple[bool, int], list[int]] = {}

    def draw(self, channel: str, *, days_ago: int = 0, first_hours: int = 24) -> datetime:
        """Return a local moment, to the second, when a contact comes in through ``channel``.

        It lies in the first ``first_hours`` of the 24 hours that end ``days_ago`` days before now.
        """
        minutes = min(first_hours * 60, _MINUTES - _QUIET_END - 1)
        weights = self._cumulated(minutes, desk=channel in DESK_CHANNELS)
        minute = bisect_right(weights, self._rng.randrange(weights[-1]))
        return self._begin + timedelta(minutes=minute, seconds=self._rng.randrange(60), days=-days_ago)

    def recently(self, minutes: int) -> datetime:
        """Return a local moment, to the second, in the last ``minutes`` before now."""
        minute = _MINUTES - 1 - self._rng.randrange(_QUIET_END, minutes)
        return self._begin + timedelta(minutes=minute, seconds=self._rng.randrange(60))

    def after(self, moment: datetime, *, hours: int) -> datetime:
        """Return a moment about ``hours`` after ``moment``, an hour either side, and never later than now."""
        later = moment + timedelta(seconds=hours * 3600 + self._rng.randrange(-3600, 3600))
        return min(max(later, moment + timedelta(minutes=1)), self._end - timedelta(minutes=_QUIET_END))

    def _cumulated(self, minutes: int, *, desk: bool) -> list[int]:
        if (desk, minutes) not in self._weights:
            hours = ((self._begin + timedelta(minutes=minute)).hour for minute in range(minutes))
            weights = (0 if desk and hour not in _DESK_HOURS else _BUSY[hour] for hour in hours)
            self._weights[desk, minutes] = list(accumulate(weights))
        return self._weights[desk, minutes]
