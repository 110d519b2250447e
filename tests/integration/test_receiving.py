"""Receiving complaints over the real bus: unclear, clarified, opined on, refused politely, and in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import Conflict, KefuError, RuleRefused
from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import complaint, household, new_problem

RETAIL, PLAZA = "retail-demo", "plaza-demo"
VALUES = {"surname": "测试", "title": "女士", "finding": "商品颜色与订单一致"}


def refused(desk: Desk, method: str, kind: type[KefuError], /, **arguments: Any) -> KefuError:
    """Call what must be refused with an error of ``kind``; return it."""
    with pytest.raises(kind) as error:
        desk.do(f"complaints.{method}", **arguments)
    return error.value


@pytest.mark.rule("B-RET-01", "B-RET-02")
def test_an_unclear_complaint_is_clarified_judged_by_two_refused_politely_and_in_the_ledger(bus: Bus) -> None:
    """What cannot be found valid is clarified; one person says it does not stand, another decides, a third tells."""
    service, second, third = (
        bus.desk(RETAIL, ("staff", "ops_cs"), subject=name) for name in ("stf_1", "stf_2", "stf_3")
    )
    event = complaint(RETAIL, claim={"complainant_type": "supplier"})
    bus.publish("hotline", event)
    case_id = service.case_of(event)["case_id"]
    unclear = service.ask("complaints.get_receiving", id=case_id)["unclear"]
    assert [(each["field"], each["rule"]) for each in unclear] == [
        ("complainant_type", "B-RET-01"),
        ("demand", "B-RET-02"),
    ]
    valid = {"id": case_id, "valid": True, "ground": "quality_defect", "reason": "核实"}
    assert refused(service, "decide_validity", RuleRefused, **valid).rule == "B-RET-01"

    known: dict[str, Any] = {"complainant_type": "end_consumer", "demand": "exchange", "reason": "来电核实"}
    for _ in range(2):
        service.do("complaints.clarify_claim", key=f"{case_id}-clarified", id=case_id, **known)
    assert service.ask("complaints.get_receiving", id=case_id)["unclear"] == []

    service.do("complaints.give_opinion", id=case_id, stands=False, text="商品与订单一致")
    decision = {"id": case_id, "valid": False, "reason": "商品与订单一致"}
    assert refused(service, "decide_validity", RuleRefused, **decision).rule == "B-RET-07"
    second.do("complaints.decide_validity", **decision)
    assert refused(third, "tell_refusal", RuleRefused, id=case_id, way="phone").rule == "B-RET-17"
    third.do("complaints.tell_refusal", id=case_id, way="phone", values=VALUES)

    page = service.ask("complaints.complaint_ledger", problem=event["data"]["complaint"]["problem"])
    (row,) = page["rows"]
    assert (row["state"], row["valid"], row["demand"], row["rounds"]) == ("closed", False, "exchange", 1)
    assert row["first_response_at"] == row["replied_at"] is not None
    way = ("claim_clarified", "opinion_given", "case_refused", "refusal_told", "case_replied", "case_closed")
    bus.desk(RETAIL).archived(case_id, "case_opened", *way)
    history = service.ask("complaints.get_case_history", id=case_id)
    assert history["faults"] == []
    assert [entry["type"] for entry in history["entries"]].count("claim_clarified") == 1


def test_a_claim_clarified_into_a_matter_lifts_its_cases_and_the_ledger_turns_its_pages(bus: Bus) -> None:
    """Four households and a fifth that called it something else; each page goes on where the last one ended."""
    desk, problem = bus.desk(PLAZA), new_problem()
    received = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="milliseconds")
    events = [
        complaint(PLAZA, problem, customer=household(number), received_at=received) for number in range(1, 5)
    ]
    other = complaint(PLAZA, customer=household(5), channel="audit", received_at=received)
    bus.publish("hotline", *events, other)
    for event in events:
        desk.case_of(event, level="general", households=4)
    case = desk.case_of(other, level="general", households=1)
    assert case["source"] == "audit"

    desk.do("complaints.clarify_claim", id=case["case_id"], problem=problem, reason="同一问题")

    for event in (*events, other):
        desk.case_of(event, level="important", households=5)
    agent = bus.desk(PLAZA, ("staff", "complaint_handler"), subject="stf_agent")
    same = refused(agent, "report_late_entry", RuleRefused, id=case["case_id"], reason="漏录")
    assert same.rule == "B-JKC-60"
    head = bus.desk(PLAZA, ("staff", "cs_head"), subject="stf_head")
    head.do("complaints.report_late_entry", id=case["case_id"], reason="责任人漏录")
    assert "already" in refused(head, "report_late_entry", Conflict, id=case["case_id"], reason="x").message

    def pages() -> None:
        seen: list[str] = []
        after = None
        while True:
            page = desk.ask("complaints.complaint_ledger", problem=problem, limit=2, after=after)
            seen += [row["case_id"] for row in page["rows"]]
            after = page["next"]
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 5

    eventually(pages)
    audit = desk.ask("complaints.complaint_ledger", problem=problem, source="audit", state="open")
    assert [(row["case_id"], row["escalations"]) for row in audit["rows"]] == [(case["case_id"], 1)]
    early = desk.ask(
        "complaints.complaint_ledger", problem=problem, received_before="2026-01-01T00:00:00+08:00"
    )
    assert early == {"rows": [], "next": None}
