"""The part of the story about requests: opened by contacts and by hand, passed on, delayed, answered, closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Published, Stage

IT, PLAZA, PROPERTY = "it-demo", "plaza-demo", "property-demo"


def tell_of_requests(stage: Stage, contacts: tuple[Published, ...]) -> None:
    """Let a customer call twice, departments disagree, a household wait, and a need take longer.

    ``contacts`` are two of one customer of the IT service, one repair and one need.
    """
    first, again, repair, need = contacts
    for message in (first, repair):
        stage.publish(message)
    stage.settle()
    stage.pass_time(timedelta(minutes=5))
    stage.publish(again)
    stage.settle()
    stage.services["intake"].open_missing_requests()
    stage.settle()
    _supported(stage)
    _repaired(stage)
    _delayed(stage, need.document["data"])


def _one(stage: Stage, org: str, **asked: Any) -> str:
    rows = stage.ask("intake.list_requests", org=org, roles=("staff",), **asked)
    return str(rows[0]["request_id"])


def _supported(stage: Stage) -> None:
    """A matter passed to a department whose leader is away; two departments disagree, the office rules."""
    desk: dict[str, Any] = {"org": IT, "roles": ("staff",)}
    request = _one(stage, IT, order="queue")
    act: dict[str, Any] = {**desk, "id": request}
    stage.ask("intake.act_on_request", **act, action="note", filled={"major": True, "record": "机房断电。"})
    stage.call("intake.act_on_request", **act, action="go_remote", filled={"remote_authorised": False})
    away = ["technical_supervisor"]
    stage.ask("intake.transfer_request", **act, unit="technical", absent=away, reason="超出职责范围。")
    deputy: dict[str, Any] = {"org": IT, "actor": "u-4002", "roles": ("staff", "supervisor"), "id": request}
    stage.ask("intake.accept_request", **deputy)
    stage.ask("intake.ask_help", **deputy, role="technical_supervisor")
    by = "2026-12-31T18:00:00+08:00"
    parts = [{"unit": unit, "answer_by": by} for unit in ("technical", "sales")]
    stage.ask("intake.involve_departments", **deputy, lead="sales", departments=parts)
    stage.ask("intake.answer_department", **deputy, unit="technical", text="不同意停机。", agrees=False)
    boss: dict[str, Any] = {"org": IT, "roles": ("staff", "manager", "office"), "id": request}
    stage.ask("intake.answer_department", **boss, unit="sales", text="同意。")
    stage.pass_time(timedelta(minutes=1))
    stage.ask("intake.answer_department", **boss, text="今晚停机。")
    stage.ask("intake.act_on_request", **act, action="finish", filled={"outcome": "已恢复。"})
    stage.ask("intake.get_request", **act)


def _repaired(stage: Stage) -> None:
    """Nobody comes within twenty minutes, so the household is called; a task of a superior beside it."""
    desk: dict[str, Any] = {"org": PROPERTY, "roles": ("staff",)}
    request = _one(stage, PROPERTY, kind="repair")
    act: dict[str, Any] = {**desk, "id": request}
    agreed = {"visit_at": "2026-12-31T14:00:00+08:00"}
    stage.ask("intake.act_on_request", **act, action="agree_visit", filled=agreed)
    stage.ask("intake.act_on_request", **act, action="assign", filled={"worker": "测试丙"})
    stage.pass_time(timedelta(minutes=20))
    why = {"delay_reason": "电梯检修。"}
    stage.ask("intake.act_on_request", **act, action="call_household", filled=why)
    boss: dict[str, Any] = {"org": PROPERTY, "roles": ("staff", "manager")}
    task: dict[str, Any] = {"kind": "task", "text": "整理钥匙柜。", "filled": {"due_on": "2026-12-31"}}
    stage.ask("intake.open_request", **boss, **task, assigned_to="u-4003")
    stage.call("intake.open_request", **desk, **task)
    stage.ask("intake.request_statistics", **desk, by="kind")


def _delayed(stage: Stage, need: dict[str, Any]) -> None:
    """A need of just now; more time on the project leader's word, who also approves it before it is closed."""
    now = {"received_at": stage.clock.now().isoformat()}
    stage.ask("intake.register_contact", org=PLAZA, roles=("staff",), **need | now)
    request = _one(stage, PLAZA, kind="need", order="newest")
    later: dict[str, Any] = {"clock": "handled", "amount": 48, "reason": "parts", "note": "配件未到。"}
    stage.call("intake.delay_request", org=PLAZA, roles=("staff",), id=request, **later)
    leader: dict[str, Any] = {"org": PLAZA, "actor": "u-4002", "roles": ("staff", "cs_head"), "id": request}
    stage.ask("intake.delay_request", **leader, **later)
    act: dict[str, Any] = {"org": PLAZA, "roles": ("staff",), "id": request}
    contacted = {"departments": "工程部"}
    stage.ask("intake.act_on_request", **act, action="contact_department", filled=contacted)
    stage.ask("intake.act_on_request", **act, action="finish", filled={"outcome": "已更换。"})
    stage.call("intake.act_on_request", **act, action="approve", filled={})
    stage.ask("intake.act_on_request", **leader, action="approve", filled={})
    closing = {"callback": "配件未到。已说明。"}
    stage.ask("intake.act_on_request", **act, action="call_back", filled=closing)
