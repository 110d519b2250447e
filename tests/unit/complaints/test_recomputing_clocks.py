"""A newer calendar: the open clocks of open cases follow it, once, whatever the number of replicas."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.complaints.domain.states import CaseState
from shared.clocks import State, recomputing
from shared.clocks.digest import DIGEST_ABOVE
from shared.clocks.recomputing import EVERY, WATCH
from shared.history import timestamp
from shared.worktime.calendars import Calendars
from tests.unit.complaints.fakes import (
    PLAZA,
    RETAIL,
    World,
    beijing,
    called_back,
    clock,
    entries,
    routed,
    types,
)

#: The calendar of a process that does not know yet that 6 March 2025 is a day off.
BEFORE = Calendars()
AFTER = Calendars({"cn": {"country": "cn", "closures": ["2025-03-06"]}})


@pytest.fixture
def case(world: World) -> Any:
    """A general complaint accepted on Wednesday 5 March 2025: to be closed by the end of Monday the tenth."""
    world.at("2025-03-05 10:00")
    return world.accept(world.open())


def replica(world: World) -> World:
    """Return a process started now, with the newer calendar, on the same cases."""
    return World(world.clock, world.cases, calendars=AFTER)


def test_open_clocks_follow_the_newer_calendar_and_say_so(world: World, case: Any) -> None:
    """Guards the date and the audit: old and new due, old and new version, one entry a clock."""
    newer = replica(world)
    assert not newer.recompute()
    again = world.case(case.id)
    assert clock(again, "close").due_at == beijing("2025-03-12 00:00")
    by_clock = {entry.data["clock"]: entry.data for entry in entries(again, "clock_recomputed")}
    assert set(by_clock) == {"first_contact", "close"}
    assert by_clock["close"] == {
        "case_id": case.id,
        "clock": "close",
        "due_from": timestamp(beijing("2025-03-11 00:00")),
        "due_to": timestamp(beijing("2025-03-12 00:00")),
        "provisional": False,
        "version_from": BEFORE.by_name("cn").version,
        "version_to": AFTER.by_name("cn").version,
        "breached": False,
    }
    # A clock in plain hours is due when it was; that it was looked at is known all the same.
    assert by_clock["first_contact"]["due_from"] == by_clock["first_contact"]["due_to"]
    assert again.history.verify() == []
    assert again.next_due == clock(again, "first_contact").next_at


def test_what_has_been_computed_again_is_left_alone_by_every_other_replica(world: World, case: Any) -> None:
    """Guards that replicas of the same version neither repeat each other nor themselves."""
    first, second = replica(world), replica(world)
    world.cases.between["save"] = second.recompute
    first.recompute()
    world.clock.advance(EVERY)
    for each in (first, second):
        each.recompute()
    assert len(entries(world.case(case.id), "clock_recomputed")) == 2


def test_a_process_that_has_run_for_long_does_not_take_clocks_back(world: World, case: Any) -> None:
    """Guards against two versions side by side undoing each other's work: while one takes over, the older rests."""
    older = World(world.clock, world.cases)
    older.recompute()
    world.clock.advance(WATCH + EVERY)
    older.recompute()
    newer = replica(world)
    newer.recompute()
    for _ in range(5):
        world.clock.advance(EVERY)
        older.recompute()
        newer.recompute()
    assert len(entries(world.case(case.id), "clock_recomputed")) == 2
    assert clock(world.case(case.id), "close").calendar_version == AFTER.by_name("cn").version


def test_a_case_opened_by_an_older_process_after_the_newer_started_is_found_too(world: World) -> None:
    """Guards the minutes in which one replica takes over from another."""
    world.at("2025-03-05 10:00")
    newer = replica(world)
    newer.recompute()
    case = world.accept(world.open())
    newer.recompute()
    assert entries(world.case(case.id), "clock_recomputed") == [], "it looks once a minute, not at every tick"
    world.clock.advance(EVERY)
    newer.recompute()
    assert clock(world.case(case.id), "close").due_at == beijing("2025-03-12 00:00")


def test_closed_cases_and_ended_clocks_stay_as_they_were(world: World, case: Any) -> None:
    """Guards what was decided and reported under the old calendar."""
    world.do("attempt_contact", case, outcome="reached")
    met = clock(world.case(case.id), "first_contact")
    other = world.answer(world.accept(world.open(contact="ct_2", problem="other")))
    world.call_back(called_back(other, satisfied=True))
    closed = world.cases.documents[other.id]
    replica(world).recompute()
    assert world.cases.documents[other.id] is closed
    assert world.case(other.id).state is CaseState.CLOSED
    assert clock(world.case(case.id), "first_contact") == met
    assert [entry.data["clock"] for entry in entries(world.case(case.id), "clock_recomputed")] == ["close"]


def test_a_breach_that_was_told_stays_one_and_is_noted(world: World, case: Any) -> None:
    """Guards the figures: late by the calendar of the day it was late on; the case shows the date that holds now."""
    world.do("attempt_contact", case, outcome="reached")
    world.at("2025-03-11 09:00")
    world.tick()
    replica(world).recompute()
    again = world.case(case.id)
    close = clock(again, "close")
    assert (close.state, close.due_at) == (State.BREACHED, beijing("2025-03-12 00:00"))
    assert entries(again, "clock_recomputed")[-1].data["breached"] is True
    assert again.overdue
    world.at("2025-03-12 00:00")
    replica(world).tick()
    assert len(entries(world.case(case.id), "clock_breached")) == 1


def test_a_clock_that_is_resumed_before_the_replica_comes_round_to_it_is_computed_again_at_once(
    world: World, case: Any
) -> None:
    """Guards that no clock runs on under two calendars: resuming uses the newer one and says so."""
    world.do("pause_clocks", case, roles={"staff", "manager"}, reason="customer_away")
    newer = replica(world)
    newer.do("resume_clocks", case, roles={"staff", "manager"})
    again = world.case(case.id)
    assert types(again)[-2:] == ["clock_recomputed", "clock_resumed"]
    assert clock(again, "close").due_at == beijing("2025-03-12 00:00")


def test_many_cases_are_taken_in_rounds_and_told_in_digests(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards that a new notice is neither one endless write nor a storm of messages."""
    monkeypatch.setattr(recomputing, "AT_ONCE", 150)
    world.at("2025-03-05 10:00")
    world.take(*(routed(contact=f"ct_{n}", problem=f"p-{n}") for n in range(DIGEST_ABOVE + 100)))
    newer = replica(world)
    assert newer.recompute()
    assert not newer.recompute()
    recorded = [entries(case, "clock_recomputed") for case in world.cases.all()]
    assert all(len(each) == 1 for each in recorded)
    assert sorted({each[0].digested for each in recorded}) == [False, True]
    assert sum(each[0].digested for each in recorded) == 150


def test_an_organisation_that_is_gone_holds_up_nobody(world: World, case: Any) -> None:
    """Guards the others' clocks against cases that nothing can be reckoned for any more."""
    document = world.cases.documents[case.id]
    document["org"], document["open_calendars"] = "gone", [f"gone/{BEFORE.by_name('cn').version}"]
    other = world.open(RETAIL, contact="ct_2")
    newer = replica(world)
    newer.recompute()
    assert len(entries(world.case(other.id), "clock_recomputed")) == 1
    assert world.case(case.id).history.next_seq == case.history.next_seq
    newer.clock.advance(timedelta(minutes=2))
    assert not newer.recompute()


def test_with_nothing_behind_nothing_is_written(world: World, case: Any) -> None:
    """Guards the usual day: a process that starts with the calendar everything was computed with."""
    before = world.cases.documents[case.id]
    same = World(world.clock, world.cases)
    assert not same.recompute()
    assert world.cases.documents[case.id] is before
    assert world.cases.get(case.id, PLAZA) is not None
