"""The clocks of a case: when they are due by the handbooks, what meets them, and that a breach is never lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.complaints.domain.states import CaseState
from shared.clocks import State
from shared.history import timestamp
from tests.unit.complaints.fakes import (
    IT,
    PLAZA,
    PROPERTY,
    RETAIL,
    SHOP,
    World,
    beijing,
    called_back,
    clock,
    entries,
    routed,
    types,
)

GENERAL: dict[str, Any] = {}
IMPORTANT: dict[str, Any] = {"amount": "5000.01"}
MAJOR: dict[str, Any] = {"amount": "50000.00"}


@pytest.mark.rule("B-JKC-52")
def test_nobody_answers_the_first_call_so_the_prescribed_message_goes_out_at_once(world: World) -> None:
    """Guards 09:40: the event that asks for the message carries the minute of the call, and the clock is met."""
    world.at("2026-03-02 09:00")
    case = world.open()
    assert clock(case, "first_contact").due_at == beijing("2026-03-02 12:00")
    world.at("2026-03-02 09:40")
    world.do("attempt_contact", case, outcome="unreachable")
    case = world.case(case.id)
    (attempted,) = entries(case, "contact_attempted")
    assert attempted.time == timestamp(beijing("2026-03-02 09:40"))
    assert attempted.data["message"] == "first_contact_sms"
    assert attempted.data["attempted_at"] == attempted.time
    (met,) = entries(case, "clock_met")
    assert (met.data["clock"], met.data["on_time"]) == ("first_contact", True)


@pytest.mark.rule("B-JKC-52")
def test_without_an_attempt_within_three_hours_the_first_contact_is_breached(world: World) -> None:
    """Guards 12:00: a second earlier nothing is late, at 12:00 the breach is recorded once."""
    world.at("2026-03-02 09:00")
    case = world.open()
    world.at("2026-03-02 11:59:59")
    world.tick()
    assert entries(world.case(case.id), "clock_breached") == []
    world.at("2026-03-02 12:00")
    world.tick()
    world.tick()
    (breached,) = entries(world.case(case.id), "clock_breached")
    assert breached.data == {
        "case_id": case.id,
        "clock": "first_contact",
        "due_at": timestamp(beijing("2026-03-02 12:00")),
        "level": "general",
    }
    assert world.case(case.id).overdue


@pytest.mark.rule("B-JKC-52")
def test_the_first_contact_counts_clock_hours_also_at_night_and_on_holidays(world: World) -> None:
    """Guards that three hours are three hours: no working time is meant."""
    case = world.open(received_at=beijing("2025-10-01 23:30"))
    assert clock(case, "first_contact").due_at == beijing("2025-10-02 02:30")


@pytest.mark.rule("B-JKC-52")
def test_a_customer_reached_in_time_gets_no_message(world: World) -> None:
    """Guards that the text about a call nobody took is only sent when nobody took it."""
    case = world.open()
    world.do("attempt_contact", case, outcome="reached")
    case = world.case(case.id)
    assert [entry.data["message"] for entry in entries(case, "contact_attempted")] == [None]
    assert clock(case, "first_contact").state is State.MET


@pytest.mark.parametrize("first", ["reached", "unreachable"])
def test_the_message_of_the_first_contact_is_sent_once(world: World, first: str) -> None:
    """Guards the customer from the same text after every later call nobody takes."""
    case = world.open()
    for outcome in (first, "unreachable", "unreachable"):
        world.do("attempt_contact", case, outcome=outcome)
    sent = [entry.data["message"] for entry in entries(world.case(case.id), "contact_attempted")]
    assert sent[1:] == [None, None]


@pytest.mark.parametrize("org", [RETAIL, PROPERTY, SHOP, IT])
def test_where_no_rule_prescribes_a_message_an_unanswered_call_meets_nothing(world: World, org: str) -> None:
    """Guards that one trade's message is not borrowed by another."""
    case = world.open(org)
    world.do("attempt_contact", case, outcome="unreachable")
    case = world.case(case.id)
    assert [entry.data["message"] for entry in entries(case, "contact_attempted")] == [None]
    assert entries(case, "clock_met") == []


@pytest.mark.parametrize(
    ("claim", "accepted", "last_day"),
    [
        # The examples of the rules.
        pytest.param(GENERAL, "2025-03-05 10:00", "2025-03-10", marks=pytest.mark.rule("B-JKC-54")),
        pytest.param(IMPORTANT, "2025-03-05 10:00", "2025-03-14", marks=pytest.mark.rule("B-JKC-55")),
        pytest.param(MAJOR, "2025-03-05 10:00", "2025-03-26", marks=pytest.mark.rule("B-JKC-56")),
        # The day of acceptance does not count, however early or late it was.
        pytest.param(GENERAL, "2025-03-05 00:00", "2025-03-10", marks=pytest.mark.rule("B-JKC-54")),
        pytest.param(GENERAL, "2025-03-05 23:59", "2025-03-10", marks=pytest.mark.rule("B-JKC-54")),
        # Around National Day 2025 (1-8 October off) Sunday 28 September and Saturday 11 October are worked.
        pytest.param(GENERAL, "2025-09-26 10:00", "2025-09-30", marks=pytest.mark.rule("B-JKC-54")),
        pytest.param(GENERAL, "2025-09-30 10:00", "2025-10-11", marks=pytest.mark.rule("B-JKC-54")),
        pytest.param(IMPORTANT, "2025-09-29 10:00", "2025-10-15", marks=pytest.mark.rule("B-JKC-55")),
        # Around Spring Festival 2025 (28 January to 4 February off) Sunday 26 January and Saturday 8 February.
        pytest.param(GENERAL, "2025-01-25 10:00", "2025-02-05", marks=pytest.mark.rule("B-JKC-54")),
        pytest.param(IMPORTANT, "2025-01-23 10:00", "2025-02-08", marks=pytest.mark.rule("B-JKC-55")),
        pytest.param(MAJOR, "2025-01-27 10:00", "2025-02-24", marks=pytest.mark.rule("B-JKC-56")),
    ],
)
def test_a_case_is_to_be_closed_by_the_end_of_the_last_working_day_counted_from_the_day_after_acceptance(
    world: World, claim: dict[str, Any], accepted: str, last_day: str
) -> None:
    """Guards the three lengths, the day they start on, and the days off and made up for by the calendar."""
    received = beijing(accepted) - timedelta(days=6)
    world.clock.set(received)
    case = world.open(**claim)
    assert [deadline.name for deadline in case.deadlines] == ["first_contact"]
    world.at(accepted)
    case = world.accept(case)
    close = clock(case, "close")
    assert close.due_at == beijing(f"{last_day} 00:00") + timedelta(days=1)
    assert not close.provisional
    (event,) = entries(case, "case_accepted")
    listed = {"name": "close", "due_at": timestamp(close.due_at), "provisional": False}
    assert listed in event.data["clocks"]


def test_a_deadline_in_a_year_without_official_days_is_provisional(world: World) -> None:
    """Guards that a due date computed on a calendar not yet published says so."""
    world.at("2028-09-29 10:00")
    assert clock(world.accept(world.open()), "close").provisional


@pytest.mark.rule("B-JKC-54")
def test_closed_in_the_last_second_is_on_time_and_at_midnight_is_late(world: World) -> None:
    """Guards the end of the last day to the instant."""
    for name, moment, on_time in (
        ("ct_a", "2025-03-10 23:59:59", True),
        ("ct_b", "2025-03-11 00:00:00", False),
    ):
        world.at("2025-03-05 10:00")
        case = world.open(contact=name, problem=name)
        world.do("attempt_contact", case, outcome="reached")
        case = world.answer(world.accept(case))
        world.at(moment)
        world.call_back(called_back(case, f"cb_{name}", satisfied=True))
        case = world.case(case.id)
        assert case.state is CaseState.CLOSED
        assert case.on_time is on_time
        (closed,) = entries(case, "case_closed")
        assert closed.data["on_time"] is on_time


@pytest.mark.rule("B-RET-32")
def test_a_chain_store_closes_within_seven_calendar_days_of_receipt(world: World) -> None:
    """Guards 3 to 10 March: not late on the tenth, late on the eleventh."""
    world.at("2025-03-03 10:00")
    case = world.open(RETAIL)
    assert clock(case, "close").due_at == beijing("2025-03-11 00:00")
    world.at("2025-03-10 23:59:59")
    world.tick()
    assert not world.case(case.id).overdue
    world.at("2025-03-11 00:00")
    world.tick()
    assert world.case(case.id).overdue


@pytest.mark.rule("B-PRO-10")
@pytest.mark.parametrize(("moment", "state"), [("10:59", State.MET), ("11:00", State.MET_LATE)])
def test_a_household_is_replied_to_within_two_hours(world: World, moment: str, state: State) -> None:
    """Guards 09:00 to 11:00 from receipt, also when validity is found only in between."""
    world.at("2026-03-02 09:00")
    case = world.open(PROPERTY)
    world.at("2026-03-02 10:00")
    case = world.accept(case)
    world.at(f"2026-03-02 {moment}")
    world.do("reply", case, text="今天下午派人上门", final=False, next_reply_at="2026-03-02T17:00:00+08:00")
    assert clock(world.case(case.id), "reply").state is state


@pytest.mark.rule("A-PRM-08")
@pytest.mark.parametrize(("moment", "on_time"), [("09:59", True), ("10:01", False)])
def test_a_property_complaint_is_handled_within_24_hours(world: World, moment: str, *, on_time: bool) -> None:
    """Guards 1 May 10:00 to 2 May 10:00, a holiday notwithstanding."""
    world.at("2025-05-01 10:00")
    case = world.open(PROPERTY)
    world.at("2025-05-01 10:30")
    case = world.accept(case)
    world.do("reply", case, text="正在查找漏点", final=False, next_reply_at="2025-05-02T08:00:00+08:00")
    world.at(f"2025-05-02 {moment}")
    case = world.answer(case)
    handled = next(entry for entry in entries(case, "clock_met") if entry.data["clock"] == "handled")
    assert handled.data["on_time"] is on_time


@pytest.mark.rule("B-PRO-11")
def test_a_household_whose_complaint_does_not_stand_is_told_within_two_hours_of_that_finding(
    world: World,
) -> None:
    """Guards 09:30 to 11:30, and that the clocks of valid complaints are no longer asked for."""
    world.at("2026-03-02 09:00")
    case = world.open(PROPERTY)
    world.at("2026-03-02 09:30")
    world.do("decide_validity", case, valid=False, reason="不属物业范围")
    case = world.case(case.id)
    assert clock(case, "invalid_reply").due_at == beijing("2026-03-02 11:30")
    assert {name: clock(case, name).state for name in ("reply", "handled")} == {
        "reply": State.SUPERSEDED,
        "handled": State.SUPERSEDED,
    }
    (refused,) = entries(case, "case_refused")
    assert {row["name"] for row in refused.data["clocks"]} == {"invalid_reply", "step.verify"}
    world.at("2026-03-02 11:29")
    case = world.answer(case)
    assert clock(case, "invalid_reply").state is State.MET


def test_an_organisations_own_clock_and_no_other_runs_where_the_handbook_names_none(world: World) -> None:
    """Guards that a shop without a rule on time has exactly what it decided for itself."""
    assert [deadline.name for deadline in world.open(SHOP).deadlines] == ["reply"]
    case = world.open(IT, "ct_2", received_at=beijing("2026-02-27 17:00"))
    assert clock(case, "reply").due_at == beijing("2026-03-01 00:00")


def test_a_breach_the_timer_slept_through_is_recorded_when_the_clock_is_met(world: World) -> None:
    """Guards that what is late does not depend on when the timer looks."""
    case = world.open()
    world.at("2026-03-02 14:00")
    world.do("attempt_contact", case, outcome="reached")
    case = world.case(case.id)
    assert types(case)[-3:] == ["contact_attempted", "clock_breached", "clock_met"]
    assert clock(case, "first_contact").state is State.MET_LATE
    world.tick()
    assert len(entries(world.case(case.id), "clock_breached")) == 1


def test_a_breach_the_timer_slept_through_is_not_forgotten_when_the_case_closes(world: World) -> None:
    """Guards the figure of cases handled on time: closing must not wash a missed clock away."""
    case = world.answer(world.accept(world.open()))
    world.at("2026-03-02 14:00")
    world.call_back(called_back(case, satisfied=True))
    case = world.case(case.id)
    first = clock(case, "first_contact")
    assert (first.state, first.ended_at) == (State.BREACHED, world.clock.now())
    assert not case.on_time
    assert [entry.data["clock"] for entry in entries(case, "clock_breached")] == ["first_contact"]
    assert entries(case, "case_closed")[0].data["on_time"] is False


def test_a_breach_the_timer_slept_through_survives_the_finding_that_the_complaint_does_not_stand(
    world: World,
) -> None:
    """Guards that a late decision does not excuse what was late before it."""
    world.at("2026-03-02 09:00")
    case = world.open(PROPERTY)
    world.at("2026-03-02 11:30")
    world.do("decide_validity", case, valid=False, reason="不属物业范围")
    case = world.case(case.id)
    assert {row.name: row.state for row in case.deadlines} == {
        "step.verify": State.RUNNING,
        "reply": State.BREACHED,
        "handled": State.SUPERSEDED,
        "invalid_reply": State.RUNNING,
    }
    assert not case.overdue


def test_a_breach_the_timer_slept_through_survives_a_change_of_level(world: World) -> None:
    """Guards that the longer time of a higher level comes after the breach of the shorter one."""
    world.at("2025-03-05 10:00")
    case = world.accept(world.open(customer="cu_1"))
    world.at("2025-03-12 10:00")
    world.take(routed(contact="ct_2", customer="cu_1", media=True))
    case = world.case(case.id)
    states = [(d.name, d.state) for d in case.deadlines if d.name == "close"]
    assert states == [("close", State.BREACHED), ("close", State.RUNNING)]
    assert not case.on_time
    ended = [deadline.ended_at for deadline in case.deadlines if deadline.state is State.BREACHED]
    world.at("2025-03-13 10:00")
    world.file(case, "customer_relations")
    world.call_back(called_back(world.answer(case), satisfied=True))
    case = world.case(case.id)
    assert case.state is CaseState.CLOSED
    first_close = next(deadline for deadline in case.deadlines if deadline.name == "close")
    assert [first_close.ended_at] == [at for at in ended if at is not None]


@pytest.mark.rule("B-JKC-55", "B-JKC-56")
def test_a_higher_level_begins_the_closing_clock_again_from_the_same_start(world: World) -> None:
    """Guards that a case lifted later has the time of its new level, still counted from its acceptance."""
    world.at("2025-03-05 10:00")
    case = world.accept(world.open(customer="cu_1"))
    for moment, claim, last_day in (
        ("2025-03-06 10:00", {"media": True}, "2025-03-14"),
        ("2025-03-07 10:00", {"amount": "60000.00"}, "2025-03-26"),
    ):
        world.at(moment)
        world.take(routed(contact=f"ct_{moment}", customer="cu_1", **claim))
        case = world.case(case.id)
        assert clock(case, "close").due_at == beijing(f"{last_day} 00:00") + timedelta(days=1)
        assert clock(case, "close").started_at == beijing("2025-03-05 10:00")
        changed = entries(case, "case_level_changed")[-1]
        named = [row["due_at"] for row in changed.data["clocks"] if row["name"] == "close"]
        assert named == [timestamp(clock(case, "close").due_at)]
    assert [d.state for d in case.deadlines if d.name == "close"] == [
        State.SUPERSEDED,
        State.SUPERSEDED,
        State.RUNNING,
    ]


def test_a_clock_warns_at_each_point_once_and_tells_how_far_it_is(world: World) -> None:
    """Guards the warnings at 50, 75 and 90 percent of three hours, and that points slept through are one."""
    world.at("2026-03-02 09:00")
    case = world.open()
    for moment, warned in (
        ("10:29:59", []),
        ("10:30", [50]),
        ("11:00", [50]),
        ("11:50", [50, 90]),
        ("12:00", [50, 90]),
    ):
        world.at(f"2026-03-02 {moment}")
        world.tick()
        case = world.case(case.id)
        assert [entry.data["percent"] for entry in entries(case, "clock_warned")] == warned
    assert types(case)[-1] == "clock_breached"


def test_the_timer_of_a_second_replica_fires_nothing_twice(world: World) -> None:
    """Guards that a breach is one breach, however many replicas look at the same time."""
    case = world.open()
    other = World(world.clock, world.cases)
    world.at("2026-03-02 13:00")
    world.cases.between["save"] = other.tick
    world.tick()
    assert len(entries(world.case(case.id), "clock_breached")) == 1


def test_the_timer_takes_the_longest_overdue_first_and_comes_back_for_the_rest(world: World) -> None:
    """Guards that more due cases than one round takes are all fired."""
    world.take(*(routed(contact=f"ct_{number}", problem=f"p-{number}") for number in range(120)))
    world.at("2026-03-03 13:00")
    assert world.ticker()
    world.tick()
    assert all(len(entries(case, "clock_breached")) == 1 for case in world.cases.all())
    assert not world.ticker()


def test_nothing_ticks_on_a_closed_case(world: World) -> None:
    """Guards that a closed case is never warned of nor breached."""
    case = world.accept(world.open(PLAZA))
    world.do("attempt_contact", case, outcome="reached")
    case = world.answer(case)
    world.call_back(called_back(case, satisfied=True))
    world.at("2027-03-02 13:00")
    world.tick()
    case = world.case(case.id)
    assert types(case)[-1] == "case_closed"
    assert case.next_due is None
    assert all(not deadline.open for deadline in case.deadlines)
