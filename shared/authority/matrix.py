"""The matrix: which roles sign, in which order and how many of each, for a kind, a level and a sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the order: ``quorum`` people, each holding one of ``roles``."""

    roles: tuple[str, ...]
    quorum: int = 1


@dataclass(frozen=True, slots=True)
class Authority:
    """One row: who signs, in the order of ``places``, for what the row covers, and the rule that says so.

    Empty ``kinds`` and ``levels`` cover all; ``up_to`` includes the sum itself, and None has no upper end.
    """

    code: str
    places: tuple[Place, ...]
    source: str
    kinds: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    up_to: Decimal | None = None

    def covers(self, kind: str, level: str, total: Decimal) -> bool:
        """Tell whether the row speaks about ``kind`` at ``level`` when it comes to ``total`` in all."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.levels or level in self.levels)
            and (self.up_to is None or total <= self.up_to)
        )


def authority_for(rows: Iterable[Authority], kind: str, level: str, total: Decimal) -> Authority | None:
    """Return the first row that covers the three; None where the matrix is silent, so that nobody may sign."""
    return next((row for row in rows if row.covers(kind, level, total)), None)


def faults_of(rows: Sequence[Authority]) -> Iterator[tuple[str, str]]:
    """Yield code and reason of every row that no case ever reaches, because one before it covers all of it."""
    for number, row in enumerate(rows):
        before = next((other for other in rows[:number] if _hides(other, row)), None)
        if before is not None:
            yield row.code, f"is never reached: {before.code} before it covers all of it"


def _hides(first: Authority, second: Authority) -> bool:
    wider = first.up_to is None or (second.up_to is not None and first.up_to >= second.up_to)
    return wider and _within(second.kinds, first.kinds) and _within(second.levels, first.levels)


def _within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    return not outer or (bool(inner) and set(inner) <= set(outer))
