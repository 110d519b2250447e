"""Tasks of superiors, difficulties of staff and work orders of a gas company: due, late, asked and closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import refused
from tests.unit.intake.register_world import office_of

BOSS = ("manager",)


@pytest.mark.parametrize(
    ("profile", "register", "whom"),
    [
        pytest.param("property", "superior_task", "u-7", marks=pytest.mark.rule("A-WHB-19")),
        pytest.param("cable-tv", "company_task", "east", marks=pytest.mark.rule("A-CAT-16")),
        pytest.param("hotel-franchise", "sales_task", "u-7", marks=pytest.mark.rule("A-JD7-06")),
    ],
)
def test_a_task_is_due_at_the_end_of_its_day_and_one_done_later_is_late_by_days(
    tmp_path: Path, profile: str, register: str, whom: str
) -> None:
    """Promise: due on 05-10 it is listed, overdue on 05-11, and done then one day late; an agent gives none."""
    rules = {"superior_task": "A-WHB-19", "company_task": "A-CAT-16", "sales_task": "A-JD7-06"}
    office = office_of(tmp_path, profile)
    task: dict[str, Any] = {"task": "整理档案", "for_whom": whom, "due_on": "2026-05-10"}
    assert refused(register, office.by("u-3"), step=office.open, **task).rule == rules[register]
    made = office.open(register, office.by("u-1", *BOSS), **task)
    prompt = office.open(register, office.by("u-1", *BOSS), **task)
    assert set(office.find(register=register, where={"for_whom": whom})) == {made, prompt}
    office.clock.set(beijing("2026-05-10 18:00"))
    office.act(prompt, "finish", office.by("u-7"))
    office.pass_time(beijing("2026-05-11 00:00"))
    assert office.find(register=register, overdue=True) == [made]
    (breach,) = office.told(made, "clock_breached")
    assert breach["source"] == rules[register]
    office.act(made, "finish", office.by("u-7"))
    assert (office.get(made)["values"]["late_days"], office.get(prompt)["values"]["late_days"]) == ("1", "0")


@pytest.mark.rule("A-CLO-09")
def test_a_task_with_unclear_requirements_alerts_the_manager_until_it_is_clarified(tmp_path: Path) -> None:
    """Promise: the manager is told at once, and only the manager makes it clear."""
    office = office_of(tmp_path, "apparel")
    note = office.open("difficulty", office.by("u-3"), task="T1", unclear="数量未定")
    (told,) = office.told(note, "record_noticed")
    assert (told["to"], told["source"]) == ("manager", "A-CLO-09")
    assert refused(note, "clarify", office.by("u-3"), step=office.act, clarified="十件").rule == "A-CLO-09"
    office.act(note, "clarify", office.by("u-1", *BOSS), clarified="十件")
    assert office.find(register="difficulty", open=True) == []


ORDER: dict[str, Any] = {"paper_number": "GD-1", "customer": "cu_1", "content": "更换燃气表", "worker": "u-7"}


@pytest.mark.rule("B-GAS-11")
def test_a_doubt_about_a_work_order_goes_to_whoever_did_it_and_is_answered_in_time(tmp_path: Path) -> None:
    """Promise: a paper is entered once and whole; a doubt that stays open longer than its time is told."""
    office = office_of(tmp_path, "gas-utility")
    order = office.open("work_order", office.by("u-3"), **ORDER)
    assert refused("work_order", office.by("u-4"), step=office.open, **ORDER).rule == "B-GAS-11"
    rest = {name: value for name, value in ORDER.items() if name != "content"}
    empty = refused("work_order", office.by("u-4"), step=office.open, **rest | {"paper_number": "GD-2"})
    assert [problem.field for problem in empty.problems] == ["values.content"]
    office.act(order, "ask", office.by("u-3"), doubt="表号看不清")
    assert refused(order, "answer", office.by("u-3"), step=office.act, answer="7").rule == "B-GAS-11"
    office.pass_time(beijing("2026-03-04 00:00"))
    (breach,) = office.told(order, "clock_breached")
    assert (breach["clock"], breach["source"]) == ("doubt", "B-GAS-11")
    office.act(order, "answer", office.by("u-7"), answer="末位是7")


@pytest.mark.rule("B-GAS-12")
def test_a_work_order_open_for_thirty_days_is_on_the_list_of_the_aged(tmp_path: Path) -> None:
    """Promise: closed in time it never is; open on the thirtieth day it is, until it is closed with its result."""
    office = office_of(tmp_path, "gas-utility")
    aged = office.open("work_order", office.by("u-3"), **ORDER)
    closed = office.open("work_order", office.by("u-3"), **ORDER | {"paper_number": "GD-2"})
    assert refused(closed, "close", office.by("u-3"), step=office.act).rule == "B-GAS-12"
    office.act(closed, "close", office.by("u-3"), result="已更换")
    office.pass_time(beijing("2026-04-01 08:59"))
    assert office.find(register="work_order", overdue=True) == []
    office.pass_time(beijing("2026-04-01 09:00"))
    assert office.find(register="work_order", overdue=True) == [aged]
    office.act(aged, "close", office.by("u-3"), result="已更换")
    assert office.find(register="work_order", overdue=True) == []
