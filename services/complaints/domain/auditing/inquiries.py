"""What must hold of investigations, corrective actions and disputes: nobody judges what is their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from services.complaints.domain.auditing.findings import GRACE, Finding, Invariant
from services.complaints.domain.auditing.people import accused_before
from services.complaints.domain.case import Case
from services.complaints.domain.dispute.dispute import Dispute, DisputeState
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.investigation.states import ActionState, InvestigationState
from shared.aggregate import Aggregate
from shared.clocks import Deadline, State
from shared.history import moment_of

_ACTION_OVER = frozenset({ActionState.REFUSED, ActionState.EFFECTIVE, ActionState.WITHDRAWN})
_DISPUTE_OVER = frozenset({DisputeState.FINAL, DisputeState.WITHDRAWN})


def investigation_findings(found: Investigation, case: Case, now: datetime) -> Iterator[Finding]:
    """Yield what does not hold of an investigation of ``case``."""
    if not found.intact:
        yield Finding(
            found.id, Invariant.HISTORY, "what was written is not what the history took the digest of"
        )
    if found.state is InvestigationState.APPROVED and not found.signatures:
        yield Finding(found.id, Invariant.AUTHORITY, "is approved and nobody signed")
    for signature in found.signatures:
        own = signature.persons & {*found.investigators, *accused_before(case, signature.at)}
        if own:
            told = f"{', '.join(sorted(own))} approved what is their own or about them"
            yield Finding(found.id, Invariant.AUTHORITY, told)
    yield from _untold(found, pending=found.pending, case=case, now=now)


def action_findings(action: CorrectiveAction, case: Case, now: datetime) -> Iterator[Finding]:
    """Yield what does not hold of a corrective action for ``case``."""
    if action.decided_by is not None and action.decided_by == action.opened_by:
        yield Finding(action.id, Invariant.AUTHORITY, f"{action.decided_by} approved what they drew up")
    for check in action.checks:
        doers = {action.owner, *(done.by for done in action.completions if done.round == check.round)}
        if check.by in doers:
            yield Finding(action.id, Invariant.AUTHORITY, f"{check.by} checked what they did")
    if len(action.checks) > len(action.completions):
        yield Finding(action.id, Invariant.FINISHED, "was checked more often than done")
    over = action.state.value if action.state in _ACTION_OVER else None
    yield from _clocks(action, action.deadlines, over)
    yield from _untold(action, pending=action.pending, case=case, now=now)


def dispute_findings(dispute: Dispute, case: Case, now: datetime) -> Iterator[Finding]:
    """Yield what does not hold of a dispute about ``case``."""
    sides = {person for party in dispute.parties for person in party.staff}
    for number, ruling in enumerate(dispute.rulings):
        before = {earlier.by for earlier in dispute.rulings[:number]}
        barred = sides | before | _aside_before(dispute, number) | accused_before(case, ruling.at)
        if ruling.by in barred:
            yield Finding(dispute.id, Invariant.AUTHORITY, f"{ruling.by} ruled and was not impartial")
    if dispute.state is DisputeState.FINAL and not dispute.rulings:
        yield Finding(dispute.id, Invariant.FINISHED, "is final and nobody ruled")
    over = dispute.state.value if dispute.state in _DISPUTE_OVER else None
    yield from _clocks(dispute, dispute.deadlines, over)
    yield from _untold(dispute, pending=dispute.pending, case=case, now=now)


def _aside_before(dispute: Dispute, number: int) -> set[str]:
    """Return who had stepped aside before ruling ``number``: told by the history, for both may bear one moment."""
    aside: set[str] = set()
    rulings = 0
    for entry in dispute.history.entries:
        if entry.type == "dispute_ruled":
            if rulings == number:
                break
            rulings += 1
        elif entry.type == "ruler_recused":
            aside.add(entry.actor)
    return aside


def _clocks(owner: Aggregate, deadlines: Sequence[Deadline], over: str | None) -> Iterator[Finding]:
    for deadline in deadlines:
        if over is not None and deadline.open:
            told = f"{deadline.name} is {deadline.state} though it is {over}"
            yield Finding(owner.id, Invariant.CLOCK, told)
        late = deadline.ended_at is not None and deadline.ended_at >= deadline.due_at
        if deadline.state is State.MET and late:
            yield Finding(owner.id, Invariant.CLOCK, f"{deadline.name} was met late and counts as on time")


def _untold(owner: Aggregate, *, pending: bool, case: Case, now: datetime) -> Iterator[Finding]:
    if pending and now - moment_of(owner.history.entries[-1].time) > GRACE:
        yield Finding(owner.id, Invariant.FINISHED, f"the case {case.id} was never told of it")
