"""Schedules of obligations: which days they are for, and until when they are due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.obligations.schedule import Every, Period, Schedule
from services.reporting.rulebook import load_rulebooks
from shared.worktime import Calendars
from tests.unit.reporting.stories import ORGANISATIONS

CN = Calendars().by_name("cn")
days = st.dates(date(2024, 1, 1), date(2026, 12, 31))
schedules = st.builds(
    Schedule,
    every=st.sampled_from([each for each in Every if each is not Every.DAYS]),
    source=st.just("design"),
    in_next=st.booleans(),
    day=st.none() | st.integers(1, 31),
    to_workday=st.booleans(),
)


@pytest.mark.rule("B-JKC-22")
def test_the_ledger_of_june_2025_goes_to_the_manager_on_the_30th_and_is_filed_on_4_july() -> None:
    """The last working day of June is Monday the 30th, that of July's first week Friday the 4th."""
    rules = load_rulebooks(ORGANISATIONS).for_org("plaza-demo", datetime(2025, 6, 1, tzinfo=UTC)).sections
    june = Period(date(2025, 6, 1), date(2025, 6, 30))
    found = {}
    for code in ("ledger_to_manager", "ledger_filed"):
        obligation = rules.obligation(code)
        assert obligation is not None
        assert obligation.schedule is not None
        found[code] = obligation.schedule.due_day(june, CN)
    assert found == {"ledger_to_manager": date(2025, 6, 30), "ledger_filed": date(2025, 7, 4)}


@given(schedule=schedules, first=days, span=st.integers(0, 400))
def test_every_day_lies_in_exactly_one_stretch(schedule: Schedule, first: date, span: int) -> None:
    """Guards that no day is left out and none owed twice."""
    last = first + timedelta(days=span)
    found = list(schedule.periods(first, last))
    assert first in found[0]
    assert last in found[-1]
    for before, after in pairwise(found):
        assert after.first == before.last + timedelta(days=1)


@given(schedule=schedules, day=days)
def test_nothing_is_due_before_the_stretch_it_is_for_begins(schedule: Schedule, day: date) -> None:
    """Guards that whoever owes has at least a day, and what is for one stretch is due before what is for the next."""
    period = schedule.period(day)
    assert period is not None
    assert schedule.due_day(period, CN) >= period.first
    after = schedule.period(period.last + timedelta(days=1))
    assert after is not None
    assert schedule.due_at(period, CN) < schedule.due_at(after, CN)
