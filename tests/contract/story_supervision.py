"""The part of the story in which cases are watched over, urged, reported and referred, and departments disagree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Published, Stage

PLAZA = "plaza-demo"
HANDLER: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "complaint_handler")}
SUPERVISOR: dict[str, Any] = {"org": PLAZA, "actor": "u-6001", "roles": ("staff", "supervisor")}
MANAGER: dict[str, Any] = {"org": PLAZA, "actor": "u-6002", "roles": ("staff", "manager")}
VICE: dict[str, Any] = {"org": PLAZA, "actor": "u-6003", "roles": ("staff", "cs_vice_president")}
_PARTIES = [
    {"department": "engineering", "staff": ["u-6101"]},
    {"department": "operations", "staff": ["u-6102"]},
]


def tell_of_supervision(stage: Stage, complaints: tuple[Published, Published]) -> None:
    """Let one case be watched over from all sides, and departments quarrel about another."""
    for message in complaints:
        stage.publish(message)
    stage.settle()
    _watched(stage, _case(stage, "window-leaks"))
    _disputed(stage, _case(stage, "floor-slippery"))


def _case(stage: Stage, problem: str) -> str:
    rows = stage.ask("complaints.list_cases", **HANDLER, state="received", limit=200)
    return next(str(row["case_id"]) for row in rows if row["problem"] == problem)


def _watched(stage: Stage, case: str) -> None:
    """Supervised, urged until it comes before the manager, reported, referred, and the customer told."""
    stage.ask("complaints.attempt_contact", **HANDLER, id=case, outcome="reached", apologised=True)
    stage.ask("complaints.decide_validity", **HANDLER, id=case, valid=True, reason="现场核实属实。")
    watched = {"id": case, "supervisor": "customer_relations", "reason": "抽查发现跟进不及时。"}
    # Refused: the handler supervises nobody.
    stage.call("complaints.start_supervision", **HANDLER, **watched)
    stage.ask("complaints.start_supervision", **SUPERVISOR, **watched, lead="complaint_handler")
    for asked_by in ("staff", "customer", "staff"):
        stage.ask("complaints.urge_case", **SUPERVISOR, id=case, asked_by=asked_by, text="请尽快处理。")
    reported = {"id": case, "report": "operations_manager", "text": "多家商户受影响。"}
    stage.ask("complaints.report_up", **HANDLER, **reported)
    stage.ask("complaints.refer_case", **HANDLER, id=case, department="operations", text="请核实铺位漏水。")
    stage.ask("complaints.get_supervision", **HANDLER, id=case)
    stage.ask("complaints.list_supervised_cases", **MANAGER, supervisor="manager")
    stage.ask("complaints.record_progress", **HANDLER, id=case, text="已告知客户维修时间。", told=True)
    stage.ask("complaints.return_referral", **HANDLER, id=case, referral=1, text="铺位已修复。")
    stage.ask("complaints.end_supervision", **SUPERVISOR, **watched)


def _disputed(stage: Stage, case: str) -> None:
    """One dispute goes to the last instance, one is withdrawn, one is late, one is not appealed against."""
    stage.ask("complaints.decide_validity", **HANDLER, id=case, valid=True, reason="现场核实属实。")
    first, second, late = (_raise(stage, case) for _ in range(3))
    stage.ask("complaints.recuse", **SUPERVISOR, id=first, reason="曾参与该项目验收。")
    ruling = {"id": first, "text": "防滑处理由工程部负责。", "responsible": "engineering"}
    # Refused: whoever stepped aside does not rule.
    stage.call("complaints.rule_dispute", **SUPERVISOR, **ruling)
    stage.ask("complaints.rule_dispute", **MANAGER, **ruling)
    appeal = {"id": first, "department": "engineering", "reason": "地面由运营部招标。"}
    stage.ask("complaints.appeal_ruling", **HANDLER, **appeal)
    ruling |= {"text": "由运营部负责。", "responsible": "operations"}
    stage.ask("complaints.rule_dispute", **VICE, **ruling)
    stage.ask("complaints.get_dispute", **HANDLER, id=first)
    stage.ask("complaints.withdraw_dispute", **HANDLER, id=second)
    stage.ask("complaints.list_disputes", **HANDLER, open=True)
    policy = _raise(stage, case, subject="service_policy", topic="wet-floor")
    settled = {"id": policy, "outcome": "mediated", "text": "雨天须设置警示并铺设地垫。"}
    stage.ask("complaints.rule_dispute", **MANAGER, **settled)
    stage.ask("complaints.list_interpretations", **HANDLER, topic="wet-floor")
    _wait(stage, days=2)
    stage.ask("complaints.rule_dispute", **SUPERVISOR, id=late, text="双方各半。")
    _wait(stage, days=1)


def _raise(stage: Stage, case: str, **given: Any) -> str:
    raised: dict[str, Any] = {
        "case_id": case,
        "subject": "responsibility",
        "question": "地面防滑由哪个部门负责？",
        "department": "engineering",
        "parties": _PARTIES,
    }
    return str(stage.ask("complaints.raise_dispute", **HANDLER, **raised | given)["dispute_id"])


def _wait(stage: Stage, *, days: int) -> None:
    stage.pass_time(timedelta(days=days))
    while stage.services["complaints"].settle_disputes():
        pass
    stage.settle()
