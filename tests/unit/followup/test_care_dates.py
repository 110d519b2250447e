"""Dates that bring a message: on the right day, once for each person and date, never outside its days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.care.festivals import day_of
from services.followup.domain.care.rules import Festival, Reminder
from services.followup.domain.person import Person
from shared.errors import RuleRefused, ValidationFailed
from shared.regulations.values import Sourced
from tests.unit.followup.care_world import CareWorld, beijing

BIRTHDAY = Reminder("birthday", "A-AUT-06", True, Sourced(-7, "A-AUT-06"), Sourced(-2, "A-AUT-06"))

LEADS = """
      care:
        kinds:
          insurance_ends:
            reminder:
              begins: {value: -30, source: organisation}
          maintenance_due:
            reminder:
              begins: {value: 90, source: organisation}
"""


def born(day: str) -> Person:
    return Person("cu_1", "org", dates={"birthday": day})


@pytest.mark.rule("A-AUT-06")
def test_birthdays_are_congratulated_two_to_seven_days_before(tmp_path: Path) -> None:
    """For 20 May from the 13th to the 18th, by itself on the first of them and once; on the 19th it is refused."""
    world = CareWorld(tmp_path, "auto-dealer", now="2026-05-12 09:00")
    world.people(1, dates={"birthday": "0004-05-20"})
    world.run()
    assert world.told() == []
    days = [date(2026, 5, 10) + timedelta(days=offset) for offset in range(15)]
    allowed = [day.day for day in days if BIRTHDAY.occurrence(born("0004-05-20"), day)]
    assert allowed == [13, 14, 15, 16, 17, 18]
    for day in range(13, 19):
        world.run(f"2026-05-{day} 09:00")
        assert world.told() == [("birthday", "cu_00000")]
    world.clock.set(beijing("2026-05-19 09:00"))
    with pytest.raises(RuleRefused) as refused:
        world.start("birthday", customer_id="cu_00000")
    assert refused.value.rule == "A-AUT-06"
    # Somebody told of on the last day still gets it, also when a person asks for it besides.
    world.clock.set(beijing("2026-05-18 10:00"))
    world.people(1, first=1, dates={"birthday": "0004-05-20"})
    world.start("birthday", customer_id="cu_00001")
    world.run()
    world.run("2027-05-13 09:00")
    assert [customer for _, customer in world.told()] == ["cu_00000", "cu_00000", "cu_00001", "cu_00001"]


@given(st.dates(date(1930, 1, 1), date(2015, 12, 31)), st.integers(2024, 2040))
def test_every_birthday_has_six_days_a_year_around_new_year_and_leap_days(day: date, year: int) -> None:
    """Each is spoken of in six days one after another; of 29 February, on the 28th in other years."""
    person = born(day.isoformat())
    spoken: dict[date, list[date]] = {}
    for offset in range(-20, 400):
        today = date(year, 1, 1) + timedelta(days=offset)
        found = BIRTHDAY.occurrence(person, today)
        if found is not None:
            spoken.setdefault(found, []).append(today)
    for birthday, days in spoken.items():
        if birthday.year == year:
            assert days == [birthday - timedelta(days=before) for before in range(7, 1, -1)]
            leap = year % 4 == 0
            expected = (2, 28) if (day.month, day.day) == (2, 29) and not leap else (day.month, day.day)
            assert (birthday.month, birthday.day) == expected
    assert sum(birthday.year == year for birthday in spoken) == 1


@pytest.mark.rule("A-AUT-08")
def test_insurance_is_reminded_of_as_long_before_as_configured(tmp_path: Path) -> None:
    """With thirty days configured, 30 June is reminded of on 31 May; where nothing is configured, never."""
    world = CareWorld(tmp_path, "auto-dealer", LEADS, now="2026-05-30 09:00")
    world.people(1, dates={"insurance_ends": "2026-06-30", "inspection_ends": "2026-06-30"})
    world.run()
    assert world.told() == []
    world.run("2026-05-31 09:00")
    world.run("2026-06-01 09:00")
    assert world.told() == [("car_care", "cu_00000")]
    [message] = world.events("message_requested")
    assert message["template_source"] == "A-AUT-08"


@pytest.mark.rule("A-CAR-09")
def test_maintenance_is_reminded_of_an_interval_after_the_last_one(tmp_path: Path) -> None:
    """Ninety days configured: of a car kept on 1 February 2028 on 1 May; kept again, the count begins anew."""
    world = CareWorld(tmp_path, "auto-dealer", LEADS, now="2028-04-30 09:00")
    world.people(1, dates={"maintained": "2028-02-01"})
    world.run()
    assert world.told() == []
    world.run("2028-05-01 09:00")
    assert world.told() == [("car_maintenance", "cu_00000")]
    world.tell("cu_00000", dates={"maintained": "2028-05-05"})
    world.run("2028-05-06 09:00")
    assert len(world.told()) == 1
    world.run("2028-08-03 09:00")
    assert len(world.told()) == 2
    assert world.events("message_requested")[0]["template_source"] == "A-CAR-09"


@pytest.mark.rule("A-MEM-16")
def test_cards_are_reminded_of_as_long_before_as_configured(tmp_path: Path) -> None:
    """A card that ends on 30 June, thirty days configured: on 31 May."""
    lead = LEADS.replace("insurance_ends", "card_ends").partition("          maintenance_due")[0]
    world = CareWorld(tmp_path, "membership", lead, now="2026-05-30 09:00")
    world.people(1, dates={"card_expires": "2026-06-30"})
    world.run()
    assert world.told() == []
    world.run("2026-05-31 09:00")
    assert world.told() == [("card_ends", "cu_00000")]
    assert world.events("message_requested")[0]["template_source"] == "A-MEM-16"


@pytest.mark.rule("B-RES-05")
def test_a_notice_slip_not_collected_is_urged_the_day_after(tmp_path: Path) -> None:
    """Due on 10 March 2025: urged on the 11th, not on the 10th, and not who has collected it."""
    world = CareWorld(tmp_path, "real-estate", now="2025-03-10 09:00")
    world.people(2, dates={"collection_due": "2025-03-10"})
    world.run()
    assert world.told() == []
    world.tell("cu_00001", dates={"collection_due": None})
    world.run("2025-03-11 09:00")
    world.run("2025-03-12 09:00")
    assert world.told() == [("collection_reminder", "cu_00000")]
    assert world.events("message_requested")[0]["template_source"] == "B-RES-05"


def test_a_day_on_which_nothing_ran_is_made_up_for(tmp_path: Path) -> None:
    """What was due while the service was down comes when it is back."""
    world = CareWorld(tmp_path, "real-estate", now="2025-03-10 09:00")
    world.people(1, dates={"collection_due": "2025-03-10"})
    world.run("2025-03-14 09:00")
    assert len(world.told()) == 1


@pytest.mark.rule("A-AUT-07")
def test_a_festival_makes_one_task_for_each_customer_however_often_it_runs(tmp_path: Path) -> None:
    """At Spring Festival 2026 three hundred customers make three hundred tasks; run twice, still three hundred."""
    world = CareWorld(tmp_path, "auto-dealer", now="2026-02-16 09:00")
    world.people(300)
    world.run()
    assert world.tasks() == []
    world.run("2026-02-17 09:00")
    assert len({task["customer"] for task in world.tasks()}) == len(world.tasks()) == 300
    world.app = world.replica()
    world.start("festival_care", "2026-spring_festival")
    world.run()
    assert len(world.tasks()) == 300


@pytest.mark.rule("B-RES-11")
def test_owners_who_consent_are_greeted_at_mid_autumn(tmp_path: Path) -> None:
    """On 6 October 2025 all owners who consent, and nobody else."""
    world = CareWorld(tmp_path, "real-estate", now="2025-10-05 09:00")
    owners = world.people(5, traits={"type": "owner"})
    world.people(2, first=5, traits={"type": "owner"}, opted_out=True)
    world.people(2, first=7, traits={"type": "visitor"})
    world.run()
    assert world.told() == []
    world.run("2025-10-06 09:00")
    assert world.told() == [("festival", each) for each in owners]
    assert {row["channel"] for row in world.messages()} == {"sms"}
    assert {row["template_source"] for row in world.events("message_requested")} == {"B-RES-11"}


@pytest.mark.parametrize(
    ("lunar", "days"),
    [
        ("spring_festival", ["2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26"]),
        ("dragon_boat", ["2024-06-10", "2025-05-31", "2026-06-19", "2027-06-09", "2028-05-28"]),
        ("mid_autumn", ["2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15", "2028-10-03"]),
    ],
)
def test_lunar_festivals_fall_on_their_days(lunar: str, days: list[str]) -> None:
    """Also where days off are moved, and where the festival is a national day as well."""
    festival = Festival(lunar, lunar, "design", lunar=lunar)
    assert [day_of(festival, 2024 + index).isoformat() for index in range(5)] == days


def test_a_year_nobody_knows_is_a_fault() -> None:
    """Nothing is guessed."""
    with pytest.raises(ValidationFailed, match="1800"):
        day_of(Festival("mid_autumn", "中秋节", "design", lunar="mid_autumn"), 1800)


@pytest.mark.rule("A-MEM-15")
@pytest.mark.parametrize(
    "profile",
    ["membership", pytest.param("auto-dealer", marks=pytest.mark.rule("A-CAR-08"))],
)
def test_a_special_period_calls_every_member_once(tmp_path: Path, profile: str) -> None:
    """The anniversary of 1 June chooses all fifty members; a second run adds nobody."""
    world = CareWorld(tmp_path, profile, now="2026-06-01 09:00")
    members = world.people(50)
    kind = "anniversary" if profile == "membership" else "special_period"
    campaign = world.start(kind, "2026-06-01")
    world.run()
    world.start(kind, "2026-06-01")
    world.run()
    assert [task["customer"] for task in world.tasks()] == members
    assert world.campaign(campaign)["sent"] == 50
