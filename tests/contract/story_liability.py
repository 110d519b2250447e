"""The part of the story in which somebody pays: attribution, penalties, fines, sanctions, appeals and month ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.history import timestamp
from shared.ledger import period_bounds, period_of
from tests.contract.stage import Published, Stage

RETAIL, SHOP = "retail-demo", "shop-demo"
HR: dict[str, Any] = {"org": RETAIL, "actor": "u-3001", "roles": ("staff", "hr_admin")}
GM: dict[str, Any] = {"org": RETAIL, "actor": "u-3002", "roles": ("staff", "general_manager")}
LEADER: dict[str, Any] = {"org": SHOP, "actor": "u-4001", "roles": ("staff", "supervisor")}
BOSS: dict[str, Any] = {"org": SHOP, "actor": "u-4002", "roles": ("staff", "manager")}
WORKER = "u-3101"
BEIJING = ZoneInfo("Asia/Shanghai")


def tell_of_liability(stage: Stage) -> None:
    """Let a chain of shops charge what a closed case cost it, and an online shop fine the same agent three times."""
    closed = stage.ask("complaints.list_cases", org=RETAIL, roles=("staff",), state="closed")[0]["case_id"]
    _penalty(stage, closed)
    _sanction(stage, closed)
    _month(stage)
    _shop(stage)


def _penalty(stage: Stage, case: str) -> None:
    finding = {
        "case_id": case,
        "area": "production",
        "department": "sewing-1",
        "reason": "缝线未按标准检验。",
    }
    stage.ask("complaints.attribute_liability", **HR, **finding, level="person", persons=[WORKER, "u-3102"])
    # Refused: nobody says why no narrower unit can be found.
    stage.call("complaints.attribute_liability", **HR, **finding, level="department")
    points = [{"staff": WORKER, "points": "8"}, {"staff": "u-3102", "points": "4"}]
    loss = {
        "case_id": case,
        "loss": "6000.00",
        "total_points": "120",
        "points": points,
        "reason": "按罚扣判定基准。",
    }
    first = stage.ask("complaints.propose_penalty", **HR, **loss)["penalty_id"]
    stage.ask("complaints.decide_penalty", **GM, id=first, approved=False, note="损失未核实。")
    penalty = stage.ask("complaints.propose_penalty", **HR, **loss)["penalty_id"]
    stage.call("complaints.decide_penalty", **HR, id=penalty, approved=True)
    stage.ask("complaints.decide_penalty", **GM, id=penalty, approved=True)
    stage.ask(
        "complaints.appeal_penalty",
        org=RETAIL,
        actor="u-3102",
        roles=("staff",),
        id=penalty,
        reason="当日休假。",
    )
    stage.ask("complaints.decide_appeal", **GM, id=penalty, staff="u-3102", upheld=True, note="属实。")
    stage.ask("complaints.get_liability", **HR, case_id=case)
    stage.ask("complaints.get_penalty", **HR, id=penalty)
    stage.ask("complaints.list_penalties", **GM, state="posted")


def _sanction(stage: Stage, case: str) -> None:
    proposed = {
        "case_id": case,
        "staff": WORKER,
        "severity": 2,
        "ground": "4",
        "behaviour": "漏检缝线。",
        "effects": "一件退货。",
        "bonus_per_point": "100.00",
        "base_points": "4",
    }
    first = stage.ask("complaints.propose_sanction", **HR, **proposed)["sanction_id"]
    stage.ask("complaints.decide_sanction", **GM, id=first, approved=False, note="重复提交。")
    sanction = stage.ask("complaints.propose_sanction", **HR, **proposed)["sanction_id"]
    stage.ask("complaints.decide_sanction", **GM, id=sanction, approved=True)
    stage.ask("complaints.get_sanction", **HR, id=sanction)
    stage.ask("complaints.list_sanctions", **HR, state="approved")


def _month(stage: Stage) -> None:
    month = period_of(stage.clock.now(), BEIJING)
    _, end = period_bounds(month, BEIJING)
    stage.clock.set(end - timedelta(hours=6))
    # Refused: the bonus that the cap is a part of is missing.
    stage.call("complaints.close_month", **HR, month=month)
    stage.ask("complaints.close_month", **HR, month=month, bonuses=[{"staff": WORKER, "bonus": "600.00"}])
    later = stage.ask("complaints.list_penalties", **HR, state="posted")
    penalty = next(row for row in later if row["basis"] == "formula")["penalty_id"]
    stage.ask("complaints.explain_penalty", **HR, id=penalty)
    stage.ask("complaints.get_ledger", **HR, staff=WORKER)
    stage.ask("complaints.get_ledger", **HR, department="sewing-1")
    published = stage.ask("complaints.list_sanctions", **HR, state="approved")[0]["month"]
    stage.clock.set(end + timedelta(days=3, hours=10))
    stage.ask("complaints.review_month", **HR, month=published)
    stage.ask("complaints.publish_notice", **HR, month=published)
    stage.ask("complaints.month_statement", **HR, month=month)
    stage.ask("complaints.reverse_penalty", **GM, id=penalty, reason="损失由承运方承担。")


def _shop(stage: Stage) -> None:
    fines = []
    for number in range(3):
        stage.publish(_complaint(number, timestamp(stage.clock.now())))
        stage.settle()
        case = stage.ask("complaints.list_cases", org=SHOP, roles=("staff",), state="received")[0]["case_id"]
        valid = {"id": case, "valid": True, "reason": "聊天记录属实。"}
        stage.ask("complaints.decide_validity", org=SHOP, roles=("staff", "complaint_handler"), **valid)
        finding = {"case_id": case, "area": "service", "level": "person", "department": "presale"}
        stage.ask(
            "complaints.attribute_liability", **LEADER, **finding, persons=["u-4101"], reason="回复拖延。"
        )
        common = {"case_id": case, "staff": "u-4101", "reason": "服务原因被投诉。"}
        fine = stage.ask("complaints.propose_fine", **LEADER, **common, offence="service")
        stage.ask("complaints.decide_penalty", **BOSS, id=fine["penalty_id"], approved=True)
        points = stage.ask("complaints.propose_points", **LEADER, **common, offence="attitude")
        stage.ask("complaints.decide_penalty", **BOSS, id=points["penalty_id"], approved=True)
        fines.append(fine["penalty_id"])
    stage.ask("complaints.reverse_penalty", **BOSS, id=fines[0], reason="经查为物流原因。")
    stage.ask("complaints.get_ledger", **LEADER, staff="u-4101", unit="points")


def _complaint(number: int, at: str) -> Published:
    event = {
        "specversion": "1.0",
        "id": f"ch-{number:05}",
        "source": f"/chat/{SHOP}",
        "type": "contact.received",
        "time": at,
        "org": SHOP,
        "data": {
            "channel": "chat",
            "category": "complaint",
            "received_at": at,
            "customer": {"kind": "person", "name": "测试甲", "phone": f"139000{number:05}"},
            "text": "客服半小时没有回复。",
            "complaint": {"problem": f"slow-answer-{number}"},
        },
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    return Published("external", "contact.received", body, user="pub-chat")
