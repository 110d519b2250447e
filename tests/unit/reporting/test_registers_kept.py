"""Reporting keeps registers of its own: what is written, moved, put right and forgotten in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.reporting.register_world import Office, beijing, refused

MEETING = {"held_at": "2026-05-06T08:00:00+08:00", "shared": "退款话术不一致，统一为三句。"}
_DECIDED_IN_TIME = """
registers:
  improvement_suggestion:
    clocks:
      decide:
        name: 决定期限
        starts: opened
        ends: decide
        within: {amount: 3, unit: working_days, from_next_day: true, end_of_day: true, source: organisation}
        source: organisation
"""
_ABOUT_CUSTOMERS = """
registers:
  meeting_minutes:
    fields:
      about: {name: 涉及客户, type: party, source: organisation}
"""


@pytest.mark.rule("B-DET-11")
def test_minutes_name_who_was_there_and_what_was_shared(tmp_path: Path) -> None:
    """Promise: minutes without attendees, or without what was shared, are refused; with both they are kept."""
    office = Office(tmp_path, "standard")
    attendees = [{"who": "u-1"}, {"who": "u-2"}]
    assert refused(office.open, "meeting_minutes", **MEETING) == "B-DET-11"
    assert refused(office.open, "meeting_minutes", **MEETING, attendees=[]) == "B-DET-11"
    without = {"held_at": MEETING["held_at"], "attendees": attendees}
    assert refused(office.open, "meeting_minutes", **without) == "B-DET-11"
    values = office.get(office.open("meeting_minutes", **MEETING, attendees=attendees))["values"]
    assert [row["who"] for row in values["attendees"]] == ["u-1", "u-2"]


@pytest.mark.rule("B-PRO-24")
def test_a_signed_record_put_right_keeps_what_stood_there(tmp_path: Path) -> None:
    """Promise: only somebody above corrects; the old value stays in the record with who, when and why."""
    office = Office(tmp_path, "property")
    report = {"month_begins": "2026-04-01", "content": "受理 12 件，办结 11 件。"}
    assert refused(office.open, "complaint_month_report", month_begins="2026-04-01") == "B-PRO-24"
    record = office.open("complaint_month_report", **report)
    office.act(record, "sign")
    assert refused(office.correct, record, office.by("u-1"), content="受理 12 件。") == "B-PRO-24"
    office.correct(record, office.by("u-9", "supervisor"), content="受理 12 件。")
    shown = office.get(record)
    (correction,) = shown["corrections"]
    assert (shown["state"], shown["values"]["content"]) == ("signed", "受理 12 件。")
    assert (correction["before"], correction["by"], correction["reason"]) == (
        report["content"],
        "u-9",
        "看错了",
    )


@pytest.mark.rule("B-HOW-06")
def test_a_suggestion_is_decided_within_the_time_the_organisation_gives(tmp_path: Path) -> None:
    """Promise: of three working days the fourth is late and flagged; without a decision nothing is decided."""
    office = Office(tmp_path, "standard", _DECIDED_IN_TIME)
    boss = office.by("u-9", "manager")
    early, late = (office.open("improvement_suggestion", suggestion="缩短退款流程") for _ in range(2))
    assert refused(office.act, early, "decide", boss) == "B-HOW-06"
    office.pass_time(beijing("2026-05-09 23:59"))
    office.act(early, "decide", boss, decision="adopted")
    office.pass_time(beijing("2026-05-12 09:00"))
    assert office.find("improvement_suggestion", overdue=True) == [late]
    office.act(late, "decide", office.by("u-9", "manager"), decision="refused")
    assert [office.get(each)["flags"] for each in (early, late)] == [[], ["late:decide"]]


@pytest.mark.rule("B-SHP-20")
def test_fines_go_into_the_fund_and_nothing_comes_out_that_is_not_in(tmp_path: Path) -> None:
    """Promise: 50, 100 and 10 yuan make 160, all open to see; 161 yuan cannot be taken out, nor for no activity."""
    office = Office(tmp_path, "online-store")
    for amount in ("50.00", "100.00", "10.00"):
        office.open("fund_income", amount=amount, fined="u-2")

    def fund() -> list[str]:
        query = {"stock": "fund", "item": None, "limit": 9, "skip": 0}
        return [row["quantity"] for row in office.app.read_registers.list_balances(office.by("u-3"), query)]

    assert fund() == ["160.00"]
    assert refused(office.open, "fund_expense", amount="161.00", activity="聚餐") == "B-SHP-20"
    assert refused(office.open, "fund_expense", amount="60.00") == "B-SHP-20"
    assert fund() == ["160.00"]
    office.open("fund_expense", amount="60.00", activity="聚餐")
    assert fund() == ["100.00"]


def test_the_words_about_an_erased_customer_go_and_others_stay(tmp_path: Path) -> None:
    """Promise: what intake erased is gone from the records that name the customer, also when told twice."""
    office = Office(tmp_path, "standard", _ABOUT_CUSTOMERS)
    there = {"held_at": MEETING["held_at"], "attendees": [{"who": "u-1"}]}
    gone = office.open("meeting_minutes", **there, shared="李四不满意", about="cu_0001")
    kept = office.open("meeting_minutes", **there, shared="王五不满意", about="cu_0002")
    erased = {"subject": "customer", "subject_id": "cu_0001", "customer_id": "cu_0001", "request_id": "dr_1"}
    for outcome in ("done", "duplicate"):
        assert office.hear("intake", "personal_data_erased", "cu_0001", **erased).outcome == outcome
    assert "李四" not in str(office.get(gone, "personal_data"))
    assert office.get(gone)["values"]["about"] == "cu_0001"
    assert office.get(kept)["values"]["shared"] == "王五不满意"


def test_an_erasure_that_does_not_say_whose_is_dead_lettered(tmp_path: Path) -> None:
    """Promise: an erasure nobody can follow is not taken for followed."""
    office = Office(tmp_path, "standard")
    taken = office.hear("intake", "personal_data_erased", "cu_0001", subject="customer", subject_id="cu_0001")
    assert taken.outcome == "dead"
    assert "customer_id" in str(taken.reason)
