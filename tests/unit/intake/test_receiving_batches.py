"""Whole batches of external events: repeats, mixtures, races, and events that take another's name."""

from __future__ import annotations

import pytest

from shared.errors import Unavailable
from shared.messaging.delivery import Outcome
from tests.unit.intake.fakes import (
    PLAZA,
    PROPERTY,
    World,
    customer,
    delivery,
    received,
)


def test_a_batch_of_all_sorts_is_sorted_out(world: World) -> None:
    """Guards that good, bad, repeated and unreadable events of one batch each get their own end."""
    good, bad = received(event_id="1"), received(event_id="2", text="")
    items = [delivery(event) for event in (good, bad, good, bad, b"{", received(event_id="3"))]
    world.receive(items)
    assert [item.outcome for item in items] == [
        Outcome.DONE,
        Outcome.DONE,
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.DEAD,
        Outcome.DONE,
    ]
    assert (len(world.kept.contacts_kept), len(world.kept.rejections_kept)) == (2, 1)


def test_the_same_events_again_change_nothing(world: World) -> None:
    """Guards exactly-once effects: contacts, files, numbers and rejections stay as they were."""
    events = [
        received(event_id="1"),
        received(event_id="2", text=""),
        received(event_id="3", customer=customer(3)),
    ]
    world.take(*events)
    kept = world.kept
    before = [
        dict(rows) for rows in (kept.contacts_kept, kept.customers_kept, kept.rejections_kept, kept.serials)
    ]
    assert {item.outcome for item in world.take(*events)} == {Outcome.DUPLICATE}
    after = [
        dict(rows) for rows in (kept.contacts_kept, kept.customers_kept, kept.rejections_kept, kept.serials)
    ]
    assert after == before


def test_an_empty_batch_asks_the_database_nothing(world: World) -> None:
    """Guards the idle service."""
    world.receive([])
    world.receive([delivery(b"{")])
    assert world.kept.calls == []


def test_a_contact_registered_meanwhile_by_another_replica_is_a_repeat(world: World) -> None:
    """Guards the race after a redelivery: both replicas register the same event, one contact comes of it."""
    other = World(world.clock, world.kept, world.ids)
    event = received(event_id="1")
    world.kept.between["register"] = lambda: other.take(event)
    (item,) = world.take(event)
    assert item.outcome is Outcome.DUPLICATE
    assert len(world.kept.contacts_kept) == 1
    assert world.contact_of(event).number == "PLZ-20260302-00002"


def test_after_a_crash_between_file_and_contact_the_redelivery_finds_the_file(world: World) -> None:
    """Guards one file a customer when a process dies half way."""

    def die() -> None:
        raise Unavailable("the database is away")

    event = received()
    world.kept.between["files_opened"] = die
    with pytest.raises(Unavailable):
        world.take(event)
    assert (len(world.kept.customers_kept), len(world.kept.contacts_kept)) == (1, 0)
    world.take(event)
    assert (len(world.kept.customers_kept), len(world.kept.contacts_kept)) == (1, 1)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("org", "user"), [(PROPERTY, "pub-hotline"), (PLAZA, "pub-crm")])
def test_an_event_that_uses_the_source_and_id_of_anothers_is_not_lost(
    world: World, org: str, user: str, *, together: bool
) -> None:
    """Guards careless publishers, whose ids all count from one: the second event is refused and told why."""
    first, second = (
        delivery(received(PLAZA, "1")),
        delivery(received(org, "1", customer=customer(2)), user=user),
    )
    if together:
        world.receive([first, second])
    else:
        world.receive([first])
        world.receive([second])
    assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.DONE)
    assert len(world.kept.contacts_kept) == 1
    assert list(world.reasons()) == ["id"]
    assert "used before" in world.reasons()["id"]
    assert world.rejected().org == org
    again = delivery(received(org, "1", customer=customer(2)), user=user)
    world.receive([again])
    assert again.outcome is Outcome.DUPLICATE
    assert len(world.kept.rejections_kept) == 1


def test_the_event_of_another_source_with_the_same_id_is_another_event(world: World) -> None:
    """Guards what makes an event unique: source and id together."""
    world.take(received(event_id="1", source="/hotline/a"), received(event_id="1", source="/hotline/b"))
    assert len(world.kept.contacts_kept) == 2


def test_the_trace_of_an_event_goes_on_in_what_follows_from_it(world: World) -> None:
    """Guards that an operator can follow a contact through the services."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    event = received() | {"traceparent": trace}
    world.take(event)
    assert {entry.trace for entry in world.kept.recorded()} == {trace}
    assert {entry.actor for entry in world.kept.recorded()} == {"hotline"}
