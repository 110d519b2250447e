"""Calendars and questions for the property tests: ordinary weeks, odd weeks, and zones whose clocks jump."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from shared.worktime import Calendar, Duration, Interval, Unit
from shared.worktime.calendars import calendar_from
from tests.unit.shared.worktime.oracle import Pause, Plan

DEEP = os.environ.get("KEFU_TEST_DEEP") == "1"

MORNING, AFTERNOON = (9 * 60, 12 * 60), (13 * 60 + 30, 18 * 60)
USUAL = (MORNING, AFTERNOON)

CHINA = Plan("Asia/Shanghai", chinese=True, week=dict.fromkeys(range(5), USUAL))
SHOP = Plan(
    "Asia/Shanghai",
    chinese=True,
    week={
        **dict.fromkeys(range(1, 5), USUAL),
        5: ((9 * 60, 12 * 60 + 15),),
        6: ((10 * 60, 11 * 60), (11 * 60, 22 * 60)),
    },
    make_up=((8 * 60, 12 * 60),),
    closures=frozenset({date(2025, 1, 24), date(2025, 3, 11), date(2026, 9, 29), date(2026, 12, 31)}),
    extra={date(2025, 2, 3): None, date(2025, 3, 10): ((20 * 60, 24 * 60),), date(2026, 10, 5): USUAL},
    half={date(2025, 1, 23): (MORNING,), date(2025, 3, 7): (AFTERNOON,), date(2026, 9, 30): (MORNING,)},
)
NEW_YORK = Plan("America/New_York", chinese=False, week=dict.fromkeys(range(7), ((0, 24 * 60),)))
BERLIN_NIGHTS = Plan(
    "Europe/Berlin",
    chinese=False,
    week={4: ((22 * 60, 24 * 60),), 5: ((0, 150), (1200, 1440)), 6: ((100, 170), (180, 400))},
)
LORD_HOWE = Plan("Australia/Lord_Howe", chinese=False, week=dict.fromkeys(range(7), ((90, 130), (600, 660))))
CAIRO = Plan(
    "Africa/Cairo",
    chinese=False,
    week=dict.fromkeys((6, 0, 1, 2, 3, 4), ((0, 60), (540, 1020), (1380, 1440))),
)
HAVANA = Plan("America/Havana", chinese=False, week=dict.fromkeys(range(7), ((0, 45), (600, 900))))
SANTIAGO = Plan("America/Santiago", chinese=False, week=dict.fromkeys((0, 5, 6), ((0, 100), (1400, 1440))))
KATHMANDU = Plan("Asia/Kathmandu", chinese=False, week=dict.fromkeys(range(5), USUAL))

STEADY = (CHINA, SHOP, KATHMANDU)
JUMPING = (NEW_YORK, BERLIN_NIGHTS, LORD_HOWE, CAIRO, HAVANA, SANTIAGO)

#: Days around which most questions are asked: long holidays, the end of the official data, jumps of clocks.
_ANCHORS = {
    "Asia/Shanghai": (
        date(2025, 1, 28),
        date(2025, 3, 8),
        date(2026, 10, 1),
        date(2026, 12, 31),
        date(2004, 1, 22),
    ),
    "Asia/Kathmandu": (date(2025, 3, 8),),
    "America/New_York": (date(2025, 3, 9), date(2025, 11, 2)),
    "Europe/Berlin": (date(2025, 3, 30), date(2025, 10, 26)),
    "Australia/Lord_Howe": (date(2025, 4, 6), date(2025, 10, 5)),
    "Africa/Cairo": (date(2025, 4, 25), date(2025, 10, 31)),
    "America/Havana": (date(2025, 3, 9), date(2025, 11, 2)),
    "America/Santiago": (date(2025, 4, 6), date(2025, 9, 7)),
}
_MOST_ANCHORS = 10
_AMOUNTS: dict[Unit, int] = {
    "minutes": 3000,
    "hours": 80,
    "days": 30,
    "working_days": 25,
    "working_hours": 60,
}


@dataclass(frozen=True)
class Question:
    """One question, as the oracle and as the product take it."""

    plan: Plan
    start: datetime
    duration: Duration
    pauses: list[Pause]

    @property
    def calendar(self) -> Calendar:
        return calendar_of(self.plan)

    @property
    def intervals(self) -> list[Interval]:
        return [Interval(start, end) for start, end in self.pauses]


@lru_cache(maxsize=64)
def calendar_of(plan: Plan) -> Calendar:
    return calendar_from("tried", plan.definition())


# Full hours and the ends of sessions are where off-by-ones live: half of all moments are such.
_SPECIAL = (0, 60, 120, 540, 720, 810, 1080, 1439)
_LENGTHS = (0, 540, 1440, 2 * 1440, 3 * 1440)
_MINUTES = 1440

# Made once, and few of them: drawing takes longer than answering, so what belongs together is one number.
_AMOUNT = {unit: st.integers(1, most) for unit, most in _AMOUNTS.items()}
_PAUSES = st.integers(0, 3)
_START = st.integers(0, 13 * 4 * _MINUTES - 1)
_PAUSE = st.integers(0, 24 * 4 * _MINUTES - 1)
#: Half of all pauses are of a length that fits sessions or days, or short.
_LENGTH = st.integers(0, 2 * 10 * _MINUTES - 1)
_FIRST_START, _FIRST_PAUSE = -8, -9


def questions(
    plans: tuple[Plan, ...] = STEADY + JUMPING,
    units: tuple[Unit, ...] = ("minutes", "hours", "days", "working_days", "working_hours"),
    *,
    flags: bool = True,
) -> st.SearchStrategy[Question]:
    """Draw questions near days on which something happens."""
    choices = (False, True) if flags else (False,)
    kinds = [
        (plan, unit, anchor, from_next_day, end_of_day)
        for plan in plans
        for unit in units
        for anchor in _ANCHORS[plan.zone]
        for from_next_day in choices
        for end_of_day in choices
    ]
    # A plan with many anchors is not to be asked about more often than one with few.
    evened = [kind for kind in kinds for _ in range(_MOST_ANCHORS // len(_ANCHORS[kind[0].zone]))]
    return _questions(st.sampled_from(evened))


@st.composite
def _questions(draw: st.DrawFn, kinds: st.SearchStrategy[tuple[Plan, Unit, date, bool, bool]]) -> Question:
    plan, unit, anchor, from_next_day, end_of_day = draw(kinds)
    start = _moment(plan, anchor, _FIRST_START, draw(_START))
    duration = Duration(draw(_AMOUNT[unit]), unit, from_next_day=from_next_day, end_of_day=end_of_day)
    pauses = []
    for _ in range(draw(_PAUSES)):
        begin = _moment(plan, anchor, _FIRST_PAUSE, draw(_PAUSE))
        pauses.append((begin, begin + timedelta(minutes=_length(draw(_LENGTH)))))
    return Question(plan, start, duration, pauses)


def _moment(plan: Plan, anchor: date, first: int, number: int) -> datetime:
    """Return the moment that ``number`` stands for, counted from ``first`` days after ``anchor``."""
    number, fold = divmod(number, 2)
    days, minute = divmod(number, 2 * _MINUTES)
    if minute >= _MINUTES:
        minute = _SPECIAL[minute % len(_SPECIAL)]
    day = anchor + timedelta(days=first + days)
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(plan.zone))
    return wall.replace(fold=fold).astimezone(UTC)


def _length(number: int) -> int:
    """Return the minutes that ``number`` stands for."""
    if number < 10 * _MINUTES:
        return number
    return _LENGTHS[number % len(_LENGTHS)] if number % 2 else number % 300


def tries(normal: int, deep: int) -> settings:
    """Return how often a property is tried: the same cases in the normal suite, new ones in the deep."""
    return settings(
        max_examples=deep if DEEP else normal,
        derandomize=not DEEP,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
