"""Visitors at the front desk: entitled, identified, approved, guided to a counter, and never named in an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.intake.on_duty import Intake, organisation


@pytest.fixture
def hall(tmp_path: Path) -> Intake:
    """The front hall of a logistics company, on a day in May."""
    return Intake("test-org", "2025-05-06 09:00", organisation(tmp_path, "logistics"))


def arrive(intake: Intake, **more: Any) -> Any:
    given = {"desk": "hall", "purpose": "claim", "name": "王小明"} | more
    return intake.do("check_in_visit", "desk-1", **given)


@pytest.mark.rule("A-LOG-42")
@pytest.mark.parametrize(("ends", "entitled"), [("2025-04-30", False), ("2025-05-06", True), (None, True)])
def test_a_visitor_whose_contract_has_ended_is_not_entitled(
    hall: Intake, ends: str | None, *, entitled: bool
) -> None:
    """Promise: a contract is good to the end of its last day, and no longer."""
    if entitled:
        assert arrive(hall, contract_ends=ends)["state"] == "queued"
        return
    with pytest.raises(RuleRefused, match="NOT_ENTITLED") as refused:
        arrive(hall, contract_ends=ends)
    assert refused.value.rule == "A-LOG-42"
    assert hall.do("list_visits", "m", "manager", desk="hall", day="2025-05-06")["total"] == 0


@pytest.mark.rule("A-LOG-43")
def test_a_fee_is_shown_unpaid_until_it_is_marked_paid(hall: Intake) -> None:
    """Promise: 200 yuan due are seen at the desk until somebody took them."""
    visit = arrive(hall, fee_due="200.00")
    assert (visit["payment"], visit["fee_due"]) == ("UNPAID", "200.00")
    assert hall.do("get_visit", "desk-1", id=visit["visit_id"])["payment"] == "UNPAID"
    assert hall.do("move_visit", "desk-1", id=visit["visit_id"], action="pay")["payment"] == "PAID"
    with pytest.raises(Conflict):
        hall.do("move_visit", "desk-1", id=visit["visit_id"], action="pay")
    assert arrive(hall)["payment"] == "NONE"


@pytest.mark.rule("A-LOG-44")
def test_visitors_are_guided_to_the_counter_of_their_purpose(hall: Intake) -> None:
    """Promise: a claim goes to counter 3, and how many wait there is known."""
    first, second = arrive(hall), arrive(hall)
    other = arrive(hall, purpose="payment")
    assert [row["counter"] for row in (first, second, other)] == ["counter-3", "counter-3", "counter-1"]
    assert [row["queue_length"] for row in (first, second, other)] == [1, 2, 1]
    hall.do("move_visit", "desk-1", id=first["visit_id"], action="call")
    assert arrive(hall)["queue_length"] == 2
    with pytest.raises(ValidationFailed):
        arrive(hall, purpose="lunch")


@pytest.mark.rule("A-LOG-45")
def test_every_visit_has_a_code_of_its_own_that_opens_it(hall: Intake) -> None:
    """Promise: the printed bar code, scanned, is this visit and no other."""
    visits = [arrive(hall) for _ in range(20)]
    assert len({visit["code"] for visit in visits}) == 20
    scanned = hall.do("get_visit", "desk-1", code=visits[7]["code"])
    assert scanned["visit_id"] == visits[7]["visit_id"]
    with pytest.raises(NotFound):
        hall.do("get_visit", "desk-1", code="000000000000")


@pytest.mark.rule("A-LOG-39")
def test_the_manager_sees_who_came_and_how_many_still_wait(hall: Intake) -> None:
    """Promise: 14 visitors, 3 still waiting; the list is not everybody's."""
    visits = [arrive(hall) for _ in range(14)]
    for visit in visits[:11]:
        hall.do("move_visit", "desk-1", id=visit["visit_id"], action="call")
    day: dict[str, Any] = {"desk": "hall", "day": "2025-05-06"}
    with pytest.raises(RuleRefused) as refused:
        hall.do("list_visits", "desk-1", **day)
    assert refused.value.rule == "A-LOG-39"
    listed = hall.do("list_visits", "boss", "manager", **day)
    assert (listed["total"], listed["waiting"], listed["queues"]) == (14, 3, {"counter-3": 3})
    assert len(hall.do("list_visits", "boss", "manager", limit=5, skip=10, **day)["visits"]) == 4


def at_the_gate(**more: Any) -> tuple[Intake, Any]:
    intake = Intake("property-demo", "2025-05-06 10:00:00")
    given = {"desk": "gate", "purpose": "visit", "name": "李四", "unit": "A-301"} | more
    return intake, intake.do("check_in_visit", "guard", **given)


@pytest.mark.rule("B-PRO-03")
def test_whoever_is_not_of_the_household_waits_until_it_approves() -> None:
    """Promise: nobody walks in because a guard was busy."""
    intake, visit = at_the_gate()
    assert visit["state"] == "waiting"
    one = {"id": visit["visit_id"]}
    with pytest.raises(RuleRefused) as refused:
        intake.do("move_visit", "guard", action="call", **one)
    assert refused.value.rule == "B-PRO-03"
    assert intake.do("get_visit", "guard", **one)["state"] == "waiting"
    assert intake.do("move_visit", "guard", action="approve", **one)["state"] == "queued"
    assert intake.do("move_visit", "guard", action="call", **one)["state"] == "serving"
    _, member = at_the_gate(household=True)
    assert member["state"] == "queued"
    turned, away = at_the_gate()
    declined = turned.do("move_visit", "guard", action="decline", id=away["visit_id"])
    assert (declined["state"], declined["outcome"]) == ("closed", "declined")


@pytest.mark.rule("B-PRO-02")
@pytest.mark.parametrize(("saved", "state"), [("10:00:59", "met"), ("10:01:05", "met_late")])
def test_registering_an_identity_takes_a_minute_at_most(saved: str, state: str) -> None:
    """Promise: begun at 10:00:00 and saved at 10:01:05 is a breach."""
    intake, visit = at_the_gate()
    intake.at(f"2025-05-06 {saved}")
    done = intake.do("move_visit", "guard", action="identify", id=visit["visit_id"])
    (clock,) = done["clocks"]
    assert (clock["state"], clock["source"]) == (state, "B-PRO-02")
    assert len(intake.told("clock_breached")) == (state == "met_late")


@pytest.mark.rule("A-PRM-09")
def test_a_visit_is_closed_with_its_outcome() -> None:
    """Promise: what a resident came for was dealt with, and how is written down."""
    intake, visit = at_the_gate(household=True)
    one = {"id": visit["visit_id"], "action": "close"}
    with pytest.raises(RuleRefused) as refused:
        intake.do("move_visit", "guard", **one)
    assert refused.value.rule == "A-PRM-09"
    with pytest.raises(ValidationFailed):
        intake.do("move_visit", "guard", outcome="", **one)
    closed = intake.do("move_visit", "guard", outcome="已解释物业费构成", **one)
    assert (closed["state"], closed["outcome"]) == ("closed", "已解释物业费构成")


def test_the_name_of_a_visitor_is_masked_and_in_no_event() -> None:
    """Promise: events and lists hold ids only; the name in full is for those who may see it."""
    intake, visit = at_the_gate()
    assert "李四" not in str(visit)
    assert intake.do("get_visit", "guard", id=visit["visit_id"])["name"] != "李四"
    assert intake.do("get_visit", "guard", "personal_data", id=visit["visit_id"])["name"] == "李四"
    assert "李四" not in str([unsent.entry.data for unsent in intake.published])
