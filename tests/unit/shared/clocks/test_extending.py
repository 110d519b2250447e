"""More time: asked for by one, granted by another, the original kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clocks import Deadline, Decision, State
from shared.errors import RuleRefused
from tests.unit.shared.clocks.cases import BOSS, CALENDAR, HANDLER, MINUTE, at, begin, deadlines

BY, ROLE = BOSS


def extended(deadline: Deadline, amount: int, asked: str = "03 10:00", granted: str = "03 11:00") -> Deadline:
    request = deadline.request_extension(amount, at(asked), HANDLER)
    return request.grant_extension(at(granted), CALENDAR, by=BY, role=ROLE)


def test_asking_changes_nothing_until_it_is_granted() -> None:
    """A request is a line in the ledger; the clock goes on as it was."""
    deadline = begin(3, "working_days", at("02 10:00"), 50, end_of_day=True)
    asked = deadline.request_extension(6, at("03 10:00"), HANDLER)
    assert (asked.due_at, asked.warnings, asked.granted) == (deadline.due_at, deadline.warnings, 0)
    assert asked.requested is not None
    assert (asked.requested.amount, asked.requested.decision) == (6, Decision.PENDING)


def test_granted_it_is_due_later_and_the_original_is_kept_for_the_figures() -> None:
    """Six working days in the place of three; met on the fifth it is in time, but would not have been."""
    deadline = begin(3, "working_days", at("02 10:00"), end_of_day=True)
    longer = extended(deadline, 6)
    assert (longer.due_at, longer.original_due_at) == (at("12 00:00"), at("07 00:00"))
    assert (longer.granted, longer.requested) == (1, None)
    (line,) = longer.extensions
    assert (line.decided_by, line.decided_role, line.due_before, line.due_after) == (
        BY,
        ROLE,
        at("07 00:00"),
        at("12 00:00"),
    )
    assert longer.meet(at("06 10:00")).was_late_by_original is False
    late = longer.meet(at("10 10:00"))
    assert (late.state, late.was_breached, late.was_late_by_original) == (State.MET, False, True)


def test_it_warns_again_at_the_points_of_its_new_span_that_lie_ahead() -> None:
    """Half of ten hours was told; of twenty, half is still to come, and what is behind is not told in hindsight."""
    deadline, _ = begin(10, "hours", at("03 00:00"), 25, 50, 90).fire(at("03 09:30"))
    longer = extended(deadline, 20, "03 09:30", "03 09:40")
    assert longer.warnings == ((50, at("03 10:00")), (90, at("03 18:00")))
    assert longer.passed == (25,)
    assert longer.fire(at("03 09:50"))[1] == ()


def test_refused_it_stays_as_it_was_and_may_be_asked_for_again() -> None:
    """A no is no decision for ever; how often one may ask is the rulebook's matter."""
    deadline = begin(3, "working_days", at("02 10:00"), end_of_day=True)
    asked = deadline.request_extension(6, at("03 10:00"), HANDLER)
    refused = asked.refuse_extension(at("03 11:00"), by=BY, role=ROLE)
    assert (refused.due_at, refused.granted, refused.requested) == (deadline.due_at, 0, None)
    assert refused.extensions[0].decision is Decision.REFUSED
    assert refused.request_extension(5, at("03 12:00"), HANDLER).requested is not None


def test_a_second_extension_keeps_the_first_original() -> None:
    """However often it is moved, the figures know when it was due at first."""
    twice = extended(extended(begin(3, "working_days", at("02 10:00"), end_of_day=True), 6), 8)
    assert (twice.granted, twice.due_at) == (2, at("14 00:00"))
    assert twice.original_due_at == at("07 00:00")


def test_pauses_move_the_original_too() -> None:
    """What was not its time does not count against it: one day paused, both due instants a working day later."""
    longer = extended(begin(3, "working_days", at("02 10:00"), end_of_day=True), 6)
    paused = longer.pause(at("04 10:00"), HANDLER).resume(at("05 19:00"), CALENDAR, by="stf_2")
    assert (paused.original_due_at, paused.due_at) == (at("10 00:00"), at("13 00:00"))


def test_a_request_lapses_when_the_clock_ends_first() -> None:
    """Nothing waits for a decision that cannot matter any more, and a breach is not undone by a late yes."""
    asked = begin(3, "hours", at("03 09:00")).request_extension(6, at("03 10:00"), HANDLER)
    for ended in (
        asked.meet(at("03 11:00")),
        asked.supersede(at("03 11:00")),
        asked.fire(at("03 12:00"))[0],
    ):
        assert ended.extensions[0].decision is Decision.LAPSED
        with pytest.raises(RuleRefused):
            ended.grant_extension(at("03 12:30"), CALENDAR, by=BY, role=ROLE)
    with pytest.raises(RuleRefused):
        asked.grant_extension(at("03 12:00"), CALENDAR, by=BY, role=ROLE)


def test_what_makes_no_sense_is_refused() -> None:
    """No less time than there is, no second request, no decision without one, nothing after the end."""
    deadline = begin(3, "hours", at("03 09:00"))
    asked = deadline.request_extension(6, at("03 10:00"), HANDLER)
    refusals: list[Callable[[], object]] = [
        lambda: deadline.request_extension(3, at("03 10:00"), HANDLER),
        lambda: asked.request_extension(7, at("03 10:00"), HANDLER),
        lambda: deadline.grant_extension(at("03 10:00"), CALENDAR, by=BY, role=ROLE),
        lambda: deadline.refuse_extension(at("03 10:00"), by=BY, role=ROLE),
        lambda: deadline.request_extension(6, at("03 12:00"), HANDLER),
        lambda: deadline.meet(at("03 10:00")).request_extension(6, at("03 10:30"), HANDLER),
    ]
    for refused in refusals:
        with pytest.raises(RuleRefused):
            refused()


def test_a_clock_begun_again_for_a_higher_level_keeps_its_pauses_and_what_it_was_given() -> None:
    """The new time counts from the same start; nobody loses the day the customer was away, or what was agreed."""
    general = begin(3, "working_days", at("02 10:00"), end_of_day=True)
    waited = general.pause(at("04 10:00"), HANDLER).resume(at("05 19:00"), CALENDAR, by="stf_2")
    higher = begin(7, "working_days", at("02 10:00"), end_of_day=True)
    assert higher.after(waited, CALENDAR).due_at == at("14 00:00")
    agreed = extended(general, 10)
    kept = higher.after(agreed, CALENDAR)
    assert (kept.due_at, kept.original_due_at) == (agreed.due_at, higher.due_at)
    shorter = extended(general, 5)
    assert higher.after(shorter, CALENDAR).due_at == higher.due_at
    still = higher.after(general.pause(at("03 10:00"), HANDLER), CALENDAR)
    assert (still.state, still.next_at) == (State.PAUSED, None)


def test_an_extended_deadline_reads_back_the_same_from_the_database() -> None:
    """Whatever was asked for and decided is still known after a restart."""
    deadline = begin(3, "working_days", at("02 10:00"), 50)
    for each in (deadline.request_extension(6, at("03 10:00"), HANDLER), extended(deadline, 6)):
        assert Deadline.from_document(each.as_document()) == each


@settings(max_examples=80)
@given(deadlines(), st.integers(1, 50), st.integers(0, 5 * 24 * 60))
def test_more_time_is_never_less(deadline: Deadline, more: int, wait: int) -> None:
    """Due later, the original unchanged, warnings ahead of the decision; and granting it fires nothing."""
    now = deadline.started_at + wait * MINUTE
    if now >= deadline.due_at:
        return
    asked = deadline.request_extension(deadline.duration.amount + more, now, HANDLER)
    longer = asked.grant_extension(now, CALENDAR, by=BY, role=ROLE)
    assert longer.due_at > deadline.due_at
    assert longer.original_due_at == deadline.due_at
    assert longer.fire(now) == (longer, ())
    assert Deadline.from_document(longer.as_document()) == longer
