"""What a case keeps of its supervision: who watches it, urges, reports, referrals, and what the customer was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AskedBy(StrEnum):
    """Who wanted the case to go on faster."""

    STAFF = "staff"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Watch:
    """That ``supervisor``, a role or a department, watches the case; ``because`` is one of the rulebook, or manual."""

    supervisor: str
    lead: str | None
    because: str
    source: str
    by: str
    since: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def active(self) -> bool:
        """Return whether it was not released."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Urge:
    """One urge (催办); ``clock`` is what its answer is timed by, ``escalated_to`` whom it brought the case before."""

    number: int
    asked_by: AskedBy
    by: str
    role: str
    at: datetime
    clock: str | None
    escalated_to: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """That the case was reported to a superior."""

    code: str
    to: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Referral:
    """That the case was handed to a department, and whether it came back done."""

    number: int
    department: str
    by: str
    at: datetime
    clock: str | None
    holds_closing: bool
    source: str
    returned_at: datetime | None = None
    returned_by: str | None = None

    @property
    def open(self) -> bool:
        """Return whether the department still has it."""
        return self.returned_at is None


@dataclass(frozen=True, slots=True)
class Entered:
    """One entry of progress, and whether the customer was told of it."""

    step: str
    by: str
    at: datetime
    told: bool
