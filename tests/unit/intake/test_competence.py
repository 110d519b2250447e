"""What a post handles, what a unit that stays apart sees, and for whom a deputy acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.intake.rulebook import read_rulebooks
from shared.errors import RuleRefused
from tests.unit.intake.fakes import contact_data
from tests.unit.intake.on_duty import Intake, organisation

DAY = "2025-05-06"


def of(tmp_path: Path, profile: str, **sections: Any) -> Intake:
    """Return an organisation on ``profile`` on a Tuesday morning."""
    return Intake("test-org", f"{DAY} 09:00", organisation(tmp_path, profile, **sections))


def enter(intake: Intake, staff: str, post: str, unit: str = "customer_service") -> None:
    """Enter a member of staff and their induction."""
    intake.do("enter_member", "hr", "manager", staff=staff, unit=unit, post=post)
    intake.do("change_member", "hr", "manager", staff=staff, action="induct")


def opened(intake: Intake, who: str, kind: str, times: int = 1, **more: Any) -> str:
    """Open requests of a kind and return the last one's id."""
    made = [intake.do("open_request", who, kind=kind, text="请处理", **more) for _ in range(times)]
    return str(made[-1]["request_id"])


def rows(intake: Intake, who: str, **asked: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = intake.do("list_requests", who, limit=200, **asked)
    return listed


def kinds(intake: Intake, who: str) -> dict[str, int]:
    """Return how many requests of each kind ``who`` has on their list."""
    listed = [row["kind"] for row in rows(intake, who)]
    return {kind: listed.count(kind) for kind in listed}


def refusal(intake: Intake, method: str, who: str, /, *roles: str, **arguments: Any) -> str | None:
    """Return the rule by which a call is refused."""
    with pytest.raises(RuleRefused) as refused:
        intake.do(method, who, *roles, **arguments)
    return refused.value.rule


def register(intake: Intake, who: str, number: int, category: str, **more: Any) -> str:
    """Register a contact and return its id."""
    person = {"kind": "person", "name": f"测试{number}", "phone": f"138{number:08d}"}
    said = {"received_at": intake.clock.now().isoformat(), "customer": person, "category": category}
    return str(intake.do("register_contact", who, **contact_data(**said | more))["contact_id"])


@pytest.mark.rule("A-RED-01")
def test_field_staff_take_field_tasks_and_office_staff_do_not(tmp_path: Path) -> None:
    """Promise: each post touches its own work only; the manager reassigns both, to whoever may do it."""
    intake = of(tmp_path, "real-estate")
    for staff, post in (("M", "department_manager"), ("F", "field_staff"), ("N", "office_staff")):
        enter(intake, staff, post)
    field, office = opened(intake, "M", "field_task"), opened(intake, "M", "office_task")
    assert refusal(intake, "accept_request", "N", id=field) == "A-RED-01"
    assert refusal(intake, "act_on_request", "N", id=field, action="finish") == "A-RED-01"
    assert refusal(intake, "open_request", "N", kind="field_task", text="请处理") == "A-RED-01"
    assert refusal(intake, "get_request", "N", id=field) == "A-RED-01"
    assert refusal(intake, "list_requests", "N", kind="field_task") == "A-RED-01"
    assert intake.do("accept_request", "F", id=field)["owner"]["staff"] == "F"
    assert refusal(intake, "accept_request", "F", id=office) == "A-RED-01"
    for request in (field, office):
        moved = intake.do("transfer_request", "M", id=request, staff="F2", reason="调整")
        assert moved["offered_to"]["staff"] == "F2"
    assert (kinds(intake, "F"), kinds(intake, "N")) == ({"field_task": 1}, {"office_task": 1})
    assert kinds(intake, "M") == {"field_task": 1, "office_task": 1}


@pytest.mark.rule("A-TEL-01")
def test_telesales_sees_dial_list_and_consultation_and_after_sales_the_call_backs(tmp_path: Path) -> None:
    """Promise: fifty numbers to dial and four consultations for the one, six call-backs for the other."""
    intake = of(tmp_path, "call-centre")
    enter(intake, "T", "telemarketer", "telemarketing_group")
    enter(intake, "A", "aftersales_agent", "aftersales_group")
    opened(intake, "boss", "dial", 50)
    opened(intake, "boss", "callback", 6)
    for number in range(4):
        register(intake, "boss", number, "enquiry")
    assert kinds(intake, "T") == {"dial": 50, "enquiry": 4}
    assert kinds(intake, "A") == {"callback": 6}
    assert intake.do("request_statistics", "A", by="kind") == {"callback": 6}
    assert refusal(intake, "list_requests", "A", kind="dial") == "A-TEL-01"
    assert refusal(intake, "request_statistics", "A", by="kind", kind="dial") == "A-TEL-01"
    # Consultations are contacts too: they are the telesales group's.
    assert len(intake.do("list_contacts", "T")) == 4
    assert intake.do("list_contacts", "A") == []
    assert refusal(intake, "list_contacts", "A", category="enquiry") == "A-TEL-01"


@pytest.mark.rule("A-ECO-07")
def test_the_online_presale_agent_does_not_open_what_is_after_sales(tmp_path: Path) -> None:
    """Promise: seven questions from the chat are theirs; a chase for a parcel is the after-sales desk's."""
    intake = of(tmp_path, "online-store")
    enter(intake, "P", "online_presale")
    for number in range(7):
        register(intake, "robot", number, "enquiry", channel="wangwang")
    chase: dict[str, Any] = {"kind": "chase", "text": "退货", "filled": {"order_no": "R1"}}
    assert kinds(intake, "P") == {"use_problem": 7}
    assert refusal(intake, "open_request", "P", **chase) == "A-ECO-07"
    assert intake.do("open_request", "aftersale", **chase)["kind"] == "chase"
    assert kinds(intake, "P") == {"use_problem": 7}


@pytest.mark.rule("A-JD1-01")
def test_a_consultant_sees_consultations_and_the_manager_both_lists(tmp_path: Path) -> None:
    """Promise: twelve of the one and five of the other for the manager, twelve for the consultant."""
    intake = of(tmp_path, "standard")
    for staff, post in (("M", "manager"), ("C", "consultant"), ("S", "after_sales")):
        enter(intake, staff, post)
    for number in range(12):
        register(intake, "M", number, "enquiry")
    for number in range(12, 17):
        register(intake, "M", number, "repair")
    assert kinds(intake, "M") == {"enquiry": 12, "problem": 5}
    assert kinds(intake, "C") == {"enquiry": 12}
    assert kinds(intake, "S") == {"problem": 5}
    assert refusal(intake, "list_requests", "C", kind="problem") == "A-JD1-01"


@pytest.mark.rule("A-JD1-02")
def test_the_manager_leads_nine_and_moves_a_request_from_one_to_another(tmp_path: Path) -> None:
    """Promise: everybody reports to the manager through their supervisor; who is given work has it when accepted."""
    intake = of(tmp_path, "standard")
    enter(intake, "M1", "manager")
    enter(intake, "S1", "supervisor")
    agents = [f"A{number}" for number in range(1, 10)]
    for agent in agents:
        enter(intake, agent, "agent")
    assert [row["staff"] for row in intake.do("list_members", "M1", post="agent")] == agents
    assert {tuple(intake.do("get_superior", agent, staff=agent)["chain"]) for agent in agents} == {
        ("supervisor", "manager")
    }
    request = opened(intake, "A3", "problem", assigned_to="A3")
    intake.do("transfer_request", "M1", "manager", id=request, staff="A4", reason="调整")
    assert intake.do("accept_request", "A4", id=request)["owner"]["staff"] == "A4"
    (passed,) = intake.do("get_request", "M1", id=request)["passed"]
    assert (passed["by"], passed["accepted_by"], passed["acting_for"]) == ("M1", "A4", None)


@pytest.mark.rule("B-CCP-09")
def test_customer_service_staff_have_communication_doubts_and_complaints_on_their_list(
    tmp_path: Path,
) -> None:
    """Promise: these three and nothing else; what comes in to repair is another's."""
    intake = of(tmp_path, "property")
    enter(intake, "C", "cs_staff")
    register(intake, "desk", 1, "enquiry")
    claim = {"problem": "noise"}
    complaint = register(intake, "desk", 2, "complaint", complaint=claim)
    repair = register(intake, "desk", 3, "repair")
    opened(intake, "C", "doubt")
    assert kinds(intake, "C") == {"enquiry": 1, "doubt": 1}
    assert {row["category"] for row in intake.do("list_contacts", "C")} == {"enquiry", "complaint"}
    assert intake.do("get_contact", "C", id=complaint)["category"] == "complaint"
    assert refusal(intake, "get_contact", "C", id=repair) == "B-CCP-09"
    assert refusal(intake, "open_request", "C", kind="repair", text="请处理") == "B-CCP-09"


PROJECTS: dict[str, Any] = {
    "units": {
        code: {"name": code, "parent": "project_operation", "source": "organisation"} for code in ("p1", "p2")
    }
}
QUEUES: dict[str, Any] = {
    "units": {
        code: {"name": code, "leader": "service_desk", "source": "organisation"} for code in ("p1", "p2")
    }
}


@pytest.fixture
def plaza(tmp_path: Path) -> Intake:
    """Return a plaza with two projects, one member each, and somebody above them."""
    intake = of(tmp_path, "commercial-plaza", staff=PROJECTS, requests=QUEUES)
    for staff, unit in (("one", "p1"), ("two", "p2"), ("above", "project_operation")):
        enter(intake, staff, "agent", unit)
    return intake


@pytest.mark.rule("B-JKC-13")
def test_who_works_for_one_project_sees_only_that_project(plaza: Intake) -> None:
    """Promise: requests, contacts and colleagues of the other project are not theirs to see or to touch."""
    first, second = opened(plaza, "one", "need"), opened(plaza, "two", "need")
    mine, other = register(plaza, "one", 1, "need"), register(plaza, "two", 2, "need")
    seen = rows(plaza, "one")
    assert [row["request_id"] for row in seen if row["contact_id"] is None] == [first]
    assert {row["contact_id"] for row in seen} == {None, mine}
    assert first in {row["request_id"] for row in rows(plaza, "one", unit="p1")}
    for call in ("get_request", "accept_request"):
        assert refusal(plaza, call, "one", "service_desk", id=second) == "B-JKC-13"
    assert refusal(plaza, "list_requests", "one", unit="p2") == "B-JKC-13"
    assert refusal(plaza, "open_request", "one", kind="need", text="x", unit="p2") == "B-JKC-13"
    assert [row["contact_id"] for row in plaza.do("list_contacts", "one")] == [mine]
    assert refusal(plaza, "get_contact", "one", id=other) == "B-JKC-13"
    assert [row["staff"] for row in plaza.do("list_members", "one")] == ["one"]
    # Whoever is above the projects sees both, and so does somebody the directory does not know.
    for who in ("above", "guest"):
        assert len(rows(plaza, who)) == 4
    assert len(plaza.do("list_members", "above")) == 3


def test_a_request_handed_to_another_project_is_that_projects_to_accept(plaza: Intake) -> None:
    """Promise: what is offered to a project is seen there before it is accepted, and is no other's afterwards."""
    request = opened(plaza, "one", "need")
    assert rows(plaza, "two") == []
    plaza.do("transfer_request", "one", id=request, unit="p2", reason="属二号项目")
    assert [row["request_id"] for row in rows(plaza, "two")] == [request]
    assert plaza.do("accept_request", "two", "service_desk", id=request)["owner"]["unit"] == "p2"
    assert rows(plaza, "one") == []
    assert refusal(plaza, "get_request", "one", id=request) == "B-JKC-13"


@pytest.mark.rule("A-JD5-01")
def test_the_centres_manager_sees_the_open_requests_of_three_teams(tmp_path: Path) -> None:
    """Promise: five, two and one for the manager; each team sees its own."""
    teams = {"desk": 5, "cleaning": 2, "security": 1}
    above = {"parent": "service_centre", "source": "organisation"}
    units = {team: {"name": team} | above for team in teams}
    queues = {team: {"name": team, "leader": "service_desk", "source": "organisation"} for team in teams}
    intake = of(tmp_path, "standard", staff={"units": units}, requests={"units": queues})
    enter(intake, "M", "manager", "service_centre")
    for team, times in teams.items():
        enter(intake, f"in-{team}", "agent", team)
        opened(intake, f"in-{team}", "problem", times)
    assert intake.do("request_statistics", "M", by="unit", state="open") == teams
    assert intake.do("request_statistics", "in-cleaning", by="unit") == {"cleaning": 2}
    assert refusal(intake, "list_requests", "in-cleaning", unit="desk") == "A-JD5-01"


@pytest.mark.rule("A-JOB-02")
def test_what_a_deputy_does_for_the_manager_says_for_whom(tmp_path: Path) -> None:
    """Promise: on the day of absence the deputy has the manager's scope, and each act names the manager."""
    intake = of(tmp_path, "standard")
    enter(intake, "M1", "manager")
    enter(intake, "D1", "consultant")
    request = opened(intake, "A", "problem")
    own = opened(intake, "A", "enquiry", separate=True)
    act: dict[str, Any] = {"id": request, "action": "handle", "filled": {"record": "已联系"}}
    assert refusal(intake, "act_on_request", "D1", **act) == "A-JD1-01"
    away = {"first": DAY, "last": DAY, "deputy": "D1"}
    intake.do("change_member", "hr", "manager", staff="M1", action="absent", **away)
    intake.do("act_on_request", "D1", **act)
    (done,) = intake.do("get_request", "D1", id=request)["done"]
    assert (done["by"], done["acting_for"]) == ("D1", "M1")
    assert kinds(intake, "D1") == {"enquiry": 1, "problem": 1}
    # Their own work stays their own.
    filled = {"diagnosis": "已确认", "next_at": "2025-05-07T10:00:00+08:00"}
    intake.do("act_on_request", "D1", id=own, action="diagnose", filled=filled)
    assert [event["acting_for"] for event in intake.told("request_moved")] == ["M1", None]
    # What is offered to the manager the deputy accepts for the manager.
    intake.do("transfer_request", "A", id=own, staff="M1", reason="请经理定")
    intake.do("accept_request", "D1", id=own)
    assert [event["acting_for"] for event in intake.told("request_passed_on")] == [None, "M1"]
    intake.at("2025-05-07 09:00")
    assert refusal(intake, "act_on_request", "D1", **act) == "A-JD1-01"


def test_a_post_that_handles_what_there_is_not_is_a_fault(tmp_path: Path) -> None:
    """Promise: a mistyped kind is found when the rulebook is read, not when nobody sees the work."""
    posts = {"reader": {"name": "读表员", "handles": ["meter"], "source": "organisation"}}
    faults = read_rulebooks(organisation(tmp_path, "standard", staff={"posts": posts})).faults
    assert any("meter" in fault.reason for fault in faults)
    apart = {"value": "nowhere", "source": "organisation"}
    faults = read_rulebooks(organisation(tmp_path, "standard", staff={"apart": apart})).faults
    assert any("nowhere" in fault.reason for fault in faults)
