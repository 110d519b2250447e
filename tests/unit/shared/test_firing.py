from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared import metrics
from shared.aggregate import Aggregate
from shared.clocks import Deadline, Firing, Kind
from shared.clocks.digest import due_count
from shared.clocks.firing import Clocks, fire_deadlines, fire_due
from shared.errors import NotFound, Unavailable
from shared.history import Cause
from shared.worktime import Duration

NOON = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
TICK = Cause("tick_1", "system")


def _deadline(name: str, due_at: datetime, *warnings: tuple[int, datetime]) -> Deadline:
    return Deadline(
        name,
        NOON - timedelta(days=1),
        due_at,
        provisional=False,
        calendar_version="test",
        source="test",
        duration=Duration(1, "days"),
        calendar="none",
        original_due_at=due_at,
        warnings=warnings,
    )


@dataclass(kw_only=True)
class Thing(Aggregate):
    deadlines: tuple[Deadline, ...] = field(default=())

    def count(self, now: datetime) -> int:
        return due_count(self.deadlines, now)

    def fire(self, now: datetime, cause: Cause) -> Sequence[Firing]:
        if self.org == "broken":
            raise NotFound("its rulebook is gone")
        self.deadlines, fired = fire_deadlines(self.deadlines, now)
        for firing in fired:
            self.record(firing.kind.value, {"clock": firing.clock}, at=now, cause=cause)
        return fired


def _thing(name: str, org: str = "o", clocks: int = 1) -> Thing:
    due_at = NOON - timedelta(minutes=1)
    return Thing(id=name, org=org, deadlines=(_deadline("firing_test", due_at),) * clocks)


def _things(number: int, org: str = "o", clocks: int = 1) -> list[Thing]:
    return [_thing(f"{org}-{index:04}", org, clocks) for index in range(number)]


@dataclass
class Shelf:
    """Where the things are kept: what is saved of them, in which portions, and which were taken by others."""

    things: list[Thing]
    taken: Collection[str] = ()
    away: bool = False
    portions: list[list[tuple[str, int]]] = field(default_factory=list)

    def load(self, _now: datetime, limit: int) -> Sequence[Thing]:
        return self.things[:limit]

    def save(self, changes: Sequence[tuple[Thing, int]]) -> Collection[str]:
        assert changes, "an empty write costs a call for nothing"
        if self.away:
            raise Unavailable("the database is away")
        self.portions.append([(thing.id, since) for thing, since in changes])
        return [thing.id for thing, _ in changes if thing.id in self.taken]

    @property
    def saved(self) -> list[str]:
        return [key for portion in self.portions for key, _ in portion if key not in self.taken]

    def round(self, at_once: int = 500, digest_above: int = 100) -> bool:
        clocks = Clocks[Thing](load=self.load, count=Thing.count, fire=Thing.fire, save=self.save)
        return fire_due(clocks, NOON, TICK, at_once=at_once, digest_above=digest_above)


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
    first, second = _thing("a"), _thing("b")
    second.record("older", {}, at=NOON, cause=Cause("x", "system"))
    shelf, before = Shelf([first, second]), _counted()
    assert shelf.round() is False
    assert shelf.portions == [[("a", 1), ("b", 2)]]
    assert _counted() - before == 2


def test_a_few_are_written_at_once_and_many_after_a_look_at_the_first() -> None:
    """A round costs one write, or two where a second replica would otherwise repeat a long list in vain."""
    few, many = Shelf(_things(16)), Shelf(_things(200))
    few.round()
    many.round()
    assert [len(portion) for portion in few.portions] == [16]
    assert [len(portion) for portion in many.portions] == [1, 199]
    assert many.saved == [thing.id for thing in many.things], "the longest overdue first"


def test_a_full_round_asks_for_the_next_at_once_and_an_empty_one_does_not() -> None:
    """A backlog is worked off without waiting for the next tick."""
    assert Shelf(_things(2)).round(at_once=2) is True
    assert Shelf(_things(1)).round(at_once=2) is False
    assert Shelf([]).round(at_once=2) is False


def test_what_another_replica_changed_first_is_left_alone_and_not_counted() -> None:
    """A lost race costs only the aggregate it is about, and no firing is counted twice."""
    shelf, before = Shelf(_things(100), taken={"o-0007", "o-0008"}), _counted()
    assert shelf.round(at_once=100) is True
    assert len(shelf.saved) == 98
    assert _counted() - before == 98


def test_a_round_in_which_all_was_taken_by_others_waits_for_the_next_tick() -> None:
    """Two replicas must not chase each other round and round."""
    assert Shelf([_thing("a")], taken={"a"}).round(at_once=1) is False


def test_a_replica_that_finds_another_at_the_same_list_leaves_the_rest_to_it() -> None:
    """Two replicas after a long standstill must not slow each other down to a crawl."""
    shelf = Shelf(_things(200), taken={"o-0000"})
    assert shelf.round(at_once=200) is False
    assert shelf.portions == [[("o-0000", 1)]]


def test_one_that_cannot_be_fired_does_not_stop_the_clocks_of_the_others() -> None:
    """A broken document is logged and skipped, also where it is the first of a long list."""
    shelf = Shelf([_thing("bad", "broken"), *_things(30)])
    shelf.round()
    assert shelf.saved == [thing.id for thing in shelf.things[1:]]


def test_a_database_that_is_away_ends_the_round_and_nothing_is_counted() -> None:
    """Whether the write happened nobody knows; the next round finds out."""
    before = _counted()
    with pytest.raises(Unavailable):
        Shelf([_thing("a")], away=True).round()
    assert _counted() == before


def test_a_document_that_cannot_be_fired_because_the_database_is_away_ends_the_round() -> None:
    """What may pass by itself is no fault of the document: it is tried again and not skipped."""

    def fire(_thing: Thing, _now: datetime, _cause: Cause) -> Sequence[Firing]:
        raise Unavailable("the database is away")

    shelf = Shelf(_things(2))
    clocks = Clocks[Thing](load=shelf.load, count=Thing.count, fire=fire, save=shelf.save)
    with pytest.raises(Unavailable):
        fire_due(clocks, NOON, TICK)
    assert shelf.portions == []


def test_warnings_are_counted_by_their_point() -> None:
    """The metric tells a warning at 75 % from a breach."""
    thing = _thing("w")
    thing.deadlines = (_deadline("firing_test", NOON + timedelta(hours=1), (75, NOON)),)
    before = _counted("warned_75")
    Shelf([thing]).round()
    assert _counted("warned_75") - before == 1


def test_every_firing_tells_how_late_it_was() -> None:
    """Lateness is a figure an operator can watch: from the due moment, not from the round."""

    def late() -> float:
        return metrics.REGISTRY.get_sample_value("kefu_clock_lateness_seconds_sum") or 0.0

    before = late()
    Shelf(_things(3)).round()
    assert late() - before == pytest.approx(180.0)


def _marked(shelf: Shelf) -> set[str]:
    return {entry.id for thing in shelf.things for entry in thing.history if entry.digested}


@pytest.mark.parametrize(("number", "clocks", "digested"), [(5, 1, False), (6, 1, True), (3, 2, True)])
def test_more_firings_than_allowed_one_by_one_are_marked_for_digests(
    number: int, clocks: int, *, digested: bool
) -> None:
    """The threshold counts clocks, not what they run on, and is the last number that goes out singly."""
    shelf = Shelf(_things(number, clocks=clocks))
    shelf.round(digest_above=5)
    every = {entry.id for thing in shelf.things for entry in thing.history}
    assert len(every) == number * clocks
    assert _marked(shelf) == (every if digested else set())


def test_one_organisations_storm_does_not_put_anothers_firings_into_digests() -> None:
    """Whoever has one late case hears of it at once and by itself, whatever happens next door."""
    shelf = Shelf([*_things(10, "many"), *_things(5, "few")])
    shelf.round(digest_above=5)
    assert {key.partition("-")[0] for key in _marked(shelf)} == {"many"}
    assert len(_marked(shelf)) == 10
