"""Sums exact to the hundredth: rounding is always said out loud, and shares add up to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

#: Nothing, in the one shape sums have here: two decimals.
ZERO = Decimal("0.00")

_HUNDREDTHS = 100
#: Beyond it a sum is a slip of the pen; see ``exact``.
_LARGEST = Decimal(10) ** 13


def exact(value: Decimal) -> Decimal:
    """Return ``value`` with two decimals; ValueError where that would change it, or it is none or too large."""
    if not value.is_finite() or abs(value) >= _LARGEST:
        raise ValueError(f"{value} is no sum a ledger can hold")
    hundredths = Fraction(value) * _HUNDREDTHS
    if hundredths.denominator != 1:
        raise ValueError(f"{value} has more than two decimals")
    return _sum_of(int(hundredths))


def round_half_up(value: Fraction) -> Decimal:
    """Return ``value`` to the hundredth, halves away from zero."""
    hundredths = (abs(value) * _HUNDREDTHS * 2 + 1) // 2
    return _sum_of(int(hundredths) if value >= 0 else -int(hundredths))


def round_down(value: Fraction) -> Decimal:
    """Return the largest sum in hundredths that is not above ``value``."""
    return _sum_of((value * _HUNDREDTHS).__floor__())


def apportion(total: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return each key's share of ``total`` by its weight; the shares add up to ``total`` to the hundredth.

    Each share is rounded half up; what that leaves over or short goes to the largest weight. Among equal ones
    the first key in alphabetical order counts as the largest. A share never falls below zero: what the
    largest cannot bear passes on to the next. ``total`` and the weights are not negative; ValueError unless
    there is a weight above zero.
    """
    whole, of = exact(total), sum(map(Fraction, weights.values()), Fraction(0))
    if of <= 0 or min(weights.values()) < 0 or whole < 0:
        raise ValueError("shares need a total and weights that are not negative, one of them above zero")
    shares = {key: round_half_up(Fraction(whole) * Fraction(weight) / of) for key, weight in weights.items()}
    rest = whole - sum(shares.values(), ZERO)
    for key in sorted(weights, key=lambda key: (-weights[key], key)):
        taken = max(rest, -shares[key])
        shares[key] += taken
        rest -= taken
    return shares


def _sum_of(hundredths: int) -> Decimal:
    sign = 1 if hundredths < 0 else 0
    return Decimal((sign, tuple(map(int, str(abs(hundredths)))), -2))
