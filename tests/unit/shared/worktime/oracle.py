"""A second, deliberately slow answer to every question about working time, sharing no code with the first.

Time is a list of minutes since 1970 (UTC). Whether one counts is decided minute by minute from the wall
clock, and days are walked one by one. Everything is told in plain data, so that a mistake in the product's
parsing, indexing or interval arithmetic cannot hide in here too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Pause = tuple[datetime, datetime]


@dataclass(frozen=True)
class Plan:
    """A calendar in plain data: sessions as minutes of the day by weekday (absent: not worked)."""

    zone: str
    chinese: bool
    week: dict[int, tuple[tuple[int, int], ...]]
    make_up: tuple[tuple[int, int], ...] | None = None
    closures: frozenset[date] = frozenset()
    extra: dict[date, tuple[tuple[int, int], ...] | None] = field(default_factory=dict)
    half: dict[date, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def definition(self) -> dict[str, Any]:
        """Return the same calendar as an organisation would write it."""
        made: dict[str, Any] = {
            "country": "cn" if self.chinese else "none",
            "zone": self.zone,
            "sessions": {DAY_NAMES[day]: written(sessions) for day, sessions in self.week.items()},
            "closures": [day.isoformat() for day in sorted(self.closures)],
            "extra_working_days": [entry(day, sessions) for day, sessions in sorted(self.extra.items())],
            "half_days": [entry(day, sessions) for day, sessions in sorted(self.half.items())],
        }
        if self.make_up is not None:
            made["make_up_sessions"] = written(self.make_up)
        return made

    def works(self, day: date) -> bool:
        """Return whether ``day`` is a working day."""
        if day in self.closures:
            return False
        if day in self.extra:
            return True
        if self.chinese and 2004 <= day.year <= 2026:
            if chinese_calendar.is_in_lieu(day) or day in chinese_calendar.constants.holidays:
                return False
            if chinese_calendar.is_workday(day) and day.weekday() >= 5:
                return True
        return day.weekday() in self.week

    def sessions(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return the sessions of ``day`` in minutes of the day."""
        if not self.works(day):
            return ()
        usual = self.week.get(day.weekday()) or self.make_up or self.week[min(self.week)]
        return self.extra.get(day) or self.half.get(day) or usual


def written(sessions: tuple[tuple[int, int], ...]) -> list[list[str]]:
    return [[f"{minute // 60:02d}:{minute % 60:02d}" for minute in session] for session in sessions]


def entry(day: date, sessions: tuple[tuple[int, int], ...] | None) -> dict[str, Any]:
    return {"date": day} if sessions is None else {"date": day, "sessions": written(sessions)}


def minute_of(at: datetime) -> int:
    seconds = (at - EPOCH).total_seconds()
    assert seconds % 60 == 0, "the oracle knows whole minutes only"
    return int(seconds // 60)


@lru_cache(maxsize=20_000)
def minutes_of(zone: str, day: date) -> tuple[tuple[int, int], ...]:
    """Return ``(minute since 1970, minute of the local day)`` of every minute whose local date is ``day``."""
    info = ZoneInfo(zone)
    noon = minute_of(datetime(day.year, day.month, day.day, 12, tzinfo=info))
    found = []
    # Two hours more on either side than an even day has; no zone tried here jumps that far. The clock is read every
    # quarter of an hour: the zones tried here jump at, and by, whole quarters.
    for quarter in range(noon - 14 * 60, noon + 14 * 60, 15):
        local = (EPOCH + timedelta(minutes=quarter)).astimezone(info)
        assert local.minute % 15 == 0
        if local.date() == day:
            wall = local.hour * 60 + local.minute
            found += [(quarter + passed, wall + passed) for passed in range(15)]
    return tuple(found)


@lru_cache(maxsize=20_000)
def worked_minutes(plan: Plan, day: date) -> tuple[int, ...]:
    """Return the minutes of ``day`` in which work is done."""
    worked = {wall for begin, end in plan.sessions(day) for wall in range(begin, end)}
    return tuple(minute for minute, wall in minutes_of(plan.zone, day) if wall in worked)


@lru_cache(maxsize=20_000)
def every_minute(zone: str, day: date) -> tuple[int, ...]:
    """Return all minutes of ``day``."""
    return tuple(minute for minute, _ in minutes_of(zone, day))


def first_minute(zone: str, day: date) -> int:
    return minutes_of(zone, day)[0][0]


def paused_minutes(pauses: list[Pause]) -> set[int]:
    return {minute for start, end in pauses for minute in range(minute_of(start), minute_of(end))}


def oracle_due(
    plan: Plan,
    start: datetime,
    amount: int,
    unit: str,
    *,
    from_next_day: bool,
    end_of_day: bool,
    pauses: list[Pause],
) -> datetime:
    """Return the first instant that is too late, by walking minutes or days."""
    paused = paused_minutes(pauses)
    local = start.astimezone(ZoneInfo(plan.zone))
    if unit in {"days", "working_days"}:
        return _walk_days(
            plan, local, amount, unit, paused, from_next_day=from_next_day, end_of_day=end_of_day
        )
    return _walk_minutes(
        plan, local, amount, unit, paused, from_next_day=from_next_day, end_of_day=end_of_day
    )


def _walk_minutes(
    plan: Plan,
    local: datetime,
    amount: int,
    unit: str,
    paused: set[int],
    *,
    from_next_day: bool,
    end_of_day: bool,
) -> datetime:
    left = amount * (1 if unit == "minutes" else 60)
    day = local.date()
    begin = minute_of(local)
    if from_next_day:
        begin = first_minute(plan.zone, day + ONE_DAY)
    last = None
    while last is None:
        candidates = worked_minutes(plan, day) if unit == "working_hours" else every_minute(plan.zone, day)
        if not candidates or (
            candidates[0] >= begin and len(candidates) < left and paused.isdisjoint(candidates)
        ):
            # A day on which nothing interrupts need not be told minute by minute.
            left -= len(candidates)
            day += ONE_DAY
            continue
        for minute in candidates:
            if minute >= begin and minute not in paused:
                left -= 1
                if left == 0:
                    last = minute
                    break
        else:
            day += ONE_DAY
    end = first_minute(plan.zone, day + ONE_DAY) if end_of_day else last + 1
    return EPOCH + timedelta(minutes=end)


def _walk_days(
    plan: Plan,
    local: datetime,
    amount: int,
    unit: str,
    paused: set[int],
    *,
    from_next_day: bool,
    end_of_day: bool,
) -> datetime:
    def counts(day: date) -> bool:
        if unit == "days":
            return not paused.issuperset(every_minute(plan.zone, day))
        minutes = worked_minutes(plan, day)
        return plan.works(day) and not (minutes and paused.issuperset(minutes))

    day, wall = local.date(), local.time()
    if unit == "working_days" and not from_next_day and not counts(day):
        while not counts(day):
            day += ONE_DAY
        wall = time(0)
    while amount:
        day += ONE_DAY
        amount -= counts(day)
    if end_of_day:
        return EPOCH + timedelta(minutes=first_minute(plan.zone, day + ONE_DAY))
    return _on_wall_clock(plan.zone, day, wall)


def _on_wall_clock(zone: str, day: date, wall: time) -> datetime:
    wanted = wall.hour * 60 + wall.minute
    for minute, shown in minutes_of(zone, day):
        if shown == wanted:
            return EPOCH + timedelta(minutes=minute)
    # The clock jumps over it: what it would have shown had it not jumped.
    before = EPOCH + timedelta(minutes=minutes_of(zone, day)[0][0] - 1)
    offset = before.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return datetime.combine(day, wall, UTC) - offset


def oracle_elapsed_minutes(plan: Plan, start: datetime, end: datetime, unit: str, pauses: list[Pause]) -> int:
    """Return how many minutes counted from ``start`` to ``end`` for a unit of time."""
    paused = paused_minutes(pauses)
    minutes: set[int] = set(range(minute_of(start), minute_of(end)))
    if unit == "working_hours":
        day, last = start.astimezone(ZoneInfo(plan.zone)).date(), end.astimezone(ZoneInfo(plan.zone)).date()
        worked: set[int] = set()
        while day <= last:
            worked.update(worked_minutes(plan, day))
            day += ONE_DAY
        minutes &= worked
    return len(minutes - paused)
