"""Numbers of things: each organisation counts for itself, by the pattern its rulebook gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Restart(StrEnum):
    """When the serial numbers of a series start again at one."""

    DAILY = "daily"
    MONTHLY = "monthly"
    YEARLY = "yearly"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Numbering:
    """How the things of a series are numbered, each organisation counting for itself.

    ``pattern`` holds ``{prefix}``, ``{date}`` and ``{serial}``; ``date`` is a strftime format in the
    organisation's time zone; ``digits`` is the width of the zero-filled serial.
    """

    pattern: str
    date: str
    digits: int
    restarts: Restart
    source: str


_PERIODS = {Restart.DAILY: "%Y%m%d", Restart.MONTHLY: "%Y%m", Restart.YEARLY: "%Y", Restart.NEVER: "all"}


def series(numbering: Numbering, org: str, moment: datetime, time_zone: str) -> str:
    """Return the name of the count that something begun at ``moment`` belongs to."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return f"{org}/{local.strftime(_PERIODS[numbering.restarts])}"


def number_of(numbering: Numbering, prefix: str, moment: datetime, time_zone: str, serial: int) -> str:
    """Return the number of what is ``serial``-th (from 1) in its series."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return numbering.pattern.format(
        prefix=prefix, date=local.strftime(numbering.date), serial=str(serial).zfill(numbering.digits)
    )
