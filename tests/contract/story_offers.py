"""The part of the story in which customers get money: offers, approvals, delegations, payments and filings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.history import timestamp
from tests.contract.stage import Published, Stage

PLAZA, PROPERTY, SHOP = "plaza-demo", "property-demo", "shop-demo"
HANDLER = ("staff", "complaint_handler", "duty_staff")
VICE: dict[str, Any] = {"org": PLAZA, "actor": "u-5001", "roles": ("staff", "cs_vice_president")}
SENIOR: dict[str, Any] = {"org": PLAZA, "actor": "u-5002", "roles": ("staff", "cs_senior_executive")}
DEPUTY: dict[str, Any] = {"org": PLAZA, "actor": "u-5003", "roles": ("staff",)}
CASHIER = ("staff", "manager")


def file_with_all(stage: Stage, org: str, case: str) -> None:
    """File a case with every unit that the rulebook still wants it filed with."""
    for unit in stage.ask("complaints.get_settlement", org=org, roles=("staff",), id=case)["filings_due"]:
        filing: dict[str, Any] = {"unit": unit["unit"], "way": "system"}
        stage.ask("complaints.record_filing", org=org, roles=HANDLER, id=case, **filing)


def tell_of_offers(stage: Stage, complaints: tuple[Published, Published, Published]) -> None:
    """Let a shopping centre compensate, a housing estate pay for a damaged home, and a shop look up its plan.

    ``complaints`` are a major and an ordinary one at the centre, and one of a household.
    """
    for message in complaints:
        stage.publish(message)
    stage.settle()
    _major(stage, _case(stage, PLAZA, "ceiling-fell"))
    _ordinary(stage, _case(stage, PLAZA, "bag-stained"))
    _home(stage, _case(stage, PROPERTY, "pipe-burst"))
    stage.ask("complaints.get_plan", org=SHOP, roles=("staff",), problem="lost_parcel")
    stage.call("complaints.get_plan", org=SHOP, roles=("staff",), problem="wrong-size")


def _case(stage: Stage, org: str, problem: str) -> str:
    rows = stage.ask("complaints.list_cases", org=org, roles=("staff",), state="received", limit=200)
    case = next(str(row["case_id"]) for row in rows if row["problem"] == problem)
    stage.ask(
        "complaints.decide_validity", org=org, roles=HANDLER, id=case, valid=True, reason="现场核实属实。"
    )
    return case


def _major(stage: Stage, case: str) -> None:
    """60,000 yuan: reported first, approved in the senior executive's place, filed with the board, paid, taken back."""
    here: dict[str, Any] = {"org": PLAZA, "roles": HANDLER}
    stage.ask("complaints.declare_danger", **here, id=case, danger="mass_complaint")
    stage.ask("complaints.name_accused", **here, id=case, staff=["u-5101"])
    terms = {"case_id": case, "kind": "compensation", "amount": "61000.00", "reason": "吊顶坠落致伤。"}
    offer = stage.ask("complaints.propose_offer", **here, **terms)["offer_id"]
    changed = {"id": offer, "amount": "60000.00", "reason": "与客户协商一致。"}
    stage.ask("complaints.change_offer", **here, **changed)
    until = timestamp(stage.clock.now() + timedelta(days=14))
    granted = {"delegate": "u-5003", "role": "cs_senior_executive", "until": until, "limit": "80000.00"}
    delegation = stage.ask("complaints.grant_delegation", **SENIOR, **granted)["delegation_id"]
    stage.ask("complaints.list_delegations", **SENIOR, principal="u-5002")
    decision = {"id": offer, "approved": True, "amount": "60000.00"}
    # Refused: nobody was told first, and then the vice president is not enough.
    stage.call("complaints.decide_offer", **SENIOR, **decision)
    stage.ask("complaints.record_filing", **here, id=case, unit="first_report", way="phone")
    stage.call("complaints.decide_offer", **VICE, **decision)
    stage.ask("complaints.list_offers", **SENIOR, mine=True)
    stage.ask("complaints.decide_offer", **DEPUTY, **decision, delegation=delegation)
    stage.ask("complaints.revoke_delegation", **SENIOR, id=delegation)
    stage.ask("complaints.answer_offer", **here, id=offer, accepted=True)
    paying = {"id": offer, "evidence": "V-2026-0117"}
    # Refused: not filed with the board.
    stage.call("complaints.pay_offer", org=PLAZA, actor="u-5004", roles=CASHIER, **paying)
    stage.ask("complaints.explain_offer", **here, id=offer)
    file_with_all(stage, PLAZA, case)
    stage.ask("complaints.pay_offer", org=PLAZA, actor="u-5004", roles=CASHIER, **paying)
    taken = {"id": offer, "evidence": "V-2026-0118", "reason": "误付，重新支付。"}
    stage.ask("complaints.reverse_offer", **SENIOR, **taken)
    stage.ask("complaints.get_offer", **here, id=offer)


def _ordinary(stage: Stage, case: str) -> None:
    """One offer refused, one withdrawn, one declined."""
    here: dict[str, Any] = {"org": PLAZA, "roles": HANDLER}
    terms = {"case_id": case, "kind": "compensation", "amount": "300.00", "reason": "洗涤费用。"}
    refused, withdrawn, declined = (
        stage.ask("complaints.propose_offer", **here, **terms)["offer_id"] for _ in range(3)
    )
    decision = {"amount": "300.00", "note": "金额过高。"}
    stage.ask("complaints.decide_offer", **VICE, id=refused, approved=False, **decision)
    stage.ask("complaints.withdraw_offer", **here, id=withdrawn, reason="重复录入。")
    stage.ask("complaints.decide_offer", **VICE, id=declined, approved=True, amount="300.00")
    stage.ask("complaints.answer_offer", **here, id=declined, accepted=False, note="客户要求更换新包。")


def _home(stage: Stage, case: str) -> None:
    """A damaged home: two approve in turn, the agreement is signed, paid too late, and filed."""
    here: dict[str, Any] = {"org": PROPERTY, "roles": HANDLER}
    terms = {"case_id": case, "kind": "home_damage", "amount": "1800.00", "reason": "爆管浸坏木地板。"}
    offer = stage.ask("complaints.propose_offer", **here, **terms, agreement="BX-2026-009 v1")["offer_id"]
    decision = {"id": offer, "approved": True, "amount": "1800.00"}
    for actor, role in (("u-5201", "supervisor"), ("u-5202", "manager")):
        stage.ask("complaints.decide_offer", org=PROPERTY, actor=actor, roles=("staff", role), **decision)
    stage.ask("complaints.answer_offer", **here, id=offer, accepted=True)
    stage.ask("complaints.sign_agreement", **here, id=offer, reference="BX-2026-009")
    for days in (6, 6):
        stage.pass_time(timedelta(days=days))
        stage.services["complaints"].settle_offers()
        stage.settle()
    paying = {"id": offer, "evidence": "V-2026-0119"}
    stage.ask("complaints.pay_offer", org=PROPERTY, actor="u-5203", roles=CASHIER, **paying)
    stage.ask("complaints.file_agreement", **here, id=offer, unit="household_file", reference="BX-2026-009")
    stage.ask("complaints.get_settlement", **here, id=case)
