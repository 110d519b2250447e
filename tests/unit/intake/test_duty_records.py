"""A property's duty day: emergencies by their plan, and log, handover and work order that hold together."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import RuleRefused
from tests.unit.intake.fakes import contact_data
from tests.unit.intake.on_duty import Intake
from tests.unit.intake.test_handover import hand_over, sign, take_over

FRONT = {"desk": "front"}


def write(intake: Intake, **said: Any) -> dict[str, Any]:
    """Write an entry as somebody on duty."""
    entry: dict[str, Any] = intake.do(
        "write_duty_log", "jia", "duty_staff", **FRONT | {"kind": "work", "text": "情况"} | said
    )
    return entry


@pytest.mark.rule("B-DUT-06")
@pytest.mark.parametrize("plan", ["fire", "lift_entrapment", "typhoon", "security_case"])
def test_an_emergency_is_handled_by_the_plan_of_its_kind(plan: str) -> None:
    """Promise: no incident is written without its plan, whose points are the checklist until each is done."""
    intake = Intake("property-demo")
    with pytest.raises(RuleRefused) as refused:
        write(intake, kind="incident")
    assert refused.value.rule == "B-DUT-06"
    incident = write(intake, kind="incident", plan=plan)
    assert len(incident["points_left"]) >= 3
    assert incident["points_left"][-1] == "report_manager"
    assert (incident["open"], incident["important"]) == (True, True)
    step = {"id": incident["entry_id"], "text": "完成"}
    left = len(incident["points_left"])
    done = incident["points_left"][0]
    after = intake.do("follow_duty_work", "jia", "duty_staff", action="done", point=done, **step)
    assert len(after["points_left"]) == left - 1


@pytest.mark.rule("B-DUT-30")
def test_log_handover_and_work_order_hold_together() -> None:
    """Promise: the work order's visit stands in the log, is carried by the handover, and is done by the next shift.

    The handover is not signed before the one who takes over accepts the open item, and the order's record is
    whole in the end: taken, sent out, on site, charged, followed up.
    """
    intake = Intake("property-demo", "2025-03-03 07:45")
    shift = intake.do(
        "attend_shift", "jia", "duty_staff", action="arrive", day="2025-03-03", shift="day", **FRONT
    )
    intake.at("2025-03-03 18:30")
    said = contact_data(category="repair", received_at="2025-03-03T18:30:00+08:00", text="卫生间漏水")
    intake.do("register_contact", "jia", **said)
    (order,) = intake.do("list_requests", "jia", kind="repair")
    act: dict[str, Any] = {"id": order["request_id"]}
    visit = {"visit_at": "2025-03-03T20:30:00+08:00"}
    intake.do("act_on_request", "jia", **act, action="agree_visit", filled=visit)
    item = write(intake, text=f"{order['request_id']} 20:30上门", work={"due_on": "2025-03-03"})
    opened = intake.do("open_handover", "jia", shift_id=shift["shift_id"], to_shift="night")
    handover = opened["handover_id"]
    hand_over(intake, handover)
    take_over(intake, handover)
    intake.at("2025-03-03 19:50")
    sign(intake, handover, "jia", "outgoing")
    with pytest.raises(RuleRefused) as unaccepted:
        sign(intake, handover, "yi", "incoming")
    assert unaccepted.value.rule == "B-DUT-14"
    intake.do("fill_handover", "yi", id=handover, part="incoming", accepts=[item["entry_id"]])
    signed = sign(intake, handover, "yi", "incoming")
    assert (signed["state"], [row["by"] for row in signed["signatures"]]) == ("handed_over", ["jia", "yi"])
    # The next shift finds it on its list and does the order.
    (carried,) = intake.do("list_duty_work", "yi", **FRONT)
    assert carried["entry_id"] == item["entry_id"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("assign", {"worker": "王"}),
        ("arrive", {}),
        ("finish", {"record": "已修复"}),
        ("follow_up", {"followed_up": "无渗漏"}),
        ("call_back", {"callback": "满意"}),
    ]
    for action, filled in steps:
        intake.do("act_on_request", "yi", **act, action=action, filled=filled)
    settled = {"id": item["entry_id"], "action": "settled", "text": "已修复"}
    assert not intake.do("follow_duty_work", "yi", "duty_staff", **settled)["open"]
    assert intake.do("list_duty_work", "yi", **FRONT) == []
    # Three records, each of its own kind, with the same day and people.
    page = intake.do("get_duty_log", "head", "cs_head", period="2025-03-03", **FRONT)
    assert [entry["entry_id"] for entry in page["entries"]] == [item["entry_id"]]
    (kept,) = intake.do("list_handovers", "head", **FRONT)
    assert kept["handover_id"] == handover
    work = intake.do("get_request", "head", **act)
    assert [done["by"] for done in work["done"]] == ["jia"] + ["yi"] * len(steps)
    assert work["closed_at"] is not None
