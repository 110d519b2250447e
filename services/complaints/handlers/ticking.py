"""Use case: fire the clocks that have come due, each warning and breach once, however many replicas run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from services.complaints.domain.case import Case
from services.complaints.handlers.opening import Rules
from shared.clock import Clock
from shared.clocks import Firing, Kind
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
        rules: Rules | None = None,
    ) -> None:
        """``at_once`` bounds the cases of a round; above so many clocks an organisation's go out in digests.

        With ``rules`` a breach that calls for supervision has it in the same write; without, with the case's next
        change.
        """
        self._clocks = Clocks[Case](
            load=repository.due, count=_due, fire=self._fire, save=repository.save_all
        )
        self._rules = rules
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

    def _fire(self, case: Case, now: datetime, cause: Cause) -> Sequence[Firing]:
        fired = case.fire_clocks(now, cause)
        if self._rules is not None and any(firing.kind is Kind.BREACHED for firing in fired):
            timing = self._rules.timing(case.org, case.regulation)
            case.watch(timing, now, replace(cause, digested=False))
        return fired


def _due(case: Case, now: datetime) -> int:
    return due_count(case.deadlines, now)
