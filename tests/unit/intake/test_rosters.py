"""What is wrong with a roster is found before it stands: overlaps, uncovered hours, days in a row, people short."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Conflict, Forbidden, RuleRefused
from tests.unit.intake.on_duty import Intake, organisation

MONDAY = date(2025, 3, 3)


def days(staff: str, shift: str, count: int, first: date = MONDAY) -> list[dict[str, str]]:
    """Return ``count`` assignments on days in a row."""
    return [
        {"staff": staff, "shift": shift, "day": (first + timedelta(days=number)).isoformat()}
        for number in range(count)
    ]


def roster(assignments: list[dict[str, str]], last: int = 6, **more: Any) -> dict[str, Any]:
    """Return the arguments of a roster from Monday to ``last`` days later."""
    end = (MONDAY + timedelta(days=last)).isoformat()
    return {"desk": "chat", "first": MONDAY.isoformat(), "last": end, "assignments": assignments} | more


def found(intake: Intake, arguments: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = intake.do("check_roster", "lead", **arguments)["findings"]
    return [(row["code"], row["severity"], row["source"]) for row in rows]


@pytest.mark.rule("B-SHP-01")
def test_six_days_on_are_followed_by_one_off() -> None:
    """Promise: both shifts are on the roster of 3 March; the seventh day in a row is a warning."""
    intake = Intake("shop-demo", "2025-03-01 09:00")
    six = [*days("an", "day", 6), *days("bai", "night", 6)]
    assert found(intake, roster(six)) == []
    seven = roster([*days("an", "day", 7), *days("bai", "night", 6)])
    drawn = intake.do("draw_roster", "lead", **seven)
    (warned,) = drawn["findings"]
    assert (warned["code"], warned["severity"], warned["source"]) == (
        "too_many_days",
        "warning",
        "B-SHP-01",
    )
    assert (warned["day"], warned["number"], warned["staff"]) == ("2025-03-09", 7, "an")
    standing = intake.do("get_roster", "an", desk="chat", day="2025-03-03")
    assert {row["shift"] for row in standing["assignments"] if row["day"] == "2025-03-03"} == {
        "day",
        "night",
    }


@pytest.mark.rule("B-SHP-01", "B-WWS-10")
def test_day_and_night_shift_have_the_hours_of_the_handbook() -> None:
    """Promise: 8:30 to 17:30, and 17:30 to 01:00 of the next day."""
    intake = Intake("shop-demo", "2025-03-03 08:20")
    for staff, shift in (("an", "day"), ("bai", "night")):
        intake.do("attend_shift", staff, action="arrive", desk="chat", day="2025-03-03", shift=shift)
    rows = intake.do("list_shifts", "an", desk="chat", day="2025-03-03")
    assert [(row["starts_at"][11:16], row["ends_at"][11:16]) for row in rows] == [
        ("00:30", "09:30"),
        ("09:30", "17:00"),
    ]


@pytest.mark.rule("B-MBY-19")
def test_everybody_has_three_days_of_rest_a_month() -> None:
    """Promise: 28 days worked in March are three days off; 29 are a warning."""
    intake = Intake("shop-demo", "2025-02-20 09:00")
    first = date(2025, 3, 1)
    month: dict[str, Any] = {"desk": "chat", "first": "2025-03-01", "last": "2025-03-31"}
    rested = month | {"assignments": days("an", "early", 28, first) + days("bai", "late", 28, first)}
    assert "too_little_rest" not in {code for code, _, _ in found(intake, rested)}
    tired = month | {"assignments": days("an", "early", 29, first)}
    assert ("too_little_rest", "warning", "B-MBY-19") in found(intake, tired)


@pytest.mark.rule("B-PRO-09")
def test_an_uncovered_hour_of_a_24_hour_duty_is_an_error() -> None:
    """Promise: the desk of an estate is never empty, and a roster that leaves it so does not stand."""
    intake = Intake("property-demo", "2025-03-01 09:00")
    whole = [*days("jia", "day", 7), *days("yi", "night", 7)]
    assert found(intake, roster(whole)) == []
    missing = [*days("jia", "day", 7), *days("yi", "night", 6)]
    with pytest.raises(RuleRefused) as refused:
        intake.do("draw_roster", "lead", **roster(missing))
    assert refused.value.rule == "B-PRO-09"
    (hole,) = refused.value.details["findings"]
    assert (hole["start"], hole["minutes"]) == ("2025-03-09T20:00:00+08:00", 720)
    assert intake.do("get_roster", "jia", desk="chat", day="2025-03-03") is None
    assert "roster_id" in intake.do("draw_roster", "lead", **roster(whole))


@pytest.mark.rule("A-JD9-03")
def test_an_hour_nobody_works_within_a_day_is_listed_as_a_gap(tmp_path: Path) -> None:
    """Promise: nobody from 12:00 to 13:00 is said before the customers notice; what others cover is no gap."""
    shifts = {
        code: {"name": code, "hours": [hours], "source": "organisation"}
        for code, hours in (("am", "08:00-12:00"), ("pm", "13:00-17:30"), ("noon", "11:00-14:00"))
    }
    folder = organisation(tmp_path, "online-store", duty={"shifts": shifts})
    intake = Intake("test-org", "2025-03-01 09:00", folder)
    split = [*days("an", "am", 1), *days("bai", "pm", 1)]
    (gap,) = intake.do("check_roster", "lead", **roster(split, 0))["findings"]
    assert (gap["code"], gap["severity"], gap["source"]) == ("gap", "warning", "A-JD9-03")
    assert (gap["start"], gap["minutes"]) == ("2025-03-03T12:00:00+08:00", 60)
    assert found(intake, roster([*split, *days("cui", "noon", 1)], 0)) == []


@pytest.mark.rule("A-JD1-03")
def test_a_roster_short_of_the_people_an_event_needs_says_by_how_many() -> None:
    """Promise: 12 needed on the day of the sale and 9 rostered is 3 short."""
    intake = Intake("shop-demo", "2025-03-01 09:00")
    nine = [row for number in range(9) for row in days(f"p{number}", "day", 1)]
    asked = roster(nine, 0, needed=[{"day": "2025-03-03", "people": 12}])
    (short,) = intake.do("check_roster", "lead", **asked)["findings"]
    assert (short["code"], short["number"], short["source"]) == ("shortage", 3, "A-JD1-03")
    enough = asked | {"needed": [{"day": "2025-03-03", "people": 9}]}
    assert found(intake, enough) == []


def test_nobody_is_on_two_shifts_at_once_neither_drawn_nor_swapped() -> None:
    """Promise: an overlap is refused, also when a swap would make one."""
    intake = Intake("shop-demo", "2025-03-01 09:00")
    twice = roster([*days("an", "early", 1), *days("an", "day", 1)], 0)
    with pytest.raises(RuleRefused) as refused:
        intake.do("draw_roster", "lead", **twice)
    assert refused.value.rule in {"B-SHP-01", "B-MBY-19"}
    drawn = intake.do("draw_roster", "lead", **roster([*days("an", "day", 1), *days("bai", "late", 1)], 0))
    own = {"id": drawn["roster_id"], "shift": "day", "day": "2025-03-03"}
    intake.do("swap_shift", "an", action="propose", to="bai", **own)
    with pytest.raises(Forbidden):
        intake.do("swap_shift", "cui", id=drawn["roster_id"], action="accept", no=1)
    with pytest.raises(RuleRefused):
        intake.do("swap_shift", "bai", id=drawn["roster_id"], action="accept", no=1)
    declined = intake.do("swap_shift", "bai", id=drawn["roster_id"], action="decline", no=1)
    assert declined["swaps"][0]["state"] == "declined"
    with pytest.raises(Conflict):
        intake.do("swap_shift", "bai", action="propose", to="an", **own)
    with pytest.raises(Conflict):
        intake.do("draw_roster", "lead", **roster(days("an", "day", 1), 0))


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 13), min_size=1))
def test_a_warning_comes_exactly_for_days_beyond_the_sixth_in_a_row(worked: set[int]) -> None:
    """Promise: however the days lie, nobody is warned of six and everybody of seven."""
    assignments = [row for number in worked for row in days("an", "day", 1, MONDAY + timedelta(days=number))]
    intake = _SHARED
    rows = intake.do("check_roster", "lead", **roster(assignments, 13))["findings"]
    warned = {row["day"] for row in rows if row["code"] == "too_many_days"}
    expected = {
        (MONDAY + timedelta(days=day)).isoformat()
        for day in worked
        if all(day - back in worked for back in range(7))
    }
    assert warned == expected


#: Only asked, never changed.
_SHARED = Intake("shop-demo", "2025-03-01 09:00")
