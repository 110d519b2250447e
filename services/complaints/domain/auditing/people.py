"""Whom a case was about, and since when: as its history tells it."""

from __future__ import annotations

from datetime import datetime

from services.complaints.domain.case import Case
from shared.history import moment_of


def accused_before(case: Case, at: datetime) -> set[str]:
    """Return the staff the case was about before ``at``."""
    named: set[str] = set()
    for entry in case.history:
        if entry.type == "accused_named" and moment_of(entry.time) < at:
            named |= set(entry.data.get("staff", ()))
    return named
