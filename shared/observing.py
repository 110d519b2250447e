"""Gauges of what there is now: looked at every so often, for the operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from prometheus_client import Gauge

from shared.clock import Clock

#: How long what is overdue may be late for each value of the label ``age``; the rest is ``more``.
_AGES = (("hour", timedelta(hours=1)), ("day", timedelta(days=1)), ("week", timedelta(weeks=1)))
#: Every value of the label ``age``, the latest first.
AGES = (*(name for name, _ in _AGES), "more")
_EVER = timedelta(days=36_500)
_EVERY = timedelta(minutes=1)

Shown = Mapping[tuple[str, ...], float]


class Observe:
    """One call is one round of the timer; every replica shows the same, so of several the highest holds."""

    def __init__(self, looks: Sequence[Callable[[datetime], None]], clock: Clock) -> None:
        """Each of ``looks`` reads something as of an instant and shows it; it is cheap, and safe to repeat."""
        self._looks, self._clock = tuple(looks), clock
        self._last: datetime | None = None

    def __call__(self) -> bool:
        """Look if the last look is a minute ago, or the clock was set back; there is never more to do at once."""
        now = self._clock.now()
        if self._last is None or not self._last <= now < self._last + _EVERY:
            for look in self._looks:
                look(now)
            self._last = now
        return False


class Board:
    """One gauge and what it shows: what is there no longer is taken off, so that no old figure stays."""

    def __init__(self, gauge: Gauge) -> None:
        """Show on ``gauge``."""
        self._gauge = gauge
        self._shown: set[tuple[str, ...]] = set()

    def show(self, values: Shown) -> None:
        """Show ``values`` by the values of their labels, and nothing else any more."""
        for labels in self._shown - values.keys():
            self._gauge.remove(*labels)
        for labels, value in values.items():
            self._gauge.labels(*labels).set(value)
        self._shown = set(values)


def stretches(now: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield for each age the instants behind the first of which and until the second it was due."""
    bounds = [now, *(now - late for _, late in _AGES), now - _EVER]
    for name, (last, first) in zip(AGES, pairwise(bounds), strict=True):
        yield name, first, last


def age_of(due_at: datetime, now: datetime) -> str:
    """Return the age of what was due at ``due_at``."""
    return next((name for name, late in _AGES if now - due_at < late), AGES[-1])
