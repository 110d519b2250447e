"""Sums exact to the hundredth: what rounding does, and that shares always add up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger import (
    apportion,
    exact,
    period_after,
    period_before,
    period_bounds,
    period_of,
    period_problem,
    round_down,
    round_half_up,
)

BEIJING = ZoneInfo("Asia/Shanghai")
sums = st.integers(0, 10**14).map(lambda hundredths: Decimal(hundredths) / 100)
weights = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4),
    st.integers(0, 100_000).map(lambda hundredths: Decimal(hundredths) / 100),
    min_size=1,
    max_size=40,
).filter(lambda found: sum(found.values()) > 0)


@pytest.mark.parametrize(
    ("value", "half_up", "down"),
    [("1/3", "0.33", "0.33"), ("1/200", "0.01", "0.00"), ("2/3", "0.67", "0.66"), ("400", "400.00", "400.00"),
     ("-1/200", "-0.01", "-0.01"), ("-1/300", "0.00", "-0.01"), ("1/201", "0.00", "0.00")],
)  # fmt: skip
def test_halves_go_up_and_limits_go_down(value: str, half_up: str, down: str) -> None:
    """What is charged is rounded to the nearest fen, what may at most be taken never above the limit."""
    assert str(round_half_up(Fraction(value))) == half_up
    assert str(round_down(Fraction(value))) == down


@given(total=sums, shares=weights)
def test_shares_add_up_to_the_whole_and_none_is_negative(total: Decimal, shares: dict[str, Decimal]) -> None:
    """Whatever rounding leaves over or short is somebody's, and nobody is paid for it."""
    found = apportion(total, shares)
    assert sum(found.values()) == total
    assert min(found.values()) >= 0
    assert set(found) == set(shares)


@given(total=sums, shares=weights)
def test_everybody_but_the_largest_pays_their_rounded_share(
    total: Decimal, shares: dict[str, Decimal]
) -> None:
    """The remainder is the largest share's alone as long as that can bear it."""
    found, of = apportion(total, shares), sum(map(Fraction, shares.values()))
    rounded = {key: round_half_up(Fraction(total) * Fraction(weight) / of) for key, weight in shares.items()}
    largest = min(shares, key=lambda key: (-shares[key], key))
    if rounded[largest] + total - sum(rounded.values()) >= 0:
        assert {key: found[key] for key in found if key != largest} == {
            key: rounded[key] for key in rounded if key != largest
        }


def test_the_remainder_goes_to_the_largest_share_and_on_where_that_cannot_bear_it() -> None:
    """Three equal shares of a hundred leave one fen over; nine of five fen are four short."""
    assert apportion(Decimal(100), dict.fromkeys("abc", Decimal(1))) == {
        "a": Decimal("33.34"),
        "b": Decimal("33.33"),
        "c": Decimal("33.33"),
    }
    assert apportion(Decimal(100), {"a": Decimal(1), "b": Decimal(2)}) == {
        "a": Decimal("33.33"),
        "b": Decimal("66.67"),
    }
    scarce = apportion(Decimal("0.05"), dict.fromkeys("abcdefghi", Decimal(1)))
    assert sum(scarce.values()) == Decimal("0.05")
    assert [str(scarce[key]) for key in "abcde"] == ["0.00", "0.00", "0.00", "0.00", "0.01"]


@pytest.mark.parametrize(
    ("total", "shares"),
    [("1", {}), ("1", {"a": Decimal(0)}), ("1", {"a": Decimal(2), "b": Decimal(-1)}), ("-1", {"a": Decimal(1)})],
)  # fmt: skip
def test_what_cannot_be_shared_is_refused(total: str, shares: dict[str, Decimal]) -> None:
    """No weights, only zeros, negative ones: no number comes out of it."""
    with pytest.raises(ValueError):
        apportion(Decimal(total), shares)


@pytest.mark.parametrize("value", ["1.001", "NaN", "Infinity", "1E+13", "-1E+15"])
def test_a_sum_a_ledger_cannot_hold_is_refused(value: str) -> None:
    """Three decimals are not silently rounded, and nonsense does not get in."""
    with pytest.raises(ValueError):
        exact(Decimal(value))


def test_a_sum_keeps_its_value_and_gets_two_decimals() -> None:
    """Text made of sums looks the same wherever it comes from."""
    assert [str(exact(Decimal(value))) for value in ("5", "5.0", "5E+2", "-0.10")] == [
        "5.00",
        "5.00",
        "500.00",
        "-0.10",
    ]


def test_a_month_is_that_of_the_wall_clock() -> None:
    """The last evening of March in UTC is April in Beijing; December is followed by January."""
    assert period_of(datetime(2025, 3, 31, 16, 0, tzinfo=UTC), BEIJING) == "2025-04"
    assert period_of(datetime(2025, 3, 31, 15, 59, tzinfo=UTC), BEIJING) == "2025-03"
    assert period_after("2025-12") == "2026-01"
    assert period_before("2026-01") == "2025-12"
    begin, end = period_bounds("2025-02", BEIJING)
    assert (begin.astimezone(UTC).day, end.isoformat()) == (31, "2025-03-01T00:00:00+08:00")


@pytest.mark.parametrize("text", ["2025-00", "2025-13", "1999-12", "2025-1", "2025-01 ", "", "２０２５-01"])
def test_what_is_no_month_is_told(text: str) -> None:
    """Months compare as text, so only one way of writing them is taken."""
    assert period_problem(text) is not None
    assert period_problem("2025-01") is None
