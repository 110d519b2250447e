"""A visit at the front desk (来访): checked in under a code, approved, sent to a counter, closed with its outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.timed import Timed
from shared.worktime import Calendar


@dataclass(frozen=True, slots=True)
class Purpose:
    """What somebody comes for, and the counter that serves it."""

    code: str
    name: str
    counter: str
    source: str


@dataclass(frozen=True, slots=True)
class VisitRules:
    """The visits part of a rulebook; without purposes a desk checks nobody in.

    ``entitled`` refuses a visitor whose contract has ended; ``approval`` lets nobody but household members in
    before the household approves; ``identity`` is how many seconds registering one takes at most; ``outcome``
    asks what came of a visit. Every visit has its bar code, and shows its fee until that is paid.
    """

    purposes: tuple[Purpose, ...] = ()
    entitled: Sourced[bool] | None = None
    approval: Sourced[bool] | None = None
    identity: Sourced[int] | None = None
    outcome: Sourced[bool] | None = None
    listed: Sourced[tuple[str, ...]] | None = None

    def purpose(self, code: str) -> Purpose | None:
        """Return the purpose called ``code``, if there is one."""
        return next((purpose for purpose in self.purposes if purpose.code == code), None)

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yield every role the section names, with its path."""
        for role in self.listed.value if self.listed else ():
            yield "visits.listed.value", role


@dataclass(kw_only=True)
class Visit(Timed):
    """One visit. ``name`` is the visitor's and stays out of every event; ``code`` is what the bar code says."""

    subject: ClassVar[str] = "visit"
    desk: str
    day: date
    code: str
    purpose: str
    counter: str
    name: str
    arrived_at: datetime
    household: bool
    customer_id: str | None = None
    unit_id: str | None = None
    fee_due: Decimal | None = None
    paid_at: datetime | None = None
    identified_at: datetime | None = None
    approved_by: str | None = None
    state: str = "queued"
    outcome: str | None = None

    def begin(self, rules: VisitRules, contract_ends: date | None, calendar: Calendar, cause: Cause) -> None:
        """Check in; RuleRefused when the contract that entitles the visitor has ended."""
        if rules.entitled and contract_ends is not None and contract_ends < self.day:
            raise RuleRefused(
                f"NOT_ENTITLED: the contract ended on {contract_ends}", rule=rules.entitled.source
            )
        if rules.approval and not self.household:
            self.state = "waiting"
        self._tell("checked_in", self.arrived_at, cause)
        if rules.identity:
            self.begin_clock_until(
                "identity",
                self.arrived_at + timedelta(seconds=rules.identity.value),
                calendar,
                self.arrived_at,
                cause,
                source=rules.identity.source,
            )

    def identify(self, at: datetime, cause: Cause) -> None:
        """Note that the identity was registered, which ends its clock."""
        if self.identified_at is not None:
            raise Conflict("the identity was registered already")
        self.identified_at = at
        self.meet_clock("identity", at, cause)
        self._tell("identified", at, cause)

    def approve(self, *, approved: bool, by: str, at: datetime, cause: Cause) -> None:
        """Enter what the household says to a visitor who waits."""
        if self.state != "waiting":
            raise Conflict("the visit does not wait for an approval")
        self.approved_by = by
        self.state = "queued" if approved else "closed"
        if not approved:
            self.outcome = "declined"
            self.drop_clocks(at, cause)
        self._tell("approved" if approved else "declined", at, cause)

    def pay(self, at: datetime, cause: Cause) -> None:
        """Mark the fee as paid; Conflict when none is due."""
        if self.payment != "UNPAID":
            raise Conflict("no fee is due")
        self.paid_at = at
        self._tell("paid", at, cause)

    def serve(self, rules: VisitRules, at: datetime, cause: Cause) -> None:
        """Call the visitor to the counter; RuleRefused while the household has not approved."""
        if self.state == "waiting" and rules.approval:
            raise RuleRefused("the household has not approved yet", rule=rules.approval.source)
        if self.state != "queued":
            raise Conflict(f"the visit is {self.state}")
        self.state = "serving"
        self._tell("called", at, cause)

    def close(self, rules: VisitRules, outcome: str | None, at: datetime, cause: Cause) -> None:
        """End the visit with what came of it; RuleRefused without."""
        if self.state == "closed":
            raise Conflict("the visit is closed")
        if outcome is None and rules.outcome:
            raise RuleRefused("a visit is closed with its outcome", rule=rules.outcome.source)
        self.state, self.outcome = "closed", outcome
        self.drop_clocks(at, cause)
        self._tell("closed", at, cause)

    @property
    def payment(self) -> str:
        """Return ``NONE``, ``UNPAID`` or ``PAID``."""
        if not self.fee_due:
            return "NONE"
        return "PAID" if self.paid_at else "UNPAID"

    def _tell(self, action: str, at: datetime, cause: Cause) -> None:
        data = {
            "visit_id": self.id,
            "action": action,
            "desk": self.desk,
            "purpose": self.purpose,
            "counter": self.counter,
            "state": self.state,
            "payment": self.payment,
            "customer_id": self.customer_id,
            "unit_id": self.unit_id,
        }
        self.record("visit_changed", data, at=at, cause=cause)

    def view(self) -> dict[str, Any]:
        """Return the JSON shape without the visitor's name."""
        return {
            "visit_id": self.id,
            "code": self.code,
            "desk": self.desk,
            "day": self.day.isoformat(),
            "purpose": self.purpose,
            "counter": self.counter,
            "state": self.state,
            "payment": self.payment,
            "fee_due": None if self.fee_due is None else str(self.fee_due),
            "household": self.household,
            "customer_id": self.customer_id,
            "unit_id": self.unit_id,
            "arrived_at": timestamp(self.arrived_at),
            "identified_at": timestamp(self.identified_at) if self.identified_at else None,
            "approved_by": self.approved_by,
            "outcome": self.outcome,
            "clocks": self.clock_view(),
        }
