"""Tariffs of series: what the first, the second … of a kind cost together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tariff:
    """``total(n)`` is what ``n`` of a kind cost together, 0 for none; ``source`` is where that comes from."""

    total: Callable[[int], Decimal]
    source: str

    def of(self, ordinal: int) -> Decimal:
        """Return what the ``ordinal``-th, counted from 1, adds; it may be nothing."""
        return self.total(ordinal) - self.total(ordinal - 1)
