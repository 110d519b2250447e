"""Paging through long lists by both ends of each page, for servers that else read to the end of the list for one.

Some servers take no order from an index where there is a condition: they read everything behind the first id of a
page and sort it, so that going through a list costs the square of its length. What lies between two ids they find.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

#: How many pages one look ahead marks off.
AHEAD = 50
#: How many lists are remembered; of more, the one that was asked for longest ago is looked at again.
_LISTS = 64


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one look behind ``after`` found: the last ids of the pages, and whether the list ends behind the last."""

    after: str
    ends: tuple[str, ...]
    over: bool


class Stretches:
    """Where the next pages of lists end."""

    def __init__(self) -> None:
        """Know of no list yet."""
        self._looked: OrderedDict[Hashable, _Looked] = OrderedDict()

    def end(self, key: Hashable, after: str, size: int, ids: Callable[[int], list[str]]) -> str | None:
        """Return the id that about ``size`` rows behind ``after`` end with; None when all that is left is no more.

        ``ids`` returns the first so many ids behind ``after``, in order. It is asked at most once.
        """
        looked = self._looked.get((key, size))
        end = None if looked is None else _next(looked, after)
        if looked is None or not (end or looked.over) or after < looked.after:
            found = ids(AHEAD * size)
            looked = _Looked(after, tuple(found[size - 1 :: size]), over=len(found) < AHEAD * size)
            self._looked[key, size] = looked
            end = _next(looked, after)
        self._looked.move_to_end((key, size))
        if len(self._looked) > _LISTS:
            self._looked.popitem(last=False)
        return end


def _next(looked: _Looked, after: str) -> str | None:
    place = bisect_right(looked.ends, after)
    return looked.ends[place] if place < len(looked.ends) else None
