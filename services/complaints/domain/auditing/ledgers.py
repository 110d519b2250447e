"""What must hold of a ledger and of a closed month: each charge once, the cap kept, and what it leaves carried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from services.complaints.domain.auditing.findings import Finding, Invariant
from services.complaints.domain.liability.account import Account
from services.complaints.domain.liability.month import LedgerMonth, MonthState, Totals
from services.complaints.domain.liability.penalty import Bucket, Unit
from shared.ledger import ZERO, Kind, Ledger, Line, Tariff, round_down

_WHOLE = 100


def account_findings(account: Account, tariff: Callable[[Line], Tariff | None]) -> Iterator[Finding]:
    """Yield what does not hold of a ledger.

    ``tariff`` tells what a charge of a series is counted by: the same object for the same rule of the same rulebook.
    """
    for found in (*_recorded(account), *_once(account.ledger)):
        yield Finding(account.id, Invariant.LEDGER, found)
    for found in _series(account.ledger, tariff):
        yield Finding(account.id, Invariant.CHARGE, found)
    for found in (*_settled(account), *_months(account)):
        yield Finding(account.id, Invariant.CARRIED, found)


def month_findings(month: LedgerMonth, accounts: Mapping[str, Account]) -> Iterator[Finding]:
    """Yield what does not hold of a month; ``accounts`` are the ledgers that belong to it, by their ids."""
    if month.state is not MonthState.CLOSED:
        return
    totals = Totals()
    for account_id in month.accounts:
        account = accounts.get(account_id)
        locked = account.ledger.locked_through if account is not None else None
        if account is None or locked is None or locked < month.month:
            yield Finding(month.id, Invariant.LEDGER, f"is closed, and the ledger {account_id} is not")
        elif account.unit is Unit.YUAN:
            end = account.month_end(month.month)
            totals = Totals(
                totals.accounts + 1,
                totals.deducted + end.taken,
                totals.refunded + end.refunded,
                totals.carried + end.carried,
            )
    if totals != month.totals:
        found = f"closed with {_summed(month.totals)}, and its ledgers come to {_summed(totals)}"
        yield Finding(month.id, Invariant.CARRIED, found)


def _recorded(account: Account) -> Iterator[str]:
    """Hold the lines against what the history told of them: none lost, none slipped in, none changed."""
    entries = [entry for entry in account.history if entry.type == "ledger_entry_posted"]
    told = [(str(entry.data.get("entry_id")), str(entry.data.get("amount"))) for entry in entries]
    kept = [(line.id, str(line.amount)) for line in account.ledger.lines]
    for line_id, amount in (Counter(told) - Counter(kept)).elements():
        yield f"{line_id} of {amount} was posted and is not there"
    for line_id, amount in (Counter(kept) - Counter(told)).elements():
        yield f"{line_id} of {amount} is there and was never posted"


def _once(ledger: Ledger) -> Iterator[str]:
    for line_id, count in Counter(line.id for line in ledger.lines).items():
        if count > 1:
            yield f"{line_id} is there {count} times"
    charges = {line.id for line in ledger.lines if line.kind is Kind.CHARGE}
    for line in ledger.lines:
        if line.charge_id not in charges:
            yield f"{line.id} is about {line.charge_id}, which is not there"


def _series(ledger: Ledger, tariff: Callable[[Line], Tariff | None]) -> Iterator[str]:
    """A series costs what its standing charges cost together, whatever fell in between."""
    for series in dict.fromkeys(line.series for line in ledger.lines if line.series is not None):
        charges = ledger.standing(series)
        tariffs = {id(found): found for charge in charges if (found := tariff(charge)) is not None}
        if len(tariffs) != 1:
            # None stands, or they were posted under rulebooks that count differently.
            continue
        (counted,) = tariffs.values()
        made = (Kind.CHARGE, Kind.RECOUNT)
        cost = sum(
            (line.amount for charge in charges for line in ledger.about(charge.id) if line.kind in made), ZERO
        )
        wanted = counted.total(len(charges))
        if cost != wanted:
            yield f"{len(charges)} of {series} cost {cost}, and the rule gives {wanted}"


def _settled(account: Account) -> Iterator[str]:
    """Follow every charge through the closed months."""
    ledger, locked = account.ledger, account.ledger.locked_through
    if locked is None or account.unit is not Unit.YUAN:
        return
    for charge in (line for line in ledger.lines if line.kind is Kind.CHARGE and line.period <= locked):
        owed = ledger.owed(charge.id, until=locked)
        if owed < 0:
            yield f"{-owed} more than owed was taken for {charge.id}"
        elif owed > 0 and charge.bucket == Bucket.FIXED:
            yield f"{owed} of {charge.id} is still owed after {locked}, though no cap holds it back"
    closings: dict[str, list[Line]] = {}
    for line in ledger.lines:
        if line.kind is Kind.SETTLEMENT and line.bucket == Bucket.LOSS:
            closings.setdefault(line.period, []).append(line)
    for period, lines in closings.items():
        yield from _capped(ledger, period, lines)


def _capped(ledger: Ledger, period: str, lines: Sequence[Line]) -> Iterator[str]:
    """Hold what a closing took for losses against the cap it says it was under."""
    steps = {step.what: step.value for step in lines[0].trace}
    if "limit" not in steps:
        return
    limit, taken = Decimal(steps["limit"]), -sum((line.amount for line in lines), ZERO)
    if "percent" in steps:
        allowed = round_down(Fraction(Decimal(steps["bonus"])) * int(steps["percent"]) / _WHOLE)
        if limit != allowed:
            yield f"the cap of {period} was {limit}, and {steps['percent']} % of the bonus are {allowed}"
    if taken > limit:
        yield f"{taken} was taken for losses in {period}, and the cap was {limit}"
    owing: dict[str, Decimal] = {}
    for line in ledger.lines:
        if line.bucket == Bucket.LOSS and line.period <= period:
            owing[line.charge_id] = owing.get(line.charge_id, ZERO) + line.amount
    left = sum((amount for amount in owing.values() if amount > 0), ZERO)
    if left > 0 and taken < limit:
        yield f"{left} is owed after {period}, though only {taken} of {limit} was taken"


def _months(account: Account) -> Iterator[str]:
    """Hold what was told at each month's end against the lines."""
    for entry in account.history:
        if entry.type != "ledger_month_closed":
            continue
        month = str(entry.data.get("month"))
        end = account.month_end(month)
        now = {"deducted": end.taken, "refunded": end.refunded, "carried": end.carried}
        for name, amount in now.items():
            if entry.data.get(name) != str(amount):
                yield f"{month} closed with {name} {entry.data.get(name)}, and its lines give {amount}"


def _summed(totals: Totals) -> str:
    return f"{totals.deducted} deducted, {totals.refunded} refunded and {totals.carried} carried"
