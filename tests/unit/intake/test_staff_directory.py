"""Who works where and under whom: escalation goes to the one above, headcounts hold, leavers lose their account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.intake.rulebook import read_rulebooks
from shared.errors import Conflict, Forbidden, RuleRefused, ValidationFailed
from tests.unit.intake.on_duty import Intake, organisation


def of(tmp_path: Path, profile: str, **sections: Any) -> Intake:
    return Intake("test-org", "2025-05-06 09:00", organisation(tmp_path, profile, **sections))


def enter(intake: Intake, staff: str, unit: str, post: str, **more: Any) -> Any:
    """Enter a member and their induction."""
    entered = intake.do("enter_member", "hr", "manager", staff=staff, unit=unit, post=post, **more)
    if entered["state"] == "joining":
        entered = intake.do("change_member", "hr", "manager", staff=staff, action="induct")
    return entered


def superior(intake: Intake, staff: str, **more: Any) -> Any:
    return intake.do("get_superior", staff, staff=staff, **more)


@pytest.mark.rule("A-PRM-06")
def test_a_steward_escalates_to_the_director_and_to_no_other_steward(tmp_path: Path) -> None:
    """Promise: it goes to the one above, and a steward has nobody below."""
    intake = of(tmp_path, "property")
    for staff, post in (("D1", "director"), ("S1", "steward"), ("S2", "steward")):
        enter(intake, staff, "management_office", post)
    assert superior(intake, "S1", to="D1")["superior"] == "D1"
    with pytest.raises(RuleRefused) as refused:
        superior(intake, "S1", to="S2")
    assert refused.value.rule == "A-PRM-06"
    under = {"posts": {"helper": {"name": "助手", "superior": "steward", "source": "organisation"}}}
    faults = read_rulebooks(organisation(tmp_path, "property", staff=under)).faults
    assert any("leads nobody" in fault.reason for fault in faults)


@pytest.mark.rule("A-AFT-01")
def test_the_after_sales_manager_reports_to_the_marketing_vice_president(tmp_path: Path) -> None:
    """Promise: what the manager cannot settle goes to the one vice-president named."""
    intake = of(tmp_path, "product-after-sales")
    for staff, post in (("V1", "marketing_vp"), ("M1", "manager"), ("C1", "office_clerk")):
        enter(intake, staff, "customer_service", post)
    assert superior(intake, "M1")["superior"] == "V1"
    assert superior(intake, "C1")["chain"] == ["manager", "marketing_vp"]


@pytest.mark.rule("A-WHB-01")
def test_escalation_climbs_from_assistant_to_director_to_manager(tmp_path: Path) -> None:
    """Promise: level by level, none left out."""
    intake = of(tmp_path, "property")
    posts = (("M1", "manager"), ("D1", "cs_director"), ("A1", "assistant"), ("C1", "clerk"))
    for staff, post in posts:
        enter(intake, staff, "customer_service", post)
    assert [superior(intake, staff)["superior"] for staff in ("C1", "A1", "D1")] == ["A1", "D1", "M1"]
    with pytest.raises(RuleRefused) as refused:
        superior(intake, "A1", to="M1")
    assert refused.value.rule == "A-WHB-01"


@pytest.mark.rule("B-MAI-01")
def test_every_agent_stands_in_a_chain_up_to_the_manager(tmp_path: Path) -> None:
    """Promise: an agent without a supervisor is found out, not escalated into nothing."""
    intake = of(tmp_path, "standard")
    enter(intake, "A1", "customer_service", "agent")
    with pytest.raises(RuleRefused) as refused:
        superior(intake, "A1")
    assert refused.value.rule == "B-MAI-01"
    enter(intake, "S1", "customer_service", "supervisor")
    found = superior(intake, "A1")
    assert (found["superior"], found["chain"]) == ("S1", ["supervisor", "manager"])


@pytest.mark.rule("A-CCC-14", "A-CCC-15")
def test_a_supervisor_has_five_agents_and_a_vacancy_is_counted(tmp_path: Path) -> None:
    """Promise: four agents are flagged, five pass; five of six leave one place."""
    intake = of(tmp_path, "call-centre")
    enter(intake, "S1", "customer_service", "supervisor")
    for number in range(4):
        enter(intake, f"A{number}", "customer_service", "specialist")

    def seen() -> tuple[bool, int]:
        table = intake.do("get_staffing", "hr")
        (team,) = table["teams"]
        assert team["source"] == "A-CCC-14"
        (row,) = [row for row in table["posts"] if row["post"] == "specialist"]
        assert (row["planned"], row["source"]) == (6, "A-CCC-15")
        return team["under_minimum"], row["vacant"]

    assert seen() == (True, 2)
    enter(intake, "A4", "customer_service", "specialist")
    assert seen() == (False, 1)


@pytest.mark.rule("A-TEL-06")
def test_the_seventh_person_of_a_department_of_six_stays_pending(tmp_path: Path) -> None:
    """Promise: one manager and five in two groups; the next one waits until somebody leaves."""
    intake = of(tmp_path, "call-centre")
    enter(intake, "M1", "telesales_cs", "telesales_manager")
    for number in range(5):
        group, post = (
            ("telemarketing_group", "telemarketer")
            if number < 3
            else ("aftersales_group", "aftersales_agent")
        )
        assert enter(intake, f"T{number}", group, post)["state"] == "active"
    seventh: dict[str, Any] = {"staff": "T9", "action": "admit"}
    assert enter(intake, "T9", "aftersales_group", "aftersales_agent")["state"] == "pending"
    with pytest.raises(Conflict):
        intake.do("change_member", "hr", "manager", **seventh)
    intake.do("change_member", "hr", "manager", staff="T0", action="leave")
    assert intake.do("change_member", "hr", "manager", **seventh)["state"] == "joining"


@pytest.mark.rule("A-TEL-08")
def test_the_department_has_two_groups_and_a_third_takes_a_change_of_the_rulebook(tmp_path: Path) -> None:
    """Promise: nobody is entered into a group that nobody decided on."""
    intake = of(tmp_path, "call-centre")
    enter(intake, "M1", "telesales_cs", "telesales_manager")
    enter(intake, "T1", "telemarketing_group", "telemarketer")
    enter(intake, "T2", "aftersales_group", "aftersales_agent")
    below = intake.do("list_members", "hr", unit="sales_division")
    assert [row["staff"] for row in below] == ["M1", "T1", "T2"]
    with pytest.raises(ValidationFailed):
        enter(intake, "T3", "third_group", "telemarketer")


@pytest.mark.rule("B-MBY-02")
def test_a_shops_four_posts_see_each_its_own_list(tmp_path: Path) -> None:
    """Promise: who answers before the sale does not open what comes after it."""
    intake = of(tmp_path, "online-store")
    enter(intake, "L1", "customer_service", "supervisor")
    seen = {}
    for post in ("presale", "aftersale", "tracking", "complaint"):
        enter(intake, f"u-{post}", "customer_service", post)
        seen[post] = superior(intake, f"u-{post}")["sees"]
    assert seen == {
        "presale": ["chat"],
        "aftersale": ["aftersale"],
        "tracking": ["tracking"],
        "complaint": ["complaints"],
    }


@pytest.mark.rule("A-JD12-12")
def test_work_of_level_three_is_offered_only_to_those_of_level_three_who_are_there(tmp_path: Path) -> None:
    """Promise: work goes by ability, and not to somebody on leave."""
    intake = of(tmp_path, "standard")
    for staff, level in (("A1", 2), ("A2", 3), ("A3", 5), ("A4", 3)):
        enter(intake, staff, "customer_service", "agent", skills={"refunds": level})
    away = {"first": "2025-05-05", "last": "2025-05-07", "action": "absent"}
    intake.do("change_member", "hr", "manager", staff="A4", **away)
    offered = intake.do("list_members", "hr", skill="refunds", level=3)
    assert [row["staff"] for row in offered] == ["A2", "A3"]
    intake.do("change_member", "hr", "manager", staff="A1", action="qualify", skills={"refunds": 3})
    assert len(intake.do("list_members", "hr", skill="refunds", level=3)) == 3


@pytest.mark.rule("A-JD1-12")
def test_an_account_comes_with_the_induction_and_goes_with_its_holder(tmp_path: Path) -> None:
    """Promise: a leaver of 31 May is locked out on 1 June, and a joiner signs in after the induction."""
    intake = of(tmp_path, "standard")
    new = {"staff": "S3", "unit": "customer_service", "post": "agent"}
    assert intake.do("enter_member", "hr", "manager", **new)["account"] is False
    assert intake.do("change_member", "hr", "manager", staff="S3", action="induct")["account"] is True
    left = intake.do("change_member", "hr", "manager", staff="S3", action="leave", last="2025-05-31")
    assert left["account_until"] == "2025-05-31T16:00:00.000Z"
    (told,) = intake.told("account_disabled")
    assert (told["day"], told["disabled_from"]) == ("2025-05-31", "2025-05-31T16:00:00.000Z")
    assert told["source"] == "A-JD1-12"
    with pytest.raises(Conflict):
        intake.do("change_member", "hr", "manager", staff="S3", action="induct")


@pytest.mark.rule("B-CST-01")
def test_the_four_levels_stand_one_above_the_other(tmp_path: Path) -> None:
    """Promise: manager, supervisor, specialist and representative are four levels, and data."""
    (regulation,) = read_rulebooks(organisation(tmp_path, "standard")).profiles["standard"]
    posts = regulation.sections.staff
    levels = {post.code: post.level for post in posts.posts if post.level is not None}
    assert levels == {"manager": 1, "supervisor": 2, "specialist": 3, "representative": 4}
    assert posts.chain("representative") == ["supervisor", "manager"]
    assert regulation.source_of("staff.posts.representative") == "B-CST-01"


def test_a_deputy_acts_for_a_superior_who_is_away(tmp_path: Path) -> None:
    """Promise: escalation reaches somebody who is there, and says for whom they act."""
    intake = of(tmp_path, "standard")
    for staff, post in (("M1", "manager"), ("D1", "specialist"), ("S1", "supervisor")):
        enter(intake, staff, "customer_service", post)
    away: dict[str, Any] = {"first": "2025-05-06", "last": "2025-05-06", "deputy": "D1"}
    intake.do("change_member", "hr", "manager", staff="M1", action="absent", **away)
    found = superior(intake, "S1")
    assert (found["superior"], found["acting_for"]) == ("D1", "M1")
    intake.at("2025-05-07 00:00")
    assert superior(intake, "S1")["acting_for"] is None


def test_only_those_who_lead_keep_the_directory_and_a_staff_id_is_one_persons(tmp_path: Path) -> None:
    """Promise: nobody enters themselves, or somebody twice."""
    intake = of(tmp_path, "standard")
    new = {"staff": "A1", "unit": "customer_service", "post": "agent"}
    with pytest.raises(Forbidden):
        intake.do("enter_member", "A1", **new)
    intake.do("enter_member", "hr", "manager", **new)
    with pytest.raises(Conflict):
        intake.do("enter_member", "hr", "manager", **new)
