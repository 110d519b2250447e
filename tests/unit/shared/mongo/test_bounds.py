"""Bounds that hold on every server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.mongo.bounds import at_most

moments = st.integers(0, 4_102_444_800_000).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)


@given(bound=moments, milliseconds=st.integers(-3, 3))
def test_an_instant_lies_within_if_it_is_the_bound_or_before(bound: datetime, milliseconds: int) -> None:
    """What is kept is kept to the millisecond; nothing lies between a bound and the next."""
    kept = bound + timedelta(milliseconds=milliseconds)
    assert (kept < at_most(bound)["$lt"]) == (kept <= bound)


@given(bound=st.text(), kept=st.text())
def test_a_text_lies_within_if_it_is_the_bound_or_before(bound: str, kept: str) -> None:
    """No text stands between one and the same with a null behind it."""
    assert (kept < at_most(bound)["$lt"]) == (kept <= bound)
