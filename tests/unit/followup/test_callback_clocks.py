from __future__ import annotations

from datetime import timedelta

from prometheus_client import Counter

from services.followup.domain.callback import Callback
from shared import metrics
from tests.unit.followup.fakes import World, closed, replied

WEEK = timedelta(days=7)


def _due_events(callback: Callback) -> int:
    return [entry.type for entry in callback.history].count("callback_due")


def _fired(counter: Counter) -> float:
    value = metrics.REGISTRY.get_sample_value(
        "kefu_clocks_fired_total", {"clock": "callback", "kind": "breached"}
    )
    assert counter is metrics.CLOCKS_FIRED
    return value or 0.0


def test_a_callback_not_made_in_time_is_told_exactly_once(world: World) -> None:
    """However often the timer runs, callback_due goes out once, and the callback can still be made."""
    world.tell(replied())
    world.fire_clocks()
    assert _due_events(world.repository.all_callbacks()[0]) == 0
    world.clock.advance(WEEK)
    for _ in range(3):
        world.fire_clocks()
    (callback,) = world.repository.all_callbacks()
    assert _due_events(callback) == 1
    assert list(callback.history)[-1].data == {
        "callback_id": callback.id,
        "case_id": "cs_1",
        "about": "case",
        "reference": "cs_1",
        "due_at": "2026-11-18T16:00:00.000Z",
        "handed_to": None,
    }
    assert world.complete("k", callback.id, "satisfied")["on_time"] is False


def test_it_is_due_at_the_due_instant_and_not_a_millisecond_before(world: World) -> None:
    """The due time is the first instant that is too late."""
    world.tell(replied())
    due_at = world.repository.all_callbacks()[0].due_at
    assert due_at is not None
    world.clock.set(due_at - timedelta(milliseconds=1))
    world.fire_clocks()
    assert _due_events(world.repository.all_callbacks()[0]) == 0
    world.clock.set(due_at)
    world.fire_clocks()
    assert _due_events(world.repository.all_callbacks()[0]) == 1


def test_what_was_slept_through_is_caught_up_in_order_round_after_round(world: World) -> None:
    """A service that was down fires all it missed, the longest overdue first, and says that there is more."""
    days = [12, 3, 9, 5, 4, 11, 10]
    world.tell(*(replied(f"cs_{day}", replied_at=f"2026-11-{day:02}T02:00:00.000Z") for day in days))
    world.clock.advance(WEEK)
    order: list[str | None] = []
    rounds = 0
    more = True
    while more:
        before = {c.id for c in world.repository.all_callbacks() if _due_events(c)}
        more = world.fire_clocks()
        rounds += 1
        fired = [c for c in world.repository.all_callbacks() if _due_events(c) and c.id not in before]
        order += [c.case_id for c in sorted(fired, key=lambda c: c.due_at or world.clock.now())]
    assert order == [f"cs_{day}" for day in sorted(days)]
    assert rounds == 3


def test_two_replicas_firing_at_the_same_moment_fire_and_count_each_callback_once(world: World) -> None:
    """The version check lets one write win; the loser neither publishes nor counts."""
    world.tell(replied("cs_1"), replied("cs_2"))
    world.clock.advance(WEEK)
    before = _fired(metrics.CLOCKS_FIRED)
    other = world.replica()
    world.repository.between["due"] = lambda: _ignore(other.fire_clocks())
    world.fire_clocks()
    assert [_due_events(callback) for callback in world.repository.all_callbacks()] == [1, 1]
    assert _fired(metrics.CLOCKS_FIRED) - before == 2


def test_a_callback_made_or_cancelled_never_comes_due(world: World) -> None:
    """Nobody is warned of what is settled."""
    world.tell(replied("cs_made"), replied("cs_closed"))
    made = next(c for c in world.repository.all_callbacks() if c.case_id == "cs_made")
    world.complete("k", made.id, "neutral")
    world.tell(closed("cs_closed"))
    world.clock.advance(WEEK)
    world.fire_clocks()
    assert [_due_events(callback) for callback in world.repository.all_callbacks()] == [0, 0]


def _ignore(_: object) -> None:
    return
