"""The part of the story in which causes are found: investigations, reports, corrective actions and their checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Published, Stage

IT, RETAIL = "it-demo", "retail-demo"
HANDLER: dict[str, Any] = {"org": IT, "actor": "u-6001", "roles": ("staff", "complaint_handler")}
ENGINEER: dict[str, Any] = {"org": IT, "actor": "u-6002", "roles": ("staff", "technical_supervisor")}
SUPERVISOR: dict[str, Any] = {"org": IT, "actor": "u-6003", "roles": ("staff", "supervisor")}
MANAGER: dict[str, Any] = {"org": IT, "actor": "u-6004", "roles": ("staff", "manager")}
HEAD: dict[str, Any] = {"org": IT, "actor": "u-6005", "roles": ("staff", "cs_head")}
OWNER: dict[str, Any] = {"org": IT, "actor": "u-6006", "roles": ("staff",)}
SHOP: dict[str, Any] = {"org": RETAIL, "actor": "u-6101", "roles": ("staff", "ops_cs", "handling_dept")}
REPORT = {
    "impact": "两小时无法登录。",
    "handling": "回退版本。",
    "cause": "新版本配置错误。",
    "corrective": "修正配置。",
    "prevention": "发布前核对配置。",
}


def tell_of_investigations(stage: Stage, complaints: tuple[Published, Published, Published]) -> None:
    """Let an IT company find out twice that a release failed, correct it, and a shop examine goods.

    ``complaints`` are two at the company and one at the shop.
    """
    for message in complaints:
        stage.publish(message)
    stage.settle()
    first, second = _case(stage, HANDLER, "login-fails"), _case(stage, HANDLER, "report-empty")
    _reported(stage, first)
    found = _reported(stage, second, returned=True)
    stage.ask("complaints.get_investigation", **ENGINEER, id=found)
    stage.ask("complaints.list_investigations", **SUPERVISOR, cause="system")
    stage.ask("complaints.list_recurrences", **SUPERVISOR, cause="release", besides=second)
    _corrected(stage, second, found)
    stage.ask("complaints.get_requirements", **HANDLER, id=second)
    _at_the_shop(stage, _case(stage, SHOP, "colour-fades", ground="quality_defect"))


def _case(stage: Stage, who: dict[str, Any], problem: str, **given: Any) -> str:
    rows = stage.ask("complaints.list_cases", **who, state="received", limit=200)
    case = next(str(row["case_id"]) for row in rows if row["problem"] == problem)
    stage.ask("complaints.decide_validity", **who, id=case, valid=True, reason="现场核实属实。", **given)
    return case


def _reported(stage: Stage, case: str, *, returned: bool = False) -> str:
    """Investigate a case to the end: a feedback, the report, two approvals, a receipt."""
    opened = {"case_id": case, "investigators": ["u-6002"]}
    found = str(stage.ask("complaints.open_investigation", **HANDLER, **opened)["investigation_id"])
    noted = {"kind": "feedback", "filled": {"departments": ["研发部"], "matter": "登录失败。"}}
    stage.ask("complaints.add_investigation_record", **HANDLER, id=found, **noted)
    # Refused: a report names a cause, and one that is a leaf.
    stage.call("complaints.submit_report", **ENGINEER, id=found, filled=REPORT)
    stage.call("complaints.submit_report", **ENGINEER, id=found, filled=REPORT, causes=["system"])
    report = {"filled": REPORT, "causes": ["release"]}
    answer = stage.ask("complaints.submit_report", **ENGINEER, id=found, **report)
    if returned:
        back = {"revision": answer["revision"], "reason": "原因分析不充分。"}
        stage.ask("complaints.return_report", **SUPERVISOR, id=found, **back)
        answer = stage.ask("complaints.submit_report", **ENGINEER, id=found, **report)
    for who in (SUPERVISOR, MANAGER):
        stage.ask("complaints.approve_report", **who, id=found, revision=answer["revision"])
    stage.ask("complaints.acknowledge_report", **HANDLER, id=found, department="business_department")
    return found


def _corrected(stage: Stage, case: str, found: str) -> None:
    """One action refused, one withdrawn, one late, extended, done, found useless and done again."""
    terms = {"case_id": case, "kind": "corrective", "department": "rnd", "owner": "u-6006"}
    terms |= {"investigation_id": found, "what": "发布前增加配置核对。"}
    refused, withdrawn, action = (
        stage.ask("complaints.open_action", **HEAD, **terms)["action_id"] for _ in range(3)
    )
    stage.ask("complaints.decide_action", **MANAGER, id=refused, approved=False, note="重复。")
    stage.ask("complaints.withdraw_action", **MANAGER, id=withdrawn, reason="并入另一项措施。")
    stage.ask("complaints.decide_action", **MANAGER, id=action, approved=True)
    stage.ask("complaints.extend_action", **MANAGER, id=action, amount=8, reason="supplier")
    stage.memories["complaints"].investigations.take_calendars_for_old()
    stage.services["complaints"].recompute_actions()
    for days in (7, 14):
        stage.clock.advance(timedelta(days=days))
        stage.services["complaints"].settle_investigations()
        stage.settle()
    stage.ask("complaints.list_actions", **HEAD, show="overdue")
    stage.ask("complaints.complete_action", **OWNER, id=action, evidence="核对单 2026-01")
    stage.clock.advance(timedelta(days=11))
    checking = {"id": action, "effective": False, "finding": "再次发生。"}
    # Refused: nobody checks his own.
    stage.call("complaints.check_action", **{**OWNER, "roles": ("staff", "supervisor")}, **checking)
    stage.ask("complaints.check_action", **SUPERVISOR, **checking)
    stage.ask("complaints.get_action", **OWNER, id=action)
    stage.ask("complaints.action_effectiveness", **HEAD)


def _at_the_shop(stage: Stage, case: str) -> None:
    """Write findings down, and correct them: both stay."""
    # Refused: looking at papers only needs a reason.
    stage.call("complaints.open_investigation", **SHOP, case_id=case, method="documents")
    found = stage.ask("complaints.open_investigation", **SHOP, case_id=case)["investigation_id"]
    points = ("scope_true", "reason_reasonable", "purpose", "analysis", "demand_proper", "other")
    filled = dict.fromkeys(points, "已查明。")
    stage.ask("complaints.record_findings", **SHOP, id=found, filled=filled)
    again = {"filled": filled | {"scope_true": "数量不符。"}, "reason": "重新清点。"}
    stage.ask("complaints.record_findings", **SHOP, id=found, **again)
