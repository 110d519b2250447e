"""Told in docs/stories/plaza-matter.md: a leak in three shops that becomes a matter of twelve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.events import household, new_problem
from tests.integration.stories.stage import Stage, clock_of, local, telling

_TERMS: dict[str, Any] = {"kind": "compensation", "reason": "顶棚漏水损坏商品"}


@pytest.mark.timeout(600)
@pytest.mark.rule(
    "B-JKC-41",
    "B-JKC-42",
    "B-JKC-44",
    "B-JKC-45",
    "B-JKC-47",
    "B-JKC-52",
    "B-JKC-54",
    "B-JKC-55",
    "B-JKC-56",
    "B-JKC-59",
    "B-JKC-61",
)
def test_a_matter_grows_from_three_to_twelve_households_and_closes_only_after_the_board_is_told(
    tmp_path: Path,
) -> None:
    """Every household counts once; every level brings its own deadline, its own approver and its own filing."""
    with telling("plaza-matter", "plaza-demo", "2025-03-05 09:25", tmp_path) as stage:
        problem = new_problem()
        first, case_id = _three_households(stage, problem)
        _nobody_calls(stage, first, case_id)
        small = _a_small_offer(stage, first, case_id)
        _five_and_then_twelve(stage, problem, first)
        offer_id = _a_large_offer(stage, case_id, small)
        _answer_and_callback(stage, case_id)
        _filed_paid_and_closed(stage, first, case_id, offer_id)


def _three_households(stage: Stage, problem: str) -> tuple[dict[str, Any], str]:
    first, *_ = [
        stage.complains("hotline", f"2025-03-05 09:{minute:02}", problem, customer=household(number))
        for number, minute in enumerate((0, 10, 20), 1)
    ]
    case = stage.person("handler").case_of(first, households=3)
    stage.tell("The first shop rings", local(case["received_at"]))
    stage.tell("Households on the first morning", case["households"])
    stage.tell("Level on the first morning", case["level"])
    stage.tell_due("The first contact is due", case, "first_contact")
    return first, str(case["case_id"])


def _nobody_calls(stage: Stage, first: dict[str, Any], case_id: str) -> None:
    handler = stage.person("handler", "complaint_handler")
    stage.at("2025-03-05 11:43")
    (warned,) = stage.archive.happened(case_id, "clock_warned")
    stage.tell("The clock warns when so much of it is gone", f"{warned['data']['percent']} %")
    stage.at("2025-03-05 12:01")
    handler.case_of(first, overdue=True)
    (breached,) = stage.archive.happened(case_id, "clock_breached")
    stage.tell("The clock breached is", breached["data"]["clock"])

    again: dict[str, Any] = {"customer": first["data"]["customer"], "channel": "wechat"}
    stage.complains("crm", "2025-03-05 12:01", first["data"]["complaint"]["problem"], **again)
    case = handler.case_of(first, repeats=1)
    (escalated,) = stage.archive.happened(case_id, "case_escalated")
    stage.tell("The case is escalated through", escalated["data"]["channel"])
    stage.tell("Households after the second word of the same one", case["households"])

    stage.at("2025-03-05 12:08")
    handler.do("complaints.attempt_contact", id=case_id, outcome="unreachable")
    message = handler.only("followup.list_messages", case_id=case_id)
    stage.tell("The message sent is prescribed by", message["template_source"])
    met = clock_of(handler.case_of(first), "first_contact")
    stage.tell("The first contact is made", local(met["ended_at"]))
    stage.tell("The first contact counts as", met["state"])


def _a_small_offer(stage: Stage, first: dict[str, Any], case_id: str) -> str:
    stage.at("2025-03-05 14:00")
    handler, head = stage.person("handler", "complaint_handler"), stage.person("head", "cs_head")
    handler.do("complaints.decide_validity", id=case_id, valid=True, reason="现场核实属实")
    stage.tell_refused(
        "Entering nothing of what is complained of is refused by",
        handler,
        "take_step",
        id=case_id,
        step="enter_content",
    )
    entered: dict[str, Any] = {"description": "三户顶棚漏水，商品受潮"}
    handler.do("complaints.take_step", id=case_id, step="enter_content", filled=entered)
    stage.tell_due("As a general case it is to be closed before", handler.case_of(first), "close")
    made = handler.do("complaints.propose_offer", case_id=case_id, amount="4000.00", **_TERMS)
    stage.tell("The small offer", made["amount"])
    decision: dict[str, Any] = {"id": made["offer_id"], "approved": True, "amount": "4000.00"}
    stage.tell_refused(
        "Its approval by the head of customer service is refused by", head, "decide_offer", **decision
    )
    vice = stage.person("vice", "cs_vice_president")
    stage.tell(
        "Approved by the vice president it is", vice.do("complaints.decide_offer", **decision)["state"]
    )
    handler.do("complaints.answer_offer", id=made["offer_id"], accepted=True)
    return str(made["offer_id"])


def _five_and_then_twelve(stage: Stage, problem: str, first: dict[str, Any]) -> None:
    handler = stage.person("handler", "complaint_handler")
    stage.at("2025-03-06 10:00")
    for number in (4, 5):
        stage.complains("hotline", "2025-03-06 09:50", problem, customer=household(number))
    case = handler.case_of(first, households=5, level="important")
    stage.tell("Households on the second day", case["households"])
    stage.tell("Level on the second day", case["level"])
    stage.tell_due("As an important case it is to be closed before", case, "close")
    settlement = handler.ask("complaints.get_settlement", id=case["case_id"])
    stage.tell(
        "The important case is to be filed with",
        ", ".join(unit["unit"] for unit in settlement["filings_due"]),
    )

    stage.at("2025-03-07 09:00")
    late = [
        stage.complains("hotline", "2025-03-07 08:50", problem, customer=household(number))
        for number in range(6, 13)
    ]
    case = handler.case_of(first, households=12, level="major")
    stage.tell("Households on the third day", case["households"])
    stage.tell("Level on the third day", case["level"])
    stage.tell_due("As a major case it is to be closed before", case, "close")
    # Each of them stands for the whole matter, whichever day it came.
    cases = [handler.case_of(event, households=12, level="major") for event in late]
    assert {each["matter_id"] for each in cases} == {case["matter_id"]}
    because = handler.ask("complaints.explain_level", id=case["case_id"])["because"]
    stage.tell("What lifts the level", ", ".join(because))


def _a_large_offer(stage: Stage, case_id: str, small: str) -> str:
    stage.at("2025-03-07 11:00")
    handler, cashier = stage.person("handler", "complaint_handler"), stage.person("cashier", "manager")
    vice, senior = stage.person("vice", "cs_vice_president"), stage.person("senior", "cs_senior_executive")
    paying: dict[str, Any] = {"id": small, "evidence": "V-1"}
    stage.tell_refused(
        "Paying on the vice president's approval is now refused by", cashier, "pay_offer", **paying
    )
    handler.do("complaints.withdraw_offer", id=small, reason="按重大投诉重新审批")

    handler.do("complaints.declare_danger", id=case_id, danger="mass_complaint")
    made = handler.do("complaints.propose_offer", case_id=case_id, amount="60000.00", **_TERMS)
    stage.tell("The large offer", made["amount"])
    decision: dict[str, Any] = {"id": made["offer_id"], "approved": True, "amount": "60000.00"}
    stage.tell_refused(
        "Any approval before the first report is refused by", senior, "decide_offer", **decision
    )
    handler.do("complaints.record_filing", id=case_id, unit="first_report", way="phone")
    stage.tell_refused("The vice president's approval is refused by", vice, "decide_offer", **decision)
    approved = senior.do("complaints.decide_offer", **decision)
    stage.tell("Approved by the senior executive it is", approved["state"])
    handler.do("complaints.answer_offer", id=made["offer_id"], accepted=True)
    return str(made["offer_id"])


def _answer_and_callback(stage: Stage, case_id: str) -> None:
    stage.at("2025-03-10 16:00")
    handler = stage.person("handler", "complaint_handler")
    handler.do("complaints.reply", id=case_id, text="顶棚已修复，赔偿已商定")
    stage.at("2025-03-11 10:00")
    found = stage.called_back(handler, case_id)
    stage.tell("The customer is satisfied, and the case is", found["state"])
    stage.tell("The major case is to be filed with", ", ".join(unit["unit"] for unit in found["filings_due"]))


def _filed_paid_and_closed(stage: Stage, first: dict[str, Any], case_id: str, offer_id: str) -> None:
    handler, cashier = stage.person("handler", "complaint_handler"), stage.person("cashier", "manager")
    paying: dict[str, Any] = {"id": offer_id, "evidence": "V-2"}
    stage.tell_refused("Paying before the board is told is refused by", cashier, "pay_offer", **paying)
    stage.at("2025-03-12 11:00")
    for unit in ("customer_relations", "board"):
        handler.do("complaints.record_filing", id=case_id, unit=unit, way="paper", reference="2025-03")
    stage.tell("Filed, but not paid, the case is", handler.case_of(first)["state"])
    cashier.do("complaints.pay_offer", **paying)
    case = handler.case_of(first, state="closed")
    stage.tell("Paid", handler.ask("complaints.get_offer", id=offer_id)["paid"])
    stage.tell("The case is closed", local(case["closed_at"]))
    stage.tell("Its closing counts as", clock_of(case, "close")["state"])
    stage.tell("The case as a whole is in time", "yes" if case["on_time"] else "no")
    stage.archive.happened(case_id, "case_level_changed", times=2)
    stage.archive.archived(case_id, "offer_voided", "offer_paid", *["filing_recorded"] * 3, "case_closed")
    assert handler.ask("complaints.get_case_history", id=case_id)["faults"] == []
