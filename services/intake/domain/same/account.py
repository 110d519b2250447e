"""A client as somebody's: who owns it, where its contract stands, its state, its grades, what it was merged into."""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import ClassVar
from zoneinfo import ZoneInfo

from services.intake.domain.same.likeness import Identity
from services.intake.domain.same.names import parse_licence, parse_phone
from services.intake.domain.same.rules import Contract, Ownership, Pool
from shared.clocks import Firing, Kind
from shared.history import Cause, timestamp
from shared.timed import Timed
from shared.worktime import Calendar

LAPSE = "lapse"
SETTLED, AT_RISK = "settled", "at_risk"


@dataclass(frozen=True, slots=True)
class Owned:
    """From when on somebody owns it; nobody is None."""

    owner: str | None
    pool: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade somebody gave, and when."""

    kind: str
    grade: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another agent is proposed, because the client rated its own as low as ``rating``."""

    rating: int
    owner: str
    to: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is entered about a client; a field is None as long as nobody said."""

    name: str | None = None
    licence_name: str | None = None
    phone: str | None = None
    region: str | None = None
    address: str | None = None
    contact_name: str | None = None

    def missing(self, complete: tuple[str, ...]) -> list[str]:
        """Return which of the fields ``complete`` are not filled in."""
        return [name for name in complete if not getattr(self, name)]

    @property
    def identity(self) -> Identity:
        """Return what the client is recognised by."""
        return Identity(
            None if self.name is None else parse_licence(self.name),
            None if self.phone is None else parse_phone(self.phone),
        )

    @property
    def protected(self) -> bool:
        """Return whether the key field is that of the licence, so that a conflict protects it (B-CRM-16)."""
        name, licence = self.name, self.licence_name
        return name is None or licence is None or parse_licence(name).key == parse_licence(licence).key


@dataclass(kw_only=True)
class Account(Timed):
    """One client; ``keys`` are unique over all, ``marks`` are what it is found by.

    A client that is not protected, or that was let in beside another one, holds no key of its name and number.
    """

    subject: ClassVar[str] = "account"

    particulars: Particulars
    customer_id: str | None
    keys: tuple[str, ...]
    marks: tuple[str, ...]
    entered_at: datetime
    protected: bool = True
    conflict_id: str | None = None
    contract: Contract = Contract.NEVER_SIGNED
    contract_since: date | None = None
    owner: str | None = None
    pool: str | None = None
    owners: list[Owned] = field(default_factory=list)
    slot: str | None = None
    state: str = SETTLED
    state_since: datetime | None = None
    grades: list[Graded] = field(default_factory=list)
    proposal: Proposal | None = None
    merged_into: str | None = None

    def entered(self, owner: str | None, pool: str | None, at: datetime, cause: Cause) -> None:
        """Record that it was entered, and whose it is."""
        self._own(owner, pool, at)
        data = {
            "account_id": self.id,
            "customer_id": self.customer_id,
            "conflict_id": self.conflict_id,
            "owner": self.owner,
            "pool": self.pool,
            "protected": self.protected,
        }
        self.record("account_entered", data, at=at, cause=cause)

    def pass_to(
        self, owner: str | None, pool: str | None, at: datetime, cause: Cause, *, source: str
    ) -> None:
        """Let ``owner`` own it from ``at`` on; the history keeps who did before."""
        before = self.owner
        self._own(owner, pool, at)
        self.proposal = None
        self._changed("owner", before, owner, source, at, cause)

    def _own(self, owner: str | None, pool: str | None, at: datetime) -> None:
        self.owner, self.pool = owner, pool
        self.owners = [*self.owners, Owned(owner, pool, at)]

    def hold(self, slot: str | None) -> None:
        """Take the place ``slot`` of the owner's quota instead of the one before; None is none."""
        kept = tuple(key for key in self.keys if key != self.slot)
        self.slot = slot
        self.keys = kept if slot is None else (*kept, slot)

    def sign(self, contract: Contract, since: date, at: datetime, cause: Cause, *, source: str) -> None:
        """Note where the contract stands."""
        before, self.contract, self.contract_since = self.contract, contract, since
        self._changed("contract", before, contract, source, at, cause)

    def await_lapse(
        self, rules: Ownership, calendar: Calendar, zone: ZoneInfo, at: datetime, cause: Cause
    ) -> None:
        """Start the clock after which a lapsed client passes on, or drop it."""
        self.drop_clock(LAPSE, at, cause)
        if self.contract is Contract.LAPSED and rules.lapse_months and recently_lapsed(self, rules, at, zone):
            day = months_after(self.contract_since or at.astimezone(zone).date(), rules.lapse_months.value)
            due = datetime.combine(day, time.min, zone)
            self.begin_clock_until(LAPSE, due, calendar, at, cause, source=rules.lapse_months.source)

    def after_firing(self, firing: Firing, now: datetime, cause: Cause) -> None:
        """Let a client that lapsed too long ago go: nobody owns it until somebody of the other pool enters it."""
        if firing.clock == LAPSE and firing.kind is Kind.BREACHED and self.contract is Contract.LAPSED:
            source = next(d.source for d in reversed(self.deadlines) if d.name == LAPSE)
            self.drop_clock(LAPSE, now, cause)
            self.hold(None)
            self.pass_to(None, None, now, cause, source=source)

    def feel(self, state: str, at: datetime, cause: Cause, *, source: str) -> None:
        """Note whether the client may be lost."""
        before, self.state, self.state_since = self.state, state, at
        self._changed("state", before, state, source, at, cause)

    def grade(self, kind: str, grade: str, at: datetime, cause: Cause, *, source: str) -> None:
        """Note a grade of one ``kind``, and who gave it; those before stay."""
        before = self.graded(kind)
        self.grades = [*self.grades, Graded(kind, grade, cause.actor, at)]
        self._changed(kind, None if before is None else before.grade, grade, source, at, cause)

    def graded(self, kind: str) -> Graded | None:
        """Return the newest grade of ``kind``."""
        return next((each for each in reversed(self.grades) if each.kind == kind), None)

    def propose(self, proposal: Proposal, cause: Cause) -> None:
        """Propose another agent."""
        self.proposal = proposal
        self._changed("proposal", proposal.owner, proposal.to, proposal.source, proposal.at, cause)

    def decline(self, at: datetime, cause: Cause, *, source: str) -> None:
        """Let the agent stay after all."""
        if self.proposal is not None:
            refused, self.proposal = self.proposal, None
            self._changed("proposal", refused.to, None, source, at, cause)

    def merge_into(self, other: str | None, at: datetime, cause: Cause, *, source: str) -> None:
        """Let everything that leads here lead to ``other``; None takes that back. What it was stays as it is."""
        before, self.merged_into = self.merged_into, other
        self._changed("merged_into", before, other, source, at, cause)

    def _changed(
        self, what: str, before: str | None, after: str | None, source: str, at: datetime, cause: Cause
    ) -> None:
        data = {
            "account_id": self.id,
            "change": what,
            "before": before,
            "after": after,
            "at": timestamp(at),
            "source": source,
        }
        self.record("account_changed", data, at=at, cause=cause)


def months_after(day: date, count: int) -> date:
    """Return the same day ``count`` months later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def recently_lapsed(account: Account, rules: Ownership, at: datetime, zone: ZoneInfo) -> bool:
    """Return whether the contract lapsed less than the rulebook's time ago; exactly that long is not recent."""
    if (
        account.contract is not Contract.LAPSED
        or account.contract_since is None
        or rules.lapse_months is None
    ):
        return False
    return at.astimezone(zone).date() < months_after(account.contract_since, rules.lapse_months.value)


def pool_now(account: Account, rules: Ownership, at: datetime, zone: ZoneInfo) -> Pool | None:
    """Return the pool that clients in this state belong to."""
    return rules.pool_of(account.contract, recent=recently_lapsed(account, rules, at, zone))
