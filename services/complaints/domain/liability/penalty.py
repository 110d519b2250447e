"""A penalty (罚扣, on its reward and penalty notice 奖罚通知单): proposed, approved, posted, appealed, reversed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from services.complaints.domain.liability.checks import not_concerned, not_own, wrong
from services.complaints.domain.liability.rules import ApprovalRule, MonthStep
from shared.aggregate import Aggregate
from shared.authority import must_hold
from shared.errors import Conflict, NotFound, RuleRefused
from shared.history import Cause, timestamp
from shared.ledger import Step


class Basis(StrEnum):
    """What a penalty is computed by."""

    FORMULA = "formula"
    FINE = "fine"
    POINTS = "points"
    #: A sanction that costs a part of a bonus.
    CONVERSION = "conversion"


class Unit(StrEnum):
    """What a ledger counts; a person has one ledger of each."""

    YUAN = "yuan"
    POINTS = "points"


class Bucket(StrEnum):
    """Charges that are settled alike at the end of a month."""

    #: By the loss: at most the capped part of the bonus a month.
    LOSS = "loss"
    #: Fines and conversions: whole.
    FIXED = "fixed"
    #: Points: counted, never settled.
    SCORE = "score"


class PenaltyState(StrEnum):
    """Where a penalty stands."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    #: Approved; the ledgers are being written.
    APPROVED = "approved"
    POSTED = "posted"
    #: No line of it stands any more.
    REVERSED = "reversed"


STANDING = frozenset({PenaltyState.PROPOSED, PenaltyState.APPROVED, PenaltyState.POSTED})


class LineState(StrEnum):
    """Where one person's line stands, and what the ledger still has to be told."""

    PROPOSED = "proposed"
    #: To be charged.
    DUE = "due"
    POSTED = "posted"
    #: To be taken back by a counter-entry.
    REVERSING = "reversing"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Appeal:
    """A person's appeal against their line, and what was decided; ``upheld`` is None while it waits."""

    reason: str
    at: datetime
    upheld: bool | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PenaltyLine:
    """What one person pays. ``amount`` is None until posting where it depends on how many came before.

    ``series`` then names those it is counted with and ``post`` the post of somebody jointly liable.
    """

    number: int
    staff: str
    amount: Decimal | None
    trace: tuple[Step, ...]
    series: str | None = None
    post: str | None = None
    state: LineState = LineState.PROPOSED
    period: str | None = None
    appeal: Appeal | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What the ledger wrote for a line: the amount, and the month it went into."""

    amount: Decimal
    period: str


@dataclass(kw_only=True)
class Penalty(Aggregate):
    """One penalty for one case, with a line for each person charged.

    ``code`` is the fine, the points or the sanction's form it follows; ``source`` its rule. ``revision`` is the
    attribution it rests on. ``authors`` prepared it, who attributed the liability among them, and so never
    approve it.
    """

    case_id: str
    liability_id: str
    revision: int
    basis: Basis
    code: str
    department: str
    unit: Unit
    bucket: Bucket
    payee: str
    paid_from: str
    source: str
    regulation: str
    reason: str
    authors: tuple[str, ...]
    proposed_by: str
    proposed_at: datetime
    lines: list[PenaltyLine]
    state: PenaltyState = PenaltyState.PROPOSED
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None

    @property
    def pending(self) -> bool:
        """Return whether a ledger still has to be told of it."""
        return any(line.state in {LineState.DUE, LineState.REVERSING} for line in self.lines)

    @property
    def standing(self) -> bool:
        """Return whether it stands, so that no other of its kind may be proposed for the case."""
        return self.state in STANDING

    @property
    def staff(self) -> tuple[str, ...]:
        """Return everybody charged."""
        return tuple(dict.fromkeys(line.staff for line in self.lines))

    @property
    def total(self) -> Decimal | None:
        """Return the sum of its lines; None while one of them is not known."""
        amounts = [line.amount for line in self.lines]
        return None if None in amounts else sum((a for a in amounts if a is not None), Decimal("0.00"))

    def line_id(self, line: PenaltyLine) -> str:
        """Return the id of the line's charge in the ledger."""
        return f"{self.id}.{line.number}"

    def propose(self, *, at: datetime, cause: Cause) -> None:
        """Record the proposal; who may make it was checked when its lines were computed."""
        data = {
            **self._head(),
            "liability_id": self.liability_id,
            "basis": self.basis.value,
            "code": self.code,
            "department": self.department,
            "unit": self.unit.value,
            "paid_from": self.paid_from,
            "payee": self.payee,
            "source": self.source,
            "regulation": self.regulation,
            "by": self.proposed_by,
            "proposed_at": timestamp(at),
            "lines": self._lines_data(),
        }
        self.record("penalty_proposed", data, at=at, cause=cause)

    def decide(
        self,
        rule: ApprovalRule,
        *,
        approved: bool,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Approve or refuse, once, by somebody with the right who neither prepared it nor is charged by it."""
        must_hold(rule.approvals, roles, "approving a penalty", rule.source)
        not_concerned(cause.actor, self.staff, "approving a penalty", rule.source)
        not_own(cause.actor, self.authors, "approving a penalty", rule.source)
        if self.state is not PenaltyState.PROPOSED:
            raise Conflict(f"penalty {self.id} was decided by {self.decided_by} already: it is {self.state}")
        self.note = note
        if approved:
            self.approve(by=cause.actor, at=at, cause=cause)
            return
        self.decided_by, self.decided_at, self.state = cause.actor, at, PenaltyState.REFUSED
        data = {**self._head(), "by": cause.actor, "decided_at": timestamp(at)}
        self.record("penalty_refused", data, at=at, cause=cause)

    def approve(self, *, by: str, at: datetime, cause: Cause) -> None:
        """Let it be charged; whether ``by`` may say so was checked by whoever asks."""
        self.decided_by, self.decided_at, self.state = by, at, PenaltyState.APPROVED
        self.lines = [replace(line, state=LineState.DUE) for line in self.lines]
        data = {**self._head(), "by": by, "decided_at": timestamp(at)}
        self.record("penalty_approved", data, at=at, cause=cause)

    def post(self, posted: Mapping[int, Posted], *, at: datetime, cause: Cause) -> None:
        """Take note of what the ledgers wrote for the lines that were due, by line number."""
        if self.state is not PenaltyState.APPROVED:
            return
        self.lines = [
            replace(line, state=LineState.POSTED, amount=found.amount, period=found.period)
            if (found := posted.get(line.number)) is not None and line.state is LineState.DUE
            else line
            for line in self.lines
        ]
        if self.pending:
            return
        self.state = PenaltyState.POSTED
        data = {
            **self._head(),
            "unit": self.unit.value,
            "lines": self._lines_data(),
            "posted_at": timestamp(at),
        }
        self.record("penalty_posted", data, at=at, cause=cause)

    def appeal(self, rule: MonthStep, reason: str, *, at: datetime, cause: Cause) -> None:
        """Appeal against the caller's own line, once."""
        line = self._line_of(cause.actor)
        if line.appeal is not None:
            raise RuleRefused(f"{cause.actor} has appealed before: there is one appeal", rule=rule.source)
        if line.state is not LineState.POSTED:
            raise RuleRefused(
                f"the line is {line.state}: only what was charged is appealed", rule=rule.source
            )
        self._put(replace(line, appeal=Appeal(reason, at)))
        data = {**self._head(), "staff": cause.actor, "appealed_at": timestamp(at)}
        self.record("penalty_appealed", data, at=at, cause=cause)

    def decide_appeal(
        self,
        rule: MonthStep,
        staff: str,
        *,
        upheld: bool,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Uphold an appeal, so that a counter-entry follows, or dismiss it; not by anybody charged or the authors."""
        must_hold(rule.roles, roles, "deciding on an appeal", rule.source)
        not_concerned(cause.actor, self.staff, "deciding on an appeal", rule.source)
        not_own(cause.actor, self.authors, "deciding on an appeal", rule.source)
        line = self._line_of(staff)
        if line.appeal is None:
            raise NotFound(f"{staff} has not appealed against penalty {self.id}")
        if line.appeal.upheld is not None:
            raise Conflict(f"the appeal was decided by {line.appeal.decided_by} already")
        decided = replace(line.appeal, upheld=upheld, decided_by=cause.actor, decided_at=at, note=note)
        self._put(
            replace(
                line, appeal=decided, state=LineState.REVERSING if upheld else line.state, trace=line.trace
            )
        )
        data = {
            **self._head(),
            "staff": staff,
            "upheld": upheld,
            "by": cause.actor,
            "decided_at": timestamp(at),
        }
        self.record("appeal_decided", data, at=at, cause=cause)

    def reverse(
        self,
        rule: ApprovalRule,
        *,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Ask for counter-entries to every line that stands; not by anybody charged or the authors."""
        must_hold(rule.approvals, roles, "reversing a penalty", rule.source)
        not_concerned(cause.actor, self.staff, "reversing a penalty", rule.source)
        not_own(cause.actor, self.authors, "reversing a penalty", rule.source)
        if self.state is not PenaltyState.POSTED:
            raise Conflict(f"penalty {self.id} is {self.state}: only what was posted is reversed")
        self.note = note
        self.lines = [
            replace(line, state=LineState.REVERSING) if line.state is LineState.POSTED else line
            for line in self.lines
        ]
        data = {**self._head(), "by": cause.actor, "requested_at": timestamp(at)}
        self.record("reversal_approved", data, at=at, cause=cause)

    def take_back(self, numbers: Collection[int], *, at: datetime, cause: Cause) -> None:
        """Take note that the ledgers hold the counter-entries of the lines ``numbers``."""
        gone = [line for line in self.lines if line.number in numbers and line.state is LineState.REVERSING]
        if not gone:
            return
        for line in gone:
            self._put(replace(line, state=LineState.REVERSED))
        if all(line.state is LineState.REVERSED for line in self.lines):
            self.state = PenaltyState.REVERSED
        data = {
            **self._head(),
            "staff": [line.staff for line in gone],
            "whole": self.state is PenaltyState.REVERSED,
            "reversed_at": timestamp(at),
        }
        self.record("penalty_reversed", data, at=at, cause=cause)

    def _head(self) -> dict[str, Any]:
        return {"penalty_id": self.id, "case_id": self.case_id}

    def _lines_data(self) -> Sequence[dict[str, Any]]:
        return [
            {
                "staff": line.staff,
                "amount": None if line.amount is None else str(line.amount),
                "post": line.post,
                "month": line.period,
            }
            for line in self.lines
        ]

    def _line_of(self, staff: str) -> PenaltyLine:
        found = next((line for line in self.lines if line.staff == staff), None)
        if found is None:
            raise wrong("staff", f"is not charged by penalty {self.id}")
        return found

    def _put(self, changed: PenaltyLine) -> None:
        self.lines = [changed if line.number == changed.number else line for line in self.lines]
