"""What must hold of an offer: nothing is paid but what was approved by everybody its level and sum ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from services.complaints.domain.auditing.findings import GRACE, Finding, Invariant
from services.complaints.domain.auditing.people import accused_before
from services.complaints.domain.case import Case
from services.complaints.domain.liability.attribution import Liability
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.situation import authority_over, level_for
from services.complaints.domain.money.states import MovementKind, OfferState
from services.complaints.domain.rulebook import ComplaintRules
from shared.authority import Signature, standing
from shared.clocks import State
from shared.errors import RuleRefused
from shared.history import moment_of

_MOVED = {"offer_paid": 1, "offer_reversed": -1}
_PAID = {1: OfferState.PAID, 2: OfferState.REVERSED}


def offer_findings(
    offer: Offer,
    case: Case,
    liability: Liability | None,
    paid: Sequence[Offer],
    rules: ComplaintRules,
    now: datetime,
) -> Iterator[Finding]:
    """Yield what does not hold of ``offer`` on ``case``.

    ``paid`` are the paid offers of its matter as they stand, itself among them; ``liability`` is who was found
    liable for the case.
    """
    for found in _movements(offer):
        yield Finding(offer.id, Invariant.PAYMENT, found)
    for found in _clock(offer):
        yield Finding(offer.id, Invariant.CLOCK, found)
    if offer.pending and _since(offer, now) > GRACE:
        yield Finding(offer.id, Invariant.FINISHED, f"the case {case.id} was never told of it")
    if offer.movements:
        at = offer.movements[0].at
        barred = accused_before(case, at) | _liable(liability, at)
        for found in (*_signed(offer, rules, barred, at), *_in_all(offer, paid)):
            yield Finding(offer.id, Invariant.AUTHORITY, found)
        for found in _unfiled(offer, case, rules, at):
            yield Finding(offer.id, Invariant.PAYMENT, found)


def _movements(offer: Offer) -> Iterator[str]:
    """Hold the money that moved against the terms, the state and the history."""
    kinds = [movement.kind for movement in offer.movements]
    if kinds not in ([], [MovementKind.PAYMENT], [MovementKind.PAYMENT, MovementKind.COUNTER]):
        yield f"money moved as {', '.join(kinds)}"
    told = [
        _MOVED[entry.type] * Decimal(str(entry.data.get("amount")))
        for entry in offer.history
        if entry.type in _MOVED
    ]
    moved = [movement.amount for movement in offer.movements]
    if moved != told:
        yield f"{_listed(moved)} moved, and the history tells of {_listed(told)}"
    if moved and moved[0] != offer.terms.amount:
        yield f"{moved[0]} was paid on terms of {offer.terms.amount}"
    wanted = _PAID.get(len(moved))
    if offer.state is not wanted and (moved or offer.state in _PAID.values()):
        yield f"is {offer.state} and {_listed(moved)} moved"


def _clock(offer: Offer) -> Iterator[str]:
    for deadline in offer.deadlines:
        over = offer.state in {*_PAID.values(), OfferState.DECLINED, OfferState.REFUSED, OfferState.VOIDED}
        if over and deadline.open:
            yield f"{deadline.name} is {deadline.state} on an offer that is {offer.state}"
        late = deadline.ended_at is not None and deadline.ended_at >= deadline.due_at
        if deadline.state is State.MET and late:
            yield f"{deadline.name} was met late and counts as on time"


def _signed(offer: Offer, rules: ComplaintRules, barred: Collection[str], at: datetime) -> Iterator[str]:
    """Judge the payment again, by the level and the sum in all it was made at, with what was signed by then."""
    level, total = offer.level, offer.total
    if level_for(rules, level, total) != level:
        yield f"was paid at the level {level}, but {total} in all reaches {level_for(rules, level, total)}"
    try:
        authority = authority_over(rules, offer.terms.kind, level, total)
    except RuleRefused as error:
        yield error.message
        return
    signatures = [one for one in offer.signatures if one.at <= at]
    forged = [one for one in signatures if not _recorded(offer, one)]
    for one in forged:
        yield f"{one.by} as {one.role} is among the approvals and not in the history"
    valid = [one for one in signatures if one not in forged]
    found = standing(authority, valid, {*barred, *offer.authors})
    if found.open is not None:
        wanted = " or ".join(found.open.roles)
        yield f"{total} in all at the level {level} was paid without the approval of {wanted}"


def _recorded(offer: Offer, signature: Signature) -> bool:
    return any(
        entry.type == "approval_given"
        and (entry.data.get("by"), entry.data.get("role")) == (signature.by, signature.role)
        and entry.data.get("revision") == offer.revision
        for entry in offer.history
    )


def _in_all(offer: Offer, paid: Sequence[Offer]) -> Iterator[str]:
    """Whoever was paid last in the matter was judged by everything paid before: some total reaches the sum."""
    if offer.total < offer.terms.amount:
        yield f"{offer.terms.amount} was judged as {offer.total} in all"
    standing_now = [each for each in paid if each.state is OfferState.PAID]
    whole = sum((each.terms.amount for each in standing_now), Decimal("0.00"))
    if offer in standing_now and max(each.total for each in standing_now) < whole:
        yield f"{whole} was paid in the matter {offer.matter_id}, and nobody was asked about so much"


def _unfiled(offer: Offer, case: Case, rules: ComplaintRules, at: datetime) -> Iterator[str]:
    filed = {filing.unit for filing in case.filings if filing.at <= at}
    for rule in rules.authority.filings if rules.authority is not None else ():
        if offer.level in rule.levels and rule.code not in filed:
            yield f"was paid before the case {case.id} was filed with {rule.code}"


def _liable(liability: Liability | None, at: datetime) -> set[str]:
    made = [each for each in liability.attributions if each.at < at] if liability is not None else []
    return set(made[-1].finding.persons) if made else set()


def _since(offer: Offer, now: datetime) -> timedelta:
    return now - moment_of(offer.history.entries[-1].time)


def _listed(sums: Sequence[Decimal]) -> str:
    return ", ".join(map(str, sums)) or "nothing"
