"""What operators see of cases: how many are open at each level of each organisation, and how late the overdue are."""

from __future__ import annotations

from datetime import timedelta

from services.complaints.handlers.observing import ShowCases
from services.complaints.repository import CaseRepository
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.metrics import REGISTRY
from shared.observing import AGES
from tests.memory import memory_runtime
from tests.unit.complaints.fakes import PLAZA, PROPERTY, World, beijing


def _shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def _show(world: World) -> None:
    """Look at a database that holds what the world holds."""
    repository = CaseRepository(memory_runtime(world.clock, CountingIds()))
    repository.insert(world.cases.all())
    ShowCases(repository, world.rules, [PLAZA, PROPERTY])(world.clock.now())


def test_open_cases_are_shown_by_level_and_closed_ones_are_not() -> None:
    """Promise: the levels together are all that wait for something, and an organisation without any shows nought."""
    world = World(FixedClock(beijing("2026-03-02 09:00")))
    opened = [world.open(contact=f"ct_{number}", customer_id=f"cu_{number}") for number in range(3)]
    _show(world)
    (level,) = {case.level for case in opened}
    assert _shown("kefu_open_cases", organisation=PLAZA, level=level) == 3
    assert _shown("kefu_open_cases", organisation=PLAZA, level="other") == 0
    assert _shown("kefu_open_cases", organisation=PROPERTY, level="other") == 0


def test_a_missed_deadline_grows_older_from_hour_to_hour() -> None:
    """Promise: an overdue case counts once, by the time since the first deadline it missed."""
    world = World(FixedClock(beijing("2026-03-02 09:00")))
    case = world.open()
    first = min(deadline.due_at for deadline in case.deadlines)
    for late, age in (
        (timedelta(minutes=30), "hour"),
        (timedelta(hours=5), "day"),
        (timedelta(days=8), "more"),
    ):
        world.clock.set(first + late)
        world.tick()
        _show(world)
        shown = {each: _shown("kefu_overdue_cases", organisation=PLAZA, age=each) for each in AGES}
        assert shown == {each: float(each == age) for each in AGES}, late
