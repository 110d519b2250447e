"""Use case: write what was decided into the ledgers, exactly once, whoever begins and whoever finishes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from services.complaints.domain.liability.account import Account, account_id
from services.complaints.domain.liability.fines import tariff_of
from services.complaints.domain.liability.month import LedgerMonth, MonthState, month_id
from services.complaints.domain.liability.penalty import (
    Basis,
    Bucket,
    LineState,
    Penalty,
    PenaltyLine,
    Posted,
    Unit,
)
from services.complaints.domain.liability.rules import FineRule, LiabilityRules
from services.complaints.domain.liability.sanctions import Sanction
from services.complaints.handlers.charging import Files
from shared.errors import Conflict, KefuError, Unavailable
from shared.history import Cause
from shared.ids import IdSource, derived_id
from shared.ledger import PeriodLocked, Tariff, period_after, period_of
from shared.logging import get_logger

if TYPE_CHECKING:
    from services.complaints.ledgers import LedgerRepository

log = get_logger(__name__)

#: How often a step starts over because somebody else was faster; many penalties may meet in one ledger.
_ATTEMPTS = 20
#: Aggregates one round of the timer takes.
_AT_ONCE = 100


class PostCharges:
    """Writes penalties into ledgers.

    A ledger joins the month before its first line of it, so that the closing finds it; a line goes into the
    first month that still takes ledgers. A line's id follows from its penalty, so writing it again changes
    nothing, and a process that dies in between leaves the penalty pending for whoever comes next.
    """

    def __init__(self, files: Files, ids: IdSource) -> None:
        """Use the files for ledgers and rules."""
        self._files = files
        self._ids = ids

    @property
    def _ledgers(self) -> LedgerRepository:
        return self._files.ledgers

    def pending(self, org: str | None = None) -> bool:
        """Finish what was begun and left; return whether there may be more."""
        cause = Cause(self._ids.new("tick"), "system")
        done = 0
        sanctions = self._ledgers.converting_sanctions(_AT_ONCE, org)
        for sanction in sanctions:
            done += self._try(sanction.id, partial(self.sanction, sanction, cause))
        penalties = self._ledgers.pending_penalties(_AT_ONCE, org)
        for penalty in penalties:
            done += self._try(penalty.id, partial(self.penalty, penalty, cause))
        return done > 0 and _AT_ONCE in {len(sanctions), len(penalties)}

    def sanction(self, sanction: Sanction, cause: Cause) -> None:
        """Make the penalty by which an approved sanction costs its part of the bonus, and post it."""
        penalty = self._conversion(sanction, cause)
        self._ledgers.penalties.insert(penalty)
        self.penalty(penalty, cause)
        for _ in range(_ATTEMPTS):
            kept = self._ledgers.sanctions.get(sanction.id, sanction.org)
            if kept is None or not kept.converts:
                return
            kept.converts = False
            try:
                self._ledgers.sanctions.save(kept, since_seq=kept.history.next_seq)
            except Conflict:
                continue
            return

    def penalty(self, penalty: Penalty, cause: Cause) -> None:
        """Write the lines that wait into their ledgers, then take note of it in the penalty."""
        rules = self._files.rules_of(penalty.org, penalty.regulation)
        at = self._files.clock.now()
        posted: dict[int, Posted] = {}
        gone: list[int] = []
        for line in penalty.lines:
            if line.state is LineState.DUE:
                posted[line.number] = self._write(penalty, line, rules, cause)
            elif line.state is LineState.REVERSING:
                self._write(penalty, line, rules, cause)
                gone.append(line.number)
        for _ in range(_ATTEMPTS):
            kept = self._ledgers.penalties.get(penalty.id, penalty.org)
            if kept is None or not kept.pending:
                return
            since = kept.history.next_seq
            kept.post(posted, at=at, cause=cause)
            kept.take_back(gone, at=at, cause=cause)
            if kept.history.next_seq == since:
                return
            try:
                self._ledgers.penalties.save(kept, since_seq=since)
            except Conflict:
                continue
            return
        raise Conflict(f"penalty {penalty.id} keeps being changed by others: try again")

    def join(self, org: str, period: str, *accounts: str) -> str:
        """Let ledgers belong to ``period``, or to the first month after it that still takes them; return which."""
        months = self._ledgers.months
        for _ in range(_ATTEMPTS):
            month = months.get(month_id(org, period), org)
            if month is None:
                month = LedgerMonth(id=month_id(org, period), org=org, month=period)
                month.join(accounts)
                if months.insert(month):
                    return period
                continue
            if month.state is not MonthState.OPEN:
                period = period_after(period)
                continue
            if not month.join(accounts):
                return period
            try:
                months.save(month, since_seq=month.history.next_seq)
            except Conflict:
                continue
            return period
        raise Conflict(f"the month {period} keeps being changed by others: try again")

    def _try(self, aggregate_id: str, post: Callable[[], None]) -> bool:
        """Return whether it could be posted; what cannot is logged and does not hold up the others."""
        try:
            post()
        except KefuError as error:
            if isinstance(error, Unavailable):
                raise
            log.exception("cannot be posted", aggregate=aggregate_id)
            return False
        return True

    def _write(self, penalty: Penalty, line: PenaltyLine, rules: LiabilityRules, cause: Cause) -> Posted:
        """Write one line into its ledger: a charge, or the counter-entry to one."""
        accounts, wanted = self._ledgers.accounts, account_id(penalty.org, line.staff, penalty.unit)
        for _ in range(_ATTEMPTS):
            account = accounts.get(wanted, penalty.org)
            if account is None:
                # Before it joins a month: a closing finds and locks every ledger of its month.
                accounts.insert(Account(id=wanted, org=penalty.org, staff=line.staff, unit=penalty.unit))
                continue
            since = account.history.next_seq
            try:
                posted = self._post(account, penalty, line, rules, cause)
            except PeriodLocked:
                continue
            if account.history.next_seq == since:
                return posted
            try:
                accounts.save(account, since_seq=since)
            except Conflict:
                continue
            return posted
        raise Conflict(f"the ledger of {line.staff} keeps being changed by others: try again")

    def _post(
        self, account: Account, penalty: Penalty, line: PenaltyLine, rules: LiabilityRules, cause: Cause
    ) -> Posted:
        charged = account.ledger.line(penalty.line_id(line))
        due = line.state is LineState.DUE
        if charged is not None and (due or not account.ledger.stands(charged.id)):
            # Written before.
            return Posted(charged.amount, charged.period)
        at = self._files.clock.now()
        wanted = account.ledger.open_period(period_of(at, self._files.zone(account.org)))
        period = self.join(account.org, wanted, account.id)
        tariff, fine = _counted(penalty, line, rules)
        if due:
            return account.charge(penalty, line, period, tariff=tariff, fine=fine, at=at, cause=cause)
        account.take_back(penalty, line, period, tariff=tariff, fine=fine, at=at, cause=cause)
        return Posted(line.amount or account.ledger.balance, period)

    def _conversion(self, sanction: Sanction, cause: Cause) -> Penalty:
        """Return the penalty of an approved sanction, approved with it."""
        at = sanction.decided_at or self._files.clock.now()
        by = sanction.decided_by or cause.actor
        penalty = Penalty(
            id=derived_id("pn", sanction.id),
            org=sanction.org,
            case_id=sanction.case_id,
            liability_id=sanction.liability_id,
            revision=sanction.revision,
            basis=Basis.CONVERSION,
            code=sanction.form,
            department=sanction.department,
            unit=Unit.YUAN,
            bucket=Bucket.FIXED,
            payee="company",
            paid_from=sanction.paid_from,
            source=sanction.source,
            regulation=sanction.regulation,
            reason=sanction.id,
            authors=sanction.authors,
            proposed_by=sanction.proposed_by,
            proposed_at=sanction.proposed_at,
            lines=[PenaltyLine(1, sanction.staff, sanction.cost, sanction.cost_trace)],
        )
        decided = Cause(sanction.id, by, cause.traceparent)
        penalty.propose(at=at, cause=decided)
        penalty.approve(by=by, at=at, cause=decided)
        return penalty


def _counted(
    penalty: Penalty, line: PenaltyLine, rules: LiabilityRules
) -> tuple[Tariff | None, FineRule | None]:
    """Return what a line of a series is counted by."""
    if line.series is None:
        return None, None
    return tariff_of(rules, penalty.code), next((f for f in rules.fines if f.code == penalty.code), None)
