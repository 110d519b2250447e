"""Firing all the deadlines of one aggregate at once; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shared.clocks.clock import Deadline, Firing


def fire_deadlines(
    deadlines: Iterable[Deadline], now: datetime
) -> tuple[tuple[Deadline, ...], tuple[Firing, ...]]:
    """Return the deadlines of one aggregate after ``now``, and what fired until then in order of time."""
    after: list[Deadline] = []
    fired: list[Firing] = []
    for deadline in deadlines:
        changed, firings = deadline.fire(now)
        after.append(changed)
        fired += firings
    return tuple(after), tuple(sorted(fired, key=lambda firing: (firing.at, firing.clock)))
