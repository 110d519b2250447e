"""What one case adds to the figures of its month: plain counts, so that a month's figures are their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from services.reporting.domain.case import CaseFact, Status

#: The outcome of a callback of a content customer; "neutral" closes a case too but is no praise.
SATISFIED = "satisfied"

#: Everything a case may add to; a case adds 0 or 1, and as many as there are of its callbacks.
COUNTED = (
    "received",
    "valid",
    "refused",
    "undecided",
    "open",
    "replied",
    "closed",
    "closed_on_time",
    "overdue",
    "late",
    "reopened",
    "escalated",
    "valid_settled",
    "handled",
    "handled_called_back",
    "valid_handled",
    "valid_handled_called_back",
    "callbacks_scheduled",
    "callbacks_made",
    "callbacks_satisfied",
    "callbacks_overdue",
)


def tally(case: CaseFact) -> dict[str, int]:
    """Return what ``case`` adds to each of COUNTED; what it adds nothing to is left out."""
    callbacks = case.callbacks.values()
    valid = case.valid is True
    counts = {
        "received": True,
        "valid": valid,
        "refused": case.valid is False,
        "undecided": case.valid is None,
        "open": case.status is Status.OPEN,
        "replied": case.status is Status.REPLIED,
        "closed": case.status is Status.CLOSED,
        "closed_on_time": case.status is Status.CLOSED and case.closed_on_time is True,
        "overdue": case.overdue,
        "late": case.late,
        "reopened": case.reopened > 0,
        "escalated": case.escalated > 0,
        "valid_settled": valid and case.settled,
        "handled": case.handled,
        "handled_called_back": case.handled and case.called_back,
        "valid_handled": valid and case.handled,
        "valid_handled_called_back": valid and case.handled and case.called_back,
        "callbacks_scheduled": sum(callback.scheduled for callback in callbacks),
        "callbacks_made": sum(callback.made for callback in callbacks),
        "callbacks_satisfied": sum(callback.outcome == SATISFIED for callback in callbacks),
        "callbacks_overdue": sum(callback.overdue for callback in callbacks),
    }
    return {name: int(count) for name, count in counts.items() if count}


def total(tallies: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of ``tallies``, all of COUNTED, 0 where nothing was added."""
    sums: Counter[str] = Counter()
    for each in tallies:
        sums.update(each)
    return {name: sums[name] for name in COUNTED}
