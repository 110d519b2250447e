"""Use case: the timer's round over offers: payments that are due, and cases that still have to be told."""

from __future__ import annotations

import sys
from datetime import datetime

from services.complaints.domain.money.offer import Offer
from services.complaints.handlers.settling import Desk
from shared.clocks.digest import due_count
from shared.clocks.firing import AT_ONCE, Clocks, fire_due
from shared.history import Cause
from shared.ids import IdSource

#: Offers of which a case is told in one round.
_SETTLED_AT_ONCE = 100


class TickOffers:
    """One call is one round of the timer; safe to repeat, on any number of replicas."""

    def __init__(self, desk: Desk, ids: IdSource) -> None:
        """Use the desk for offers."""
        self._desk = desk
        self._ids = ids
        self._clocks = Clocks[Offer](
            load=desk.lists.due, count=_due, fire=Offer.fire_clocks, save=desk.offers.save_all
        )

    def __call__(self) -> bool:
        """Fire what is due and finish what was left half done; return whether there may be more at once."""
        cause = Cause(self._ids.new("tick"), "system")
        # Each by itself: payments are few, and whoever pays waits for just this event.
        more = fire_due(
            self._clocks, self._desk.clock.now(), cause, at_once=AT_ONCE, digest_above=sys.maxsize
        )
        pending = self._desk.lists.pending(_SETTLED_AT_ONCE)
        for offer in pending:
            self._desk.settle(offer, cause)
        return more or len(pending) == _SETTLED_AT_ONCE


def _due(offer: Offer, now: datetime) -> int:
    return due_count(offer.deadlines, now)
