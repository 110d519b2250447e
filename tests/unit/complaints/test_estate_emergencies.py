"""A housing estate's violations and emergencies: found on the way, and seen through before the case closes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.case import Case
from services.complaints.domain.listing import Listing
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.clocks import State
from shared.errors import RuleRefused
from tests.unit.complaints.fakes import PROPERTY, World, beijing, called_back, clock, entries
from tests.unit.complaints.offer_world import Counter, books
from tests.unit.complaints.stepping import refused, standing, take

ORG = "estate"
CLERK = "property_clerk"
DUE = """
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    complaints:
      path:
        violation_corrected:
          due: {duration: {amount: 7, unit: days, source: organisation}, after: violation}
        emergency_call:
          due: {duration: {amount: 10, unit: minutes, source: organisation}, after: emergency}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Counter:
    return Counter(FixedClock(beijing("2026-05-06 10:00")), ORG, books(tmp_path, ORG, "property", DUE))


def do(estate: Counter, case: Case, step: str, role: str = CLERK, /, **filled: Any) -> Case:
    estate.world.do("take_step", case, step=step, filled=filled, roles={role}, actor=f"stf_{role}")
    return estate.kept(case)


@pytest.mark.rule("A-PRM-16")
def test_a_violation_is_found_noticed_and_corrected_and_listed_while_it_is_overdue(estate: Counter) -> None:
    """Guards the steward's duty: a violation still open after the organisation's seven days is among the overdue."""
    case = do(estate, estate.case(), "violation", kind="violation", finding="占用消防通道")
    assert clock(case, "step.violation_corrected").due_at == beijing("2026-05-13 10:00")
    with pytest.raises(RuleRefused) as early:
        do(estate, case, "violation_corrected", result="已清理")
    assert (early.value.rule, early.value.problems[0].reason) == ("A-PRM-16", "violation_notice comes first")
    estate.at("2026-05-07 10:00")
    case = do(estate, case, "violation_notice", notice="三日内清理")
    estate.at("2026-05-13 10:00")
    estate.world.tick()
    listed = estate.world.cases.listed(ORG, Listing(state="overdue"), limit=10, skip=0)
    assert [each.id for each in listed] == [case.id]
    breaches = [entry.data["clock"] for entry in entries(estate.kept(case), "clock_breached")]
    assert "step.violation_corrected" in breaches
    case = do(estate, case, "violation_corrected", result="已清理")
    assert clock(case, "step.violation_corrected").state is State.MET_LATE


@pytest.mark.rule("A-PRM-17")
@pytest.mark.parametrize("kind", ["fire", "lift_entrapment", "typhoon", "security"])
def test_an_emergency_starts_a_plan_of_four_steps_whose_first_one_is_urged(
    estate: Counter, kind: str
) -> None:
    """Guards the plan: not called by 10:10 is told as a breach, and no later step comes before it."""
    case = do(estate, estate.case(), "emergency", "duty_staff", kind=kind, place="3 号楼电梯")
    for step, filled in (
        ("emergency_secure", {"measure": "断电"}),
        ("emergency_solve", {"result": "已救出"}),
    ):
        with pytest.raises(RuleRefused) as early:
            do(estate, case, step, **filled)
        assert early.value.rule == "A-PRM-17"
    estate.at("2026-05-06 10:09")
    estate.world.tick()
    assert not entries(estate.kept(case), "clock_breached")
    estate.at("2026-05-06 10:10")
    estate.world.tick()
    (breach,) = entries(estate.kept(case), "clock_breached")
    assert breach.data["clock"] == "step.emergency_call"
    case = do(estate, case, "emergency_call", called=["维保单位", "119"])
    case = do(estate, case, "emergency_secure", measure="断电、安抚")
    case = do(estate, case, "emergency_solve", "engineering", result="已救出")
    case = do(estate, case, "emergency_report", "department_manager", report="门机故障")
    assert [entry.step for entry in case.taken][-5:] == [
        "emergency",
        "emergency_call",
        "emergency_secure",
        "emergency_solve",
        "emergency_report",
    ]


def test_a_case_with_an_emergency_waits_for_the_end_of_its_plan_and_others_know_nothing_of_it(
    world: World,
) -> None:
    """Guards both: what was begun is seen through, and an ordinary complaint is handled as before."""
    plain = world.open(PROPERTY)
    assert standing(world, plain)["emergency_call"] == "not_asked"
    plain = world.answer(world.accept(plain))
    world.call_back(called_back(plain, satisfied=True))
    assert world.case(plain.id).state is CaseState.CLOSED
    case = take(world, world.open(PROPERTY, "ct_2", problem="lift"), "emergency", kind="fire", place="车库")
    assert "emergency_report" in world.next_steps(case)["open_mandatory"]


@pytest.mark.rule("A-WHB-05")
def test_an_owners_complaint_is_created_on_the_estates_own_procedure(world: World) -> None:
    """Guards the named procedure: its steps are there from the start, in their order, each refused out of turn."""
    case = world.open(PROPERTY)
    wanted = ["register", "verify", "department_decision", "reply", "report_to_manager"]
    steps = [step for step in standing(world, case) if step in wanted]
    assert steps == wanted
    assert refused(world, case, "verify", result="属实", suggestion="维修").problems[0].reason == (
        "register comes first"
    )
    assert refused(world, case, "report_to_manager", result="已修").rule == "B-CCP-21"
    case = world.walk(case, until="verify")
    assert [entry.step for entry in case.taken] == ["register"]
