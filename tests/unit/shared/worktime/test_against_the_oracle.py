from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.worktime import Duration, Interval, Unit, before, due, elapsed, explain, part_way
from shared.worktime.durations import DAY_UNITS
from tests.unit.shared.worktime.oracle import oracle_due, oracle_elapsed_minutes
from tests.unit.shared.worktime.plans import DEEP, STEADY, Question, questions, tries

#: The deep run takes minutes by intention.
pytestmark = pytest.mark.timeout(3600 if DEEP else 120)

TIME_UNITS: tuple[Unit, ...] = ("minutes", "hours", "working_hours")
MINUTES = {"minutes": 1, "hours": 60, "working_hours": 60}
TICK = timedelta(microseconds=1)


def _utc(at: datetime) -> datetime:
    """Leave the local zone: there Python's comparisons and sums go by the wall clock, also where it jumps."""
    return at.astimezone(UTC)


def _answer(question: Question, amount: int | None = None) -> datetime:
    duration = question.duration
    if amount is not None:
        duration = Duration(amount, duration.unit, duration.from_next_day, duration.end_of_day)
    return _utc(due(question.calendar, question.start, duration, question.intervals).at)


@tries(normal=1000, deep=100_000)
@given(questions())
def test_every_deadline_is_the_one_found_by_walking_minutes_and_days(question: Question) -> None:
    """Index and interval arithmetic give exactly what counting on one's fingers gives, in every unit."""
    duration = question.duration
    expected = oracle_due(
        question.plan,
        question.start,
        duration.amount,
        duration.unit,
        from_next_day=duration.from_next_day,
        end_of_day=duration.end_of_day,
        pauses=question.pauses,
    )
    assert _answer(question) == expected


@tries(normal=250, deep=20_000)
@given(questions(units=TIME_UNITS), st.integers(0, 9 * 1440))
def test_elapsed_time_is_the_number_of_minutes_that_counted(question: Question, length: int) -> None:
    """``elapsed`` counts the same minutes as a walk over all of them."""
    end = question.start + timedelta(minutes=length)
    unit = question.duration.unit
    found = elapsed(question.calendar, question.start, end, unit, question.intervals)
    minutes = oracle_elapsed_minutes(question.plan, question.start, end, unit, question.pauses)
    assert found == Fraction(minutes, MINUTES[unit])


@tries(normal=250, deep=10_000)
@given(questions())
def test_a_larger_amount_is_due_later(question: Question) -> None:
    """A deadline never moves forwards when more time is granted; by whole units it moves strictly back."""
    sooner, later = _answer(question), _answer(question, question.duration.amount + 1)
    if question.duration.unit in DAY_UNITS or not question.duration.end_of_day:
        assert sooner < later
    else:
        assert sooner <= later


@tries(normal=250, deep=10_000)
@given(questions(), st.integers(1, 4 * 1440))
def test_a_later_start_is_never_due_sooner(question: Question, delay: int) -> None:
    """Whoever comes later does not get an earlier deadline.

    Left out is what the wall clock itself forbids: clocks that repeat an hour, and a count from the next day
    to the same time of day, in which a start on a Saturday morning meets one on a Friday evening.
    """
    duration = question.duration
    if duration.unit in DAY_UNITS:
        assume(question.plan in STEADY)
        assume(duration.end_of_day or not duration.from_next_day)
    # A day that is skipped only because of pauses breaks a count of calendar days in the same way.
    assume(not (duration.unit == "days" and question.pauses and not duration.end_of_day))
    later = Question(question.plan, question.start + timedelta(minutes=delay), duration, question.pauses)
    assert _answer(question) <= _answer(later)


@tries(normal=150, deep=10_000)
@given(questions(flags=False))
def test_elapsed_is_the_inverse_of_due(question: Question) -> None:
    """At the deadline exactly the amount has passed, and the instant before it less."""
    calendar, start, unit = question.calendar, question.start, question.duration.unit
    at = _answer(question)
    assert elapsed(calendar, start, at, unit, question.intervals) == question.duration.amount
    assert elapsed(calendar, start, at - TICK, unit, question.intervals) < question.duration.amount


@tries(normal=150, deep=5_000)
@given(questions(plans=STEADY, flags=False), st.integers(2, 12))
def test_counting_one_by_one_ends_where_counting_at_once_does(question: Question, amount: int) -> None:
    """Amounts add up: five days are five times one day from the last deadline on."""
    at = question.start
    one = Duration(1, question.duration.unit)
    for _ in range(amount):
        at = _utc(due(question.calendar, at, one, question.intervals).at)
    assert at == _answer(question, amount)


@tries(normal=250, deep=10_000)
@given(questions(units=TIME_UNITS, flags=False))
def test_pauses_take_exactly_their_own_time_away(question: Question) -> None:
    """Additivity: time with pauses is time without them less the time inside each of their union's parts."""
    calendar, start, unit = question.calendar, question.start, question.duration.unit
    end = _answer(question)
    inside = Fraction(0)
    reached = start
    for pause in sorted(question.intervals, key=lambda row: row.start):
        first, last = max(pause.start, reached), min(pause.end, end)
        if first < last:
            inside += elapsed(calendar, first, last, unit)
            reached = last
    assert elapsed(calendar, start, end, unit) - inside == question.duration.amount


@tries(normal=150, deep=5_000)
@given(questions(units=TIME_UNITS), st.integers(0, 5000), st.integers(0, 5000))
def test_time_in_two_parts_adds_up_to_time_in_one(question: Question, first: int, second: int) -> None:
    """Cutting a span anywhere loses and doubles nothing."""
    calendar, unit, pauses = question.calendar, question.duration.unit, question.intervals
    start = question.start
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + second)
    parts = elapsed(calendar, start, middle, unit, pauses) + elapsed(calendar, middle, end, unit, pauses)
    assert parts == elapsed(calendar, start, end, unit, pauses)


@tries(normal=150, deep=5_000)
@given(questions(units=TIME_UNITS, flags=False))
def test_before_leaves_exactly_the_amount_and_is_the_last_to_do_so(question: Question) -> None:
    """A warning so many hours before the deadline leaves those hours, and an instant later fewer."""
    calendar, unit, pauses = question.calendar, question.duration.unit, question.intervals
    amount, end = question.duration.amount, question.start
    at = _utc(before(calendar, end, amount, unit, pauses))
    assert elapsed(calendar, at, end, unit, pauses) == amount
    assert elapsed(calendar, at + TICK, end, unit, pauses) < amount


@tries(normal=150, deep=5_000)
@given(questions(units=TIME_UNITS, flags=False), st.integers(1, 100))
def test_part_way_is_the_first_instant_with_that_part_behind_it(question: Question, percent: int) -> None:
    """At 75 percent three quarters of what counts have passed, and the instant before less."""
    calendar, unit, pauses = question.calendar, question.duration.unit, question.intervals
    end = _answer(question)
    at = _utc(part_way(calendar, question.start, end, percent, unit, pauses))
    whole = elapsed(calendar, question.start, end, unit, pauses)
    assert elapsed(calendar, question.start, at, unit, pauses) * 100 >= whole * percent
    assert elapsed(calendar, question.start, at - TICK, unit, pauses) * 100 < whole * percent


@tries(normal=150, deep=5_000)
@given(questions())
def test_an_explanation_counts_to_the_amount_and_ends_with_the_same_deadline(question: Question) -> None:
    """What is told line by line is what was counted: shares add up and no day is missing."""
    calendar, pauses = question.calendar, question.intervals
    told = explain(calendar, question.start, question.duration, pauses)
    assert told.due == due(calendar, question.start, question.duration, pauses)
    assert told.lines[-1].total == question.duration.amount == sum(line.counted for line in told.lines)
    assert told.lines[0].day == question.start.astimezone(calendar.zone).date()
    ordinals = [line.day.toordinal() for line in told.lines]
    assert ordinals == list(range(ordinals[0], ordinals[0] + len(ordinals)))
    for line in told.lines:
        for first, last in line.stretches:
            for pause in pauses:
                assert pause.end <= first or last <= pause.start or pause.start == pause.end


@tries(normal=100, deep=5_000)
@given(questions(units=("working_days",)), st.data())
def test_a_pause_outside_session_time_changes_no_working_day(question: Question, data: st.DataObject) -> None:
    """Pausing at night, or over a day off, moves no deadline in working days."""
    calendar = question.calendar
    nights = []
    for line in explain(calendar, question.start, question.duration).lines:
        spans = calendar.spans_of(line.day)
        if not spans and data.draw(st.booleans()):
            opens = question.start.astimezone(calendar.zone)
            start = opens.replace(
                year=line.day.year, month=line.day.month, day=line.day.day, hour=3, minute=0
            )
            nights.append(Interval(start, start + timedelta(hours=20)))
    unpaused = due(calendar, question.start, question.duration)
    assert due(calendar, question.start, question.duration, nights) == unpaused
