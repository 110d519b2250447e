from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clocks import Deadline, Firing, Kind, State, next_due
from shared.worktime import Duration
from shared.worktime.calendars import calendar_from

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, nine in the morning in China
HOURS = timedelta(hours=1)
CALENDAR = calendar_from("test", {"country": "none", "zone": "Asia/Shanghai"})


def _deadline(*percents: int, hours: int = 10) -> Deadline:
    """Return a deadline of ten hours with warnings at these percents of its span."""
    return Deadline.begin("reply", Duration(hours, "hours"), CALENDAR, START, source="R-1", warn_at=percents)


def _fire(deadline: Deadline, *moments: datetime) -> tuple[Deadline, list[Firing]]:
    fired: list[Firing] = []
    for moment in moments:
        deadline, firings = deadline.fire(moment)
        fired += firings
    return deadline, fired


def test_a_deadline_counts_in_its_calendar_and_warns_at_percents_of_its_span() -> None:
    """The due instant is the calendar's; warnings lie between start and due, earliest first."""
    deadline = Deadline.begin(
        "reply", Duration(2, "hours"), CALENDAR, START, source="R-1", warn_at=(90, 50, 75)
    )
    assert deadline.due_at == START + 2 * HOURS
    assert deadline.warnings == (
        (50, START + HOURS),
        (75, START + HOURS * 3 / 2),
        (90, START + timedelta(minutes=108)),
    )
    assert (deadline.state, deadline.ended_at, deadline.source) == (State.RUNNING, None, "R-1")
    assert (deadline.calendar, deadline.calendar_version) == ("test", CALENDAR.version)
    assert (deadline.duration, deadline.original_due_at) == (Duration(2, "hours"), deadline.due_at)
    assert all(at.tzinfo is UTC for at in (deadline.due_at, deadline.started_at, deadline.warnings[0][1]))


def test_it_warns_once_a_point_and_then_breaches_once() -> None:
    """Everybody is told in time, and nobody twice."""
    deadline, fired = _fire(_deadline(50, 90), *(START + minute * HOURS / 4 for minute in range(60)))
    assert [(firing.kind, firing.percent, firing.at) for firing in fired] == [
        (Kind.WARNED, 50, START + 5 * HOURS),
        (Kind.WARNED, 90, START + 9 * HOURS),
        (Kind.BREACHED, 100, START + 10 * HOURS),
    ]
    assert all(firing.due_at == START + 10 * HOURS and firing.clock == "reply" for firing in fired)
    assert (deadline.state, deadline.next_at, deadline.was_breached) == (State.BREACHED, None, True)


def test_of_the_warnings_slept_through_only_the_last_is_given() -> None:
    """After a standstill one warning says where things are; the older ones would only be noise."""
    deadline, fired = _fire(_deadline(50, 75, 90), START + 8 * HOURS)
    assert [firing.percent for firing in fired] == [75]
    assert [percent for percent, _ in deadline.warnings] == [90]


def test_past_the_due_instant_only_the_breach_is_told() -> None:
    """A warning of something that has already happened helps nobody."""
    deadline, fired = _fire(_deadline(50, 90), START + 11 * HOURS)
    assert [(firing.kind, firing.at) for firing in fired] == [(Kind.BREACHED, START + 10 * HOURS)]
    assert deadline.warnings == ()


@pytest.mark.parametrize(
    ("millisecond", "state"), [(-1, State.RUNNING), (0, State.BREACHED), (1, State.BREACHED)]
)
def test_the_due_instant_itself_is_too_late(millisecond: int, state: State) -> None:
    """The border is exact to the millisecond, for firing as for meeting."""
    moment = START + 10 * HOURS + timedelta(milliseconds=millisecond)
    assert _deadline().fire(moment)[0].state is state
    met = _deadline().meet(moment)
    assert met.state is (State.MET if state is State.RUNNING else State.MET_LATE)


def test_met_in_time_it_is_silent_for_ever() -> None:
    """Nothing fires any more, and the moment it was met stays."""
    met = _deadline(50).meet(START + HOURS)
    assert (met.state, met.ended_at, met.open, met.was_breached) == (State.MET, START + HOURS, False, False)
    assert (met.next_at, met.warnings) == (None, ())
    assert met.fire(START + 20 * HOURS) == (met, ())
    assert met.meet(START + 2 * HOURS) == met


def test_met_late_it_stays_a_breach() -> None:
    """Late is late, whether the timer had come by in between or not."""
    at = START + 12 * HOURS
    fired_first = _deadline().fire(START + 11 * HOURS)[0].meet(at)
    never_fired = _deadline().meet(at)
    assert fired_first.state is never_fired.state is State.MET_LATE
    assert fired_first.was_breached
    assert not fired_first.open
    assert fired_first.ended_at == at


def test_superseded_it_is_silent_and_no_breach() -> None:
    """A deadline that is no longer asked for is no failure."""
    gone = _deadline(50).supersede(START + HOURS)
    assert (gone.state, gone.ended_at, gone.open) == (State.SUPERSEDED, START + HOURS, False)
    assert (gone.was_breached, gone.next_at) == (False, None)
    assert gone.fire(START + 20 * HOURS) == (gone, ())


def test_superseded_after_its_breach_it_stays_a_breach_and_waits_for_nothing() -> None:
    """What comes later neither meets it nor moves the moment it ended."""
    gone = _deadline().fire(START + 11 * HOURS)[0].supersede(START + 12 * HOURS)
    assert (gone.state, gone.was_breached, gone.ended_at) == (State.BREACHED, True, START + 12 * HOURS)
    assert not gone.open
    assert gone.meet(START + 13 * HOURS) == gone
    assert gone.supersede(START + 13 * HOURS) == gone


def test_the_timer_looks_at_the_first_of_all_deadlines_that_still_run() -> None:
    """One indexed instant per aggregate: the next warning or breach of any of its clocks."""
    early, late = _deadline(hours=4), _deadline(50, hours=10)
    assert next_due([late, early]) == START + 4 * HOURS
    assert next_due([late, early.meet(START)]) == START + 5 * HOURS
    assert next_due([late.supersede(START), early.meet(START)]) is None
    assert next_due([]) is None


def test_a_warning_that_lies_after_the_due_instant_does_not_delay_the_breach() -> None:
    """Whatever a warning's instant is, the timer must not come too late for the breach."""
    late = replace(_deadline(50), warnings=((50, START + 15 * HOURS),))
    assert late.next_at == START + 10 * HOURS
    assert next_due([late]) == START + 10 * HOURS


def test_a_deadline_kept_in_the_database_reads_back_the_same() -> None:
    """Nothing of what it still has to do is lost between two processes."""
    for deadline in (_deadline(50, 90), _deadline().meet(START), _deadline().fire(START + 11 * HOURS)[0]):
        assert Deadline.from_document(deadline.as_document()) == deadline


MINUTES = st.integers(0, 20 * 60)
PERCENTS = st.lists(st.integers(1, 99), max_size=4, unique=True).map(sorted)


@settings(max_examples=60)
@given(PERCENTS, st.lists(MINUTES, min_size=1, max_size=12).map(sorted))
def test_over_any_partition_of_time_each_point_fires_at_most_once_and_the_breach_exactly_once(
    percents: Sequence[int], minutes: Sequence[int]
) -> None:
    """However often and whenever the timer comes by, what is told is told once and in order.

    At every visit something fires exactly if the indexed instant has come, so no visit is missed for want of
    being looked up; and where it ends depends only on the last visit, not on how many there were.
    """
    deadline, told = _deadline(*percents), list[Firing]()
    for minute in minutes:
        now = START + timedelta(minutes=minute)
        next_at = deadline.next_at
        deadline, fired = deadline.fire(now)
        assert bool(fired) is (next_at is not None and next_at <= now)
        assert deadline.fire(now) == (deadline, ())
        told += fired
    assert [firing.at for firing in told] == sorted(firing.at for firing in told)
    assert len({firing.percent if firing.kind is Kind.WARNED else 0 for firing in told}) == len(told)
    last = START + timedelta(minutes=minutes[-1])
    assert [firing.kind for firing in told].count(Kind.BREACHED) == int(last >= deadline.due_at)
    assert _deadline(*percents).fire(last)[0] == deadline


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["fire", "meet", "supersede"]), MINUTES), min_size=1, max_size=6).map(
        lambda steps: sorted(steps, key=lambda step: step[1])
    )
)
def test_a_breach_once_told_is_never_taken_back(steps: list[tuple[str, int]]) -> None:
    """Whatever happens later, in any order: told breaches and the figures agree."""
    deadline, breaches = _deadline(50), 0
    for what, minute in steps:
        now = START + timedelta(minutes=minute)
        if what == "fire":
            deadline, fired = deadline.fire(now)
            breaches += sum(firing.kind is Kind.BREACHED for firing in fired)
        else:
            deadline = deadline.meet(now) if what == "meet" else deadline.supersede(now)
        assert breaches <= int(deadline.was_breached)
