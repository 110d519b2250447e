"""What must hold of a penalty: each sum is what its steps give, and what the ledger of whoever pays it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from services.complaints.domain.auditing.findings import GRACE, Finding, Invariant
from services.complaints.domain.liability.account import Account, account_id
from services.complaints.domain.liability.penalty import (
    STANDING,
    Basis,
    LineState,
    Penalty,
    PenaltyLine,
    PenaltyState,
)
from services.complaints.domain.liability.rules import Base, Liable
from shared.history import moment_of
from shared.ledger import Kind, Step, apportion, round_half_up

_WHOLE = 100
_SPLIT = frozenset(f"{level}_amount" for level in Liable)
_BASES = frozenset(base.value for base in Base)


def penalty_findings(penalty: Penalty, accounts: Mapping[str, Account], now: datetime) -> Iterator[Finding]:
    """Yield what does not hold of ``penalty``; ``accounts`` are the ledgers of those it charges, by their ids."""
    for found in _sums(penalty):
        yield Finding(penalty.id, Invariant.CHARGE, found)
    for line in penalty.lines:
        account = accounts.get(account_id(penalty.org, line.staff, penalty.unit))
        for found in _in_ledger(penalty, line, account):
            yield Finding(penalty.id, Invariant.LEDGER, found)
    if penalty.pending and now - moment_of(penalty.history.entries[-1].time) > GRACE:
        yield Finding(penalty.id, Invariant.FINISHED, "a ledger was never told of it")


def _sums(penalty: Penalty) -> Iterator[str]:
    if penalty.basis is Basis.FORMULA:
        yield from _by_formula(penalty.lines)
        yield from _as_proposed(penalty)
    elif penalty.basis is Basis.CONVERSION:
        for line in penalty.lines:
            given = _converted(_given(line.trace))
            if line.amount != given:
                yield f"line {line.number} is {line.amount}, and the conversion gives {given}"


def _by_formula(lines: Sequence[PenaltyLine]) -> Iterator[str]:
    """Compute every line again from loss and points: a person by itself, a group or department split by points."""
    given = {line.staff: _given(line.trace) for line in lines}
    points = {staff: Decimal(steps["own_points"]) for staff, steps in given.items()}
    together = any(_SPLIT & steps.keys() for steps in given.values())
    first = next(iter(given.values()))
    loss, total = Fraction(Decimal(first["loss"])), Fraction(Decimal(first["total_points"]))
    if together:
        shares = apportion(round_half_up(loss * Fraction(sum(points.values())) / total), points)
    else:
        shares = {staff: round_half_up(loss * Fraction(own) / total) for staff, own in points.items()}
    for line in lines:
        wanted = shares[line.staff]
        if line.amount != wanted:
            yield f"line {line.number} is {line.amount}, and the formula gives {wanted}"


def _as_proposed(penalty: Penalty) -> Iterator[str]:
    proposed = next((entry for entry in penalty.history if entry.type == "penalty_proposed"), None)
    rows = proposed.data.get("lines", ()) if proposed is not None else ()
    told = [row["amount"] for row in rows]
    kept = [str(line.amount) for line in penalty.lines]
    if told != kept:
        yield f"charges {', '.join(kept)}, and {', '.join(told) or 'nothing'} was proposed"


def _converted(steps: Mapping[str, str]) -> Decimal | None:
    base = next((steps[name] for name in sorted(_BASES & steps.keys())), None)
    if base is None or "percent" not in steps:
        return None
    whole = Fraction(Decimal(base)) * Fraction(Decimal(steps.get("base_points", "1")))
    return round_half_up(whole * Fraction(Decimal(steps["percent"])) / _WHOLE)


def _in_ledger(penalty: Penalty, line: PenaltyLine, account: Account | None) -> Iterator[str]:
    """Hold a line against the ledger, which is written first."""
    charge_id = penalty.line_id(line)
    written = account.ledger.about(charge_id) if account is not None else []
    charges = [each for each in written if each.kind is Kind.CHARGE]
    if line.state in {LineState.POSTED, LineState.REVERSING, LineState.REVERSED} and len(charges) != 1:
        yield f"line {line.number} is {line.state} and charged {len(charges)} times"
    if line.state is LineState.POSTED and charges and charges[0].amount != line.amount:
        yield f"line {line.number} is {line.amount}, and {charges[0].amount} was charged"
    gone = any(each.kind is Kind.COUNTER for each in written)
    if line.state is LineState.REVERSED and not gone:
        yield f"line {line.number} is taken back, and the ledger has no counter-entry"
    if line.state is LineState.PROPOSED and written:
        yield f"line {line.number} was charged before it was approved"
    if penalty.state is PenaltyState.POSTED and line.state is LineState.POSTED and gone:
        yield f"line {line.number} is charged, and the ledger has taken it back"
    if penalty.state not in STANDING and not gone and charges:
        yield f"line {line.number} is charged by a penalty that is {penalty.state}"


def _given(trace: Sequence[Step]) -> dict[str, str]:
    return {step.what: step.value for step in trace}
