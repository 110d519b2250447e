"""A property's repairs, findings and reports upward: visits, twenty minutes, the price list, what is carried over."""

from __future__ import annotations

import pytest

from tests.unit.intake.fakes import PROPERTY, beijing
from tests.unit.intake.requests_world import Desk, instant, refused

VISIT = "2026-03-02T14:00:00+08:00"


@pytest.fixture
def desk() -> Desk:
    """Return the estate's desk at ten in the morning."""
    return Desk(PROPERTY)


def ordered(desk: Desk) -> str:
    request = desk.take(category="repair")
    desk.act(request, "agree_visit", visit_at=VISIT)
    desk.act(request, "assign", worker="王师傅")
    return request


@pytest.mark.rule("B-PRO-06")
def test_nobody_is_sent_before_a_time_is_agreed(desk: Desk) -> None:
    """Promise: the household says when somebody may come."""
    request = desk.take(category="repair")
    with refused("B-PRO-06"):
        desk.act(request, "assign", worker="王师傅")
    with refused("B-PRO-06"):
        desk.act(request, "agree_visit", visit_at="下午")
    desk.act(request, "agree_visit", visit_at=VISIT)
    assert desk.act(request, "assign", worker="王师傅")["stage"] == "ordered"


@pytest.mark.rule("B-DUT-20")
def test_after_twenty_minutes_without_anybody_the_household_is_called(desk: Desk) -> None:
    """Promise: order sent 10:00, nobody there by 10:20: a call task at 10:20, done by the call with the reason."""
    request = ordered(desk)
    assert desk.look(request)["owner"]["unit"] == "engineering"
    desk.at("2026-03-02 10:19")
    assert desk.look(request)["tasks"] == []
    desk.at("2026-03-02 10:20")
    (task,) = desk.look(request)["tasks"]
    assert (task["code"], task["to"], task["source"]) == ("call_household", "service_desk", "B-DUT-20")
    assert instant(task, "at") == beijing("2026-03-02 10:20")
    with refused("B-DUT-20"):
        desk.act(request, "call_household")
    desk.act(request, "call_household", delay_reason="电梯检修")
    assert desk.look(request)["tasks"][0]["done_at"] is not None
    assert [event["change"] for event in desk.events("request_task_changed")] == ["given", "done"]


def test_whoever_arrives_in_time_causes_no_call(desk: Desk) -> None:
    """Promise: no task without a breach."""
    request = ordered(desk)
    desk.pass_time(minutes=19)
    desk.act(request, "arrive")
    desk.pass_time(hours=1)
    assert desk.look(request)["tasks"] == []


@pytest.mark.rule("B-PRO-07")
def test_only_what_is_on_the_price_list_is_charged(desk: Desk) -> None:
    """Promise: the fee is the list's, item by item; anything else is refused."""
    request = ordered(desk)
    desk.act(request, "arrive")
    with refused("B-PRO-07"):
        desk.act(request, "charge", paid_items=["lock_change", "tip"])
    desk.act(request, "charge", paid_items=["lock_change", "pipe_clearing", "pipe_clearing"])
    assert desk.look(request)["facts"]["fee"] == "180.00"


@pytest.mark.rule("B-PRO-08")
def test_a_repair_ends_with_record_follow_up_and_callback(desk: Desk) -> None:
    """Promise: missing one of the three, it stays open."""
    request = ordered(desk)
    desk.act(request, "arrive")
    desk.act(request, "finish")
    with refused("B-PRO-08"):
        desk.act(request, "call_back", callback="满意")
    desk.act(request, "note", record="更换阀门")
    with refused("B-PRO-08"):
        desk.act(request, "call_back", callback="满意")
    desk.act(request, "follow_up", followed_up="次日无渗漏")
    with refused("B-PRO-08"):
        desk.act(request, "call_back")
    assert desk.act(request, "call_back", callback="满意")["closed"] is True


@pytest.mark.rule("B-DUT-10")
def test_a_hard_question_has_one_reader_and_a_major_problem_two(desk: Desk) -> None:
    """Promise: the department head hears of both, the management office's manager of what is major."""
    hard, major = desk.take(1, category="repair"), desk.take(2, category="repair")
    desk.act(hard, "note", severity="hard")
    desk.act(major, "note", severity="major")
    assert [notice["role"] for notice in desk.look(hard)["notices"]] == ["department_manager"]
    told = [(notice["role"], notice["source"]) for notice in desk.look(major)["notices"]]
    assert told == [("department_manager", "B-DUT-10"), ("manager", "B-DUT-10")]


def test_what_is_carried_over_has_a_reason_and_a_new_day(desk: Desk) -> None:
    """Promise: an item left open says why, and until when; past that day it is overdue."""
    request = ordered(desk)
    for part in ({"reason": "缺配件"}, {"solve_on": "2026-03-03"}):
        with refused("B-DUT-08"):
            desk.act(desk.take(9, event=str(part), category="repair"), "carry_over", **part)
    desk.act(request, "carry_over", reason="缺配件", solve_on="2026-03-03")
    assert instant(desk.clocks(request)["solved"]) == beijing("2026-03-04 00:00")


@pytest.mark.rule("B-DUT-25")
def test_a_finding_not_corrected_in_time_reminds_the_department(desk: Desk) -> None:
    """Promise: the result of an urge is followed until it is there."""
    finding = desk.open("finding", filled={"due_on": "2026-03-03"})
    with refused("B-DUT-25"):
        desk.open("finding")
    desk.at("2026-03-03 23:59")
    assert desk.look(finding)["tasks"] == []
    desk.at("2026-03-04 00:00")
    (task,) = desk.look(finding)["tasks"]
    assert (task["code"], task["source"]) == ("remind_department", "B-DUT-25")
    desk.act(finding, "correct", outcome="已整改")
    assert desk.look(finding)["tasks"][0]["done_at"] is not None
    assert desk.events("request_closed")[0]["on_time"] is False


@pytest.mark.rule("B-DUT-09")
def test_an_emergency_goes_to_several_departments_at_once(desk: Desk) -> None:
    """Promise: one command, all of them asked at the same moment, each with its own time."""
    request = desk.take(category="repair")
    by = beijing("2026-03-02 10:30").isoformat()
    parts = [{"unit": unit, "answer_by": by} for unit in ("engineering", "front_desk")]
    desk.do("involve_departments", id=request, lead="engineering", departments=parts)
    asked = desk.events("request_departments_changed")
    assert [(event["change"], event["unit"]) for event in asked] == [
        ("asked", "engineering"),
        ("asked", "front_desk"),
    ]
    assert [row["request_id"] for row in desk.rows(department="front_desk")] == [request]


@pytest.mark.rule("B-CCP-01")
def test_reports_go_level_by_level_and_skipping_is_for_emergencies_and_told_afterwards(desk: Desk) -> None:
    """Promise: a report has its code and opinion; who skips a level must tell the one they skipped."""
    said = {"code": "danger", "opinion": "先断电", "emergency": True}
    for missing in ("code", "opinion"):
        with refused("B-CCP-01"):
            desk.open("report", filled={k: v for k, v in said.items() if k != missing})
    with refused("B-CCP-01"):
        desk.open("report", filled={"code": "weather", "opinion": "x"})
    with refused("B-CCP-01"):
        desk.open("report", filled=said | {"emergency": False, "skipped": True})
    plain = desk.open("report", filled=said)
    skipped = desk.open("report", filled=said | {"skipped": True})
    assert [notice["role"] for notice in desk.look(plain)["notices"]] == ["department_manager"]
    assert [notice["role"] for notice in desk.look(skipped)["notices"]] == ["manager"]
    assert [task["code"] for task in desk.look(skipped)["tasks"]] == ["inform_superior"]
    for report in (plain, skipped):
        with refused("B-CCP-01"):
            desk.act(report, "instruct")
        desk.act(report, "instruct", instruction="疏散并上报")
    desk.act(plain, "finish")
    with refused("B-CCP-01"):
        desk.act(skipped, "finish")
    desk.act(skipped, "inform_superior")
    desk.act(skipped, "finish")
    done = desk.look(skipped)
    assert done["facts"]["instruction"] == "疏散并上报"
    assert done["tasks"][0]["done_at"] is not None


@pytest.mark.rule("A-PRM-24")
def test_a_task_of_a_superior_is_overdue_the_day_after_its_day(desk: Desk) -> None:
    """Promise: due 05-10, in its owner's list, overdue on 05-11; only superiors give tasks."""
    boss = desk.person("director", "manager")
    given = {"assigned_to": "A7", "filled": {"due_on": "2026-05-10"}}
    with refused("A-PRM-24"):
        desk.open("task", **given)
    task = desk.open("task", boss, **given)
    clock = desk.clocks(task)["task"]
    assert (instant(clock), clock["source"]) == (beijing("2026-05-11 00:00"), "A-PRM-24")
    desk.at("2026-05-10 23:59")
    assert [row["overdue"] for row in desk.rows(desk.person("A7"), mine=True)] == [False]
    desk.at("2026-05-11 00:00")
    assert [row["overdue"] for row in desk.rows(staff="A7", state="overdue")] == [True]
