"""A shop's departments and team, a channel that an organisation adds, and whose device it is, which stays inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused, ValidationFailed
from tests.unit.intake.fakes import beijing
from tests.unit.intake.on_duty import Intake
from tests.unit.intake.on_duty import organisation as staffed
from tests.unit.intake.privacy_world import DEVICES, PrivacyWorld, agent, only, organisations
from tests.unit.intake.requests_world import Desk, organisation, refused

DEPARTMENTS = [
    "operations",
    "visual_design",
    "distribution",
    "customer_service",
    "promotion",
    "business_development",
    "logistics",
    "finance_admin",
]


@pytest.mark.rule("A-ECO-01")
def test_a_request_goes_to_any_of_eight_departments_and_to_no_ninth(tmp_path: Path) -> None:
    """Promise: each of the eight is asked and answers through its head alone; a code that is none is refused."""
    desk = Desk(organisation(tmp_path, "online-store"), tmp_path)
    by = beijing("2026-03-03 10:00").isoformat()
    for unit in DEPARTMENTS:
        request = desk.take(event=unit)
        desk.do("involve_departments", id=request, lead=unit, departments=[{"unit": unit, "answer_by": by}])
        assert [row["request_id"] for row in desk.rows(department=unit)] == [request]
        with refused("A-ECO-01"):
            desk.do("answer_department", desk.person("p-1", "presale"), id=request, unit=unit, text="好")
        desk.do("answer_department", desk.person("m-1", "manager"), id=request, unit=unit, text="好")
    request = desk.take(event="last")
    for ask in (
        lambda: desk.do("transfer_request", id=request, unit="ninth", reason="转办"),
        lambda: desk.do(
            "involve_departments", id=request, lead="ninth", departments=[{"unit": "ninth", "answer_by": by}]
        ),
        lambda: desk.open("use_problem", unit="ninth"),
    ):
        with pytest.raises(ValidationFailed, match="ninth"):
            ask()
    desk.do("transfer_request", id=request, unit="logistics", reason="转办")
    desk.do("accept_request", desk.person("d-1", "dispatcher"), id=request)
    assert desk.look(request)["owner"]["unit"] == "logistics"


@pytest.mark.rule("A-JD6-01")
def test_a_shops_service_team_is_built_of_one_lead_and_its_agents(tmp_path: Path) -> None:
    """Promise: one lead and six agents are seven people, all under the lead; the seventh agent is still to be found."""
    plan = {"name": "电商客服", "superior": "ecommerce_lead", "planned": 7, "source": "organisation"}
    folder = staffed(tmp_path, "online-store", staff={"posts": {"ecommerce_agent": plan}})
    intake = Intake("test-org", "2025-05-06 09:00", folder)

    def enter(staff: str, post: str) -> None:
        intake.do("enter_member", "hr", "manager", staff=staff, unit="ecommerce_team", post=post)
        intake.do("change_member", "hr", "manager", staff=staff, action="induct")

    agents = [f"A{number}" for number in range(6)]
    enter(agents[0], "ecommerce_agent")
    with pytest.raises(RuleRefused):
        intake.do("get_superior", agents[0], staff=agents[0])
    enter("L1", "ecommerce_lead")
    for staff in agents[1:]:
        enter(staff, "ecommerce_agent")
    assert {intake.do("get_superior", staff, staff=staff)["superior"] for staff in agents} == {"L1"}
    table = {row["post"]: row for row in intake.do("get_staffing", "m-1", "manager")["posts"]}
    lead, members = table["ecommerce_lead"], table["ecommerce_agent"]
    assert (lead["held"], lead["source"], members["held"], members["vacant"]) == (1, "A-JD6-01", 6, 1)
    team = intake.do("list_members", "m-1", unit="ecommerce_team")
    assert {row["staff"] for row in team} == {"L1", *agents}


@pytest.mark.rule("B-OPT-04")
def test_a_new_channel_is_one_line_of_an_organisation_and_changes_no_other(tmp_path: Path) -> None:
    """Promise: before the line the channel is refused; with it contacts come in, as by the channels there were."""
    line: dict[str, Any] = {"mini_program": {"name": "微信小程序", "source": "organisation"}}
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, intake in ((before, None), (after, {"channels": line})):
        folder.mkdir()
        organisation(folder, "standard", intake=intake)
    old, new = Desk("standard-test", before), Desk("standard-test", after)
    (item,) = old.deliver(1, channel="mini_program")
    assert old.app.desk.contacts("standard-test", everything()) == []
    (rejection,) = old.app.desk.rejections("standard-test", 10, 0)
    assert [reason["field"] for reason in rejection["reasons"]] == ["data.channel"]
    assert item.reason is None
    came = ["mini_program", "phone", "wechat", "email"]
    for number, channel in enumerate(came, 1):
        new.deliver(number, channel=channel)
        if channel != "mini_program":
            old.deliver(number, event=f"again-{number}", channel=channel)
    kept = new.app.desk.contacts("standard-test", everything())
    assert {row["channel"] for row in kept} == set(came)
    assert {(row["channel"], row["target"]) for row in kept if row["channel"] != "mini_program"} == {
        (row["channel"], row["target"]) for row in old.app.desk.contacts("standard-test", everything())
    }
    assert new.count("channel") == dict.fromkeys(came, 1)


def everything() -> dict[str, Any]:
    return {"category": None, "received_from": None, "limit": 50, "skip": 0}


@pytest.mark.rule("B-GEN-07")
def test_an_agent_takes_no_device_owners_numbers_out_and_the_attempt_is_logged(tmp_path: Path) -> None:
    """Promise: the owners' numbers leave with the manager alone; an agent's try is refused and stands in the log."""
    world = PrivacyWorld(organisations(tmp_path / "organisations"))
    for number in range(3):
        world.customer(DEVICES, kind="person", name=f"机主{number}", phone=f"1380000{number:04d}")
    with pytest.raises(RuleRefused) as denied:
        world.export(agent(DEVICES, "personal_data", actor="u-9"))
    assert denied.value.rule == "B-GEN-07"
    line = only(world.log(DEVICES))
    assert (line["by"], line["outcome"], line["source"], line["count"]) == ("u-9", "refused", "B-GEN-07", 3)
    assert "phone" in line["fields"]
    assert world.export(agent(DEVICES, "manager", actor="m-1"))["count"] == 3
    assert "+8613" not in world.all_events()
