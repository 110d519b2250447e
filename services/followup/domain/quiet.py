"""Quiet hours (休息时间): when a customer may be called, by the clock on the customer's wall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from services.followup.domain.rulebook import QuietHours


def is_quiet(hours: Sequence[QuietHours], at: datetime, zone: tzinfo) -> bool:
    """Return whether ``at`` lies in one of ``hours`` where the clocks show ``zone``."""
    local = at.astimezone(zone).time()
    return any(stretch.covers(local) for stretch in hours)


def permitted_from(hours: Sequence[QuietHours], at: datetime, zone: tzinfo) -> datetime:
    """Return the first instant from ``at`` on that lies in none of ``hours`` in ``zone``, in UTC.

    The ends of stretches that meet or overlap lead on to each other; ``hours`` that fill the whole day are
    refused when the rulebook is read.
    """
    moment = at.astimezone(UTC)
    for _ in range(2 * len(hours) + 2):
        local = moment.astimezone(zone)
        stretch = next((hour for hour in hours if hour.covers(local.time())), None)
        if stretch is None:
            return moment
        moment = _end(stretch, moment, zone)
    return moment


def _end(stretch: QuietHours, moment: datetime, zone: tzinfo) -> datetime:
    """Return the first instant after ``moment`` at which the clocks show the end of ``stretch``."""
    local = moment.astimezone(zone)
    day = local.date() if stretch.ends > local.time() else local.date() + timedelta(days=1)
    ends = datetime.combine(day, stretch.ends, zone)
    # Where clocks are set back the end is shown twice; of the two only the second may lie ahead.
    first, second = (ends.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first > moment else second
