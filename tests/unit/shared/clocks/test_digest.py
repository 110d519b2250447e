"""Digests: many firings in one message, each as if it had come by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clocks import Deadline
from shared.clocks.digest import DIGEST, LARGEST, due_count, pack, unpack
from shared.errors import ValidationFailed
from shared.history import Cause, History
from shared.messaging.envelope import CloudEvent, parse, render
from shared.outbox import Unsent
from shared.worktime import Duration

NOON = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


def recorded(name: str, org: str = "plaza", tick: str = "tick_1", *, digested: bool = True) -> Unsent:
    """Return what one thing recorded in a round."""
    history = History(name)
    data = {"thing_id": name, "clock": "close"}
    history.append("clock_breached", data, at=NOON, cause=Cause(tick, "system", digested=digested))
    return Unsent(org, name, history.entries[0])


def many(number: int, **changes: Any) -> list[Unsent]:
    return [recorded(f"th_{index:04}", **changes) for index in range(number)]


def event(unsent: Unsent) -> CloudEvent:
    """Return the entry as a consumer reads it."""
    return parse(json.loads(render(unsent.entry, service="desk", org=unsent.org, subject=unsent.subject)))


def said(entries: list[Unsent]) -> list[CloudEvent]:
    """Return what a consumer reads out of ``entries``, digests unpacked."""
    return [each for unsent in entries for each in unpack(event(unsent))]


ROUNDS = st.builds(
    recorded,
    st.sampled_from([f"th_{number}" for number in range(20)]),
    st.sampled_from(["plaza", "shop"]),
    st.sampled_from(["tick_1", "tick_2"]),
    digested=st.booleans(),
)


def _key(unsent: Unsent) -> tuple[str, str, str, bool]:
    return unsent.org, unsent.subject, unsent.entry.cause, unsent.entry.digested


@given(st.lists(ROUNDS, unique_by=_key))
def test_a_digest_says_exactly_what_its_events_say_by_themselves(entries: list[Unsent]) -> None:
    """Nothing is lost, added or changed on the way; only the schema's name is the digest's affair."""
    alone = [replace(event(unsent), dataschema=None) for unsent in entries]
    found = [replace(each, dataschema=None) for each in said(pack(entries))]
    assert sorted(map(repr, found)) == sorted(map(repr, alone))


@given(st.data())
def test_the_same_entries_make_the_same_digests_in_whatever_order_they_come(data: st.DataObject) -> None:
    """What is published again after a crash has the ids it had before."""
    entries = data.draw(st.lists(ROUNDS, unique_by=_key))
    shuffled = data.draw(st.permutations(entries))
    once = {unsent.entry.id: unsent.entry.data for unsent in pack(entries) if unsent.entry.type == DIGEST}
    again = {unsent.entry.id: unsent.entry.data for unsent in pack(shuffled) if unsent.entry.type == DIGEST}
    assert once == again


def test_a_round_makes_one_digest_for_each_organisation() -> None:
    """Whoever watches an organisation gets one message a round, and nothing of another's."""
    packed = pack([*many(3), *many(4, org="shop"), *many(2, tick="tick_2")])
    assert [unsent.entry.type for unsent in packed] == [DIGEST] * 3
    assert [(p.org, p.entry.data["round"], len(p.entry.data["events"])) for p in packed] == [
        ("plaza", "tick_1", 3),
        ("shop", "tick_1", 4),
        ("plaza", "tick_2", 2),
    ]
    assert len({unsent.entry.id for unsent in packed}) == 3


def test_what_is_not_digested_goes_out_as_it_is_and_in_order() -> None:
    """A digest in the same batch neither holds up nor swallows the events that come by themselves."""
    alone = [recorded(f"other_{number}", tick="m", digested=False) for number in range(3)]
    packed = pack([alone[0], *many(2), *alone[1:]])
    assert [unsent for unsent in packed if unsent.entry.type != DIGEST] == alone
    assert len(packed) == 4


def test_what_a_thing_recorded_after_a_digested_event_goes_out_after_the_digest() -> None:
    """Guards the order of one thing's events: what follows from a breach is never told before the breach."""
    history = History("th_1")
    for tick, digested in (("m", False), ("tick_1", True), ("tick_1", False)):
        history.append("clock_breached", {}, at=NOON, cause=Cause(tick, "system", digested=digested))
    own = [Unsent("plaza", "th_1", entry) for entry in history.entries]
    sent = said(pack([*own, *many(2)]))
    assert [each.sequence for each in sent if each.subject == "th_1"] == [1, 2, 3]


def test_a_digest_is_bounded_and_the_rest_goes_into_further_ones() -> None:
    """No message grows without limit, however long the service was away."""
    packed = pack(many(2 * LARGEST + 1))
    assert [unsent.entry.type for unsent in packed] == [DIGEST, DIGEST, "clock_breached"]
    assert [len(unsent.entry.data["events"]) for unsent in packed[:2]] == [LARGEST, LARGEST]
    assert len(said(packed)) == 2 * LARGEST + 1


def test_an_entry_named_by_two_tickets_is_carried_once() -> None:
    """A repetition inside one batch is no second event."""
    (digest,) = pack([*many(3), *many(3)])
    assert len(digest.entry.data["events"]) == 3


def test_a_digest_is_an_event_like_any_other() -> None:
    """Its id, subject and sequence are as the envelope promises, and it is as late as its last event."""
    late = recorded("th_9")
    late = replace(late, entry=replace(late.entry, time="2026-11-16T05:00:00.000Z"))
    (digest,) = pack([*many(2), late])
    read = event(digest)
    assert read.type == DIGEST
    assert read.id == f"{read.subject}.{read.sequence}"
    assert read.data["digest_id"] == read.subject
    assert read.time == NOON + timedelta(hours=1)


def test_any_other_event_is_its_own() -> None:
    """A consumer may unpack whatever it reads."""
    read = event(recorded("th_1", digested=False))
    assert unpack(read) == [read]


@pytest.mark.parametrize(
    ("events", "named"),
    [
        (None, "data.events"),
        ({}, "data.events"),
        (["x"], "data.events"),
        ([{}], "data.events.0.id"),
        (
            [{"id": "a.1", "type": "t", "subject": "a", "time": "noon", "sequence": "1", "data": {}}],
            "data.events.0.time",
        ),
        (
            [{"id": "a.1", "type": "t", "subject": "a", "sequence": "one", "data": {}}],
            "data.events.0.sequence",
        ),
        ([{"id": "a.1", "type": "t", "subject": "a", "sequence": "1", "data": []}], "data.events.0.data"),
    ],
)
def test_a_digest_that_is_not_one_is_refused_and_the_place_named(events: object, named: str) -> None:
    """Whoever looks at the dead letter sees which of hundreds of events is wrong."""
    digest = CloudEvent(id="dg_1.1", source="/kefu/desk", type=DIGEST, org="o", data={"events": events})
    with pytest.raises(ValidationFailed) as refused:
        unpack(digest)
    assert named in {problem.field for problem in refused.value.problems}


def test_an_event_in_a_digest_cannot_say_it_came_from_elsewhere() -> None:
    """Organisation and source are the digest's: nobody smuggles another's events in."""
    row = {
        "id": "a.1",
        "type": "t",
        "subject": "a",
        "time": "2026-11-16T04:00:00Z",
        "sequence": "1",
        "data": {},
    }
    smuggled = row | {"org": "other", "source": "/kefu/other"}
    digest = CloudEvent(id="dg_1.1", source="/kefu/desk", type=DIGEST, org="o", data={"events": [smuggled]})
    (found,) = unpack(digest)
    assert (found.org, found.source) == ("o", "/kefu/desk")


def test_a_digest_is_not_unpacked_twice() -> None:
    """What a digest carries is taken as it is, so nothing nests without end."""
    row = {
        "id": "a.1",
        "type": DIGEST,
        "subject": "a",
        "time": "2026-11-16T04:00:00Z",
        "sequence": "1",
        "data": {},
    }
    digest = CloudEvent(id="dg_1.1", source="/kefu/desk", type=DIGEST, org="o", data={"events": [row]})
    assert [found.type for found in unpack(digest)] == [DIGEST]


def test_only_what_fires_is_counted() -> None:
    """A deadline whose time is to come, or that has ended, is not part of a storm."""
    running = Deadline(
        "close",
        NOON - timedelta(days=1),
        NOON,
        provisional=False,
        calendar_version="test",
        source="test",
        duration=Duration(1, "days"),
        calendar="none",
        original_due_at=NOON,
    )
    later = replace(running, due_at=NOON + timedelta(milliseconds=1))
    warned = replace(later, warnings=((50, NOON),))
    assert due_count([running, running, later, warned, running.meet(NOON)], NOON) == 3
