"""What every profile has: four stages, diagnosis before solution, identity before details, tasks of a leader."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.regulations import RegulationError
from tests.unit.intake.requests_world import Desk, instant, organisation, refused

NEXT = "2026-03-05T09:00:00+08:00"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return the desk of an organisation on the standard profile."""
    return Desk(organisation(tmp_path, "standard"), tmp_path)


@pytest.mark.rule("B-STD-09", "B-STD-11", "B-STD-12")
def test_an_enquiry_is_diagnosed_before_it_is_solved_and_has_a_next_day_while_open(desk: Desk) -> None:
    """Promise: inquiry, diagnosis, solution, survey; no plan without a diagnosis, no open item without a date."""
    request = desk.take()
    assert [row["stage"] for row in desk.look(request)["stages"]] == [
        "inquiry",
        "diagnosis",
        "solution",
        "survey",
    ]
    with refused("B-STD-11"):
        desk.act(request, "solve", plan="更换", next_at=NEXT)
    with refused("B-STD-12"):
        desk.act(request, "diagnose", diagnosis="接触不良")
    with refused("B-STD-09"):
        desk.act(request, "finish", outcome="好")
    desk.act(request, "diagnose", diagnosis="接触不良", next_at=NEXT)
    assert desk.clocks(request)["follow"]["source"] == "B-STD-12"
    desk.act(request, "solve", plan="更换", next_at=NEXT)
    assert desk.act(request, "finish", outcome="好")["stage"] == "survey"


@pytest.mark.rule("B-SVN-06")
def test_account_details_are_for_whom_the_account_is(desk: Desk) -> None:
    """Promise: identity and problem are verified first."""
    request = desk.take()
    with refused("B-SVN-06"):
        desk.act(request, "give_account_details", account_details="余额")
    desk.act(request, "verify", identity_verified=False, problem_confirmed=True)
    with refused("B-SVN-06"):
        desk.act(request, "give_account_details", account_details="余额")
    desk.act(request, "verify", identity_verified=True)
    desk.act(request, "give_account_details", account_details="余额")


@pytest.mark.rule("B-CPF-01")
def test_a_problem_has_four_stages_each_with_its_beginning(desk: Desk) -> None:
    """Promise: reception, problem handling, complaint handling, tracking, each with the time it began."""
    request = desk.take(category="need")
    desk.pass_time(minutes=5)
    desk.act(request, "handle", record="检查")
    desk.pass_time(minutes=5)
    desk.act(request, "reply", outcome="已修")
    stages = {row["stage"]: row["begun_at"] for row in desk.look(request)["stages"]}
    assert list(stages) == ["reception", "problem_handling", "complaint_handling", "tracking"]
    assert stages["complaint_handling"] is None
    assert stages["reception"] < stages["problem_handling"] < stages["tracking"]


@pytest.mark.rule("A-GEN-06")
def test_what_is_recorded_is_classified_before_it_is_handled(desk: Desk) -> None:
    """Promise: record, classify, handle, track, in that order."""
    request = desk.take(category="suggestion")
    with refused("A-GEN-06"):
        desk.act(request, "handle", record="采纳")
    desk.act(request, "classify", **{"class": "服务"})
    desk.act(request, "handle", record="采纳")
    assert desk.act(request, "track", outcome="已实施")["closed"] is True


@pytest.mark.rule("B-SFM-04")
def test_everybody_sees_past_and_next_steps_with_who_is_responsible(desk: Desk) -> None:
    """Promise: what was done and what may be done now, each with its people."""
    request = desk.take(category="suggestion")
    desk.act(request, "classify", **{"class": "服务"})
    seen = desk.look(request, desk.person("anybody"))
    assert [(done["action"], done["by"]) for done in seen["done"]] == [("classify", "u-1")]
    assert seen["next"] == [{"action": "handle", "by": ["staff"], "fills": ["record", "next_at"]}]
    assert all(stage["owner"] for stage in seen["stages"])


@pytest.mark.rule("B-SVN-04")
@pytest.mark.parametrize("lacking", ["owner", "by"])
def test_a_step_without_a_responsible_role_is_no_rulebook(tmp_path: Path, lacking: str) -> None:
    """Promise: the service does not start on a process whose steps are nobody's."""
    stage = {"name": "记录", "owner": "staff", "source": "organisation"}
    action = {"name": "处理", "by": ["staff"], "closes": True, "source": "organisation"}
    (stage if lacking == "owner" else action).pop(lacking)
    process = {"stages": {"one": stage}, "actions": {"do": action}}
    org = organisation(tmp_path, "standard", intake={"requests": {"processes": {"own": process}}})
    with pytest.raises(RegulationError, match=lacking):
        Desk(org, tmp_path)


@pytest.mark.rule("A-JD1-13")
def test_a_task_of_a_leader_is_overdue_after_its_day(desk: Desk) -> None:
    """Promise: due on the 10th, overdue on the 11th, and a day late when done then."""
    desk.at("2026-05-06 09:00")
    task = desk.open("task", desk.person("M", "manager"), assigned_to="A", filled={"due_on": "2026-05-10"})
    desk.at("2026-05-11 10:00")
    (row,) = desk.rows(staff="A", state="overdue")
    assert (row["request_id"], desk.clocks(task)["task"]["source"]) == (task, "A-JD1-13")
    desk.act(task, "finish", outcome="完成")
    assert desk.look(task)["late_days"] == 1


@pytest.mark.rule("B-CPF-04")
def test_a_time_limit_follows_the_urgency(tmp_path: Path) -> None:
    """Promise: where the organisation says so, what is urgent has two hours and the rest a day."""
    hours = {
        level: {"amount": amount, "unit": "hours", "source": "organisation"}
        for level, amount in (("urgent", 2), ("normal", 24))
    }
    clock = {"name": "处理", "by": "level", "cases": hours, "source": "organisation"}
    kind = {
        "name": "问题",
        "process": "service",
        "by": ["staff"],
        "level": "normal",
        "starts": ["handle"],
        "source": "organisation",
    }
    rules = {"requests": {"clocks": {"handle": clock}, "kinds": {"problem": kind}}}
    desk = Desk(organisation(tmp_path, "standard", intake=rules), tmp_path)
    spans = []
    for level in ("urgent", "normal"):
        due = instant(desk.clocks(desk.open("problem", level=level))["handle"])
        spans.append((due - desk.clock.now()).total_seconds() / 3600)
    assert spans == [2, 24]
