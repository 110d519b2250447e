"""Requests when things come twice, late, out of order or at the edge of time: nothing is lost, doubled or stuck."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from marshmallow import ValidationError
from pymongo.errors import AutoReconnect

import services.intake.application
from services.intake.domain.requests.request import Request
from services.intake.requests_kept import RequestsKept
from shared.errors import Unavailable
from tests.unit.intake.fakes import IT, PROPERTY
from tests.unit.intake.requests_world import Desk, organisation, refused


def repeats(desk: Desk) -> list[tuple[str, str]]:
    return [(row["request_id"], row["contact_id"]) for row in desk.events("request_repeated")]


@pytest.mark.rule("B-ITS-10")
def test_a_second_call_counts_though_the_answer_came_before_the_timer() -> None:
    """Promise: what counts is whether there was an answer when the customer called, not when somebody looked."""
    desk = Desk(IT)
    request = desk.take(1, event="a")
    desk.clock.advance(timedelta(minutes=10))
    desk.take(1, event="b")
    desk.clock.advance(timedelta(minutes=1))
    desk.act(request, "advise", record="已重启", hotline_solved=True)
    desk.tick()
    assert [first for first, _ in repeats(desk)] == [request]
    assert {row["source"] for row in desk.events("request_repeated")} == {"B-ITS-10"}


def test_of_two_calls_the_later_one_is_the_second_in_whatever_order_they_are_heard_of() -> None:
    """Promise: a publisher's backlog hides no second call, and none is counted twice."""
    desk = Desk(IT)
    early = (desk.clock.now() - timedelta(hours=1)).isoformat()
    late = desk.take(1, event="late")
    first = desk.take(1, event="early", received_at=early)
    desk.tick()
    assert repeats(desk) == [(first, desk.look(late)["contact_id"])]
    desk.pass_time(minutes=5)
    assert len(repeats(desk)) == 1


def test_one_contact_whose_organisation_is_gone_holds_up_nobody(tmp_path: Path) -> None:
    """Promise: the others' requests are opened; that one's too, once its organisation is back."""
    gone, stays = (organisation(tmp_path, profile) for profile in ("property", "it-service"))
    file = tmp_path / f"{gone}.yaml"
    text = file.read_text(encoding="utf-8").replace("TST", "GONE")
    file.write_text(text, encoding="utf-8")
    desk = Desk(gone, organisations=tmp_path)
    requests = desk.runtime.database["requests"]
    for org, category in ((gone, "repair"), (stays, "enquiry")):
        desk.org = org
        with patch.object(requests, "insert_many", side_effect=AutoReconnect()), pytest.raises(Unavailable):
            desk.register(category=category)
    file.unlink()
    whole, desk.app = desk.app, services.intake.application.build(desk.runtime)
    desk.pass_time(minutes=1)
    assert [row["org"] for row in requests.find()] == [stays]
    file.write_text(text, encoding="utf-8")
    desk.app = whole
    desk.pass_time(minutes=1)
    assert {row["org"] for row in requests.find()} == {gone, stays}


@pytest.mark.rule("B-SFM-03")
def test_of_two_who_open_the_only_one_at_the_same_moment_one_is_told_of_the_other() -> None:
    """Promise: looking and writing leave no gap for a second open request of the same customer and kind."""
    desk = Desk(PROPERTY)
    real, rival = RequestsKept.insert, []

    def beaten(kept: RequestsKept, request: Request) -> bool:
        with patch.object(RequestsKept, "insert", real):
            rival.append(desk.open("repair", desk.person("B"), customer_id="cu_1"))
        return real(kept, request)

    with patch.object(RequestsKept, "insert", beaten), refused("B-SFM-03"):
        desk.open("repair", desk.person("A"), customer_id="cu_1")
    assert [row["request_id"] for row in desk.rows(kind="repair")] == rival
    with refused("B-SFM-03"):
        desk.open("repair", desk.person("A"), customer_id="cu_1")
    desk.open("repair", desk.person("A"), customer_id="cu_1", separate=True)
    desk.open("repair", desk.person("A"), customer_id="cu_2")
    assert len(desk.rows(kind="repair")) == 3


def test_a_department_named_twice_is_refused() -> None:
    """Promise: a department has one part in a request, is counted once and answers by one time."""
    desk = Desk(IT)
    request = desk.take()
    parts = [{"unit": "technical", "answer_by": f"2026-03-0{day}T18:00:00+08:00"} for day in (3, 4)]
    with pytest.raises(ValidationError, match="once"):
        desk.do("involve_departments", id=request, lead="sales", departments=parts)
    desk.do("involve_departments", id=request, lead="sales", departments=parts[:1])
    assert desk.count("department") == {"technical": 1}


@pytest.mark.parametrize("day", ["9999-12-31", "2999-01-01", "1900-12-31", "0001-01-01", "tomorrow"])
def test_a_day_at_the_edge_of_the_calendar_is_refused_and_breaks_nothing(day: str) -> None:
    """Promise: a slip of the pen in a date is told as such, by the rule of the field."""
    desk = Desk(PROPERTY)
    boss = desk.person("m", "manager")
    with refused("A-JD1-13"):
        desk.open("task", boss, filled={"due_on": day})
    assert desk.rows(kind="task") == []


@pytest.mark.parametrize("day", ["1901-01-01", "2998-12-31"])
def test_every_other_day_can_be_a_deadline(day: str) -> None:
    """Promise: what is taken can be counted."""
    desk = Desk(PROPERTY)
    request = desk.open("task", desk.person("m", "manager"), filled={"due_on": day})
    due = desk.clocks(request)["task"]["due_at"]
    assert due.startswith(day[:4])
    desk.tick()
