"""What matters add to the figures of their days: taken over exactly once, whoever dies, and the same when recounted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.counts_kept import CountsKept
from services.reporting.domain.counting.cells import Cell, exact
from services.reporting.domain.counting.matters import COUNTED_KINDS
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.generations_kept import Generations
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.counting import Absorb, Count, ReadSums, Source
from services.reporting.handlers.rebuilding import Rebuild
from services.reporting.handlers.recounting import Recount
from shared.clock import FixedClock
from shared.history import timestamp
from shared.ids import TimeOrderedIds
from shared.metrics import REGISTRY
from shared.regulations import Rulebooks
from tests.memory import memory_runtime
from tests.unit.reporting.counts_memory import Asked, CountsMemory, GenerationsMemory, Killed
from tests.unit.reporting.memory import Memory
from tests.unit.reporting.stories import DUE, ORG, START, Story, delivery
from tests.unit.reporting.strategies import arrivals, lives

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
NOBODY = {"role": None, "staff": None, "unit": None}
HOLDER = {"role": None, "staff": "u-1001", "unit": "repairs"}
Sums = dict[str, dict[Cell, dict[str, Decimal]]]


def request(number: int = 1, *, org: str = ORG, kind: str = "repair") -> Story:
    """Return the story of a request, opened."""
    story = Story(f"rq_{number}", org)
    return story.tell(
        "intake",
        "request_opened",
        f"rq_{number}",
        {
            "request_id": f"rq_{number}",
            "kind": kind,
            "contact_id": f"ct_{number}",
            "channel": "phone",
            "level": None,
            "area": None,
            "owner": NOBODY,
            "first_responsible": HOLDER,
        },
    )


def of_request(story: Story, kind: str, **data: Any) -> Story:
    """Let ``kind`` happen to the request of ``story``."""
    return story.tell("intake", kind, story.case_id, {"request_id": story.case_id, **data})


def callback(number: int = 1, outcome: str | None = None) -> Story:
    """Return the story of a callback on a request, made with ``outcome`` if one is given."""
    mine = {"callback_id": f"cb_{number}", "case_id": None, "about": "request"}
    story = Story(f"cb_{number}").tell(
        "followup",
        "callback_scheduled",
        f"cb_{number}",
        mine | {"rule": "service", "due_at": timestamp(DUE), "round": 1},
    )
    if outcome:
        made = {"by": "u-2001", "on_time": True, "outcome": outcome, "completed_at": timestamp(DUE)}
        story.tell("followup", "callback_completed", f"cb_{number}", mine | made)
    return story


def record(number: int = 1, **values: object) -> Story:
    """Return the story of a form, opened."""
    data = {
        "register": "training",
        "record_id": f"rd_{number}",
        "number": None,
        "state": "held",
        "values": [{"field": name, "value": value} for name, value in values.items()],
        "flags": [],
    }
    return Story(f"rd_{number}").tell("followup", "record_opened", f"rd_{number}", data)


def read(counts: Source, org: str = ORG) -> Sums:
    """Return everything counted of an organisation."""
    return {kind: ReadSums(counts)(org, kind, "2000-01-01", "2099-12-31") for kind in COUNTED_KINDS}


_CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("request_passed_on", {"change": "accepted"}),
    ("request_repeated", {"contact_id": "ct_9"}),
    ("request_closed", {"on_time": True}),
    ("request_closed", {"on_time": False}),
]


@st.composite
def histories(draw: st.DrawFn) -> list[ArchivedEvent]:
    """Draw lives of a case, a request, a callback and a form."""
    asked = request()
    for kind, data in draw(st.lists(st.sampled_from(_CHANGES), max_size=4)):
        of_request(asked, kind, **data)
    form = record(1, hours="1.5", passed=True)
    if draw(st.booleans()):
        form.tell(
            "followup",
            "record_corrected",
            "rd_1",
            {
                "register": "training",
                "record_id": "rd_1",
                "fields": ["hours"],
                "flags": [],
                "values": [{"field": "hours", "value": "2.25"}],
            },
        )
    return [*draw(lives()), *asked.events, *callback(1, "satisfied").events, *form.events]


@given(st.data())
@settings(max_examples=60)
def test_whoever_dies_between_whichever_writes_the_figures_are_those_of_a_full_recount(
    rulebooks: Rulebooks[ReportingRules], data: st.DataObject
) -> None:
    """Promise: incremental equals recomputed, for every order, repetition, batching and every kill."""
    events = data.draw(histories())
    counts, memory = CountsMemory(), Memory()
    absorb, recount = Absorb(counts), Recount(memory, rulebooks, Count(counts))
    archive = ArchiveEvents(memory, FixedClock(NOW), recount=recount)
    for batch in data.draw(arrivals(events)):
        for source in sorted({event.source for event in batch}):
            mine = [delivery(event) for event in batch if event.source == source]
            _until_done(data, counts, partial(archive, source, mine))
        if data.draw(st.booleans()):
            with suppress(Killed):
                counts.lives = data.draw(st.integers(0, 12))
                absorb()
            counts.lives = None
    seen = read(counts)
    while counts.open:
        absorb()
    assert read(counts) == seen
    # Steps taken into a sum are closed, though whoever died may not have said so of the sum.
    assert not {step for sums in counts.cells.values() for step in sums.taking} & counts.open
    assert read(rebuilt(memory, rulebooks)) == seen


def rebuilt(memory: Memory, rulebooks: Rulebooks[ReportingRules]) -> CountsMemory:
    """Return the counts that a rebuild of the archive puts in force."""
    generations, clock = GenerationsMemory(), FixedClock(NOW)
    rebuild = Rebuild(memory, generations, count_into(memory, rulebooks), clock, "p-1")
    rebuild.begin(Asked("k-1"))
    _finish(rebuild, clock)
    return generations.now()


def count_into(memory: Memory, rulebooks: Rulebooks[ReportingRules]) -> Any:
    """Return what counts events into a generation."""
    return lambda counts, events, cases: Recount(memory, rulebooks, Count(counts))(events, cases)


def _finish(rebuild: Rebuild, clock: FixedClock) -> None:
    for _ in range(200):
        if not rebuild():
            standing = rebuild.standing()
            assert standing is not None
            if standing["state"] == "done":
                return
            clock.advance(timedelta(minutes=3))
    raise AssertionError("the rebuild does not come to its end")


@given(st.data())
@settings(max_examples=40)
def test_a_rebuild_in_the_middle_of_everything_ends_with_the_figures_of_all_that_came(
    rulebooks: Rulebooks[ReportingRules], data: st.DataObject
) -> None:
    """Promise: events that come before, between and after its parts, on processes that learn late or die, all count.

    Until the new figures are whole the old ones are in force and right.
    """
    events = data.draw(histories())
    memory, generations, clock = Memory(), GenerationsMemory(), FixedClock(NOW)
    into = count_into(memory, rulebooks)
    live = ArchiveEvents(memory, clock, recount=Recount(memory, rulebooks, Count(generations)))
    # A process that has not yet learned which generation is in force.
    late = ArchiveEvents(memory, clock, recount=Recount(memory, rulebooks, Count(generations.of(0))))
    rebuilds = [Rebuild(memory, generations, into, clock, owner) for owner in ("p-1", "p-2")]
    begun = False
    for batch in data.draw(arrivals(events)):
        for source in sorted({event.source for event in batch}):
            mine = [delivery(event) for event in batch if event.source == source]
            (late if generations.stale(clock.now()) and data.draw(st.booleans()) else live)(source, mine)
        if data.draw(st.booleans()) and not begun:
            rebuilds[0].begin(Asked("k-1"))
            begun = True
        for _ in range(data.draw(st.integers(0, 3))):
            rebuild = data.draw(st.sampled_from(rebuilds))
            generations.lives = data.draw(st.one_of(st.none(), st.integers(0, 1)))
            with suppress(Killed):
                rebuild()
            generations.lives = None
            if data.draw(st.booleans()):
                clock.advance(timedelta(seconds=50))
    if not begun:
        rebuilds[0].begin(Asked("k-1"))
    clock.advance(timedelta(minutes=3))
    _finish(rebuilds[1], clock)
    afresh = CountsMemory()
    Recount(memory, rulebooks, Count(afresh))(list(memory.events.values()), list(memory.cases.values()))
    assert read(generations.now()) == read(afresh)


def test_a_rebuild_that_is_under_way_goes_on_when_another_is_asked_for(
    rulebooks: Rulebooks[ReportingRules],
) -> None:
    """Promise: a repeat gets its answer, there is one rebuild at a time, and one process at a time goes on with it."""
    memory, generations, clock = Memory(), GenerationsMemory(), FixedClock(NOW)
    into = count_into(memory, rulebooks)
    first, second = (Rebuild(memory, generations, into, clock, owner) for owner in ("p-1", "p-2"))
    assert first.standing() is None
    begun = first.begin(Asked("k-1"))
    assert second.begin(Asked("k-2")) == begun
    assert first() is True
    assert second() is False
    _finish(first, clock)
    ended = first.begin(Asked("k-1"))
    assert ended["state"] == "done"
    assert first.begin(Asked("k-3"))["state"] == "counting"


def _until_done(data: st.DataObject, counts: CountsMemory, work: Callable[[], None]) -> None:
    """Do ``work``, killed at a drawn write, and again until it is done, as deliveries come again."""
    counts.lives = data.draw(st.one_of(st.none(), st.integers(0, 6)))
    try:
        work()
    except Killed:
        work()
    counts.lives = None


def test_two_who_count_and_absorb_at_once_count_nothing_twice(rulebooks: Rulebooks[ReportingRules]) -> None:
    """Promise: a replica that stood still between reading and writing spoils no sum."""
    counts, memory = CountsMemory(), Memory()
    recount = Recount(memory, rulebooks, Count(counts))
    archive = ArchiveEvents(memory, FixedClock(NOW), recount=recount)
    archive("intake", [delivery(event) for event in request().events])
    stale = dict(counts.steps)
    Absorb(counts)()
    counts.add_steps([*stale.values()])
    slow_sums, slow_steps = counts.sums([*counts.cells]), [*stale.values()]
    closed = of_request(request(), "request_closed", on_time=True)
    archive("intake", [delivery(event) for event in closed.events])
    Absorb(counts)()
    for cell, sums in slow_sums.items():
        counts.absorb([(sums.turn, sums)])
        assert counts.cells[cell].turn == sums.turn + 1
    assert slow_steps
    (amounts,) = read(counts)["requests"].values()
    assert amounts["opened"] == amounts["done"] == amounts["first_contact"] == 1


def test_the_database_keeps_the_promises_of_the_memory(rulebooks: Rulebooks[ReportingRules]) -> None:
    """Promise: what the property proves of the steps and sums in memory holds for those in the database."""
    kept = CountsKept(memory_runtime(FixedClock(NOW), TimeOrderedIds()))
    kept.ensure_indexes()
    counts, memory = CountsMemory(), Memory()
    story = of_request(request(), "request_closed", on_time=False)
    every = [story.events, Story().opened().accepted().replied().events, record(1, hours="1.25").events]
    for batch in [*every, *every]:
        for store in (counts, kept):
            archive = ArchiveEvents(memory, FixedClock(NOW), recount=Recount(memory, rulebooks, Count(store)))
            archive(batch[0].source, [delivery(event) for event in batch])
        Absorb(counts)()
        assert read(kept) == read(counts)
    while Absorb(kept)() or kept.open_steps(1):
        pass
    assert read(kept) == read(counts)
    (behind,) = kept.matters_within(ORG, "records", "2026-11-01", "2026-11-30", "", 10)
    assert behind == counts.matters["records:rd_1"].counted
    kept.drop()
    assert not any(read(kept).values())


def test_requests_count_what_was_done_in_time_passed_around_and_solved_by_the_first_contact(
    rulebooks: Rulebooks[ReportingRules],
) -> None:
    """Promise: a need or repair is counted on the day it was opened, by kind, unit and first responsible."""
    counts, memory = CountsMemory(), Memory()
    archive = ArchiveEvents(memory, FixedClock(NOW), recount=Recount(memory, rulebooks, Count(counts)))
    passed = of_request(request(2), "request_passed_on", change="accepted")
    stories = [
        of_request(request(1), "request_closed", on_time=True),
        of_request(passed, "request_closed", on_time=False),
        request(3),
    ]
    archive("intake", [delivery(event) for story in stories for event in story.events])
    ((cell, sums),) = read(counts)["requests"].items()
    assert (cell.day, cell.category, cell.unit, cell.person) == ("2026-11-10", "repair", "repairs", "u-1001")
    assert {name: int(amount) for name, amount in sums.items() if name != "minutes"} == {
        "opened": 3,
        "done": 2,
        "done_on_time": 1,
        "first_contact": 1,
        "passed": 1,
        "passes": 1,
    }


def test_an_event_of_an_organisation_nobody_knows_is_archived_and_counts_nowhere(
    rulebooks: Rulebooks[ReportingRules],
) -> None:
    """Promise: what an organisation that left still sends stops nothing and shows in nobody's figures."""
    counts, memory = CountsMemory(), Memory()
    archive = ArchiveEvents(memory, FixedClock(NOW), recount=Recount(memory, rulebooks, Count(counts)))
    batch = [delivery(event) for event in (*request(1, org="gone").events, *request(2).events)]
    archive("intake", batch)
    assert [each.outcome for each in batch] == ["done", "done"]
    assert len(memory.events) == 2
    assert [kept.counted.org for kept in counts.matters.values()] == [ORG]


def test_what_is_told_a_month_late_changes_the_day_it_belongs_to(
    rulebooks: Rulebooks[ReportingRules],
) -> None:
    """Promise: the past is changed exactly where it was, not where the news of it arrived."""
    counts, memory = CountsMemory(), Memory()
    archive = ArchiveEvents(
        memory, FixedClock(NOW + timedelta(days=40)), recount=Recount(memory, rulebooks, Count(counts))
    )
    story = of_request(request(), "request_closed", on_time=True)
    archive("intake", [delivery(story.events[1])])
    assert not read(counts)["requests"]
    archive("intake", [delivery(story.events[0])])
    ((cell, sums),) = read(counts)["requests"].items()
    assert cell.day == START.date().isoformat()
    assert int(sums["done"]) == 1


@pytest.mark.parametrize(
    ("written", "added"), [("1.5", "1.5"), (3, "3"), ("0.00005", "0"), ("-2.00015", "-2.0002")]
)
def test_amounts_are_added_with_four_places_half_to_even(written: str | int, added: str) -> None:
    """Promise: no amount is a float, and money keeps every place it has."""
    assert exact(written) == Decimal(added)


def test_what_cannot_be_read_counts_nowhere_and_stops_nothing(rulebooks: Rulebooks[ReportingRules]) -> None:
    """Promise: an event of a version to come is archived, what comes with it is counted, and it is told of itself."""
    counts, memory = CountsMemory(), Memory()
    archive = ArchiveEvents(memory, FixedClock(NOW), recount=Recount(memory, rulebooks, Count(counts)))
    strange = Story("rq_9").tell("intake", "request_opened", "rq_9", {"request_id": "rq_9", "sort": "repair"})
    before = REGISTRY.get_sample_value("kefu_matters_uncounted_total", {"kind": "requests"}) or 0
    batch = [delivery(event) for event in (*strange.events, *request(2).events)]
    archive("intake", batch)
    assert [each.outcome for each in batch] == ["done", "done"]
    assert len(memory.events) == 2
    assert [*counts.matters] == ["requests:rq_2"]
    assert REGISTRY.get_sample_value("kefu_matters_uncounted_total", {"kind": "requests"}) == before + 1


def test_the_database_keeps_how_far_a_rebuild_has_come(rulebooks: Rulebooks[ReportingRules]) -> None:
    """Promise: over the real stores too, a rebuild ends with the same figures in new collections, the old ones gone."""
    clock = FixedClock(NOW)
    runtime = memory_runtime(clock, TimeOrderedIds())
    generations, memory = Generations(runtime), Memory()
    archive = ArchiveEvents(memory, clock, recount=Recount(memory, rulebooks, Count(generations)))
    story = of_request(request(), "request_closed", on_time=True)
    archive("intake", [delivery(event) for event in story.events])
    before = read(generations)
    rebuilds = [
        Rebuild(memory, generations, count_into(memory, rulebooks), clock, owner) for owner in ("p-1", "p-2")
    ]
    rebuilds[0].begin(Asked("k-1"))
    assert rebuilds[1].begin(Asked("k-2"))["state"] == "counting"
    assert rebuilds[0]() is True
    assert rebuilds[1]() is False
    assert read(generations) == before
    _finish(rebuilds[0], clock)
    assert read(generations) == read(generations.of(1)) == before
    assert any(before.values())
    assert runtime.database["counted"].count_documents({}) == 0
