"""What every register promises, whatever the form: signatures, corrections, clocks, stocks, repeats, faults."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rulebook import PROFILES, read_rulebooks
from shared.errors import Conflict, RuleRefused, Unavailable, ValidationFailed
from shared.history import Cause
from shared.registers.stock import Balance, Change, balance_id
from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import ORGANISATIONS, Office

DESK = ("service_desk",)


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_step_sent_twice_happens_once(office: Office) -> None:
    """Promise: a repeat gets the same answer and moves no stock; other arguments under the key are refused."""
    call = office.by("u-1", *DESK, key="same")
    goods: dict[str, Any] = {"item": "打印纸", "kind": "receive", "quantity": 10, "accepted": True}
    first = office.open("desk_goods", call, **goods)
    assert office.open("desk_goods", call, **goods) == first
    with pytest.raises(Conflict):
        office.open("desk_goods", call, **goods | {"quantity": 11})
    assert office.stock("desk_goods") == {"打印纸": "10.000"}


def test_what_is_taken_and_never_written_is_finished_by_the_timer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a step that died between the balance and the record is completed from what the balance remembers."""
    goods: dict[str, Any] = {"item": "打印纸", "kind": "receive", "quantity": 10, "accepted": True}
    office.open("desk_goods", office.by("u-1", *DESK), **goods)
    issue: dict[str, Any] = {"item": "打印纸", "kind": "issue", "quantity": 4, "receiver": "u-4"}
    with monkeypatch.context() as dying:
        dying.setattr(
            "shared.mongo.registers.RecordsKept.insert",
            lambda *_: (_ for _ in ()).throw(Unavailable("away")),
        )
        with pytest.raises(Unavailable):
            office.open("desk_goods", office.by("u-1", *DESK), **issue)
    assert len(office.find(register="desk_goods")) == 1
    office.clock.advance(beijing("2026-03-02 09:05") - office.clock.now())
    office.app.keep_registers.catch_up()
    assert office.stock("desk_goods") == {"打印纸": "6.000"}
    assert len(office.find(register="desk_goods")) == 2
    office.app.keep_registers.catch_up()
    assert office.stock("desk_goods") == {"打印纸": "6.000"}


@pytest.mark.rule("B-DUT-11")
def test_a_record_is_corrected_and_never_altered(office: Office) -> None:
    """Promise: what stood there stays readable with who changed it and why; nobody else may."""
    record = office.open("work_diary", office.by("u-1"), work="巡楼两次")
    with pytest.raises(RuleRefused):
        office.correct(record, office.by("u-2"), "漏记", work="巡楼三次")
    office.correct(record, office.by("u-1"), "漏记", work="巡楼三次")
    shown = office.get(record)
    (correction,) = shown["corrections"]
    assert (correction["before"], correction["after"], correction["reason"]) == (
        "巡楼两次",
        "巡楼三次",
        "漏记",
    )
    with pytest.raises(ValidationFailed):
        office.act(record, "rewrite", office.by("u-1"))


def test_a_confidential_record_is_read_by_few_and_every_reading_is_written_down(office: Office) -> None:
    """Promise: who read it stands in its history, and others are refused."""
    loan = {"item": "alcohol", "quantity": 1, "borrower": "邻近项目"}
    record = office.open("dangerous_goods_loan", office.by("u-1", "team_leader"), **loan)
    with pytest.raises(RuleRefused):
        office.get(record)
    office.get(record, "supervisor")
    (read,) = office.told(record, "record_read")
    assert read["role"] == "supervisor"


def test_a_table_holds_no_formula_and_nothing_personal(office: Office) -> None:
    """Promise: opened in a spreadsheet, a text somebody wrote computes nothing."""
    office.open("work_diary", office.by("u-1"), work="=1+1")
    table = office.export("work_diary")
    assert "'=1+1" in table["file"]
    assert (table["rows"], table["masked"]) == (1, True)


def test_a_sample_is_at_least_one_and_the_same_for_one_seed(office: Office) -> None:
    """Promise: who checks cannot choose, and whoever asks again gets the same."""
    for day in range(1, 6):
        office.open("ticket_sales", office.by("u-1", *DESK), day=f"2026-03-0{day}", opening=5, price="1.00")
    data = {
        "register": "ticket_sales",
        "seed": "march",
        "opened_from": beijing("2026-03-01 00:00"),
        "opened_before": beijing("2026-04-01 00:00"),
    }
    ask = office.app.look_over_registers.sample_records
    assert len(ask(office.by("u-1"), data)) == 1
    assert ask(office.by("u-1"), data) == ask(office.by("u-2"), data)


@given(st.lists(st.integers(-9, 9), max_size=30))
def test_a_balance_is_never_below_zero_and_counts_each_change_once(changes: list[int]) -> None:
    """Invariant: the sum of all changes taken, each once though sent twice, and never less than nothing."""
    key = balance_id("o", "s", "i", None)
    balance = Balance(id=key, org="o", stock="s", item="i")
    at, taken = beijing("2026-03-02 09:00"), 0
    for number, amount in enumerate(changes):
        change = Change(key, "s", "i", None, balance.quantity * 0 + amount, "A-PRM-32", told=True)
        for _ in range(2):
            try:
                balance.change(f"k-{number}", change, at, Cause("m", "u"))
            except RuleRefused:
                assert taken + amount < 0
                break
        else:
            taken += amount
    assert balance.quantity == taken >= 0


BROKEN = """
profile: property
versions:
  - version: "2026.1"
    registers:
      broken:
        name: 坏表
        source: design
        fields:
          kind: {name: 种类, type: choice}
          link: {name: 关联, type: record, register: nowhere}
        open: [{role: staff}]
        states: {begun: {name: 开始}, lost: {name: 丢失}, done: {name: 完成, final: true}}
        actions:
          one: {name: 一, from: begun, to: done, grants: [{role: staff}], after: two, source: design}
          two: {name: 二, from: begun, needs: ghost, grants: [{role: staff}], after: one, source: design}
        checks: {odd: {holds: {field: ghost, value: 1}, message: x, source: design}}
"""


def test_a_faulty_definition_is_named_with_every_path(tmp_path: Path) -> None:
    """Promise: circles, states nothing leads to, fields that are not there: all found before anything starts."""
    shutil.copytree(PROFILES, tmp_path / "regulations")
    path = tmp_path / "regulations" / "property" / "broken.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    faults = read_rulebooks(ORGANISATIONS, tmp_path / "regulations").faults
    head = "registers.broken."
    assert {fault.path.removeprefix(head) for fault in faults} == {
        "fields.kind.options",
        "fields.link.register",
        "states.lost",
        "actions.one.after",
        "actions.two.after",
        "actions.two.needs",
        "checks.odd.holds.field",
    }
    assert {fault.file for fault in faults} == {str(path)}
