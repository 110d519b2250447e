"""The month's statistics table (投诉统计表): contacts, rejected events, cases and callbacks in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.reporting.domain.tally import total

_CASES = (
    "received",
    "valid",
    "refused",
    "undecided",
    "open",
    "replied",
    "closed",
    "overdue",
    "late",
    "reopened",
    "escalated",
)
_CALLBACKS = ("scheduled", "made", "satisfied", "overdue")


@dataclass(frozen=True, slots=True)
class ContactCount:
    """How many contacts of one category came in through one channel."""

    category: str
    channel: str
    count: int


@dataclass(frozen=True, slots=True)
class LevelSums:
    """The tallies of all cases of one level, added up."""

    level: str | None
    sums: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """Everything the figures of one month are computed from."""

    contacts: Sequence[ContactCount]
    levels: Sequence[LevelSums]
    rejected_events: int

    @property
    def sums(self) -> dict[str, int]:
        """Return the tallies of all cases, added up."""
        return total(level.sums for level in self.levels)


def statistics(facts: MonthFacts) -> dict[str, Any]:
    """Return the month's table as JSON: lists are sorted, the largest count first, then by code."""
    sums = facts.sums
    return {
        "contacts": {
            "total": sum(row.count for row in facts.contacts),
            "by_category": _rows("category", ((row.category, row.count) for row in facts.contacts)),
            "by_channel": _rows("channel", ((row.channel, row.count) for row in facts.contacts)),
        },
        "rejected_events": facts.rejected_events,
        "cases": {name: sums[name] for name in _CASES}
        | {
            "by_level": _rows(
                "level", ((row.level or "", row.sums.get("received", 0)) for row in facts.levels)
            )
        },
        "callbacks": {name: sums[f"callbacks_{name}"] for name in _CALLBACKS},
    }


def _rows(name: str, counts: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    added: Counter[str] = Counter()
    for code, count in counts:
        added[code] += count
    ordered = sorted(added.items(), key=lambda row: (-row[1], row[0]))
    return [{name: code, "count": count} for code, count in ordered]
