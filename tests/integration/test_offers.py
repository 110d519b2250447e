"""Money for customers over the real bus: a matter that grows until the board is told before anything is paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import Conflict, KefuError, RuleRefused, ValidationFailed
from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import complaint, household, new_problem

PLAZA = "plaza-demo"
TERMS: dict[str, Any] = {"kind": "compensation", "reason": "顶棚漏水损坏商品"}


def somebody(bus: Bus, name: str, *roles: str) -> Desk:
    return bus.desk(PLAZA, ("staff", *roles), subject=name)


def refused(desk: Desk, method: str, kind: type[KefuError], /, **arguments: Any) -> KefuError:
    """Call what must be refused with an error of ``kind``; return it."""
    with pytest.raises(kind) as error:
        desk.do(f"complaints.{method}", **arguments)
    return error.value


@pytest.mark.rule("B-JKC-44", "B-JKC-45", "B-JKC-47")
def test_a_matter_that_grows_to_major_is_approved_at_the_top_filed_with_the_board_paid_and_closed(
    bus: Bus,
) -> None:
    """Three households become twelve: what the vice president approved no longer reaches, and nothing is paid on it."""
    desk, cashier = bus.desk(PLAZA), somebody(bus, "stf_cashier", "manager")
    first, case_id = _three_households_and_no_call(bus)
    small = _approved_by_the_vice_president(bus, case_id)
    problem = first["data"]["complaint"]["problem"]
    bus.publish(
        "hotline", *(complaint(PLAZA, problem, customer=household(number)) for number in range(4, 13))
    )
    desk.case_of(first, level="major", households=12)
    assert refused(cashier, "pay_offer", RuleRefused, id=small, evidence="V-1").rule == "B-JKC-47"
    desk.do("complaints.withdraw_offer", id=small, reason="按重大投诉重新审批")

    offer_id = _approved_by_the_senior_executive(bus, case_id)
    # The customer is satisfied, but the case waits for the money, and the money for the board.
    _reply_to_satisfaction(bus, case_id)
    assert desk.case_of(first)["state"] == "replied"
    assert refused(cashier, "pay_offer", RuleRefused, id=offer_id, evidence="V-1").rule == "B-JKC-47"
    for unit in ("customer_relations", "board"):
        desk.do("complaints.record_filing", id=case_id, unit=unit, way="paper", reference="2026-01")
    assert desk.case_of(first)["state"] == "replied"
    cashier.do("complaints.pay_offer", id=offer_id, evidence="V-1")

    assert desk.case_of(first, state="closed")["on_time"] is False
    offer = desk.ask("complaints.get_offer", id=offer_id)
    assert (offer["state"], offer["paid"], offer["level"]) == ("paid", "60000.00", "major")
    # What concerns a case is archived under it, the steps of its offers among it.
    way = ("offer_proposed", "approval_given", "offer_approved", "offer_accepted")
    desk.archived(case_id, *way, *way, "offer_voided", "offer_paid")
    desk.archived(case_id, "danger_declared", *["filing_recorded"] * 3, "case_closed")
    assert desk.ask("complaints.get_case_history", id=case_id)["faults"] == []


def _three_households_and_no_call(bus: Bus) -> tuple[dict[str, Any], str]:
    """Open the matter; its first case was received four hours ago, so that the first contact is missed."""
    desk, problem = bus.desk(PLAZA), new_problem()
    late = (datetime.now(UTC) - timedelta(hours=4)).isoformat()
    first = complaint(PLAZA, problem, customer=household(1), received_at=late)
    others = [complaint(PLAZA, problem, customer=household(number)) for number in (2, 3)]
    bus.publish("hotline", first, *others)
    case = desk.case_of(first, households=3, level="general", overdue=True)
    desk.happened(case["case_id"], "clock_breached")
    desk.do("complaints.decide_validity", id=case["case_id"], valid=True, reason="现场核实属实")
    return first, case["case_id"]


def _approved_by_the_vice_president(bus: Bus, case_id: str) -> str:
    desk, vice = bus.desk(PLAZA), somebody(bus, "stf_vice", "cs_vice_president")
    made = desk.do("complaints.propose_offer", case_id=case_id, amount="4000.00", **TERMS)
    vice.do("complaints.decide_offer", id=made["offer_id"], approved=True, amount="4000.00")
    desk.do("complaints.answer_offer", id=made["offer_id"], accepted=True)
    return str(made["offer_id"])


def _approved_by_the_senior_executive(bus: Bus, case_id: str) -> str:
    """Offer 60,000 after the first report, and let the one who may approve it, once."""
    desk, vice = bus.desk(PLAZA), somebody(bus, "stf_vice", "cs_vice_president")
    senior, other = (somebody(bus, name, "cs_senior_executive") for name in ("stf_senior", "stf_senior_2"))
    wrong = {"case_id": case_id, "amount": "60000.001", **TERMS}
    problems = refused(desk, "propose_offer", ValidationFailed, **wrong).problems
    assert [problem.field for problem in problems] == ["amount"]
    made = desk.do("complaints.propose_offer", case_id=case_id, amount="60000.00", **TERMS)
    decision = {"id": made["offer_id"], "approved": True, "amount": "60000.00"}
    desk.do("complaints.declare_danger", id=case_id, danger="mass_complaint")
    assert refused(senior, "decide_offer", RuleRefused, **decision).rule == "B-JKC-45"
    desk.do("complaints.record_filing", id=case_id, unit="first_report", way="phone")
    assert refused(vice, "decide_offer", RuleRefused, **decision).rule == "B-JKC-47"
    assert senior.only("complaints.list_offers", mine=True, case_id=case_id)["offer_id"] == made["offer_id"]
    for _ in range(2):
        answer = senior.do("complaints.decide_offer", key=f"{made['offer_id']}-approval", **decision)
        assert answer["state"] == "approved"
    assert "stf_senior" in refused(other, "decide_offer", Conflict, **decision).message
    desk.do("complaints.answer_offer", id=made["offer_id"], accepted=True)
    return str(made["offer_id"])


def _reply_to_satisfaction(bus: Bus, case_id: str) -> None:
    desk, caller = bus.desk(PLAZA), bus.desk(PLAZA, subject="stf_caller")
    desk.do("complaints.attempt_contact", id=case_id, outcome="reached")
    entered = {"description": "十二户顶棚漏水"}
    desk.do("complaints.take_step", id=case_id, step="enter_content", filled=entered)
    desk.do("complaints.reply", id=case_id, text="顶棚已修复,赔偿已商定")
    (callback,) = desk.callbacks_of(case_id, 1)
    caller.do("followup.complete_callback", id=callback["callback_id"], outcome="satisfied")

    def waits() -> None:
        assert desk.ask("complaints.get_settlement", id=case_id)["waits_to_close"] == "callback"

    eventually(waits)
