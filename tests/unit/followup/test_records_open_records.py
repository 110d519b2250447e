"""A record that opens another: once, from what stands in it, whatever dies in between; faults named at the start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.followup.rulebook import read_rulebooks
from shared.errors import Unavailable
from shared.regulations.errors import RegulationError
from tests.unit.followup.register_world import Office, refused

SCORES = {"buildings": 4, "facilities": 4, "security": 5, "traffic": 3}


@pytest.fixture
def estate(tmp_path: Path) -> Office:
    return Office(tmp_path, "property")


@pytest.mark.rule("A-PRM-15")
def test_cleaning_scored_two_opens_a_task_and_three_does_not(estate: Office) -> None:
    """Promise: what falls below the limit is somebody's task from that moment on, and names the rule."""
    poor = estate.open("estate_inspection", **SCORES, cleaning=2, remarks="3号楼大堂有积水")
    fair = estate.open("estate_inspection", **SCORES, cleaning=3)
    (task,) = estate.opened_by(poor, "corrective_measure")
    assert (task["finding"], task["owner"], task["asked_by"]) == ("3号楼大堂有积水", "u-1", "A-PRM-15")
    assert estate.opened_by(fair, "corrective_measure") == []
    (flag,) = estate.told(poor, "record_flagged")
    assert (flag["flag"], flag["source"]) == ("clean", "A-PRM-15")


def test_a_repeated_step_opens_nothing_twice(estate: Office) -> None:
    """Promise: the same command again, another round of the timer, a correction that changes nothing: one task."""
    call = estate.by(key="same")
    values: dict[str, Any] = {**SCORES, "cleaning": 1}
    record = estate.open("estate_inspection", call, **values)
    assert estate.open("estate_inspection", call, **values) == record
    estate.app.keep_registers.catch_up()
    estate.correct(record, estate.by("u-2", "supervisor"), cleaning=2)
    assert len(estate.find("corrective_measure", where={"origin": record})) == 1


def test_what_died_before_the_second_record_is_finished_by_the_timer(
    estate: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: the first record says what it owes in its own write; the timer opens it, once, and owes no more."""
    inserts = iter([False, True])

    def dying(insert: Any) -> Any:
        def once(kept: Any, record: Any) -> bool:
            if next(inserts, False):
                raise Unavailable("away")
            return bool(insert(kept, record))

        return once

    with monkeypatch.context() as patched:
        kept = type(estate.app.keep_registers._records)
        patched.setattr(kept, "insert", dying(kept.insert))
        record = estate.open("estate_inspection", **SCORES, cleaning=2)
        assert estate.find("corrective_measure") == []
    estate.app.keep_registers.catch_up()
    estate.app.keep_registers.catch_up()
    assert len(estate.find("corrective_measure", where={"origin": record})) == 1


def test_what_cannot_be_opened_is_flagged_where_it_should_have_come_from(tmp_path: Path) -> None:
    """Promise: nothing is lost in silence: the record that opens in vain says so, with its rule, and once."""
    office = Office(
        tmp_path,
        "standard",
        """
project_check:
  opens:
    review:
      register: service_evaluation
      at: opened
      copies: {period: project}
      source: organisation
""",
    )
    first = office.open("project_check", project="东苑")
    second = office.open("project_check", project="东苑")
    assert office.get(first)["flags"] == []
    assert office.get(second)["flags"] == ["not_opened:review"]
    office.app.keep_registers.catch_up()
    assert [flag["source"] for flag in office.told(second, "record_flagged")] == ["organisation"]
    assert len(office.find("service_evaluation")) == 1


def test_a_breach_opens_a_record_too(tmp_path: Path) -> None:
    """Promise: what a clock finds late is opened by the next round of the timer, in the name of the system."""
    office = Office(
        tmp_path,
        "standard",
        """
improvement:
  opens:
    overdue:
      register: corrective_measure
      at: ["breach:due"]
      copies: {finding: problem}
      fills: {measure: 说明原因并重新定期}
      source: organisation
""",
    )
    values = {"problem": "首次解决率70%", "proposal": "话术培训", "due_on": "2026-06-30"}
    late = office.open("improvement", **values)
    done = office.open("improvement", **values)
    office.act(done, "finish", result="80%")
    office.pass_time(timedelta(days=60))
    (measure,) = office.find("corrective_measure")
    assert (office.get(measure)["origin"], office.get(measure)["opened_by"]) == (late, "system")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(added=st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_every_row_opens_one_however_often_rows_are_added(
    added: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Invariant: after any corrections that add findings, there are as many measures as findings."""
    office = Office(tmp_path_factory.mktemp("org"), "standard")
    boss = office.by("u-9", "supervisor")
    rows: list[dict[str, Any]] = []
    record = office.open("service_evaluation", boss, period="2026-Q1", findings=rows)
    for number in added:
        rows = rows + [{"finding": f"问题{len(rows) + n}", "measure": "改进"} for n in range(number)]
        office.correct(record, office.by("u-9", "supervisor"), findings=rows)
    opened = office.opened_by(record, "corrective_measure")
    assert sorted(each["finding"] for each in opened) == sorted(row["finding"] for row in rows)


def test_nobody_may_pretend_that_a_rule_opened_it(estate: Office) -> None:
    """Promise: only a rule passes over who may open a record; a person's own is refused with the register's rule."""
    assert (
        refused(estate.open, "rule_rollout", rule="规范", version="v2", readers=[{"reader": "u-1"}])
        == "B-SFM-08"
    )


BROKEN = """
one:
  name: 一
  source: organisation
  fields:
    name: {name: 名称, type: text, personal: true}
    day: {name: 日期, type: date}
  open: [{role: staff}]
  opens:
    gone: {register: nowhere, at: opened, source: organisation}
    odd: {register: two, at: [opened, noon], rows: day, source: organisation}
    wrong:
      register: two
      at: opened
      copies: {number: day, note: name, ghost: day, kind: ghost}
      fills: {kind: x}
      source: organisation
    bare: {register: two, at: opened, when: {field: ghost, is: filled}, source: organisation}
two:
  name: 二
  source: organisation
  fields:
    number: {name: 数, type: number}
    note: {name: 说明, type: text}
    kind: {name: 种类, type: choice, options: {a: 甲}, required: true}
  open: [{role: staff}]
  opens:
    back: {register: one, at: opened, source: organisation}
"""


def test_faulty_openings_are_named_with_every_path(tmp_path: Path) -> None:
    """Promise: registers, steps, fields and types that do not fit, and circles, are found before anything starts."""
    with pytest.raises(RegulationError):
        Office(tmp_path, "standard", BROKEN)
    faults = {fault.path.partition("registers.")[2] for fault in read_rulebooks(tmp_path).faults}
    assert faults == {
        "one.opens.gone.register",
        "one.opens.odd.at",
        "one.opens.odd.rows",
        "one.opens.wrong.copies.number",
        "one.opens.wrong.copies.note",
        "one.opens.wrong.copies.ghost",
        "one.opens.wrong.copies.kind",
        "one.opens.wrong.fills.kind",
        "one.opens.bare.when.field",
        "one.opens.bare.fills.kind",
        "one.opens.odd.register",
        "one.opens.wrong.register",
        "one.opens.bare.register",
        "two.opens.back.register",
    }
