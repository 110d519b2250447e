from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from shared.worktime import Calendar, Calendars, Duration, Interval, Unit, WorktimeError, calendars, due
from shared.worktime.calendars import calendar_from

CN = calendars.china()
NEW_YORK = Calendars().by_name("us@America/New_York")
AT = datetime.fromisoformat


def _due(
    start: str,
    amount: int,
    unit: Unit,
    *flags: str,
    pauses: tuple[tuple[str, str], ...] = (),
    calendar: Calendar = CN,
) -> str:
    duration = Duration(amount, unit, from_next_day="next" in flags, end_of_day="end" in flags)
    intervals = [Interval(AT(first), AT(last)) for first, last in pauses]
    return due(calendar, AT(start), duration, intervals).at.isoformat(timespec="minutes")


def test_three_working_days_from_wednesday_are_over_when_monday_ends() -> None:
    """Counting from the next day to the end of the day: Thursday, Friday, Monday; too late is Tuesday 00:00."""
    assert _due("2025-03-05T10:00+08:00", 3, "working_days", "next", "end") == "2025-03-11T00:00+08:00"


def test_the_answer_names_its_calendar_version_and_is_in_the_calendars_zone() -> None:
    """Whoever stores a deadline can tell later which data it rests on."""
    found = due(CN, datetime(2025, 3, 5, 2, tzinfo=UTC), Duration(1, "hours"))
    assert found.calendar_version == CN.version
    assert found.at.tzinfo == CN.zone
    assert found.at.isoformat() == "2025-03-05T11:00:00+08:00"


@pytest.mark.parametrize(
    ("start", "amount", "expected"),
    [
        # 26 January (Sunday) is worked, 28 January to 4 February are off, 8 February (Saturday) is worked.
        ("2025-01-24T15:00+08:00", 1, "2025-01-26T15:00+08:00"),
        ("2025-01-24T15:00+08:00", 3, "2025-02-05T15:00+08:00"),
        ("2025-02-07T09:00+08:00", 1, "2025-02-08T09:00+08:00"),
        ("2025-02-08T23:59+08:00", 1, "2025-02-10T23:59+08:00"),
    ],
)
def test_holidays_are_skipped_and_make_up_days_are_worked(start: str, amount: int, expected: str) -> None:
    """The weekend days that the holiday notice makes working days count like any other."""
    assert _due(start, amount, "working_days") == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), "2025-03-11T00:00+08:00"),  # moved to Monday 00:00, one working day later
        (("end",), "2025-03-12T00:00+08:00"),  # the midnight that ends that Tuesday
        (("next",), "2025-03-10T14:30+08:00"),  # Monday is the first day counted, at the same time of day
        (("next", "end"), "2025-03-11T00:00+08:00"),
    ],
)
def test_a_start_on_a_saturday_waits_for_monday(flags: tuple[str, ...], expected: str) -> None:
    """Without ``from_next_day`` the start moves to 00:00 of the next working day; with it days are counted."""
    assert _due("2025-03-08T14:30+08:00", 1, "working_days", *flags) == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), "2025-03-10T10:15+08:00"),
        (("next", "end"), "2025-03-11T00:00+08:00"),
        (("end",), "2025-03-11T00:00+08:00"),
        (("next",), "2025-03-10T10:15+08:00"),
    ],
)
def test_calendar_days_run_through_weekends(flags: tuple[str, ...], expected: str) -> None:
    """Days are dates: five after the 5th is the 10th, whatever is worked."""
    assert _due("2025-03-05T10:15+08:00", 5, "days", *flags) == expected


def test_a_start_in_another_offset_counts_from_its_date_in_the_calendars_zone() -> None:
    """23:00 UTC is already tomorrow in Shanghai."""
    assert _due("2025-03-05T23:00+00:00", 1, "days", "next", "end") == "2025-03-08T00:00+08:00"


@pytest.mark.parametrize(
    ("start", "amount", "expected"),
    [
        ("2025-03-05T10:00+08:00", 2, "2025-03-05T12:00+08:00"),  # used up exactly when the session ends
        ("2025-03-05T10:00+08:00", 3, "2025-03-05T14:30+08:00"),  # goes on after the break
        ("2025-03-05T12:30+08:00", 1, "2025-03-05T14:30+08:00"),  # waits for the next session
        ("2025-03-05T12:00+08:00", 1, "2025-03-05T14:30+08:00"),
        ("2025-03-07T17:00+08:00", 2, "2025-03-10T10:00+08:00"),  # goes on after the weekend
        ("2025-03-08T10:00+08:00", 8, "2025-03-11T09:30+08:00"),  # a day has seven and a half hours
        ("2025-03-07T18:00+08:00", 15, "2025-03-11T18:00+08:00"),
    ],
)
def test_working_hours_count_session_time_only(start: str, amount: int, expected: str) -> None:
    """Breaks, nights and days off take nothing from the amount."""
    assert _due(start, amount, "working_hours") == expected


def test_hours_and_minutes_run_day_and_night() -> None:
    """Elapsed time knows no weekend."""
    assert _due("2025-03-07T17:30+08:00", 24, "hours") == "2025-03-08T17:30+08:00"
    assert _due("2025-03-07T23:50+08:00", 15, "minutes") == "2025-03-08T00:05+08:00"


@pytest.mark.parametrize(
    ("start", "unit", "flags", "expected"),
    [
        ("2025-03-05T10:00+08:00", "hours", ("next",), "2025-03-07T00:00+08:00"),
        ("2025-03-05T10:00+08:00", "hours", ("end",), "2025-03-07T00:00+08:00"),
        # Used up at midnight: the last counted day is the one that ends there.
        ("2025-03-05T00:00+08:00", "hours", ("end",), "2025-03-06T00:00+08:00"),
        ("2025-03-05T10:00+08:00", "working_hours", ("next", "end"), "2025-03-12T00:00+08:00"),
    ],
)
def test_the_flags_round_units_of_time_to_whole_days(
    start: str, unit: Unit, flags: tuple[str, ...], expected: str
) -> None:
    """From the next day means from its midnight, end of day the midnight that ends the last counted day."""
    assert _due(start, 24, unit, *flags) == expected


def test_paused_time_does_not_count() -> None:
    """A pause of two hours moves an hours deadline by two, a working-hours deadline by the session time in it."""
    pause = (("2025-03-05T11:00+08:00", "2025-03-05T14:00+08:00"),)
    assert _due("2025-03-05T10:00+08:00", 4, "hours", pauses=pause) == "2025-03-05T17:00+08:00"
    assert _due("2025-03-05T10:00+08:00", 4, "working_hours", pauses=pause) == "2025-03-05T17:00+08:00"


def test_an_amount_used_up_when_a_pause_begins_is_due_then() -> None:
    """The pause changes nothing for what was over before it."""
    pause = (("2025-03-05T11:00+08:00", "2025-03-05T14:00+08:00"),)
    assert _due("2025-03-05T10:00+08:00", 1, "hours", pauses=pause) == "2025-03-05T11:00+08:00"


def test_overlapping_pauses_count_once() -> None:
    """Two reasons to pause at the same time pause it once."""
    pauses = (
        ("2025-03-05T11:00+08:00", "2025-03-05T13:00+08:00"),
        ("2025-03-05T12:00+08:00", "2025-03-05T14:00+08:00"),
    )
    assert _due("2025-03-05T10:00+08:00", 2, "hours", pauses=pauses) == "2025-03-05T15:00+08:00"


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ((("2025-03-06T09:00+08:00", "2025-03-06T18:00+08:00"),), "2025-03-08T00:00+08:00"),
        ((("2025-03-06T09:01+08:00", "2025-03-06T18:00+08:00"),), "2025-03-07T00:00+08:00"),
        (
            (
                ("2025-03-06T08:00+08:00", "2025-03-06T12:00+08:00"),
                ("2025-03-06T13:30+08:00", "2025-03-06T19:00+08:00"),
            ),
            "2025-03-08T00:00+08:00",
        ),
        (  # two pauses that meet in the middle of a session
            (
                ("2025-03-06T08:00+08:00", "2025-03-06T10:00+08:00"),
                ("2025-03-06T10:00+08:00", "2025-03-06T19:00+08:00"),
            ),
            "2025-03-08T00:00+08:00",
        ),
        ((("2025-03-06T00:00+08:00", "2025-03-10T18:00+08:00"),), "2025-03-12T00:00+08:00"),
    ],
)
def test_a_working_day_is_skipped_when_pauses_cover_all_its_sessions(
    pauses: tuple[tuple[str, str], ...], expected: str
) -> None:
    """One minute of session time left and the day counts."""
    assert _due("2025-03-05T10:00+08:00", 1, "working_days", "next", "end", pauses=pauses) == expected


def test_a_start_on_a_day_paused_throughout_is_moved_like_one_on_a_day_off() -> None:
    """Otherwise the deadline could fall into the very pause that stopped it."""
    pause = (("2025-03-05T08:30+08:00", "2025-03-06T08:30+08:00"),)
    assert _due("2025-03-05T08:00+08:00", 1, "working_days", pauses=pause) == "2025-03-07T00:00+08:00"


def test_a_calendar_day_is_skipped_only_when_paused_from_midnight_to_midnight() -> None:
    """Session time does not matter to calendar days."""
    sessions_only = (("2025-03-06T09:00+08:00", "2025-03-06T18:00+08:00"),)
    whole = (("2025-03-06T00:00+08:00", "2025-03-07T00:00+08:00"),)
    assert _due("2025-03-05T10:00+08:00", 2, "days", pauses=sessions_only) == "2025-03-07T10:00+08:00"
    assert _due("2025-03-05T10:00+08:00", 2, "days", pauses=whole) == "2025-03-08T10:00+08:00"


def test_elapsed_hours_and_wall_clock_days_part_where_clocks_jump() -> None:
    """24 hours over a short day end an hour later by the clock; one day later is the same time of day."""
    start = "2025-03-08T12:00-05:00"
    assert _due(start, 24, "hours", calendar=NEW_YORK) == "2025-03-09T13:00-04:00"
    assert _due(start, 1, "days", calendar=NEW_YORK) == "2025-03-09T12:00-04:00"
    assert _due("2025-03-08T02:30-05:00", 1, "days", calendar=NEW_YORK) == "2025-03-09T03:30-04:00"


def test_a_time_of_day_that_happens_twice_means_the_first() -> None:
    """Also when the start itself was in the second of two such hours."""
    start = "2025-11-02T01:30-05:00"
    assert _due(start, 364, "days", calendar=NEW_YORK) == "2026-11-01T01:30-04:00"


def test_a_day_ends_with_the_jump_when_the_clock_jumps_over_midnight() -> None:
    """Toronto, 30 March 1919: at 23:30 the clock was put to 00:30, so the day had 23 hours and a half."""
    week = {"country": "none", "zone": "America/Toronto", "sessions": {"mon-sun": [["00:00", "24:00"]]}}
    toronto = calendar_from("toronto", week)
    assert _due("1919-03-29T10:00-05:00", 1, "days", "end", calendar=toronto) == "1919-03-31T00:30-04:00"
    spans = toronto.spans_of(date(1919, 3, 30)), toronto.spans_of(date(1919, 3, 31))
    minutes = [sum(last - first for first, last in day) // 60_000_000 for day in spans]
    assert minutes == [23 * 60 + 30, 23 * 60 + 30]


def test_session_time_is_what_clocks_leave_of_it() -> None:
    """A night session loses the skipped hour and gains the repeated one."""
    nights = calendar_from(
        "nights",
        {"country": "none", "zone": "America/New_York", "sessions": {"sun": [["00:00", "04:00"]]}},
    )
    assert _due("2025-03-08T20:00-05:00", 3, "working_hours", calendar=nights) == "2025-03-09T04:00-04:00"
    assert _due("2025-11-01T20:00-04:00", 5, "working_hours", calendar=nights) == "2025-11-02T04:00-05:00"


def test_the_end_of_a_day_is_its_last_instant_where_midnight_is_skipped() -> None:
    """In Cairo the clock jumped from 24:00 to 01:00: that jump ended 24 April 2025."""
    cairo = Calendars().by_name("eg")
    found = _due("2025-04-23T10:00+02:00", 1, "days", "next", "end", calendar=cairo)
    assert found == "2025-04-25T01:00+03:00"


@pytest.mark.parametrize(
    ("start", "amount", "unit", "flags", "provisional"),
    [
        ("2026-12-30T10:00+08:00", 1, "working_days", ("next", "end"), False),  # ends with 31 December
        ("2026-12-30T10:00+08:00", 2, "working_days", ("next", "end"), True),
        ("2026-12-30T10:00+08:00", 30, "days", (), False),  # dates need no official notice
        ("2026-12-30T10:00+08:00", 900, "hours", (), False),
        ("2026-12-31T16:00+08:00", 2, "working_hours", (), False),
        ("2026-12-31T16:00+08:00", 3, "working_hours", (), True),
        ("2003-12-30T10:00+08:00", 5, "working_days", (), True),
        ("2003-12-31T10:00+08:00", 5, "working_days", ("next",), False),  # counts nothing of 2003
    ],
)
def test_a_count_that_looks_at_a_year_without_official_days_is_provisional(
    start: str, amount: int, unit: Unit, flags: tuple[str, ...], *, provisional: bool
) -> None:
    """Only such a date may still move, so only such a date is flagged."""
    duration = Duration(amount, unit, from_next_day="next" in flags, end_of_day="end" in flags)
    assert due(CN, AT(start), duration).provisional is provisional


def test_seconds_and_their_fractions_are_kept() -> None:
    """A deadline is exact to the microsecond."""
    found = due(CN, AT("2025-03-05T17:59:59.000001+08:00"), Duration(1, "working_hours")).at
    assert found.isoformat() == "2025-03-06T09:59:59.000001+08:00"
    found = due(CN, AT("2025-03-05T10:00:00.000001+08:00"), Duration(1, "working_days")).at
    assert found.isoformat() == "2025-03-06T10:00:00.000001+08:00"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"amount": 0, "unit": "hours"}, "bad_amount"),
        ({"amount": -1, "unit": "hours"}, "bad_amount"),
        ({"amount": 1.5, "unit": "hours"}, "bad_amount"),
        ({"amount": True, "unit": "hours"}, "bad_amount"),
        ({"amount": "3", "unit": "hours"}, "bad_amount"),
        ({"amount": 1, "unit": "weeks"}, "unknown_unit"),
        ({"amount": 1, "unit": ["hours"]}, "unknown_unit"),
        ({"amount": 1, "unit": "days", "from_next_day": 1}, "bad_flag"),
        ({"amount": 1, "unit": "days", "end_of_day": "yes"}, "bad_flag"),
    ],
)
def test_a_duration_without_meaning_is_refused(arguments: dict[str, object], code: str) -> None:
    """Nothing but a whole positive amount of a known unit makes a duration."""
    with pytest.raises(WorktimeError) as refused:
        Duration(**arguments)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_start_without_offset_is_refused() -> None:
    """A guess at the zone would be a wrong deadline some day."""
    with pytest.raises(WorktimeError, match="offset") as refused:
        due(CN, AT("2025-03-05T10:00"), Duration(1, "days"))
    assert refused.value.code == "start_without_offset"


def test_a_pause_that_ends_before_it_starts_or_has_no_offset_is_refused() -> None:
    """An empty pause is fine: it was taken back at once."""
    moment = AT("2025-03-05T10:00+08:00")
    assert Interval(moment, moment).span[0] == Interval(moment, moment).span[1]
    with pytest.raises(WorktimeError) as refused:
        Interval(moment, AT("2025-03-05T09:59+08:00"))
    assert refused.value.code == "pause_ends_before_start"
    with pytest.raises(WorktimeError) as refused:
        Interval(moment, AT("2025-03-05T11:00"))
    assert refused.value.code == "pause_without_offset"


def test_a_pause_over_a_repeated_hour_is_measured_in_instants() -> None:
    """01:45 before the clock goes back is earlier than 01:15 after it, though the wall clock says otherwise."""
    first = datetime(2025, 11, 2, 1, 45, tzinfo=NEW_YORK.zone)
    last = datetime(2025, 11, 2, 1, 15, tzinfo=NEW_YORK.zone, fold=1)
    span = Interval(first, last).span
    assert span[1] - span[0] == 30 * 60 * 1_000_000


@pytest.mark.parametrize(
    ("start", "amount", "unit"),
    [
        ("2025-03-05T10:00+08:00", 10**12, "hours"),
        ("2025-03-05T10:00+08:00", 10**30, "working_hours"),
        ("2025-03-05T10:00+08:00", 10**9, "days"),
        ("2025-03-05T10:00+08:00", 10**30, "working_days"),
        ("2999-12-01T10:00+08:00", 40, "working_days"),
        ("2999-12-20T10:00+08:00", 100, "working_hours"),
        ("1899-12-01T10:00+08:00", 1, "days"),
        ("0001-01-01T00:00+08:00", 1, "days"),
        ("9999-12-31T23:59-08:00", 1, "hours"),
    ],
)
def test_a_count_that_leaves_the_centuries_is_refused(start: str, amount: int, unit: Unit) -> None:
    """A slip of the pen gives an error, neither an endless loop nor an overflow."""
    with pytest.raises(WorktimeError) as refused:
        due(CN, AT(start), Duration(amount, unit))
    assert refused.value.code == "out_of_range"


def test_a_pause_without_a_foreseeable_end_is_cut_at_the_edge_of_what_is_counted() -> None:
    """Whoever pauses until the year 9999 gets a refusal, not an overflow; a pause long ago changes nothing."""
    forever = (("2025-03-06T00:00+08:00", "9999-12-31T23:59+08:00"),)
    for unit in ("days", "working_days", "hours", "working_hours"):
        with pytest.raises(WorktimeError) as refused:
            _due("2025-03-05T10:00+08:00", 20, unit, pauses=forever)
        assert refused.value.code == "out_of_range"
    long_ago = (("0001-01-01T00:00+08:00", "0001-01-02T00:00+08:00"),)
    assert _due("2025-03-05T10:00+08:00", 1, "days", pauses=long_ago) == "2025-03-06T10:00+08:00"


def test_a_calendar_that_is_hardly_worked_is_counted_far_and_then_refused() -> None:
    """One hour a week goes a long way, but not beyond the centuries that are counted."""
    week = {"country": "none", "zone": "UTC", "sessions": {"mon": [["09:00", "10:00"]]}}
    rare = calendar_from("rare", week)
    found = _due("2025-03-05T10:00+00:00", 2, "working_days", calendar=rare)
    assert found == "2025-03-24T00:00+00:00"  # from Monday the 10th at 00:00
    with pytest.raises(WorktimeError) as refused:
        due(rare, AT("2025-03-05T10:00Z"), Duration(10**6, "working_hours"))
    assert refused.value.code == "out_of_range"
