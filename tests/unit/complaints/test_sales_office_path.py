"""The sales office's path, under an organisation of its own: the same day, level by level, everybody's signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.case import Case
from services.complaints.domain.states import CaseState
from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.stepping import LookUpSteps, TakeSteps
from services.complaints.rulebook import load_rulebooks
from shared.clock import FixedClock
from shared.clocks import State
from shared.errors import RuleRefused
from tests.unit.complaints.fakes import World, beijing, called_back, clock

ORG = "estate-test"
_ORGANISATION = """
org: estate-test
name: 测试售楼处
profile: real-estate
number_prefix: EST
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [staff, service_desk, complaint_handler, cs_head, cs_staff, followup_agent, supervisor, manager,
        legal_adviser, general_manager, marketing_handler]
"""
STAFF = {"staff", "cs_staff", "complaint_handler"}


@pytest.fixture
def office(tmp_path: Path) -> World:
    """Return the service of a sales office, on a Monday morning."""
    (tmp_path / "estate-test.yaml").write_text(_ORGANISATION, encoding="utf-8")
    world = World(FixedClock(beijing("2026-03-02 09:00")))
    rules = world.rules = Rules(load_rulebooks(tmp_path), world.calendars)
    world.take_contacts = TakeContacts(OpenCases(world.cases, rules, world.clock))
    world.take_callbacks = TakeCallbacks(world.cases, rules, world.clock)
    world.handle = HandleCases(world.cases, rules, world.clock)
    world.look = LookUpCases(world.cases, rules, world.clock)
    world.steps = TakeSteps(world.cases, rules, world.clock)
    world.look_at_steps = LookUpSteps(world.cases, rules)
    return world


def take(
    office: World, case: Case, step: str, *, by: str = "stf_1", roles: Any = STAFF, **filled: Any
) -> Case:
    office.do("take_step", case, step=step, filled=filled, roles=roles, actor=by)
    return office.case(case.id)


def entered(
    office: World, contact: str = "ct_1", *, departments: Any = ("销售部",), special: bool = False
) -> Case:
    """Return a valid case whose sheet is filled."""
    case = office.open(ORG, contact, problem=contact)
    office.do("decide_validity", case, valid=True, reason="属实", roles={"cs_head"})
    sheet: dict[str, Any] = {"sales_office": True, "departments": list(departments), "special": special}
    return take(office, case, "complaint_sheet", **sheet)


@pytest.mark.rule("A-SOF-14")
def test_a_complaint_is_settled_the_day_it_came_in(office: World) -> None:
    """Guards 24:00 of the day of receipt, and that nothing is answered before the sheet is filled."""
    bare = office.open(ORG, "ct_9", problem="other")
    office.do("decide_validity", bare, valid=True, reason="属实", roles={"cs_head"})
    with pytest.raises(RuleRefused) as refused:
        office.do("reply", bare, text="已处理", roles={"cs_staff"})
    assert refused.value.problems[0].reason == "complaint_sheet comes first"
    settled, left = entered(office), entered(office, "ct_2")
    assert clock(left, "step.same_day").due_at == beijing("2026-03-03 00:00")
    office.at("2026-03-02 23:59")
    settled = take(office, settled, "same_day", outcome="settled")
    assert clock(settled, "step.same_day").state is State.MET
    office.at("2026-03-03 00:00")
    office.ticker()
    assert clock(office.case(left.id), "step.same_day").state is State.BREACHED


@pytest.mark.rule("A-SOF-15")
def test_telling_the_customer_when_it_will_be_solved_keeps_the_day(office: World) -> None:
    """Guards the notice: with the time agreed it counts, without it is refused."""
    case = entered(office)
    with pytest.raises(RuleRefused) as refused:
        take(office, case, "same_day", outcome="told")
    assert (refused.value.rule, refused.value.problems[0].field) == ("A-SOF-15", "filled.solved_by")
    case = take(office, case, "same_day", outcome="told", solved_by="2026-03-05T18:00:00+08:00")
    assert case.taken[-1].fields["solved_by"] == "2026-03-05T10:00:00.000Z"
    assert clock(case, "step.same_day").state is State.MET


@pytest.mark.rule("A-SOF-17")
def test_a_special_question_goes_up_level_by_level_before_it_is_answered(office: World) -> None:
    """Guards that nobody decides on their own, and that no level is left out."""
    case = entered(office, special=True)
    for role, step in (("cs_staff", "report_to_head"), ("manager", "report_to_manager")):
        with pytest.raises(RuleRefused) as refused:
            take(office, case, step, roles={role}, instruction="同意")
        assert refused.value.rule == "A-SOF-17"
    with pytest.raises(RuleRefused) as refused:
        office.do("reply", case, text="已处理", roles={"cs_staff"})
    assert refused.value.rule == "A-SOF-17"
    case = take(office, case, "report_to_head", roles={"cs_head"}, instruction="请经理定")
    with pytest.raises(RuleRefused):
        office.do("reply", case, text="已处理", roles={"cs_staff"})
    case = take(office, case, "report_to_manager", roles={"manager"}, instruction="同意")
    office.do("reply", case, text="已处理", roles={"cs_staff"})


@pytest.mark.rule("A-SOF-18")
def test_a_case_of_three_departments_closes_with_three_signatures(office: World) -> None:
    """Guards every signature: each department once, each by somebody else, and none of a stranger."""
    departments = ("销售部", "财务部", "工程部")
    case = take(office, entered(office, departments=departments), "same_day", outcome="settled")
    office.do("reply", case, text="已处理", roles={"cs_staff"})
    case = office.case(case.id)
    for number, department in enumerate(departments):
        office.call_back(called_back(office.case(case.id), satisfied=True))
        assert office.case(case.id).state is CaseState.REPLIED
        for name, person in (("法务部", f"stf_{number}"), (department, f"stf_{number - 1}")):
            if number or name == "法务部":
                with pytest.raises(RuleRefused) as refused:
                    take(office, case, "sign", by=person, department=name, solution="退还定金")
                assert refused.value.rule == "A-SOF-18"
        case = take(office, case, "sign", by=f"stf_{number}", department=department, solution="退还定金")
    assert case.state is CaseState.CLOSED
