"""Use case: the timer's round over disputes: rulings that are late or final, and cases that still have to be told."""

from __future__ import annotations

import sys
from datetime import datetime

from services.complaints.domain.dispute.dispute import Dispute
from services.complaints.handlers.disputing import SettleDisputes
from shared.clock import Clock
from shared.clocks.digest import due_count
from shared.clocks.firing import AT_ONCE, Clocks, fire_due
from shared.history import Cause
from shared.ids import IdSource

#: Disputes of which a case is told in one round.
_TOLD_AT_ONCE = 100


class TickDisputes:
    """One call is one round of the timer; safe to repeat, on any number of replicas."""

    def __init__(self, settle: SettleDisputes, clock: Clock, ids: IdSource) -> None:
        """Use what settles disputes."""
        self._settle = settle
        self._clock = clock
        self._ids = ids
        lists = settle.lists
        self._clocks = Clocks[Dispute](
            load=lists.due, count=_due, fire=Dispute.fire_clocks, save=lists.disputes.save_all
        )

    def __call__(self) -> bool:
        """Fire what is due and finish what was left half done; return whether there may be more at once."""
        cause = Cause(self._ids.new("tick"), "system")
        more = fire_due(self._clocks, self._clock.now(), cause, at_once=AT_ONCE, digest_above=sys.maxsize)
        pending = self._settle.lists.pending(_TOLD_AT_ONCE)
        for dispute in pending:
            self._settle.settle(dispute, cause)
        return more or len(pending) == _TOLD_AT_ONCE


def _due(dispute: Dispute, now: datetime) -> int:
    return due_count(dispute.deadlines, now)
