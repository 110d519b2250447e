"""What a callback's result does to its case: close it, open it again, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from services.complaints.domain.case import Case
from services.complaints.domain.states import CaseState
from services.complaints.repository import CaseRepository
from shared.clocks import State
from shared.errors import Conflict
from shared.messaging.delivery import Outcome
from tests.unit.complaints.fakes import (
    IT,
    PLAZA,
    PROPERTY,
    RETAIL,
    SHOP,
    World,
    called_back,
    entries,
    routed,
    types,
)


def replied(world: World, org: str = PLAZA, contact: str = "ct_1", **given: Any) -> Case:
    """Return a valid case whose customer has the final reply."""
    return world.answer(world.accept(world.open(org, contact, **given)))


@pytest.mark.parametrize(
    "org",
    [
        pytest.param(PLAZA, marks=pytest.mark.rule("B-SVN-05")),
        pytest.param(PROPERTY, marks=pytest.mark.rule("B-PRO-08")),
        pytest.param(SHOP, marks=pytest.mark.rule("B-MBY-18")),
        pytest.param(IT, marks=pytest.mark.rule("B-SVN-05")),
    ],
)
def test_a_satisfied_customer_closes_the_case(world: World, org: str) -> None:
    """Guards that the callback, and nothing before it, closes the case, and that the event says so."""
    case = replied(world, org)
    assert case.state is CaseState.REPLIED
    (reply,) = entries(case, "case_replied")
    assert (reply.data["needs_callback"], reply.data["round"]) == (True, 1)
    (delivery,) = world.call_back(called_back(case, satisfied=True))
    assert delivery.outcome is Outcome.DONE
    case = world.case(case.id)
    (closed,) = entries(case, "case_closed")
    assert case.state is CaseState.CLOSED
    assert case.closed_at == world.clock.now()
    assert (closed.data["because"], closed.data["valid"], closed.data["rounds"]) == ("callback", True, 1)
    assert closed.actor == "stf_caller"


@pytest.mark.rule("A-TEL-15")
def test_an_unsatisfied_customer_opens_the_case_again_and_a_second_callback_ends_it(world: World) -> None:
    """Guards the way back: reopened, handled, replied in round 2, called back, closed."""
    case = replied(world)
    world.call_back(called_back(case, "cb_1", satisfied=False))
    case = world.case(case.id)
    (reopened,) = entries(case, "case_reopened")
    assert (case.state, reopened.data["callback_id"], reopened.data["round"]) == (
        CaseState.ACCEPTED,
        "cb_1",
        2,
    )
    case = world.answer(case)
    assert [entry.data["round"] for entry in entries(case, "case_replied")] == [1, 2]
    world.call_back(called_back(case, "cb_2", satisfied=True))
    case = world.case(case.id)
    assert case.state is CaseState.CLOSED
    assert entries(case, "case_closed")[0].data["rounds"] == 2


def test_a_case_closed_by_hand_is_opened_again_by_an_unsatisfied_customer(world: World) -> None:
    """Guards a chain store's case: closed after its reply, it comes back when a callback finds fault."""
    case = replied(world, RETAIL)
    world.do("close", case)
    case = world.case(case.id)
    world.call_back(called_back(case, satisfied=False))
    case = world.case(case.id)
    assert (case.state, case.closed_at) == (CaseState.ACCEPTED, None)
    world.do("close", world.answer(case))
    assert types(world.case(case.id)).count("case_closed") == 2


def test_a_breach_of_the_first_round_keeps_its_moment_in_the_second(world: World) -> None:
    """Guards that closing again does not move the end of a clock that had ended before."""
    case = replied(world, RETAIL)
    world.at("2026-03-20 09:00")
    world.do("close", case)
    ended = [deadline.ended_at for deadline in world.case(case.id).deadlines]
    world.call_back(called_back(case, satisfied=False))
    world.at("2026-03-25 09:00")
    world.do("close", world.answer(world.case(case.id)))
    case = world.case(case.id)
    assert [deadline.ended_at for deadline in case.deadlines] == ended
    assert [deadline.state for deadline in case.deadlines] == [State.MET_LATE]


def test_the_result_of_another_round_changes_nothing(world: World) -> None:
    """Guards that a late result of an earlier callback neither closes nor reopens what came after it."""
    case = replied(world)
    world.call_back(called_back(case, "cb_1", satisfied=False))
    case = world.answer(world.case(case.id))
    world.call_back(called_back(case, "cb_late", satisfied=True, round_number=1))
    world.call_back(called_back(case, "cb_later", satisfied=False, round_number=1))
    world.call_back(called_back(case, "cb_early", satisfied=True, round_number=3))
    after = world.case(case.id)
    assert (after.state, types(after)) == (CaseState.REPLIED, types(case))


@pytest.mark.rule("B-SVN-05")
def test_a_callback_before_the_solution_closes_nothing(world: World) -> None:
    """Guards the order of the steps: no case closes that nobody has replied to."""
    case = world.open()
    for event in (called_back(case, "cb_1", satisfied=True), called_back(case, "cb_2", satisfied=False)):
        world.call_back(event)
    assert world.case(case.id).state is CaseState.RECEIVED
    case = world.accept(case)
    world.call_back(called_back(case, "cb_3", satisfied=True))
    assert world.case(case.id).state is CaseState.ACCEPTED


def test_a_case_found_not_valid_is_not_opened_again(world: World) -> None:
    """Guards that a refused case, closed with its reply, stays closed whatever a callback says."""
    case = world.open()
    world.do("decide_validity", case, valid=False, reason="与事实不符")
    case = world.answer(world.case(case.id))
    assert case.state is CaseState.CLOSED
    world.call_back(called_back(case, satisfied=False))
    assert world.case(case.id).state is CaseState.CLOSED


@pytest.mark.parametrize("satisfied", [True, False])
def test_the_same_result_again_changes_nothing(world: World, *, satisfied: bool) -> None:
    """Guards exactly-once: repeated in the batch or later, a result takes effect once and is told a repeat."""
    case = replied(world)
    event = called_back(case, satisfied=satisfied)
    assert [d.outcome for d in world.call_back(event, event)] == [Outcome.DONE, Outcome.DUPLICATE]
    before, writes = world.cases.documents, world.cases.writes
    assert [d.outcome for d in world.call_back(event)] == [Outcome.DUPLICATE]
    assert (world.cases.documents, world.cases.writes) == (before, writes)


def test_a_repeat_after_the_next_round_does_not_open_the_case_a_second_time(world: World) -> None:
    """Guards that what was processed is remembered for good, not only until the next step."""
    case = replied(world)
    event = called_back(case, "cb_1", satisfied=False)
    world.call_back(event)
    world.answer(world.case(case.id))
    world.call_back(event)
    assert types(world.case(case.id)).count("case_reopened") == 1


def test_a_result_for_a_case_not_known_yet_is_asked_for_again(world: World) -> None:
    """Guards events that overtake each other, and that another organisation's event finds no case."""
    case = replied(world)
    stranger = called_back(case, satisfied=True) | {"org": PROPERTY}
    unknown = called_back(case, satisfied=True)
    unknown["data"] |= {"case_id": "cs_unknown"}
    for delivery in world.call_back(stranger, unknown):
        assert (delivery.outcome, delivery.reason) == (Outcome.RETRY, "case not known yet")
    assert world.case(case.id).state is CaseState.REPLIED


def test_results_of_many_cases_are_taken_in_one_batch(world: World) -> None:
    """Guards that one batch may close some and reopen others."""
    cases = [replied(world, contact=f"ct_{number}", problem=f"p-{number}") for number in range(6)]
    world.call_back(
        *(called_back(case, f"cb_{case.id}", satisfied=number % 2 == 0) for number, case in enumerate(cases))
    )
    states = [world.case(case.id).state.value for case in cases]
    assert states == ["closed", "accepted"] * 3


def test_a_case_changed_meanwhile_is_read_again(world: World) -> None:
    """Guards the race with a colleague's command: both the note and the closing are kept."""
    case = replied(world)
    colleague = World(world.clock, world.cases)
    world.cases.between["save"] = lambda: colleague.do("progress", case, text="补充说明")
    world.call_back(called_back(case, satisfied=True))
    case = world.case(case.id)
    assert case.state is CaseState.CLOSED
    assert "case_progressed" in types(case)


def test_after_too_many_conflicts_the_batch_is_left_to_the_broker(world: World) -> None:
    """Guards against an endless loop: nothing is acknowledged, the batch comes again."""
    case = replied(world)

    def conflict() -> None:
        world.cases.between["save"] = conflict
        raise Conflict("changed")

    world.cases.between["save"] = conflict
    with pytest.raises(Conflict):
        world.call_back(called_back(case, satisfied=True))
    assert world.case(case.id).state is CaseState.REPLIED


def test_reopening_a_case_whose_customer_has_opened_another_meanwhile_keeps_both(world: World) -> None:
    """Guards that no customer has the same complaint open twice and that the unsatisfied answer is not lost."""
    case = replied(world, RETAIL, customer="cu_1")
    world.do("close", case)
    world.take(routed(RETAIL, "ct_2", customer="cu_1"))
    newer = world.case_of("ct_2", RETAIL)
    (delivery,) = world.call_back(called_back(case, satisfied=False))
    assert delivery.outcome is Outcome.DONE
    assert world.case(case.id).state is CaseState.CLOSED
    assert world.case(newer.id).state is CaseState.RECEIVED


def test_of_two_closed_cases_of_one_complaint_only_one_is_opened_again(world: World) -> None:
    """Guards the same within one batch: the second unsatisfied answer finds the first case open."""
    first = replied(world, RETAIL, "ct_1", customer="cu_1")
    world.do("close", first)
    second = replied(world, RETAIL, "ct_2", customer="cu_1")
    world.do("close", second)
    results = [called_back(first, "cb_1", satisfied=False), called_back(second, "cb_2", satisfied=False)]
    assert [delivery.outcome for delivery in world.call_back(*results)] == [Outcome.DONE, Outcome.DONE]
    assert [world.case(case.id).state.value for case in (first, second)] == ["accepted", "closed"]
    assert types(world.case(second.id))[-1] == "case_progressed"


def test_a_unique_key_taken_by_another_replica_is_a_conflict(world: World) -> None:
    """Guards that the database's own refusal leads to a second look and not to a dead letter."""
    case = replied(world)

    class Taken:
        def replace_many(self, changes: Sequence[tuple[dict[str, Any], int]]) -> tuple[str, ...]:
            return tuple(document["_id"] for document, _ in changes)

    repository = CaseRepository.__new__(CaseRepository)
    repository._store = cast("Any", Taken())
    assert repository.save_all([(case, 1)]) == (case.id,)
    with pytest.raises(Conflict, match="read it again"):
        repository.save(case, since_seq=1)


@pytest.mark.parametrize(
    "spoil",
    [
        {"round": None},
        {"round": "erste"},
        {"round": True},
        {"case_id": ["cs_1"]},
        {"case_id": None},
        {"callback_id": 7},
    ],
)
def test_a_result_that_cannot_be_read_is_dead_and_stops_nothing_else(
    world: World, spoil: dict[str, Any]
) -> None:
    """Guards that no retry is wasted and that its neighbours in the batch are handled."""
    case = replied(world)
    bad, good = called_back(case, "cb_bad", satisfied=True), called_back(case, "cb_good", satisfied=True)
    bad["data"] |= spoil
    dead, done = world.call_back(bad, good)
    (name,) = spoil
    assert dead.outcome is Outcome.DEAD
    assert name in (dead.reason or "")
    assert done.outcome is Outcome.DONE
    assert world.case(case.id).state is CaseState.CLOSED


def test_a_result_that_lacks_its_case_is_dead(world: World) -> None:
    """Guards missing fields the same way."""
    event = called_back(replied(world), satisfied=True)
    del event["data"]["case_id"]
    (dead,) = world.call_back(event)
    assert dead.outcome is Outcome.DEAD


def test_other_events_of_followup_are_acknowledged(world: World) -> None:
    """Guards that events this service does not follow are no failure."""
    event = called_back(replied(world), satisfied=True) | {"type": "callback_scheduled"}
    (done,) = world.call_back(event)
    assert done.outcome is Outcome.DONE


def test_a_callback_on_something_else_than_a_case_is_passed_over(world: World) -> None:
    """It names no case: it is neither a broken event nor one to wait for a case with."""
    case = replied(world)
    told = called_back(case, satisfied=True)
    told["data"] = {
        "callback_id": "cb_2",
        "case_id": None,
        "about": "request",
        "reference": "rq_1",
        "round": 1,
    }
    (delivery,) = world.call_back(told)
    assert delivery.outcome is Outcome.DONE
    assert world.case(case.id).state is CaseState.REPLIED
