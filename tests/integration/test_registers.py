"""Registers over the real processes: two at the same moment, one command twice, and definitions that cannot be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kefu.contracts import ROOT
from services.intake.rulebook import PROFILES, read_rulebooks
from shared.errors import KefuError, NotFound, RuleRefused
from tests.integration.bus import Bus, Desk, eventually

ESTATE = "property-demo"
Step = Callable[[Desk], Any]


def together(bus: Bus, *steps: tuple[str, tuple[str, ...], Step]) -> list[Any]:
    """Take the steps at the same moment, each over a connection of its own; return answers and refusals."""
    starting = threading.Barrier(len(steps))
    results: list[Any] = [None] * len(steps)

    def take(number: int, subject: str, roles: tuple[str, ...], step: Step) -> None:
        with Bus(bus.stack) as own:
            desk = own.desk(ESTATE, ("staff", *roles), subject=subject)
            # The connection is there before the others are waited for.
            desk.ask("intake.describe_register", register="desk_goods")
            starting.wait(60)
            try:
                results[number] = step(desk)
            except KefuError as error:
                results[number] = error

    threads = [threading.Thread(target=take, args=(n, *step)) for n, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def done(results: list[Any]) -> list[dict[str, Any]]:
    return [each for each in results if isinstance(each, dict)]


def told(results: list[Any]) -> list[RuleRefused]:
    return [each for each in results if isinstance(each, RuleRefused)]


def desk_of(bus: Bus, subject: str, *roles: str) -> Desk:
    return bus.desk(ESTATE, ("staff", *roles), subject=subject)


def open_record(desk: Desk, register: str, **values: Any) -> dict[str, Any]:
    answer: dict[str, Any] = desk.do("intake.open_record", register=register, values=values)
    return answer


def left(bus: Bus, item: str) -> list[str]:
    rows = desk_of(bus, "stf_reader").ask("intake.list_balances", stock="desk_goods", item=item)
    return [row["quantity"] for row in rows]


def test_of_two_who_approve_at_the_same_moment_one_does_and_the_other_is_told(bus: Bus) -> None:
    """Promise: one signature stands in the record, in one event, and nobody believes to have given a second."""
    draw = {"item": "thinner", "quantity": 1, "purpose": "除胶", "isolated": True, "locked": True}
    record = open_record(desk_of(bus, "stf_1", "team_leader"), "dangerous_goods_use", **draw)["record_id"]

    def approve(desk: Desk) -> Any:
        return desk.do("intake.act_on_record", id=record, action="approve")

    leaders = [(f"stf_{number}", ("team_leader",), approve) for number in (2, 3, 4)]
    results = together(bus, *leaders)
    assert [each["state"] for each in done(results)] == ["approved"]
    assert [each.rule for each in told(results)] == ["B-HAZ-06"] * 2
    (act,) = desk_of(bus, "stf_1").ask("intake.get_record", id=record)["acts"]
    winner = next(number for number, each in enumerate(results) if isinstance(each, dict))
    assert act["by"] == leaders[winner][0]
    (event,) = bus.desk(ESTATE).happened(record, "record_acted")
    assert event["data"]["action"] == "approve"


def test_two_who_together_take_more_than_there_is_get_what_one_of_them_asked_for(bus: Bus) -> None:
    """Promise: the balance is right to the unit and was never below zero, whoever comes first."""
    item = f"打印纸-{uuid4().hex[:12]}"
    clerk = desk_of(bus, "stf_1", "service_desk")
    open_record(clerk, "desk_goods", item=item, kind="receive", quantity=10, accepted=True)

    def issue(desk: Desk) -> Any:
        return open_record(desk, "desk_goods", item=item, kind="issue", quantity=6, receiver="stf_9")

    results = together(bus, *[(f"stf_{number}", ("service_desk",), issue) for number in range(3)])
    assert len(done(results)) == 1
    assert [each.rule for each in told(results)] == ["A-PRM-32"] * 2
    assert left(bus, item) == ["4.000"]
    written = clerk.ask("intake.list_records", register="desk_goods", where={"item": item})
    assert len(written) == 2
    (balance,) = clerk.ask("intake.list_balances", stock="desk_goods", item=item)
    events = bus.desk(ESTATE).happened(balance["balance_id"], "balance_changed", times=2)
    assert sorted(event["data"]["quantity"] for event in events) == ["10.000", "4.000"]
    (kept,) = bus.database("intake")["balances"].find({"_id": balance["balance_id"]})
    assert (kept["reserved"], "reserved_since" in kept) == ([], False)


def test_two_permits_for_one_plate_at_once_are_one_permit(bus: Bus) -> None:
    """Promise: the index knows what no question asked before the write can: the other that is just written."""
    plate = f"沪A{uuid4().int % 10**5:05}"

    def permit(desk: Desk) -> Any:
        return open_record(desk, "parking_permit", plate=plate, unit="3-1201", valid_until="2030-01-01")

    results = together(bus, *[(f"stf_{number}", ("duty_staff",), permit) for number in range(3)])
    (permitted,) = done(results)
    refusals = [each for each in results if isinstance(each, KefuError)]
    assert len(refusals) == 2
    clerk = desk_of(bus, "stf_1", "duty_staff")
    found = clerk.ask("intake.list_records", register="parking_permit", where={"plate": plate})
    assert [row["record_id"] for row in found] == [permitted["record_id"]]
    with pytest.raises(RuleRefused) as again:
        permit(clerk)
    assert (again.value.rule, again.value.details) == ("B-DUT-29", {"record_id": permitted["record_id"]})


def test_a_command_that_comes_twice_takes_from_the_stock_once(bus: Bus) -> None:
    """Promise: also when both copies arrive at the same moment, and when one arrives after a restart."""
    item = f"信封-{uuid4().hex[:12]}"
    key = uuid4().hex
    clerk = desk_of(bus, "stf_1", "service_desk")
    open_record(clerk, "desk_goods", item=item, kind="receive", quantity=10, accepted=True)
    issue: dict[str, Any] = {
        "register": "desk_goods",
        "values": {"item": item, "kind": "issue", "quantity": 6, "receiver": "stf_9"},
    }

    def send(desk: Desk) -> Any:
        return desk.do("intake.open_record", key=key, **issue)

    answers = together(bus, *[("stf_1", ("service_desk",), send)] * 2)
    first = answers[0]
    assert answers[1] == first
    bus.stack.kill("intake")
    bus.stack.start_service("intake")
    assert eventually(lambda: send(clerk)) == first
    assert left(bus, item) == ["4.000"]
    assert len(clerk.ask("intake.list_records", register="desk_goods", where={"item": item})) == 2


def test_a_register_nobody_keeps_is_named_in_the_answer(bus: Bus) -> None:
    """Promise: neither opened, nor counted, nor exported; and whoever asks is told which one."""
    clerk = desk_of(bus, "stf_1", "service_desk")
    with pytest.raises(NotFound, match="no_such_form"):
        open_record(clerk, "no_such_form", item="x")
    for question in ("register_statistics", "export_register"):
        with pytest.raises(NotFound, match="no_such_form"):
            clerk.ask(f"intake.{question}", register="no_such_form")


_CIRCLE = """
profile: property
versions:
  - version: "2026.1"
    registers:
      circle:
        name: 循环签字
        source: design
        fields: {title: {name: 标题, type: text, required: true}}
        open: [{role: staff}]
        states: {begun: {name: 开始}, done: {name: 完成, final: true}}
        actions:
          first: {name: 甲签, from: begun, grants: [{role: supervisor}], after: second, source: design}
          second: {name: 乙签, from: begun, grants: [{role: manager}], after: third, source: design}
          third: {name: 丙签, from: begun, to: done, grants: [{role: manager}], after: first, source: design}
"""


def test_signatures_that_wait_for_each_other_are_refused_at_loading(tmp_path: Path) -> None:
    """Promise: a form that nobody could ever finish never gets as far as the bus; each of the circle is named."""
    regulations = tmp_path / "regulations"
    regulations.mkdir()
    for path in PROFILES.rglob("*.yaml"):
        copy = regulations / path.relative_to(PROFILES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    broken = regulations / "property" / "circle.yaml"
    broken.write_text(_CIRCLE, encoding="utf-8")
    faults = read_rulebooks(ROOT / "organisations", regulations).faults
    assert {(fault.file, fault.path) for fault in faults} == {
        (str(broken), f"registers.circle.actions.{name}.after") for name in ("first", "second", "third")
    }
