"""A month of an organisation's ledgers: its review, the personnel notice, and its closing, after which it is locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.complaints.domain.liability.rules import MonthStep
from shared.aggregate import Aggregate
from shared.authority import must_hold
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.ids import derived_id
from shared.ledger import ZERO


def month_id(org: str, month: str) -> str:
    """Return the id of an organisation's month."""
    return derived_id("lm", org, month)


class MonthState(StrEnum):
    """Whether a month's ledgers still take lines."""

    OPEN = "open"
    #: No ledger joins any more; those that belong to it are being settled one by one.
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Review:
    """The review of the month's closed cases: what it looked at, and whether it was in time."""

    by: str
    at: datetime
    due_at: datetime | None
    on_time: bool
    closed_cases: int
    without_liability: int


@dataclass(frozen=True, slots=True)
class Notice:
    """The personnel notice (人事公布单) of the month: the sanctions it publishes."""

    by: str
    at: datetime
    on_time: bool
    sanctions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """What the closing did over all ledgers of money."""

    accounts: int = 0
    deducted: Decimal = ZERO
    refunded: Decimal = ZERO
    carried: Decimal = ZERO


@dataclass(kw_only=True)
class LedgerMonth(Aggregate):
    """One calendar month of one organisation.

    ``accounts`` are the ledgers that belong to it: a ledger joins before its first line of the month, and none
    joins once the closing has begun, so that the closing finds them all. ``bonuses`` are the month's performance
    bonuses by staff id, kept from the begin of the closing to its end so that whoever continues it has them.
    """

    month: str
    state: MonthState = MonthState.OPEN
    accounts: list[str] = field(default_factory=list)
    bonuses: dict[str, Decimal] = field(default_factory=dict)
    closing_by: str | None = None
    closing_key: str | None = None
    closed_at: datetime | None = None
    totals: Totals = Totals()
    review: Review | None = None
    notices: list[Notice] = field(default_factory=list)
    #: Sanctions of a notice that do not know yet that they are published.
    unmarked: list[str] = field(default_factory=list)

    @property
    def pending(self) -> bool:
        """Return whether something was begun that is not finished."""
        return self.state is MonthState.CLOSING or bool(self.unmarked)

    def join(self, accounts: Collection[str]) -> bool:
        """Let ledgers belong to the month; return whether any is new. Conflict once the closing has begun."""
        fresh = [account for account in accounts if account not in self.accounts]
        if fresh and self.state is not MonthState.OPEN:
            raise Conflict(f"{self.month} is {self.state}: post into a later month")
        self.accounts += fresh
        return bool(fresh)

    def begin_closing(
        self,
        rule: MonthStep,
        bonuses: Mapping[str, Decimal],
        *,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Take no more ledgers into the month; Conflict when somebody else closes or has closed it."""
        must_hold(rule.roles, roles, "closing a month", rule.source)
        if self.state is not MonthState.OPEN:
            raise Conflict(f"{self.month} is {self.state} by {self.closing_by} already")
        self.state, self.bonuses = MonthState.CLOSING, dict(bonuses)
        self.closing_by, self.closing_key = cause.actor, cause.message_id
        data = {
            "month_id": self.id,
            "month": self.month,
            "by": cause.actor,
            "begun_at": timestamp(at),
            "accounts": len(self.accounts),
        }
        self.record("month_closing_begun", data, at=at, cause=cause)

    def finish_closing(self, totals: Totals, *, at: datetime, cause: Cause) -> None:
        """Lock the month for good; once."""
        if self.state is not MonthState.CLOSING:
            return
        self.state, self.closed_at, self.totals, self.bonuses = MonthState.CLOSED, at, totals, {}
        data = {
            "month_id": self.id,
            "month": self.month,
            "by": self.closing_by,
            "closed_at": timestamp(at),
            "accounts": totals.accounts,
            "deducted": str(totals.deducted),
            "refunded": str(totals.refunded),
            "carried": str(totals.carried),
        }
        self.record("month_closed", data, at=at, cause=cause)

    def note_review(
        self,
        rule: MonthStep,
        *,
        due_at: datetime | None,
        closed_cases: int,
        without_liability: int,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Record that the month's closed cases were reviewed, once; late when not before ``due_at``."""
        must_hold(rule.roles, roles, "reviewing the month", rule.source)
        if self.review is not None:
            raise Conflict(f"{self.month} was reviewed by {self.review.by} already")
        on_time = due_at is None or at < due_at
        self.review = Review(cause.actor, at, due_at, on_time, closed_cases, without_liability)
        data = {
            "month_id": self.id,
            "month": self.month,
            "by": cause.actor,
            "reviewed_at": timestamp(at),
            "due_at": None if due_at is None else timestamp(due_at),
            "on_time": on_time,
            "closed_cases": closed_cases,
            "without_liability": without_liability,
        }
        self.record("month_reviewed", data, at=at, cause=cause)

    def publish(
        self,
        rule: MonthStep,
        sanctions: Sequence[str],
        *,
        due_at: datetime | None,
        reviewed_first: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> Notice:
        """Compile the approved sanctions of the month's cases into a notice and publish it.

        RuleRefused without any sanction, and where ``reviewed_first`` is the rule that wants the review before.
        """
        must_hold(rule.roles, roles, "publishing the personnel notice", rule.source)
        if reviewed_first is not None and self.review is None:
            message = f"the closed cases of {self.month} are reviewed before sanctions are published"
            raise RuleRefused(message, rule=reviewed_first)
        if not sanctions:
            raise RuleRefused(f"no approved sanction of {self.month} waits to be published", rule=rule.source)
        notice = Notice(cause.actor, at, due_at is None or at < due_at, tuple(sanctions))
        self.notices.append(notice)
        self.unmarked += sanctions
        data = {
            "month_id": self.id,
            "month": self.month,
            "number": len(self.notices),
            "by": cause.actor,
            "published_at": timestamp(at),
            "due_at": None if due_at is None else timestamp(due_at),
            "on_time": notice.on_time,
            "sanctions": list(sanctions),
        }
        self.record("notice_published", data, at=at, cause=cause)
        return notice
