"""Use cases of the timer: fire the clocks of everything a service keeps, and compute them again with a new calendar."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from shared.clock import Clock
from shared.clocks.clock import Firing
from shared.clocks.digest import due_count
from shared.clocks.firing import AT_ONCE, Clocks, fire_due
from shared.clocks.recomputing import RecomputeClocks
from shared.history import Cause
from shared.ids import IdSource
from shared.ruling import Rules
from shared.timed import Timed


class Ticked(Protocol):
    """Where things with clocks are kept."""

    def due(self, now: datetime, limit: int) -> Sequence[Any]:
        """Return those with a clock that fires at or before ``now``, the longest due first."""
        ...

    def behind(self, current: Collection[str], limit: int, *, skip: Collection[str] = ()) -> list[Any]:
        """Return those with an open clock of a calendar not in ``current``."""
        ...

    def save_all(self, changes: Sequence[tuple[Any, int]]) -> tuple[str, ...]:
        """Write several and return the ids of those that somebody else changed meanwhile."""
        ...


def _fire(timed: Timed, now: datetime, cause: Cause) -> Sequence[Firing]:
    """Fire the clocks of one as its kind does."""
    return timed.fire_clocks(now, cause)


class FireClocks:
    """One call is one round over every kind; safe to repeat, on any number of replicas."""

    def __init__(self, kept: Sequence[Ticked], clock: Clock, ids: IdSource, *, digest_above: int) -> None:
        """Fire the clocks of everything in ``kept``; more than ``digest_above`` of one organisation in digests."""
        self._clock, self._ids, self._digest_above = clock, ids, digest_above
        self._clocks = [
            Clocks[Timed](load=each.due, count=_due, fire=_fire, save=each.save_all) for each in kept
        ]

    def __call__(self) -> bool:
        """Fire what is due; return whether there may be more at once."""
        now = self._clock.now()
        more = [
            fire_due(
                clocks,
                now,
                Cause(self._ids.new("tick"), "system"),
                at_once=AT_ONCE,
                digest_above=self._digest_above,
            )
            for clocks in self._clocks
        ]
        return any(more)


class Recompute:
    """One call is one round over every kind; any number of replicas may run it at the same time."""

    def __init__(
        self, kept: Sequence[Ticked], rules: Rules[Any], clock: Clock, ids: IdSource, *, digest_above: int
    ) -> None:
        """Compute the clocks of everything in ``kept`` again where its calendar has a newer version."""
        current = rules.current_calendars
        self._each = [
            RecomputeClocks[Timed](each, rules, clock, ids, current=current, digest_above=digest_above)
            for each in kept
        ]

    def __call__(self) -> bool:
        """Compute again what is behind; return whether there may be more at once."""
        more = [recompute() for recompute in self._each]
        return any(more)


def _due(thing: Timed, now: datetime) -> int:
    return due_count(thing.deadlines, now)
