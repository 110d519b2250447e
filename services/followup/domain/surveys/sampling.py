"""Drawing a stratified sample (分层抽样) in pages: seeded, reproducible, and every share exact."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

_BITS = 128


@dataclass(frozen=True, slots=True)
class Stratum:
    """One layer of the people: how many there are, how many are wanted, seen and chosen so far."""

    code: str
    size: int
    share: int = 0
    seen: int = 0
    chosen: int = 0


def wanted(population: int, size: int | None, percent: Decimal | None) -> int:
    """Return how many are to be asked: ``percent`` of all, rounded up, or ``size``, or all; at most everybody."""
    if percent is not None:
        return min(population, int((percent * population / 100).to_integral_value(ROUND_CEILING)))
    return population if size is None else min(population, size)


def allocate(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """Return how many of each stratum are asked so that there are ``total`` in all.

    Largest remainders (最大余数法): each gets its exact share rounded down, and what is left goes to the largest
    remainders, of equal ones to the larger stratum and then by code.
    """
    population = sum(sizes.values())
    if not population:
        return dict.fromkeys(sizes, 0)
    total = min(total, population)
    parts = {code: divmod(size * total, population) for code, size in sizes.items()}
    left = total - sum(whole for whole, _ in parts.values())
    ranked = sorted(parts, key=lambda code: (-parts[code][1], -sizes[code], code))
    return {code: whole + (code in ranked[:left]) for code, (whole, _) in parts.items()}


def draw(stratum: Stratum, seed: str, person: str) -> tuple[Stratum, bool]:
    """Return the stratum after looking at the next of its people, and whether that one is chosen.

    Selection sampling: each is taken with the chance that fills the share exactly by the last one, so all have the
    same chance. The lot depends on ``seed`` and ``person`` alone. Who joined after the count is not taken.
    """
    left = stratum.size - stratum.seen
    if left <= 0:
        return stratum, False
    lot = int.from_bytes(hashlib.sha256(f"{len(seed)}:{seed}{person}".encode()).digest()[: _BITS // 8])
    taken = lot * left < (stratum.share - stratum.chosen) << _BITS
    return replace(stratum, seen=stratum.seen + 1, chosen=stratum.chosen + taken), taken
