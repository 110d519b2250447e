"""Use case: fire the clocks that have come due, each warning and breach once, however many replicas run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from services.complaints.domain.case import Case
from shared.clock import Clock
from shared.clocks.digest import DIGEST_ABOVE, due_count
from shared.clocks.firing import AT_ONCE, Clocks, fire_due
from shared.history import Cause
from shared.ids import IdSource

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository


class FireClocks:
    """One call is one round of the timer."""

    def __init__(
        self,
        repository: CaseRepository,
        clock: Clock,
        ids: IdSource,
        *,
        at_once: int = AT_ONCE,
        digest_above: int = DIGEST_ABOVE,
    ) -> None:
        """``at_once`` bounds the cases of a round; above so many clocks an organisation's go out in digests."""
        self._clocks = Clocks[Case](
            load=repository.due, count=_due, fire=Case.fire_clocks, save=repository.save_all
        )
        self._clock = clock
        self._ids = ids
        self._at_once = at_once
        self._digest_above = digest_above

    def __call__(self) -> bool:
        """Fire what is due; return whether there may be more at once."""
        cause = Cause(self._ids.new("tick"), "system")
        return fire_due(
            self._clocks, self._clock.now(), cause, at_once=self._at_once, digest_above=self._digest_above
        )


def _due(case: Case, now: datetime) -> int:
    return due_count(case.deadlines, now)
