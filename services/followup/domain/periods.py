"""On which day a periodic callback is due to be planned: months and days counted from a day of the customer."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from services.followup.domain.rulebook import Step


def latest(steps: Sequence[Step], anchor: date, today: date, *, once: bool) -> date | None:
    """Return the last day until ``today`` of those ``steps`` give from ``anchor``, or ``once`` the first; else None.

    A step that ends begins no other day than its last: months after a year of months are counted from the year's
    end. A month too short for the anchor's day gives its own last day, and the next one the anchor's again.
    """
    found, behind = None, 0
    for step in steps:
        ends = today if step.upto is None else min(today, months_after(anchor, step.upto))
        base = months_after(anchor, behind)
        if step.days is not None:
            times = (ends - base).days // step.days
            day = base + timedelta(days=step.days * times)
            first = base + timedelta(days=step.days)
        else:
            every = step.months or 1
            times = _months_between(base, ends) // every
            while times > 0 and months_after(anchor, behind + times * every) > ends:
                times -= 1
            day = months_after(anchor, behind + times * every)
            first = months_after(anchor, behind + every)
        if times > 0:
            found = first if once else day
        if once or step.upto is None:
            break
        behind = step.upto
    return found


def months_after(day: date, months: int) -> date:
    """Return the same day ``months`` later, or the last day of a month that has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
