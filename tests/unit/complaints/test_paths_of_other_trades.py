"""The paths of a housing estate and an IT service: verified, told to everybody it concerns, on forms of one number."""

from __future__ import annotations

import pytest

from services.complaints.domain.states import CaseState
from shared.clocks import State
from tests.unit.complaints.fakes import IT, PROPERTY, World, beijing, called_back, clock, entries
from tests.unit.complaints.stepping import fields_of, refused, standing, take


@pytest.mark.rule("B-CCP-20")
def test_a_complaint_is_verified_the_day_it_came_in(world: World) -> None:
    """Guards 24:00 of the day of receipt: verified before it is on time, not verified by then is overdue."""
    world.at("2026-03-02 09:00")
    early, late = world.open(PROPERTY), world.open(PROPERTY, "ct_2", problem="other")
    assert clock(early, "step.verify").due_at == beijing("2026-03-03 00:00")
    world.at("2026-03-02 23:59")
    early = world.walk(early)
    world.at("2026-03-03 00:00")
    world.tick()
    assert clock(world.case(early.id), "step.verify").state is State.MET
    late = world.case(late.id)
    assert clock(late, "step.verify").state is State.BREACHED
    assert late.overdue
    assert clock(world.walk(late), "step.verify").state is State.MET_LATE


@pytest.mark.rule("B-CCP-20")
def test_the_departments_manager_decides_on_what_was_verified(world: World) -> None:
    """Guards that result and suggestion come first, and that nobody else decides."""
    case = world.walk(world.accept(world.open(PROPERTY)), until="department_decision")
    taken = {entry.step: entry.fields for entry in case.taken}
    assert set(taken["verify"]) == {"result", "suggestion"}
    decision = {"handling": "更换水泵", "department": "工程部"}
    assert (
        refused(world, case, "department_decision", roles={"property_clerk"}, **decision).rule == "B-CCP-20"
    )
    assert take(world, case, "department_decision", **decision).taken[-1].role == "department_manager"


@pytest.mark.rule("B-CCP-21")
def test_a_household_is_answered_and_the_manager_told_before_the_case_closes(world: World) -> None:
    """Guards both replies: a satisfied household alone does not close, the report to the manager then does."""
    case = world.walk(world.accept(world.open(PROPERTY)))
    world.do("reply", case, text="已更换水泵")
    case = world.case(case.id)
    world.call_back(called_back(case, satisfied=True))
    case = world.case(case.id)
    assert case.state is CaseState.REPLIED
    assert world.next_steps(case)["open_mandatory"] == ["report_to_manager"]
    case = take(world, case, "report_to_manager", result="已更换水泵，业主满意")
    assert case.state is CaseState.CLOSED
    assert entries(case, "case_closed")[0].data["because"] == "callback"


@pytest.mark.rule("B-CCP-24")
def test_a_row_of_the_register_needs_the_number_of_its_document(world: World) -> None:
    """Guards the register: letter, fax, call or meeting record are named."""
    case = world.open(PROPERTY)
    error = refused(world, case, "register", nature="水泵噪声")
    assert (error.rule, fields_of(error)) == ("B-CCP-24", ["filled.document"])
    assert take(world, case, "register", nature="水泵噪声", document="电话 0302-01").taken


@pytest.mark.rule("B-CCP-25")
def test_the_handling_notice_has_the_number_of_the_register(world: World) -> None:
    """Guards one number on every form of a case."""
    case = world.walk(world.accept(world.open(PROPERTY)))
    error = refused(world, case, "handling_notice", number="2026-031")
    assert (error.rule, fields_of(error)) == ("B-CCP-25", ["filled.number"])
    case = take(world, case, "handling_notice")
    forms = {t.step: t.fields["number"] for t in case.taken if "number" in t.fields}
    assert forms == {"register": case.number, "handling_notice": case.number}


@pytest.mark.rule("B-ITS-18")
def test_a_fault_analysis_report_is_complete_and_goes_to_customer_and_business_department(
    world: World,
) -> None:
    """Guards the five parts, and that a report once written is not kept from either of the two."""
    parts = dict.fromkeys(("impact", "handling", "cause", "corrective", "preventive"), "已查明")
    case = world.accept(world.open(IT))
    for missing in parts:
        given = {part: words for part, words in parts.items() if part != missing}
        assert fields_of(refused(world, case, "fault_report", **given)) == [f"filled.{missing}"]
    case = take(world, case, "fault_report", **parts)
    world.do("reply", case, text="已恢复")
    world.call_back(called_back(world.case(case.id), satisfied=True))
    for recipient in ("customer", "business_department"):
        assert world.case(case.id).state is CaseState.REPLIED
        case = take(world, case, "report_feedback", recipient=recipient)
    assert case.state is CaseState.CLOSED


def test_where_there_was_no_fault_a_case_closes_without_a_report(world: World) -> None:
    """Guards that the report is asked for after a fault only."""
    case = world.answer(world.accept(world.open(IT)))
    world.call_back(called_back(case, satisfied=True))
    assert world.case(case.id).state is CaseState.CLOSED


def test_an_unsatisfied_customer_asks_for_the_reply_and_all_after_it_again(world: World) -> None:
    """Guards the second round: what was found out stays, the manager is told of the new reply too."""
    case = world.answer(world.accept(world.open(PROPERTY)))
    world.call_back(called_back(case, satisfied=False))
    case = world.case(case.id)
    how = standing(world, case)
    assert (how["verify"], how["department_decision"]) == ("done", "done")
    assert (how["reply"], how["report_to_manager"]) == ("open", "open")
    case = world.answer(case)
    world.call_back(called_back(case, "cb_2", satisfied=True))
    assert world.case(case.id).state is CaseState.CLOSED
