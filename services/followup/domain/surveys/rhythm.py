"""When surveys are owed (定期调查): the stretch of days that ended last, by the rhythm a rulebook gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.followup.domain.surveys.definition import Every, Rhythm

_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days from ``first`` to before ``end`` in which one survey is owed; ``name`` tells it apart."""

    name: str
    first: date
    end: date


def last_stretch(rhythm: Rhythm, today: date) -> Stretch:
    """Return the stretch that ended last, at the latest with the day before ``today``."""
    if rhythm.before_months:
        return _before_a_month(rhythm.before_months, today)
    months = _MONTHS[rhythm.every or Every.YEAR]
    end = date(today.year, (today.month - 1) // months * months + 1, 1)
    first = _back(end, months)
    return Stretch(_name(first, months), first, end)


def _before_a_month(months: tuple[int, ...], today: date) -> Stretch:
    """Questionnaires go out before a month begins: what went out since the one before counts."""
    begins = sorted(
        date(year, month, 1) for year in range(today.year - 2, today.year + 1) for month in months
    )
    passed = [begin for begin in begins if begin <= today]
    return Stretch(f"{passed[-1]:%Y-%m}", passed[-2], passed[-1])


def _back(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _name(first: date, months: int) -> str:
    part = (first.month - 1) // months + 1
    names = {1: f"{first:%Y-%m}", 3: f"{first.year}-Q{part}", 6: f"{first.year}-H{part}", 12: str(first.year)}
    return names[months]
