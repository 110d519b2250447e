"""From when to when the clocks of a record run, by what stands in its fields."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.history import moment_of
from shared.registers.definition import ClockRule, Register
from shared.registers.demands import Hand
from shared.registers.reckoning import Values
from shared.registers.words import Every, Type


def since_of(rule: ClockRule, register: Register, values: Values, hand: Hand) -> datetime | None:
    """Return from when a clock counts: the field ``since``, or, where it names none, now; None while that is empty."""
    if rule.since is None:
        return hand.at
    value = values.get(rule.since)
    return None if value is None else _instant(register, rule.since, value, hand, None)


def until_of(rule: ClockRule, register: Register, values: Values, hand: Hand) -> datetime | None:
    """Return when a clock without a length of its own is due; None while the field ``until`` is empty."""
    if rule.until is None:
        return datetime.combine(hand.at.astimezone(hand.zone).date(), _time(rule.by), hand.zone)
    value = values.get(rule.until)
    if value is None:
        return None
    if rule.end_of is not None:
        _, end = period_of(rule.end_of, _day(register, rule.until, value, hand.zone))
        return datetime.combine(end, time.min, hand.zone)
    return _instant(register, rule.until, value, hand, rule.by, end=True)


def period_of(every: Every, day: date) -> tuple[date, date]:
    """Return the first day of the period that ``day`` is in, and the day after its last."""
    if every is Every.DAY:
        return day, day + timedelta(days=1)
    if every is Every.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    if every is Every.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    if every is Every.QUARTER:
        first = date(day.year, day.month - (day.month - 1) % 3, 1)
        return first, (first + timedelta(days=95)).replace(day=1)
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def years_before(at: datetime, years: int) -> datetime:
    """Return the same instant so many years ago; of a 29 February where there is none, the day before."""
    try:
        return at.replace(year=at.year - years)
    except ValueError:
        return at.replace(year=at.year - years, day=28)


def _day(register: Register, code: str, value: str, zone: ZoneInfo) -> date:
    found = register.field(code)
    if found is not None and found.type is Type.MOMENT:
        return moment_of(value).astimezone(zone).date()
    return date.fromisoformat(value)


def _time(text: str | None) -> time:
    return time.fromisoformat(text) if text is not None else time.min


def _instant(
    register: Register, code: str, value: str, hand: Hand, by: str | None, *, end: bool = False
) -> datetime:
    """Return the instant a date or moment stands for; of a date its end, its time ``by``, or its beginning."""
    found = register.field(code)
    if found is not None and found.type is Type.MOMENT:
        return moment_of(value)
    day = date.fromisoformat(value)
    if end and by is None:
        day += timedelta(days=1)
    return datetime.combine(day, _time(by), hand.zone)
