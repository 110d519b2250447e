from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared import metrics
from shared.aggregate import Aggregate
from shared.clocks import Deadline, Firing, Kind
from shared.clocks.firing import fire_deadlines, fire_due
from shared.errors import Conflict, NotFound, Unavailable
from shared.history import Cause

NOON = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


def _deadline(name: str, due_at: datetime, *warnings: tuple[int, datetime]) -> Deadline:
    return Deadline(name, NOON - timedelta(days=1), due_at, False, "test", "test", tuple(warnings))


@dataclass(kw_only=True)
class Thing(Aggregate):
    deadlines: tuple[Deadline, ...] = field(default=())

    def fire(self, now: datetime) -> Sequence[Firing]:
        self.deadlines, fired = fire_deadlines(self.deadlines, now)
        for firing in fired:
            self.record(firing.kind.value, {"clock": firing.clock}, at=now, cause=Cause("tick", "system"))
        return fired


def _thing(name: str, minutes_late: int = 1) -> Thing:
    due_at = NOON - timedelta(minutes=minutes_late)
    return Thing(id=name, org="o", deadlines=(_deadline("firing_test", due_at),))


def _load(*things: Thing) -> Callable[[datetime, int], Sequence[Thing]]:
    return lambda _now, limit: things[:limit]


def _counted(kind: str = "breached") -> float:
    labels = {"clock": "firing_test", "kind": kind}
    return metrics.REGISTRY.get_sample_value("kefu_clocks_fired_total", labels) or 0.0


def test_the_deadlines_of_one_aggregate_fire_in_order_of_time() -> None:
    """What a service slept through is told in the order it would have happened."""
    hour = timedelta(hours=1)
    later = _deadline("later", NOON - hour)
    earlier = _deadline("earlier", NOON - 2 * hour)
    warned = _deadline(
        "warned", NOON + hour, (50, NOON - 3 * hour), (75, NOON - 2 * hour), (90, NOON + hour / 2)
    )
    future = _deadline("future", NOON + hour)
    after, fired = fire_deadlines([later, earlier, warned, future], NOON)
    assert [(f.clock, f.kind, f.percent) for f in fired] == [
        ("earlier", Kind.BREACHED, 100),
        ("warned", Kind.WARNED, 75),
        ("later", Kind.BREACHED, 100),
    ]
    assert [deadline.next_at for deadline in after] == [None, None, NOON + hour / 2, NOON + hour]
    assert fire_deadlines(after, NOON) == (after, ())


def test_each_change_is_written_with_the_number_of_its_first_new_entry() -> None:
    """Only what is new is published."""
    saved: list[list[tuple[str, int]]] = []
    first, second = _thing("a"), _thing("b")
    second.record("older", {}, at=NOON, cause=Cause("x", "system"))
    before = _counted()
    more = fire_due(
        NOON,
        limit=10,
        load=_load(first, second),
        fire=Thing.fire,
        save=lambda changes: saved.append([(thing.id, since) for thing, since in changes]),
    )
    assert [change for portion in saved for change in portion] == [("a", 1), ("b", 2)]
    assert more is False
    assert _counted() - before == 2


def test_a_replica_that_is_alone_writes_many_together() -> None:
    """A long backlog costs few tickets."""
    portions: list[int] = []
    things = [_thing(str(number)) for number in range(200)]
    fire_due(
        NOON,
        limit=200,
        load=_load(*things),
        fire=Thing.fire,
        save=lambda changes: portions.append(len(changes)),
    )
    assert sum(portions) == 200
    assert len(portions) <= 10


def test_a_full_round_asks_for_the_next_at_once_and_an_empty_one_does_not() -> None:
    """A backlog is worked off without waiting for the next tick."""
    full = fire_due(NOON, limit=1, load=_load(_thing("a")), fire=Thing.fire, save=lambda _: None)
    empty = fire_due(
        NOON, limit=1, load=_load(), fire=Thing.fire, save=lambda _: pytest.fail("nothing to save")
    )
    assert (full, empty) == (True, False)


def test_what_another_replica_changed_first_is_left_alone_and_not_counted() -> None:
    """One conflict costs only the aggregate it is about, and no firing is counted twice."""
    written: list[str] = []

    def save(changes: Sequence[tuple[Thing, int]]) -> None:
        for thing, _ in changes:
            if thing.id == "taken":
                raise Conflict("changed by somebody else")
            if thing.id not in written:
                written.append(thing.id)

    before = _counted()
    things = [_thing("a"), _thing("taken"), _thing("b")]
    fire_due(NOON, limit=3, load=_load(*things), fire=Thing.fire, save=save)
    assert written == ["a", "b"]
    assert _counted() - before == 2


def test_a_round_in_which_all_was_taken_by_others_waits_for_the_next_tick() -> None:
    """Two replicas must not chase each other round and round."""

    def save(_changes: Sequence[tuple[Thing, int]]) -> None:
        raise Conflict("changed by somebody else")

    assert fire_due(NOON, limit=1, load=_load(_thing("a")), fire=Thing.fire, save=save) is False


def test_a_replica_that_finds_another_at_the_same_list_leaves_the_rest_to_it() -> None:
    """Two replicas after a long standstill must not slow each other down to a crawl."""
    tried: set[str] = set()

    def save(changes: Sequence[tuple[Thing, int]]) -> None:
        tried.update(thing.id for thing, _ in changes)
        raise Conflict("changed by somebody else")

    things = [_thing(str(number)) for number in range(200)]
    assert fire_due(NOON, limit=200, load=_load(*things), fire=Thing.fire, save=save) is False
    assert tried == {"0"}


def test_a_single_conflict_does_not_end_the_round() -> None:
    """Somebody who completes one thing meanwhile does not hold up the clocks of all the others."""
    saved: set[str] = set()

    def save(changes: Sequence[tuple[Thing, int]]) -> None:
        for thing, _ in changes:
            if thing.id == "7":
                raise Conflict("changed by somebody else")
            saved.add(thing.id)

    things = [_thing(str(number)) for number in range(100)]
    assert fire_due(NOON, limit=100, load=_load(*things), fire=Thing.fire, save=save) is True
    assert len(saved) == 99


def test_one_that_cannot_be_fired_does_not_stop_the_clocks_of_the_others() -> None:
    """A broken document is logged and skipped."""
    saved: list[str] = []

    def fire(thing: Thing, now: datetime) -> Sequence[Firing]:
        if thing.id == "broken":
            raise NotFound("its rulebook is gone")
        return thing.fire(now)

    fire_due(
        NOON,
        limit=3,
        load=_load(_thing("broken"), _thing("b")),
        fire=fire,
        save=lambda changes: saved.extend(thing.id for thing, _ in changes),
    )
    assert saved == ["b"]


def test_a_database_that_is_away_ends_the_round_and_nothing_is_counted() -> None:
    """Whether the write happened nobody knows; the next round finds out."""

    def save(_changes: Sequence[tuple[Thing, int]]) -> None:
        raise Unavailable("the database is away")

    before = _counted()
    with pytest.raises(Unavailable):
        fire_due(NOON, limit=1, load=_load(_thing("a")), fire=Thing.fire, save=save)
    assert _counted() == before


def test_warnings_are_counted_by_their_point() -> None:
    """The metric tells a warning at 75 % from a breach."""
    thing = Thing(
        id="w", org="o", deadlines=(_deadline("firing_test", NOON + timedelta(hours=1), (75, NOON)),)
    )
    before = _counted("warned_75")
    fire_due(NOON, limit=2, load=_load(thing), fire=Thing.fire, save=lambda _: None)
    assert _counted("warned_75") - before == 1
