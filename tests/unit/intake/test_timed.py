"""What everything in intake that has clocks promises, shown on a kind of thing made for the purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from shared.clock import FixedClock
from shared.clocks import Authority, State
from shared.history import Cause
from shared.ids import CountingIds
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.outbox import Unsent
from shared.regulations.values import Sourced
from shared.ticking import FireClocks
from shared.timed import Timed
from shared.worktime import Duration
from shared.worktime.calendars import Calendars
from tests.memory import memory_runtime

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CALENDAR = Calendars().by_name("cn")
CAUSE = Cause("m-1", "u-1")
HOUR = Sourced(Duration(1, "hours"), "B-JKC-48")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the thing, of every type there is."""

    amount: Decimal
    day: date
    at: datetime | None
    words: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Thing(Timed):
    """Something that has a clock, and something to say when it runs out."""

    subject: ClassVar[str] = "thing"
    parts: list[Part] = field(default_factory=list)
    note: Any = None

    def after_firing(self, firing: Any, now: datetime, cause: Cause) -> None:
        del now, cause
        self.note = firing.label


def thing(cause: Cause = CAUSE) -> Thing:
    made = Thing(id="th_1", org="plaza-demo", regulation="x:1")
    made.begin_clock("return", HOUR, CALENDAR, MONDAY, cause)
    return made


def kinds(made: Thing) -> list[str]:
    return [entry.type for entry in made.history]


def test_a_clock_met_in_time_says_so_and_one_met_late_is_breached_first() -> None:
    """Promise: whether something was late does not depend on how fast the timer is."""
    prompt, late = thing(), thing()
    assert prompt.meet_clock("return", MONDAY + timedelta(minutes=59), CAUSE) is True
    assert late.meet_clock("return", MONDAY + timedelta(minutes=60), CAUSE) is False
    assert kinds(prompt) == ["clock_started", "clock_met"]
    assert kinds(late) == ["clock_started", "clock_breached", "clock_met"]
    assert late.note == "breached"
    assert late.meet_clock("return", MONDAY, CAUSE) is None


def test_a_clock_that_is_no_longer_asked_for_never_fires() -> None:
    """Promise: nobody is called about something that was given up; what was late before stays late."""
    given_up = thing()
    given_up.drop_clocks(MONDAY, CAUSE)
    assert given_up.fire_clocks(MONDAY + timedelta(days=1), CAUSE) == ()
    assert (given_up.due_at, given_up.next_due, given_up.overdue) == (None, None, False)
    late = thing()
    late.fire_clocks(MONDAY + timedelta(hours=1), CAUSE)
    assert late.overdue
    late.drop_clocks(MONDAY + timedelta(hours=2), CAUSE)
    assert late.deadlines[0].state is State.BREACHED


def test_a_clock_begun_again_takes_the_place_of_the_one_before() -> None:
    """Promise: of one promise at most one clock runs."""
    again = thing()
    again.begin_clock("return", HOUR, CALENDAR, MONDAY + timedelta(minutes=30), CAUSE)
    assert [deadline.state for deadline in again.deadlines] == [State.SUPERSEDED, State.RUNNING]
    assert again.due_at == MONDAY + timedelta(minutes=90)


def test_a_clock_may_end_at_an_instant_whatever_time_is_worked_until_then() -> None:
    """Promise: an appointment is at its hour, to the second, on holidays too."""
    appointed = thing()
    at = MONDAY + timedelta(days=5, hours=3, seconds=17)
    begun = appointed.begin_clock_until("visit", at, CALENDAR, MONDAY, CAUSE, source="B-PRO-06")
    assert begun.due_at == at
    past = appointed.begin_clock_until(
        "visit", MONDAY - timedelta(hours=1), CALENDAR, MONDAY, CAUSE, source="B-PRO-06"
    )
    assert past.due_at == MONDAY - timedelta(hours=1)


def test_a_clock_is_given_more_time_on_somebodys_authority() -> None:
    """Promise: the event says from when to when, why, and by whom."""
    longer = thing()
    longer.extend_clock("return", 3, Authority("parts", "u-2", "supervisor"), CALENDAR, MONDAY, CAUSE)
    assert longer.due_at == MONDAY + timedelta(hours=3)
    data = list(longer.history)[-1].data
    assert (data["reason"], data["by"], data["role"]) == ("parts", "u-2", "supervisor")
    assert (data["due_from"], data["due_at"]) == ("2026-03-02T02:00:00.000Z", "2026-03-02T04:00:00.000Z")


def test_what_is_written_is_read_back_as_it_was_and_found_by_its_clocks() -> None:
    """Promise: sums, days and instants survive the database to the last digit."""
    clock, published = FixedClock(MONDAY), list[Unsent]()
    runtime = memory_runtime(clock, CountingIds(), sink=published.extend)
    documents = Documents(Thing)
    kept = Kept(runtime, "things", documents.to, documents.of)
    kept.store.ensure_indexes(list(TIMED_INDEXES))
    made = thing()
    made.parts = [
        Part(Decimal("12.30"), date(2026, 3, 2), None, ("a", "b")),
        Part(Decimal(0), date(2026, 3, 3), MONDAY),
    ]
    assert kept.insert(made)
    assert not kept.insert(thing(Cause("m-2", "u-2")))
    read = kept.get("th_1", "plaza-demo")
    assert read is not None
    assert read.parts == made.parts
    assert str(read.parts[0].amount) == "12.30"
    assert read.deadlines == made.deadlines
    assert kept.get("th_1", "retail-demo") is None
    assert kept.due(MONDAY, 10) == []
    clock.advance(timedelta(hours=1))
    assert [found.id for found in kept.due(clock.now(), 10)] == ["th_1"]
    assert kept.behind(["plaza-demo/another"], 10)[0].id == "th_1"
    assert kept.behind([f"plaza-demo/{CALENDAR.version}"], 10) == []
    FireClocks([kept], clock, CountingIds(), digest_above=100)()
    assert [unsent.entry.type for unsent in published] == ["clock_started", "clock_breached"]
    again = kept.get("th_1", "plaza-demo")
    assert again is not None
    assert (again.note, again.overdue, again.next_due) == ("breached", True, None)
    assert kept.store.find("th_1")["overdue"] is True  # type: ignore[index]
