"""The archive takes what arrives, in whatever order and however often, and the figures follow."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.figures import Figures
from services.reporting.settings import EVENTS_AT_ONCE
from shared.clock import FixedClock
from shared.errors import Unavailable
from shared.regulations import Rulebooks
from tests.unit.reporting.kpi_world import counting
from tests.unit.reporting.memory import Memory
from tests.unit.reporting.stories import ORG, START, FakeDelivery, Story, contact, delivery, digest
from tests.unit.reporting.strategies import arrivals, lives

NOVEMBER = Month(2026, 11)
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def take(archive: ArchiveEvents, events: list[ArchivedEvent]) -> list[FakeDelivery]:
    """Hand a batch over as its queues would: each source by itself."""
    taken = []
    for source in sorted({event.source for event in events}):
        batch = [delivery(event) for event in events if event.source == source]
        archive(source, batch)
        taken += batch
    return taken


@given(st.data())
def test_any_order_repetition_and_batching_of_events_gives_the_same_facts_and_key_figures(
    rulebooks: Rulebooks[ReportingRules], data: st.DataObject
) -> None:
    """Promise: transport may repeat and reorder; cases, statistics and key figures do not show it."""
    events = [event for case_id in ("cs_1", "cs_2") for event in data.draw(lives(case_id))]
    (straight, told, before), (jumbled, archive, after) = (counting(rulebooks, NOW) for _ in range(2))
    take(told, events)
    for batch in data.draw(arrivals(events)):
        take(archive, batch)
    assert jumbled.events == straight.events
    assert jumbled.cases == straight.cases
    assert before.of_month(ORG, NOVEMBER) == after.of_month(ORG, NOVEMBER)


@given(st.data())
def test_digests_and_single_events_mixed_in_any_order_and_repetition_give_the_same_facts(
    rulebooks: Rulebooks[ReportingRules], data: st.DataObject
) -> None:
    """Promise: how many events one message carries shows nowhere; a storm counts like its drops."""
    events = [event for case_id in ("cs_1", "cs_2") for event in data.draw(lives(case_id))]
    (straight, told, before), (jumbled, archive, after) = (counting(rulebooks, NOW) for _ in range(2))
    take(told, events)
    for batch in data.draw(arrivals(events)):
        for source in sorted({event.source for event in batch}):
            archive(source, data.draw(messages([event for event in batch if event.source == source])))
    assert jumbled.events == straight.events
    assert jumbled.cases == straight.cases
    assert before.of_month(ORG, NOVEMBER) == after.of_month(ORG, NOVEMBER)


@st.composite
def messages(draw: st.DrawFn, events: list[ArchivedEvent]) -> list[FakeDelivery]:
    """Draw a way to send ``events``: one by one, in digests, or some in both."""
    made = [delivery(event) for event in events if draw(st.booleans())]
    alone = {each.body for each in made}
    left = [event for event in events if delivery(event).body not in alone or draw(st.booleans())]
    while left:
        size = draw(st.integers(1, len(left)))
        made.append(digest(left[:size]))
        left = left[size:]
    return draw(st.permutations(made))


def test_an_event_of_a_digest_is_archived_under_its_own_id_and_the_digest_itself_is_not(
    archive: ArchiveEvents, memory: Memory, figures: Figures
) -> None:
    """Promise: the archive holds what happened, once, however it was sent; a digest is only its envelope."""
    events = Story().opened().breached().events
    archive("complaints", [delivery(events[0])])
    late = digest(events)
    archive("complaints", [late])
    again = [digest(events), delivery(events[1])]
    archive("complaints", again)
    assert [each.outcome for each in (late, *again)] == ["done", "duplicate", "duplicate"]
    assert list(memory.events) == [event.key for event in events]
    assert [row["type"] for row in figures.archived(ORG, "cs_1", 10, 0)] == ["case_opened", "clock_breached"]
    assert memory.cases["cs_1"].late


def test_a_digest_with_one_malformed_event_is_dead_lettered_whole_and_says_which(
    archive: ArchiveEvents, memory: Memory
) -> None:
    """Promise: nobody has to guess which of hundreds was wrong, and a mended one can be replayed whole."""
    good, bad = Story().opened().breached().events
    broken = digest([good, replace(bad, data={"case_id": "cs_1"})])
    other = digest(Story("cs_2").opened().events)
    archive("complaints", [broken, other])
    assert broken.outcome == "dead"
    assert "data.events.1.data.clock" in (broken.reason or "")
    assert other.outcome == "done"
    assert list(memory.cases) == ["cs_2"]


def test_a_batch_of_digests_is_taken_in_parts_of_bounded_size(archive: ArchiveEvents, memory: Memory) -> None:
    """Promise: a hundred thousand firings in one batch of messages do not fill the memory at one blow."""
    stories = [Story(f"cs_{number}").opened() for number in range(2 * EVENTS_AT_ONCE + 1)]
    events = [story.events[0] for story in stories]
    archive("complaints", [digest(events[:EVENTS_AT_ONCE]), digest(events[EVENTS_AT_ONCE:])])
    assert len(memory.events) == len(memory.cases) == 2 * EVENTS_AT_ONCE + 1
    assert memory.largest == EVENTS_AT_ONCE


@given(st.data())
def test_of_two_replicas_at_work_on_one_case_the_one_that_saw_more_stays(data: st.DataObject) -> None:
    """Promise: a slow replica never overwrites a fact with one computed from fewer events."""
    events = data.draw(lives())
    part = data.draw(st.lists(st.sampled_from(events), unique_by=lambda event: event.key, min_size=1))
    memory = Memory()
    slow, quick = ArchiveEvents(memory, FixedClock(NOW)), ArchiveEvents(memory, FixedClock(NOW))

    def overtake() -> None:
        take(quick, events)

    memory.meanwhile = overtake
    take(slow, part)
    if memory.meanwhile is not None:  # nothing in the part concerned a figure, so nobody read
        overtake()
    alone = Memory()
    take(ArchiveEvents(alone, FixedClock(NOW)), events)
    assert memory.cases == alone.cases


def test_a_repeat_of_the_same_event_is_archived_once_and_counted_as_duplicate(
    archive: ArchiveEvents, memory: Memory
) -> None:
    """Promise: the archive holds every event exactly once, within a batch and across batches."""
    (event,) = Story().opened().events
    within = [delivery(event), delivery(event)]
    archive("complaints", within)
    later = delivery(event)
    archive("complaints", [later])
    assert [d.outcome for d in (*within, later)] == ["done", "duplicate", "duplicate"]
    assert list(memory.events) == ["/kefu/complaints#cs_1.1"]


def test_a_stop_between_archive_and_facts_is_healed_by_the_next_delivery(
    archive: ArchiveEvents, memory: Memory, figures: Figures
) -> None:
    """Promise: an event whose effect was interrupted takes effect when it is delivered again."""
    batch = [delivery(event) for event in Story().opened().accepted().events]
    memory.failures = 1
    with pytest.raises(Unavailable):
        archive("complaints", batch)
    assert memory.events
    assert not memory.cases
    archive("complaints", batch)
    assert figures.statistics(ORG, NOVEMBER)["cases"]["valid"] == 1


def test_a_batch_of_two_hundred_events_takes_no_more_calls_than_a_batch_of_one(
    archive: ArchiveEvents, memory: Memory
) -> None:
    """Promise: the cost of a batch does not grow by a round trip for each event."""
    take(archive, Story("cs_0").opened().events)
    for_one, memory.calls = memory.calls, 0
    stories = [Story(f"cs_{number}").opened().accepted() for number in range(1, 101)]
    take(archive, [event for story in stories for event in story.events])
    assert len(memory.cases) == 101
    assert memory.calls == for_one


def test_events_of_unknown_types_are_archived_and_change_no_figure(
    archive: ArchiveEvents, memory: Memory
) -> None:
    """Promise: the archive is complete, whatever later versions of the services publish."""
    (taken,) = take(archive, Story().case("case_admired", stars=5).events)
    assert taken.outcome == "done"
    assert [event.type for event in memory.events.values()] == ["case_admired"]
    assert not memory.cases


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"source": "/kefu/followup"}, "source"),
        ({"subject": None}, "subject"),
        ({"sequence": None}, "sequence"),
        ({"time": None}, "time"),
        ({"sequence": "first"}, "sequence"),
        ({"data": {"case_id": "cs_1"}}, "data.level"),
        ({"data": []}, "data"),
        ({"org": ""}, "org"),
        ({"specversion": "0.3"}, "specversion"),
    ],
)
def test_an_event_that_breaks_its_contract_is_dead_lettered_with_the_field_and_never_archived(
    archive: ArchiveEvents, memory: Memory, changed: dict[str, Any], named: str
) -> None:
    """Promise: nothing malformed enters the archive, where it would spoil its case for ever."""
    bad = delivery(Story().opened().events[0], **changed)
    good = delivery(Story("cs_2").opened().events[0])
    archive("complaints", [bad, good])
    assert bad.outcome == "dead"
    assert named in (bad.reason or "")
    assert good.outcome == "done"
    assert list(memory.cases) == ["cs_2"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/cloudevents+json"),
        (b"[]", "application/cloudevents+json"),
        (json.dumps({}).encode(), "text/plain"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_a_body_that_is_no_json_event_is_dead_lettered(
    archive: ArchiveEvents, memory: Memory, body: bytes, content_type: str
) -> None:
    """Promise: garbage is put aside with its reason and stops nothing."""
    garbage = FakeDelivery(body, content_type)
    archive("complaints", [garbage])
    assert garbage.outcome == "dead"
    assert (garbage.reason or "").startswith("Undecodable")
    assert not memory.events


def test_contacts_are_counted_once_by_category_and_channel(archive: ArchiveEvents, figures: Figures) -> None:
    """Promise: the contacts in the table are the contacts registered, however often the news came."""
    events = [
        *contact(1, START).events,
        *contact(2, START, category="complaint").events,
        *contact(3, START, category="complaint", channel="app").events,
    ]
    take(archive, events + events)
    take(archive, events)
    assert figures.statistics(ORG, NOVEMBER)["contacts"] == {
        "total": 3,
        "by_category": [{"category": "complaint", "count": 2}, {"category": "enquiry", "count": 1}],
        "by_channel": [{"channel": "phone", "count": 2}, {"channel": "app", "count": 1}],
    }


def test_rejected_events_are_counted_for_the_organisation_they_claim_and_for_no_other(
    archive: ArchiveEvents, figures: Figures
) -> None:
    """Promise: what was refused shows in the table of its own organisation only, once."""
    for number, org in enumerate((ORG, ORG, "-", "retail-demo")):
        story = Story(org=org).tell(
            "intake", "contact_rejected", f"rj_{number}", {"rejected_id": f"rj_{number}", "reasons": []}
        )
        take(archive, story.events * 2)
    assert figures.statistics(ORG, NOVEMBER)["rejected_events"] == 2
    assert figures.statistics("retail-demo", NOVEMBER)["rejected_events"] == 1
    assert figures.archived(ORG, "rj_2", 10, 0) == []


def test_the_archive_shows_case_and_callback_events_of_one_case_together(
    archive: ArchiveEvents, figures: Figures
) -> None:
    """Promise: everything that happened to a case can be read in one place, and by its organisation only."""
    take(archive, Story().opened().replied().called_back().events)
    rows = figures.archived(ORG, "cs_1", 10, 0)
    assert [row["type"] for row in rows] == [
        "case_opened",
        "case_replied",
        "callback_scheduled",
        "callback_completed",
    ]
    assert [row["type"] for row in figures.archived(ORG, "cs_1", 2, 1)] == [
        "case_replied",
        "callback_scheduled",
    ]
    assert figures.archived("retail-demo", "cs_1", 10, 0) == []
