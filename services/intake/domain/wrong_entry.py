"""A command that was refused because of what was entered: who entered it and which fields, never what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.aggregate import Aggregate
from shared.history import Cause


@dataclass(kw_only=True)
class WrongEntry(Aggregate):
    """One refused command of a member of staff; ``day`` is the local one, such as 2026-03-02."""

    staff: str
    method: str
    fields: list[str]
    day: str
    at: datetime

    @staticmethod
    def of(
        entry_id: str,
        org: str,
        method: str,
        fields: Sequence[str],
        *,
        day: str,
        at: datetime,
        source: str,
        cause: Cause,
    ) -> WrongEntry:
        """Note that ``fields`` of a command of the cause's actor were wrong (B-STD-16)."""
        entry = WrongEntry(
            id=entry_id, org=org, staff=cause.actor, method=method, fields=list(fields), day=day, at=at
        )
        data = {
            "entry_id": entry_id,
            "staff": entry.staff,
            "method": method,
            "fields": entry.fields,
            "day": day,
            "source": source,
        }
        entry.record("wrong_entry_noted", data, at=at, cause=cause)
        return entry
