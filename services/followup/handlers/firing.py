"""Use case: let the clocks of callbacks fire."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from services.followup.domain.callback import Callback
from services.followup.handlers.scheduling import SYSTEM
from shared.clock import Clock
from shared.clocks.digest import DIGEST_ABOVE
from shared.clocks.firing import AT_ONCE, Clocks, fire_due
from shared.history import Cause
from shared.ids import IdSource


class Due(Protocol):
    """What the use case needs of the repository."""

    def due(self, now: datetime, limit: int) -> list[Callback]:
        """Return callbacks whose next instant has come, earliest first."""
        ...

    def save(self, changes: Sequence[tuple[Callback, int]]) -> Collection[str]:
        """Write changed callbacks; return the ids of those that somebody else changed meanwhile."""
        ...


class FireClocks:
    """One round of the timer; any number of replicas may run it at the same time."""

    def __init__(
        self,
        repository: Due,
        clock: Clock,
        ids: IdSource,
        *,
        at_once: int = AT_ONCE,
        digest_above: int = DIGEST_ABOVE,
    ) -> None:
        """``at_once`` bounds the callbacks of a round; above so many an organisation's go out in digests."""
        self._clocks = Clocks[Callback](
            load=repository.due, count=_one, fire=Callback.fire, save=repository.save
        )
        self._clock = clock
        self._ids = ids
        self._at_once = at_once
        self._digest_above = digest_above

    def __call__(self) -> bool:
        """Fire what is due, each callback exactly once; return whether there may be more at once."""
        cause = Cause(self._ids.new("tick"), SYSTEM)
        return fire_due(
            self._clocks, self._clock.now(), cause, at_once=self._at_once, digest_above=self._digest_above
        )


def _one(_callback: Callback, _now: datetime) -> int:
    return 1
