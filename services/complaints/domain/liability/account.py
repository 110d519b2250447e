"""A person's ledger (罚扣台账): of money or of points, written to by approved penalties and month ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.complaints.domain.liability.penalty import Bucket, Penalty, PenaltyLine, Posted, Unit
from services.complaints.domain.liability.rules import CapRule, FineRule
from shared.aggregate import Aggregate
from shared.history import Cause
from shared.ids import derived_id
from shared.ledger import ZERO, Kind, Ledger, Line, Posting, Step, Tariff, round_down

_WHOLE = 100


def account_id(org: str, staff: str, unit: Unit) -> str:
    """Return the id of the ledger of one person in one unit."""
    return derived_id("la", org, staff, unit.value)


@dataclass(frozen=True, slots=True)
class Dismissal:
    """That dismissal was proposed because of a series; ``withdrawn_at`` once too few of it stand."""

    series: str
    offence: str
    count: int
    at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """What a month's closing did with one ledger."""

    taken: Decimal
    refunded: Decimal
    carried: Decimal


@dataclass(kw_only=True)
class Account(Aggregate):
    """The ledger of one person in one unit."""

    staff: str
    unit: Unit
    ledger: Ledger = field(default_factory=Ledger)
    dismissals: list[Dismissal] = field(default_factory=list)

    def charge(
        self,
        penalty: Penalty,
        line: PenaltyLine,
        period: str,
        *,
        tariff: Tariff | None,
        fine: FineRule | None,
        at: datetime,
        cause: Cause,
    ) -> Posted:
        """Charge a line of an approved penalty; the same line again changes nothing and tells the first outcome.

        Raises PeriodLocked when ``period`` is closed.
        """
        charge_id = penalty.line_id(line)
        posting = Posting(
            charge_id,
            penalty.bucket.value,
            line.amount if line.amount is not None else ZERO,
            at,
            penalty.decided_by or cause.actor,
            line.trace,
            {
                "penalty": penalty.id,
                "case": penalty.case_id,
                "department": penalty.department,
                "code": penalty.code,
                "payee": penalty.payee,
                "source": penalty.source,
            },
        )
        written = self.ledger.charge(posting, period, series=line.series, tariff=tariff)
        self._tell(written, at, cause)
        if written and fine is not None and line.series is not None:
            self._propose_dismissal(line.series, fine, at, cause)
        # Its first line is the charge itself, written just now or before.
        charged = self.ledger.about(charge_id)[0]
        return Posted(charged.amount, charged.period)

    def take_back(
        self,
        penalty: Penalty,
        line: PenaltyLine,
        period: str,
        *,
        tariff: Tariff | None,
        fine: FineRule | None,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Write the counter-entry of a line, and what follows from it for later ones of its series; once."""
        reason = Step("reversal", penalty.note or "appeal", penalty.source)
        if line.appeal is not None and line.appeal.upheld:
            reason = Step("appeal", line.appeal.decided_by or "", penalty.source)
        written = self.ledger.reverse(
            penalty.line_id(line), period, at=at, by=cause.actor, trace=(reason,), tariff=tariff
        )
        self._tell(written, at, cause)
        if written and fine is not None and line.series is not None:
            self._withdraw_dismissal(line.series, fine, at, cause)

    def needs_bonus(self, period: str) -> bool:
        """Tell whether closing ``period`` asks for the month's bonus: something is owed by the loss."""
        return any(self.ledger.owed(charge, until=period) > 0 for charge in self._loss_charges(period))

    def close(
        self,
        period: str,
        *,
        cap: CapRule | None,
        bonus: Decimal | None,
        source: str,
        at: datetime,
        cause: Cause,
    ) -> MonthEnd:
        """Deduct at the month's end, keep for later what is beyond the cap, and lock the month; once.

        Without a ``bonus`` nothing is taken for losses: no cap can be told.
        """
        if self.ledger.locked_through is not None and period <= self.ledger.locked_through:
            return self.month_end(period)
        limits: dict[str, Decimal | None] = {}
        traces: dict[str, tuple[Step, ...]] = {}
        if self.unit is Unit.YUAN:
            limits[Bucket.LOSS.value], traces[Bucket.LOSS.value] = _limit(cap, bonus)
            limits[Bucket.FIXED.value] = None
            traces[Bucket.FIXED.value] = (Step("month_end", period, source),)
        before = len(self.ledger.lines)
        self.ledger.settle(period, limits, at=at, by=cause.actor, traces=traces)
        self._tell(self.ledger.lines[before:], at, cause)
        end = self.month_end(period)
        data = {
            "account_id": self.id,
            "staff": self.staff,
            "unit": self.unit.value,
            "month": period,
            "deducted": str(end.taken),
            "refunded": str(end.refunded),
            "carried": str(end.carried),
        }
        self.record("ledger_month_closed", data, at=at, cause=cause)
        return end

    def month_end(self, period: str) -> MonthEnd:
        """Return what the closing of ``period`` did, from the lines."""
        own = [line for line in self.ledger.lines if line.period == period]
        taken = -sum((line.amount for line in own if line.kind is Kind.SETTLEMENT), ZERO)
        refunded = sum((line.amount for line in own if line.kind is Kind.RETURN), ZERO)
        return MonthEnd(taken, refunded, self.carried(period))

    def carried(self, period: str) -> Decimal:
        """Return what is still to be deducted after ``period``; points are not deducted."""
        if self.unit is Unit.POINTS:
            return ZERO
        lines = (line for line in self.ledger.lines if line.period <= period)
        return sum((line.amount for line in lines), ZERO)

    def _loss_charges(self, period: str) -> list[str]:
        return [
            line.id
            for line in self.ledger.lines
            if line.kind is Kind.CHARGE and line.bucket == Bucket.LOSS and line.period <= period
        ]

    def _tell(self, lines: Sequence[Line], at: datetime, cause: Cause) -> None:
        balance = self.ledger.balance - sum((line.amount for line in lines), ZERO)
        for line in lines:
            balance += line.amount
            self.record("ledger_entry_posted", self._line_data(line, balance), at=at, cause=cause)

    def _line_data(self, line: Line, balance: Decimal) -> Mapping[str, Any]:
        return {
            "account_id": self.id,
            "entry_id": line.id,
            "staff": self.staff,
            "unit": self.unit.value,
            "month": line.period,
            "kind": line.kind.value,
            "amount": str(line.amount),
            "balance": str(balance),
            "refers_to": line.refers_to,
            "penalty_id": line.labels["penalty"],
            "case_id": line.labels["case"],
            "department": line.labels["department"],
            "payee": line.labels["payee"],
            "source": line.labels["source"],
        }

    def _propose_dismissal(self, series: str, fine: FineRule, at: datetime, cause: Cause) -> None:
        count = len(self.ledger.standing(series))
        if fine.dismissal_from is None or count < fine.dismissal_from or self._open_dismissal(series):
            return
        self.dismissals.append(Dismissal(series, fine.offence, count, at))
        data = self._dismissal_data(fine, count)
        self.record("dismissal_proposed", data, at=at, cause=cause)

    def _withdraw_dismissal(self, series: str, fine: FineRule, at: datetime, cause: Cause) -> None:
        count = len(self.ledger.standing(series))
        found = self._open_dismissal(series)
        if fine.dismissal_from is None or count >= fine.dismissal_from or found is None:
            return
        position = self.dismissals.index(found)
        self.dismissals[position] = Dismissal(found.series, found.offence, found.count, found.at, at)
        self.record("dismissal_withdrawn", self._dismissal_data(fine, count), at=at, cause=cause)

    def _open_dismissal(self, series: str) -> Dismissal | None:
        return next((d for d in self.dismissals if d.series == series and d.withdrawn_at is None), None)

    def _dismissal_data(self, fine: FineRule, count: int) -> dict[str, Any]:
        return {
            "account_id": self.id,
            "staff": self.staff,
            "offence": fine.offence,
            "count": count,
            "source": fine.source,
        }


def _limit(cap: CapRule | None, bonus: Decimal | None) -> tuple[Decimal | None, tuple[Step, ...]]:
    """Return how much may be taken for losses in a month, and the steps that lead there; None: everything."""
    if cap is None:
        return None, ()
    if bonus is None:
        return ZERO, (Step("bonus", "none given", cap.source), Step("limit", str(ZERO), cap.source))
    limit = round_down(Fraction(bonus) * cap.percent / _WHOLE)
    return limit, (
        Step("bonus", str(bonus), cap.source),
        Step("percent", str(cap.percent), cap.source),
        Step("limit", str(limit), cap.source),
    )
