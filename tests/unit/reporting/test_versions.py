"""Versions of one thing in a register, fields nobody fills by hand, whole months, and days of a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.rulebook import read_rulebooks
from shared.errors import Unavailable, ValidationFailed
from shared.registers.definition import Succession
from shared.registers.succession import holding_on
from shared.regulations.errors import RegulationError
from tests.unit.reporting.register_world import Office, beijing, refused

OWN = """
registers:
  slip:
    name: 单据
    source: organisation
    fields:
      title: {name: 名称, type: text, required: true, source: organisation}
      holds_from: {name: 生效, type: date, source: organisation}
      by: {name: 填写人, type: staff, default: actor, fixed: true, source: organisation}
      begun: {name: 开始, type: date, source: organisation}
      ended: {name: 结束, type: date, source: organisation}
    computed:
      months: {name: 月数, how: months, fields: [begun, ended], places: 0}
    open: [{role: staff}]
    corrections: [{role: staff}]
    states:
      draft: {name: 草案}
      valid: {name: 有效}
      past: {name: 过去, final: true}
    actions:
      issue: {name: 发出, from: draft, to: valid, needs: holds_from, grants: [{role: staff}], source: organisation}
      end: {name: 终止, from: valid, to: past, source: organisation}
    clocks:
      month: {name: 当月, starts: opened, ends: issue, until: begun, end_of: month, source: organisation}
    succession: {of: title, begins: holds_from, at: issue, then: end, source: organisation}
    obligations:
      spring:
        name: 四月底前
        every: year
        on_date: "04-30"
        each: title
        of: {value: [甲], source: organisation}
        source: organisation
      february: {name: 二月底前, every: year, on_date: "02-29", source: organisation}
"""
RULE = Succession(of=("title",), begins="holds_from", at="issue", then="end", source="organisation")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, "standard", OWN)


def issued(office: Office, title: str, day: str) -> str:
    record = office.open("slip", title=title)
    office.act(record, "issue", holds_from=day)
    return record


def states(office: Office, *records: str) -> list[str]:
    return [str(office.get(record)["state"]) for record in records]


def test_only_what_begins_earlier_is_ended_and_only_of_the_same_thing(office: Office) -> None:
    """Promise: an older version issued late ends nothing newer, and another thing's versions are left alone."""
    newer, other = issued(office, "甲", "2026-06-01"), issued(office, "乙", "2026-01-01")
    late = issued(office, "甲", "2026-03-01")
    assert states(office, newer, other, late) == ["valid", "valid", "valid"]
    newest = issued(office, "甲", "2026-07-01")
    assert states(office, newer, other, late, newest) == ["past", "valid", "past", "valid"]


def test_a_title_longer_than_what_records_are_found_by_is_compared_whole(office: Office) -> None:
    """Promise: two titles that differ only behind their hundredth character are two things."""
    first, second = (
        issued(office, "甲" * 120 + "一", "2026-01-01"),
        issued(office, "甲" * 120 + "二", "2026-02-01"),
    )
    assert states(office, first, second) == ["valid", "valid"]


def test_a_version_that_died_before_ending_the_one_before_is_finished_by_the_timer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: the step says in its own write what it ends; the timer ends it, once."""
    first, second = issued(office, "甲", "2026-01-01"), office.open("slip", title="甲")
    saves = iter([False, True])
    with monkeypatch.context() as patched:
        kept = type(office.app.keep_registers._records)
        save = kept.save

        def dying(self: Any, record: Any, **named: Any) -> None:
            if next(saves, False):
                raise Unavailable("away")
            save(self, record, **named)

        patched.setattr(kept, "save", dying)
        office.act(second, "issue", holds_from="2026-02-01")
    assert states(office, first, second) == ["valid", "valid"]
    for _ in range(2):
        office.app.keep_registers.catch_up()
    assert states(office, first, second) == ["past", "valid"]
    assert [act["action"] for act in office.get(first)["acts"]] == ["issue", "end"]


def test_a_step_that_falls_to_a_version_is_nobodys_by_hand(office: Office) -> None:
    """Promise: without grants nobody ends a version, whatever roles he holds."""
    first = issued(office, "甲", "2026-01-01")
    assert refused(office.act, first, "end", office.by("u-9", "manager", "admin")) == "organisation"


def test_what_held_on_a_day_is_asked_of_versions_alone(office: Office) -> None:
    """Promise: of a register without versions, or of all registers, the question is refused, not answered with all."""
    for register in ("meeting_minutes", None):
        with pytest.raises(ValidationFailed):
            office.find(register, held_on=date(2026, 5, 6))  # type: ignore[arg-type]
    issued(office, "甲", "2026-01-01")
    second = issued(office, "甲", "2026-05-01")
    held = {"held_on": date(2026, 4, 1)}
    assert office.find("slip", where={"holds_from": "2026-05-01"}, **held) == []
    assert office.find("slip", where={"holds_from": "2026-05-01"}, held_on=date(2026, 5, 1)) == [second]


@given(
    st.lists(st.tuples(st.sampled_from("甲乙"), st.integers(0, 9)), max_size=12),
    st.integers(-1, 10),
)
def test_of_each_thing_the_latest_that_has_begun_holds(versions: list[tuple[str, int]], asked: int) -> None:
    """Promise: on any day one version of a thing holds: of those begun by then the last, and none before the first."""
    zero = date(2026, 1, 1)
    rows = [
        {
            "_id": f"rd_{number}",
            "opened_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
            "values": {"title": title, "holds_from": (zero + timedelta(days=day)).isoformat()},
        }
        for number, (title, day) in enumerate(versions)
    ]
    held = set(holding_on(RULE, zero + timedelta(days=asked), rows))
    for title in "甲乙":
        begun = [
            (day, number) for number, (each, day) in enumerate(versions) if each == title and day <= asked
        ]
        mine = {f"rd_{number}" for number, (each, _) in enumerate(versions) if each == title}
        assert held & mine == ({f"rd_{max(begun)[1]}"} if begun else set())


def test_a_fixed_field_is_filled_by_nobody(office: Office) -> None:
    """Promise: who wrote it is who did, on opening and in corrections; what is typed is refused."""
    for written in ("u-1", "u-7"):
        with pytest.raises(ValidationFailed):
            office.open("slip", title="甲", by=written)
    record = office.open("slip", office.by("u-3"), title="甲")
    assert office.get(record)["values"]["by"] == "u-3"
    with pytest.raises(ValidationFailed):
        office.correct(record, office.by("u-3"), by="u-7")


@pytest.mark.parametrize(
    ("begun", "ended", "months"),
    [
        ("2026-03-01", "2026-03-31", "0"),
        ("2026-03-31", "2026-04-01", "1"),
        ("2025-12-31", "2026-01-01", "1"),
        ("2026-04-01", "2026-03-31", "-1"),
    ],
)
def test_months_are_those_of_the_calendar(office: Office, begun: str, ended: str, months: str) -> None:
    """Promise: from the last of March to the first of April is one month, within March none."""
    record = office.open("slip", title="甲", begun=begun, ended=ended)
    assert office.get(record)["values"]["months"] == months


def test_a_clock_may_run_to_the_end_of_the_month(office: Office) -> None:
    """Promise: what began on 6 May is late with the first instant of June, not before."""
    record = office.open("slip", title="甲", begun="2026-05-06")
    office.pass_time(beijing("2026-05-31 23:59"))
    assert office.find("slip", overdue=True) == []
    office.pass_time(beijing("2026-06-01 00:01"))
    assert office.find("slip", overdue=True) == [record]


def test_what_is_due_by_a_day_of_the_year_is_missing_from_the_next(office: Office) -> None:
    """Promise: by 30 April means missing from 1 May on; the last of February is the 28th or the 29th."""
    before, after = (
        {row["obligation"]: row["last_day"][:4] for row in office.missing("slip", at)}
        for at in ("2026-04-30 23:59", "2026-05-01 00:00")
    )
    assert (before["spring"], after["spring"]) == ("2025", "2026")
    due = {
        row["due_at"] for row in office.missing("slip", "2026-05-01 00:00") if row["obligation"] == "february"
    }
    assert due == {"2026-02-28T16:00:00.000Z"}
    leap = {
        row["due_at"] for row in office.missing("slip", "2028-05-01 00:00") if row["obligation"] == "february"
    }
    assert leap == {"2028-02-29T16:00:00.000Z"}


BROKEN = """
registers:
  bad:
    name: 坏
    source: organisation
    fields:
      title: {name: 名称, type: text, source: organisation}
      note: {name: 说明, type: text, fixed: true, source: organisation}
      rows:
        name: 行
        type: list
        source: organisation
        fields:
          at: {name: 时, type: date, default: today, fixed: true}
    open: [{role: staff}]
    states: {a: {name: 甲}, b: {name: 乙, final: true}}
    actions:
      go: {name: 走, from: a, to: b, grants: [{role: staff}], source: organisation}
      lost: {name: 无人, from: a, source: organisation}
    clocks:
      odd: {name: 怪, starts: opened, ends: go, by: "08:00", end_of: month, source: organisation}
    succession: {of: title, begins: title, at: gone, then: go, source: organisation}
    obligations:
      odd: {name: 怪, every: month, on_date: "04-30", source: organisation}
"""


def test_faulty_versions_are_named_with_every_path(tmp_path: Path) -> None:
    """Promise: fields, actions and days that do not fit are found before anything starts."""
    with pytest.raises(RegulationError):
        Office(tmp_path, "standard", BROKEN)
    faults = {fault.path.partition("registers.bad.")[2] for fault in read_rulebooks(tmp_path).faults}
    assert faults == {
        "fields.note.fixed",
        "fields.rows.fields.at.fixed",
        "actions.lost.grants",
        "clocks.odd.end_of",
        "succession.of",
        "succession.begins",
        "succession.at",
        "obligations.odd.on_date",
    }


@pytest.mark.parametrize("day", ["4-30", "13-01", "04-31", "30"])
def test_a_day_no_year_has_is_a_fault(tmp_path: Path, day: str) -> None:
    """Promise: a day that never comes is found when the file is read."""
    with pytest.raises(RegulationError):
        Office(tmp_path, "standard", OWN.replace('"04-30"', f'"{day}"'))
