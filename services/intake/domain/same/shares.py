"""Dividing what cannot be cut: whole shares by weights, the largest remainders rounded up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def shares(total: int, weights: Sequence[int], most: Sequence[int | None] = ()) -> list[int]:
    """Return how many of ``total`` fall to each of ``weights``, by the largest remainder; the first wins a tie.

    ``most`` bounds single shares, and what is above a bound goes to the others. Only where all bounds together
    are below ``total`` do the shares add up to less.
    """
    bounds = list(most) or [None] * len(weights)
    given: list[int] = [0] * len(weights)
    left, open_ = total, [index for index, weight in enumerate(weights) if weight > 0]
    while left and open_:
        whole = sum(weights[index] for index in open_)
        exact = {index: Fraction(left * weights[index], whole) for index in open_}
        full = [index for index in open_ if _above(exact[index], bounds[index], given[index])]
        if full:
            for index in full:
                bound = bounds[index] or 0
                left -= bound - given[index]
                given[index] = bound
            open_ = [index for index in open_ if index not in full]
            continue
        part = {index: int(exact[index]) for index in open_}
        by_remainder = sorted(open_, key=lambda index: (part[index] - exact[index], index))
        for index in by_remainder[: left - sum(part.values())]:
            part[index] += 1
        for index in open_:
            given[index] += part[index]
        left = 0
    return given


def _above(share: Fraction, bound: int | None, given: int) -> bool:
    """Return whether a share, rounded up, could go above its bound."""
    return bound is not None and given + -(-share.numerator // share.denominator) > bound
