"""What lateness costs of the base salary, and what a month's work comes to."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.reporting.scorecard_world import AGENT, Scored

MARCH = "2026-03"


def _costs(office: Scored, scorecard: str) -> list[str]:
    """Return what each lateness of March came to."""
    line = office.line("late", MARCH, scorecard=scorecard)
    return [each["amount"] for each in line["occurrences"]]


def _paid(office: Scored, amount: str, since: str = "2025-01-01") -> None:
    office.open("base_salary", office.by("u-3", "manager"), person=AGENT, since=since, amount=amount)


@pytest.mark.parametrize(
    ("scorecard", "costs"),
    [
        pytest.param("lateness", ["-30.00", "-30.00", "-150.00"], marks=pytest.mark.rule("B-TRM-09")),
        pytest.param("sales_lateness", ["-60.00", "-60.00", "-150.00"], marks=pytest.mark.rule("B-SAL-04")),
    ],
)
def test_lateness_costs_a_share_of_the_base_salary_and_more_from_the_third_time(
    tmp_path: Path, scorecard: str, costs: list[str]
) -> None:
    """Promise: of 3,000 yuan; who is in time or has leave pays nothing, and the salary is that of the month."""
    office = Scored(tmp_path, "terminal-services")
    _paid(office, "3000.00")
    _paid(office, "9000.00", since="2026-04-01")
    for day in (2, 3, 4):
        office.came(1, f"2026-03-{day:02}")
    office.came(0, "2026-03-05")
    shift = "2026-03-06T09:00:00+08:00"
    late = {"came_at": "2026-03-06T10:00:00+08:00", "shift_begins": shift, "approved": True}
    office.open("attendance_day", person=AGENT, day="2026-03-06", **late)
    assert _costs(office, scorecard) == costs
    assert office.total(MARCH, scorecard=scorecard) == sum(map(Decimal, costs))


def test_without_a_salary_nothing_is_reckoned(tmp_path: Path) -> None:
    """Promise: a share of what nobody wrote down is not nought."""
    office = Scored(tmp_path, "terminal-services")
    office.came(1, "2026-03-02")
    assert office.card(MARCH, scorecard="lateness")["total"] is None
    assert office.card("2026-02", scorecard="lateness")["total"] == "0.00"


@pytest.mark.rule("A-CCC-17")
def test_talk_time_and_calls_are_half_of_the_workload_each(tmp_path: Path) -> None:
    """Promise: 80 % of the talk time and all of the calls are 90; with one of them missing there is no score."""
    centre = Scored(tmp_path, "call-centre")
    boss = centre.by("u-2", "supervisor")
    values = {"person": AGENT, "month_of": "2026-03-31"}
    record = centre.open("agent_workload", boss, **values, talk_time="80")
    assert centre.card(MARCH, scorecard="workload")["total"] is None
    centre.correct(record, centre.by("u-2", "supervisor"), calls="100")
    assert centre.total(MARCH, scorecard="workload") == 90
