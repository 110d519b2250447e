from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import FixedClock, SystemClock, to_milliseconds


def test_the_machines_clock_is_aware_in_utc_and_cut_to_what_the_database_keeps() -> None:
    """A moment read back from the database equals the one that was written."""
    before = to_milliseconds(datetime.now(UTC))
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert before <= now <= datetime.now(UTC)


@settings(max_examples=50)
@given(st.datetimes(timezones=st.just(UTC)))
def test_cutting_to_milliseconds_never_moves_a_moment_forward(moment: datetime) -> None:
    """Rounding up could put what happened after a deadline's end before it, or into the next day."""
    cut = to_milliseconds(moment)
    assert cut <= moment < cut + timedelta(milliseconds=1)
    assert to_milliseconds(cut) == cut


def test_a_fixed_clock_moves_only_when_told_and_always_tells_utc_in_milliseconds() -> None:
    """Whatever zone or precision it is set with, it behaves as the machine's clock does."""
    clock = FixedClock(datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai")))
    start = datetime(2026, 3, 2, 1, 0, 0, 123000, tzinfo=UTC)
    assert [clock.now(), clock.now()] == [start, start]
    assert clock.now().tzinfo is UTC
    clock.advance(timedelta(seconds=1, microseconds=1500))
    assert clock.now() == start + timedelta(seconds=1, milliseconds=1)
    clock.set(datetime(2026, 3, 2, 9, 0, 0, 999, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert clock.now() == datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
