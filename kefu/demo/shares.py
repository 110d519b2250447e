"""Dividing a number of things by weights, so that a seed changes who gets what but never how many."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random


def allot(weights: Mapping[str, int], total: int, rng: Random) -> list[str]:
    """Return ``total`` names in random order: each at least once, the others as the weights say.

    What whole numbers leave over goes to the largest remainders, the earlier name first. With fewer
    things than names only the heaviest names get one.
    """
    once = sorted(weights, key=lambda name: -weights[name])[:total]
    shares = {name: divmod((total - len(once)) * weights[name], sum(weights.values())) for name in once}
    names = [name for name in once for _ in range(1 + shares[name][0])]
    names += sorted(once, key=lambda name: -shares[name][1])[: total - len(names)]
    rng.shuffle(names)
    return names
