"""Supervision and a dispute over the real bus: three urges, an answer, a referral, a ruling and its appeal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused
from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import complaint
from tests.integration.movable_time import MovableTime

PLAZA = "plaza-demo"
RULING: dict[str, Any] = {"text": "由工程部负责", "responsible": "engineering"}


@pytest.fixture
def time(tmp_path: Path) -> Iterator[MovableTime]:
    """A running stack of its own, whose clock can be set ahead."""
    with MovableTime(tmp_path / "ahead") as stack:
        yield stack


@pytest.mark.timeout(600)
@pytest.mark.rule("B-JKC-11")
def test_a_case_that_is_urged_disputed_and_settled_closes_with_everybody_told(time: MovableTime) -> None:
    """Guards supervision and disputes from the call to the archive, the clocks among them, each event once."""
    with Bus(time) as bus:
        handler = bus.desk(PLAZA, ("staff", "complaint_handler"), subject="stf_handler")
        watcher = bus.desk(PLAZA, ("staff", "supervisor"), subject="stf_watcher")
        event = complaint(PLAZA)
        bus.publish("hotline", event)
        case_id: str = handler.case_of(event)["case_id"]
        handler.do("complaints.decide_validity", id=case_id, valid=True, reason="现场核实属实")
        _watched(bus, handler, watcher, case_id)
        _disputed(bus, time, handler, case_id)
        assert handler.ask("complaints.get_case_history", id=case_id)["faults"] == []


def _watched(bus: Bus, handler: Desk, watcher: Desk, case_id: str) -> None:
    """Supervised, urged three times under keys that come twice, answered once, referred and back."""
    watched: dict[str, Any] = {"id": case_id, "supervisor": "customer_relations", "reason": "抽查"}
    with pytest.raises(RuleRefused) as refused:
        handler.do("complaints.start_supervision", **watched)
    assert refused.value.rule == "B-JKC-11"
    watcher.do("complaints.start_supervision", **watched)
    for number in range(3):
        for _ in range(2):
            watcher.do("complaints.urge_case", key=f"{case_id}-urge-{number}", id=case_id)
    (row,) = watcher.ask("complaints.list_supervised_cases", supervisor="customer_relations")
    assert (row["case_id"], row["urges"], row["unanswered_urges"]) == (case_id, 3, 3)
    manager = bus.desk(PLAZA, ("staff", "manager"), subject="stf_manager")
    assert manager.only("complaints.list_supervised_cases", supervisor="manager")["case_id"] == case_id
    handler.do("complaints.record_progress", id=case_id, text="已派工程部", told=True)
    handler.do("complaints.refer_case", id=case_id, department="operations", text="请核实")
    handler.do("complaints.return_referral", id=case_id, referral=1, text="已核实")
    watcher.do("complaints.end_supervision", **watched)
    assert watcher.ask("complaints.list_supervised_cases", supervisor="customer_relations") == []
    archive = bus.desk(PLAZA)
    archive.happened(case_id, "case_urged", times=3)
    for kind in ("urges_escalated", "customer_told", "case_referred", "referral_returned"):
        archive.happened(case_id, kind)


def _disputed(bus: Bus, time: MovableTime, handler: Desk, case_id: str) -> None:
    """The ruling is late, appealed against and final; the case closes only then."""
    watcher = bus.desk(PLAZA, ("staff", "supervisor"), subject="stf_watcher")
    leader = bus.desk(PLAZA, ("staff", "cs_vice_president"), subject="stf_leader")
    parties = [{"department": "engineering"}, {"department": "operations", "staff": ["stf_party"]}]
    raised: dict[str, Any] = {
        "subject": "responsibility",
        "question": "由谁负责？",
        "department": "engineering",
    }
    dispute_id = handler.do(
        "complaints.raise_dispute", key="raise", case_id=case_id, parties=parties, **raised
    )["dispute_id"]
    party = bus.desk(PLAZA, ("staff", "supervisor"), subject="stf_party")
    with pytest.raises(RuleRefused):
        party.do("complaints.rule_dispute", id=dispute_id, **RULING)
    time.set(datetime.now(UTC) + timedelta(days=2, minutes=1))

    assert watcher.only("complaints.list_disputes", overdue=True)["dispute_id"] == dispute_id
    watcher.do("complaints.rule_dispute", id=dispute_id, **RULING)
    handler.do("complaints.appeal_ruling", id=dispute_id, department="engineering", reason="由运营部招标")
    entered = {"description": "地面湿滑"}
    handler.do("complaints.take_step", id=case_id, step="enter_content", filled=entered)
    handler.do("complaints.reply", id=case_id, text="已处理")
    (callback,) = handler.callbacks_of(case_id, 1)
    caller = bus.desk(PLAZA, subject="stf_caller")
    caller.do("followup.complete_callback", id=callback["callback_id"], outcome="satisfied")

    def waits() -> None:
        assert handler.ask("complaints.get_settlement", id=case_id)["waits_to_close"] == "callback"

    eventually(waits)
    second = {"id": dispute_id, "text": "由运营部负责", "responsible": "operations"}
    assert leader.do("complaints.rule_dispute", **second)["state"] == "final"
    case = handler.ask("complaints.get_case", id=case_id)
    assert (case["state"], case["responsible"]) == ("closed", "operations")
    # What is disputed about a case is archived under it.
    for kind in ("ruling_overdue", "ruling_appealed"):
        handler.happened(case_id, kind)
