from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest

from shared.worktime import Calendars, DayKind, calendars
from shared.worktime.official import China

CN = calendars.china()
EVERY_DAY = [date(2004, 1, 1) + timedelta(days=n) for n in range((date(2027, 1, 1) - date(2004, 1, 1)).days)]


def test_every_day_of_2004_to_2026_is_what_the_official_list_says() -> None:
    """No holiday and no make-up working day of 23 years is missed."""
    assert len(EVERY_DAY) == 8401
    wrong = [day for day in EVERY_DAY if CN.is_working_day(day) != chinese_calendar.is_workday(day)]
    assert wrong == []


def test_the_index_of_working_days_lists_exactly_the_official_ones() -> None:
    """The index that deadlines are counted in holds the same days."""
    indexed = [date.fromordinal(number) for year in range(2004, 2027) for number in CN.working_days(year)]
    assert indexed == [day for day in EVERY_DAY if chinese_calendar.is_workday(day)]


@pytest.mark.parametrize("year", [1999, 2003, 2027, 2028])
def test_a_year_without_official_data_goes_by_weekdays_and_is_provisional(year: int) -> None:
    """Nothing is guessed: Monday to Friday, and flagged."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert CN.provisional(year)
    assert all(CN.is_working_day(day) == (day.weekday() < 5) for day in days)


def test_the_official_years_are_those_of_the_installed_list() -> None:
    """2004 to 2026 are official; when the list grows this says where the provisional years begin."""
    official = [year for year in range(1990, 2060) if not CN.provisional(year)]
    assert official == list(China().years) == list(range(2004, 2027))


def test_the_kind_and_name_of_a_day_say_why() -> None:
    """An explanation can name the holiday, and what a worked Sunday makes up for."""
    assert (CN.day(date(2026, 2, 17)).kind, CN.day(date(2026, 2, 17)).name) == (
        DayKind.HOLIDAY,
        "Spring Festival",
    )
    assert (CN.day(date(2026, 2, 14)).kind, CN.day(date(2026, 2, 14)).name) == (
        DayKind.MAKE_UP,
        "Spring Festival",
    )
    assert CN.day(date(2026, 3, 7)).kind is DayKind.WEEKEND
    assert CN.day(date(2026, 3, 7)).sessions == ()
    assert [str(session) for session in CN.day(date(2026, 2, 14)).sessions] == ["09:00-12:00", "13:30-18:00"]


def test_other_countries_have_their_own_holidays_weekends_and_substituted_days() -> None:
    """German Unity Day is off, Hungary works a Saturday for a bridge day, the Emirates rest on Sunday."""
    german, hungarian = Calendars().by_name("de"), Calendars().by_name("hu")
    emirates = Calendars().by_name("ae")
    assert not german.is_working_day(date(2025, 10, 3))
    assert german.day(date(2025, 10, 3)).name == "German Unity Day"
    assert hungarian.day(date(2026, 1, 10)).kind is DayKind.MAKE_UP
    assert not emirates.is_working_day(date(2025, 3, 9))
    assert emirates.is_working_day(date(2025, 3, 7))
    # Friday and Saturday until 2021
    assert emirates.is_working_day(date(2021, 3, 7))
    assert not emirates.is_working_day(date(2021, 3, 5))


def test_years_whose_holidays_are_only_estimated_are_provisional() -> None:
    """Where the moon is still to be sighted, or the tables end, the date may move."""
    assert not Calendars().by_name("ae").provisional(2025)
    assert Calendars().by_name("ae").provisional(2040)
    assert Calendars().by_name("in").provisional(2040)
    assert Calendars().by_name("de").provisional(2101)
    assert not Calendars().by_name("de").provisional(2040)
