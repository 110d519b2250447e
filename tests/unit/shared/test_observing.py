"""Gauges of what there is now: looked at once a minute, and never showing what is there no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.metrics import REGISTRY, Metric, MetricMisdeclared, declare, gauge
from shared.observing import AGES, Board, Observe, age_of, stretches

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_a_look_is_taken_once_a_minute_and_at_once_after_the_clock_was_set_back() -> None:
    """Promise: however often the timer comes round, the database is asked once a minute."""
    clock = FixedClock(NOW)
    looks: list[datetime] = []
    observe = Observe([looks.append], clock)
    for step in (0, 59, 1, 59, -600):
        clock.advance(timedelta(seconds=step))
        assert observe() is False
    assert looks == [NOW, NOW + timedelta(seconds=60), NOW + timedelta(seconds=60 + 59 - 600)]


def test_what_is_there_no_longer_is_taken_off() -> None:
    """Promise: no old figure stays on a dashboard."""
    name = f"kefu_test_x{uuid4().hex}"
    board = Board(gauge(Metric(name, "gauge", ("level",), "A test.")))
    board.show({("low",): 3, ("high",): 1})
    board.show({("high",): 2})
    assert REGISTRY.get_sample_value(name, {"level": "low"}) is None
    assert REGISTRY.get_sample_value(name, {"level": "high"}) == 2


@given(st.integers(1, 3_000_000))
def test_what_is_overdue_has_exactly_one_age(seconds: int) -> None:
    """Promise: counted by stretches or one by one, it is the same age."""
    due_at = NOW - timedelta(seconds=seconds)
    within = [age for age, first, last in stretches(NOW) if first < due_at <= last]
    assert within == [age_of(due_at - timedelta(microseconds=1), NOW)]
    assert within[0] in AGES


def test_only_a_gauge_may_be_apart_by_organisation() -> None:
    """Promise: nothing that is kept for ever grows by organisation and by something else at once."""
    with pytest.raises(MetricMisdeclared, match="gauge"):
        declare(Metric(f"kefu_test_x{uuid4().hex}_total", "counter", ("organisation",), "A test."))
