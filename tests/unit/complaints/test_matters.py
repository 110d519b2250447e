"""A matter of thousands: what a batch reads of it does not grow with it, and the count is right all the same."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import mongomock.collection
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.domain.case import Case
from services.complaints.domain.claim import Claim
from services.complaints.handlers import opening
from services.complaints.handlers.opening import OpenCases, Routed, Rules, matter_of
from services.complaints.matters import matter_document
from services.complaints.repository import CaseRepository, case_of, document_of
from shared.clock import FixedClock
from shared.history import Cause
from shared.ids import CountingIds
from shared.mongo.runtime import Runtime
from tests.memory import memory_runtime
from tests.unit.complaints.fakes import PLAZA, beijing, calendars, rulebooks

NOW = beijing("2026-03-02 09:00")
FLOOD = matter_of(PLAZA, "flood")


class Office:
    """The use case over the real repository; ``read`` counts the documents it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
        clock = FixedClock(NOW)
        self.runtime: Runtime = memory_runtime(clock, CountingIds())
        self.cases = CaseRepository(self.runtime)
        self.open = OpenCases(self.cases, Rules(rulebooks(), calendars()), clock)
        self.read = self.numbers = 0
        if monkeypatch is not None:
            self._count_reading(monkeypatch)

    def _count_reading(self, monkeypatch: pytest.MonkeyPatch) -> None:
        following: Callable[[Any], Any] = mongomock.collection.Cursor.__next__

        def counted(cursor: Any) -> Any:
            row = following(cursor)
            self.read += 1
            return row

        monkeypatch.setattr(mongomock.collection.Cursor, "__next__", counted)

    def complain(self, number: int, *, problem: str = "flood", unit: str | None = None) -> None:
        """Let so many further customers complain of the same in one batch, each of a household of its own or not."""
        assert self.open(self.batch(number, problem=problem, unit=unit)) == set()

    def batch(self, number: int, *, problem: str = "flood", unit: str | None = None) -> list[Routed]:
        """Return the complaints of so many further customers."""
        numbers = range(self.numbers, self.numbers + number)
        self.numbers += number
        return [self._routed(each, problem, unit or f"un_{each}") for each in numbers]

    def _routed(self, number: int, problem: str, unit: str) -> Routed:
        return Routed(
            org=PLAZA,
            contact_id=f"ct_{number}",
            number=f"NO-{number}",
            customer_id=f"cu_{number}",
            unit_id=unit,
            channel="phone",
            received_at=NOW,
            claim=Claim(problem, "tenant", None, None, None, media=False, lawsuit=False),
            cause=Cause(f"/kefu/intake#ct_{number}.2", "system"),
        )

    def grow(self, size: int) -> None:
        """Let the matter have ``size`` households, written as they are when each has been counted."""
        self.complain(12)
        case, *_ = self.all()
        rows = []
        for number in range(self.numbers, size):
            one = replace(case, id=f"cs_{number}", contacts=[f"ct_{number}"], customer_id=f"cu_{number}")
            one.unit_id = f"un_{number}"
            rows.append(document_of(one))
        self.runtime.database["cases"].insert_many(rows)
        self.numbers = size

    def all(self) -> list[Case]:
        """Return every case there is, in the order of the contacts."""
        return [case_of(row) for row in self.runtime.database["cases"].find({})]

    def levels(self) -> Counter[tuple[str, int]]:
        """Return how many cases are of each level and know of so many households."""
        return Counter((case.level, case.households) for case in self.all())


@pytest.mark.parametrize("size", [400, 1_200])
def test_what_a_batch_reads_does_not_grow_with_the_matter(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards ten thousand linked complaints in batches: the last batch reads no more than an early one."""
    office = Office(monkeypatch)
    office.grow(size)
    office.read = 0
    office.complain(5)
    assert office.read < 300
    assert office.levels() == {("major", 10): size + 5}


def test_a_new_case_of_a_large_matter_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the other half of the cost: who joins a matter beyond all borders has its level at once."""
    office = Office()
    office.complain(12)
    written = CaseRepository.save_all

    def save_all(kept: CaseRepository, changes: Sequence[tuple[Case, int]]) -> tuple[str, ...]:
        assert not changes, "written a second time"
        return written(kept, changes)

    monkeypatch.setattr(CaseRepository, "save_all", save_all)
    office.complain(3)
    assert [(case.level, case.version) for case in office.all()[12:]] == [("major", 1)] * 3
    types = [entry.type for entry in office.all()[-1].history]
    assert types[:1] == ["case_opened"]
    assert "case_level_changed" in types


def test_a_border_reached_late_lifts_everybody_though_a_kill_comes_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Guards the portions in which a large matter is lifted: what a dead process left the redelivery finishes."""
    monkeypatch.setattr(opening, "_LIFTED_AT_ONCE", 4)
    office = Office()
    office.complain(10, unit="un_same")
    assert office.levels() == {("general", 1): 10}
    written, portions = CaseRepository.save_all, itertools.count(1)

    def save_all(kept: CaseRepository, changes: Sequence[tuple[Case, int]]) -> tuple[str, ...]:
        if changes and next(portions) == 2:
            raise KeyboardInterrupt
        return written(kept, changes)

    batch = office.batch(4)
    with monkeypatch.context() as dying:
        dying.setattr(CaseRepository, "save_all", save_all)
        with pytest.raises(KeyboardInterrupt):
            office.open(batch)
    assert set(office.levels()) > {("important", 5)}
    assert office.open(batch) == {each.contact_id for each in batch}
    assert office.levels() == {("important", 5): 14}
    raised = [sum(each.type == "case_level_changed" for each in case.history) for case in office.all()]
    assert raised == [1] * 14


@given(sizes=st.lists(st.integers(1, 7), max_size=8))
@settings(max_examples=25)
def test_the_levels_do_not_depend_on_how_the_complaints_came_in_batches(sizes: list[int]) -> None:
    """Guards: as many households, the same levels, and every case knows of the border it has passed."""
    office = Office()
    for size in sizes:
        office.complain(size)
    levels = {level for level, _ in office.levels()}
    total = sum(sizes)
    wanted = "major" if total >= 10 else "important" if total >= 5 else "general"
    assert levels == ({wanted} if total else set())


@given(
    homes=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=90),
    enough=st.integers(1, 20),
)
@settings(max_examples=40)
def test_households_are_counted_as_far_as_it_is_asked(homes: list[tuple[int, bool]], enough: int) -> None:
    """Guards the tiers: all households, or at least as many as are enough, and never one that does not count."""
    office = Office()
    office.complain(1, problem="another")
    (case,) = office.all()
    rows = []
    for number, (home, stands) in enumerate(homes):
        one = replace(case, matter_id=FLOOD, unit_id=f"un_{home}", valid=None if stands else False)
        rows.append({"_id": f"cs_{number}", **_found_by(one)})
    if rows:
        office.runtime.database["cases"].insert_many(rows)
    counted = {f"un_{home}" for home, stands in homes if stands}
    found = office.cases.homes({FLOOD: enough})[FLOOD]
    assert found <= counted
    assert found == counted or len(found) >= enough


def _found_by(case: Case) -> dict[str, Any]:
    names = ("matter_id", "unit_id", "customer_id", "valid")
    return {**{name: getattr(case, name) for name in names}, **matter_document(case)}
