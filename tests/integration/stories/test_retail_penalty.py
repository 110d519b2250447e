"""Told in docs/stories/retail-penalty.md: a quality defect, and what it costs those who caused it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.paths import walk
from tests.integration.stories.stage import Stage, local, telling

_BONUSES = [
    {"staff": "stf_seamstress", "bonus": "600"},
    {"staff": "stf_packer", "bonus": "900"},
    {"staff": "stf_loader", "bonus": "2600"},
    {"staff": "stf_storekeeper", "bonus": "3300"},
]


@pytest.mark.timeout(600)
@pytest.mark.rule("B-RET-15", "B-RET-23", "B-RET-25", "B-RET-26", "B-RET-27", "B-RET-35")
def test_a_quality_defect_is_taken_up_the_chain_and_paid_for_over_three_months(tmp_path: Path) -> None:
    """The customer is answered within the week; who caused it pays by the formula, at most half a bonus a month."""
    with telling("retail-penalty", "retail-demo", "2025-03-03 09:45", tmp_path) as stage:
        case_id = _from_the_counter_to_the_general_manager(stage)
        _back_to_the_customer(stage, case_id)
        worker_penalty = _a_person_is_liable(stage, case_id)
        stage.at("2025-03-31 18:00")
        _close(stage, "March", "2025-03")
        _a_whole_department_is_liable(stage)
        stage.at("2025-04-30 18:00")
        _close(stage, "April", "2025-04")
        stage.at("2025-05-31 18:00")
        _close(stage, "May", "2025-05")
        _what_the_ledgers_say(stage, case_id, worker_penalty)


def _from_the_counter_to_the_general_manager(stage: Stage) -> str:
    claim: dict[str, Any] = {"complainant_type": "end_consumer", "demand": "exchange"}
    event = stage.complains("shop", "2025-03-03 09:40", claim=claim, channel="counter")
    case = stage.person("service").case_of(event)
    case_id = str(case["case_id"])
    stage.tell("The customer comes", local(case["received_at"]))
    stage.tell_due("The case is to be closed before", case, "close")

    decision: dict[str, Any] = {
        "id": case_id,
        "valid": True,
        "ground": "quality_defect",
        "reason": "缝线开裂",
    }
    service, store = stage.person("service", "ops_cs"), stage.person("store", "store_staff")
    stage.tell_refused(
        "Accepting it before the store has looked is refused by", service, "decide_validity", **decision
    )
    looked: dict[str, Any] = {"reason_stands": True, "finding": "缝线开裂"}
    store.do("complaints.take_step", id=case_id, step="store_check", filled=looked)
    service.do("complaints.decide_validity", **decision)
    store.do("complaints.take_step", id=case_id, step="record_card")
    (card,) = _step(stage, case_id, "record_card")["taken"]
    assert card["fields"]["serial_number"] == stage.person("service").case_of(event)["number"]
    store.do("complaints.take_step", id=case_id, step="store_attempt", filled={"can_solve": False})
    helper = stage.person("helper", "ops_supervisor")
    helper.do("complaints.take_step", id=case_id, step="supervisor_attempt", filled={"can_solve": False})
    stage.tell_refused(
        "Calling it a contract matter is refused by",
        service,
        "take_step",
        id=case_id,
        step="route",
        filled={"category": "contract"},
    )
    stage.at("2025-03-05 15:00")
    before = walk(stage.bus, stage.org, case_id, until="gm_decision")
    stage.tell("Steps from the sorting to the general manager", len(before))
    return case_id


def _back_to_the_customer(stage: Stage, case_id: str) -> None:
    service, store = stage.person("service", "ops_cs"), stage.person("store", "store_staff")
    office, leader = stage.person("office", "hr_admin"), stage.person("leader", "general_manager")
    decision: dict[str, Any] = {"id": case_id, "step": "gm_decision", "filled": {"decision": "换新"}}
    reply: dict[str, Any] = {"id": case_id, "text": "已换货", "prevention": "每批抽检缝线"}
    stage.tell_refused("Deciding for the general manager is refused by", office, "take_step", **decision)
    stage.tell_refused("Answering the customer before that is refused by", service, "reply", **reply)
    leader.do("complaints.take_step", **decision)
    assert walk(stage.bus, stage.org, case_id) == ["handling_opinion", "superior_approval"]

    stage.at("2025-03-06 16:00")
    stage.tell_refused("An answer by the store is refused by", store, "reply", **reply)
    service.do("complaints.reply", **reply)
    stage.person("head", "cs_head").do("complaints.close_case", id=case_id)
    case = service.ask("complaints.get_case", id=case_id)
    stage.tell("The case is closed", local(case["closed_at"]))
    stage.tell("Closed in time", "yes" if case["on_time"] else "no")
    stage.tell("Steps taken on its way", len(stage.archive.happened(case_id, "case_step_taken", times=14)))


def _a_person_is_liable(stage: Stage, case_id: str) -> str:
    stage.at("2025-03-07 10:00")
    office, leader = stage.person("office", "hr_admin"), stage.person("leader", "general_manager")
    finding: dict[str, Any] = {"area": "production", "department": "sewing", "reason": "未按标准检验缝线"}
    stage.tell_refused(
        "Blaming the whole department without saying why is refused by",
        office,
        "attribute_liability",
        case_id=case_id,
        level="department",
        **finding,
    )
    office.do(
        "complaints.attribute_liability",
        case_id=case_id,
        level="person",
        persons=["stf_seamstress"],
        **finding,
    )
    points = [{"staff": "stf_seamstress", "points": "8"}]
    made = office.do(
        "complaints.propose_penalty",
        case_id=case_id,
        loss="10500",
        total_points="120",
        points=points,
        reason="按罚扣判定基准",
    )
    penalty_id = str(made["penalty_id"])
    decision: dict[str, Any] = {"id": penalty_id, "approved": True}
    stage.tell_refused("Approving one's own notice is refused by", office, "decide_penalty", **decision)
    leader.do("complaints.decide_penalty", **decision)
    (line,) = office.ask("complaints.explain_penalty", id=penalty_id)["lines"]
    found = {step["what"]: step["value"] for step in line["trace"]}
    stage.tell("Loss of the first case", found["loss"])
    stage.tell("Base points of the sewing department", found["total_points"])
    stage.tell("Base points of the seamstress", found["own_points"])
    stage.tell("The seamstress is charged", line["amount"])
    stage.tell("The money goes to", found["payee"])
    return penalty_id


def _a_whole_department_is_liable(stage: Stage) -> None:
    stage.at("2025-04-08 14:00")
    claim: dict[str, Any] = {"complainant_type": "franchisee", "demand": "damages"}
    event = stage.complains("hotline", "2025-04-08 13:50", claim=claim)
    service, office = stage.person("service", "ops_cs"), stage.person("office", "hr_admin")
    case = service.case_of(event)
    case_id = case["case_id"]
    stage.tell("The franchisee rings", local(case["received_at"]))
    accepted: dict[str, Any] = {"valid": True, "ground": "packing_damage", "reason": "外箱破损"}
    service.do("complaints.decide_validity", id=case_id, **accepted)
    walk(stage.bus, stage.org, case_id)
    service.do("complaints.reply", id=case_id, text="已赔付", prevention="加固外箱")
    stage.person("head", "cs_head").do("complaints.close_case", id=case_id)

    stage.at("2025-04-09 10:00")
    liable = office.do(
        "complaints.attribute_liability",
        case_id=case_id,
        area="operations",
        level="department",
        department="warehouse",
        reason="包装不良",
        unattributable="三班轮流打包，无法确认经手人",
    )
    stage.tell("The second case is put down to the", liable["level"])
    own: dict[str, Any] = {"stf_packer": "4", "stf_loader": "24", "stf_storekeeper": "32"}
    points = [{"staff": staff, "points": number} for staff, number in own.items()]
    proposed: dict[str, Any] = {
        "case_id": case_id,
        "loss": "3000",
        "total_points": "60",
        "reason": "按罚扣判定基准",
    }
    stage.tell_refused(
        "Charging only two of the three is refused by",
        office,
        "propose_penalty",
        points=points[:2],
        **proposed,
    )
    made = office.do("complaints.propose_penalty", points=points, **proposed)
    stage.person("leader", "general_manager").do(
        "complaints.decide_penalty", id=made["penalty_id"], approved=True
    )
    posted = office.ask("complaints.get_penalty", id=made["penalty_id"])
    amounts = {row["staff"]: row["amount"] for row in posted["lines"]}
    for name, points_of in own.items():
        who = name.removeprefix("stf_")
        stage.tell(f"Base points of the {who}", points_of)
        stage.tell(f"The {who} is charged", amounts[name])
    stage.tell("Loss of the second case", posted["total"])
    explained = office.ask("complaints.explain_penalty", id=made["penalty_id"])["lines"][0]
    found = {step["what"]: step["value"] for step in explained["trace"]}
    stage.tell("Base points of the warehouse", found["total_points"])
    stage.tell(
        "One point of the warehouse costs", Decimal(amounts["stf_packer"]) / Decimal(own["stf_packer"])
    )
    ledger = office.ask("complaints.get_ledger", department="warehouse")
    stage.tell("In the warehouse's ledger", ledger["balance"])


def _close(stage: Stage, name: str, month: str) -> None:
    office = stage.person("office", "hr_admin")
    closed = office.do("complaints.close_month", month=month, bonuses=_BONUSES)
    stage.tell(f"Taken at the end of {name}", closed["deducted"])


def _what_the_ledgers_say(stage: Stage, case_id: str, penalty_id: str) -> None:
    worker = stage.person("seamstress")
    lines = worker.ask("complaints.get_ledger", staff="stf_seamstress")["lines"]
    charge, *taken = lines
    (explained,) = worker.ask("complaints.explain_penalty", id=penalty_id)["lines"]
    first = next(entry for entry in explained["entries"] if entry["kind"] == "settlement")
    found = {step["what"]: step["value"] for step in first["trace"]}
    stage.tell("Bonus of the seamstress a month", found["bonus"])
    stage.tell("At most of a month's bonus", f"{found['percent']} %")
    assert charge["kind"] == "charge"
    for month, line in zip(("March", "April", "May"), taken, strict=True):
        stage.tell(f"The seamstress pays in {month}", line["amount"].removeprefix("-"))
        stage.tell(f"The seamstress owes after {month}", line["balance"])
    warehouse = stage.person("office", "hr_admin").ask("complaints.get_ledger", department="warehouse")
    assert warehouse["balance"] == "0.00"
    archive = stage.archive
    archive.happened(case_id, "penalty_posted")
    archive.happened(case_id, "ledger_entry_posted", times=4)
    assert worker.ask("complaints.get_case_history", id=case_id)["faults"] == []


def _step(stage: Stage, case_id: str, code: str) -> dict[str, Any]:
    steps = stage.person("service").ask("complaints.get_case", id=case_id)["steps"]
    return next(dict(row) for row in steps if row["step"] == code)
