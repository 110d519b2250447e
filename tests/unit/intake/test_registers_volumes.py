"""A balance is kept in volumes: each stays small, none is altered once closed, and no change counts twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import RuleRefused, Unavailable
from shared.mongo.registers import BalancesKept
from tests.unit.intake.register_office import Office

DESK = ("service_desk",)
SMALL = 5


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr("shared.registers.stock.FULL", SMALL)
    return Office()


def moved(office: Office, kind: str, quantity: int, key: str | None = None) -> str:
    values: dict[str, Any] = {"item": "打印纸", "kind": kind, "quantity": quantity}
    values |= {"accepted": True} if kind == "receive" else {"receiver": "u-4"}
    return office.open("desk_goods", office.by("u-1", *DESK, key=key), **values)


def volumes(office: Office) -> list[dict[str, Any]]:
    return sorted(office.runtime.database["balances"].find(), key=lambda each: each["volume"])


def test_a_balance_of_many_changes_is_one_balance_in_small_volumes(office: Office) -> None:
    """Promise: the quantity goes on where it was, under one id, and no document grows without end."""
    for number in range(23):
        moved(office, "receive", 1, key=f"in-{number}")
        office.app.keep_registers.catch_up()
    kept = volumes(office)
    assert [len(each["history"]) for each in kept] == [5, 5, 5, 5, 3]
    assert [each["closed"] for each in kept] == [True] * 4 + [False]
    assert max(len(each["processed"]) for each in kept) <= 2 * SMALL
    data = {"stock": "desk_goods", "item": None, "limit": 50, "skip": 0}
    (row,) = office.app.read_registers.list_balances(office.by("u-1"), data)
    assert (row["quantity"], row["balance_id"]) == ("23.000", kept[0]["_id"])
    told = [each.entry for each in office.sent if each.entry.type == "balance_changed"]
    assert len({entry.id for entry in told}) == 23
    assert {entry.data["balance_id"] for entry in told} == {kept[0]["_id"]}
    assert office.app.keep_registers.catch_up() is False


def test_a_repeat_across_volumes_changes_nothing(office: Office) -> None:
    """Promise: a command answered in a closed volume is answered again, and takes nothing from the next."""
    for number in range(SMALL):
        moved(office, "receive", 2, key=f"in-{number}")
    office.app.keep_registers.catch_up()
    assert len(volumes(office)) == 2
    moved(office, "receive", 2, key="in-4")
    moved(office, "issue", 3, key="out")
    moved(office, "issue", 3, key="out")
    assert office.stock("desk_goods") == {"打印纸": "7.000"}
    with pytest.raises(RuleRefused):
        moved(office, "issue", 8)


@pytest.mark.parametrize("dies", ["insert", "save"])
def test_what_died_while_turning_over_is_finished(
    office: Office, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    """Promise: between closing and carrying over nothing is lost, whoever comes next, a person or the timer."""
    for number in range(SMALL):
        moved(office, "receive", 2, key=f"in-{number}")

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as dying:
        dying.setattr(BalancesKept, dies, away)
        with pytest.raises(Unavailable):
            office.app.keep_registers.catch_up()
    moved(office, "issue", 3)
    office.app.keep_registers.catch_up()
    office.app.keep_registers.catch_up()
    assert office.stock("desk_goods") == {"打印纸": "7.000"}
    first, *_, last = volumes(office)
    assert (first["closed"], "full" in first, last["quantity"].to_decimal()) == (True, False, 7)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4).filter(bool), st.booleans()), max_size=25))
def test_whatever_is_moved_the_volumes_together_hold_the_sum(steps: list[tuple[int, bool]]) -> None:
    """Invariant: never below zero, and exactly what was accepted, wherever a volume ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.registers.stock.FULL", SMALL)
        office, there = Office(), 0
        for amount, tick in steps:
            try:
                moved(office, "receive" if amount > 0 else "issue", abs(amount))
            except RuleRefused:
                assert there + amount < 0
            else:
                there += amount
            if tick:
                office.app.keep_registers.catch_up()
        assert office.stock("desk_goods") in ({"打印纸": f"{there}.000"}, {"打印纸": str(there)}, {})
        assert [each["closed"] for each in volumes(office)][-1:] in ([], [False])
        assert there >= 0
