"""Use case: show the operators how many cases are open at each level, and for how long others are overdue."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from services.complaints.handlers.opening import Rules
from services.complaints.metrics import OPEN_CASES, OVERDUE_CASES
from shared.errors import NotFound
from shared.observing import AGES, Board, age_of

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository

#: Of cases whose level the rulebook in force does not have.
_OTHER = "other"


class ShowCases:
    """Counts what is open and what is overdue in every organisation."""

    def __init__(self, repository: CaseRepository, rules: Rules, organisations: list[str]) -> None:
        """Count in ``repository`` by the levels that ``rules`` have."""
        self._repository, self._rules, self._organisations = repository, rules, organisations
        self._open, self._overdue = Board(OPEN_CASES), Board(OVERDUE_CASES)

    def __call__(self, now: datetime) -> None:
        """Show how it stands at ``now``."""
        standing: dict[tuple[str, ...], float] = {}
        late: dict[tuple[str, ...], float] = {}
        for org in self._organisations:
            standing |= self._levels(org, now)
            ages = Counter(age_of(due_at, now) for due_at in self._repository.missed(org))
            late |= {(org, age): ages[age] for age in AGES}
        self._open.show(standing)
        self._overdue.show(late)

    def _levels(self, org: str, now: datetime) -> dict[tuple[str, ...], float]:
        try:
            levels = self._rules.in_force(org, now).sections.levels
        except NotFound:
            levels = ()
        counts: dict[tuple[str, ...], float] = {
            (org, level.code): self._repository.open_count(org, level.code) for level in levels
        }
        # Counted one after the other: meanwhile a case may close.
        other = max(0, self._repository.open_count(org) - sum(counts.values()))
        return counts | {(org, _OTHER): other}
