"""Calendar months as periods: text ``2026-11``, which sorts as time does."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

_PERIOD = re.compile(r"20\d{2}-(0[1-9]|1[0-2])", re.ASCII)
_MONTHS = 12


def period_of(moment: datetime, zone: ZoneInfo) -> str:
    """Return the month the aware ``moment`` lies in on the wall clocks of ``zone``."""
    local = moment.astimezone(zone)
    return f"{local.year:04}-{local.month:02}"


def period_after(period: str) -> str:
    """Return the next month."""
    return _shift(period, 1)


def period_before(period: str) -> str:
    """Return the month before."""
    return _shift(period, -1)


def period_bounds(period: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which the month begins and at which the next one does, on the clocks of ``zone``."""
    return _begin(period, zone), _begin(period_after(period), zone)


def period_problem(period: str) -> str | None:
    """Return what is wrong with ``period``; None when it is a month of the years 2000 to 2099."""
    if _PERIOD.fullmatch(period):
        return None
    return "must be a month of the years 2000 to 2099 written like 2026-11"


def _begin(period: str, zone: ZoneInfo) -> datetime:
    year, month = map(int, period.split("-"))
    return datetime(year, month, 1, tzinfo=zone)


def _shift(period: str, by: int) -> str:
    year, month = map(int, period.split("-"))
    months = year * _MONTHS + month - 1 + by
    return f"{months // _MONTHS:04}-{months % _MONTHS + 1:02}"
