"""Cells: the sums of one day of one organisation, apart by what people ask for them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from shared.ids import derived_id

#: Places that a sum keeps; what a form writes finer is rounded half to even before it is added.
PLACES = 4
_FINEST = Decimal(1).scaleb(-PLACES)

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Where an amount belongs: ``day`` is a local day (ISO), empty text is "none" of a dimension.

    ``kind`` says what is counted (cases, requests, callbacks, surveys, quality, visits, customers, records,
    figures), ``category`` which sort of it: a kind of request, a register, a survey, a reported figure.
    """

    org: str
    kind: str
    day: str
    category: str = ""
    unit: str = ""
    level: str = ""
    person: str = ""
    channel: str = ""
    project: str = ""

    @property
    def id(self) -> str:
        """Return the id that all amounts of the same cell are kept under."""
        return derived_id("cell", *astuple(self))


@dataclass(frozen=True, slots=True)
class Counted:
    """One matter as it was counted last: what it adds to which cells, after ``version`` of its events."""

    id: str
    org: str
    version: int
    amounts: Mapping[Cell, Amounts]


@dataclass(frozen=True, slots=True)
class Step:
    """What a cell gains or loses by one matter's going from one version to another; its id says which."""

    id: str
    cell: Cell
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Kept:
    """A counted matter with the steps that brought it here; they are owed to their cells until written down."""

    counted: Counted
    owed: tuple[Step, ...]


def moved(before: Counted | None, now: Counted) -> Kept:
    """Return ``now`` with the steps that lead to it from ``before``: their sum over a matter's life is what it adds."""
    earlier = before.amounts if before else {}
    steps = []
    for cell in sorted({*earlier, *now.amounts}):
        change = difference(earlier.get(cell, {}), now.amounts.get(cell, {}))
        if change:
            steps.append(Step(f"{now.id}@{now.version}/{cell.id}", cell, change))
    return Kept(now, tuple(steps))


def difference(before: Amounts, now: Amounts) -> dict[str, Decimal]:
    """Return what has to be added to ``before`` to give ``now``; nothing for what stays."""
    changes = {
        name: now.get(name, Decimal(0)) - before.get(name, Decimal(0)) for name in sorted({*before, *now})
    }
    return {name: change for name, change in changes.items() if change}


def added(many: Iterable[Amounts]) -> dict[str, Decimal]:
    """Return the sums of ``many``, without those that are nothing."""
    sums: dict[str, Decimal] = {}
    for each in many:
        for name, amount in each.items():
            sums[name] = sums.get(name, Decimal(0)) + amount
    return {name: amount for name, amount in sums.items() if amount}


def exact(value: object) -> Decimal:
    """Return a number as it is added: with at most PLACES places."""
    return Decimal(str(value)).quantize(_FINEST, ROUND_HALF_EVEN).normalize() + 0
