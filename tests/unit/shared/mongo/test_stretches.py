"""Pages bounded at both ends: whatever joins or leaves meanwhile, who is there all the time is seen once."""

from __future__ import annotations

from bisect import bisect_right
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from shared.mongo.stretches import AHEAD, Stretches

_ids = st.sets(st.integers(0, 400).map(lambda number: f"id_{number:03}"))


class List:
    """A list of ids that others change, paged through as a store does it."""

    def __init__(self, ids: set[str]) -> None:
        self.ids = ids
        self.looks = 0
        self._stretches = Stretches()

    def page(self, after: str, size: int) -> list[str]:
        found: list[str] = []
        end: str | None = after
        while end is not None and len(found) < size:
            after = end
            end = self._stretches.end("list", after, size, partial(self._next, after))
            row = [each for each in self._behind(after) if end is None or each <= end]
            found += row[: size - len(found)]
        return found

    def _next(self, after: str, limit: int) -> list[str]:
        self.looks += 1
        return self._behind(after)[:limit]

    def _behind(self, after: str) -> list[str]:
        ordered = sorted(self.ids)
        return ordered[bisect_right(ordered, after) :]


@given(_ids, st.lists(st.tuples(_ids, _ids), max_size=8), st.integers(1, 7))
def test_who_stays_is_seen_once_and_in_order(
    stays: set[str], changes: list[tuple[set[str], set[str]]], size: int
) -> None:
    """Promise: a short page is the last one, and nobody who is there throughout is missed or seen twice."""
    listed = List(set(stays))
    seen: list[str] = []
    after, waiting = "", list(changes)
    while True:
        page = listed.page(after, size)
        seen += page
        if len(page) < size:
            break
        after = page[-1]
        if waiting:
            joining, leaving = waiting.pop()
            listed.ids = (listed.ids | joining) - (leaving - stays)
    assert seen == sorted(set(seen))
    assert stays <= set(seen)


def test_a_long_list_is_looked_ahead_in_once_in_many_pages() -> None:
    """Promise: of a list of so many pages only every AHEAD-th asks for what is behind without an end."""
    listed = List({f"id_{number:05}" for number in range(6 * AHEAD)})
    after, pages = "", 0
    while page := listed.page(after, 2):
        after, pages = page[-1], pages + 1
    assert pages == 3 * AHEAD
    # The last look finds that nothing is left.
    assert listed.looks == 3 + 1
