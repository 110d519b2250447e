"""The complaint ledger (投诉台账): one row a case, and which rows are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.states import CaseState
from shared.clocks import Deadline


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the ledger: of a period, and whatever of the rest is not ``None``.

    ``state`` may also be ``open`` or ``overdue``; ``after`` is where the last page ended: the instant and the id of
    its last row.
    """

    received_from: datetime | None = None
    received_before: datetime | None = None
    source: str | None = None
    level: str | None = None
    state: str | None = None
    problem: str | None = None
    after: tuple[datetime, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One case as the ledger shows it."""

    org: str
    case_id: str
    number: str
    contact_id: str
    customer_id: str
    channel: str
    source: str
    taken_by: str | None
    regulation: str
    problem: str
    complainant_type: str | None
    demand: str | None
    level: str
    state: CaseState
    valid: bool | None
    ground: str | None
    rounds: int
    repeats: int
    escalations: int
    handler: str | None
    received_at: datetime
    opened_at: datetime
    first_response_at: datetime | None
    replied_at: datetime | None
    closed_at: datetime | None
    deadlines: tuple[Deadline, ...]
