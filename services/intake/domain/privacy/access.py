"""The access log (查阅日志): who looked at whose personal data, when, at which fields and why; never the values."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.aggregate import Aggregate
from shared.history import Cause


class Outcome(StrEnum):
    """What came of somebody's wish to see personal data."""

    READ = "read"
    EXPORTED = "exported"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Access:
    """One wish to see personal data: of one customer, or of ``count`` of them; ``rule`` granted or refused it."""

    customer_id: str | None
    fields: tuple[str, ...]
    purpose: str | None
    outcome: Outcome
    rule: str
    count: int = 1
    request_id: str | None = None


@dataclass(kw_only=True)
class AccessEntry(Aggregate):
    """One line of the access log; it is written before the data is shown, and never changed.

    ``month`` is the local one, such as 2026-03; ``lot`` is where it lies in the drawing of samples, from 0 to 1.
    """

    by: str
    at: datetime
    month: str
    access: Access
    lot: float

    @staticmethod
    def of(entry_id: str, org: str, access: Access, *, month: str, at: datetime, cause: Cause) -> AccessEntry:
        """Log ``access`` of the cause's actor at ``at``."""
        by = cause.actor
        entry = AccessEntry(
            id=entry_id, org=org, by=by, at=at, month=month, access=access, lot=lot_of(entry_id)
        )
        data = {
            "entry_id": entry_id,
            "customer_id": access.customer_id,
            "fields": list(access.fields),
            "purpose": access.purpose,
            "outcome": access.outcome.value,
            "count": access.count,
            "request_id": access.request_id,
            "by": by,
            "source": access.rule,
        }
        entry.record("personal_data_accessed", data, at=at, cause=cause)
        return entry


def lot_of(text: str) -> float:
    """Return where ``text`` lies in the drawing: the same each time, and evenly spread."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def ordered(names: Collection[str]) -> tuple[str, ...]:
    """Return field names once each, in one order."""
    return tuple(sorted(set(names)))
