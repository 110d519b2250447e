"""Use cases: take over what matters add to the figures of their days, exactly once, and read the sums.

A matter carries what it added last, and the steps that led there from what it added before. Whoever handles it
first writes down the steps it owes, under ids that follow from them, and only then moves it on; so the steps of
a matter always add up to what it adds, whoever dies between two writes. Steps are absorbed into the sums of
their cells in the background; until then a reader adds them itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from services.reporting.domain.counting.cells import Amounts, Cell, Counted, Kept, Step, added, moved
from shared.errors import Conflict

_ATTEMPTS = 8
#: Steps absorbed in one go.
STEPS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Sum:
    """The sums of one cell; ``turn`` counts its absorptions, ``taking`` are the steps of the last one still open."""

    cell: Cell
    amounts: Amounts
    turn: int
    taking: frozenset[str]


class Counts(Protocol):
    """What the use cases need of the repository; every write is alone, nothing spans two documents."""

    def kept(self, ids: Sequence[str]) -> Mapping[str, Kept]:
        """Return the matters with what they owe."""
        ...

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Write down the steps that are not there yet."""
        ...

    def move(self, moves: Sequence[tuple[int | None, Kept]]) -> None:
        """Put each matter that is still at the version named (None: absent) where it is said; pass over others."""
        ...

    def open_steps(self, limit: int) -> Sequence[Step]:
        """Return some steps that no cell has absorbed, those longest there first."""
        ...

    def open_steps_of(self, cells: Sequence[str]) -> Sequence[Step]:
        """Return the steps of cells that no cell has absorbed."""
        ...

    def sums(self, cells: Sequence[str]) -> Mapping[str, Sum]:
        """Return the sums of cells, by the cell's id."""
        ...

    def absorb(self, turns: Sequence[tuple[int | None, Sum]]) -> None:
        """Write each sum whose cell is still at the turn named (None: absent); pass over others."""
        ...

    def close_steps(self, ids: Sequence[str]) -> None:
        """Say of steps that their cells have absorbed them."""
        ...

    def finish(self, cells: Mapping[str, int]) -> None:
        """Say of each cell still at the turn named that the steps it took are closed."""
        ...

    def within(self, org: str, kind: str, first: str, last: str) -> tuple[Sequence[Sum], Sequence[Step]]:
        """Return the sums of the days from ``first`` to ``last``, and after them the steps open there."""
        ...

    def turns_within(self, org: str, kind: str, first: str, last: str) -> Mapping[str, int]:
        """Return at which turn each cell of those days is."""
        ...


class Source(Protocol):
    """Where the counts in force are found."""

    def now(self) -> Counts:
        """Return the counts in force; whoever begins something does all of it with what this returned."""
        ...


class Count:
    """Takes whole batches of matters: a handful of database calls for all of them."""

    def __init__(self, counts: Source) -> None:
        """Keep what is counted in ``counts``."""
        self._counts = counts

    def __call__(self, matters: Sequence[Counted]) -> None:
        """Bring the figures to what ``matters`` say; one computed from no more events than known changes nothing.

        Safe to repeat and to break off anywhere. Raises Conflict when others change the same matters all the time.
        """
        ids, counts = [matter.id for matter in matters], self._counts.now()
        for _ in range(_ATTEMPTS):
            kept = counts.kept(ids)
            counts.add_steps([step for each in kept.values() for step in each.owed])
            moves = []
            for matter in matters:
                before = kept[matter.id].counted if matter.id in kept else None
                if before is None or before.version < matter.version:
                    moves.append((before.version if before else None, moved(before, matter)))
            if not moves:
                return
            counts.move(moves)
        raise Conflict("too many others count the same matters at the same time: try again")


class Absorb:
    """Adds open steps to the sums of their cells; any number of replicas may do so at once."""

    def __init__(self, counts: Source) -> None:
        """Absorb within ``counts``."""
        self._counts = counts

    def __call__(self) -> bool:
        """Absorb some steps; return whether there may be more."""
        counts = self._counts.now()
        found = counts.open_steps(STEPS_AT_ONCE)
        if not found:
            return False
        cells = {step.cell.id: step.cell for step in found}
        _finish(counts, sorted(cells))
        sums = counts.sums(sorted(cells))
        # Read after the sums: what one of them absorbed meanwhile has moved its turn on, and the write misses.
        steps: dict[str, list[Step]] = {}
        for step in counts.open_steps_of(sorted(cells)):
            steps.setdefault(step.cell.id, []).append(step)
        turns = []
        for cell_id, mine in steps.items():
            before = sums.get(cell_id)
            if before is not None and before.taking:
                continue
            amounts = added([before.amounts if before else {}, *(step.amounts for step in mine)])
            taking = frozenset(step.id for step in mine)
            now = Sum(cells[cell_id], amounts, before.turn + 1 if before else 1, taking)
            turns.append((before.turn if before else None, now))
        counts.absorb(turns)
        _finish(counts, sorted(cells))
        return len(found) == STEPS_AT_ONCE


def _finish(counts: Counts, cells: Sequence[str]) -> None:
    """Close the steps that sums have taken, and say so; done again by whoever comes next when it is broken off."""
    taking = {cell: each for cell, each in counts.sums(cells).items() if each.taking}
    if taking:
        counts.close_steps(sorted(step for each in taking.values() for step in each.taking))
        counts.finish({cell: each.turn for cell, each in taking.items()})


class ReadSums:
    """Reads sums of days as they stand, absorbed or not."""

    def __init__(self, counts: Source) -> None:
        """Read from ``counts``."""
        self._counts = counts

    def __call__(self, org: str, kind: str, first: str, last: str) -> dict[Cell, dict[str, Decimal]]:
        """Return the sums of each cell of the days from ``first`` to ``last``, both included."""
        counts = self._counts.now()
        for _ in range(_ATTEMPTS):
            sums, steps = counts.within(org, kind, first, last)
            turns = counts.turns_within(org, kind, first, last)
            if turns == {each.cell.id: each.turn for each in sums}:
                return _together(sums, steps)
        raise Conflict("the figures of these days change all the time: try again")


def _together(sums: Sequence[Sum], steps: Sequence[Step]) -> dict[Cell, dict[str, Decimal]]:
    amounts: dict[Cell, list[Amounts]] = {each.cell: [each.amounts] for each in sums}
    taken = {step for each in sums for step in each.taking}
    for step in steps:
        if step.id not in taken:
            amounts.setdefault(step.cell, []).append(step.amounts)
    together = {cell: added(many) for cell, many in amounts.items()}
    return {cell: sums for cell, sums in together.items() if sums}
