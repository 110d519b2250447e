"""Use case: the timer's round over corrective actions that are due, and cases that still have to be told."""

from __future__ import annotations

import sys
from datetime import datetime

from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.handlers.inquiring import InquiryDesk
from shared.clocks.digest import due_count
from shared.clocks.firing import AT_ONCE, Clocks, fire_due
from shared.history import Cause
from shared.ids import IdSource

#: Investigations and actions of which a case is told in one round.
_SETTLED_AT_ONCE = 100


class TickInvestigations:
    """One call is one round of the timer; safe to repeat, on any number of replicas."""

    def __init__(self, desk: InquiryDesk, ids: IdSource) -> None:
        """Use the desk for investigations and actions."""
        self._desk = desk
        self._ids = ids
        self._clocks = Clocks[CorrectiveAction](
            load=desk.lists.due,
            count=_due,
            fire=CorrectiveAction.fire_clocks,
            save=desk.lists.save_all,
        )

    def __call__(self) -> bool:
        """Fire what is due and finish what was left half done; return whether there may be more at once."""
        desk, cause = self._desk, Cause(self._ids.new("tick"), "system")
        # Each by itself: whoever owns an action waits for just this event.
        more = fire_due(self._clocks, desk.clock.now(), cause, at_once=AT_ONCE, digest_above=sys.maxsize)
        investigations = desk.lists.untold_investigations(_SETTLED_AT_ONCE)
        for found in investigations:
            desk.settle_investigation(found, cause)
        actions = desk.lists.untold_actions(_SETTLED_AT_ONCE)
        for action in actions:
            desk.settle_action(action, cause)
        return more or _SETTLED_AT_ONCE in {len(investigations), len(actions)}


def _due(action: CorrectiveAction, now: datetime) -> int:
    return due_count(action.deadlines, now)
