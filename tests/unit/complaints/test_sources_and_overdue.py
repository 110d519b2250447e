"""Where complaints come from, whose they are, what escalates them, and which rules count them as overdue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.case import Case
from services.intake.rulebook import load_rulebooks as load_intake
from shared.errors import Conflict, RuleRefused
from tests.unit.complaints.fakes import (
    ORGANISATIONS,
    PLAZA,
    PROPERTY,
    SHOP,
    beijing,
    clock,
    entries,
    routed,
)
from tests.unit.complaints.offer_world import books
from tests.unit.complaints.receiving_world import Reception

HEAD = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
"""
#: What the plaza's handbook leaves to the organisation: when progress is due, when a reply is, what late means.
MALL = f"""{HEAD}
      levels:
        - {{code: general, name: 一般投诉, source: organisation}}
        - {{code: important, name: 重要投诉, tests: {{escalations_from: 2}}, source: organisation}}
        - {{code: major, name: 重大投诉, tests: {{amount_from: 50000}}, source: organisation}}
      clocks:
        reply:
          starts: received
          ends: replied
          duration: {{amount: 24, unit: hours, source: organisation}}
        progress:
          starts: accepted
          ends: progressed
          duration: {{amount: 4, unit: hours, source: organisation}}
      receiving:
        late_entry:
          within: {{amount: 1, unit: days, from_next_day: true, end_of_day: true, source: organisation}}
"""
RATING = f"""{HEAD}
      clocks:
        rating_answer:
          starts: received
          ends: replied
          sources: [shop_rating]
          duration: {{amount: 24, unit: hours, source: organisation}}
"""


@pytest.fixture
def mall(tmp_path: Path) -> Reception:
    """Return a shopping centre that says what its handbook leaves open."""
    return Reception("mall", books(tmp_path, "mall", "commercial-plaza", MALL))


def accepted(reception: Reception, case: Case) -> Case:
    reception.do("decide_validity", case, valid=True, reason="属实")
    return reception.kept(case)


def rules_of(reception: Reception, case: Case) -> list[tuple[str, str, bool]]:
    return [(row["rule"], row["clock"], row["still"]) for row in reception.seen(case)["overdue"]]


@pytest.mark.rule("B-JKC-57")
def test_what_audit_counts_is_overdue_without_a_reply_at_the_limit_and_without_its_closing(
    mall: Reception,
) -> None:
    """To the instant; and the same complaint through another channel is not counted by this rule."""
    audit, phone = mall.open("ct_1", channel="audit"), mall.open("ct_2", channel="phone", problem="smell")
    for case in (audit, phone):
        accepted(mall, case)
        mall.do("progress", case, text="已联系")
    mall.world.at("2026-03-03 08:59:59")
    assert rules_of(mall, audit) == []
    mall.world.at("2026-03-03 09:00")
    assert rules_of(mall, audit) == [("B-JKC-57", "reply", True)]
    assert rules_of(mall, phone) == []

    mall.do("reply", audit, text="已修复")
    assert rules_of(mall, audit) == [("B-JKC-57", "reply", False)]
    # Accepted on Monday: to be closed by the end of Thursday.
    mall.world.at("2026-03-05 23:59")
    assert ("B-JKC-57", "close", True) not in rules_of(mall, audit)
    mall.world.at("2026-03-06 00:00")
    assert ("B-JKC-57", "close", True) in rules_of(mall, audit)
    rows = mall.ledger(source="audit")["rows"]
    assert [flag["rule"] for flag in rows[0]["overdue"]] == ["B-JKC-57", "B-JKC-57"]


@pytest.mark.rule("B-JKC-58")
def test_a_case_is_overdue_while_no_progress_was_registered_in_time(mall: Reception) -> None:
    """Whatever its source; the entry ends it, and the miss stays on record."""
    case = accepted(mall, mall.open(channel="phone"))
    assert clock(case, "progress").state.value == "running"
    mall.world.at("2026-03-02 12:59")
    assert rules_of(mall, case) == []
    mall.world.at("2026-03-02 13:00")
    assert rules_of(mall, case) == [("B-JKC-58", "progress", True)]
    mall.do("progress", case, text="已派工程部")
    assert rules_of(mall, case) == [("B-JKC-58", "progress", False)]
    assert entries(mall.kept(case), "clock_breached")[-1].data["clock"] == "progress"

    other = accepted(mall, mall.open("ct_2", problem="smell", received_at=beijing("2026-03-02 12:00")))
    mall.do("progress", other, text="已派工程部")
    assert rules_of(mall, other) == []


@pytest.mark.rule("B-JKC-60")
def test_a_complaint_entered_two_days_late_by_oversight_is_an_escalation(mall: Reception) -> None:
    """Taken on Monday at nine, entered on Wednesday: whoever is in charge says it was oversight."""
    mall.world.at("2026-03-04 09:00")
    case = mall.open(received_at=beijing("2026-03-02 09:00"))
    assert entries(case, "case_escalated") == []
    mall.refused("report_late_entry", case, RuleRefused, roles={"complaint_handler"}, reason="漏录")

    mall.do("report_late_entry", case, reason="责任人漏录")

    kept = mall.kept(case)
    (event,) = entries(kept, "case_escalated")
    assert (event.data["cause"], kept.escalations) == ("late_entry", 1)
    assert mall.seen(case)["late_entry_at"] == "2026-03-04T01:00:00.000Z"
    mall.refused("report_late_entry", case, Conflict, reason="再报一次")


def test_what_was_entered_in_time_escalates_nobody(mall: Reception) -> None:
    """Up to the end of the next day is in time here; the minute after is not."""
    mall.world.at("2026-03-03 23:59")
    case = mall.open(received_at=beijing("2026-03-02 09:00"))
    assert mall.refused("report_late_entry", case, RuleRefused, reason="漏录").rule == "B-JKC-60"
    mall.world.at("2026-03-04 00:00")
    late = mall.open("ct_2", problem="smell", received_at=beijing("2026-03-02 09:00"))
    mall.do("report_late_entry", late, reason="漏录")


def test_a_profile_without_the_rule_knows_no_late_entries() -> None:
    """Only the shopping centre's handbook speaks of them."""
    shop = Reception(SHOP)
    case = shop.open()
    assert shop.refused("report_late_entry", case, RuleRefused, reason="漏录").rule == "design"


@pytest.mark.rule("B-JKC-59")
def test_a_repeat_by_the_club_website_joins_its_case_and_escalates_it(mall: Reception) -> None:
    """How many escalations raise the level is data: here the second one does."""
    case = mall.open("ct_1", customer="cu_1", channel="phone")
    again = mall.open("ct_2", customer="cu_1", channel="club_website")
    assert (again.id, again.escalations, again.level) == (case.id, 1, "general")
    third = mall.open("ct_3", customer="cu_1", channel="call_centre")
    assert (third.contacts, third.escalations, third.level) == (["ct_1", "ct_2", "ct_3"], 2, "important")
    assert [entry.data["channel"] for entry in entries(third, "case_escalated")] == [
        "club_website",
        "call_centre",
    ]
    assert entries(third, "case_level_changed")[0].data["because"] == ["escalations"]
    assert mall.world.look.explain_level(mall.org, case.id)["because"] == ["escalations"]


def test_a_case_says_where_it_came_from(mall: Reception) -> None:
    """By its channel, as the rulebook names the source; a channel no source names stands for itself."""
    audit, phone = mall.open("ct_1", channel="audit_legal"), mall.open("ct_2", problem="smell")
    assert (audit.source, phone.source) == ("audit_legal", "phone")
    assert entries(audit, "case_opened")[0].data["source"] == "audit_legal"
    assert mall.world.look.case(mall.org, audit.id)["source"] == "audit_legal"
    assert mall.seen(audit)["source"] == {
        "code": "audit_legal",
        "name": "审计法务中心",
        "rule": "B-JKC-62",
        "owners": [],
        "department": None,
        "priority": None,
        "by_audit": True,
    }


@pytest.mark.rule("A-JD1-08")
@pytest.mark.parametrize("bureau", ["industry_bureau", "quality_bureau"])
def test_what_comes_through_a_regulator_is_the_managers_and_the_most_urgent(bureau: str) -> None:
    """No agent takes a step on it, whatever the rulebook's steps grant them; intake knows the channel."""
    plaza = Reception(PLAZA)
    case = plaza.open(channel=bureau)
    seen = plaza.seen(case)["source"]
    assert (seen["owners"], seen["priority"]) == (["manager"], 1)
    assert plaza.refused("decide_validity", case, RuleRefused, valid=True, reason="属实").rule == "A-JD1-08"
    boss = {"staff", "manager"}
    plaza.do("decide_validity", case, roles=boss, valid=True, reason="属实")
    for method in ("progress", "reply"):
        assert plaza.refused(method, case, RuleRefused, text="跟进").rule == "A-JD1-08"
    plaza.do("progress", case, roles=boss, text="跟进")
    assert plaza.do("reply", case, roles=boss, text="已处理")["state"] == "replied"
    intake = load_intake(ORGANISATIONS).for_org(PLAZA, beijing("2026-03-02 09:00")).sections
    assert bureau in {channel.code for channel in intake.channels}


@pytest.mark.rule("A-JD1-07")
def test_a_bad_rating_is_overdue_a_minute_after_the_hours_the_shop_gives_itself(tmp_path: Path) -> None:
    """Rated at ten, unanswered at 10:01 of the next day; other complaints have no such clock."""
    shop = Reception("shop", books(tmp_path, "shop", "membership", RATING))
    shop.world.at("2026-05-06 10:00")
    rating, other = shop.open("ct_1", channel="shop_rating"), shop.open("ct_2", problem="smell")
    assert other.deadlines == []
    shop.world.at("2026-05-07 09:59")
    shop.world.tick()
    assert not shop.kept(rating).overdue
    shop.world.at("2026-05-07 10:01")
    shop.world.tick()
    assert shop.kept(rating).overdue
    assert [row["case_id"] for row in shop.ledger(state="overdue")["rows"]] == [rating.id]


@pytest.mark.rule("B-MBY-10")
def test_a_bad_rating_of_the_online_store_is_a_case_of_its_own_kind_for_after_sales() -> None:
    """The case says it is a rating, and who handles returns handles it; the rest stays with the complaint post."""
    shop = Reception(SHOP)
    rating, other = shop.open("ct_1", channel="shop_rating"), shop.open("ct_2", problem="smell")
    assert (rating.source, other.source) == ("shop_rating", "phone")
    decision: dict[str, Any] = {"valid": True, "reason": "属实"}
    assert shop.refused("decide_validity", rating, RuleRefused, **decision).rule == "B-MBY-10"
    shop.do("decide_validity", rating, roles={"aftersale"}, **decision)
    assert shop.do("reply", rating, roles={"aftersale"}, text="已补发")["state"] == "replied"
    shop.do("decide_validity", other, **decision)


@pytest.mark.rule("A-TEL-09")
def test_the_telemarketing_group_receives_by_telephone_and_who_registered_it_is_kept(tmp_path: Path) -> None:
    """The default receiving group of the profile, and the name of whoever took the call."""
    centre = Reception("centre", books(tmp_path, "centre", "call-centre"))
    responsible = {"staff": "stf_caller", "role": "service_desk"}
    case = _open_taken_by(centre, responsible)
    seen = centre.seen(case)
    assert (seen["source"]["name"], seen["source"]["department"]) == ("电话营销组", "telemarketing")
    assert seen["taken_by"] == "stf_caller"
    assert centre.ledger()["rows"][0]["taken_by"] == "stf_caller"


@pytest.mark.rule("B-DUT-23")
def test_a_complaint_taken_at_the_duty_desk_is_a_case_linked_to_its_call() -> None:
    """Recorded clearly: the call of 10:05 leads to the case and the case to the call, and it is answered in time."""
    desk = Reception(PROPERTY)
    desk.world.at("2026-03-02 10:05")
    case = desk.open("ct_call")
    assert desk.world.look.by_contact(PROPERTY, "ct_call")["case_id"] == case.id
    (row,) = desk.ledger()["rows"]
    assert (row["contact_id"], row["received_at"]) == ("ct_call", "2026-03-02T02:05:00.000Z")
    assert clock(case, "reply").due_at == beijing("2026-03-02 12:05")


def _open_taken_by(reception: Reception, responsible: dict[str, Any]) -> Case:
    event = routed(reception.org, "ct_1")
    event["data"]["first_responsible"] = responsible
    reception.world.take(event)
    return reception.world.case_of("ct_1", reception.org)
