"""What a dossier is made of: documents, marks, plans, excuses, loans, receipt slips, accesses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.intake.domain.dossiers.rules import Make, Roles
from shared.errors import Forbidden
from shared.history import Cause
from shared.worktime import Calendar


@dataclass(frozen=True, slots=True)
class Act:
    """One act on a dossier: by whom, under which roles, when, and by which calendar and zone it is timed."""

    by: str
    roles: frozenset[str]
    at: datetime
    cause: Cause
    calendar: Calendar
    zone: ZoneInfo

    @property
    def day(self) -> date:
        """Return the local day."""
        return self.at.astimezone(self.zone).date()

    def end_of(self, day: date) -> datetime:
        """Return the first instant after the local ``day``."""
        next_day = day + timedelta(days=1)
        return datetime(next_day.year, next_day.month, next_day.day, tzinfo=self.zone)

    def role_of(self, allowed: Roles | None) -> str | None:
        """Return which role gives the right; None where everybody may. Forbidden, naming the rule, when none does."""
        if allowed is None:
            return None
        role = next((role for role in allowed.value if role in self.roles), None)
        if role is None:
            names = ", ".join(allowed.value)
            raise Forbidden(f"{allowed.source} leaves this to {names}", rule=allowed.source)
        return role


@dataclass(frozen=True, slots=True)
class Passed:
    """A stage that a document reached; ``to`` is who holds it since, None for the file."""

    stage: str
    at: datetime
    by: str
    to: str | None = None
    copy_kept: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    """A document as it is brought in: the item it is for, in which form, and its own number if it has one."""

    item: str
    make: Make
    form: str | None = None
    count: int = 1
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A document in a dossier, numbered there; ``holder`` is None while it lies in the file."""

    number: int
    item: str
    form: str
    make: Make
    count: int
    reference: str | None
    received_at: datetime
    received_day: date
    received_by: str
    holder: str | None = None
    passed: tuple[Passed, ...] = ()
    filed_at: datetime | None = None
    batch_day: date | None = None

    def reached(self, stage: str) -> Passed | None:
        """Return when and how it reached ``stage`` last."""
        return next((each for each in reversed(self.passed) if each.stage == stage), None)


@dataclass(frozen=True, slots=True)
class Given:
    """A mark that was given: when it happened, by whom under which role, and which document was chosen."""

    mark: str
    at: datetime
    by: str
    role: str | None = None
    piece: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The day a mark is to be given by."""

    mark: str
    day: date
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why documents will be late, explained by ``of`` to ``by``; ``valid`` if that was before they were due.

    Empty ``items`` are all.
    """

    items: tuple[str, ...]
    reason: str
    of: str
    by: str
    at: datetime
    valid: bool


class LoanState(StrEnum):
    """Where a loan stands."""

    PENDING = "pending"
    LENT = "lent"
    REFUSED = "refused"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Loan:
    """Documents that somebody borrows until the end of the day ``due_back``, once it is signed for."""

    number: int
    pieces: tuple[int, ...]
    borrower: str
    asked_at: datetime
    due_back: date
    state: LoanState = LoanState.PENDING
    decided_by: str | None = None
    decided_role: str | None = None
    decided_at: datetime | None = None
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A slip (签收单) the customer signed for papers; ``passed_at`` is when it went to the archive."""

    number: int
    pieces: tuple[int, ...]
    taken_by: str
    signed_at: datetime
    passed_at: datetime | None = None
    passed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """One reading of a confidential dossier: who, when and what for."""

    by: str
    at: datetime
    purpose: str
