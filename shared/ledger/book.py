"""The ledger of one holder: append-only lines, what is owed of each charge, settled periods that never change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shared.errors import Conflict, NotFound
from shared.ledger.lines import Kind, Line, Posting, Step
from shared.ledger.money import ZERO, exact
from shared.ledger.periods import period_after
from shared.ledger.series import Tariff


class PeriodLocked(Conflict):
    """The period is locked: post into a later one."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement did with one bucket: owed before, limit (None: none), taken, given back, left owing."""

    bucket: str
    owed: Decimal
    limit: Decimal | None
    taken: Decimal
    returned: Decimal
    carried: Decimal


@dataclass(slots=True)
class Ledger:
    """Lines in the order they were written; nothing is ever changed or removed.

    A line belongs to a period; ``locked_through`` is the last period that takes none any more. What is owed is
    kept by charge: its own amount, less what was taken for it, less what took it back. So nothing beyond a
    limit is lost or taken twice, whatever comes in between. Ids are the caller's; the same id again changes
    nothing.
    """

    lines: list[Line] = field(default_factory=list)
    locked_through: str | None = None

    @property
    def balance(self) -> Decimal:
        """Return what the holder owes in all; below zero, what is owed to the holder."""
        return sum((line.amount for line in self.lines), ZERO)

    def line(self, line_id: str) -> Line | None:
        """Return the line called ``line_id``."""
        return next((line for line in self.lines if line.id == line_id), None)

    def about(self, charge_id: str) -> list[Line]:
        """Return a charge and every line about it, in the order written."""
        return [line for line in self.lines if line.charge_id == charge_id]

    def owed(self, charge_id: str, *, until: str | None = None) -> Decimal:
        """Return what is still owed of a charge, by the lines of the periods up to ``until``."""
        return sum((line.amount for line in self.about(charge_id) if _within(line, until)), ZERO)

    def stands(self, charge_id: str) -> bool:
        """Tell whether the charge was never taken back."""
        return all(line.kind is not Kind.COUNTER for line in self.about(charge_id))

    def open_period(self, wanted: str) -> str:
        """Return ``wanted``, or the first period that is not locked if that is later."""
        if self.locked_through is None or wanted > self.locked_through:
            return wanted
        return period_after(self.locked_through)

    def charge(
        self, posting: Posting, period: str, *, series: str | None = None, tariff: Tariff | None = None
    ) -> list[Line]:
        """Write a charge and return the new lines; none when its id was written before.

        In a ``series`` the amount is what the ``tariff`` adds for one more standing charge, and the posting's
        own does not count. PeriodLocked when ``period`` is locked, ValueError for a sum that is negative or
        not in hundredths.
        """
        if self.line(posting.id) is not None:
            return []
        ordinal = None
        amount, trace = exact(posting.amount), posting.trace
        if tariff is not None and series is not None:
            ordinal = len(self.standing(series)) + 1
            amount = exact(tariff.of(ordinal))
            trace = (*trace, Step("occurrence", str(ordinal), tariff.source))
            trace = (*trace, Step("amount", str(amount), tariff.source))
        if amount < 0:
            raise ValueError("a charge is not negative: what was charged is taken back by a counter-entry")
        line = Line(
            posting.id,
            period,
            Kind.CHARGE,
            posting.bucket,
            amount,
            None,
            posting.at,
            posting.by,
            trace,
            dict(posting.labels),
            series,
            ordinal,
        )
        return [self._write(line)]

    def standing(self, series: str) -> list[Line]:
        """Return the charges of a series that were not taken back, in the order written."""
        gone = {line.refers_to for line in self.lines if line.kind is Kind.COUNTER}
        return [
            line
            for line in self.lines
            if line.kind is Kind.CHARGE and line.series == series and line.id not in gone
        ]

    def reverse(
        self,
        charge_id: str,
        period: str,
        *,
        at: datetime,
        by: str,
        trace: tuple[Step, ...] = (),
        tariff: Tariff | None = None,
    ) -> list[Line]:
        """Take a charge back whole by a counter-entry and return the new lines; none when that was done before.

        Later standing charges of its series are counted anew by the ``tariff``, so that the series always costs
        what its standing charges cost together. NotFound when there is no such charge.
        """
        charge = self.line(charge_id)
        if charge is None or charge.kind is not Kind.CHARGE:
            raise NotFound(f"the ledger has no charge {charge_id!r}")
        if not self.stands(charge_id):
            return []
        recounted = sum((line.amount for line in self.about(charge_id) if line.kind is Kind.RECOUNT), ZERO)
        counter = _about(
            charge, f"{charge_id}.r", period, Kind.COUNTER, -(charge.amount + recounted), at, by, trace
        )
        written = [self._write(counter)]
        if charge.series is not None and tariff is not None:
            written += self._recount(charge.series, period, tariff, at, by)
        return written

    def settle(
        self,
        period: str,
        limits: Mapping[str, Decimal | None],
        *,
        at: datetime,
        by: str,
        traces: Mapping[str, tuple[Step, ...]] | None = None,
    ) -> list[Settled]:
        """Take what is owed by the lines up to ``period`` and lock it; return what was done, by bucket.

        From each bucket of ``limits`` at most its limit is taken, the oldest charge first, and the rest stays
        owed; None takes everything. What was taken for charges that no longer stand is given back whole and
        does not count against the limit. Other buckets stay as they are. PeriodLocked when ``period`` is locked.
        """
        self._check_open(period)
        done = []
        for bucket, limit in limits.items():
            trace = (traces or {}).get(bucket, ())
            done.append(self._settle(bucket, period, limit, at, by, trace))
        self.locked_through = period
        return done

    def _settle(
        self,
        bucket: str,
        period: str,
        limit: Decimal | None,
        at: datetime,
        by: str,
        trace: tuple[Step, ...],
    ) -> Settled:
        owing: dict[str, Decimal] = {}
        for line in self.lines:
            if line.bucket == bucket and line.period <= period:
                owing[line.charge_id] = owing.get(line.charge_id, ZERO) + line.amount
        charges = [line for line in self.lines if line.kind is Kind.CHARGE and line.id in owing]
        owed = sum((amount for amount in owing.values() if amount > 0), ZERO)
        left = owed if limit is None else min(exact(limit), owed)
        taken = returned = ZERO
        for charge in charges:
            amount = owing[charge.id]
            part = min(amount, left)
            if amount == 0 or part == 0:
                continue
            kind = Kind.SETTLEMENT if part > 0 else Kind.RETURN
            why = (*trace, *_told(amount, part, trace[-1].source)) if trace else ()
            self._write(_about(charge, f"{charge.id}.{period}", period, kind, -part, at, by, why))
            if part > 0:
                taken, left = taken + part, left - part
            else:
                returned -= part
        return Settled(bucket, owed, limit, taken, returned, owed - taken)

    def _recount(self, series: str, period: str, tariff: Tariff, at: datetime, by: str) -> list[Line]:
        written = []
        for ordinal, charge in enumerate(self.standing(series), 1):
            earlier = [line for line in self.about(charge.id) if line.kind is Kind.RECOUNT]
            counted = charge.amount + sum((line.amount for line in earlier), ZERO)
            difference = exact(tariff.of(ordinal)) - counted
            if difference == 0:
                continue
            steps = (
                Step("occurrence", str(ordinal), tariff.source),
                Step("amount", str(exact(tariff.of(ordinal))), tariff.source),
            )
            line_id = f"{charge.id}.n{len(earlier) + 1}"
            line = _about(charge, line_id, period, Kind.RECOUNT, difference, at, by, steps)
            written.append(self._write(line))
        return written

    def _write(self, line: Line) -> Line:
        self._check_open(line.period)
        self.lines.append(line)
        return line

    def _check_open(self, period: str) -> None:
        if self.locked_through is not None and period <= self.locked_through:
            raise PeriodLocked(f"{period} is closed: the ledger is locked through {self.locked_through}")


def _told(owed: Decimal, part: Decimal, source: str) -> tuple[Step, ...]:
    return Step("owed", str(owed), source), Step("carried", str(owed - part), source)


def _within(line: Line, until: str | None) -> bool:
    return until is None or line.period <= until


def _about(
    charge: Line,
    line_id: str,
    period: str,
    kind: Kind,
    amount: Decimal,
    at: datetime,
    by: str,
    trace: Iterable[Step],
) -> Line:
    return Line(
        line_id, period, kind, charge.bucket, amount, charge.id, at, by, tuple(trace), dict(charge.labels)
    )
