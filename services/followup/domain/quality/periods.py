"""Periods a sample is of: a month as ``2025-03``, a quarter as ``2025-Q1``."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.followup.domain.quality.rules import Period

#: What a period looks like.
PATTERN = r"^20\d\d-(?:Q[1-4]|0[1-9]|1[0-2])\Z"


def fits(period: str | None, kind: Period | None) -> bool:
    """Return whether ``period`` is of the ``kind`` asked for."""
    if period is None or kind is None:
        return period is None and kind is None
    return ("Q" in period) == (kind is Period.QUARTER)


def end_of(period: str, day: int, zone: ZoneInfo) -> datetime:
    """Return the end of the ``day`` of the month that follows on ``period``."""
    year, part = int(period[:4]), period[5:]
    last_month = int(part[1]) * 3 if part.startswith("Q") else int(part)
    next_month = date(year, last_month, 28) + timedelta(days=4)
    return datetime.combine(next_month.replace(day=day) + timedelta(days=1), time.min, zone)
