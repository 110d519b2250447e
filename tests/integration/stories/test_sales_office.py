"""Told in docs/stories/sales-office.md: a complaint that three departments have to answer for together."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stories.stage import Stage, clock_of, local, telling

_DEPARTMENTS = ["销售部", "财务部", "工程部"]


@pytest.mark.timeout(600)
@pytest.mark.rule("A-SOF-14", "A-SOF-15", "A-SOF-16", "A-SOF-17", "A-SOF-18", "B-RES-14")
def test_three_departments_sign_for_a_complaint_of_the_sales_office(tmp_path: Path) -> None:
    """The customer hears the same day, each department signs for itself, and who lets the day pass pays for it."""
    begin = "2025-05-08 10:05"
    with telling("sales-office", "estate-demo", begin, tmp_path) as stage:
        first, case_id = _entered(stage, "10:00", _DEPARTMENTS, special=True)
        other, forgotten = _entered(stage, "10:05", _DEPARTMENTS[:2], special=False)
        _up_the_ladder(stage, first, case_id)
        _told_the_same_day(stage, first, case_id)
        _every_department_signs(stage, first, case_id)
        _the_one_forgotten(stage, other, forgotten)


def _entered(
    stage: Stage, received: str, departments: list[str], *, special: bool
) -> tuple[dict[str, Any], str]:
    """A complaint is taken in, found to stand and written on its sheet."""
    event = stage.complains("hotline", f"2025-05-08 {received}")
    head, clerk = stage.person("head", "cs_head"), stage.person("clerk", "cs_staff")
    case_id = str(head.case_of(event)["case_id"])
    head.do("complaints.decide_validity", id=case_id, valid=True, reason="属实")
    if special:
        stage.tell_refused(
            "Answering before the sheet is written is refused by", clerk, "reply", id=case_id, text="已处理"
        )
    sheet: dict[str, Any] = {"sales_office": True, "departments": departments, "special": special}
    clerk.do("complaints.take_step", id=case_id, step="complaint_sheet", filled=sheet)
    return event, case_id


def _up_the_ladder(stage: Stage, first: dict[str, Any], case_id: str) -> None:
    clerk, head = stage.person("clerk", "cs_staff"), stage.person("head", "cs_head")
    manager = stage.person("manager", "manager")
    case = clerk.case_of(first)
    stage.tell("The buyer rings", local(case["received_at"]))
    stage.tell_due("The customer must have heard before", case, "step.same_day")
    stage.tell_due("The complaint is to be handled before", case, "handled")
    word: dict[str, Any] = {"id": case_id, "filled": {"instruction": "按合同退还车位定金"}}
    stage.at("2025-05-08 14:00")
    stage.tell_refused(
        "Going to the manager past the head is refused by",
        manager,
        "take_step",
        step="report_to_manager",
        **word,
    )
    head.do("complaints.take_step", step="report_to_head", **word)
    stage.tell_refused(
        "Answering before the manager has spoken is refused by", clerk, "reply", id=case_id, text="已处理"
    )
    stage.at("2025-05-08 15:00")
    manager.do("complaints.take_step", step="report_to_manager", **word)


def _told_the_same_day(stage: Stage, first: dict[str, Any], case_id: str) -> None:
    stage.at("2025-05-08 17:30")
    clerk = stage.person("clerk", "cs_staff")
    told: dict[str, Any] = {"id": case_id, "step": "same_day"}
    stage.tell_refused(
        "Telling the customer without a time is refused by",
        clerk,
        "take_step",
        filled={"outcome": "told"},
        **told,
    )
    promised: dict[str, Any] = {"outcome": "told", "solved_by": "2025-05-10T18:00:00+08:00"}
    clerk.do("complaints.take_step", filled=promised, **told)
    (taken,) = _step(stage, case_id, "same_day")["taken"]
    stage.tell("A solution is promised for", local(taken["fields"]["solved_by"]))
    clock = clock_of(clerk.case_of(first), "step.same_day")
    stage.tell("The customer is told", local(clock["ended_at"]))
    stage.tell("The same day is", clock["state"])


def _every_department_signs(stage: Stage, first: dict[str, Any], case_id: str) -> None:
    stage.at("2025-05-09 09:30")
    signing: dict[str, Any] = {"id": case_id, "step": "sign"}
    solution = "退还车位定金，六月底前交付"

    def filled(department: str) -> dict[str, Any]:
        return {"filled": {"department": department, "solution": solution}, **signing}

    sales, finance = stage.person("sales"), stage.person("finance")
    sales.do("complaints.take_step", **filled("销售部"))
    stage.tell_refused(
        "A second signature of the same person is refused by", sales, "take_step", **filled("财务部")
    )
    stage.tell_refused(
        "The signature of a department not on the sheet is refused by",
        finance,
        "take_step",
        **filled("法务部"),
    )
    finance.do("complaints.take_step", **filled("财务部"))
    stage.at("2025-05-09 16:00")
    clerk = stage.person("clerk", "cs_staff")
    clerk.do("complaints.reply", id=case_id, text="定金退还，交付时间已定")
    stage.tell("The handling is", clock_of(clerk.case_of(first), "handled")["state"])

    stage.at("2025-05-10 10:00")
    found = stage.called_back(clerk, case_id)
    stage.tell("With one signature missing the case is", found["state"])
    stage.at("2025-05-10 10:30")
    stage.person("engineer").do("complaints.take_step", **filled("工程部"))
    case = clerk.case_of(first, state="closed")
    stage.tell("Signatures", len(_step(stage, case_id, "sign")["taken"]))
    stage.tell("The case is closed", local(case["closed_at"]))
    stage.tell("Everything in time", "yes" if case["on_time"] else "no")
    assert clerk.ask("complaints.get_case_history", id=case_id)["faults"] == []


def _the_one_forgotten(stage: Stage, other: dict[str, Any], case_id: str) -> None:
    head, manager = stage.person("head", "cs_head"), stage.person("manager", "manager")
    clock = clock_of(head.case_of(other, overdue=True), "step.same_day")
    stage.tell("The same day of the other complaint is", clock["state"])
    stage.archive.happened(case_id, "clock_breached")
    stage.at("2025-05-12 09:00")
    finding: dict[str, Any] = {"area": "sales_office", "department": "sales", "reason": "当日未告知客户"}
    head.do(
        "complaints.attribute_liability", case_id=case_id, level="person", persons=["stf_clerk"], **finding
    )
    fine: dict[str, Any] = {
        "case_id": case_id,
        "staff": "stf_clerk",
        "offence": "late",
        "reason": "当日未告知客户",
    }
    stage.tell_refused("A fine without those jointly liable is refused by", head, "propose_fine", **fine)
    joint = [
        {"post": "sales_director", "staff": "stf_director"},
        {"post": "director_assistant", "staff": "stf_assistant"},
    ]
    made = head.do("complaints.propose_fine", joint=joint, **fine)
    manager.do("complaints.decide_penalty", id=made["penalty_id"], approved=True)
    posted = head.ask("complaints.get_penalty", id=made["penalty_id"])
    amounts = {row["staff"]: row["amount"] for row in posted["lines"]}
    stage.tell("The clerk pays", amounts["stf_clerk"])
    stage.tell("The sales director pays", amounts["stf_director"])
    stage.tell("The director's assistant pays", amounts["stf_assistant"])
    stage.tell("The fine as a whole", sum(map(Decimal, amounts.values())))


def _step(stage: Stage, case_id: str, code: str) -> dict[str, Any]:
    steps = stage.person("clerk").ask("complaints.get_case", id=case_id)["steps"]
    return next(dict(row) for row in steps if row["step"] == code)
