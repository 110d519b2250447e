from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Conflict, RuleRefused
from tests.unit.followup.callback_world import Calls

_REQUEST = {"request_id": "rq_1", "contact_id": "ct_1", "customer_id": "cu_1", "subtype": None}


def _request(calls: Calls, kind: str, subtype: str | None = None) -> None:
    calls.hear("request_opened", _REQUEST | {"kind": kind, "subtype": subtype})
    calls.hear("request_closed", {"request_id": "rq_1", "kind": kind})


@pytest.mark.rule("A-AUT-03")
def test_a_delivered_car_is_called_about_within_seven_days(tmp_path: Path) -> None:
    """Delivery 05-01 gives a 7DC due 05-08, and it is told as missed when nobody calls until then."""
    calls = Calls(tmp_path, "auto-dealer")
    calls.note("delivery")
    callback = calls.only(rule="seven_day")
    assert (callback["due_at"], callback["due_source"]) == ("2026-05-08T16:00:00.000Z", "A-AUT-03")
    calls.day("2026-05-08T23:59")
    assert calls.told("callback_due") == []
    calls.day("2026-05-09T00:00")
    assert [told["callback_id"] for told in calls.told("callback_due")] == [callback["callback_id"]]


@pytest.mark.rule("A-AUT-04")
@pytest.mark.parametrize(("day", "on_time"), [("2026-05-04T10:00", "in time"), ("2026-05-05T10:00", "late")])
def test_a_workshop_exit_is_called_about_within_three_days(tmp_path: Path, day: str, on_time: str) -> None:
    """Exit 05-01: done 05-04 is in time, done 05-05 is late."""
    calls = Calls(tmp_path, "auto-dealer")
    calls.note("workshop_exit")
    callback = calls.only(rule="three_day")
    assert callback["due_source"] == "A-AUT-04"
    calls.day(day)
    assert calls.complete(callback, "satisfied")["on_time"] is (on_time == "in time")


@pytest.mark.rule("A-AUT-22")
def test_the_second_level_is_called_only_where_the_first_failed(tmp_path: Path) -> None:
    """Of two customers one is content and one is not: only the discontent one is called on level two."""
    calls = Calls(tmp_path, "auto-dealer")
    calls.note("delivery", "cu_content")
    calls.note("delivery", "cu_cross")
    first = {row["customer_id"]: row for row in calls.listed(rule="seven_day")}
    assert {row["level"] for row in first.values()} == {1}
    assert calls.listed(rule="second_level") == []
    calls.complete(first["cu_content"], "satisfied")
    calls.complete(first["cu_cross"], "dissatisfied")
    second = calls.only(rule="second_level")
    assert (second["customer_id"], second["level"], second["reference"]) == (
        "cu_cross",
        2,
        first["cu_cross"]["callback_id"],
    )


@pytest.mark.rule("A-MEM-21")
def test_a_member_is_called_back_within_three_days(tmp_path: Path) -> None:
    """Trigger 05-01 10:00: 05-04 is in time, 05-05 late."""
    calls = Calls(tmp_path, "membership")
    calls.note("purchase")
    callback = calls.only()
    assert (callback["due_at"], callback["due_source"]) == ("2026-05-04T16:00:00.000Z", "A-MEM-21")


@pytest.mark.rule("A-CAR-11")
def test_every_member_of_a_dealer_is_called_within_three_days_and_not_at_rest(tmp_path: Path) -> None:
    """All who are noted have their callback by the third day; one noted at lunch is offered after it."""
    calls = Calls(tmp_path, "auto-dealer", now="2026-05-01T13:00")
    for number in range(50):
        calls.note("purchase", f"cu_{number:02}", when="2026-05-01T09:00")
    listed = calls.listed(rule="member", limit=200)
    assert {row["customer_id"] for row in listed} == {f"cu_{number:02}" for number in range(50)}
    assert {row["due_source"] for row in listed} == {"A-CAR-11"}
    assert {row["due_at"] for row in listed} == {"2026-05-04T16:00:00.000Z"}
    assert {row["permitted_from"] for row in listed} == {"2026-05-01T06:00:00.000Z"}
    for row in listed:
        calls.day("2026-05-01T14:00")
        calls.complete(row, "satisfied")
    assert calls.listed(list="gaps") == []


@pytest.mark.rule("A-TEL-11")
@pytest.mark.rule("A-TEL-12")
def test_a_problem_is_called_about_as_before_or_after_the_service_is_done(tmp_path: Path) -> None:
    """A problem during job J1 is 售前, one after J1 is done is 售后."""
    calls = Calls(tmp_path, "call-centre")
    calls.note("job_problem", when="2026-04-30T09:00", reference="J1")
    calls.note("job_done", when="2026-05-01T09:00", reference="J1")
    calls.note("job_problem", when="2026-05-01T09:30", reference="J1")
    calls.note("job_problem", when="2026-05-01T09:40", reference="J2")
    planned = [(row["rule"], row["replied_at"][11:16]) for row in calls.listed()]
    assert sorted(planned) == [("after_sale", "01:30"), ("pre_sale", "01:00"), ("pre_sale", "01:40")]


@pytest.mark.rule("A-TEL-13")
@pytest.mark.rule("A-TEL-15")
def test_a_complaint_is_called_about_once_handled_and_again_until_the_customer_is_content(
    tmp_path: Path,
) -> None:
    """Not before the reply; a discontent customer sends the case back, and its next reply is called about anew."""
    calls = Calls(tmp_path, "call-centre")
    case = {"case_id": "cs_1", "number": "OFF-1", "contact_id": "ct_1", "customer_id": "cu_1"}
    calls.hear(
        "case_opened", case | {"channel": "phone", "opened_at": "2026-05-01T02:00:00Z"}, 1, "complaints"
    )
    assert calls.listed() == []
    reply = case | {"valid": True, "handler": "ops-1", "needs_callback": True}
    for number, outcome in ((1, "dissatisfied"), (2, "satisfied")):
        told = reply | {"replied_at": "2026-05-01T02:00:00Z", "round": number}
        calls.hear("case_replied", told, number, "complaints")
        calls.complete(calls.only(state="open"), outcome)
    (back,) = calls.told("callback_unsatisfied")
    assert (back["case_id"], back["effect"], back["round"]) == ("cs_1", "reopen", 1)
    (end,) = calls.told("callback_completed")
    assert (end["effect"], end["round"]) == ("close", 2)


@pytest.mark.rule("A-CCC-07")
def test_who_bought_is_called_for_more_and_who_did_not_is_not(tmp_path: Path) -> None:
    """C1 with a deal makes one task, C2 without makes none."""
    calls = Calls(tmp_path, "call-centre")
    calls.note("deal", "cu_1")
    calls.note("no_deal", "cu_2")
    assert (calls.only()["rule"], calls.only()["customer_id"]) == ("cross_sell", "cu_1")


@pytest.mark.rule("B-JKC-50")
def test_a_need_that_is_solved_is_called_about_the_next_day(tmp_path: Path) -> None:
    """Solved 2025-03-03, called by the end of 2025-03-04."""
    calls = Calls(tmp_path, "commercial-plaza", now="2025-03-03T10:00")
    _request(calls, "need")
    callback = calls.only()
    assert (callback["due_at"], callback["due_source"]) == ("2025-03-04T16:00:00.000Z", "B-JKC-50")
    assert (callback["about"], callback["reference"], callback["contact_id"]) == ("request", "rq_1", "ct_1")


@pytest.mark.rule("B-PRO-14")
def test_a_convenience_service_is_called_about_within_two_working_days(tmp_path: Path) -> None:
    """Finished on Friday 2025-03-07, due on Tuesday 2025-03-11."""
    calls = Calls(tmp_path, "property", now="2025-03-07T10:00")
    _request(calls, "repair", "service")
    callback = calls.only(rule="service")
    assert (callback["due_at"], callback["due_source"]) == ("2025-03-11T16:00:00.000Z", "B-PRO-14")


@pytest.mark.rule("B-DUT-21")
def test_after_a_repair_the_households_opinion_is_asked_and_written_down(tmp_path: Path) -> None:
    """An order closed without an opinion leaves a callback, and no call ends it without one."""
    calls = Calls(tmp_path, "property")
    _request(calls, "repair")
    callback = calls.only()
    with pytest.raises(RuleRefused) as refused:
        calls.complete(callback, "satisfied", record={})
    assert refused.value.rule == "B-DUT-21"
    calls.complete(callback, "satisfied", record={"opinion": "修得很快。"})
    (kept,) = calls.runtime.database["callbacks"].find({"_id": callback["callback_id"]})
    assert (kept["state"], kept["written"]["values"]["opinion"]) == ("done", "修得很快。")


@pytest.mark.rule("B-DUT-22")
@pytest.mark.rule("A-WHB-06")
def test_a_closed_repair_is_called_about_once_and_the_callback_names_its_work_order(tmp_path: Path) -> None:
    """One callback for the household that asked, linked to the work order."""
    calls = Calls(tmp_path, "property")
    for _ in range(2):
        _request(calls, "repair")
    callback = calls.only()
    assert (callback["rule"], callback["reference"], callback["customer_id"]) == ("repair", "rq_1", "cu_1")


@pytest.mark.rule("B-SVN-07")
def test_what_a_customer_is_discontent_with_is_put_right(tmp_path: Path) -> None:
    """A low answer after a request opens a corrective measure, once, that names the rule."""
    calls = Calls(tmp_path, "commercial-plaza")
    _request(calls, "need")
    calls.complete(calls.only(), "dissatisfied")
    for number in (9, 10):
        calls.hear("callback_remedied", calls.told("callback_remedied")[0], number, "followup")
    measures = [each for each in calls.sent if each.entry.data.get("register") == "corrective_measure"]
    opened = [each for each in measures if each.entry.type == "record_opened"]
    assert len(opened) == 1
    (record,) = calls.runtime.database["records"].find({"register": "corrective_measure"})
    assert record["values"]["asked_by"] == "B-SVN-07"


def test_an_occasion_is_noted_once_for_its_key(tmp_path: Path) -> None:
    """Another system that tells twice makes one callback; another occasion under the same key is a conflict."""
    calls = Calls(tmp_path, "auto-dealer")
    calls.note("delivery", key="dms-1")
    calls.note("delivery", key="dms-1")
    assert len(calls.listed()) == 1
    with pytest.raises(Conflict):
        calls.note("delivery", "cu_2", key="dms-1")


def test_a_request_nobody_asked_for_is_not_called_about(tmp_path: Path) -> None:
    """There is nobody to call where intake knows no customer."""
    calls = Calls(tmp_path, "property")
    calls.hear("request_opened", _REQUEST | {"kind": "repair", "customer_id": None, "contact_id": None})
    calls.hear("request_closed", {"request_id": "rq_1", "kind": "repair"})
    assert calls.listed() == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(["opened", "closed"]), min_size=2, max_size=6))
def test_the_events_of_a_request_give_the_same_callbacks_in_any_order_and_repetition(
    tmp_path: Path, order: list[str]
) -> None:
    """As soon as both were heard there is the one callback, and never another."""
    calls = Calls(tmp_path, "property")
    told: dict[str, Any] = {
        "opened": ("request_opened", _REQUEST | {"kind": "repair"}),
        "closed": ("request_closed", {"request_id": "rq_1", "kind": "repair"}),
    }
    for number, each in enumerate(order):
        kind, data = told[each]
        calls.hear(kind, data, number)
    assert len(calls.listed()) == (1 if set(order) == {"opened", "closed"} else 0)
