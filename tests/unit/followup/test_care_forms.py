"""Forms of care: orders that wait for payment, payments urged, certificates that are late, who brought whom."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.followup.care_world import By, CareWorld, beijing

_KEYS = itertools.count(1)

TWO_HOURS = """
      registers:
        unpaid_order:
          clocks:
            unpaid:
              name: 未付款
              starts: opened
              ends: [contact, pay]
              within: {amount: 2, unit: hours, source: organisation}
              source: organisation
          notices:
            unpaid: {at: ["breach:unpaid"], to: staff, why: 未付款待联系, source: organisation}
"""


def call() -> By:
    return By(f"form-{next(_KEYS)}")


def opened(world: CareWorld, register: str, **values: Any) -> str:
    data = {"register": register, "values": values}
    return str(world.app.keep_registers.open_record(call(), data)["record_id"])


def act(world: CareWorld, record: str, action: str, **values: Any) -> Mapping[str, Any]:
    return world.app.keep_registers.act_on_record(call(), {"id": record, "action": action, "values": values})


def notices(world: CareWorld, record: str) -> list[Mapping[str, Any]]:
    return [data for data in world.events("record_noticed") if data["record_id"] == record]


def pass_time(world: CareWorld, by: timedelta) -> None:
    world.clock.advance(by)
    while world.app.fire_clocks():
        pass


def in_state(world: CareWorld, register: str, state: str) -> list[str]:
    return [
        row["_id"] for row in world.runtime.database["records"].find({"register": register, "state": state})
    ]


@pytest.mark.rule("B-MBY-05")
def test_an_order_unpaid_for_the_configured_time_is_to_be_asked_about(tmp_path: Path) -> None:
    """After two hours somebody is told to ask; what the reason was is written down; a paid one troubles nobody."""
    world = CareWorld(tmp_path, "online-store", TWO_HOURS)
    unpaid, paid = (opened(world, "unpaid_order", order=each, customer="cu_1") for each in ("O-1", "O-2"))
    pass_time(world, timedelta(minutes=119))
    act(world, paid, "pay")
    assert notices(world, unpaid) == []
    pass_time(world, timedelta(minutes=1))
    assert [data["why"] for data in notices(world, unpaid)] == ["未付款待联系"]
    assert notices(world, paid) == []
    act(world, unpaid, "contact", reason="payment_method")
    assert in_state(world, "unpaid_order", "contacted") == [unpaid]
    [contacted] = [data for data in world.events("record_acted") if data["action"] == "contact"]
    assert {"field": "reason", "value": "payment_method"} in contacted["values"]


@pytest.mark.rule("A-JD14-11")
def test_an_invoice_overdue_is_urged_until_it_is_paid(tmp_path: Path) -> None:
    """On the day for urging somebody is told; one paid before is left alone, and payment closes it."""
    world = CareWorld(tmp_path, "standard", now="2026-06-01 09:00")
    about = {"debtor": "cu_1", "amount": "2000.00", "urge_on": "2026-06-11"}
    late, paid = (opened(world, "invoice_due", invoice=each, **about) for each in ("I-1", "I-2"))
    act(world, paid, "pay")
    world.clock.set(beijing("2026-06-12 00:00"))
    pass_time(world, timedelta())
    assert [data["source"] for data in notices(world, late)] == ["A-JD14-11"]
    assert notices(world, paid) == []
    act(world, late, "urge")
    assert act(world, late, "pay")["open"] is False


@pytest.mark.rule("B-RES-16")
def test_a_late_certificate_is_reminded_of_and_then_goes_by_the_contract(tmp_path: Path) -> None:
    """First the letter, then, past the agreed day, the clauses of the contract; never the clauses first."""
    world = CareWorld(tmp_path, "real-estate")
    record = opened(world, "late_certificate", customer="cu_1", certificate="house", agreed_on="2026-06-30")
    with pytest.raises(Exception, match=r"apply_contract|按合同处理") as refused:
        act(world, record, "apply_contract")
    assert getattr(refused.value, "rule", None) == "B-RES-16"
    act(world, record, "remind")
    world.clock.set(beijing("2026-07-01 00:00"))
    pass_time(world, timedelta())
    assert [data["source"] for data in notices(world, record)] == ["B-RES-16"]
    assert act(world, record, "apply_contract")["state"] == "contract_clause"
