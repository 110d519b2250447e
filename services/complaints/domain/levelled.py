"""How a case comes to its level (投诉级别): lifted by its facts and never down by itself, its deadlines with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.claim import clocks_data
from services.complaints.domain.investigated import InvestigatedCase
from services.complaints.domain.timing import Timing
from shared.history import Cause


@dataclass(kw_only=True)
class LevelledCase(InvestigatedCase):
    """The part of a case that follows from the households, sums and escalations behind it."""

    def relevel(self, households: int, timing: Timing, *, at: datetime, cause: Cause) -> bool:
        """Raise the level if ``households`` with the same problem ask for it; it never falls by itself.

        Return whether anything changed.
        """
        if not self.is_open or households <= self.households:
            return False
        self._know_of(households, timing.rules)
        self._raise_level(timing, at, cause)
        return True

    def _raise_level(self, timing: Timing, at: datetime, cause: Cause) -> None:
        decision = timing.rules.level_of(self.claim.facts(self.households, self.escalations))
        codes, wanted = [level.code for level in timing.rules.levels], decision.level.code
        if codes.index(wanted) <= codes.index(self.level) or self._judged_high_enough(wanted, timing):
            return
        self.judged = None
        self._put_level(wanted, decision.because, timing, at, cause)

    def _level_by_facts(self, timing: Timing) -> str:
        return timing.rules.level_of(self.claim.facts(self.households, self.escalations)).level.code

    def _put_level(
        self, level: str, because: Sequence[str], timing: Timing, at: datetime, cause: Cause
    ) -> None:
        self.fire_clocks(at, cause, breaches_only=True)
        before, self.level = self.level, level
        self.deadlines = timing.relevel(self.deadlines, self.level, at)
        self.refresh_step_clocks(timing, at)
        data = {
            "case_id": self.id,
            "from": before,
            "to": self.level,
            "because": list(because),
            "households": self.households,
            "clocks": clocks_data(self.deadlines),
        }
        self.record("case_level_changed", data, at=at, cause=cause)
        self.watch(timing, at, cause)
