"""A quality defect that somebody pays for, over a real broker and a real database, through three months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.errors import Conflict, RuleRefused
from shared.history import timestamp
from shared.ledger import period_after, period_bounds, period_of
from tests.integration.bus import Bus, Desk
from tests.integration.events import complaint
from tests.integration.movable_time import MovableTime
from tests.integration.paths import walk

RETAIL = "retail-demo"
BEIJING = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def time(tmp_path: Path) -> Iterator[MovableTime]:
    """A running stack of its own."""
    with MovableTime(tmp_path / "ahead") as stack:
        yield stack


@pytest.mark.timeout(600)
@pytest.mark.rule("B-RET-22", "B-RET-25", "B-RET-26")
def test_a_quality_defect_is_paid_for_over_three_months_and_never_beyond_half_a_bonus(
    time: MovableTime,
) -> None:
    """Loss 10,500 by 120 points, of which 8 are the worker's: 700, taken as 300, 300 and 100."""
    month = period_after(period_of(datetime.now(UTC), BEIJING))
    begin, _ = period_bounds(month, BEIJING)
    time.set(begin + timedelta(days=4, hours=9))
    with Bus(time) as bus:
        hr = bus.desk(RETAIL, ("staff", "hr_admin"), subject="stf_hr")
        manager = bus.desk(RETAIL, ("staff", "general_manager"), subject="stf_gm")
        worker = bus.desk(RETAIL, ("staff",), subject="stf_worker")
        case_id = _closed_case(bus, begin + timedelta(days=4, hours=8))

        _attribute(hr, case_id)
        penalty_id = _propose(hr, case_id)
        with pytest.raises(RuleRefused) as own:
            hr.do("complaints.decide_penalty", id=penalty_id, approved=True)
        assert own.value.rule == "B-RET-22"
        assert manager.do("complaints.decide_penalty", id=penalty_id, approved=True)["state"] == "approved"
        with pytest.raises(Conflict):
            manager.do("complaints.decide_penalty", id=penalty_id, approved=False)
        posted = hr.ask("complaints.get_penalty", id=penalty_id)
        assert (posted["state"], posted["total"], posted["payee"]) == ("posted", "700.00", "company")

        taken = []
        for _ in range(3):
            time.set(period_bounds(month, BEIJING)[1] - timedelta(hours=6))
            taken.append(_close(hr, month)["deducted"])
            month = period_after(month)
        assert taken == ["300.00", "300.00", "100.00"]

        ledger = worker.ask("complaints.get_ledger", staff="stf_worker")
        assert [(line["kind"], line["amount"], line["balance"]) for line in ledger["lines"]] == [
            ("charge", "700.00", "700.00"),
            ("settlement", "-300.00", "400.00"),
            ("settlement", "-300.00", "100.00"),
            ("settlement", "-100.00", "0.00"),
        ]
        (explained,) = worker.ask("complaints.explain_penalty", id=penalty_id)["lines"]
        steps = {step["what"]: step["value"] for step in explained["trace"]}
        assert (steps["loss"], steps["total_points"], steps["own_points"]) == ("10500.00", "120.00", "8.00")
        archive = bus.desk(RETAIL)
        archive.happened(case_id, "penalty_posted")
        archive.happened(case_id, "ledger_entry_posted", times=4)
        _take_back(manager, hr, penalty_id, month, time)


def _closed_case(bus: Bus, received_at: datetime) -> str:
    desk = bus.desk(RETAIL)
    claim = {"complainant_type": "end_consumer", "demand": "exchange"}
    event = complaint(RETAIL, claim=claim, received_at=timestamp(received_at))
    bus.publish("shop", event)
    case_id: str = desk.case_of(event)["case_id"]
    desk.do("complaints.decide_validity", id=case_id, valid=True, ground="quality_defect", reason="缝线开裂")
    walk(bus, RETAIL, case_id)
    desk.do("complaints.reply", id=case_id, text="已换货", prevention="每批抽检")
    assert desk.do("complaints.close_case", id=case_id)["state"] == "closed"
    return case_id


def _attribute(hr: Desk, case_id: str) -> None:
    finding: dict[str, Any] = {"area": "production", "department": "sewing-1", "reason": "缝线未按标准检验"}
    with pytest.raises(RuleRefused) as refused:
        hr.do("complaints.attribute_liability", case_id=case_id, level="department", **finding)
    assert refused.value.rule == "B-RET-23"
    hr.do(
        "complaints.attribute_liability", case_id=case_id, level="person", persons=["stf_worker"], **finding
    )


def _propose(hr: Desk, case_id: str) -> str:
    arguments: dict[str, Any] = {
        "case_id": case_id,
        "loss": "10500",
        "total_points": "120",
        "points": [{"staff": "stf_worker", "points": "8"}],
        "reason": "按罚扣判定基准",
    }
    first = hr.do("complaints.propose_penalty", key="same", **arguments)
    assert hr.do("complaints.propose_penalty", key="same", **arguments) == first
    return str(first["penalty_id"])


def _close(hr: Desk, month: str) -> dict[str, Any]:
    bonuses = [{"staff": "stf_worker", "bonus": "600"}]
    key = f"close-{month}"
    closed: dict[str, Any] = hr.do("complaints.close_month", key=key, month=month, bonuses=bonuses)
    assert hr.do("complaints.close_month", key=key, month=month, bonuses=bonuses) == closed
    with pytest.raises(Conflict):
        hr.do("complaints.close_month", month=month, bonuses=bonuses)
    return closed


def _take_back(manager: Desk, hr: Desk, penalty_id: str, month: str, time: MovableTime) -> None:
    """Reverse it all in the fourth month: what was taken comes back there, and the closed months stay."""
    before = hr.ask("complaints.month_statement", month=_before(month))["rows"]
    time.set(period_bounds(month, BEIJING)[0] + timedelta(days=3))
    manager.do("complaints.reverse_penalty", id=penalty_id, reason="损失由承运方承担")
    assert hr.ask("complaints.get_penalty", id=penalty_id)["state"] == "reversed"
    time.set(period_bounds(month, BEIJING)[1] - timedelta(hours=6))
    closed = hr.do("complaints.close_month", month=month)
    assert (closed["deducted"], closed["refunded"]) == ("0.00", "700.00")
    assert hr.ask("complaints.month_statement", month=_before(month))["rows"] == before


def _before(month: str) -> str:
    begin, _ = period_bounds(month, BEIJING)
    return period_of(begin - timedelta(days=1), BEIJING)
