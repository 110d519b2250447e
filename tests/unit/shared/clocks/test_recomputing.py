"""A newer calendar: what runs is computed again, what has happened stays."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clocks import Deadline, State
from tests.unit.shared.clocks.cases import (
    CALENDAR,
    HANDLER,
    MINUTE,
    WITHOUT_CLOSURE,
    at,
    begin,
    deadlines,
)


def test_a_running_deadline_follows_the_newer_calendar() -> None:
    """The closed Wednesday is worked after all: due a day earlier, warnings with it, under the new version."""
    deadline = begin(3, "working_days", at("02 10:00"), 50, end_of_day=True)
    again = deadline.recompute(WITHOUT_CLOSURE)
    assert (deadline.due_at, again.due_at, again.original_due_at) == (
        at("07 00:00"),
        at("06 00:00"),
        at("06 00:00"),
    )
    assert again.calendar_version == WITHOUT_CLOSURE.version != deadline.calendar_version
    assert again.warnings < deadline.warnings
    assert again == begin(3, "working_days", at("02 10:00"), 50, end_of_day=True, calendar=WITHOUT_CLOSURE)


def test_a_warning_that_was_told_stays_told() -> None:
    """A later due instant does not warn of the same part twice."""
    deadline = begin(3, "working_days", at("02 10:00"), 50, end_of_day=True, calendar=WITHOUT_CLOSURE)
    told, fired = deadline.fire(at("04 20:00"))
    assert [firing.percent for firing in fired] == [50]
    again = told.recompute(CALENDAR)
    assert (again.due_at, again.warnings, again.passed) == (at("07 00:00"), (), (50,))


def test_a_breach_stays_a_breach_even_where_it_is_now_due_later() -> None:
    """It was announced and acted on; the figures keep it, the case shows the date that holds now."""
    deadline = begin(3, "working_days", at("02 10:00"), end_of_day=True, calendar=WITHOUT_CLOSURE)
    breached, _ = deadline.fire(at("06 00:00"))
    again = breached.recompute(CALENDAR)
    assert (again.state, again.due_at, again.next_at) == (State.BREACHED, at("07 00:00"), None)
    assert again.fire(at("08 00:00")) == (again, ())
    assert again.meet(at("06 10:00")).state is State.MET_LATE


def test_what_has_ended_stays_as_it_was() -> None:
    """Nobody rewrites what a met deadline was due at."""
    deadline = begin(3, "working_days", at("02 10:00"), end_of_day=True)
    late = deadline.fire(at("08 00:00"))[0]
    for ended in (
        deadline.meet(at("03 10:00")),
        deadline.supersede(at("03 10:00")),
        late.meet(at("09 10:00")),
    ):
        assert ended.recompute(WITHOUT_CLOSURE) is ended


def test_a_paused_deadline_stays_paused_and_runs_on_in_the_newer_calendar() -> None:
    """The pause that lasts is no more lost than those that have ended."""
    paused = begin(3, "working_days", at("02 10:00"), end_of_day=True).pause(at("03 10:00"), HANDLER)
    again = paused.recompute(WITHOUT_CLOSURE)
    assert (again.state, again.due_at) == (State.PAUSED, at("06 00:00"))
    assert again.resume(at("05 10:00"), WITHOUT_CLOSURE, by="stf_2").due_at == at("07 00:00")


def test_an_extended_deadline_keeps_what_it_was_given() -> None:
    """Both due instants follow the calendar."""
    asked = begin(3, "working_days", at("02 10:00"), end_of_day=True).request_extension(
        6, at("03 10:00"), HANDLER
    )
    longer = asked.grant_extension(at("03 11:00"), CALENDAR, by="stf_9", role="manager")
    again = longer.recompute(WITHOUT_CLOSURE)
    assert (again.original_due_at, again.due_at) == (at("06 00:00"), at("11 00:00"))
    assert again.extensions == longer.extensions


@settings(max_examples=80)
@given(deadlines(), st.lists(st.integers(1, 3 * 24 * 60), max_size=6), st.booleans())
def test_the_same_calendar_changes_nothing_and_there_and_back_is_where_it_was(
    deadline: Deadline,
    steps: list[int],
    fires: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever pauses and firings came before: computing again is a function of what the deadline keeps."""
    now = deadline.started_at
    for number, step in enumerate(steps):
        now += step * MINUTE
        if fires:
            deadline = deadline.fire(now)[0]
        if deadline.state is State.RUNNING and now < deadline.due_at and number % 2 == 0:
            deadline = deadline.pause(now, HANDLER)
        elif deadline.state is State.PAUSED:
            deadline = deadline.resume(now, CALENDAR, by="stf_2")
    assert deadline.recompute(CALENDAR) is deadline
    there = deadline.recompute(WITHOUT_CLOSURE)
    assert there.state is deadline.state
    assert there.recompute(CALENDAR) == deadline


@settings(max_examples=100)
@given(deadlines(), st.integers(1, 10 * 24 * 60))
def test_it_does_not_matter_whether_the_timer_or_the_newer_calendar_comes_first_for_what_is_past(
    deadline: Deadline, wait: int
) -> None:
    """A breach that both calendars agree on is a breach in either order."""
    now = deadline.started_at + wait * MINUTE
    fired_first = deadline.fire(now)[0].recompute(WITHOUT_CLOSURE)
    computed_first = deadline.recompute(WITHOUT_CLOSURE).fire(now)[0]
    if deadline.due_at <= now and computed_first.due_at <= now:
        assert replace(fired_first, passed=()) == replace(computed_first, passed=())
