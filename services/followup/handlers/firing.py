"""Use case: let the clocks of callbacks fire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.followup.domain.callback import Callback
from services.followup.handlers.scheduling import SYSTEM
from services.followup.settings import DUE_AT_ONCE
from shared.clock import Clock
from shared.clocks.clock import Firing
from shared.clocks.firing import fire_due
from shared.history import Cause
from shared.ids import IdSource


class Due(Protocol):
    """What the use case needs of the repository."""

    def due(self, now: datetime, limit: int) -> list[Callback]:
        """Return callbacks whose next instant has come, earliest first."""
        ...

    def save(self, changes: Sequence[tuple[Callback, int]]) -> None:
        """Write changed callbacks; Conflict when one was changed meanwhile."""
        ...


class FireClocks:
    """One round of the timer; any number of replicas may run it at the same time."""

    def __init__(self, repository: Due, clock: Clock, ids: IdSource, *, at_once: int = DUE_AT_ONCE) -> None:
        """``at_once`` bounds one round."""
        self._repository = repository
        self._clock = clock
        self._ids = ids
        self._at_once = at_once

    def __call__(self) -> bool:
        """Fire what is due, each callback exactly once; return whether there may be more at once."""
        cause = Cause(self._ids.new("tick"), SYSTEM)

        def fire(callback: Callback, now: datetime) -> Sequence[Firing]:
            return callback.fire(now, cause)

        return fire_due(
            self._clock.now(),
            limit=self._at_once,
            load=self._repository.due,
            fire=fire,
            save=self._repository.save,
        )
