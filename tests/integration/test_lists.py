"""Lists of cases over a real database: everything a case shows of itself, in order, and what is done leaves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.bus import Bus, Desk
from tests.integration.events import complaint

PLAZA = "plaza-demo"


def listed(desk: Desk, case_id: str, **wanted: Any) -> dict[str, Any] | None:
    """Return the row of a case in a list, None where it is not in it."""
    rows = desk.ask("complaints.list_cases", limit=200, **wanted)
    received = [row["received_at"] for row in rows]
    assert received == sorted(received, reverse=True)
    return next((dict(row) for row in rows if row["case_id"] == case_id), None)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"state": "open"},
        {"state": "overdue"},
        {"state": "received"},
        {"level": "important"},
        {"state": "open", "level": "important"},
        {"state": "overdue", "level": "important"},
    ],
)
def test_a_list_shows_a_case_as_the_case_shows_itself(bus: Bus, wanted: dict[str, str]) -> None:
    """A list reads a part of each case only: nothing of what it shows may be missing or different."""
    desk = bus.desk(PLAZA)
    late = (datetime.now(UTC) - timedelta(hours=4)).isoformat()
    event = complaint(PLAZA, claim={"amount": "6000.00"}, received_at=late)
    bus.publish("hotline", event)
    case = desk.case_of(event, overdue=True, level="important")
    assert listed(desk, case["case_id"], **wanted) == case


def test_a_case_leaves_the_overdue_and_the_open_when_it_is_done(bus: Bus) -> None:
    """Whoever works off a list must not meet again what is finished."""
    desk = bus.desk(PLAZA)
    late = (datetime.now(UTC) - timedelta(hours=4)).isoformat()
    event = complaint(PLAZA, received_at=late)
    bus.publish("hotline", event)
    case_id = desk.case_of(event, overdue=True)["case_id"]
    assert listed(desk, case_id, state="overdue") is not None
    desk.do("complaints.decide_validity", id=case_id, valid=False, reason="与本商场无关")
    desk.do("complaints.reply", id=case_id, text="已说明")
    closed = desk.case_of(event, state="closed", overdue=False)
    assert listed(desk, case_id, state="overdue") is None
    assert listed(desk, case_id, state="open") is None
    assert listed(desk, case_id, state="closed") == closed
