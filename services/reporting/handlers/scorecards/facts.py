"""Gathers what a month's cards are computed from: the records that a scorecard's feeds mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.domain.scorecards.card import Fact
from services.reporting.domain.scorecards.definition import Feed, Scorecard, Taking
from shared.history import moment_of
from shared.registers.reckoning import holds, numeric

#: Before anything was written down.
_EVER = date(2000, 1, 1)
_DAY = timedelta(days=1)
_DATE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Row:
    """What a record holds as far as feeds look at it."""

    id: str
    opened_at: datetime
    state: str
    values: Mapping[str, Any]


class Rows(Protocol):
    """Where records are kept."""

    def fed(self, org: str, feed: Feed, first: date, last: date, person: str | None) -> Iterator[Row]:
        """Yield records that may be meant; moments a day more on each side."""
        ...


@dataclass(slots=True)
class Told:
    """What is known of one person's month."""

    facts: list[Fact] = field(default_factory=list)
    figures: dict[str, Decimal] = field(default_factory=dict)


def gather(
    rows: Rows,
    org: str,
    rules: ReportingRules,
    scorecard: Scorecard,
    month: Month,
    zone: ZoneInfo,
    person: str | None,
) -> dict[str, Told]:
    """Return what the records tell of everybody in ``month``, or of ``person`` alone."""
    first, last = month.day(1), month.next.day(1) - _DAY
    told: dict[str, Told] = defaultdict(Told)
    for line, feed in scorecard.feeds:
        for who, fact in _facts(rows, org, rules, line, feed, (first, last), zone, person):
            told[who].facts.append(fact)
    for figure in scorecard.figures:
        latest = figure.taking is Taking.LATEST
        stretch = (_EVER if latest else first, last)
        found = [
            fact for _, fact in _facts(rows, org, rules, figure.code, figure.feed, stretch, zone, person)
        ]
        for fact in sorted(found, key=lambda each: (each.day, each.id)):
            before = told[fact.person].figures.get(figure.code, Decimal(0))
            told[fact.person].figures[figure.code] = fact.quantity if latest else before + fact.quantity
    return told


def _facts(
    rows: Rows,
    org: str,
    rules: ReportingRules,
    line: str,
    feed: Feed,
    days: tuple[date, date],
    zone: ZoneInfo,
    person: str | None,
) -> Iterator[tuple[str, Fact]]:
    register = rules.register(feed.register)
    if register is None:
        return
    numbers = numeric(register.fields, register.computed)
    for row in rows.fed(org, feed, *days, person):
        who, day = row.values.get(feed.person), _day_of(feed, row, zone)
        if who is None or day is None or not days[0] <= day <= days[1] or person not in (None, who):
            continue
        if feed.states and row.state not in feed.states:
            continue
        if not all(holds(condition, row.values, numbers) for condition in feed.when):
            continue
        quantity = row.values.get(feed.quantity) if feed.quantity else "1"
        if quantity is not None:
            yield who, Fact(line, row.id, who, day, Decimal(quantity))


def _day_of(feed: Feed, row: Row, zone: ZoneInfo) -> date | None:
    if feed.day is None:
        return row.opened_at.astimezone(zone).date()
    text = row.values.get(feed.day)
    if text is None:
        return None
    return date.fromisoformat(text) if len(text) == _DATE_LENGTH else moment_of(text).astimezone(zone).date()
