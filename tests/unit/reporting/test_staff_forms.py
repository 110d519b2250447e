"""Attendance, leave, overtime, posts and proposals: who may ask, who decides, what is late and what is listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import ValidationFailed
from tests.unit.reporting.register_world import Office, beijing, refused

Offices = Callable[[str], Office]


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Offices:
    """Give one office for each profile; no test of this module moves its time or looks at another's records."""
    built: dict[str, Office] = {}

    def of(profile: str) -> Office:
        if profile not in built:
            built[profile] = Office(tmp_path_factory.mktemp("staff"), profile)
        return built[profile]

    return of


def at(day: str, time: str) -> str:
    return f"{day}T{time}:00+08:00"


@pytest.mark.rule("B-ECM-25")
def test_arrival_and_leaving_stand_in_the_attendance_book(offices: Offices) -> None:
    """Promise: signed in 08:58, signed out 18:01, by the one it is about; a day is in the book once."""
    office = offices("online-store")
    day: dict[str, Any] = {"person": "a-1", "day": "2025-03-04"}
    assert refused(office.open, "attendance_day", **day) == "B-ECM-25"
    record = office.open("attendance_day", **day, came_at=at("2025-03-04", "08:58"))
    left = at("2025-03-04", "18:01")
    assert refused(office.act, record, "sign_out", office.by("a-2"), left_at=left) == "B-ECM-25"
    office.act(record, "sign_out", office.by("a-1"), left_at=left)
    values = office.get(record)["values"]
    assert (values["came_at"], values["left_at"]) == ("2025-03-04T00:58:00.000Z", "2025-03-04T10:01:00.000Z")
    assert values["worked_minutes"] == "543"
    assert refused(office.open, "attendance_day", **day, came_at=at("2025-03-04", "09:00")) == "B-ECM-25"


@pytest.mark.parametrize(
    ("left", "approved", "flags"),
    [("17:05", False, ["left_early"]), ("17:05", True, []), ("18:00", False, [])],
)
@pytest.mark.rule("B-SHP-12")
def test_leaving_early_without_approval_is_listed(
    tmp_path_factory: pytest.TempPathFactory, left: str, approved: object, flags: list[str]
) -> None:
    """Promise: 17:05 instead of 18:00 without approval is in the list of the day; with approval, or at 18:00, not."""
    office = Office(tmp_path_factory.mktemp("early"), "online-store")
    record = office.open(
        "attendance_day",
        person="a-1",
        day="2025-03-04",
        came_at=at("2025-03-04", "09:00"),
        shift_ends=at("2025-03-04", "18:00"),
        approved=approved,
    )
    office.act(record, "sign_out", office.by("a-1"), left_at=at("2025-03-04", left))
    assert office.get(record)["flags"] == flags
    listed = office.find("attendance_day", flag="left_early", where={"day": "2025-03-04"})
    assert listed == ([record] if flags else [])


@pytest.mark.rule("B-ECM-30")
def test_leave_is_approved_by_somebody_above_before_the_shift(offices: Offices) -> None:
    """Promise: approved before the shift it stands; nobody approves his own, and nothing is approved afterwards."""
    office = offices("online-store")
    values = {"kind": "rest", "reason": "搬家"}
    ahead = {"begins_at": at("2026-05-06", "09:30"), "ends_at": at("2026-05-06", "18:00")}
    past = {"begins_at": at("2026-05-06", "08:30"), "ends_at": at("2026-05-06", "18:00")}
    asked = office.open("leave", office.by("a-1"), **values, **ahead)
    assert refused(office.act, asked, "approve", office.by("a-2")) == "B-ECM-30"
    assert refused(office.act, asked, "approve", office.by("a-1", "supervisor")) == "B-ECM-30"
    assert office.act(asked, "approve", office.by("u-9", "supervisor"))["state"] == "approved"
    late = office.open("leave", office.by("a-1"), **values, **past)
    assert refused(office.act, late, "approve", office.by("u-9", "supervisor")) == "B-ECM-30"
    with pytest.raises(ValidationFailed):
        office.act(late, "approve", office.by("u-9", "supervisor"), decided_at=at("2026-05-05", "18:00"))


@pytest.mark.rule("B-SVN-12")
def test_a_shift_of_nine_hours_instead_of_eight_shows_in_the_attendance(offices: Offices) -> None:
    """Promise: worked 9 h of planned 8 h is an hour over, for the day and in the sum."""
    office = offices("standard")
    day = "2026-05-04"
    record = office.open(
        "attendance_day",
        person="a-12",
        day=day,
        shift_begins=at(day, "09:00"),
        shift_ends=at(day, "17:00"),
        came_at=at(day, "09:00"),
        left_at=at(day, "18:00"),
    )
    values = office.get(record)["values"]
    assert (values["planned_minutes"], values["worked_minutes"], values["over"]) == ("480", "540", "60")
    sums = office.figures("attendance_day", "person", "over")["sums_by_field"]
    assert sums["a-12"] == {"over": "60"}


@pytest.mark.rule("B-DIS-01")
def test_an_unapproved_absence_shows_in_the_attendance(offices: Offices) -> None:
    """Promise: absent, late or gone early without approval is flagged; the same with approval is not."""
    office = offices("standard")
    day = "2025-03-04"
    shift = {"shift_begins": at(day, "09:00"), "shift_ends": at(day, "17:00")}
    late = {"came_at": at(day, "09:01"), "left_at": at(day, "16:59")}
    absent = office.open("attendance_day", person="d-1", day=day)
    excused = office.open("attendance_day", person="d-2", day=day, approved=True)
    short = office.open("attendance_day", person="d-3", day=day, **shift, **late)
    allowed = office.open("attendance_day", person="d-4", day=day, **shift, **late, approved=True)
    flags = {record: sorted(office.get(record)["flags"]) for record in (absent, excused, short, allowed)}
    assert flags == {absent: ["absent"], excused: [], short: ["late", "left_early"], allowed: []}


def leave(
    office: Office, kind: str, begins: str, ends: str = "2026-05-31", actor: str = "a-1", **more: Any
) -> str:
    values = {"kind": kind, "begins_at": begins, "ends_on": ends, **more}
    return office.open("leave", office.by(actor), **values)


@pytest.mark.rule("B-CCP-16")
def test_leave_is_asked_level_by_level(offices: Offices) -> None:
    """Promise: the manager cannot decide before the group leader; after him he does."""
    office = offices("property")
    asked = leave(office, "personal", at("2026-05-08", "08:00"), "2026-05-08")
    assert refused(office.act, asked, "approve", office.by("u-9", "manager")) == "B-CCP-16"
    assert office.act(asked, "approve", office.by("u-5", "team_leader"))["state"] == "asked"
    assert refused(office.act, asked, "approve", office.by("u-5", "team_leader")) == "B-CCP-16"
    assert office.act(asked, "approve", office.by("u-9", "manager"))["state"] == "approved"


@pytest.mark.rule("B-CCP-18")
def test_leave_is_asked_ahead_and_in_person(offices: Offices) -> None:
    """Promise: personal a day ahead, special an hour (now is 09:00), by nobody else; only who is ill has it asked."""
    office = offices("property")
    assert refused(leave, office, "personal", at("2026-05-06", "18:00")) == "B-CCP-18"
    assert leave(office, "personal", at("2026-05-07", "08:00"))
    assert refused(leave, office, "special", at("2026-05-06", "09:59")) == "B-CCP-18"
    assert leave(office, "special", at("2026-05-06", "10:00"))
    tomorrow = at("2026-05-07", "08:00")
    assert refused(leave, office, "personal", tomorrow, person="a-2") == "B-CCP-18"
    assert leave(office, "sick", tomorrow, person="a-2")
    with pytest.raises(ValidationFailed):
        leave(office, "personal", at("2026-05-06", "18:00"), asked_at=at("2026-05-01", "08:00"))


@pytest.mark.rule("B-CCP-17")
def test_the_certificate_is_in_on_the_first_day_after_the_leave(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Promise: sick from 6 to 8 May; a certificate of 9 May is in time, none by the end of that day is late."""
    office = Office(tmp_path_factory.mktemp("sick"), "property")
    proved = leave(office, "sick", at("2026-05-06", "08:00"), "2026-05-08")
    late = leave(office, "sick", at("2026-05-06", "08:00"), "2026-05-08", actor="a-2")
    office.pass_time(beijing("2026-05-09 23:00"))
    short = {"certificate_from": "2026-05-06", "certificate_to": "2026-05-07"}
    assert refused(office.act, proved, "prove", office.by("a-1"), **short) == "B-CCP-17"
    office.act(proved, "prove", office.by("a-1"), **short | {"certificate_to": "2026-05-08"})
    assert office.find("leave", overdue=True) == []
    office.pass_time(beijing("2026-05-10 00:01"))
    assert office.find("leave", overdue=True) == [late]
    assert office.told(late, "clock_breached")[0]["source"] == "B-CCP-17"


@pytest.mark.rule("B-CCP-15")
def test_overtime_is_rested_off_in_its_month_or_with_the_managers_consent(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Promise: 4 hours of May unused by 31 May are told to the manager; in June only he lets them be taken."""
    office = Office(tmp_path_factory.mktemp("overtime"), "property")
    taken, kept = (
        office.open("overtime", person=who, worked_on="2026-05-05", hours=4) for who in ("a-1", "a-2")
    )
    office.act(taken, "ask", office.by("a-1"), rested_on="2026-05-31")
    office.act(taken, "rest", office.by("u-5", "team_leader"))
    office.pass_time(beijing("2026-05-31 23:59"))
    assert office.find("overtime", overdue=True) == []
    office.pass_time(beijing("2026-06-01 00:01"))
    assert office.find("overtime", overdue=True) == [kept]
    assert [each["to"] for each in office.told(kept, "record_noticed")] == ["manager"]
    office.act(kept, "ask", office.by("a-2"), rested_on="2026-06-02")
    assert refused(office.act, kept, "rest", office.by("u-5", "team_leader")) == "B-CCP-15"
    assert office.act(kept, "rest", office.by("u-9", "manager"))["state"] == "rested"


@pytest.mark.parametrize(
    ("kind", "begins", "flags"),
    [
        ("special", at("2026-05-06", "09:59"), ["an_hour_ahead"]),
        ("special", at("2026-05-06", "10:00"), []),
        ("personal", at("2026-05-06", "20:00"), ["a_day_ahead"]),
        ("personal", at("2026-05-07", "08:00"), []),
    ],
)
@pytest.mark.rule("B-TEL-08")
def test_leave_asked_too_late_is_marked(offices: Offices, kind: str, begins: str, flags: list[str]) -> None:
    """Promise: asked 59 minutes before the shift (08:00 asked 07:01) is late; the manager may still approve it."""
    office = offices("call-centre")
    asked = leave(office, kind, begins)
    assert office.get(asked)["flags"] == flags
    assert refused(leave, office, kind, begins, person="a-2") == "B-TEL-08"
    assert refused(office.act, asked, "approve", office.by("u-9", "manager")) == "B-TEL-08"
    office.act(asked, "approve", office.by("u-5", "supervisor"))
    assert office.act(asked, "approve", office.by("u-9", "manager"))["state"] == "approved"


@pytest.mark.rule("B-TEL-09")
def test_leaving_the_post_without_approval_is_an_exception(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: away without the manager's word is listed; once he approved it is not, and nobody else can."""
    office = Office(tmp_path_factory.mktemp("post"), "call-centre")
    away = office.open("post_absence", person="a-1", left_at=at("2026-05-06", "08:40"))
    other = office.open("post_absence", person="a-2", left_at=at("2026-05-06", "08:50"))
    assert office.get(away)["flags"] == ["approved"]
    assert refused(office.act, other, "approve", office.by("a-1"), approved=True) == "B-TEL-09"
    office.act(other, "approve", office.by("u-9", "manager"), approved=True)
    assert office.find("post_absence", flag="approved") == [away]


@pytest.mark.rule("B-GEN-03")
def test_an_outing_has_place_time_and_matter(offices: Offices) -> None:
    """Promise: without any of the three it is refused; a statement found false is marked."""
    office = offices("terminal-services")
    outing = {"place": "客户公司", "from_at": at("2026-05-06", "10:00"), "matter": "取货"}
    for lacking in outing:
        assert (
            refused(office.open, "outing", **{k: v for k, v in outing.items() if k != lacking}) == "B-GEN-03"
        )
    record = office.open("outing", office.by("a-1"), **outing)
    assert (
        refused(office.act, record, "verify", office.by("a-1", "manager"), true_statement=False) == "B-GEN-03"
    )
    office.act(record, "verify", office.by("u-9", "manager"), true_statement=False)
    assert office.get(record)["flags"] == ["truthful"]


@pytest.mark.rule("B-GEN-04")
def test_who_does_not_return_from_leave_is_absent_without_authority(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Promise: leave to 8 May without return or extension is unauthorised absence from 9 May on."""
    office = Office(tmp_path_factory.mktemp("overstay"), "terminal-services")
    values = {"begins_on": "2026-05-06", "ends_on": "2026-05-08"}
    gone, back, longer = (office.open("leave", office.by(who), **values) for who in ("a-1", "a-2", "a-3"))
    office.act(back, "return", office.by("a-2"))
    office.act(longer, "extend", office.by("u-9", "manager"), until="2026-05-10")
    office.pass_time(beijing("2026-05-08 23:59"))
    assert office.find("leave", overdue=True) == []
    office.pass_time(beijing("2026-05-09 00:01"))
    assert office.find("leave", flag="late:unauthorised_absence") == [gone]
    office.pass_time(beijing("2026-05-11 00:01"))
    assert office.find("leave", flag="late:extended") == [longer]


@pytest.mark.rule("A-JD5-04")
def test_a_post_without_a_successor_is_listed(offices: Offices) -> None:
    """Promise: the front desk with one successor is not in the list, a post without any is until somebody is named."""
    office = offices("standard")
    named = office.open(
        "post_succession", office.by("u-9", "manager"), post="FRONT_DESK", successors=[{"person": "a-1"}]
    )
    bare = office.open("post_succession", office.by("u-9", "manager"), post="BACK_OFFICE")
    assert office.get(named)["values"]["named"] == "1"
    assert office.find("post_succession", flag="somebody") == [bare]
    office.correct(bare, office.by("u-9", "manager"), successors=[{"person": "a-2"}])
    assert office.find("post_succession", flag="somebody") == []


@pytest.mark.rule("A-JD10-03")
def test_eleven_of_ten_posts_exceed_the_budget_by_one(offices: Offices) -> None:
    """Promise: budget 10, used 11: exceeded by 1, and flagged; 10 of 10 is not."""
    office = offices("standard")
    values = {"department": "客服部", "posts": 10}
    over = office.open("headcount_budget", office.by("u-9", "manager"), **values, period="2026-Q1", used=11)
    even = office.open("headcount_budget", office.by("u-9", "manager"), **values, period="2026-Q2", used=10)
    assert (office.get(over)["values"]["exceeded"], office.get(over)["flags"]) == ("1", ["within"])
    assert office.get(even)["flags"] == []


@pytest.mark.rule("A-TEL-07")
def test_more_calls_than_agents_can_take_ask_for_more_staff(offices: Offices) -> None:
    """Promise: 6 agents with 100 calls each and a limit of 80 are too few, 7.5 are needed; at 80 they do."""
    office = offices("call-centre")
    few = office.open(
        "staffing", office.by("u-9", "manager"), period="2026-05", agents=6, calls=600, limit=80
    )
    shown = office.get(few)
    assert (shown["values"]["each"], shown["values"]["needed"], shown["flags"]) == (
        "100.0",
        "7.5",
        ["enough"],
    )
    enough = office.open(
        "staffing", office.by("u-9", "manager"), period="2026-06", agents=6, calls=480, limit=80
    )
    assert office.get(enough)["flags"] == []


PROPOSED = {"person": "a-1", "from_grade": 2, "to_grade": 3, "months_in_grade": 12, "reason": "业绩突出"}


@pytest.mark.rule("A-JD12-14")
def test_a_promotion_needs_two_approvals(offices: Offices) -> None:
    """Promise: with one it stays a draft, also if the same person approves twice; with two it is approved."""
    office = offices("standard")
    record = office.open("promotion", office.by("u-1", "manager"), **PROPOSED)
    assert office.act(record, "approve", office.by("u-8", "manager"))["state"] == "draft"
    assert refused(office.act, record, "approve", office.by("u-8", "manager")) == "A-JD12-14"
    assert office.act(record, "approve", office.by("u-9", "manager"))["state"] == "approved"


@pytest.mark.rule("A-JD14-05")
def test_a_promotion_is_evaluated_by_the_manager(offices: Offices) -> None:
    """Promise: 4 of 5 by the manager is kept, by an agent refused, and so is 6 of 5."""
    office = offices("standard")
    record = office.open("promotion", office.by("u-1", "manager"), **PROPOSED)
    assert refused(office.act, record, "evaluate", office.by("a-2"), evaluation=4) == "A-JD14-05"
    assert refused(office.act, record, "evaluate", office.by("u-9", "manager"), evaluation=6) == "A-JD14-05"
    office.act(record, "evaluate", office.by("u-9", "manager"), evaluation=4)
    assert office.get(record)["values"]["evaluation"] == "4"


@pytest.mark.rule("A-JD12-10")
def test_a_grade_takes_the_months_the_organisation_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: with 12 months said by the organisation 11 are refused and 12 taken; the months are always asked for."""
    own = """
registers:
  promotion:
    checks:
      long_enough:
        holds: {field: months_in_grade, is: at_least, value: "12"}
        message: twelve months in the grade
        source: organisation
"""
    office = Office(tmp_path_factory.mktemp("grades"), "standard", own)
    boss = office.by("u-1", "manager")
    assert refused(office.open, "promotion", boss, **PROPOSED | {"months_in_grade": 11}) == "organisation"
    unsaid = {key: value for key, value in PROPOSED.items() if key != "months_in_grade"}
    assert refused(office.open, "promotion", boss, **unsaid) == "A-JD12-10"
    assert office.open("promotion", office.by("u-1", "manager"), **PROPOSED)


@pytest.mark.rule("A-WHB-16")
def test_a_proposal_waits_for_the_leaders_decision(offices: Offices) -> None:
    """Promise: proposed by the manager it is pending; another leader decides, and the day of it is kept."""
    office = offices("property")
    values = {"person": "S1", "kind": "promote", "reason": "业绩突出"}
    assert refused(office.open, "proposal", office.by("S2"), **values) == "A-WHB-16"
    record = office.open("proposal", office.by("u-8", "manager"), **values)
    assert office.get(record)["state"] == "pending"
    decision = {"decision": "agreed", "decided_on": "2026-05-10"}
    assert refused(office.act, record, "decide", office.by("u-8", "manager"), **decision) == "A-WHB-16"
    office.act(record, "decide", office.by("u-9", "manager"), **decision)
    shown = office.get(record)
    assert (shown["state"], shown["values"]["decided_on"]) == ("decided", "2026-05-10")


@pytest.mark.rule("A-CAT-02")
def test_a_letter_of_responsibility_is_signed_by_both_levels(offices: Offices) -> None:
    """Promise: the target of 1,000,000 for station S1 is signed first above, then by who answers for it."""
    office = offices("cable-tv")
    letter = {"station": "S1", "year": "2026", "area": "城东", "post": "站长", "staff": "s-1", "duty": "收费"}
    assert refused(office.open, "responsibility_letter", office.by("u-9", "manager"), **letter) == "A-CAT-02"
    record = office.open("responsibility_letter", office.by("u-9", "manager"), **letter, target="1000000.00")
    assert refused(office.act, record, "sign", office.by("s-1")) == "A-CAT-02"
    assert office.act(record, "sign", office.by("u-9", "manager"))["state"] == "drafted"
    assert office.act(record, "sign", office.by("s-1"))["state"] == "signed"


@pytest.mark.rule("A-CAT-20")
def test_the_classes_of_users_add_up_to_the_total(offices: Offices) -> None:
    """Promise: 800, 150 and 50 are 1,000 users; any other total is refused."""
    office = offices("cable-tv")
    classes = [{"kind": kind, "users": users} for kind, users in (("居民", 800), ("商户", 150), ("单位", 50))]
    record = office.open("user_count", station="S1", classes=classes, total=1000)
    assert office.get(record)["values"]["counted"] == "1000"
    assert refused(office.open, "user_count", station="S1", classes=classes, total=999) == "A-CAT-20"


@pytest.mark.rule("A-CAT-21")
def test_a_station_scheme_announces_all_six_items(offices: Offices) -> None:
    """Promise: five of the six are refused, whichever is missing; six are taken."""
    office = offices("cable-tv")
    items = {"area": "城东", "revenue": "1000000.00", "resources": "5 人 2 车", "costs": "包干"}
    items |= {"commission": "按收入", "rewards": "超收奖励"}
    head = {"station": "S1", "year": "2026"}
    for lacking in items:
        given = {key: value for key, value in items.items() if key != lacking}
        assert (
            refused(office.open, "station_scheme", office.by("u-9", "manager"), **head, **given) == "A-CAT-21"
        )
    assert office.open("station_scheme", office.by("u-9", "manager"), **head, **items)


#: What a candidate has that just fits the post; the rule; and what each single lack is.
CANDIDATES: list[tuple[str, str, dict[str, Any], list[dict[str, Any]]]] = [
    (
        "A-JD2-07",
        "group_quality",
        {"education": 2, "engineering": True, "service_years": 5, "post_years": 1},
        [{"service_years": 4}, {"education": 1}, {"engineering": False}, {"post_years": "0.9"}],
    ),
    (
        "A-JD2-08",
        "group_region",
        {"education": 2, "service_years": 5, "group_years": "2.0", "post_years": "1.0"},
        [{"post_years": "0.5"}, {"group_years": "1.9"}, {"service_years": 4}],
    ),
    (
        "A-JD3-10",
        "shop_manager",
        {"education": 2, "age": 35, "post_years": 3},
        [{"age": 36}, {"education": 1}, {"post_years": "2.9"}],
    ),
    (
        "A-JD5-09",
        "office_manager",
        {"education": 1, "age": 40, "height": "1.65", "service_years": 5, "post_years": 2},
        [{"post_years": "1.5"}, {"age": 41}, {"height": "1.64"}, {"service_years": 4}, {"education": 0}],
    ),
    (
        "A-JD6-09",
        "mall_manager",
        {"education": 1, "post_years": "3.0", "platform": "京东"},
        [{"post_years": "2.9"}],
    ),
    (
        "A-JD8-07",
        "commercial_manager",
        {"education": 1, "service_years": 8, "post_years": 3},
        [{"service_years": 7}, {"post_years": 2}, {"education": 0}],
    ),
    (
        "A-JD10-06",
        "shop_supervisor",
        {"education": 1, "post_years": "3.0"},
        [{"post_years": "2.5"}, {"education": 0}],
    ),
    (
        "A-JD11-08",
        "sales_service",
        {"education": 1, "full_time": True, "post_years": 2, "age": 30},
        [{"age": 29}, {"post_years": "1.5"}, {"full_time": False}, {"education": 0}],
    ),
    (
        "A-JD13-07",
        "research_manager",
        {
            "education": 2,
            "full_time": True,
            "key_university": True,
            "related_subject": True,
            "service_years": 6,
        },
        [
            {"service_years": 5},
            {"education": 1},
            {"full_time": False},
            {"key_university": False},
            {"related_subject": False},
        ],
    ),
]


@pytest.mark.parametrize(
    ("rule", "post", "fits", "lacks"),
    [pytest.param(*row, marks=pytest.mark.rule(row[0])) for row in CANDIDATES],
)
def test_a_candidate_who_just_fits_qualifies_and_with_any_lack_does_not(
    offices: Offices, rule: str, post: str, fits: dict[str, Any], lacks: list[dict[str, Any]]
) -> None:
    """Promise: at the border of every requirement the candidate passes; below any one of them, by its rule, not."""
    office = offices("standard")
    record = office.open("candidate", office.by("u-9", "manager"), name="示例人", post=post, **fits)
    assert office.act(record, "qualify", office.by("u-9", "manager"))["state"] == "qualified"
    for lack in lacks:
        record = office.open(
            "candidate", office.by("u-9", "manager"), name="示例人", post=post, **fits | lack
        )
        assert refused(office.act, record, "qualify", office.by("u-9", "manager")) == rule
    for unsaid in fits:
        given = {key: value for key, value in fits.items() if key != unsaid}
        refused(office.open, "candidate", office.by("u-9", "manager"), name="示例人", post=post, **given)


@pytest.mark.rule("A-JD6-09")
def test_years_on_an_unnamed_platform_are_refused(offices: Offices) -> None:
    """Promise: 3.0 years count only with the platform they were worked on."""
    values = {"name": "示例人", "post": "mall_manager", "education": 1, "post_years": "3.0"}
    assert (
        refused(offices("standard").open, "candidate", offices("standard").by("u-9", "manager"), **values)
        == "A-JD6-09"
    )


@pytest.mark.rule("A-JD5-09")
def test_a_certificate_is_preferred_and_asked_of_nobody(offices: Offices) -> None:
    """Promise: a certificate shows as preferred; without one the candidate qualifies as well."""
    office = offices("standard")
    values = {"name": "示例人", "post": "office_manager", **CANDIDATES[3][2]}
    holder = office.open("candidate", office.by("u-9", "manager"), **values, certificate=True)
    other = office.open("candidate", office.by("u-9", "manager"), **values)
    assert [office.get(each)["values"]["certificate"] for each in (holder, other)] == [True, False]
    assert office.act(other, "qualify", office.by("u-9", "manager"))["state"] == "qualified"
