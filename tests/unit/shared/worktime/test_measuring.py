from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import pytest

from shared.worktime import (
    Duration,
    Interval,
    Unit,
    WorktimeError,
    before,
    calendars,
    elapsed,
    explain,
    part_way,
)

CN = calendars.china()
AT = datetime.fromisoformat


@pytest.mark.parametrize(
    ("end", "unit", "expected"),
    [
        ("2025-03-05T10:20+08:00", "minutes", Fraction(20)),
        ("2025-03-06T10:00+08:00", "hours", Fraction(24)),
        ("2025-03-06T10:00+08:00", "working_hours", Fraction(15, 2)),
        ("2025-03-08T09:59+08:00", "days", Fraction(2)),
        ("2025-03-08T10:00+08:00", "days", Fraction(3)),
        ("2025-03-10T09:59+08:00", "working_days", Fraction(2)),
        ("2025-03-10T10:00+08:00", "working_days", Fraction(3)),
        ("2025-03-05T10:00+08:00", "working_days", Fraction(0)),
    ],
)
def test_elapsed_tells_how_much_has_passed_since_wednesday_at_ten(
    end: str, unit: Unit, expected: Fraction
) -> None:
    """Time to the fraction, days when they are complete."""
    assert elapsed(CN, AT("2025-03-05T10:00+08:00"), AT(end), unit) == expected


def test_a_day_covered_by_two_pauses_is_left_out_once() -> None:
    """One pause in the morning, one in the afternoon: one day fewer, not two."""
    pauses = [
        Interval(AT("2025-03-06T08:00+08:00"), AT("2025-03-06T12:30+08:00")),
        Interval(AT("2025-03-06T13:00+08:00"), AT("2025-03-06T20:00+08:00")),
    ]
    start, end = AT("2025-03-05T10:00+08:00"), AT("2025-03-12T10:00+08:00")
    assert elapsed(CN, start, end, "working_days", pauses) == 4


def test_elapsed_refuses_an_end_before_the_start() -> None:
    """A negative age is a mistake of the caller."""
    with pytest.raises(WorktimeError) as refused:
        elapsed(CN, AT("2025-03-05T10:00+08:00"), AT("2025-03-05T09:00+08:00"), "hours")
    assert refused.value.code == "end_before_start"
    with pytest.raises(WorktimeError) as refused:
        elapsed(CN, AT("2025-03-05T10:00+08:00"), AT("2025-03-05T11:00+08:00"), "weeks")  # type: ignore[arg-type]
    assert refused.value.code == "unknown_unit"


def test_four_working_hours_before_midnight_are_half_past_one_less_of_the_afternoon() -> None:
    """The session ends at 18:00, so four hours before the end of the day begin at 14:00."""
    due = AT("2025-03-11T00:00+08:00")
    assert before(CN, due, 4, "working_hours").isoformat() == "2025-03-10T14:00:00+08:00"
    assert before(CN, due, 4, "hours").isoformat() == "2025-03-10T20:00:00+08:00"


def test_before_steps_over_pauses_and_days_off() -> None:
    """Eight working hours before Monday noon, with Friday afternoon paused, lie on Thursday."""
    pause = Interval(AT("2025-03-07T12:00+08:00"), AT("2025-03-07T20:00+08:00"))
    found = before(CN, AT("2025-03-10T12:00+08:00"), 8, "working_hours", [pause])
    assert found.isoformat() == "2025-03-06T16:00:00+08:00"


@pytest.mark.parametrize(
    ("amount", "unit", "code"), [(0, "hours", "bad_amount"), (1, "days", "unit_counts_days")]
)
def test_before_refuses_what_has_no_answer(amount: int, unit: Unit, code: str) -> None:
    """Days are counted from their start, so there is no so-many days before."""
    with pytest.raises(WorktimeError) as refused:
        before(CN, AT("2025-03-10T12:00+08:00"), amount, unit)
    assert refused.value.code == code


def test_before_refuses_to_leave_the_centuries() -> None:
    """As ``due`` does in the other direction."""
    for unit in ("hours", "working_hours"):
        with pytest.raises(WorktimeError) as refused:
            before(CN, AT("2025-03-10T12:00+08:00"), 10**9, unit)
        assert refused.value.code == "out_of_range"


@pytest.mark.parametrize(
    ("percent", "unit", "expected"),
    [
        (50, "hours", "2025-03-06T10:00:00+08:00"),
        (50, "working_hours", "2025-03-06T10:00:00+08:00"),
        (90, "working_hours", "2025-03-06T17:30:00+08:00"),
        (100, "hours", "2025-03-07T10:00:00+08:00"),
    ],
)
def test_part_way_finds_where_a_share_of_the_span_is_used_up(percent: int, unit: Unit, expected: str) -> None:
    """Warnings at a percentage of the span."""
    start, end = AT("2025-03-05T10:00+08:00"), AT("2025-03-07T10:00+08:00")
    assert part_way(CN, start, end, percent, unit).isoformat() == expected


def test_part_way_of_a_span_in_which_nothing_counts_is_its_end() -> None:
    """A weekend has no working half."""
    start, end = AT("2025-03-08T10:00+08:00"), AT("2025-03-09T10:00+08:00")
    assert part_way(CN, start, end, 50, "working_hours") == end


@pytest.mark.parametrize("percent", [0, 101, -1])
def test_part_way_refuses_a_percentage_outside_its_range(percent: int) -> None:
    """Nothing lies before the start or after the end."""
    with pytest.raises(WorktimeError) as refused:
        part_way(CN, AT("2025-03-05T10:00+08:00"), AT("2025-03-06T10:00+08:00"), percent, "hours")
    assert refused.value.code == "bad_percent"


def test_an_explanation_says_why_each_day_counted_or_not() -> None:
    """Start, weekend, holiday, pause and make-up day are told apart."""
    pause = Interval(AT("2025-01-27T00:00+08:00"), AT("2025-01-28T00:00+08:00"))
    told = explain(CN, AT("2025-01-25T10:00+08:00"), Duration(2, "working_days"), [pause])
    rows = [(f"{line.day:%m-%d}", line.kind, line.name, int(line.total), line.note) for line in told.lines]
    assert rows[:3] == [
        ("01-25", "weekend", "", 0, "start"),
        ("01-26", "make-up working day", "Spring Festival", 0, "the start moves to 00:00 of this day"),
        ("01-27", "working day", "", 0, "paused"),
    ]
    assert rows[3] == ("01-28", "holiday", "Spring Festival", 0, "")
    assert rows[-2:] == [("02-05", "working day", "", 1, ""), ("02-06", "working day", "", 2, "")]
    assert told.due.at.isoformat() == "2025-02-06T00:00:00+08:00"


def test_an_explanation_of_working_hours_lists_the_stretches_counted() -> None:
    """Sessions cut by the start, by a pause and by the end."""
    pause = Interval(AT("2025-03-05T14:00+08:00"), AT("2025-03-05T15:00+08:00"))
    told = explain(CN, AT("2025-03-05T11:00+08:00"), Duration(5, "working_hours"), [pause])
    stretches = [
        (f"{first:%d %H:%M}", f"{last:%H:%M}") for line in told.lines for first, last in line.stretches
    ]
    assert stretches == [
        ("05 11:00", "12:00"),
        ("05 13:30", "14:00"),
        ("05 15:00", "18:00"),
        ("06 09:00", "09:30"),
    ]
    assert [line.note for line in told.lines] == ["start, paused", ""]


def test_an_explanation_flags_the_days_of_provisional_years() -> None:
    """The reader sees which days may still change."""
    told = explain(CN, AT("2026-12-31T10:00+08:00"), Duration(1, "working_days"))
    assert [line.note for line in told.lines] == ["start", "provisional"]
