from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kefu.clock import app
from shared.worktime import UNITS, calendars

ISSUE = {
    "id": "1",
    "calendar": "cn",
    "start": "2025-03-05T10:00:00+08:00",
    "amount": 3,
    "unit": "working_days",
    "from_next_day": True,
    "end_of_day": True,
}
VERSION = calendars.china().version


def _run(command: list[str], *lines: Any) -> tuple[int, str, str]:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    result = CliRunner().invoke(app, command, input=text.encode())
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def _due(*lines: Any, options: tuple[str, ...] = ()) -> tuple[int, list[dict[str, Any]]]:
    status, out, _ = _run(["due", *options], *lines)
    return status, [json.loads(line) for line in out.splitlines()]


def test_a_line_is_answered_with_the_deadline_and_its_calendar_version() -> None:
    """The example of the manual, letter by letter."""
    status, answers = _due(ISSUE)
    assert status == 0
    assert answers == [
        {"id": "1", "due": "2025-03-11T00:00:00+08:00", "provisional": False, "calendar_version": VERSION}
    ]


def test_lines_are_answered_in_order_and_one_error_makes_the_status_one() -> None:
    """A bad line spoils neither its neighbours nor the order, but the script notices."""
    status, answers = _due(ISSUE, {**ISSUE, "id": "2", "amount": 0}, "", {**ISSUE, "id": "3", "amount": 1})
    assert status == 1
    assert [answer["id"] for answer in answers] == ["1", "2", "3"]
    assert answers[1]["error"]["code"] == "bad_amount"
    assert answers[2]["due"] == "2025-03-07T00:00:00+08:00"


def test_no_lines_give_no_answers_and_no_error() -> None:
    """An empty list of questions is answered by an empty list."""
    assert _due() == (0, [])


def test_sessions_and_pauses_of_the_line_are_counted() -> None:
    """Other hours and a pause hold for their own line only."""
    hours = {
        "id": 7,
        "calendar": "cn",
        "start": "2025-03-05T10:00:00+08:00",
        "amount": 4,
        "unit": "working_hours",
    }
    pause = {"from": "2025-03-05T11:00:00+08:00", "to": "2025-03-05T15:00:00+08:00"}
    status, answers = _due(
        hours,
        {**hours, "sessions": [["09:00", "12:00"], ["13:30", "18:00"]]},
        {**hours, "sessions": [["08:00", "20:00"]]},
        {**hours, "sessions": [["08:00", "20:00"]], "pauses": [pause]},
        {**hours, "sessions": None, "pauses": None},
    )
    assert status == 0
    assert [answer["due"][11:16] for answer in answers] == ["15:30", "15:30", "14:00", "18:00", "15:30"]
    versions = [answer["calendar_version"] for answer in answers]
    assert versions[0] == versions[1] == versions[4] == VERSION
    assert versions[2] == versions[3] != VERSION


def test_a_date_in_a_year_without_official_days_is_provisional() -> None:
    """The script can tell a final date from one that may move."""
    _, answers = _due({**ISSUE, "start": "2026-12-30T10:00:00+08:00"})
    assert answers[0]["provisional"] is True


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "bad_amount"),
        ({"amount": "3"}, "bad_amount"),
        ({"amount": 2.5}, "bad_amount"),
        ({"start": "2025-03-05T10:00:00"}, "start_without_offset"),
        ({"start": "2025-03-05"}, "start_without_offset"),
        ({"start": "yesterday"}, "bad_time"),
        ({"start": 1741140000}, "bad_time"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "out_of_range"),
        ({"calendar": "atlantis"}, "unknown_calendar"),
        ({"calendar": ["cn"]}, "unknown_calendar"),
        ({"unit": "fortnights"}, "unknown_unit"),
        ({"unit": 3}, "unknown_unit"),
        ({"unit": None}, "missing_key"),
        ({"from_next_day": "yes"}, "bad_flag"),
        ({"end_of_day": 1}, "bad_flag"),
        ({"sessions": [["09:00", "12:00"], ["11:00", "18:00"]]}, "overlapping_sessions"),
        ({"sessions": []}, "bad_session"),
        ({"sessions": [["18:00", "09:00"]]}, "bad_session"),
        (
            {"pauses": [{"from": "2025-03-06T10:00:00+08:00", "to": "2025-03-06T09:00:00+08:00"}]},
            "pause_ends_before_start",
        ),
        ({"pauses": [{"from": "2025-03-06T10:00:00", "to": "2025-03-06T11:00:00"}]}, "pause_without_offset"),
        ({"pauses": [{"from": "2025-03-06T10:00:00+08:00"}]}, "bad_pause"),
        ({"pauses": [{"from": "2025-03-06T10:00:00+08:00", "to": None}]}, "bad_time"),
        ({"pauses": ["2025-03-06"]}, "bad_pause"),
        ({"pauses": "never"}, "bad_pause"),
        ({"end_of_the_day": True}, "unknown_key"),
        ({"amount": 10**15}, "out_of_range"),
    ],
)
def test_a_question_without_an_answer_is_told_so_by_code(change: dict[str, Any], code: str) -> None:
    """Every refusal keeps the id and names what is wrong."""
    status, answers = _due({**ISSUE, **change})
    assert status == 1
    assert answers[0]["id"] == "1"
    assert set(answers[0]) == {"id", "error"}
    assert answers[0]["error"]["code"] == code
    assert answers[0]["error"]["message"]


@pytest.mark.parametrize(
    "line", ["nonsense", "[1]", '"cn"', '{"id": ', "[" * 100_000, '{"amount": ' + "9" * 5000 + "}"]
)
def test_a_line_that_is_no_json_object_is_answered_without_an_id(line: str) -> None:
    """Whatever comes in, one line comes out."""
    status, answers = _due(line, ISSUE)
    assert status == 1
    assert (answers[0]["id"], answers[0]["error"]["code"]) == (None, "bad_json")
    assert "due" in answers[1]


def test_bytes_that_are_no_text_are_answered_too() -> None:
    """A broken encoding is an error of its line."""
    result = CliRunner().invoke(app, ["due"], input=b'{"id": "\xff"}\n')
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "bad_json"


def test_an_id_may_be_anything_and_comes_back_as_it_was() -> None:
    """Scripts use what they have, Chinese text included."""
    ids: list[Any] = ["甲-1", 42, None, ["a"], {"b": 1}]
    _, answers = _due(*({**ISSUE, "id": name} for name in ids))
    assert [answer["id"] for answer in answers] == ids


def test_calendars_of_a_file_can_be_used_by_name(tmp_path: Path) -> None:
    """An organisation checks its own calendar before it is put to use."""
    file = tmp_path / "calendars.yaml"
    file.write_text("shop:\n  country: cn\n  closures: [2025-03-06]\n", encoding="utf-8")
    status, answers = _due({**ISSUE, "calendar": "shop"}, options=("--calendars", str(file)))
    assert (status, answers[0]["due"]) == (0, "2025-03-12T00:00:00+08:00")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- cn\n", "mapping"),
        ("shop: {country: cn, sesions: []}\n", "sesions"),
        ("shop: [\n", "calendars.yaml"),
        (None, "calendars.yaml"),
    ],
)
def test_a_bad_calendar_file_stops_the_command_with_file_and_reason(
    tmp_path: Path, text: str | None, part: str
) -> None:
    """Status 2: the questions were not even read."""
    file = tmp_path / "calendars.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    status, out, err = _run(["due", "--calendars", str(file)], ISSUE)
    assert (status, out) == (2, "")
    assert str(file) in err
    assert part in err


def test_explain_tells_every_day_and_what_was_counted() -> None:
    """The reader can recount the deadline on the fingers of a hand."""
    status, out, _ = _run(["explain"], ISSUE, {**ISSUE, "id": "2", "unit": "weeks"})
    assert status == 1
    assert out.splitlines() == [
        "1: 3 working days from 2025-03-05T10:00:00+08:00 in cn, from the next day, to the end of the day",
        "  2025-03-05 Wed  working day                                      -  start",
        "  2025-03-06 Thu  working day                                      1",
        "  2025-03-07 Fri  working day                                      2",
        "  2025-03-08 Sat  weekend                                          -",
        "  2025-03-09 Sun  weekend                                          -",
        "  2025-03-10 Mon  working day                                      3",
        f"  due 2025-03-11T00:00:00+08:00 (calendar {VERSION})",
        "",
        f"2: error unknown_unit: the unit must be one of {', '.join(UNITS)}, got 'weeks'",
        "",
    ]


def test_explain_lists_the_sessions_that_working_hours_used() -> None:
    """Stretches of the day, the share of the day and the sum so far."""
    question = {"calendar": "cn", "start": "2026-02-13T16:00:00+08:00", "amount": 10, "unit": "working_hours"}
    status, out, _ = _run(["explain"], question)
    lines = [line.split() for line in out.splitlines()]
    assert status == 0
    assert lines[1][-4:] == ["16:00-18:00", "2", "2", "start"]
    assert lines[2][-4:] == ["09:00-12:00", "13:30-18:00", "7.5", "9.5"]
    assert lines[-3][-3:] == ["09:00-09:30", "0.5", "10"]


def test_explain_says_when_a_date_may_still_move() -> None:
    """A provisional date is called so in plain words."""
    _, out, _ = _run(["explain"], {**ISSUE, "start": "2026-12-30T10:00:00+08:00"})
    assert "provisional: official days off of a year in it are not out" in out


def test_the_year_grid_marks_holidays_and_make_up_days() -> None:
    """February 2026: the Spring Festival from the 15th to the 23rd, two worked Saturdays."""
    status, out, _ = _run(["calendar", "cn", "2026"])
    assert status == 0
    assert out.startswith("cn 2026: 248 working days, official (Asia/Shanghai, ")
    assert "  9  10  11  12  13  14+ 15*" in out
    assert " 16* 17* 18* 19* 20* 21* 22*" in out
    assert "* 02-15 Sun to 02-23 Mon  holiday: Spring Festival" in out.splitlines()
    assert "+ 02-28 Sat               make-up working day: Spring Festival" in out.splitlines()
    for month in ("January", "June", "December"):
        assert month in out


def test_the_year_grid_shows_every_day_once_in_its_weekday_column() -> None:
    """A leap year: 366 numbers, each under its weekday."""
    _, out, _ = _run(["calendar", "cn", "2024"])
    grid = out[: out.index("unmarked")].splitlines()[1:]
    columns = [_weekday_columns(line) for line in grid]
    shown = Counter(weekday for row in columns for weekday in row)
    first = date(2024, 1, 1)
    assert shown == Counter((first + timedelta(days=n)).weekday() for n in range(366))


def _weekday_columns(line: str) -> list[int]:
    """Return the weekday columns that hold a number; three months a row, 28 characters and two blanks each."""
    return [
        start // 4
        for month in (line[0:28], line[30:58], line[60:88])
        for start in range(0, 28, 4)
        if month[start : start + 3].strip().isdigit()
    ]


def test_the_year_grid_tells_half_days_closures_and_provisional_years(tmp_path: Path) -> None:
    """An organisation sees its own days."""
    file = tmp_path / "calendars.yaml"
    file.write_text(
        "shop:\n  country: cn\n  half_days: [2027-03-05]\n  closures: [{date: 2027-03-08, reason: move}]\n",
        encoding="utf-8",
    )
    status, out, _ = _run(["calendar", "shop", "2027", "--calendars", str(file)])
    assert status == 0
    assert "provisional" in out.splitlines()[0]
    assert "~ 03-05 Fri               half day (09:00-12:00)" in out.splitlines()
    assert "x 03-08 Mon               closed: move" in out.splitlines()


def test_the_year_grid_of_an_unknown_calendar_is_an_error() -> None:
    """Nothing is printed in its place."""
    status, out, err = _run(["calendar", "atlantis", "2026"])
    assert (status, out) == (1, "")
    assert err.startswith("unknown_calendar: ")
