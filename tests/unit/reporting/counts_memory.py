"""What is counted, in memory: the same promises as the database, and it can die before any of its writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.reporting.domain.counting.cells import Counted, Kept, Step
from services.reporting.generations_kept import STALE
from services.reporting.handlers.counting import Sum
from services.reporting.handlers.rebuilding import Rebuilding


class Killed(Exception):
    """The process ended here."""


class CountsMemory:
    """Single writes, each alone; ``lives`` says how many more of them are done before the process dies."""

    def __init__(self) -> None:
        self.matters: dict[str, Kept] = {}
        self.steps: dict[str, Step] = {}
        self.open: set[str] = set()
        self.cells: dict[str, Sum] = {}
        self.lives: int | None = None

    def now(self) -> CountsMemory:
        return self

    def _write(self) -> None:
        if self.lives is not None:
            if self.lives == 0:
                self.lives = None
                raise Killed
            self.lives -= 1

    def kept(self, ids: Sequence[str]) -> Mapping[str, Kept]:
        return {each: self.matters[each] for each in ids if each in self.matters}

    def add_steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.id not in self.steps:
                self._write()
                self.steps[step.id] = step
                self.open.add(step.id)

    def move(self, moves: Sequence[tuple[int | None, Kept]]) -> None:
        for version, kept in moves:
            there = self.matters.get(kept.counted.id)
            if (there.counted.version if there else None) == version:
                self._write()
                self.matters[kept.counted.id] = kept

    def open_steps(self, limit: int) -> Sequence[Step]:
        return [self.steps[each] for each in sorted(self.open)[:limit]]

    def open_steps_of(self, cells: Sequence[str]) -> Sequence[Step]:
        return [self.steps[each] for each in sorted(self.open) if self.steps[each].cell.id in cells]

    def sums(self, cells: Sequence[str]) -> Mapping[str, Sum]:
        return {each: self.cells[each] for each in cells if each in self.cells}

    def absorb(self, turns: Sequence[tuple[int | None, Sum]]) -> None:
        for turn, each in turns:
            there = self.cells.get(each.cell.id)
            if (there.turn if there else None) == turn:
                self._write()
                self.cells[each.cell.id] = each

    def close_steps(self, ids: Sequence[str]) -> None:
        for each in ids:
            self._write()
            self.open.discard(each)

    def finish(self, cells: Mapping[str, int]) -> None:
        for each, turn in cells.items():
            if self.cells[each].turn == turn:
                self._write()
                self.cells[each] = replace(self.cells[each], taking=frozenset())

    def within(self, org: str, kind: str, first: str, last: str) -> tuple[Sequence[Sum], Sequence[Step]]:
        sums = [each for each in self.cells.values() if _in(each, org, kind, first, last)]
        return sums, [self.steps[s] for s in self.open if _in(self.steps[s], org, kind, first, last)]

    def turns_within(self, org: str, kind: str, first: str, last: str) -> Mapping[str, int]:
        return {each.cell.id: each.turn for each in self.cells.values() if _in(each, org, kind, first, last)}

    def matters_within(
        self, org: str, kind: str, first: str, last: str, after: str, limit: int
    ) -> Sequence[Counted]:
        found = [
            self.matters[each].counted
            for each in sorted(self.matters)
            if each > after
            and any(
                (cell.org, cell.kind) == (org, kind) and first <= cell.day <= last
                for cell in self.matters[each].counted.amounts
            )
        ]
        return found[:limit]


def _in(each: Sum | Step, org: str, kind: str, first: str, last: str) -> bool:
    return (each.cell.org, each.cell.kind) == (org, kind) and first <= each.cell.day <= last


@dataclass(frozen=True, slots=True)
class Asked:
    """The call of an operator."""

    key: str
    org: str = "plaza-demo"
    actor: str = "operator"
    traceparent: str | None = None
    roles: frozenset[str] = frozenset({"operator"})


class GenerationsMemory:
    """The generations of counts, and the rebuild; ``lives`` says how many of its writes are still done."""

    def __init__(self) -> None:
        self.generations: dict[int, CountsMemory] = {}
        self.current = 0
        self.last: Rebuilding | None = None
        self.lives: int | None = None

    def now(self) -> CountsMemory:
        return self.of(self.current)

    def of(self, generation: int) -> CountsMemory:
        return self.generations.setdefault(generation, CountsMemory())

    def put_in_force(self, generation: int) -> None:
        self.current = generation

    def drop(self, generation: int) -> None:
        self.generations.pop(generation, None)

    def stale(self, now: datetime) -> bool:
        """Tell whether other processes may not have learned yet which generation is in force."""
        switched = self.last.switched_at if self.last else None
        return switched is not None and now < switched + STALE

    def rebuilding(self) -> Rebuilding | None:
        return self.last

    def begin(self, fresh: Rebuilding, before: Rebuilding | None) -> bool:
        if self.last != before:
            return False
        self.last = fresh
        return True

    def save(self, moved: Rebuilding) -> Rebuilding | None:
        if self.lives is not None:
            if self.lives == 0:
                raise Killed
            self.lives -= 1
        if self.last is None or self.last.turn != moved.turn:
            return None
        self.last = replace(moved, turn=moved.turn + 1)
        return self.last
