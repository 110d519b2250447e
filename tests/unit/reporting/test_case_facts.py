"""What the archived events of a case say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.case import FOLDED, CaseFact, Status, fold
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.tally import COUNTED, tally, total
from services.reporting.schemas import EVENT_DATA, data_schema
from shared.history import timestamp
from tests.unit.reporting.stories import CLOCKS, DUE, ORG, START, Story
from tests.unit.reporting.strategies import lives


def fact(story: Story) -> CaseFact:
    return fold(story.case_id, ORG, story.events)


@given(st.data())
def test_any_order_and_any_repetition_of_a_case_s_events_give_the_same_fact(data: st.DataObject) -> None:
    """Promise: what is known of a case depends on what happened, not on how the news arrived."""
    events = data.draw(lives())
    repeated = data.draw(st.lists(st.sampled_from(events)))
    shuffled = data.draw(st.permutations(events + repeated))
    assert fold("cs_1", ORG, shuffled) == fold("cs_1", ORG, events)


@given(lives())
def test_a_case_is_in_exactly_one_state_and_its_shares_never_exceed_the_whole(
    events: list[ArchivedEvent],
) -> None:
    """Promise: the columns of the table add up, and no key figure can pass 100 %."""
    counts = total([tally(fold("cs_1", ORG, events))])
    assert counts["open"] + counts["replied"] + counts["closed"] == counts["received"] == 1
    assert counts["valid"] + counts["refused"] + counts["undecided"] == 1
    for part, whole in [
        ("closed_on_time", "closed"),
        ("valid_settled", "valid"),
        ("valid_handled", "handled"),
        ("valid_handled_called_back", "valid_handled"),
        ("handled_called_back", "handled"),
        ("callbacks_satisfied", "callbacks_made"),
    ]:
        assert counts[part] <= counts[whole], part


def test_an_opened_case_is_open_undecided_and_belongs_to_its_level() -> None:
    """Promise: nothing is assumed of a case before it is decided."""
    case = fact(Story().opened("major"))
    assert (case.status, case.valid, case.level, case.received_at) == (Status.OPEN, None, "major", START)
    assert tally(case) == {"received": 1, "undecided": 1, "open": 1}


def test_a_reply_settles_a_case_and_reopening_unsettles_it_until_the_next_reply() -> None:
    """Promise: a complaint that came back is no longer among the handled ones until it is answered again."""
    story = Story().opened().accepted().replied()
    assert tally(fact(story))["valid_settled"] == 1
    story.called_back("dissatisfied").reopened()
    reopened = tally(fact(story))
    assert "valid_settled" not in reopened
    assert reopened["reopened"] == reopened["valid_handled_called_back"] == 1
    assert tally(fact(story.replied(number=2)))["valid_settled"] == 1


def test_the_last_closing_says_whether_a_case_was_handled_on_time() -> None:
    """Promise: a case closed late after being reopened does not keep the praise of its first closing."""
    story = Story().opened().accepted().replied().closed(on_time=True).reopened()
    assert "closed_on_time" not in tally(fact(story))
    assert "closed_on_time" not in tally(fact(story.replied(number=2).closed(on_time=False)))


def test_a_breached_deadline_makes_a_case_overdue_until_it_is_met_and_late_for_ever() -> None:
    """Promise: overdue is what can still be mended, late is what happened."""
    story = Story().opened().breached()
    assert fact(story).overdue
    story.met(on_time=False)
    assert not fact(story).overdue
    assert fact(story).late


def test_a_deadline_met_late_before_its_breach_was_noticed_makes_the_case_late() -> None:
    """Promise: meeting a deadline late never looks like meeting it."""
    assert fact(Story().opened().met(on_time=False)).late
    assert not fact(Story().opened().met(on_time=True)).late


@pytest.mark.parametrize(
    ("clocks", "overdue"),
    [(CLOCKS, True), ((), False), (({**CLOCKS[0], "due_at": timestamp(DUE + timedelta(days=5))},), False)],
    ids=["the same deadline", "no longer asked for", "a new due moment"],
)
def test_a_breach_lasts_only_as_long_as_its_deadline_is_asked_for(
    clocks: tuple[Mapping[str, Any], ...], *, overdue: bool
) -> None:
    """Promise: a deadline that was dropped or replaced cannot be overdue."""
    story = Story().opened().breached().accepted(clocks=clocks)
    assert fact(story).overdue is overdue


def test_nothing_is_overdue_on_a_closed_case_nor_right_after_it_is_reopened() -> None:
    """Promise: closing ends every deadline."""
    story = Story().opened().accepted().breached().replied().closed(on_time=False)
    assert not fact(story).overdue
    assert not fact(story.reopened()).overdue


def test_a_callback_is_overdue_from_its_due_moment_until_it_is_made_or_no_longer_wanted() -> None:
    """Promise: the overdue callbacks are exactly those somebody still has to make."""
    due = (
        Story()
        .opened()
        .replied()
        .callback("callback_scheduled")
        .callback("callback_due", due_at=timestamp(DUE))
    )
    assert tally(fact(due))["callbacks_overdue"] == 1
    superseded = Story(events=list(due.events)).callback("callback_superseded", round=1)
    assert "callbacks_overdue" not in tally(fact(superseded))
    made = Story(events=list(due.events)).callback(
        "callback_completed", outcome="neutral", completed_at=timestamp(DUE)
    )
    assert "callbacks_overdue" not in tally(fact(made))
    assert tally(fact(made))["callbacks_made"] == 1


def test_only_the_outcome_satisfied_counts_as_satisfied() -> None:
    """Promise: a neutral answer closes a case but does not lift the satisfaction rate."""
    story = Story().opened().replied().called_back("satisfied", 1).called_back("neutral", 2)
    counts = tally(fact(story.called_back("dissatisfied", 3)))
    assert (counts["callbacks_made"], counts["callbacks_satisfied"]) == (3, 1)


def test_events_that_say_nothing_of_interest_leave_a_fact_as_it_is() -> None:
    """Promise: notes along the way neither change a figure nor make a fact look newer."""
    story = Story().opened()
    before = fact(story)
    story.case("case_progressed", step="investigate").callback("callback_attempted", attempts=1)
    assert fact(story) == before


def test_a_case_whose_opening_has_not_arrived_is_in_no_month() -> None:
    """Promise: a fact with gaps never lands in the wrong month."""
    assert fact(Story().accepted().replied()).received_at is None


def test_every_event_a_fact_is_computed_from_is_checked_before_it_is_archived() -> None:
    """Promise: nothing reaches the computation that could make it fail for a whole case."""
    assert set(EVENT_DATA) >= FOLDED


def test_a_tally_names_only_what_the_sums_know() -> None:
    """Promise: no count is lost between a case and its month."""
    story = Story().opened().accepted().breached().replied().called_back().closed(on_time=False).reopened()
    assert set(tally(fact(story))) <= set(COUNTED)


@pytest.mark.parametrize("kind", ["clock_resumed", "clock_extended", "clock_recomputed"])
def test_a_deadline_that_moved_keeps_what_was_said_of_it(kind: str) -> None:
    """Promise: a breach under an old calendar stays overdue, also when the clocks are listed again at a new due."""
    later = timestamp(DUE + timedelta(days=1))
    moved = ({**CLOCKS[0], "due_at": later},)
    story = Story().opened().breached().case(kind, clock="close", due_to=later).accepted(clocks=moved)
    assert fact(story).overdue
    untold = Story().opened().case(kind, clock="close", due_to=later).accepted(clocks=moved)
    assert not fact(untold).overdue


def test_a_clock_of_something_intake_keeps_is_archived_but_no_part_of_a_case() -> None:
    """Promise: two services may call a thing by the same name without one spoiling the other's figures."""
    assert data_schema("complaints", "clock_breached") is EVENT_DATA["clock_breached"]
    assert data_schema("intake", "clock_breached") is None
    assert data_schema("intake", "contact_registered") is EVENT_DATA["contact_registered"]
