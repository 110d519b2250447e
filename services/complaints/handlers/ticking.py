"""Use case: fire the clocks that have come due, each warning and breach once, however many replicas run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.clocks import Firing
from shared.clocks.firing import fire_due
from shared.history import Cause
from shared.ids import IdSource

if TYPE_CHECKING:
    from services.complaints.domain.case import Case
    from services.complaints.repository import CaseRepository

_BATCH = 100


class FireClocks:
    """One call is one round of the timer."""

    def __init__(self, repository: CaseRepository, clock: Clock, ids: IdSource) -> None:
        """Use the repository for cases; every round has an id of its own."""
        self._repository = repository
        self._clock = clock
        self._ids = ids

    def __call__(self) -> bool:
        """Fire what is due; return whether there may be more at once."""
        cause = Cause(self._ids.new("tick"), "system")

        def fire(case: Case, now: datetime) -> Sequence[Firing]:
            return case.fire_clocks(now, cause)

        return fire_due(
            self._clock.now(),
            limit=_BATCH,
            load=self._repository.due,
            fire=fire,
            save=self._repository.save_all,
        )
