"""The part of the story about how complaints are received: clarified, opined on, refused, recorded, referred."""

from __future__ import annotations

from typing import Any

from tests.contract.stage import Published, Stage

RETAIL, PLAZA, SHOP, PROPERTY = "retail-demo", "plaza-demo", "shop-demo", "property-demo"
SERVICE: dict[str, Any] = {"org": RETAIL, "roles": ("staff", "ops_cs")}


def tell_of_receiving(stage: Stage, complaints: tuple[Published, Published, Published, Published]) -> None:
    """Let a chain clarify and refuse, a plaza report a late entry, a shop fill its register, an estate refer.

    ``complaints`` are one of each; the chain's says neither who complains nor what they ask for.
    """
    for message in complaints:
        stage.publish(message)
    stage.settle()
    _refused_politely(stage, _case(stage, RETAIL, "wrong-colour"))
    _entered_late(stage, _case(stage, PLAZA, "loud-music"))
    _registered(stage, _case(stage, SHOP, "missing-button"))
    _referred(stage, _case(stage, PROPERTY, "dark-stairs"))
    page = stage.ask("complaints.complaint_ledger", org=PLAZA, roles=("staff",), limit=2)
    stage.ask("complaints.complaint_ledger", org=PLAZA, roles=("staff",), limit=2, after=page["next"])
    stage.ask("complaints.complaint_ledger", org=RETAIL, roles=("staff",), problem="wrong-colour")


def _case(stage: Stage, org: str, problem: str) -> str:
    rows = stage.ask("complaints.complaint_ledger", org=org, roles=("staff",), problem=problem)["rows"]
    return str(rows[0]["case_id"])


def _refused_politely(stage: Stage, case: str) -> None:
    """Unclear who complains and what for; clarified, opined on, found not to stand, and told so."""
    stage.ask("complaints.get_receiving", **SERVICE, id=case)
    decision: dict[str, Any] = {"id": case, "ground": "quality_defect", "reason": "核实完毕。"}
    stage.call("complaints.decide_validity", **SERVICE, valid=True, **decision)
    stage.call("complaints.clarify_claim", **SERVICE, id=case, demand="apology", reason="来电核实。")
    known = {"complainant_type": "end_consumer", "demand": "exchange", "amount": "88.00"}
    stage.ask("complaints.clarify_claim", **SERVICE, id=case, **known, reason="来电核实。")
    opinion: dict[str, Any] = {"id": case, "stands": False, "text": "商品与订单一致。"}
    stage.ask("complaints.give_opinion", **SERVICE, actor="u-6001", **opinion)
    stage.call("complaints.decide_validity", **SERVICE, actor="u-6001", valid=False, **decision)
    stage.ask("complaints.decide_validity", **SERVICE, actor="u-6002", valid=False, **decision)
    told: dict[str, Any] = {"id": case, "way": "phone"}
    stage.call("complaints.tell_refusal", **SERVICE, **told)
    values = {"surname": "测试", "title": "女士", "finding": "商品颜色与订单一致"}
    stage.ask("complaints.tell_refusal", **SERVICE, **told, values=values)
    stage.ask("complaints.get_receiving", **SERVICE, id=case)


def _entered_late(stage: Stage, case: str) -> None:
    head: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "cs_head"), "id": case}
    stage.call("complaints.report_late_entry", org=PLAZA, roles=("staff",), id=case, reason="漏录。")
    stage.ask("complaints.report_late_entry", **head, reason="责任人漏录。")


def _registered(stage: Stage, case: str) -> None:
    post: dict[str, Any] = {"org": SHOP, "roles": ("staff", "complaint_handler"), "id": case}
    stage.call("complaints.approve_card", **post)
    written = {"content": "少一粒纽扣。", "handling": "补寄纽扣。"}
    stage.ask("complaints.fill_card", **post, actor="u-6003", entries=written)
    stage.ask("complaints.approve_card", **post)
    stage.ask("complaints.get_receiving", **post)


def _referred(stage: Stage, case: str) -> None:
    here: dict[str, Any] = {"org": PROPERTY, "id": case}
    handler = ("staff", "complaint_handler")
    stage.ask("complaints.refer_case", **here, roles=handler, department="engineering", text="请检修楼道灯。")
    stage.call("complaints.return_referral", **here, roles=("staff",), referral=1, text="已更换。")
    stage.ask("complaints.return_referral", **here, roles=handler, referral=1, text="已更换灯管。")
    stage.ask("complaints.get_receiving", org=PROPERTY, roles=("staff",), id=case)
