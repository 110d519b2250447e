"""Contact numbers: each organisation counts for itself, by the pattern its rulebook gives."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from services.intake.domain.rulebook import Numbering, Restart

_PERIODS = {Restart.DAILY: "%Y%m%d", Restart.MONTHLY: "%Y%m", Restart.YEARLY: "%Y", Restart.NEVER: "all"}


def series(numbering: Numbering, org: str, moment: datetime, time_zone: str) -> str:
    """Return the name of the count that a contact registered at ``moment`` belongs to."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return f"{org}/{local.strftime(_PERIODS[numbering.restarts])}"


def contact_number(numbering: Numbering, prefix: str, moment: datetime, time_zone: str, serial: int) -> str:
    """Return the number of the contact that is ``serial``-th (from 1) in its series."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return numbering.pattern.format(
        prefix=prefix, date=local.strftime(numbering.date), serial=str(serial).zfill(numbering.digits)
    )
