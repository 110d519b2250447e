"""Relations at a plaza: what a contact record holds, plans by grade, and what grades may be used for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import ValidationFailed
from tests.unit.followup.contact_world import World

WORDS: dict[str, Any] = {"views": "物业响应及时。", "business_state": "客流上升。"}
PLANNED: dict[str, Any] = {"planned_on": "2026-03-10", "by": "u-7"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a plaza that knows three graded customers."""
    plaza = World(tmp_path, "commercial-plaza", "2026-03-02 09:00")
    plaza.people("cu_1", type="tenant", grade="level_1", vip="yes")
    plaza.people("cu_2", type="owner", grade="level_2", vip="no")
    plaza.people("cu_3", type="own", grade="level_3")
    return plaza


@pytest.mark.rule("B-JKC-39")
def test_a_tenants_record_has_three_topics_and_is_face_to_face_by_default(world: World) -> None:
    """Guards the topics of tenants: views, business state, service needs; none may be left out."""
    whole = WORDS | {"service_needs": "延长空调时间。"}
    for topic in whole:
        less = {code: text for code, text in whole.items() if code != topic}
        assert world.refused("customer_contact", customer="cu_1", **less).rule == "B-JKC-39"
    values = world.values(world.open("customer_contact", customer="cu_1", **whole))
    assert (values["mode"], values["customer_type"]) == ("face", "tenant")


@pytest.mark.rule("B-JKC-38")
def test_an_owners_record_has_three_topics_and_own_resources_none(world: World) -> None:
    """Guards the topics of owners: views, tenants' business state, leasing, by phone, SMS or meeting."""
    whole = WORDS | {"leasing": "年底到期。", "mode": "phone"}
    for topic in ("views", "business_state", "leasing", "mode"):
        less = {code: text for code, text in whole.items() if code != topic}
        assert world.refused("customer_contact", customer="cu_2", **less).rule == "B-JKC-38"
    values = world.values(world.open("customer_contact", customer="cu_2", **whole))
    assert values["grade"] == "level_2"
    world.open("customer_contact", customer="cu_3")


@pytest.mark.rule("B-JKC-02")
def test_a_need_in_a_contact_is_analysed_and_followed_up(world: World) -> None:
    """Guards the two fields: a need without its follow-up is refused."""
    assert world.refused("customer_contact", customer="cu_3", need="扩租").rule == "B-JKC-02"
    record = world.open("customer_contact", customer="cu_3", need="扩租", follow_up="转招商部，周五前答复。")
    assert world.values(record)["follow_up"] == "转招商部，周五前答复。"


@pytest.mark.rule("B-JKC-03")
def test_a_contact_carries_the_customers_two_grades_and_nobody_can_write_them(world: World) -> None:
    """Guards the use of both gradings: what is known counts, whatever somebody gives, and a correction looks again."""
    record = world.open("customer_contact", customer="cu_3", grade="level_1", vip="yes")
    assert world.values(record).get("vip") is None
    assert world.values(record)["grade"] == "level_3"
    with pytest.raises(ValidationFailed):
        world.correct(record, grade="level_1")
    world.correct(record, customer="cu_1", service_needs="无", **WORDS)
    assert [world.values(record)[code] for code in ("grade", "vip")] == ["level_1", "yes"]


@pytest.mark.rule("B-JKC-34")
def test_level_one_is_planned_for_a_deputy_manager_or_above(world: World) -> None:
    """Guards the posts: a clerk is refused level one; somebody too high for the others is pointed out."""
    for post in ("clerk", "supervisor"):
        assert world.refused("relation_plan", customer="cu_1", post=post, **PLANNED).rule == "B-JKC-34"
    world.open("relation_plan", customer="cu_1", post="deputy_manager", **PLANNED)
    assert world.values(world.open("relation_plan", customer="cu_2", post="clerk", **PLANNED))["flags"] == []
    high = world.open("relation_plan", customer="cu_3", post="manager", **PLANNED)
    assert world.values(high)["flags"] == ["other_post"]
    assert world.gaps("yearly_plan") == []
    assert world.coverage("yearly_plan")["state"] == "met"
    assert world.act_refused(high, "file", "cs_head").rule == "B-JKC-34"
    assert world.act_refused(high, "file", overview="2026-03").rule == "B-JKC-34"
    assert world.act(high, "file", "cs_head", overview="2026-03统筹表第12行")["state"] == "filed"


@pytest.mark.rule("B-JKC-32")
def test_the_plan_takes_level_one_first(world: World) -> None:
    """Guards the order of whoever is to be planned next: by grade, whatever their ids are."""
    world.people("cu_0", "cu_4", grade="level_2")
    world.people("cu_9", grade="level_1")
    world.people("cu_5")
    order = ["cu_1", "cu_9", "cu_0", "cu_2", "cu_4", "cu_3", "cu_5"]
    assert world.gaps("yearly_plan") == order
    assert world.gaps("yearly_plan", limit=2) == order
    assert world.coverage("yearly_plan")["source"] == "B-JKC-32"
    world.open("relation_plan", customer="cu_1", post="manager", **PLANNED)
    assert world.gaps("yearly_plan") == order[1:]
    assert world.refused("relation_plan", customer="cu_5", post="clerk", **PLANNED).rule == "B-JKC-32"


@pytest.mark.rule("B-JKC-35")
def test_the_contact_records_of_a_month_are_submitted_on_its_last_working_day(tmp_path: Path) -> None:
    """Guards 31 March 2025, a Monday, and 30 May, because 31 May was a holiday."""
    world = World(tmp_path, "commercial-plaza", "2025-03-03 09:00")
    world.open("contact_month", month_of="2025-02-28", contacts=40, document="OA-1")
    world.at("2025-03-31 23:59")
    assert world.missing("contact_month") == []
    world.at("2025-04-01 00:00")
    (row,) = world.missing("contact_month")
    assert (row["due_at"], row["source"]) == ("2025-03-31T16:00:00.000Z", "B-JKC-35")
    for month in ("2025-03-31", "2025-04-30"):
        world.open("contact_month", month_of=month, contacts=41, document="OA-2")
    assert world.missing("contact_month") == []
    world.at("2025-05-31 00:00")
    (row,) = world.missing("contact_month")
    assert (row["last_day"], row["due_at"]) == ("2025-05-31", "2025-05-30T16:00:00.000Z")


@pytest.mark.rule("B-JKC-24")
def test_only_level_one_is_graded_again_to_vip_or_general(world: World) -> None:
    """Guards the second grading: by assets and business scale, of level-one customers, once a period."""
    scale = {"period": "2026-01", "assets": "3栋", "business_scale": "年营业额2亿"}
    assert world.refused("second_grading", customer="cu_2", result="vip", **scale).rule == "B-JKC-24"
    less = {"customer": "cu_1", "result": "vip", "period": "2026-01", "assets": "3栋"}
    assert world.refused("second_grading", **less).rule == "B-JKC-24"
    assert world.refused("second_grading", customer="cu_1", **scale).rule == "B-JKC-24"
    record = world.open("second_grading", customer="cu_1", result="vip", **scale)
    assert world.refused("second_grading", customer="cu_1", result="general", **scale).rule == "B-JKC-24"
    assert world.act_refused(record, "approve").rule == "B-JKC-29"
    assert world.act(record, "approve", "cs_head")["state"] == "approved"


@pytest.mark.rule("B-JKC-28")
def test_grading_results_are_late_after_the_day_of_the_notice(tmp_path: Path) -> None:
    """Guards mid-January: submitted on the 15th in time, on the 28th late by the notice's 20th."""
    world = World(tmp_path, "commercial-plaza", "2025-01-06 09:00")
    early, late = (
        world.open("grading_submission", operating_unit=unit, notice_on="2025-01-20")
        for unit in ("一店", "二店")
    )
    world.at("2025-01-15 10:00")
    world.act(early, "submit", document="经字1号")
    world.at("2025-01-28 10:00")
    world.act(late, "submit", document="经字2号")
    assert world.values(early)["flags"] == []
    assert world.values(late)["flags"] == ["late:notice"]
    (breach,) = world.told("clock_breached")
    assert (breach["due_at"], breach["source"]) == ("2025-01-20T16:00:00.000Z", "B-JKC-28")


@pytest.mark.rule("B-JKC-31")
def test_a_benefit_is_not_used_before_it_is_approved(world: World) -> None:
    """Guards the application: no rent discount without the approval of whoever may give it."""
    record = world.open("grade_benefit", customer="cu_1", benefit="rent_discount", terms="九五折")
    assert world.act_refused(record, "use").rule == "B-JKC-31"
    assert world.act_refused(record, "approve").rule == "B-JKC-31"
    world.act(record, "approve", "cs_head")
    assert world.act(record, "use")["state"] == "used"
    ungraded = {"customer": "cu_99", "benefit": "other", "terms": "免费车位"}
    assert world.refused("grade_benefit", **ungraded).rule == "B-JKC-31"


@pytest.mark.rule("B-JKC-33")
def test_only_vip_customers_are_on_the_list_of_the_alliance(world: World) -> None:
    """Guards the invitations: the list looks the second grade up in every row and refuses all others."""
    alliance = {"event": "E5", "held_on": "2026-04-01"}
    for general in ("cu_2", "cu_3"):
        invited = [{"customer": "cu_1"}, {"customer": general, "vip": "yes"}]
        assert world.refused("vip_event", invited=invited, **alliance).rule == "B-JKC-33"
    record = world.open("vip_event", invited=[{"customer": "cu_1"}], **alliance)
    assert world.values(record)["invited"] == [{"customer": "cu_1", "vip": "yes"}]


@pytest.mark.rule("B-JKC-30")
def test_a_tenders_score_reads_the_grade(tmp_path: Path) -> None:
    """Guards the score table: the bidder's grade is looked up, and its points are the configured ones."""
    points = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
      registers:
        tender_score:
          checks:
            level_1:
              when: {field: grade, value: level_1}
              holds: {field: points, is: equal, value: "10"}
              message: level one has ten points
              source: organisation
"""
    world = World(tmp_path, "commercial-plaza", "2026-03-02 09:00", points)
    world.people("cu_1", grade="level_1")
    tender = {"tender": "T1", "customer": "cu_1"}
    assert world.refused("tender_score", points=8, **tender).rule == "organisation"
    values = world.values(world.open("tender_score", points=10, grade="level_3", **tender))
    assert (values["grade"], values["points"]) == ("level_1", "10")
    assert world.refused("tender_score", tender="T1", customer="cu_9", points=10).rule == "B-JKC-30"
