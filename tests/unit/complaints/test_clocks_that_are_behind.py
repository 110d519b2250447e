"""Which clocks are behind is asked of the database in ranges; they must leave out what is current and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.mongo.kept import between

#: Calendars as ``<organisation>/<version>``, alike enough to lie next to each other.
CALENDARS = st.from_regex(r"[ab0][ab/-]{0,3}", fullmatch=True)


@given(st.sets(CALENDARS, max_size=5), CALENDARS)
def test_every_calendar_but_the_current_ones_lies_in_exactly_one_stretch(
    current: set[str], calendar: str
) -> None:
    """A clock of a replaced calendar is found, whatever its name, and one that is up to date never is."""
    stretches = [bounds for bounds in between(current) if bounds[0] <= calendar < bounds[1]]
    assert len(stretches) == (calendar not in current)


def test_with_no_calendar_in_use_every_one_is_behind() -> None:
    """An organisation that was taken away leaves no gap."""
    assert list(between(())) == [("", "~")]
