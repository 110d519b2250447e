"""The part of the story about clients: searched, claimed twice, ruled on, merged, graded and allocated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

SALES, PLAZA = "sales-demo", "plaza-demo"


def _who(actor: str, *roles: str, org: str = SALES) -> dict[str, Any]:
    return {"org": org, "actor": actor, "roles": ("staff", *roles)}


FIRST, SECOND = _who("u-7001", "sales_rep"), _who("u-7002", "sales_rep")
REGION, OTHER = _who("u-7101", "regional_manager"), _who("u-7102", "regional_manager")
LARGE, INFORMATION = _who("u-7201", "large_region_manager"), _who("u-7301", "information_department")
BOSS = _who("u-7401", "supervisor")


def tell_of_accounts(stage: Stage) -> None:
    """Let two representatives claim a client, two regions differ over it, and the rest of a sales office's day pass."""
    account = _entered(stage, FIRST, 1)
    _claimed(stage, account)
    _kept(stage, account)
    _merged(stage, account)
    _graded(stage)
    _allocated(stage)


def _company(number: int) -> dict[str, Any]:
    name = f"杭州远帆{'一二三四'[number - 1]}贸易有限公司"
    return {
        "name": name,
        "licence_name": name,
        "phone": f"0571-8888000{number}",
        "region": "杭州",
        "contact_name": "测试甲",
    }


def _entered(stage: Stage, who: dict[str, Any], number: int) -> str:
    given = _company(number)
    stage.call("intake.enter_account", **who, **given)
    for kind in ("name", "phone"):
        stage.ask("intake.search_conflicts", **who, kind=kind, text=given[kind])
    return str(stage.ask("intake.enter_account", **who, **given)["account_id"])


def _claimed(stage: Stage, account: str) -> None:
    """A claim across regions: one confirms, the other differs, the large region arbitrates; then an objection."""
    given = _company(1)
    stage.ask("intake.search_conflicts", **SECOND, kind="name", text=given["name"])
    claim = {"name": given["name"], "phone": given["phone"], "evidence": "2026年10月的报价单。"}
    conflict = stage.ask("intake.raise_conflict", **SECOND, **claim, region="宁波")["conflict_id"]
    ruling: dict[str, Any] = {"id": conflict, "outcome": "separate", "reason": "核实为两家公司。"}
    stage.call("intake.decide_conflict", **SECOND, **ruling, region="杭州")
    stage.ask("intake.decide_conflict", **REGION, **ruling, region="杭州")
    stage.ask("intake.decide_conflict", **OTHER, **ruling, region="宁波")
    stage.ask("intake.appeal_conflict", **FIRST, id=conflict)
    ruling |= {"outcome": "transferred"}
    stage.ask("intake.decide_conflict", **LARGE, **ruling, region="杭州")
    stage.call("intake.appeal_conflict", **FIRST, id=conflict)
    stage.ask("intake.get_conflict", **REGION, id=conflict)
    stage.ask("intake.list_conflicts", **REGION, stage="final")
    taken = stage.ask("intake.enter_account", **SECOND, **_company(1), conflict_id=conflict)
    assert taken["account_id"] == account


def _kept(stage: Stage, account: str) -> None:
    head: dict[str, Any] = {"id": account}
    stage.call("intake.change_account", **SECOND, **head, change="owner", value="u-7001")
    stage.ask("intake.change_account", **BOSS, **head, change="owner", value="u-7001")
    stage.ask("intake.change_account", **FIRST, **head, change="state", value="at_risk")
    stage.ask("intake.change_account", **FIRST, **head, change="credit", value="B")
    stage.ask("intake.change_account", **FIRST, **head, change="rating", value="2", to="u-7002")
    stage.ask("intake.change_account", **BOSS, **head, change="proposal", value="accepted")
    stage.call("intake.get_account", **FIRST, **head)
    stage.ask("intake.get_account", **BOSS, **head)
    stage.ask("intake.list_accounts", **BOSS, state="at_risk")
    stage.ask("intake.get_quota", **SECOND, pool="representative")
    stage.ask("intake.change_account", **BOSS, **head, change="contract", value="lapsed", since="2026-01-15")
    stage.ask("intake.change_account", **BOSS, **head, change="contract", value="voided")


def _merged(stage: Stage, account: str) -> None:
    goes = _entered(stage, SECOND, 2)
    merge = stage.ask("intake.request_merge", **SECOND, stays=account, goes=goes)["merge_id"]
    stage.call("intake.request_merge", **FIRST, stays=goes, goes=account)
    stage.call("intake.decide_merge", **SECOND, id=merge, decision="approve")
    for decision in ("approve", "undo"):
        stage.ask("intake.decide_merge", **INFORMATION, id=merge, decision=decision)
    stage.ask("intake.list_merges", **INFORMATION)


def _graded(stage: Stage) -> None:
    clerk, head = _who("u-7501", org=PLAZA), _who("u-7502", "cs_head", org=PLAZA)
    dimensions = ("asset_scale", "business_scale", "brand_strength", "cooperation")

    def card(number: int, *, short: bool = False) -> dict[str, Any]:
        marks = [{"dimension": name, "points": number, "evidence": "租赁合同。"} for name in dimensions]
        return {"subject": f"cu_{number:03}", "marks": marks[: 3 if short else 4]}

    stage.ask("intake.list_gradings", **clerk)
    stage.call("intake.propose_grading", **clerk, period="2026-07", cards=[card(1, short=True)])
    cards = [card(number) for number in range(1, 8)]
    grading = stage.ask("intake.propose_grading", **clerk, period="2026-07", cards=cards)["grading_id"]
    contacts = [{"level": f"level_{number}", "staff": f"u-760{number}"} for number in (1, 2, 3)]
    decision: dict[str, Any] = {"id": grading, "approved": True}
    stage.call("intake.decide_grading", **head, **decision, contacts=contacts[:1])
    stage.ask("intake.decide_grading", **head, **decision, contacts=contacts)
    stage.ask("intake.list_gradings", **clerk)
    stage.ask("intake.list_grades", **clerk, id="cu_007")


def _allocated(stage: Stage) -> None:
    leads = [{"id": f"ld_{number}", "channel": "wechat", "screened": "pass"} for number in range(3)]
    stage.call("intake.open_allocation", **BOSS, kind="lead", subjects=[{"id": "ld_9"}])
    listed = stage.ask("intake.open_allocation", **BOSS, kind="lead", subjects=leads)["allocation_id"]
    able = [{"staff": "u-7001", "ability": 2}, {"staff": "u-7002"}]
    stage.call("intake.allocate", **FIRST, id=listed, staff=able)
    stage.ask("intake.allocate", **BOSS, id=listed, staff=able)
    contact: dict[str, Any] = {"id": listed, "subject": "ld_0"}
    stage.call("intake.record_first_contact", **FIRST, **contact, note="已联系")
    stage.pass_time(timedelta(days=3))
    stage.ask("intake.record_first_contact", **FIRST, **contact, note="客户有意向，约周五上午看样品。")
    stage.ask("intake.list_allocations", **BOSS, staff="u-7001")
    places = [{"code": "north", "traffic": 30, "agents": 2}, {"code": "south", "traffic": 10, "agents": 2}]
    stage.ask("intake.advise_staffing", **BOSS, places=places)
