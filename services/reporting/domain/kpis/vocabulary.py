"""What can be counted: the names that each kind of matter gives its counts, and the dimensions it is split by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.reporting.domain.tally import COUNTED


class Dimension(StrEnum):
    """What counts are split by: a sort of matter, a unit, a level, a person, a channel, a project."""

    CATEGORY = "category"
    UNIT = "unit"
    LEVEL = "level"
    PERSON = "person"
    CHANNEL = "channel"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The counts of one kind of matter: fixed ``names``, and ``stems`` that a code follows after a point."""

    dimensions: frozenset[Dimension]
    names: frozenset[str]
    stems: frozenset[str] = frozenset()

    def knows(self, count: str) -> bool:
        """Tell whether a matter of this kind may add to ``count``."""
        stem, point, rest = count.partition(".")
        return count in self.names or (stem in self.stems and bool(point) and bool(rest))


def _of(dimensions: str, names: str, stems: str = "") -> Vocabulary:
    split = frozenset(Dimension(name) for name in dimensions.split())
    return Vocabulary(split, frozenset(names.split()), frozenset(stems.split()))


VOCABULARY: Mapping[str, Vocabulary] = {
    "cases": _of(
        "level", " ".join((*COUNTED, "responded", "minutes_to_response", "answered", "minutes_to_answer"))
    ),
    "requests": _of(
        "category unit person level channel project",
        "opened passed passes repeated done done_on_time first_contact minutes",
    ),
    "callbacks": _of(
        "category channel person",
        "due superseded given_up passed made made_on_time satisfied",
        "outcome",
    ),
    "surveys": _of("category channel", "asked answered", "scored sum score"),
    "quality": _of("category person", "scored passed points of faults"),
    "visits": _of("category unit", "opened", "state done"),
    "customers": _of(
        "category",
        "registered grade lifecycle confirmed reviewed",
        "grade lifecycle",
    ),
    "records": _of("category unit person project", "opened", "state sum is filled flag"),
    "figures": _of("category level unit person project", "stated numerator denominator value"),
}
