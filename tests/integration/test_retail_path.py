"""A quality defect on its way through a chain of stores, from the counter to the general manager and back."""

from __future__ import annotations

import pytest

from shared.errors import RuleRefused
from tests.integration.bus import Bus
from tests.integration.events import complaint
from tests.integration.paths import walk

RETAIL = "retail-demo"


@pytest.mark.rule("B-RET-35", "B-RET-17", "B-RET-13", "B-RET-15")
def test_a_quality_defect_goes_from_the_store_to_the_general_manager_and_back_to_the_customer(
    bus: Bus,
) -> None:
    """Every office does its part in the handbook's order, refusals name the rule, and the bus hears of each step."""
    event = complaint(
        RETAIL, claim={"complainant_type": "end_consumer", "demand": "exchange"}, channel="counter"
    )
    bus.publish("shop", event)
    desk = bus.desk(RETAIL)
    case_id = desk.case_of(event)["case_id"]
    store = bus.desk(RETAIL, ("staff", "store_staff"), subject="stf_store")
    service = bus.desk(RETAIL, ("staff", "ops_cs"), subject="stf_service")
    office = bus.desk(RETAIL, ("staff", "hr_admin"), subject="stf_office")
    leader = bus.desk(RETAIL, ("staff", "general_manager"), subject="stf_leader")

    # The store looks first; then it is decided, and the card is filled.
    decision = {"id": case_id, "valid": True, "ground": "quality_defect", "reason": "支脚开裂"}
    with pytest.raises(RuleRefused) as refused:
        service.do("complaints.decide_validity", **decision)
    assert refused.value.rule == "B-RET-05"
    looked = {"reason_stands": True, "finding": "支脚开裂"}
    store.do("complaints.take_step", id=case_id, step="store_check", filled=looked)
    service.do("complaints.decide_validity", **decision)
    store.do("complaints.take_step", id=case_id, step="record_card")

    # Neither the store nor the operations supervisor can solve it: it goes to HR-administration.
    store.do("complaints.take_step", id=case_id, step="store_attempt", filled={"can_solve": False})
    helper = bus.desk(RETAIL, ("staff", "ops_supervisor"), subject="stf_helper")
    helper.do("complaints.take_step", id=case_id, step="supervisor_attempt", filled={"can_solve": False})
    with pytest.raises(RuleRefused) as refused:
        service.do("complaints.take_step", id=case_id, step="route", filled={"category": "contract"})
    assert refused.value.rule == "B-RET-08"
    assert walk(bus, RETAIL, case_id, until="gm_decision") == [
        "route",
        "handling_notice",
        "assign_department",
        "investigate",
        "investigation_report",
        "supervisor_review",
        "hr_opinion",
    ]

    # Without the general manager's word there is no way back.
    with pytest.raises(RuleRefused) as refused:
        office.do("complaints.take_step", id=case_id, step="gm_decision", filled={"decision": "换新"})
    assert refused.value.rule == "B-RET-13"
    with pytest.raises(RuleRefused) as refused:
        service.do("complaints.reply", id=case_id, text="已安排换新", prevention="逐批抽检")
    assert refused.value.rule == "B-RET-15"
    leader.do("complaints.take_step", id=case_id, step="gm_decision", filled={"decision": "换新"})
    assert walk(bus, RETAIL, case_id) == ["handling_opinion", "superior_approval"]

    # Customer service, and not the store, answers what the store did not solve.
    reply = {"id": case_id, "text": "已安排换新", "prevention": "逐批抽检"}
    with pytest.raises(RuleRefused) as refused:
        store.do("complaints.reply", **reply)
    assert refused.value.rule == "B-RET-15"
    assert service.do("complaints.reply", **reply)["state"] == "replied"
    assert desk.do("complaints.close_case", id=case_id)["state"] == "closed"

    steps = desk.ask("complaints.get_case", id=case_id)["steps"]
    assert not [row["step"] for row in steps if row["mandatory"] and row["standing"] == "open"]
    (card,) = next(row["taken"] for row in steps if row["step"] == "record_card")
    assert card["fields"]["serial_number"] == desk.case_of(event)["number"]
    desk.happened(case_id, "case_step_taken", times=14)
    assert desk.ask("complaints.get_case_history", id=case_id)["faults"] == []
