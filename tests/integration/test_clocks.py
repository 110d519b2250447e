"""Clocks that stand still, get more time and follow a newer calendar, over the real bus and database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from shared.errors import RuleRefused, ValidationFailed
from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import complaint

PLAZA = "plaza-demo"
RETAIL = "retail-demo"
MORE: dict[str, Any] = {"clock": "close", "amount": 9, "reason": "several_departments"}


def accepted(bus: Bus) -> tuple[Desk, str, dict[str, Any]]:
    """Return a desk, a case found valid, and the event that opened it."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    case_id = desk.case_of(event)["case_id"]
    desk.do("complaints.attempt_contact", id=case_id, outcome="reached")
    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="现场核实属实")
    return desk, case_id, event


def clock_of(desk: Desk, case_id: str) -> dict[str, Any]:
    case = desk.ask("complaints.get_case", id=case_id)
    (found,) = (dict(clock) for clock in case["deadlines"] if clock["name"] == "close")
    return found


def test_a_clock_is_paused_resumed_and_met_and_all_of_it_is_archived(bus: Bus) -> None:
    """Ledger, refusals and events of a pause, from the call to reporting's archive."""
    desk, case_id, event = accepted(bus)
    before = clock_of(desk, case_id)
    pause: dict[str, Any] = {
        "id": case_id,
        "clocks": ["close"],
        "reason": "customer_away",
        "note": "客户外出",
    }
    with pytest.raises(RuleRefused):
        bus.desk(PLAZA, ("staff", "complaint_handler")).do("complaints.pause_clocks", **pause)
    with pytest.raises(ValidationFailed):
        desk.do("complaints.pause_clocks", **(pause | {"clocks": ["colour"]}))
    desk.do("complaints.pause_clocks", key=f"pause-{case_id}", **pause)
    # Asked again because the answer was lost: paused once.
    desk.do("complaints.pause_clocks", key=f"pause-{case_id}", **pause)
    paused = clock_of(desk, case_id)
    assert (paused["state"], paused["due_at"]) == ("paused", before["due_at"])
    assert [(row["reason"], row["role"], row["end"]) for row in paused["pauses"]] == [
        ("customer_away", "cs_head", None)
    ]
    desk.do("complaints.resume_clocks", id=case_id)
    resumed = clock_of(desk, case_id)
    assert (resumed["state"], resumed["due_at"]) == ("running", before["due_at"])
    assert resumed["pauses"][0]["resumed_by"] == "stf_test"

    desk.do("complaints.reply", id=case_id, text="已修复")
    (callback,) = desk.callbacks_of(case_id, 1)
    caller = bus.desk(PLAZA, subject="stf_caller")
    caller.do("followup.complete_callback", id=callback["callback_id"], outcome="satisfied")
    assert desk.case_of(event, state="closed")["on_time"] is True
    desk.archived(case_id, "clock_paused", "clock_resumed", "clock_met", "clock_met", "case_closed")
    assert desk.ask("complaints.get_case_history", id=case_id)["faults"] == []


def test_more_time_is_granted_by_somebody_else_and_once(bus: Bus) -> None:
    """Two people, one extension, the first date kept."""
    desk, case_id, _ = accepted(bus)
    before = clock_of(desk, case_id)
    desk.do("complaints.request_extension", id=case_id, **MORE)
    decision: dict[str, Any] = {"id": case_id, "clock": "close", "granted": True}
    with pytest.raises(RuleRefused):
        desk.do("complaints.decide_extension", **decision)
    boss = bus.desk(PLAZA, ("staff", "manager"), subject="stf_boss")
    boss.do("complaints.decide_extension", **decision)
    after = clock_of(desk, case_id)
    assert (after["amount"], after["original_due_at"]) == (9, before["due_at"])
    assert datetime.fromisoformat(after["due_at"]) > datetime.fromisoformat(before["due_at"])
    assert [row["decision"] for row in after["extensions"]] == ["granted"]
    with pytest.raises(RuleRefused):
        desk.do("complaints.request_extension", id=case_id, **(MORE | {"amount": 12}))
    desk.archived(case_id, "extension_requested", "clock_extended")


def test_an_organisation_whose_rulebook_is_silent_can_do_neither(bus: Bus) -> None:
    """Nothing is borrowed from another organisation's rules."""
    desk = bus.desk(RETAIL)
    event = complaint(RETAIL, claim={"complainant_type": "end_consumer", "demand": "exchange"})
    bus.publish("shop", event)
    case_id = desk.case_of(event)["case_id"]
    for method, arguments in (
        ("pause_clocks", {"clocks": ["close"], "reason": "customer_away"}),
        ("request_extension", MORE),
    ):
        with pytest.raises(RuleRefused):
            desk.do(f"complaints.{method}", id=case_id, **arguments)


def test_a_service_that_starts_with_a_newer_calendar_computes_open_clocks_again(bus: Bus) -> None:
    """What an older process computed is found through the index, put right in the background, and noted once.

    The older process is played by the test: it writes into the case what that process would have written.
    """
    desk, case_id, _ = accepted(bus)
    current = clock_of(desk, case_id)
    other, other_id, _ = accepted(bus)
    bus.stack.kill("complaints")
    cases = bus.database("complaints")["cases"]
    row = cases.find_one({"_id": case_id})
    assert row is not None
    for clock in row["deadlines"]:
        if clock["ended_at"] is None:
            clock["calendar_version"] = "cn-before"
    cases.update_one(
        {"_id": case_id},
        {"$set": {"deadlines": row["deadlines"], "open_calendars": [f"{PLAZA}/cn-before"]}},
    )
    bus.stack.start_service("complaints")

    def computed() -> None:
        assert clock_of(desk, case_id)["calendar_version"] == current["calendar_version"]

    eventually(computed)
    (told,) = desk.happened(case_id, "clock_recomputed")
    assert told["data"]["version_from"] == "cn-before"
    assert told["data"]["due_to"] == clock_of(desk, case_id)["due_at"] == current["due_at"]
    assert desk.ask("complaints.get_case_history", id=case_id)["faults"] == []
    # One that is not behind is left alone.
    assert other.ask("reporting.list_archive", about=other_id, limit=200)
    other.happened(other_id, "clock_recomputed", times=0)
