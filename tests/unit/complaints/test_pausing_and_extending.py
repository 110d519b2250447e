"""Stopping a case's clocks and giving them more time: only as its rulebook permits, with reason and authority."""

from __future__ import annotations

from typing import Any

import pytest

from services.complaints.domain.states import CaseState
from shared.clocks import State
from shared.errors import RuleRefused, ValidationFailed
from shared.history import timestamp
from tests.unit.complaints.fakes import (
    PLAZA,
    RETAIL,
    World,
    beijing,
    called_back,
    clock,
    entries,
    routed,
    types,
)

HEAD = {"staff", "cs_head"}
BOSS: dict[str, Any] = {"roles": {"staff", "manager"}, "actor": "stf_boss"}
AWAY: dict[str, Any] = {"reason": "customer_away"}
MORE: dict[str, Any] = {"clock": "close", "amount": 6, "reason": "several_departments"}


@pytest.fixture
def case(world: World) -> Any:
    """A general complaint accepted on Wednesday 5 March 2025: to be closed by the end of Monday the tenth."""
    world.at("2025-03-05 10:00")
    case = world.accept(world.open())
    world.do("attempt_contact", case, outcome="reached")
    return world.case(case.id)


def test_a_paused_clock_stands_still_and_goes_on_when_it_is_resumed(world: World, case: Any) -> None:
    """Guards the whole way: over the due instant nothing fires, a covered working day is made up."""
    world.at("2025-03-07 10:00")
    world.do("pause_clocks", case, roles=HEAD, note="客户出差", **AWAY)
    world.at("2025-03-11 12:00")
    world.tick()
    paused = world.case(case.id)
    assert (clock(paused, "close").state, paused.overdue, paused.next_due) == (State.PAUSED, False, None)
    world.do("resume_clocks", case, roles=HEAD, note="客户已回")
    resumed = world.case(case.id)
    assert clock(resumed, "close").due_at == beijing("2025-03-12 00:00")
    assert [note.kind for note in resumed.notes[-2:]] == ["pause", "resume"]
    (stopped,), (started,) = entries(resumed, "clock_paused"), entries(resumed, "clock_resumed")
    assert stopped.data == {
        "case_id": case.id,
        "clock": "close",
        "due_at": timestamp(beijing("2025-03-11 00:00")),
        "paused_at": timestamp(beijing("2025-03-07 10:00")),
        "reason": "customer_away",
        "by": "stf_test",
        "role": "cs_head",
    }
    assert (started.data["due_from"], started.data["due_to"]) == (
        timestamp(beijing("2025-03-11 00:00")),
        timestamp(beijing("2025-03-12 00:00")),
    )
    world.at("2025-03-12 00:00")
    world.tick()
    assert entries(world.case(case.id), "clock_breached")[-1].data["due_at"] == started.data["due_to"]


def test_what_is_due_when_a_clock_is_paused_still_fires(world: World, case: Any) -> None:
    """Guards that a pause hides no breach the timer has not come round to; what is past is past."""
    world.at("2025-03-10 17:00")
    world.do("pause_clocks", case, roles=HEAD, clocks=["close"], **AWAY)
    assert entries(world.case(case.id), "clock_warned")[-1].data["percent"] == 90
    late = world.accept(world.open(contact="ct_2", problem="other"))
    world.at("2025-03-20 10:00")
    with pytest.raises(RuleRefused):
        world.do("pause_clocks", late, roles=HEAD, clocks=["close"], **AWAY)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"roles": {"staff", "complaint_handler"}, **AWAY}, "organisation"),
        ({"roles": HEAD, "reason": "too_much_work"}, "organisation"),
        ({"roles": HEAD, "clocks": ["close", "first_contact"], **AWAY}, "design"),
    ],
)
def test_a_pause_needs_the_right_a_listed_reason_and_a_clock_that_may_pause(
    world: World, case: Any, arguments: dict[str, Any], rule: str
) -> None:
    """Guards that only what the rulebook permits stops a clock, and that a refused call changes nothing."""
    second = world.open(contact="ct_2", problem="other") if "clocks" in arguments else case
    second = world.accept(second) if second is not case else case
    before = world.cases.documents[second.id]
    with pytest.raises(RuleRefused) as refused:
        world.do("pause_clocks", second, **arguments)
    assert refused.value.rule == rule
    assert world.cases.documents[second.id] is before


def test_where_the_rulebook_is_silent_nothing_is_paused_or_extended(world: World) -> None:
    """Guards that no handbook's silence is filled from another: the chain store's says nothing of either."""
    case = world.open(RETAIL)
    for method, arguments in (
        ("pause_clocks", {**AWAY}),
        ("pause_clocks", {"clocks": ["close"], **AWAY}),
        ("request_extension", MORE),
        ("decide_extension", {"clock": "close", "granted": True}),
        ("resume_clocks", {}),
    ):
        with pytest.raises(RuleRefused) as refused:
            world.do(method, case, **arguments)
        assert refused.value.rule == "design"


def test_a_clock_the_case_does_not_have_is_named(world: World, case: Any) -> None:
    """Guards that the caller learns which clocks there are; a met one is none of them."""
    for name in ("clos", "first_contact"):
        with pytest.raises(ValidationFailed) as refused:
            world.do("pause_clocks", case, roles=HEAD, clocks=[name], **AWAY)
        assert refused.value.problems[0].reason == "must be one of: close"


def test_nobody_pauses_twice_or_resumes_what_runs(world: World, case: Any) -> None:
    """Guards the ledger: intervals do not nest."""
    with pytest.raises(RuleRefused):
        world.do("resume_clocks", case, roles=HEAD)
    world.do("pause_clocks", case, roles=HEAD, **AWAY)
    for clocks in ([], ["close"]):
        with pytest.raises(RuleRefused):
            world.do("pause_clocks", case, roles=HEAD, clocks=clocks, **AWAY)
    with pytest.raises(RuleRefused):
        world.do("resume_clocks", case, roles={"staff", "complaint_handler"})


def test_a_case_that_closes_while_its_clock_stands_still_is_on_time(world: World, case: Any) -> None:
    """Guards the figure: the customer was away for weeks, was called back, and is satisfied."""
    case = world.answer(case)
    world.do("pause_clocks", case, roles=HEAD, **AWAY)
    world.at("2025-04-15 10:00")
    world.call_back(called_back(case, satisfied=True))
    closed = world.case(case.id)
    assert (closed.state, closed.on_time) == (CaseState.CLOSED, True)
    assert types(closed)[-3:] == ["clock_resumed", "clock_met", "case_closed"]
    met = entries(closed, "clock_met")[-1]
    assert met.data["on_time"] is True
    assert met.data["due_at"] > met.data["met_at"]
    assert clock(closed, "close").pauses[0].end == beijing("2025-04-15 10:00")


def test_a_higher_level_does_not_set_a_paused_clock_going(world: World, case: Any) -> None:
    """Guards that the longer clock of the new level stands still too, and has the same pause behind it."""
    world.do("pause_clocks", case, roles=HEAD, **AWAY)
    world.at("2025-03-07 10:00")
    world.take(routed(contact="ct_2", customer=case.customer_id, media=True))
    raised = world.case(case.id)
    assert [d.state for d in raised.deadlines if d.name == "close"] == [State.SUPERSEDED, State.PAUSED]
    world.do("resume_clocks", case, roles=HEAD)
    # Seven working days from the day after 5 March, the sixth not counted: the clock stood still all day.
    assert clock(world.case(case.id), "close").due_at == beijing("2025-03-18 00:00")


def test_more_time_is_asked_for_by_one_and_granted_by_another(world: World, case: Any) -> None:
    """Guards request, approval and what the figures keep: late by the first date, in time by the agreed one."""
    world.at("2025-03-06 10:00")
    world.do("request_extension", case, note="涉及工程部和物业部", **MORE)
    assert clock(world.case(case.id), "close").due_at == beijing("2025-03-11 00:00")
    world.do("decide_extension", case, clock="close", granted=True, **BOSS)
    granted = world.case(case.id)
    (asked,), (extended,) = entries(granted, "extension_requested"), entries(granted, "clock_extended")
    assert (asked.data["by"], asked.data["amount"], asked.data["unit"]) == ("stf_test", 6, "working_days")
    assert (extended.data["by"], extended.data["role"]) == ("stf_boss", "manager")
    assert (extended.data["due_from"], extended.data["due_to"], extended.data["original_due_at"]) == (
        timestamp(beijing("2025-03-11 00:00")),
        timestamp(beijing("2025-03-14 00:00")),
        timestamp(beijing("2025-03-11 00:00")),
    )
    world.at("2025-03-12 10:00")
    world.tick()
    world.call_back(called_back(world.answer(granted), satisfied=True))
    closed = world.case(case.id)
    assert closed.on_time
    met = entries(closed, "clock_met")[-1].data
    assert (met["on_time"], met["on_time_by_original"]) == (True, False)
    assert clock(closed, "close").was_late_by_original


def test_nobody_grants_what_he_asked_for_and_nobody_without_the_right(world: World, case: Any) -> None:
    """Guards the two pairs of eyes."""
    world.do("request_extension", case, **MORE)
    decision: dict[str, Any] = {"clock": "close", "granted": True}
    callers: list[dict[str, Any]] = [{"roles": {"staff", "manager"}}, {"roles": HEAD, "actor": "stf_boss"}]
    for who in callers:
        with pytest.raises(RuleRefused) as refused:
            world.do("decide_extension", case, **who, **decision)
        assert refused.value.rule == "organisation"
    assert clock(world.case(case.id), "close").due_at == beijing("2025-03-11 00:00")


def test_a_refused_request_changes_nothing_and_is_known(world: World, case: Any) -> None:
    """Guards that a no is an answer with a name to it."""
    world.do("request_extension", case, **MORE)
    world.do("decide_extension", case, clock="close", granted=False, note="人手足够", **BOSS)
    refused = world.case(case.id)
    assert types(refused)[-2:] == ["extension_requested", "extension_refused"]
    assert clock(refused, "close").due_at == beijing("2025-03-11 00:00")
    with pytest.raises(RuleRefused):
        world.do("decide_extension", case, clock="close", granted=True, **BOSS)


def test_a_clock_is_extended_only_as_often_as_the_rulebook_says(world: World, case: Any) -> None:
    """Guards the one time that this organisation permits; a refusal does not use it up."""
    for granted in (False, True):
        world.do("request_extension", case, **MORE)
        world.do("decide_extension", case, clock="close", granted=granted, **BOSS)
    with pytest.raises(RuleRefused) as refused:
        world.do("request_extension", case, **(MORE | {"amount": 9}))
    assert refused.value.rule == "organisation"
    assert "no more are permitted" in refused.value.message


@pytest.mark.parametrize(
    "change", [{"reason": "holiday"}, {"amount": 3}, {"roles": {"staff"}}, {"roles": {"staff", "ops_cs"}}]
)
def test_more_time_needs_the_right_a_listed_reason_and_to_be_more(
    world: World, case: Any, change: dict[str, Any]
) -> None:
    """Guards that nothing is asked for that nobody could grant."""
    with pytest.raises(RuleRefused):
        world.do("request_extension", case, **(MORE | change))


def test_a_yes_that_comes_too_late_does_not_undo_the_breach(world: World, case: Any) -> None:
    """Guards that consent counts when it is given, not when it was asked for."""
    world.do("request_extension", case, **MORE)
    world.at("2025-03-11 00:00")
    with pytest.raises(RuleRefused):
        world.do("decide_extension", case, clock="close", granted=True, **BOSS)
    world.tick()
    with pytest.raises(RuleRefused):
        world.do("decide_extension", case, clock="close", granted=True, **BOSS)
    assert clock(world.case(case.id), "close").state is State.BREACHED


def test_an_agreed_time_longer_than_a_higher_levels_own_stays(world: World, case: Any) -> None:
    """Guards that a case made important does not become late by it."""
    world.do("request_extension", case, **(MORE | {"amount": 10}))
    world.do("decide_extension", case, clock="close", granted=True, **BOSS)
    agreed = clock(world.case(case.id), "close").due_at
    world.at("2025-03-07 10:00")
    world.take(routed(contact="ct_2", customer=case.customer_id, media=True))
    raised = clock(world.case(case.id), "close")
    assert (raised.due_at, raised.original_due_at) == (agreed, beijing("2025-03-15 00:00"))


def test_every_command_takes_effect_once(world: World, case: Any) -> None:
    """Guards against a caller that asks again because the answer was lost."""
    steps: list[tuple[str, dict[str, Any]]] = [
        ("pause_clocks", {"roles": HEAD, **AWAY}),
        ("resume_clocks", {"roles": HEAD}),
        ("request_extension", MORE),
        ("decide_extension", {"clock": "close", "granted": True, **BOSS}),
    ]
    for method, arguments in steps:
        first = world.do(method, case, key=f"k-{method}", **arguments)
        written = world.cases.documents[case.id]
        assert world.do(method, case, key=f"k-{method}", **arguments) == first
        assert world.cases.documents[case.id] is written


def test_a_case_shows_its_clocks_with_everything_that_interrupted_them(world: World, case: Any) -> None:
    """Guards what operators see: state, first date, pauses, extensions and what it still warns of."""
    world.do("pause_clocks", case, roles=HEAD, **AWAY)
    world.do("request_extension", case, **MORE)
    shown = {row["name"]: row for row in world.look.case(PLAZA, case.id)["deadlines"]}["close"]
    assert (shown["state"], shown["amount"], shown["unit"]) == ("paused", 3, "working_days")
    assert shown["due_at"] == shown["original_due_at"] == timestamp(beijing("2025-03-11 00:00"))
    assert shown["pauses"] == [
        {
            "start": timestamp(beijing("2025-03-05 10:00")),
            "end": None,
            "reason": "customer_away",
            "by": "stf_test",
            "role": "cs_head",
            "resumed_by": None,
        }
    ]
    (asked,) = shown["extensions"]
    assert (asked["amount"], asked["requested_by"], asked["decision"]) == (6, "stf_test", "pending")
    assert [(row["percent"], row["passed"]) for row in shown["warnings"]] == [
        (50, False),
        (75, False),
        (90, False),
    ]


def test_nothing_is_paused_or_extended_on_a_closed_case(world: World, case: Any) -> None:
    """Guards that what is over is over."""
    world.call_back(called_back(world.answer(case), satisfied=True))
    for method, arguments in (
        ("pause_clocks", AWAY),
        ("resume_clocks", {}),
        ("request_extension", MORE),
        ("decide_extension", {"clock": "close", "granted": True}),
    ):
        with pytest.raises(RuleRefused) as refused:
            world.do(method, case, **arguments)
        assert refused.value.details["state"] == "closed"
