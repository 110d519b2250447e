"""What lifts a case, what escalates it, and what its clocks do, over the real bus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.bus import Bus, eventually
from tests.integration.events import complaint, contact_id_of, household, new_problem

PLAZA = "plaza-demo"


@pytest.mark.rule("B-JKC-40", "B-JKC-41", "B-JKC-42")
@pytest.mark.parametrize(
    ("households", "level"),
    [(4, "general"), (5, "important"), (7, "important"), (10, "major"), (12, "major")],
)
def test_the_same_problem_in_many_households_lifts_every_one_of_its_cases(
    bus: Bus, households: int, level: str
) -> None:
    """The level follows the number of households, and the cases opened before the limit was reached rise too."""
    desk = bus.desk(PLAZA)
    problem = new_problem()
    events = [complaint(PLAZA, problem, customer=household(number)) for number in range(households)]
    bus.publish("hotline", *events)
    for event in events:
        case = desk.case_of(event, level=level, households=households)
        if level != "general":
            desk.archived(case["case_id"], "case_level_changed")
    explained = desk.ask("complaints.explain_level", id=desk.case_of(events[0])["case_id"])
    assert explained["because"] == ([] if level == "general" else ["households"])


def test_calls_from_one_household_do_not_lift_its_case(bus: Bus) -> None:
    """Households are counted, not calls: seven calls about one flat stay one household."""
    desk = bus.desk(PLAZA)
    problem, customer = new_problem(), household(1)
    events = [complaint(PLAZA, problem, customer=customer) for _ in range(7)]
    bus.publish("hotline", *events)
    case = desk.case_of(events[-1], households=1, level="general", repeats=6)
    assert sorted(case["contact_ids"]) == sorted(map(contact_id_of, events))


@pytest.mark.rule("B-JKC-59")
def test_a_complaint_raised_again_another_way_escalates_its_case(bus: Bus) -> None:
    """The second contact joins the open case instead of opening one, and that is an escalation."""
    desk = bus.desk(PLAZA)
    first = complaint(PLAZA)
    bus.publish("hotline", first)
    case = desk.case_of(first)
    again = complaint(
        PLAZA, first["data"]["complaint"]["problem"], customer=first["data"]["customer"], channel="wechat"
    )
    bus.publish("crm", again)
    joined = desk.case_of(again, repeats=1)
    assert joined["case_id"] == case["case_id"]
    (escalated,) = desk.happened(case["case_id"], "case_escalated")
    assert escalated["data"]["channel"] == "wechat"
    assert escalated["data"]["contact_id"] == contact_id_of(again)


@pytest.mark.rule("B-JKC-52")
def test_a_complaint_nobody_was_called_about_for_three_hours_is_overdue_at_once(bus: Bus) -> None:
    """What comes in late is breached in the moment it comes in, and once only."""
    desk = bus.desk(PLAZA)
    late, early = (
        complaint(PLAZA, received_at=(datetime.now(UTC) - timedelta(hours=age)).isoformat())
        for age in (3.01, 2.9)
    )
    bus.publish("hotline", late, early)
    case = desk.case_of(late, overdue=True)
    desk.happened(case["case_id"], "clock_breached")
    desk.do("complaints.attempt_contact", id=case["case_id"], outcome="reached")
    clocks = {clock["name"]: clock["state"] for clock in desk.case_of(late, overdue=False)["deadlines"]}
    assert clocks["first_contact"] == "met_late"
    in_time = desk.case_of(early)
    (warned,) = desk.happened(in_time["case_id"], "clock_warned")
    assert warned["data"]["percent"] == 90
    assert in_time["overdue"] is False


def test_a_deadline_that_comes_while_the_service_is_down_fires_once_it_is_back(bus: Bus) -> None:
    """Clocks live in the database: a restart neither forgets one nor fires it twice."""
    desk = bus.desk(PLAZA)
    due = datetime.now(UTC) + timedelta(seconds=4)
    event = complaint(PLAZA, received_at=(due - timedelta(hours=3)).isoformat())
    bus.publish("hotline", event)
    case = desk.case_of(event, overdue=False)
    bus.stack.kill("complaints")

    def due_passed() -> None:
        assert datetime.now(UTC) > due

    eventually(due_passed)
    bus.stack.start_service("complaints")
    desk.case_of(event, overdue=True)
    desk.happened(case["case_id"], "clock_breached")
