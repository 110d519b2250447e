"""What is due and not there: too few in a period, none since too long, too long a gap within a day."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from shared.history import moment_of, timestamp
from shared.mongo.client import Document
from shared.registers.definition import Gap, Obligation, Register
from shared.registers.demands import OPENER
from shared.registers.handlers.needs import HoldsRegisters
from shared.registers.reckoning import applies, numeric
from shared.registers.timing import period_of
from shared.registers.values import token
from shared.registers.words import Every, Type
from shared.ruling import Ruling

if TYPE_CHECKING:
    from shared.mongo.registers import RecordsKept

_DAY = timedelta(days=1)
_Row = dict[str, Any]


class Missing:
    """Finds what an obligation asks for and the records do not show."""

    def __init__(self, records: RecordsKept) -> None:
        """Look in ``records``."""
        self._records = records

    def of(
        self,
        org: str,
        ruling: Ruling[HoldsRegisters],
        register: Register,
        obligation: Obligation,
        at: datetime,
    ) -> Iterator[_Row]:
        """Yield a row for each that is missing at the instant ``at``; none where nobody said how often it is due."""
        looking = _Looking(self._records, org, ruling, register, obligation)
        if obligation.every is not None:
            yield from looking.too_few(at, obligation.every)
        elif obligation.every_days is not None:
            yield from looking.too_long_ago(at, obligation.every_days.value)
        elif obligation.gap is not None:
            yield from looking.gaps(at, obligation.gap)


class _Looking:
    """One obligation of one organisation's register."""

    def __init__(
        self,
        records: RecordsKept,
        org: str,
        ruling: Ruling[HoldsRegisters],
        register: Register,
        obligation: Obligation,
    ) -> None:
        self._records, self._org, self._ruling = records, org, ruling
        self._register, self._obligation = register, obligation
        self._day = register.field(obligation.day_field or "")

    def too_few(self, at: datetime, every: Every) -> Iterator[_Row]:
        """Yield for whom the latest period that is due lacks records, and how many."""
        period = self._last_due(at, every)
        if period is None:
            return
        first, end, due = period
        there = Counter(target for target, _ in self._there(first, end))
        for target in self._targets():
            short_by = self._obligation.times - there[target]
            if short_by > 0:
                yield self._row(target, first, end - _DAY, due, short_by)

    def too_long_ago(self, at: datetime, days: int) -> Iterator[_Row]:
        """Yield for whom the last record is more than ``days`` ago, or who never had one."""
        today = self._local(at).date()
        first = today - timedelta(days=days)
        there = {target for target, _ in self._there(first, today + _DAY)}
        for target in self._targets():
            if target in there:
                continue
            last = max((when for found, when in self._there(None, first) if found == target), default=None)
            if last is None:
                yield self._row(target, first, today, self._midnight(today), 1)
                continue
            due = self._midnight(self._local(last).date() + timedelta(days=days + 1))
            yield self._row(target, first, today, due, 1) | {"since": timestamp(last)}

    def gaps(self, at: datetime, gap: Gap) -> Iterator[_Row]:
        """Yield every stretch of the day, up to ``at``, that is longer than the gap allowed."""
        day = self._day_of_gaps(at, gap)
        if day is None:
            return
        longest = timedelta(minutes=gap.minutes.value)
        seen: dict[str | None, list[datetime]] = {}
        for target, when in self._there(day, day + _DAY):
            seen.setdefault(target, []).append(when)
        for target in self._targets():
            moments = [when for when in seen.get(target, []) if when <= at]
            if gap.hours is not None:
                begins, ends = (self._midnight(day, time.fromisoformat(text)) for text in gap.hours.value)
                moments = [when for when in moments if begins <= when <= ends]
                moments += [begins, min(ends, at)]
            for since, until in pairwise(sorted(moments)):
                if until - since > longest:
                    row = self._row(target, day, day, since + longest, 1)
                    yield row | {"since": timestamp(since), "until": timestamp(until)}

    def _day_of_gaps(self, at: datetime, gap: Gap) -> date | None:
        """Return the day that is running, or, before it begins, the last one that was."""
        local = self._local(at)
        opens = time.min if gap.hours is None else time.fromisoformat(gap.hours.value[0])
        day = local.date() if local.time() >= opens else local.date() - _DAY
        return next((each for each in _back(day) if not self._skipped(each)), None)

    def _there(self, first: date | None, end: date) -> Iterator[tuple[str | None, datetime]]:
        """Yield for whom there is a record of the days from ``first`` to before ``end``, and of when it is."""
        obligation = self._obligation
        query: dict[str, Any] = {"org": self._org, "register": self._register.code}
        lowest = None if first is None else self._midnight(first)
        if self._day is None:
            query["opened_at"] = _between(lowest, self._midnight(end))
        else:
            low, high = self._token(first), self._token(end)
            query["tokens"] = {"$elemMatch": _between(low or f"{self._day.code}=", high)}
        if obligation.state:
            query["state"] = {"$in": list(obligation.state)}
        numbers = numeric(self._register.fields, self._register.computed)
        for record in self._records.rows(query):
            if not applies(obligation.when, record["values"], numbers):
                continue
            target = self._target(record)
            if target is not None or obligation.of is None:
                yield target, self._when(record)

    def _target(self, record: Document) -> str | None:
        obligation = self._obligation
        if obligation.of is None:
            return None
        value = (
            record["opened_by"] if obligation.each == OPENER else record["values"].get(obligation.each or "")
        )
        return None if value is None else str(value)

    def _when(self, record: Document) -> datetime:
        if self._day is None:
            opened: datetime = record["opened_at"]
            return opened
        value = record["values"][self._day.code]
        if self._day.type is Type.MOMENT:
            return moment_of(value)
        return self._midnight(date.fromisoformat(value))

    def _token(self, day: date | None) -> str | None:
        if day is None or self._day is None:
            return None
        of_day = timestamp(self._midnight(day)) if self._day.type is Type.MOMENT else day
        return token(self._day.code, of_day)

    def _targets(self) -> tuple[str | None, ...]:
        """Return for whom a record is due: where the register asks by name, for nobody until somebody is named."""
        if self._obligation.of is not None:
            return self._obligation.of.value
        return () if self._obligation.each is not None else (None,)

    def _row(self, target: str | None, first: date, last: date, due: datetime, short_by: int) -> _Row:
        return {
            "register": self._register.code,
            "obligation": self._obligation.code,
            "for": target,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "due_at": timestamp(due),
            "short_by": short_by,
            "since": None,
            "until": None,
            "source": self._obligation.source,
        }

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._ruling.zone)

    def _midnight(self, day: date, at: time = time.min) -> datetime:
        return datetime.combine(day, at, self._ruling.zone)

    def _skipped(self, day: date) -> bool:
        return self._obligation.workdays_only and not self._ruling.calendar.is_working_day(day)

    def _last_due(self, at: datetime, every: Every) -> tuple[date, date, datetime] | None:
        """Return first day, the day after the last, and due instant of the latest period that is due by ``at``."""
        day = self._local(at).date()
        for _ in range(400):
            first, end = period_of(every, day)
            due = self._due(first, end)
            skipped = every is Every.DAY and self._skipped(first)
            if due <= at and not skipped:
                return first, end, due
            day = first - _DAY
        return None

    def _due(self, first: date, end: date) -> datetime:
        obligation, last = self._obligation, end - _DAY
        if obligation.on_day is not None and obligation.every is not Every.DAY:
            last = min(last, first + timedelta(days=obligation.on_day - 1))
        if obligation.on_date is not None:
            month, day = (int(part) for part in obligation.on_date.split("-"))
            last = date(first.year, month, min(day, monthrange(first.year, month)[1]))
        while obligation.to_workday and last > first and not self._ruling.calendar.is_working_day(last):
            last -= _DAY
        if obligation.by is None:
            return self._midnight(last + _DAY)
        return self._midnight(last, time.fromisoformat(obligation.by))


def _back(day: date) -> Iterator[date]:
    return (day - timedelta(days=number) for number in range(400))


def _between(low: object, high: object) -> Mapping[str, object]:
    bounds = {"$gte": low, "$lt": high}
    return {operator: bound for operator, bound in bounds.items() if bound is not None}
