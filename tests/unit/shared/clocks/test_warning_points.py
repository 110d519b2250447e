"""Where warnings lie: parts of the time that counts, and times before the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from shared.clock import to_milliseconds
from shared.clocks import Before, Deadline, Firing, Kind
from shared.clocks.points import point_document, point_of, point_text
from shared.worktime import Duration, WorktimeError, elapsed, part_way
from tests.unit.shared.clocks.cases import CALENDAR, at, begin, deadlines


def test_percents_of_a_working_day_deadline_are_of_its_working_time() -> None:
    """Two working days from Tuesday morning end on Friday at midnight; half of the session time is gone on Thursday.

    Seven and a half hours are worked a day and Wednesday is closed: 22.5 hours in all, counted from the start.
    """
    deadline = begin(2, "working_days", at("03 09:00"), 50, 90, end_of_day=True)
    assert deadline.due_at == at("07 00:00")
    assert deadline.warnings == ((50, at("05 13:30") - _quarter(-1)), (90, at("06 15:45")))


def _quarter(number: int) -> Any:
    return number * (at("02 00:15") - at("02 00:00")) * 3


def test_percents_of_a_deadline_in_plain_hours_are_of_all_its_time() -> None:
    """A clock that runs round the clock warns at night too."""
    deadline = begin(10, "hours", at("06 20:00"), 50)
    assert deadline.warnings == ((50, at("07 01:00")),)


def test_a_time_before_the_end_is_counted_back_in_its_own_unit() -> None:
    """Two working hours before Friday's midnight are at 16:00, two hours before it at 22:00."""
    deadline = begin(
        2, "working_days", at("03 09:00"), Before(2, "working_hours"), Before(2, "hours"), end_of_day=True
    )
    assert deadline.warnings == (
        (Before(2, "working_hours"), at("06 16:00")),
        (Before(2, "hours"), at("06 22:00")),
    )


def test_a_point_outside_the_span_is_dropped() -> None:
    """Nothing can be told of a clock shorter than what should be left, or without any working time in it."""
    assert begin(3, "hours", at("02 10:00"), Before(4, "hours"), 50).warnings == ((50, at("02 11:30")),)
    whole_span = begin(3, "hours", at("02 10:00"), Before(3, "hours"))
    assert (whole_span.warnings, whole_span.warn_at) == ((), (Before(3, "hours"),))
    assert begin(3, "hours", at("02 10:00"), Before(10**9, "working_hours")).warnings == ()
    over_a_weekend = Deadline.begin(
        "close", Duration(1, "days", end_of_day=True), CALENDAR, at("07 09:00"), source="R-1",
        warn_at=(Before(1, "working_hours"),),
    )  # fmt: skip
    assert over_a_weekend.warnings == ()


def test_a_firing_says_which_point_it_is() -> None:
    """People and metrics can tell a part of the span from a time before the end."""
    deadline = begin(3, "hours", at("02 10:00"), 50, Before(1, "hours"))
    deadline, (half,) = deadline.fire(at("02 11:30"))
    deadline, (hour,) = deadline.fire(at("02 12:00"))
    assert (half.percent, half.before, half.label) == (50, None, "warned_50")
    assert (hour.percent, hour.before, hour.label) == (None, Before(1, "hours"), "warned_1_hours")
    assert deadline.passed == (50, Before(1, "hours"))
    _, (breach,) = deadline.fire(at("02 13:00"))
    assert (breach.kind, breach.percent, breach.label) == (Kind.BREACHED, 100, "breached")


@pytest.mark.parametrize("percent", [0, 100, -1, True, 50.0])
def test_a_percentage_is_a_whole_number_from_1_to_99(percent: Any) -> None:
    """Start and end themselves are no warning."""
    with pytest.raises(WorktimeError) as refused:
        begin(3, "hours", at("02 10:00"), percent)
    assert refused.value.code == "bad_percent"


@pytest.mark.parametrize(
    ("amount", "unit", "code"),
    [
        (0, "hours", "bad_amount"),
        (-1, "hours", "bad_amount"),
        (1.5, "hours", "bad_amount"),
        (1, "weeks", "unknown_unit"),
        (1, "days", "unit_counts_days"),
        (1, "working_days", "unit_counts_days"),
    ],
)
def test_a_time_before_the_end_is_a_positive_amount_of_a_unit_of_time(
    amount: Any, unit: Any, code: str
) -> None:
    """What cannot be counted back is refused when the rulebook is read, not when a clock begins."""
    with pytest.raises(WorktimeError) as refused:
        Before(amount, unit)
    assert refused.value.code == code


def test_points_are_kept_as_plain_data() -> None:
    """The database, the events and the metrics get what they can hold."""
    for point, document, text in (
        (90, 90, "90"),
        (Before(2, "working_hours"), {"amount": 2, "unit": "working_hours"}, "2_working_hours"),
    ):
        assert (point_document(point), point_of(document), point_text(point)) == (document, point, text)


@settings(max_examples=80)
@given(deadlines())
def test_every_warning_lies_between_start_and_due_and_none_comes_twice(deadline: Deadline) -> None:
    """For any unit, start and set of points; in order of time, and of percents too."""
    instants = [instant for _, instant in deadline.warnings]
    assert instants == sorted(instants)
    assert all(deadline.started_at < instant < deadline.due_at for instant in instants)
    percents = [point for point, _ in deadline.warnings if isinstance(point, int)]
    assert percents == sorted(percents)
    assert {point for point, _ in deadline.warnings} <= set(deadline.warn_at)


@settings(max_examples=100)
@given(deadlines())
def test_a_percentage_comes_when_so_much_of_the_deadlines_own_time_has_passed(deadline: Deadline) -> None:
    """Measured the other way round, to the millisecond that instants are cut to."""
    own = "working_hours" if deadline.duration.unit.startswith("working") else "hours"
    total = elapsed(CALENDAR, deadline.started_at, deadline.due_at, own)  # type: ignore[arg-type]
    for percent, instant in deadline.warnings:
        if isinstance(percent, int):
            expected = part_way(CALENDAR, deadline.started_at, deadline.due_at, percent, own)  # type: ignore[arg-type]
            assert instant == to_milliseconds(expected)
    for point, instant in deadline.warnings:
        if isinstance(point, int):
            passed = elapsed(CALENDAR, deadline.started_at, instant, own)  # type: ignore[arg-type]
            assert abs(passed - total * point / 100) * 3600 < 0.002


def test_firings_are_the_same_however_the_timer_comes_by() -> None:
    """One visit after another or the last alone: it ends alike, and nothing is told twice."""
    deadline = begin(10, "hours", at("02 10:00"), 50, Before(2, "hours"))
    told: list[Firing] = []
    stepped = deadline
    for hour in range(12):
        stepped, fired = stepped.fire(at("02 10:00") + hour * 60 * (at("02 00:01") - at("02 00:00")))
        told += fired
    assert [firing.label for firing in told] == ["warned_50", "warned_2_hours", "breached"]
    assert stepped.state is deadline.fire(at("02 21:00"))[0].state
