from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.followup.domain.callback import Call, Callback, State
from services.followup.domain.rulebook import CallbackRule, Effect
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.regulations.values import Sourced
from tests.unit.followup.fakes import MONDAY, World, closed, replied, rulebooks

ORG = "property-demo"


@pytest.fixture
def callback_id(world: World) -> str:
    world.tell(replied())
    return world.repository.all_callbacks()[0].id


def _only(world: World) -> Callback:
    (callback,) = world.repository.all_callbacks()
    return callback


def _rule() -> CallbackRule:
    rule = rulebooks().for_org(ORG, MONDAY).sections.callback("complaint")
    assert rule is not None
    return rule


def test_a_content_customer_completes_the_callback(world: World, callback_id: str) -> None:
    """What complaints needs to close the case goes out with the outcome, who called and whether in time."""
    answer = world.complete("k1", callback_id, "satisfied", note="都解决了")
    assert (answer["state"], answer["outcome"], answer["on_time"]) == ("done", "satisfied", True)
    entry = list(_only(world).history)[-1]
    assert entry.type == "callback_completed"
    assert entry.data == {
        "callback_id": callback_id,
        "case_id": "cs_1",
        "about": "case",
        "reference": "cs_1",
        "outcome": "satisfied",
        "effect": "close",
        "round": 1,
        "by": "staff-2",
        "completed_at": "2026-11-16T02:00:00.000Z",
        "on_time": True,
    }


@pytest.mark.rule("B-SVN-07")
def test_a_discontent_customer_opens_the_matter_again(world: World, callback_id: str) -> None:
    """Shortcomings found by the callback are to be corrected, so complaints is told."""
    world.complete("k1", callback_id, "dissatisfied")
    entry = list(_only(world).history)[-1]
    assert (entry.type, entry.data["effect"]) == ("callback_unsatisfied", "reopen")
    assert _only(world).state is State.DONE


def test_a_call_that_reaches_nobody_leaves_the_callback_open_and_is_counted(
    world: World, callback_id: str
) -> None:
    """Attempts are kept, and the deadline goes on running."""
    world.complete("k1", callback_id, "unreachable")
    answer = world.complete("k2", callback_id, "unreachable")
    assert (answer["state"], answer["attempts"]) == ("open", 2)
    attempts = [e.data["attempts"] for e in _only(world).history if e.type == "callback_attempted"]
    assert attempts == [1, 2]
    assert world.complete("k3", callback_id, "satisfied")["attempts"] == 2


def test_a_repeat_of_the_command_gets_the_first_answer_and_changes_nothing(
    world: World, callback_id: str
) -> None:
    """A caller whose answer got lost may safely send the command again."""
    first = world.complete("k1", callback_id, "satisfied")
    writes = world.repository.writes
    assert world.complete("k1", callback_id, "satisfied") == first
    assert world.repository.writes == writes


def test_a_key_used_for_another_outcome_is_a_conflict(world: World, callback_id: str) -> None:
    """A slip in the caller must not silently keep the first outcome."""
    world.complete("k1", callback_id, "satisfied")
    with pytest.raises(Conflict):
        world.complete("k1", callback_id, "dissatisfied")


def test_a_callback_made_is_not_made_again(world: World, callback_id: str) -> None:
    """One reply, one callback: a second result would contradict the first."""
    world.complete("k1", callback_id, "satisfied")
    with pytest.raises(RuleRefused) as refusal:
        world.complete("k2", callback_id, "dissatisfied")
    assert refusal.value.rule == "B-SVN-07"
    assert refusal.value.details == {"state": "done"}


def test_a_callback_of_a_closed_case_is_refused(world: World, callback_id: str) -> None:
    """The customer is not bothered about what is settled."""
    world.tell(closed())
    with pytest.raises(RuleRefused) as refusal:
        world.complete("k1", callback_id, "satisfied")
    assert refusal.value.details == {"state": "superseded"}


def test_an_outcome_the_rulebook_does_not_permit_is_refused_and_names_those_it_does(
    world: World, callback_id: str
) -> None:
    """The outcomes are the organisation's, not the caller's."""
    with pytest.raises(ValidationFailed) as refusal:
        world.complete("k1", callback_id, "delighted")
    (problem,) = refusal.value.problems
    assert problem.field == "outcome"
    assert problem.reason == "is not one of satisfied, neutral, dissatisfied, unreachable"
    assert _only(world).calls == ()


def test_nobody_reached_cannot_have_been_satisfied(world: World, callback_id: str) -> None:
    """A satisfaction figure must rest on customers who were spoken to."""
    with pytest.raises(ValidationFailed) as refusal:
        world.complete("k1", callback_id, "satisfied", reached=False)
    assert refusal.value.problems[0].field == "reached"


def test_where_the_rule_forbids_it_whoever_handled_the_case_may_not_call_back(world: World) -> None:
    """The refusal names the rule that forbids it; anybody else may call."""
    world.tell(replied())
    callback = _only(world)
    rule = replace(_rule(), never_by_handler=Sourced(value=True, source="organisation"))
    cause = Cause("k1", "staff-1")
    own = Call(MONDAY, "staff-1", "satisfied", reached=True, note=None)
    with pytest.raises(RuleRefused) as refusal:
        callback.take(own, rule, cause)
    assert refusal.value.rule == "organisation"
    assert callback.state is State.OPEN
    assert callback.take(replace(own, by="staff-2"), rule, cause) is Effect.CLOSE


def test_where_no_rule_forbids_it_the_handler_may_call_back(world: World, callback_id: str) -> None:
    """Nothing is forbidden that no rule forbids."""
    assert world.complete("k1", callback_id, "satisfied", actor="staff-1")["state"] == "done"


def test_a_callback_of_another_organisation_does_not_exist(world: World, callback_id: str) -> None:
    """Every read and write is scoped to the caller's own organisation."""
    with pytest.raises(NotFound):
        world.complete("k1", callback_id, "satisfied", org="plaza-demo")
    with pytest.raises(NotFound):
        world.desk.callback("plaza-demo", callback_id)
    with pytest.raises(NotFound):
        world.desk.callback_history("plaza-demo", callback_id)
    query: dict[str, Any] = {"state": None, "case_id": None, "limit": 50, "skip": 0}
    assert world.desk.callbacks("plaza-demo", query) == []


def test_a_callback_changed_meanwhile_is_read_again(world: World, callback_id: str) -> None:
    """Two callers at the same moment: both calls are kept, none overwrites the other."""
    other = world.replica()
    world.repository.between["callback"] = lambda: _ignore(
        other.complete("k1", callback_id, "unreachable", actor="staff-3")
    )
    answer = world.complete("k2", callback_id, "satisfied")
    assert (answer["state"], answer["attempts"]) == ("done", 1)
    assert [call.by for call in _only(world).calls] == ["staff-3", "staff-2"]


def test_a_call_after_the_time_is_late_even_if_the_timer_has_not_looked_yet(
    world: World, callback_id: str
) -> None:
    """Lateness is a matter of the due time, not of when the timer ran."""
    world.clock.advance(timedelta(days=7))
    assert world.complete("k1", callback_id, "satisfied")["on_time"] is False
    world.fire_clocks()
    assert "callback_due" not in [entry.type for entry in _only(world).history]


def test_notes_stay_in_the_service(world: World, callback_id: str) -> None:
    """What a caller writes down may be personal: it is in no event and in no list, only in the callback itself."""
    world.complete("k1", callback_id, "satisfied", note="请拨打 13800000001")
    events = [str(entry.data) for entry in _only(world).history]
    query: dict[str, Any] = {"state": None, "case_id": None, "limit": 50, "skip": 0}
    listed = str(world.desk.callbacks(ORG, query))
    assert "13800000001" not in " ".join([*events, listed])
    assert world.desk.callback(ORG, callback_id)["calls"][0]["note"] == "请拨打 13800000001"


def test_lists_come_by_due_time_with_those_without_one_last(world: World) -> None:
    """Who opens the list sees first what is most urgent."""
    world.tell(
        replied("cs_none", valid=False),
        replied("cs_late", replied_at="2026-11-18T02:00:00.000Z"),
        replied("cs_early", replied_at="2026-11-09T02:00:00.000Z"),
    )
    query: dict[str, Any] = {"state": "open", "case_id": None, "limit": 50, "skip": 0}
    rows = world.desk.callbacks(ORG, query)
    assert [row["case_id"] for row in rows] == ["cs_early", "cs_late", "cs_none"]
    assert [row["overdue"] for row in rows] == [True, False, False]
    overdue = world.desk.callbacks(ORG, query | {"state": "overdue"})
    assert [row["case_id"] for row in overdue] == ["cs_early"]


def test_a_callback_shows_which_outcomes_its_rule_permits(world: World, callback_id: str) -> None:
    """The person who calls needs no rulebook beside the screen."""
    outcomes = world.desk.callback(ORG, callback_id)["outcomes"]
    assert {row["code"]: row["effect"] for row in outcomes} == {
        "satisfied": "close",
        "neutral": "close",
        "dissatisfied": "reopen",
        "unreachable": "retry",
    }


def test_a_history_changed_behind_the_services_back_is_told(world: World, callback_id: str) -> None:
    """The chain proves who said what: one altered entry is named."""
    world.complete("k1", callback_id, "dissatisfied")
    assert world.desk.callback_history(ORG, callback_id)["faults"] == []
    world.repository.callbacks_kept[callback_id]["history"][-1]["data"]["outcome"] = "satisfied"
    assert world.desk.callback_history(ORG, callback_id)["faults"] == [
        "entry 3 (callback_unsatisfied) was changed after it was recorded"
    ]


def _ignore(_: object) -> None:
    return
