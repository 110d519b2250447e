"""What registers promise when there are many records, many years, few who may read, and writers that are slow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, KefuError, RuleRefused, Unavailable, ValidationFailed
from shared.mongo.registers import RecordsKept
from shared.registers.schemas import ExportRegister, OpenRecord
from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import Office, refused
from tests.unit.intake.register_world import office_of

DESK = ("service_desk",)


@pytest.fixture
def office() -> Office:
    return Office()


def _rows(table: dict[str, Any]) -> list[str]:
    _, *rows = csv.reader(io.StringIO(table["file"]))
    return [row[0] for row in rows]


def test_a_table_that_cannot_hold_everything_says_where_to_go_on(office: Office) -> None:
    """Promise: page by page every record is there once, also one of the same instant and one written meanwhile."""
    written = {office.open("work_diary", office.by(f"u-{n}"), work=f"{n}") for n in range(7)}
    office.clock.advance(timedelta(minutes=1))
    written |= {office.open("work_diary", office.by(f"u-{n}"), work=f"{n}") for n in range(7, 10)}
    found: list[str] = []
    after = None
    for turn in range(10):
        table = office.export("work_diary", limit=3, after=after)
        found += _rows(table)
        after = table["next"]
        office.clock.advance(timedelta(minutes=1))
        office.open("work_diary", office.by(f"u-later-{turn}"), work="later")
        if after is None:
            break
    assert (len(found), set(found)) == (10, written)


def test_a_table_that_holds_everything_ends_there(office: Office) -> None:
    """Promise: no further page is offered that would be empty, and a token of somebody's own making is refused."""
    for number in range(3):
        office.open("work_diary", office.by(f"u-{number}"), work="x")
    assert office.export("work_diary", limit=3)["next"] is None
    assert ExportRegister().load({"register": "work_diary"})["limit"] == 5000
    with pytest.raises(ValidationFailed) as wrong:
        office.export("work_diary", after="tomorrow")
    assert wrong.value.problems[0].field == "after"


def test_figures_and_samples_count_every_record_of_many_batches(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: read batch by batch, nothing is counted twice or left out."""
    monkeypatch.setattr("shared.mongo.registers._BATCH", 2)
    for number in range(7):
        goods = {"item": "打印纸", "kind": "receive", "quantity": number + 1, "accepted": True}
        office.open("desk_goods", office.by("u-1", *DESK), **goods)
    figures = office.figures("desk_goods", sums=["received"], by="kind")
    assert (figures["total"], figures["by_field"], figures["sums"]) == (
        7,
        {"receive": 7},
        {"received": "28.000"},
    )
    for day in range(1, 6):
        office.open("ticket_sales", office.by("u-1", *DESK), day=f"2026-03-0{day}", opening=5, price="1.00")
    march = {"opened_from": beijing("2026-03-01 00:00"), "opened_before": beijing("2026-04-01 00:00")}
    wanted = {"register": "ticket_sales", "seed": "march", **march}
    (drawn,) = office.app.look_over_registers.sample_records(office.by("u-1"), wanted)
    assert drawn["record_id"] in office.find(register="ticket_sales")


def test_nobody_finds_out_by_searching_what_they_may_not_read(office: Office) -> None:
    """Promise: a search in confidential records is for those who may read them; for others it finds none."""
    loan = {"item": "alcohol", "quantity": 1, "borrower": "邻近项目"}
    record = office.open("dangerous_goods_loan", office.by("u-1", "team_leader"), **loan)
    wanted: dict[str, Any] = {"where": {"borrower": "邻近项目"}}
    wrong = refused(step=office.find, register="dangerous_goods_loan", **wanted)
    assert wrong.rule == "organisation"
    assert office.find(**wanted) == []
    data: dict[str, Any] = {"register": "dangerous_goods_loan", **wanted}
    assert office.find(roles=("supervisor",), **data) == [record]
    assert office.find(roles=("supervisor",), **wanted) == [record]


KEPT = """
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        deposit:
          fields:
            until: {name: 保管至, type: moment, opening: true, source: organisation}
          clocks:
            keep:
              {name: 保管, starts: accept, ends: finish, until: until, source: organisation}
          notices:
            breakable:
              at: "breach:keep"
              to: supervisor
              why: 易碎品逾期
              when: {field: kind, value: storing}
              source: organisation
        goods_release:
          retention: {years: 2, grants: [{role: manager}], source: organisation}
        desk_goods:
          fields:
            latest: {name: 最迟, type: moment, source: organisation}
            now: {name: 此刻, type: moment, default: now, source: organisation}
          checks:
            in_time:
              holds: {field: now, is: at_most, other: latest}
              message: too late
              source: organisation
"""


@pytest.fixture
def estate(tmp_path: Path) -> Office:
    return office_of(tmp_path, "property", KEPT)


@pytest.mark.parametrize(("kind", "told"), [("storing", ["supervisor"]), ("passing_on", [])])
def test_a_clock_tells_only_of_the_records_its_notice_is_for(
    estate: Office, kind: str, told: list[str]
) -> None:
    """Promise: the condition of a notice holds for clocks as it does for steps."""
    article = {"article": "花瓶", "kind": kind, "need": "晚间来取", "until": "2026-03-02T12:00:00+08:00"}
    record = estate.open("deposit", estate.by("u-1"), **article)
    estate.act(record, "approve", estate.by("u-5", "department_manager"))
    estate.act(record, "accept", estate.by("u-1"))
    estate.pass_time(timedelta(hours=4))
    assert estate.get(record)["flags"] == ["late:keep"]
    assert [each["to"] for each in estate.told(record, "record_noticed")] == told


def test_what_nobody_has_to_keep_any_longer_is_listed_and_destroyed_by_a_role(estate: Office) -> None:
    """Promise: not before its time, not by others; what stood in it is gone, that it was there is not."""
    slip: dict[str, Any] = {
        "identity_confirmed": True,
        "unit": "3-1201",
        "owner": "测试甲",
        "items": [{"name": "沙发", "quantity": 1}],
    }
    duty = ("duty_staff",)
    record = estate.open("goods_release", estate.by("u-1", *duty), **slip)
    early = refused(record, "destroy", estate.by("u-8", "manager"), step=estate.act)
    assert early.rule == "organisation"
    estate.act(record, "release", estate.by("u-2", *duty), stamped=True)
    estate.clock.set(beijing("2028-03-02 08:59"))
    assert estate.find(register="goods_release", destroy_due=True) == []
    assert refused(record, "destroy", estate.by("u-8", "manager"), step=estate.act).rule == "organisation"
    estate.clock.set(beijing("2028-03-02 09:00"))
    still = estate.open("goods_release", estate.by("u-1", *duty), **slip)
    for register in ("goods_release", None):
        assert estate.find(register=register, destroy_due=True) == [record]
    assert refused(record, "destroy", estate.by("u-1", *duty), step=estate.act).rule == "organisation"
    before = len(estate.sent)
    call = estate.by("u-8", "manager", key="end")
    assert estate.act(record, "destroy", call) == estate.act(record, "destroy", call)
    (event,) = [each.entry for each in estate.sent[before:]]
    assert (event.type, event.data["action"], event.data["values"]) == ("record_acted", "destroy", [])
    shown = estate.get(record, "personal_data")
    assert (shown["values"], shown["state"], shown["number"]) == ({}, "released", "WRK-GR-20260302-001")
    assert [(act["action"], act["by"], act["sets"]) for act in shown["acts"]] == [
        ("release", "u-2", {}),
        ("destroy", "u-8", {}),
    ]
    assert estate.find(register="goods_release", where={"unit": "3-1201"}) == [still]
    (kept,) = [row for row in estate.runtime.database["records"].find() if row["_id"] == record]
    assert "测试甲" not in str(kept)
    assert "沙发" not in str(kept)
    assert len(kept["history"]) == 3
    assert estate.find(register="goods_release", destroy_due=True) == []
    assert refused(record, "destroy", estate.by("u-8", "manager"), step=estate.act).rule == "organisation"


def test_where_nothing_says_how_long_nothing_is_destroyed(office: Office) -> None:
    """Promise: without a rule a record is kept, and the list says that there is none."""
    record = office.open("work_diary", office.by("u-1"), work="x")
    assert refused(record, "destroy", office.by("u-8", "manager"), step=office.act).rule == "A-PRM-20"
    with pytest.raises(ValidationFailed):
        office.find(register="work_diary", destroy_due=True)


GOODS: dict[str, Any] = {"item": "打印纸"}


@contextmanager
def _slow(office: Office, monkeypatch: pytest.MonkeyPatch, kind: str, pause: Any) -> Iterator[None]:
    """Let ``pause`` happen once, just before the next write of a record reaches the database."""
    real = getattr(RecordsKept, kind)
    with monkeypatch.context() as slow:

        def late(self: RecordsKept, *arguments: Any, **named: Any) -> Any:
            slow.setattr(RecordsKept, kind, real)
            pause()
            return real(self, *arguments, **named)

        slow.setattr(RecordsKept, kind, late)
        yield


def test_a_writer_slower_than_the_timer_has_its_effect_once(
    estate: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: the timer repeats the step meanwhile; the slow one finds it done and answers the same."""
    estate.open("desk_goods", estate.by("u-1", *DESK), **GOODS, kind="receive", quantity=10, accepted=True)

    def five_minutes_pass() -> None:
        estate.clock.advance(timedelta(minutes=5))
        estate.app.keep_registers.catch_up()

    issue = {**GOODS, "kind": "issue", "quantity": 4, "receiver": "u-4"}
    with _slow(estate, monkeypatch, "insert", five_minutes_pass):
        record = estate.open("desk_goods", estate.by("u-1", *DESK), **issue)
    assert estate.get(record)["values"]["issued"] == "4.000"
    assert estate.stock("desk_goods") == {"打印纸": "6.000"}
    assert len(estate.find(register="desk_goods")) == 2


def test_a_slow_writer_whose_stock_was_given_back_does_not_write(
    estate: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: what the timer refused and gave back another may take, and the slow one takes it not again."""
    estate.open("desk_goods", estate.by("u-1", *DESK), **GOODS, kind="receive", quantity=10, accepted=True)
    issue: dict[str, Any] = {**GOODS, "kind": "issue", "quantity": 6, "receiver": "u-4"}
    other: list[str] = []

    def others_come_first() -> None:
        estate.clock.advance(timedelta(minutes=5))
        estate.app.keep_registers.catch_up()
        assert estate.stock("desk_goods") == {"打印纸": "10.000"}
        other.append(estate.open("desk_goods", estate.by("u-2", *DESK), **issue))

    slow = estate.by("u-1", *DESK, key="slow")
    data = OpenRecord().load(
        {"register": "desk_goods", "values": issue | {"latest": "2026-03-02T09:01:00+08:00"}}
    )
    with _slow(estate, monkeypatch, "insert", others_come_first), pytest.raises(Conflict):
        estate.app.keep_registers.open_record(slow, data)
    assert estate.stock("desk_goods") == {"打印纸": "4.000"}
    assert set(estate.find(register="desk_goods", where={"kind": "issue"})) == set(other)
    with pytest.raises(KefuError):
        estate.app.keep_registers.open_record(slow, data)
    estate.app.keep_registers.catch_up()
    assert estate.stock("desk_goods") == {"打印纸": "4.000"}
    assert [row["reserved"] for row in estate.runtime.database["balances"].find()] == [[]]


def test_a_slow_step_on_a_record_starts_over_when_its_stock_was_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: it takes anew what is still there, or is refused; a record never holds what no balance gave."""
    late = """
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        dangerous_goods_use:
          fields:
            latest: {name: 最迟, type: moment, opening: true, source: organisation}
            now: {name: 此刻, type: moment, default: now, source: organisation}
          actions:
            hand_out:
              {sets: now, source: organisation, name: 发放, from: approved, to: drawn, grants: [{role: team_leader}]}
          checks:
            in_time:
              holds: {field: now, is: at_most, other: latest}
              message: too late
              source: organisation
"""
    office = office_of(tmp_path, "property", late)
    stored = {"item": "alcohol", "quantity": 800, "key_holder": "cleaning_leader"}
    office.open("dangerous_goods_store", office.by("u-9", "cleaning_leader"), **stored)
    draw = {"item": "alcohol", "quantity": 500, "purpose": "擦洗", "isolated": True, "locked": True}
    leader = office.by("u-2", "team_leader")
    draw["latest"] = "2026-03-02T09:01:00+08:00"
    record = office.open("dangerous_goods_use", leader, **draw)
    office.act(record, "approve", office.by("u-2", "team_leader"))

    def five_minutes_pass() -> None:
        office.clock.advance(timedelta(minutes=5))
        office.app.keep_registers.catch_up()
        assert office.stock("dangerous_goods") == {"alcohol": "800"}

    with _slow(office, monkeypatch, "save", five_minutes_pass), pytest.raises(RuleRefused):
        office.act(record, "hand_out", office.by("u-2", "team_leader"))
    assert office.get(record)["state"] == "approved"
    assert office.stock("dangerous_goods") == {"alcohol": "800"}


def test_what_is_just_being_given_back_is_not_taken_by_a_repeat(
    estate: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a timer that dies over it leaves the stock neither taken twice nor lost; the next round ends it."""
    estate.open("desk_goods", estate.by("u-1", *DESK), **GOODS, kind="receive", quantity=10, accepted=True)
    issue: dict[str, Any] = {**GOODS, "kind": "issue", "quantity": 6, "receiver": "u-4"}
    issue["latest"] = "2026-03-02T09:01:00+08:00"

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as dying:
        dying.setattr(RecordsKept, "insert", away)
        with pytest.raises(Unavailable):
            estate.open("desk_goods", estate.by("u-1", *DESK, key="slow"), **issue)
    estate.clock.set(beijing("2026-03-02 09:05"))
    with monkeypatch.context() as dying:
        dying.setattr(RecordsKept, "fence", away)
        with pytest.raises(Unavailable):
            estate.app.keep_registers.catch_up()
    # A replica whose clock is behind would still take it.
    estate.clock.set(beijing("2026-03-02 09:00"))
    with pytest.raises(Unavailable):
        estate.open("desk_goods", estate.by("u-1", *DESK, key="slow"), **issue)
    assert estate.stock("desk_goods") == {"打印纸": "4.000"}
    estate.clock.set(beijing("2026-03-02 09:05"))
    estate.app.keep_registers.catch_up()
    assert estate.stock("desk_goods") == {"打印纸": "10.000"}
    assert len(estate.find(register="desk_goods")) == 1
