"""Use case: show the operators how many callbacks are still to be made, and for how long others are overdue."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from services.followup.domain.rulebook import FollowupRules
from services.followup.metrics import OPEN_CALLBACKS, OVERDUE_CALLBACKS
from shared.observing import Board, stretches
from shared.regulations import Rulebooks


class Counting(Protocol):
    """What the use case needs of the repository."""

    def open_count(self, org: str, due: tuple[datetime, datetime] | None = None) -> int:
        """Return how many callbacks of ``org`` are open, or due behind the first instant and until the second."""
        ...


class ShowCallbacks:
    """Counts what is to be called in every organisation."""

    def __init__(self, callbacks: Counting, rulebooks: Rulebooks[FollowupRules]) -> None:
        """Count in ``callbacks``; a day is that of each organisation's own zone."""
        self._callbacks, self._organisations = callbacks, rulebooks.organisations
        self._open, self._overdue = Board(OPEN_CALLBACKS), Board(OVERDUE_CALLBACKS)

    def __call__(self, now: datetime) -> None:
        """Show how it stands at ``now``."""
        standing: dict[tuple[str, ...], float] = {}
        late: dict[tuple[str, ...], float] = {}
        for organisation in self._organisations:
            org = organisation.id
            ages: dict[tuple[str, ...], float] = {
                (org, age): self._callbacks.open_count(org, (first, last))
                for age, first, last in stretches(now)
            }
            passed, today = sum(ages.values()), self._today(org, organisation.time_zone, now)
            # Counted one after the other: meanwhile one may be made.
            later = max(0, self._callbacks.open_count(org) - passed - today)
            standing |= {(org, "passed"): passed, (org, "today"): today, (org, "later"): later}
            late |= ages
        self._open.show(standing)
        self._overdue.show(late)

    def _today(self, org: str, zone: str, now: datetime) -> int:
        local = now.astimezone(ZoneInfo(zone))
        midnight = datetime.combine(local.date() + timedelta(days=1), time.min, ZoneInfo(zone))
        return self._callbacks.open_count(org, (now, midnight))
