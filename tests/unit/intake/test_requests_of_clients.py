"""A logistics centre's requests: kinds, queues that only their own see, urgent first, bookings, proposals, tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import ValidationFailed
from tests.unit.intake.fakes import beijing
from tests.unit.intake.requests_world import Desk, organisation, refused

_ROLES = ("booking_agent", "query_agent", "urgent_agent", "retention_manager", "operations", "finance")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return the desk of a logistics centre."""
    return Desk(organisation(tmp_path, "logistics", roles=_ROLES), tmp_path)


@pytest.mark.rule("A-LOG-02")
def test_orders_come_by_telephone_and_by_email(desk: Desk) -> None:
    """Promise: both are stored as orders, and the report by channel gives one of each."""
    desk.take(1, category="order", channel="email")
    desk.take(2, category="order", channel="phone")
    assert desk.count("channel", kind="order") == {"email": 1, "phone": 1}


@pytest.mark.rule("A-LOG-03")
def test_a_needs_analysis_closes_with_its_proposal(desk: Desk) -> None:
    """Promise: what the client asked for is attached before anybody calls it done."""
    request = desk.open("pre_service", customer_id="cu_1", subtype="system_needs_analysis")
    with refused("A-LOG-03"):
        desk.act(request, "finish", outcome="已交付")
    desk.act(request, "attach_proposal", proposal="方案一")
    assert desk.act(request, "finish", outcome="已交付")["closed"] is True
    with refused("A-LOG-03"):
        desk.open("pre_service", subtype="astrology")


@pytest.mark.rule("A-LOG-05", "A-LOG-38")
def test_a_request_with_another_department_stays_with_its_agent_until_that_answers(desk: Desk) -> None:
    """Promise: the agent coordinates and cannot close; the answer's day is known."""
    request = desk.take()
    desk.do("accept_request", desk.person("M1", "service_desk"), id=request)
    by = beijing("2026-05-08 18:00")
    parts = [{"unit": "finance", "answer_by": by.isoformat()}]
    desk.do("involve_departments", id=request, lead="query", departments=parts)
    with refused("A-LOG-05"):
        desk.act(request, "finish", outcome="已答复")
    seen = desk.look(request)
    assert (seen["owner"]["staff"], seen["departments"][0]["answer_by"]) == ("M1", "2026-05-08T10:00:00.000Z")
    finance = desk.person("F1", "finance")
    desk.do("answer_department", finance, id=request, unit="finance", text="已核对")
    assert desk.act(request, "finish", outcome="已答复")["closed"] is True


@pytest.mark.rule("A-LOG-22")
def test_what_is_urgent_is_first_of_six(desk: Desk) -> None:
    """Promise: five normal ones from before wait behind one urgent one."""
    normal = []
    for _ in range(5):
        normal.append(desk.open("operation"))
        desk.pass_time(minutes=1)
    urgent = desk.open("operation", level="urgent")
    assert [row["request_id"] for row in desk.rows(unit="operations")] == [urgent, *normal]


@pytest.mark.rule("A-LOG-29")
def test_a_task_of_a_leader_is_in_its_agents_list_and_overdue_a_day_later(desk: Desk) -> None:
    """Promise: due on the 10th, late on the 11th."""
    desk.at("2026-05-06 09:00")
    manager = desk.person("M1", "manager")
    task = desk.open("task", manager, assigned_to="A", filled={"due_on": "2026-05-10"})
    assert [row["request_id"] for row in desk.rows(desk.person("A"), mine=True)] == [task]
    assert desk.rows(state="overdue") == []
    desk.at("2026-05-11 00:00")
    assert [row["request_id"] for row in desk.rows(staff="A", state="overdue")] == [task]
    assert desk.clocks(task)["task"]["source"] == "A-LOG-29"


@pytest.mark.rule("A-LOG-31")
def test_a_manager_sees_three_queues_and_an_agent_their_own(desk: Desk) -> None:
    """Promise: whoever works one queue neither lists nor counts the others."""
    desk.take(1, category="booking")
    desk.open("shipment_information")
    desk.open("urgent_order")
    manager, agent = desk.person("M", "retention_manager"), desk.person("B", "booking_agent")
    assert {row["owner"]["unit"] for row in desk.rows(manager)} == {"booking", "query", "urgent"}
    assert {row["owner"]["unit"] for row in desk.rows(agent)} == {"booking"}
    with refused("A-LOG-31"):
        desk.rows(agent, unit="query")


@pytest.mark.rule("A-LOG-56")
def test_a_booking_is_of_at_least_one(desk: Desk) -> None:
    """Promise: three are stored with their day, none is refused."""
    booked = desk.open("booking", filled={"quantity": "3", "booked_for": "2026-05-10"})
    assert desk.look(booked)["facts"] == {"quantity": 3, "booked_for": "2026-05-10"}
    with refused("A-LOG-56"):
        desk.open("booking", filled={"quantity": "0"})


def test_a_kind_nobody_knows_names_those_there_are(desk: Desk) -> None:
    """Promise: whoever mistypes is told what there is."""
    with pytest.raises(ValidationFailed, match="booking"):
        desk.open("party")
