"""Paused deadlines: they stand still, and go on where they stood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.clocks import Deadline, State
from shared.errors import RuleRefused
from shared.worktime import elapsed
from tests.unit.shared.clocks.cases import CALENDAR, HANDLER, MINUTE, at, begin, deadlines

FAR = at("02 00:00") + timedelta(days=400)


def pause(deadline: Deadline, start: datetime, end: datetime) -> Deadline:
    """Return the deadline after a pause, or as it is where none can begin at ``start``."""
    if deadline.state is not State.RUNNING or start >= deadline.due_at:
        return deadline
    return deadline.pause(start, HANDLER).resume(end, CALENDAR, by="stf_2")


def test_paused_it_neither_warns_nor_breaches() -> None:
    """Time stands still: nothing comes due, whenever the timer looks."""
    paused = begin(3, "hours", at("02 10:00"), 50).pause(at("02 11:00"), HANDLER)
    assert (paused.state, paused.open, paused.next_at) == (State.PAUSED, True, None)
    assert paused.fire(FAR) == (paused, ())


def test_resumed_it_has_as_much_time_as_was_left_and_keeps_who_stopped_it_and_why() -> None:
    """Two of three hours were left when it was paused, overnight; the ledger says by whom and under which right."""
    paused = begin(3, "hours", at("02 10:00"), 50).pause(at("02 11:00"), HANDLER)
    running = paused.resume(at("03 08:00"), CALENDAR, by="stf_2")
    assert (running.due_at, running.original_due_at) == (at("03 10:00"), at("03 10:00"))
    assert running.warnings == ((50, at("03 08:30")),)
    (kept,) = running.pauses
    assert (kept.start, kept.end, kept.resumed_by) == (at("02 11:00"), at("03 08:00"), "stf_2")
    assert (kept.authority.reason, kept.authority.by, kept.authority.role) == (
        "customer_away",
        "stf_1",
        "complaint_handler",
    )


def test_working_days_that_a_pause_covers_are_skipped() -> None:
    """From Monday's acceptance three working days: Tuesday, Thursday, Friday; paused over all of Thursday."""
    deadline = begin(3, "working_days", at("02 10:00"), end_of_day=True)
    assert deadline.due_at == at("07 00:00")
    assert pause(deadline, at("04 10:00"), at("05 19:00")).due_at == at("10 00:00")
    assert pause(deadline, at("04 10:00"), at("05 17:00")).due_at == at("07 00:00")


def test_paused_on_the_last_day_and_beyond_it_that_day_is_given_again() -> None:
    """One hour before the end it stands still until Thursday week; it must not be missed in the moment it runs on."""
    deadline = begin(3, "working_days", at("02 10:00"), end_of_day=True)
    resumed = pause(deadline, at("06 17:00"), at("12 10:00"))
    assert resumed.due_at == at("13 00:00")
    again = pause(resumed, at("12 17:00"), at("13 10:00"))
    assert again.due_at == at("14 00:00")
    assert pause(resumed, at("12 18:00"), at("13 08:00")).due_at == at("13 00:00")


def test_a_warning_told_before_the_pause_is_not_told_again() -> None:
    """What people know they know; the next point is the next one."""
    deadline, fired = begin(10, "hours", at("02 08:00"), 50, 90).fire(at("02 13:30"))
    assert [firing.percent for firing in fired] == [50]
    resumed = pause(deadline, at("02 14:00"), at("02 20:00"))
    assert resumed.warnings == ((90, at("02 23:00")),)
    _, later = resumed.fire(at("02 23:30"))
    assert [firing.percent for firing in later] == [90]


def test_met_while_paused_it_is_in_time() -> None:
    """A clock that stands still cannot run out."""
    paused = begin(3, "hours", at("02 10:00")).pause(at("02 11:00"), HANDLER)
    met = paused.meet(at("05 11:00"))
    assert (met.state, met.ended_at, met.pauses[0].end) == (State.MET, at("05 11:00"), at("05 11:00"))
    gone = paused.supersede(at("05 11:00"))
    assert (gone.state, gone.pauses[0].end) == (State.SUPERSEDED, at("05 11:00"))


def test_what_makes_no_sense_is_refused() -> None:
    """No pause before the start, in a pause, after the end; no end before its beginning; no second one behind it."""
    deadline = begin(3, "hours", at("02 10:00"))
    paused = deadline.pause(at("02 11:00"), HANDLER)
    resumed = paused.resume(at("02 12:00"), CALENDAR, by="stf_2")
    refusals: list[Callable[[], object]] = [
        lambda: deadline.pause(at("02 09:59"), HANDLER),
        lambda: deadline.pause(at("02 13:00"), HANDLER),
        lambda: paused.pause(at("02 11:30"), HANDLER),
        lambda: paused.resume(at("02 10:59"), CALENDAR, by="stf_2"),
        lambda: deadline.resume(at("02 11:00"), CALENDAR, by="stf_2"),
        lambda: resumed.pause(at("02 11:30"), HANDLER),
        lambda: deadline.fire(at("02 14:00"))[0].pause(at("02 14:00"), HANDLER),
        lambda: deadline.meet(at("02 11:00")).pause(at("02 11:30"), HANDLER),
    ]
    for refused in refusals:
        with pytest.raises(RuleRefused):
            refused()


def test_a_paused_deadline_reads_back_the_same_from_the_database() -> None:
    """A restart in the middle of a pause loses nothing."""
    paused = begin(3, "working_days", at("02 10:00"), 50).pause(at("02 11:00"), HANDLER)
    for deadline in (paused, paused.resume(at("05 12:00"), CALENDAR, by="stf_2")):
        assert Deadline.from_document(deadline.as_document()) == deadline


SPANS = st.lists(st.tuples(st.integers(0, 15 * 24 * 60), st.integers(0, 6 * 24 * 60)), min_size=1, max_size=4)


@settings(max_examples=120)
@given(deadlines(), SPANS)
def test_pauses_only_ever_move_due_later_and_never_past_itself(
    deadline: Deadline, spans: list[tuple[int, int]]
) -> None:
    """After each pause it is due no earlier than before, and, where any of its time was paused, not at once."""
    own = "working_hours" if deadline.duration.unit.startswith("working") else "hours"
    now = deadline.started_at
    for wait, length in spans:
        start = now + wait * MINUTE
        end = start + length * MINUTE
        after = pause(deadline, start, end)
        assert after.due_at >= deadline.due_at
        assert after.original_due_at == after.due_at
        if after is not deadline and elapsed(CALENDAR, start, end, own):  # type: ignore[arg-type]
            assert after.due_at > end
            assert after.resume is not None
        deadline, now = after, end


@settings(max_examples=80)
@given(deadlines(), st.integers(0, 10 * 24 * 60), st.integers(0, 3 * 24 * 60))
def test_a_pause_in_which_nothing_counts_changes_nothing(deadline: Deadline, wait: int, length: int) -> None:
    """Stopping a clock overnight or over the weekend moves neither its end nor its warnings."""
    own = "working_hours" if deadline.duration.unit.startswith("working") else "hours"
    start = deadline.started_at + wait * MINUTE
    end = start + length * MINUTE
    if elapsed(CALENDAR, start, end, own):  # type: ignore[arg-type]
        end = start
    after = pause(deadline, start, end)
    assert replace(after, pauses=()) == deadline


@settings(max_examples=80)
@given(deadlines(), st.integers(0, 10 * 24 * 60), st.lists(st.integers(1, 24 * 60), min_size=2, max_size=4))
def test_a_longer_pause_moves_due_no_less_than_a_shorter_one(
    deadline: Deadline, wait: int, lengths: list[int]
) -> None:
    """Monotone: whoever waits longer for the customer has no less time afterwards."""
    start = deadline.started_at + wait * MINUTE
    assume(start < deadline.due_at)
    dues = [pause(deadline, start, start + length * MINUTE).due_at for length in sorted(lengths)]
    assert dues == sorted(dues)


@settings(max_examples=80)
@given(deadlines(), st.integers(0, 10 * 24 * 60), st.integers(1, 3000), st.integers(0, 3000))
def test_a_pause_cut_in_two_is_the_same_pause(deadline: Deadline, wait: int, first: int, second: int) -> None:
    """Resuming and pausing again in the same instant is no way to gain or lose time, for clocks that count time."""
    assume(deadline.duration.unit not in {"days", "working_days"})
    start = deadline.started_at + wait * MINUTE
    assume(start < deadline.due_at)
    middle, end = start + first * MINUTE, start + (first + second) * MINUTE
    halves = pause(pause(deadline, start, middle), middle, end)
    assert halves.due_at == pause(deadline, start, end).due_at


@settings(max_examples=80)
@given(deadlines(), SPANS, st.integers(0, 30 * 24 * 60))
def test_met_in_its_time_it_is_never_breached(
    deadline: Deadline, spans: list[tuple[int, int]], when: int
) -> None:
    """Whatever pauses came before and however late the timer looks afterwards."""
    now = deadline.started_at
    for wait, length in spans:
        start = now + wait * MINUTE
        now = start + length * MINUTE
        deadline = pause(deadline, start, now)
    moment = now + when * MINUTE
    met = deadline.meet(moment)
    assert met.was_breached is (moment >= deadline.due_at)
    assert met.fire(FAR) == (met, ())
