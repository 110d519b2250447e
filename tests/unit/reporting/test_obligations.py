"""Obligations: what is owed again and again is opened, reminded of, proved or called overdue, each once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, RuleRefused
from tests.unit.reporting.obligation_world import MINUTE, Owing
from tests.unit.reporting.register_world import beijing, refused

_WEEKLY = """
obligations:
  {code}:
    schedule: {{every: week, source: organisation}}
"""
MINUTES: dict[str, Any] = {"shared": "经验", "attendees": [{"who": "u-1"}]}
Offices = Callable[..., Owing]


@pytest.fixture
def office_of(tmp_path: Path) -> Offices:
    return lambda profile, own="": Owing(tmp_path, profile, own)


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        pytest.param("standard", "regular_meeting", marks=pytest.mark.rule("A-JD8-03")),
        pytest.param("property", "staff_meeting", marks=pytest.mark.rule("A-WHB-11")),
    ],
)
def test_a_week_without_minutes_is_listed(office_of: Offices, profile: str, code: str) -> None:
    """Held weekly as the organisation says: the week of 4 May has minutes, week 20 has none."""
    office = office_of(profile, _WEEKLY.format(code=code))
    office.at("2026-05-07 11:00")
    office.open("meeting_minutes", held_at="2026-05-07T10:00:00+08:00", **MINUTES)
    office.at("2026-05-17 23:59")
    assert office.overdue(code) == []
    office.at("2026-05-18 00:00")
    assert office.overdue(code) == [(None, "2026-05-11")]
    (met,) = office.owed(code, state="met")
    assert (met["first_day"], met["on_time"], met["proof"]) == ("2026-05-04", True, "record")


def test_nothing_is_due_where_nobody_said_how_often(office_of: Offices) -> None:
    """The handbook calls the meeting regular and no more; what it leaves open stays open."""
    office = office_of("standard")
    office.at("2027-05-07 11:00")
    assert office.owed("regular_meeting") == []


@pytest.mark.rule("A-WHB-18")
def test_the_report_of_may_is_missing_on_2_june(office_of: Offices) -> None:
    """Monthly as the organisation says, on the first of the next month."""
    own = """
obligations:
  report_to_general_manager:
    schedule: {every: month, in_next: true, day: 1, source: organisation}
"""
    office = office_of("property", own)
    office.at("2026-06-01 23:59")
    assert office.overdue("report_to_general_manager") == []
    office.at("2026-06-02 00:00")
    assert office.overdue("report_to_general_manager") == [(None, "2026-05-01")]


@pytest.mark.rule("B-ECM-03")
def test_a_report_that_is_not_there_is_reminded_of(office_of: Offices) -> None:
    """The organisation says monthly, and to be reminded three days before."""
    own = """
obligations:
  area_report:
    schedule: {every: month, source: organisation}
    remind: {days: 3, at: "09:00", source: organisation}
"""
    office = office_of("online-store", own)
    office.at("2026-05-28 08:59")
    assert office.heard("obligation_due", "area_report") == []
    office.at("2026-05-28 09:00")
    (said,) = office.heard("obligation_due", "area_report")
    assert (said["role"], said["first_day"], said["source"]) == ("manager", "2026-05-01", "B-ECM-03")


@pytest.mark.rule("B-ECM-17")
def test_an_after_sales_agent_without_the_months_report_is_told_and_the_supervisor_too(
    office_of: Offices,
) -> None:
    """Of two agents one reported; whoever is no after-sales agent owes nothing."""
    office = office_of("online-store")
    for staff, post in (("u-7", "aftersale"), ("u-8", "aftersale"), ("u-9", "presale")):
        office.joins(staff, post)
    office.at("2026-05-29 17:00")
    rows = {row["owner"]: row for row in office.owed("aftersale_month_report")}
    assert rows.keys() == {"u-7", "u-8"}
    office.confirm(rows["u-7"], "u-7")
    office.at("2026-06-01 00:00")
    (said,) = office.heard("obligation_overdue", "aftersale_month_report")
    assert (said["owner"], said["to"], said["first_day"]) == ("u-8", ["supervisor"], "2026-05-01")


@pytest.mark.rule("B-SHP-05")
def test_a_weeks_report_missing_on_monday_at_eight_is_listed(office_of: Offices) -> None:
    """The week of 4 May is reported at the meeting of 11 May."""
    office = office_of("online-store")
    office.joins("u-7")
    office.joins("u-8", "presale")
    office.at("2026-05-11 07:59")
    assert office.overdue("week_report") == []
    (row,) = office.owed("week_report", owner="u-7", due_before=beijing("2026-05-11 09:00"))
    office.confirm(row, "u-7")
    office.at("2026-05-11 08:00")
    assert office.overdue("week_report") == [("u-8", "2026-05-04")]


@pytest.mark.rule("B-TRM-10")
@pytest.mark.rule("B-SAL-05")
def test_who_handed_in_no_daily_report_is_listed_at_the_days_end(office_of: Offices) -> None:
    """One of two reports on Thursday; nobody owes one for Saturday."""
    office = office_of("terminal-services")
    office.joins("u-7")
    office.joins("u-8")
    office.at("2026-05-07 18:00")
    (row,) = [each for each in office.owed("daily_report", owner="u-7") if each["first_day"] == "2026-05-07"]
    office.confirm(row, "u-7")
    office.at("2026-05-08 00:00")
    late = [owner for owner, day in office.overdue("daily_report") if day == "2026-05-07"]
    assert late == ["u-8"]
    office.at("2026-05-16 12:00")
    days = {row["first_day"] for row in office.owed("daily_report", owner="u-7")}
    assert "2026-05-15" in days
    assert not days & {"2026-05-16"}


@pytest.mark.rule("B-MBY-09")
def test_product_problems_are_due_on_the_fifteenth_and_on_the_last_day(office_of: Offices) -> None:
    """Half a month each: until the end of 15 May, and until the end of the 31st."""
    office = office_of("online-store")
    office.joins("u-7")
    office.at("2026-05-20 09:00")
    due = [row["due_at"] for row in office.owed("product_problems")]
    assert due == ["2026-05-15T16:00:00.000Z", "2026-05-31T16:00:00.000Z"]


@pytest.mark.rule("B-MBY-21")
def test_the_meeting_is_reminded_of_on_sunday_at_half_past_two(office_of: Offices) -> None:
    """10 May 2026 is a Sunday."""
    office = office_of("online-store")
    office.at("2026-05-10 14:29")
    assert office.heard("obligation_due", "sunday_meeting") == []
    office.at("2026-05-10 14:30")
    assert [each["role"] for each in office.heard("obligation_due", "sunday_meeting")] == ["manager"]


@pytest.mark.rule("B-MBY-25")
def test_a_missing_weekly_summary_is_flagged(office_of: Offices) -> None:
    """Whoever handed in none for the week of 4 May is listed when it has passed."""
    office = office_of("online-store")
    office.joins("u-7")
    office.at("2026-05-11 00:00")
    assert office.overdue("week_summary") == [("u-7", "2026-05-04")]


@pytest.mark.rule("B-ITS-12")
def test_on_friday_at_the_hour_set_those_without_feedback_are_listed(office_of: Offices) -> None:
    """The organisation says three in the afternoon; 8 May 2026 is a Friday."""
    own = 'obligations: {week_feedback: {schedule: {every: week, day: 5, by: "15:00", source: organisation}}}'
    office = office_of("it-service", own)
    office.joins("u-7")
    office.joins("u-8")
    office.at("2026-05-08 14:59")
    (row,) = office.owed("week_feedback", owner="u-7")
    office.confirm(row, "u-7")
    assert office.overdue("week_feedback") == []
    office.at("2026-05-08 15:00")
    assert office.overdue("week_feedback") == [("u-8", "2026-05-04")]


@pytest.mark.rule("B-ITS-01")
def test_the_supervision_report_is_sent_by_the_last_day_of_its_month(office_of: Offices) -> None:
    """That of May until the end of 31 May, and the general manager hears when it was not."""
    office = office_of("it-service")
    office.at("2026-05-31 23:59")
    (row,) = office.owed("supervision_report")
    assert (row["state"], row["due_at"]) == ("open", "2026-05-31T16:00:00.000Z")
    office.at("2026-06-01 00:00")
    (said,) = office.heard("obligation_overdue", "supervision_report")
    assert said["to"] == ["general_manager"]


FIVE = {
    "results": "完成",
    "quality": "奖一罚一",
    "groups": "各组正常",
    "training": "两次",
    "next_month": "装修季",
}


@pytest.mark.rule("B-CCP-06")
def test_the_months_meeting_has_its_five_items_and_is_owed_each_month(office_of: Offices) -> None:
    """Minutes without one of the five are refused; May has its meeting, June none."""
    office = office_of("property")
    for lacking in FIVE:
        short = {key: value for key, value in FIVE.items() if key != lacking}
        assert refused(office.open, "department_month_meeting", **short) == "B-CCP-06"
    office.open("department_month_meeting", **FIVE)
    office.at("2026-07-01 00:00")
    assert office.overdue("month_meeting") == [(None, "2026-06-01")]


@pytest.mark.rule("B-CCP-07")
def test_the_summary_of_the_first_half_year_is_stored_with_what_is_to_improve(office_of: Offices) -> None:
    """Without it the half-year is overdue when it has ended; with it, it is met."""
    summary = {"kind": "half_year", "begins_on": "2026-01-01", "summary": "上半年"}
    office = office_of("property")
    assert refused(office.open, "work_summary", **summary) == "B-CCP-07"
    stored = office.open("work_summary", **summary, improvements="缩短等待")
    office.at("2026-07-01 00:00")
    (met,) = office.owed("half_year_summary", state="met")
    assert (met["first_day"], met["reference"]) == ("2026-01-01", stored)
    office.at("2027-01-01 00:00")
    assert office.overdue("half_year_summary") == [(None, "2026-07-01")]


@pytest.mark.rule("B-PRO-23")
def test_the_complaint_report_of_a_month_is_there_by_its_end(office_of: Offices) -> None:
    """A draft proves nothing; signed it does. The year's two tables are owed until its end."""
    office = office_of("property")
    report = office.open("complaint_month_report", month_begins="2026-05-01", content="五月")
    office.at("2026-05-31 23:00")
    office.act(report, "sign")
    office.at("2026-06-30 12:00")
    office.open("complaint_month_report", month_begins="2026-06-01", content="六月")
    office.at("2026-07-01 00:00")
    assert office.overdue("complaint_month_report") == [(None, "2026-06-01")]
    assert office.overdue("month_training_plan") == [(None, "2026-05-01"), (None, "2026-06-01")]
    office.at("2027-01-01 00:00")
    for code in ("questionnaire_results", "culture_plan"):
        assert office.overdue(code) == [(None, "2026-01-01")]


def test_what_was_done_in_time_is_never_called_overdue_however_late_its_event_comes(
    office_of: Offices,
) -> None:
    """The record is looked for before the clock runs out; its event, heard later, changes nothing more."""
    office = office_of("standard", _WEEKLY.format(code="regular_meeting"))
    office.at("2026-05-07 11:00")
    record = office.open("meeting_minutes", held_at="2026-05-07T10:00:00+08:00", **MINUTES)
    office.at("2026-05-11 00:00")
    assert office.heard("obligation_overdue", "regular_meeting") == []
    office.hear("reporting", "record_opened", record, register="meeting_minutes", record_id=record)
    assert len(office.heard("obligation_met", "regular_meeting")) == 1


def test_an_event_of_a_record_proves_at_once_and_one_that_is_late_says_so(office_of: Offices) -> None:
    """Minutes of last week written this week: done, and not in time."""
    office = office_of("standard", _WEEKLY.format(code="regular_meeting"))
    office.at("2026-05-11 09:00")
    record = office.open("meeting_minutes", held_at="2026-05-08T10:00:00+08:00", **MINUTES)
    for _ in range(2):
        office.hear("reporting", "record_opened", record, register="meeting_minutes", record_id=record)
    (row,) = office.owed("regular_meeting", state="met")
    assert (row["first_day"], row["on_time"], row["reference"]) == ("2026-05-04", False, record)


def test_only_whose_it_is_gives_their_word_and_once(office_of: Offices) -> None:
    """Another agent is refused by the rule; so is a word where minutes are asked for; a repeat is the same answer."""
    office = office_of("online-store")
    office.joins("u-7")
    office.at("2026-05-08 09:00")
    (row,) = office.owed("week_summary")
    with pytest.raises(RuleRefused) as refusal:
        office.confirm(row, "u-8")
    assert refusal.value.rule == "B-MBY-25"
    first = office.confirm(row, "u-7", key="once")
    assert office.confirm(row, "u-7", key="once") == first
    with pytest.raises(Conflict):
        office.confirm(row, "u-7")
    (meeting,) = office.owed("sunday_meeting")
    with pytest.raises(RuleRefused) as refusal:
        office.confirm(meeting, "u-9", "manager")
    assert refusal.value.rule == "B-MBY-21"


def test_rounds_of_any_number_open_each_stretch_once_and_leave_none_out(office_of: Offices) -> None:
    """A standstill of a quarter is caught up with; nothing is opened twice."""
    office = office_of("online-store")
    office.joins("u-7")
    office.at("2026-05-06 09:10")
    office.at("2026-08-05 09:00")
    opened = [each["obligation_id"] for each in office.heard("obligation_opened", "week_summary")]
    assert len(opened) == len(set(opened)) == 14
    office.pass_time(MINUTE)
    assert len(office.heard("obligation_opened", "week_summary")) == 14
