"""Batches: everybody is called once, whatever dies in between, and nobody is summed up who was not recorded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.batches import Batch
from services.followup.domain.batches_rules import BatchRule
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.history import Cause
from tests.unit.followup.fakes import MONDAY
from tests.unit.followup.talk_world import Caller

FULL = {"rating": 5, "called_at": "2026-11-16T10:00:00+08:00"}
GOOD = {"rating": "satisfied"}


@pytest.fixture
def members(tmp_path: Path) -> Caller:
    return Caller(tmp_path, "membership")


@pytest.fixture
def drivers(tmp_path: Path) -> Caller:
    return Caller(tmp_path, "auto-dealer")


@pytest.mark.rule("A-MEM-08")
def test_customers_of_one_type_are_called_whenever_somebody_decides(members: Caller) -> None:
    """No interval stands between two batches of the same customers; others are left out."""
    members.customers(40, "silver", type="silver")
    members.customers(3, "gold", type="gold")
    first = members.compile("irregular", where={"type": "silver"})
    assert (first["customers"], first["added"]) == (40, 40)
    second = members.compile("irregular", where={"type": "silver"})
    assert (second["customers"], second["batch_id"] == first["batch_id"]) == (40, False)


@pytest.mark.rule("A-MEM-11")
def test_a_batch_is_summed_up_only_when_every_customer_is_recorded(members: Caller) -> None:
    """Compile, allocate, talk, record, summary report, archive: no step is passed over."""
    batch = members.shared_out("irregular", 3)
    with pytest.raises(RuleRefused) as early:
        members.act(batch, "archive")
    for callback in members.open()[:2]:
        members.complete(callback, "satisfied", FULL)
    with pytest.raises(RuleRefused) as refused:
        members.act(batch, "summarise", report="两位客户满意。")
    assert (early.value.rule, refused.value.rule) == ("A-MEM-11", "A-MEM-11")
    assert refused.value.details == {"missing": 1}
    members.complete(members.open()[0], "satisfied", FULL)
    assert members.act(batch, "summarise", report="三位客户满意。")["state"] == "summarised"
    assert members.act(batch, "archive")["state"] == "archived"
    assert [data["to"] for data in members.told("batch_moved")] == ["allocated", "summarised", "archived"]
    assert members.batch(batch)["report"] == "三位客户满意。"


@pytest.mark.rule("A-CAR-06")
def test_a_car_service_sums_up_after_the_third_of_three_records(drivers: Caller) -> None:
    """The same flow under the handbook of another trade, which the refusal names."""
    batch = drivers.shared_out("member_care", 3)
    for callback in drivers.open()[:2]:
        drivers.complete(callback, "satisfied", GOOD)
    with pytest.raises(RuleRefused) as refused:
        drivers.act(batch, "summarise", report="小结")
    assert refused.value.rule == "A-CAR-06"
    drivers.complete(drivers.open()[0], "satisfied", GOOD)
    with pytest.raises(RuleRefused):
        drivers.act(batch, "summarise")
    assert drivers.act(batch, "summarise", report="小结")["state"] == "summarised"


@pytest.mark.rule("A-MEM-15")
def test_an_anniversary_selects_every_member_once(members: Caller) -> None:
    """A second run of the same occasion adds those who joined since and nobody else; the next year is another one."""
    members.customers(5, "old")
    first = members.compile("special_period", occasion="anniversary-2026")
    members.customers(2, "new")
    second = members.compile("special_period", occasion="anniversary-2026")
    assert (first["added"], second["added"], second["customers"]) == (5, 2, 7)
    assert second["batch_id"] == first["batch_id"]
    assert members.compile("special_period", occasion="anniversary-2027")["added"] == 7
    with pytest.raises(ValidationFailed):
        members.compile("special_period")
    with pytest.raises(ValidationFailed):
        members.compile("irregular", occasion="anniversary-2026")


@pytest.mark.rule("A-CAR-08")
def test_a_second_run_of_a_festival_adds_nobody(drivers: Caller) -> None:
    """Fifty members are written down once, and once only become callbacks."""
    batch = drivers.shared_out("special_period", 50, occasion="f1")
    assert drivers.compile("special_period", occasion="f1")["added"] == 0
    drivers.tick()
    assert len({row["customer_id"] for row in drivers.callbacks()}) == len(drivers.callbacks()) == 50
    for callback in drivers.open():
        drivers.complete(callback, "satisfied", GOOD)
    drivers.act(batch, "summarise", report="小结")
    drivers.customers(51)
    with pytest.raises(RuleRefused) as refused:
        drivers.compile("special_period", occasion="f1")
    assert refused.value.rule == "A-CAR-08"


@pytest.mark.rule("A-MEM-19")
def test_of_fifty_members_the_one_not_called_is_named(members: Caller) -> None:
    """Coverage is exact, and reaches its target only with the last one."""
    batch = members.shared_out("irregular", 50)
    *most, last = members.open()
    for callback in most:
        members.complete(callback, "satisfied", FULL)
    left = next(row["customer_id"] for row in members.callbacks() if row["_id"] == last)
    seen = members.batch(batch)
    assert (seen["coverage"], seen["gaps"], seen["reached"]) == ("98.00", [left], False)
    members.complete(last, "unreachable")
    assert members.batch(batch)["gaps"] == [left]
    members.complete(last, "satisfied", FULL)
    seen = members.batch(batch)
    assert (seen["coverage"], seen["gaps"], seen["reached"]) == ("100.00", [], True)


@pytest.mark.rule("A-MEM-12", "A-MEM-20")
def test_an_incomplete_record_counts_only_when_it_is_filled_in(members: Caller) -> None:
    """Of ten called one lacks its rating: nine count, and the tenth when what it lacks is there."""
    batch = members.shared_out("irregular", 10)
    lacking, *others = members.open()
    for callback in others:
        members.complete(callback, "satisfied", FULL)
    answer = members.complete(lacking, "neutral", {"suggestion": "早点开门"})
    assert answer["missing"] == ["rating", "called_at"]
    seen = members.batch(batch)
    assert (seen["called"], seen["incomplete"], seen["coverage"]) == (10, 1, "90.00")
    members.fill(lacking, rating=3)
    assert members.batch(batch)["coverage"] == "90.00"
    members.fill(lacking, called_at="2026-11-16T10:00:00+08:00")
    assert members.batch(batch)["coverage"] == "100.00"


@pytest.mark.rule("A-CCC-13")
def test_forty_five_of_sixty_warmed_up_are_three_quarters(tmp_path: Path) -> None:
    """How far a list has come can be seen at any time."""
    centre = Caller(tmp_path, "call-centre")
    batch = centre.shared_out("warm_up", 60)
    for callback in centre.open()[:45]:
        centre.complete(callback, "comes", {"comes": True, "price": "99.00"})
    assert centre.batch(batch)["coverage"] == "75.00"
    assert centre.batch(batch)["analysis"]["comes"] == {"True": 45}


def test_callbacks_are_made_once_though_the_process_dies_before_it_says_so(
    members: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callbacks are written, the batch is not: the next process writes nobody twice and misses nobody."""
    members.customers(450)
    batch = str(members.compile("irregular")["batch_id"])
    members.act(batch, "allocate", specialists=["u-1", "u-2"])
    kept = members.app.talks.make_batches._kept

    def die(*_: Any, **__: Any) -> None:
        raise Conflict("the process died")

    monkeypatch.setattr(kept, "save", die)
    members.app.talks.make_batches()
    assert (len(members.callbacks()), members.batch(batch)["made"]) == (200, 0)
    members.app = members.replica()
    members.tick()
    members.replica().talks.make_batches()
    customers = [row["customer_id"] for row in members.callbacks()]
    assert (len(customers), len(set(customers)), members.batch(batch)["made"]) == (450, 450, 450)
    assert Counter(row["assigned_to"] for row in members.callbacks()) == {"u-1": 225, "u-2": 225}


def test_a_repeated_command_gets_its_first_answer(members: Caller) -> None:
    """A batch is not compiled twice by a command that is sent twice, and occasions answer what they added."""
    members.customers(4)
    first = members.compile("irregular", key="a")
    occasion = members.compile("special_period", key="b", occasion="x")
    extended = members.compile("special_period", key="c", occasion="x")
    members.customers(6)
    assert members.compile("irregular", key="a") == first
    assert members.compile("special_period", key="b", occasion="x") == occasion
    assert members.compile("special_period", key="c", occasion="x") == extended
    with pytest.raises(Conflict):
        members.compile("irregular", key="a", where={"type": "gold"})
    assert len(members.batches(kind="irregular")) == 1
    assert len(members.batches(state="compiled")) == 2


def test_who_wants_to_be_left_alone_is_in_no_batch(members: Caller) -> None:
    """Whoever opted out is not chosen, and an unknown kind is no batch."""
    alone = {"customer_id": "cu_0001", "kind": "person", "traits": {}, "dates": {}, "opted_out": True}
    members.customers(3)
    members.clock.advance(members.clock.now() - MONDAY)
    members.at("2026-11-17")
    members.app.people.mark(members.by(), [alone])
    assert members.compile("irregular")["customers"] == 2
    with pytest.raises(NotFound):
        members.compile("nonsense")


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=5),
    specialists=st.lists(st.sampled_from("abcde"), min_size=1, unique=True),
    allocated_after=st.integers(0, 5),
)
def test_whatever_is_added_when_everybody_is_in_once_and_the_work_is_even(
    runs: list[set[int]], specialists: list[str], allocated_after: int
) -> None:
    """Nobody is twice in a batch, nobody without a caller once it is shared out, and no two differ by more than one."""
    rule = BatchRule("k", "名", "member", "A-MEM-11")
    batch = Batch(id="bt_1", org="o", kind="k", regulation="1", where={}, occasion=None, compiled_at=MONDAY)
    cause = Cause("m", "u")
    batch.compile(["c0"], rule, MONDAY, cause)
    for number, run in enumerate(runs):
        if number == min(allocated_after, len(runs) - 1):
            batch.allocate(specialists, rule, MONDAY, cause)
        batch.compile([f"c{each}" for each in sorted(run)], rule, MONDAY, cause)
    ids = [each.customer_id for each in batch.customers]
    assert sorted(ids) == sorted({"c0"} | {f"c{each}" for run in runs for each in run})
    load = Counter(each.caller for each in batch.customers)
    counts = [load[name] for name in specialists]
    assert sum(counts) == len(ids)
    assert max(counts) - min(counts) <= 1
