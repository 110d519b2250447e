"""What a rulebook asks of contacts: which records count, for whom, how often, and for how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shared.history import moment_of
from shared.registers.definition import Condition, Register
from shared.registers.reckoning import applies, numeric
from shared.registers.record import Record
from shared.registers.words import Every, Type
from shared.regulations.values import Sourced
from shared.worktime import Duration

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Quota:
    """Customers who are ``who`` have a record in one of ``registers`` whose field ``subject`` names them.

    With ``every`` a ``share`` of them, in percent, has one in each period; without, each has the next ``within``
    some time of the last. Nothing is asked while neither is said. With ``rows`` the subjects stand in the rows of
    that list. ``day`` is the field with the day that counts, else it is that of writing; ``state`` those states in
    which a record counts. ``first_by`` is the trait by whose ``first`` values customers are listed first.
    """

    code: str
    name: str
    registers: tuple[str, ...]
    subject: str
    source: str
    rows: str | None = None
    when: Condition | None = None
    state: tuple[str, ...] = ()
    day: str | None = None
    who: tuple[tuple[str, str], ...] = ()
    every: Every | None = None
    share: Sourced[Decimal] | None = None
    within: Sourced[Duration] | None = None
    first_by: str | None = None
    first: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Return whether it asks for anything: a share of a period, or an interval."""
        return self.within is not None if self.every is None else self.share is not None

    def needed(self, population: int) -> int:
        """Return how many of ``population`` need a record, whole ones: 5 % of 1,241 are 63."""
        percent = _HUNDRED if self.share is None else self.share.value
        return int((percent * population / _HUNDRED).to_integral_value(ROUND_CEILING))

    def counts(self, register: Register, record: Record) -> bool:
        """Return whether a record is one that counts."""
        numbers = numeric(register.fields, register.computed)
        in_state = not self.state or record.state in self.state
        return in_state and applies(self.when, record.values, numbers)

    def subjects(self, values: Mapping[str, Any]) -> set[str]:
        """Return whom a record's values name."""
        forms = [values] if self.rows is None else values.get(self.rows) or []
        return {form[self.subject] for form in forms if form.get(self.subject)}

    def day_of(self, register: Register, record: Record, zone: ZoneInfo) -> date:
        """Return the day on which a record counts."""
        given = None if self.day is None else record.values.get(self.day)
        if given is None:
            return record.opened_at.astimezone(zone).date()
        field = register.field(self.day or "")
        if field is not None and field.type is Type.MOMENT:
            return moment_of(given).astimezone(zone).date()
        return date.fromisoformat(given)

    def period(self, day: date) -> Period:
        """Return the period that ``day`` lies in; of an interval all time is one."""
        return Period.holding(self.every, day)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days from ``first`` to ``last``, by its name; all time has neither."""

    name: str
    first: date | None = None
    last: date | None = None

    @classmethod
    def holding(cls, every: Every | None, day: date) -> Period:
        """Return the period of the kind ``every`` that holds ``day``."""
        if every is Every.YEAR:
            return cls(f"{day:%Y}", date(day.year, 1, 1), date(day.year, 12, 31))
        if every is Every.MONTH:
            first = day.replace(day=1)
            following = (first + timedelta(days=32)).replace(day=1)
            return cls(f"{day:%Y-%m}", first, following - timedelta(days=1))
        if every is Every.WEEK:
            first = day - timedelta(days=day.weekday())
            return cls(f"{first:%G-W%V}", first, first + timedelta(days=6))
        if every is Every.DAY:
            return cls(day.isoformat(), day, day)
        return cls("ever")


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the day in ``zone`` that ``at`` lies in."""
    return at.astimezone(zone).date()
