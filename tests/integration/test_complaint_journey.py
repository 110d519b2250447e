"""A complaint's whole way through the four services, over a real broker and a real database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.errors import RuleRefused
from tests.integration.bus import Bus
from tests.integration.events import complaint, household
from tests.integration.paths import walk

PLAZA = "plaza-demo"
RETAIL = "retail-demo"
PROPERTY = "property-demo"


@pytest.mark.rule("B-SVN-05", "B-SVN-07", "A-TEL-15")
def test_a_complaint_is_handled_called_back_reopened_and_closed_once_the_customer_is_satisfied(
    bus: Bus,
) -> None:
    """A case closes on the word of a satisfied customer and on nothing else; unsatisfied opens it again."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    contact = desk.contact_of(event)
    assert contact["number"].startswith("PLZ-")
    assert contact["routed_to"] == "complaints"
    case = desk.case_of(event, state="received", level="general")
    case_id = case["case_id"]
    assert [clock["name"] for clock in case["deadlines"]] == ["first_contact"]

    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="现场核实属实")
    desk.do("complaints.attempt_contact", id=case_id, outcome="reached")
    desk.do("complaints.reply", id=case_id, text="已修复")
    with pytest.raises(RuleRefused) as refused:
        desk.do("complaints.close_case", id=case_id)
    assert refused.value.rule == "B-SVN-05"

    (first,) = desk.callbacks_of(case_id, 1)
    caller = bus.desk(PLAZA, subject="stf_caller")
    made = caller.do("followup.complete_callback", id=first["callback_id"], outcome="dissatisfied")
    assert made["effect"] == "reopen"
    case = desk.case_of(event, state="accepted", rounds=1)

    desk.do("complaints.reply", id=case_id, text="已更换管道")
    _, second = desk.callbacks_of(case_id, 2)
    assert second["round"] == 2
    assert second["state"] == "open"
    caller.do("followup.complete_callback", id=second["callback_id"], outcome="satisfied")
    closed = desk.case_of(event, state="closed", rounds=2)
    assert closed["on_time"] is True

    wanted = ("case_opened", "case_accepted", "case_reopened", "case_closed")
    desk.archived(case_id, *wanted, "callback_unsatisfied", "callback_completed")
    desk.happened(case_id, "case_replied", times=2)
    assert desk.ask("complaints.get_case_history", id=case_id)["faults"] == []


@pytest.mark.rule("B-RET-04")
def test_a_shop_chain_closes_by_hand_and_only_with_a_measure_against_recurrence(bus: Bus) -> None:
    """Where the rulebook wants no callback a person closes, but never without saying what prevents a repeat."""
    desk = bus.desk(RETAIL)
    event = complaint(RETAIL, claim={"complainant_type": "end_consumer", "demand": "exchange"})
    bus.publish("shop", event)
    case_id = desk.case_of(event)["case_id"]
    desk.do("complaints.decide_validity", id=case_id, valid=True, ground="quality_defect", reason="样品开裂")
    walk(bus, RETAIL, case_id)
    desk.do("complaints.reply", id=case_id, text="可以换货")
    with pytest.raises(RuleRefused) as refused:
        desk.do("complaints.close_case", id=case_id)
    assert refused.value.rule == "B-RET-04"
    assert [problem.field for problem in refused.value.problems] == ["prevention"]
    assert desk.case_of(event)["state"] == "replied"

    other = complaint(RETAIL, claim={"complainant_type": "agent", "demand": "return"})
    bus.publish("shop", other)
    other_id = desk.case_of(other)["case_id"]
    desk.do("complaints.decide_validity", id=other_id, valid=True, ground="delivery_date", reason="迟交")
    walk(bus, RETAIL, other_id)
    desk.do("complaints.reply", id=other_id, text="已补发", prevention="每日核对发货单")
    assert desk.do("complaints.close_case", id=other_id)["state"] == "closed"
    assert desk.archived(other_id, "case_closed")


@pytest.mark.rule("B-JKC-52", "B-JKC-53")
def test_a_customer_who_cannot_be_reached_is_sent_the_prescribed_message_at_once(bus: Bus) -> None:
    """The message goes out in the moment of the vain call and counts as the first contact."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    case_id = desk.case_of(event)["case_id"]
    desk.do("complaints.attempt_contact", id=case_id, outcome="unreachable")
    message = desk.only("followup.list_messages", case_id=case_id)
    assert (message["template"], message["template_source"]) == ("first_contact_sms", "B-JKC-53")
    values = {"surname": "测", "title": "先生", "topic": "漏水", "hotline": "4000000000"}
    without = {name: value for name, value in values.items() if name != "hotline"}
    with pytest.raises(RuleRefused) as refused:
        desk.ask("followup.render_message", id=message["message_id"], values=without)
    assert refused.value.rule == "B-JKC-53"
    text = desk.ask("followup.render_message", id=message["message_id"], values=values)["text"]
    assert "测先生" in text
    assert "未能接通" in text
    clocks = {clock["name"]: clock["state"] for clock in desk.case_of(event)["deadlines"]}
    assert clocks == {"first_contact": "met"}
    desk.archived(case_id, "contact_attempted", "clock_met")


def test_a_call_that_reaches_nobody_leaves_callback_and_case_as_they_were(bus: Bus) -> None:
    """A vain call is counted and nothing more: the callback stays open, the case waits."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    case_id = desk.case_of(event)["case_id"]
    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="属实")
    desk.do("complaints.reply", id=case_id, text="已处理")
    (callback,) = desk.callbacks_of(case_id, 1)
    for attempt in (1, 2):
        made = desk.do("followup.complete_callback", id=callback["callback_id"], outcome="unreachable")
        assert (made["state"], made["attempts"]) == ("open", attempt)
    assert desk.case_of(event)["state"] == "replied"
    desk.happened(case_id, "callback_attempted", times=2)


@pytest.mark.rule("B-PRO-11")
def test_a_complaint_that_does_not_stand_is_answered_within_its_own_time_and_closes(bus: Bus) -> None:
    """A refused complaint gets its reply under the clock for refused ones, and wants no callback."""
    desk = bus.desk(PROPERTY)
    event = complaint(PROPERTY, customer=household(1))
    bus.publish("hotline", event)
    case_id = desk.case_of(event)["case_id"]
    desk.do("complaints.decide_validity", id=case_id, valid=False, reason="非物业管理范围")
    running = {clock["name"]: clock for clock in desk.case_of(event, state="refused")["deadlines"]}
    assert running["invalid_reply"]["state"] == "running"
    assert {running[name]["state"] for name in ("reply", "handled")} == {"superseded"}
    (refused,) = desk.happened(case_id, "case_refused")
    due = datetime.fromisoformat(running["invalid_reply"]["due_at"])
    assert due - datetime.fromisoformat(refused["time"]) == timedelta(hours=2)
    walk(bus, PROPERTY, case_id)
    desk.do("complaints.reply", id=case_id, text="已说明情况")
    closed = desk.case_of(event, state="closed")
    assert closed["valid"] is False
    assert closed["on_time"] is True
    desk.archived(case_id, "case_closed")
    assert desk.ask("followup.list_callbacks", case_id=case_id) == []
