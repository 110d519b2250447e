"""What is due so often, within so many days, or with no gap too long: what is missing is listed, the rest is not."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.followup.register_world import Office, beijing, refused

SCORES = {"buildings": 4, "facilities": 4, "security": 5, "traffic": 3, "cleaning": 4}


@pytest.mark.rule("A-PRM-18")
def test_a_day_with_one_patrol_of_a_building_is_short_by_one(tmp_path: Path) -> None:
    """Promise: each building named is walked twice a day; a walk counts for the day it was made on."""
    office = Office(
        tmp_path,
        "property",
        """
estate_inspection:
  obligations:
    patrol:
      name: 每日巡查
      every: day
      times: 2
      day_field: inspected_at
      each: building
      of: {value: [A1, A2], source: organisation}
      source: organisation
""",
    )
    for building, at in (("A1", "09:00"), ("A2", "00:10"), ("A2", "23:50")):
        when = f"2026-05-06T{at}:00+08:00"
        office.open("estate_inspection", **SCORES, building=building, inspected_at=when)
    (row,) = office.missing("estate_inspection", at="2026-05-07 08:00")
    assert (row["for"], row["short_by"], row["first_day"]) == ("A1", 1, "2026-05-06")


@pytest.mark.rule("A-PRM-18")
def test_two_patrols_a_day_are_asked_of_every_estate(tmp_path: Path) -> None:
    """Promise: two pass, one is short by one, none by two; the rule named is the handbook's."""
    office = Office(tmp_path, "property")
    for at in ("2026-05-05T09:00:00+08:00", "2026-05-06T09:00:00+08:00", "2026-05-06T15:00:00+08:00"):
        office.open("estate_inspection", **SCORES, inspected_at=at)
    short = {
        day: [(row["short_by"], row["source"]) for row in office.missing("estate_inspection", at=day)]
        for day in ("2026-05-05 00:00", "2026-05-06 00:00", "2026-05-07 00:00")
    }
    assert short == {
        "2026-05-05 00:00": [(2, "A-PRM-18")],
        "2026-05-06 00:00": [(1, "A-PRM-18")],
        "2026-05-07 00:00": [],
    }


@pytest.mark.rule("A-LOG-62")
def test_a_day_without_inspection_is_in_the_gap_list(tmp_path: Path) -> None:
    """Promise: one inspection, at whatever time of the day, is enough; none is a gap."""
    office = Office(tmp_path, "logistics")
    values = {"item": "投递", "finding": "按时", "inspected_at": "2026-05-06T14:20:00+08:00"}
    office.open("service_inspection", **values)
    assert office.missing("service_inspection", at="2026-05-07 01:00") == []
    (row,) = office.missing("service_inspection", at="2026-05-08 01:00")
    assert (row["first_day"], row["source"]) == ("2026-05-07", "A-LOG-62")


@pytest.mark.rule("A-JD3-05")
def test_a_day_without_review_entry_is_listed(tmp_path: Path) -> None:
    """Promise: 6 May without an entry is missing on 7 May, and no longer once it is written."""
    office = Office(tmp_path, "standard")
    (row,) = office.missing("daily_review", at="2026-05-07 09:00")
    assert (row["first_day"], row["source"]) == ("2026-05-06", "A-JD3-05")
    office.open("daily_review", day="2026-05-06", review="抽查录音10条")
    assert office.missing("daily_review", at="2026-05-07 09:00") == []


OFFICES = """
office_audit:
  obligations:
    regular:
      name: 定期审计
      each: office
      of: {value: [O1, O2], source: organisation}
      every_days: {value: 180, source: organisation}
      day_field: visited_on
      source: organisation
"""


@pytest.mark.rule("A-AFT-08")
def test_an_office_is_overdue_on_the_day_after_the_interval(tmp_path: Path) -> None:
    """Promise: audited on day 0, it is in time through day 180 and overdue on 181; one never audited is listed."""
    office = Office(tmp_path, "product-after-sales", OFFICES)
    audit = office.open("office_audit", office.by("u-9", "manager"), office="O1")
    checks = [{"item": "台账", "passed": True}]
    office.act(audit, "visit", visited_on="2026-05-06", checklist=checks)
    office.pass_time(timedelta(days=180))
    assert [row["for"] for row in office.missing("office_audit")] == ["O2"]
    office.pass_time(timedelta(days=1))
    overdue, never = office.missing("office_audit")
    assert (overdue["for"], overdue["since"]) == ("O1", "2026-05-05T16:00:00.000Z")
    assert overdue["due_at"] == "2026-11-02T16:00:00.000Z"
    assert (never["for"], never["since"]) == ("O2", None)


def test_an_interval_nobody_gave_makes_nothing_overdue(tmp_path: Path) -> None:
    """Promise: the handbook gives no interval, so the profile alone lists nothing."""
    assert Office(tmp_path, "product-after-sales").missing("office_audit") == []


HOURS = """
leader_patrol:
  obligations:
    hourly:
      gap: {hours: {value: ["08:00", "17:30"], source: organisation}}
"""


@pytest.mark.rule("A-HOS-06")
def test_a_gap_of_more_than_an_hour_between_patrols_is_flagged(tmp_path: Path) -> None:
    """Promise: of patrols at 8:00, 9:00 and 10:30 only the last hour and a half is a gap; an hour is none."""
    office = Office(tmp_path, "hospital")
    for at in ("08:00", "09:00", "10:30"):
        office.open("leader_patrol", place="hall", patrolled_at=f"2026-05-06T{at}:00+08:00")
    (gap,) = office.missing("leader_patrol", at="2026-05-06 12:00")
    assert (gap["for"], gap["source"]) == ("hall", "A-HOS-06")
    assert (gap["since"], gap["until"]) == ("2026-05-06T01:00:00.000Z", "2026-05-06T02:30:00.000Z")


@pytest.mark.rule("A-HOS-06")
def test_within_the_hours_of_a_post_the_stretches_before_and_after_count_too(tmp_path: Path) -> None:
    """Promise: a place nobody went to is one gap from the opening to now, and a night is none."""
    office = Office(tmp_path, "hospital", HOURS)
    office.open("leader_patrol", place="hall", patrolled_at="2026-05-06T08:30:00+08:00")
    office.open("leader_patrol", place="clinic_2", patrolled_at="2026-05-06T10:00:00+08:00")
    found = [
        (row["for"], row["since"][11:16], row["until"][11:16])
        for row in office.missing("leader_patrol", at="2026-05-06 10:00")
    ]
    assert found == [
        ("clinic_2", "00:00", "02:00"),
        ("hall", "00:30", "02:00"),
        ("corridors", "00:00", "02:00"),
    ]
    assert office.missing("leader_patrol", at="2026-05-06 07:59") != []
    assert {row["first_day"] for row in office.missing("leader_patrol", at="2026-05-06 07:59")} == {
        "2026-05-05"
    }


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(minutes=st.lists(st.integers(0, 570), max_size=8))
def test_gaps_listed_are_exactly_those_longer_than_allowed(
    minutes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Invariant: whatever the times, a stretch between two neighbours is listed if and only if it is over an hour."""
    office = Office(tmp_path_factory.mktemp("org"), "hospital", HOURS)
    opens = beijing("2026-05-06 08:00")
    for each in minutes:
        office.open("leader_patrol", place="hall", patrolled_at=(opens + timedelta(minutes=each)).isoformat())
    points = sorted([0, *minutes, 570])
    expected = [b - a for a, b in pairwise(points) if b - a > 60]
    rows = [row for row in office.missing("leader_patrol", at="2026-05-06 20:00") if row["for"] == "hall"]
    assert len(rows) == len(expected)


SECTIONS = """
section_check:
  obligations:
    daily:
      name: 每日不定时检查
      every: day
      each: section
      of: {value: [导医, 收费], source: organisation}
      day_field: checked_at
      source: organisation
"""


@pytest.mark.rule("A-HOS-05")
def test_a_section_nobody_checked_is_in_the_gap_list_and_a_finding_is_spoken_about(tmp_path: Path) -> None:
    """Promise: each section is looked at every day; what is found becomes a criticism note, what is not does not."""
    office = Office(tmp_path, "hospital", SECTIONS)
    found = office.open("section_check", section="导医", finding="离岗", about="u-7")
    clean = office.open("section_check", section="导医")
    (row,) = office.missing("section_check", at="2026-05-07 08:00")
    assert (row["for"], row["first_day"]) == ("收费", "2026-05-06")
    (note,) = office.opened_by(found, "criticism_note")
    assert (note["finding"], note["about"], note["check"]) == ("离岗", "u-7", found)
    assert office.opened_by(clean, "criticism_note") == []
    (record,) = office.find("criticism_note")
    assert refused(office.act, record, "give") == "A-HOS-05"
