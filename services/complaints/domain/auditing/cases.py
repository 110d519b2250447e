"""What must hold of a case: its level, its clocks, and what had to happen before it closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.complaints.domain.auditing.findings import GRACE, Finding, Invariant
from services.complaints.domain.case import Case
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import CaseState
from services.complaints.domain.timing import Timing
from shared.clocks import Deadline, State
from shared.history import timestamp
from shared.worktime import Calendar

_GOING = frozenset({State.RUNNING, State.PAUSED})
#: A breached clock has an end only once it was met or is no longer asked for.
_ENDED = frozenset({State.MET, State.MET_LATE, State.SUPERSEDED})


def case_findings(case: Case, timing: Timing, now: datetime) -> Iterator[Finding]:
    """Yield what does not hold of ``case`` at ``now``, by the rules it was opened under."""
    for found in _level(case, timing.rules):
        yield Finding(case.id, Invariant.LEVEL, found)
    for deadline in case.deadlines:
        for found in _clock(deadline, timing.calendar, now, is_open=case.is_open):
            yield Finding(case.id, Invariant.CLOCK, f"{deadline.name} {found}")
    for found in _breaches(case):
        yield Finding(case.id, Invariant.CLOCK, found)
    if case.state is CaseState.CLOSED:
        for found in _left_open(case, timing.rules):
            yield Finding(case.id, Invariant.CLOSED, found)


def _level(case: Case, rules: ComplaintRules) -> Iterator[str]:
    """Follow the level through the history: from the opening, falling only by authority, to where it is."""
    order = [level.code for level in rules.levels]
    known: object = None
    for entry in case.history:
        if entry.type == "case_opened":
            known = entry.data.get("level")
        elif entry.type == "case_level_changed":
            before, after = entry.data.get("from"), entry.data.get("to")
            if before != known:
                yield f"rose from {before} in entry {entry.seq}, but was {known}"
            judged = "authority" in entry.data.get("because", ())
            known_both = {before, after} <= set(order)
            if known_both and not judged and order.index(str(after)) <= order.index(str(before)):
                yield f"fell from {before} to {after} in entry {entry.seq}"
            known = after
    if case.level not in order:
        yield f"{case.level} is none of the rulebook's: {', '.join(order)}"
    if known != case.level:
        yield f"is {case.level}, but the history ends with {known}"


def _clock(deadline: Deadline, calendar: Calendar, now: datetime, *, is_open: bool) -> Iterator[str]:
    state, ended = deadline.state, deadline.ended_at
    if ended is None and not is_open:
        yield f"is {state} on a closed case"
    if (state in _GOING and ended is not None) or (state in _ENDED and ended is None):
        yield f"is {state} and {'has ended' if ended is not None else 'has no end'}"
    if state is State.MET and ended is not None and ended >= deadline.due_at:
        yield f"was due at {timestamp(deadline.due_at)} and met at {timestamp(ended)}, and counts as on time"
    if state is State.RUNNING and ended is None:
        if is_open and now >= deadline.due_at + GRACE:
            yield f"was due at {timestamp(deadline.due_at)} and was never told to be late"
        yield from _due(deadline, calendar)


def _due(deadline: Deadline, calendar: Calendar) -> Iterator[str]:
    """Reckon when a running clock is due once more, where that can be done with the calendar it had."""
    if deadline.calendar_version != calendar.version:
        return
    again = replace(deadline, calendar_version="").recompute(calendar)
    if again.due_at != deadline.due_at:
        yield f"is due at {timestamp(again.due_at)} by its calendar, and kept as {timestamp(deadline.due_at)}"


def _breaches(case: Case) -> Iterator[str]:
    """Compare the clocks that were breached with the breaches told, by their names."""
    told = Counter(str(entry.data.get("clock")) for entry in case.history if entry.type == "clock_breached")
    breached = Counter(deadline.name for deadline in case.deadlines if deadline.was_breached)
    for name in sorted(told.keys() | breached.keys()):
        if told[name] != breached[name]:
            yield f"{name} was breached {breached[name]} times and told {told[name]} times"


def _left_open(case: Case, rules: ComplaintRules) -> Iterator[str]:
    walk = case.walk(rules)
    for step in walk.open_mandatory() if walk is not None else ():
        yield f"closed with the step {step.code} open"
    for offer_id in case.open_offers:
        yield f"closed with the offer {offer_id} open"
    for unit in case.filings_due(rules.authority) if case.valid is True else ():
        yield f"closed before it was filed with {unit.code}"
    if case.closed_at is None:
        yield "closed at no time"
