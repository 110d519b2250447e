"""The outbox loses nothing wherever a process dies: every place is tried, not some of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import pytest

from shared.errors import Unavailable
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.testing.crashes import Crashed, Steps
from tests.unit.shared.outbox_world import GRACE, Process, World, changed, thing

Work = Callable[[Process], None]


def _insert(process: Process) -> None:
    """Insert four aggregates, one of which is there already, with five entries between them."""
    process.store.insert([thing("new-1"), thing("there"), thing("new-2", entries=2), thing("new-3")])


def _replace(process: Process) -> None:
    """Change two aggregates unless that was done before, as a handler does."""
    changes = []
    for name in ("there", "there-too"):
        document = process.store.find(name)
        assert document is not None
        if "message-change" not in document["processed"]:
            changes.append(changed(document, "message-change"))
    process.store.replace_many(changes)


def _conflict(process: Process) -> None:
    """Change two aggregates, the second of which somebody else changed in between."""
    first, second = (process.store.find(name) for name in ("there", "there-too"))
    assert first is not None
    assert second is not None
    if "message-change" in first["processed"]:
        return
    stale = changed(second, "message-stale")
    process.store.replace_many([changed(second, f"message-other-{second['version']}")])
    assert process.store.replace_many([changed(first, "message-change"), stale]) == ("there-too",)


def _digest(process: Process) -> None:
    """Change two aggregates by what goes out in one digest, unless that was done before."""
    changes = []
    for name in ("there", "there-too"):
        document = process.store.find(name)
        assert document is not None
        if "message-tick" not in document["processed"]:
            changes.append(changed(document, "message-tick", digested=True))
    process.store.replace_many(changes)


WORK: dict[str, Work] = {
    "insert": _insert,
    "replace": _replace,
    "conflict": _conflict,
    "digest": _digest,
}


def _world() -> World:
    """Return a world in which two aggregates are written and published."""
    world = World()
    process = world.process()
    process.store.insert([thing("there"), thing("there-too", entries=2)])
    process.finish()
    assert world.recorded() == set(world.published)
    assert world.tickets() == []
    return world


def _run(world: World, work: Work, steps: Steps) -> bool:
    """Do the work in a process that may die; return whether it lived to the end."""
    process = world.process(steps)
    try:
        work(process)
        process.finish()
    except Crashed:
        return False
    return True


def _crash_points(attempt: Callable[[int], bool]) -> Iterator[int]:
    """Yield each crash point after trying it, until ``attempt`` says that nothing crashed any more."""
    for point in itertools.count(1):
        if attempt(point):
            return
        yield point


def _assert_nothing_lost(world: World) -> None:
    assert world.recorded() == set(world.published)
    world.forget_the_abandoned()
    assert world.tickets() == []
    assert world.recorded() == set(world.published)


@pytest.mark.parametrize("again", [False, True], ids=["once", "done again"])
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_what_is_recorded_is_published_wherever_the_process_dies(work: Work, again: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Between ticket, writes, publishing, confirmation and closing: a replica finds and publishes the rest.

    With the message that caused the work coming again, as the broker does, or not.
    """

    def attempt(point: int) -> bool:
        world = _world()
        lived = _run(world, work, Steps(crash_before=point))
        if again:
            assert _run(world, work, Steps())
        world.recover()
        _assert_nothing_lost(world)
        return lived

    assert len(list(_crash_points(attempt))) >= 5


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_what_is_recorded_is_published_even_if_the_recovery_dies_too(work: Work) -> None:
    """Every pair of crash points: first in the work, then in the replica that cleans up after it."""
    pairs = 0

    def attempt(point: int) -> bool:
        def recovery(second: int) -> bool:
            world = _world()
            _run(world, work, Steps(crash_before=point))
            lived = True
            try:
                world.recover(Steps(crash_before=second))
            except Crashed:
                lived = False
            world.recover()
            _assert_nothing_lost(world)
            return lived

        nonlocal pairs
        pairs += len(list(_crash_points(recovery)))
        return _run(_world(), work, Steps(crash_before=point))

    list(_crash_points(attempt))
    assert pairs >= 10


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_writer_so_slow_that_a_replica_takes_its_ticket_loses_nothing_when_it_dies_later(
    work: Work,
) -> None:
    """The grace may pass in the middle of a write: what comes after the replica's look is found as well.

    Every pair of places: where the writer stands when the replica looks, and where it dies.
    """
    pairs = 0

    def attempt(point: int) -> bool:
        def dies(second: int) -> bool:
            world = _world()
            steps = Steps(crash_before=second)
            steps.before(point, world.recover)
            lived = _run(world, work, steps)
            world.recover()
            _assert_nothing_lost(world)
            return lived

        nonlocal pairs
        pairs += len(list(_crash_points(dies)))
        return _run(_world(), work, Steps(crash_before=point))

    list(_crash_points(attempt))
    assert pairs >= 10


def test_tickets_that_name_nothing_do_not_stand_in_the_way_of_those_that_do() -> None:
    """However many writes never came to be, what a dead process did write goes out at once."""
    world = _world()
    for number in range(120):
        # The ticket is step 1, the write would be step 2.
        _run(world, partial(_insert_one, number), Steps(crash_before=2))
    _run(world, _insert, Steps(crash_before=6))
    assert world.recorded() > set(world.published)
    world.recover()
    assert world.recorded() == set(world.published)


def _insert_one(number: int, process: Process) -> None:
    process.store.insert([thing(f"never-{number}")])


class _DeafBroker:
    """Takes the first ``taken`` messages of the first batch and confirms nothing; then it is well again."""

    def __init__(self, world: World, taken: int) -> None:
        self._world = world
        self._taken: int | None = taken

    def publish(self, batch: list[Outgoing]) -> list[Fate]:
        taken, self._taken = self._taken, None
        self._world.published += [message.message_id for message in batch[:taken]]
        if taken is not None:
            raise Unavailable("the broker did not confirm")
        return [Fate.CONFIRMED] * len(batch)


@pytest.mark.parametrize("taken", range(6))
def test_a_broker_that_took_some_and_confirmed_none_gets_all_of_them_again(taken: int) -> None:
    """Without a confirmation nothing counts as published: the ticket stays until everything was confirmed."""
    world = _world()
    process = world.process()
    process.relay._publisher = cast("PipelinedPublisher", _DeafBroker(world, taken))
    _insert(process)
    with pytest.raises(Unavailable):
        process.relay.pump()
    assert world.tickets() != []
    process.finish()
    assert world.recorded() == set(world.published)
    assert world.tickets() == []


class _Unbound:
    """A broker that has no queue for the entries in ``homeless``."""

    def __init__(self, world: World, homeless: set[str]) -> None:
        self._world = world
        self._homeless = homeless

    def publish(self, batch: list[Outgoing]) -> list[Fate]:
        self._world.published += [m.message_id for m in batch if m.message_id not in self._homeless]
        return [Fate.RETURNED if m.message_id in self._homeless else Fate.CONFIRMED for m in batch]


def test_an_entry_without_a_queue_keeps_its_ticket_until_there_is_one() -> None:
    """One entry the broker gave back: it goes out as soon as somebody is bound, by whatever replica."""
    world = _world()
    process = world.process()
    process.relay._publisher = cast("PipelinedPublisher", _Unbound(world, {"new-2.2"}))
    _insert(process)
    process.finish()
    assert world.recorded() - set(world.published) == {"new-2.2"}
    assert len(world.tickets()) == 1
    world.recover()
    assert world.recorded() == set(world.published)
    assert world.tickets() == []


def test_entries_of_one_aggregate_are_published_in_their_order() -> None:
    """A consumer that counts sequences sees them rise, also from a replica that recovers."""
    world = _world()
    _run(world, _insert, Steps(crash_before=6))
    before = len(world.published)
    world.recover()
    of_one = [entry for entry in world.published[before:] if entry.startswith("new-2")]
    assert of_one == sorted(of_one)


def test_a_replica_leaves_a_fresh_ticket_to_its_writer() -> None:
    """Within the grace nobody publishes for another: that would double every event of a busy service."""
    world = _world()
    before = list(world.published)
    _run(world, _insert, Steps(crash_before=6))
    world.clock.advance(GRACE / 2)
    assert world.process().relay.recover() == 0
    assert world.published == before
