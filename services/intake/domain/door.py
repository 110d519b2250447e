"""The door for other systems: how much of what cannot be taken is kept of one publisher, and what is only counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.aggregate import Aggregate
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced

#: Events not kept are remembered by their ids for as long as the broker might deliver one of them again.
_REMEMBERED = 5_000

#: What an event is called by the contract, and where the contract is explained.
CONTRACT = "urn:kefu:contact.received:1 (docs/publishing.md)"


@dataclass(frozen=True, slots=True)
class Door:
    """How many refused events of one publisher are kept in an hour, each with its own answer."""

    rejected_an_hour: Sourced[int]


@dataclass(kw_only=True)
class Throttle(Aggregate):
    """One hour of one publisher: the refused events beyond the limit, counted in one record.

    Each counts once, however often the broker delivers it. The publisher is told once.
    """

    publisher: str
    hour: datetime
    limit: int
    source: str
    over: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def count(self, refused: Mapping[str, Sequence[str]], at: datetime, cause: Cause) -> int:
        """Count ``refused`` events by id, each with the fields that were wrong; return how many were new."""
        before, known = self.over, set(self.seen)
        for event_id, wrong in refused.items():
            if event_id in known:
                continue
            self.over += 1
            self.seen.append(event_id)
            for name in dict.fromkeys(wrong):
                self.fields[name] = self.fields.get(name, 0) + 1
        self.seen = self.seen[-_REMEMBERED:]
        if before == 0 and self.over:
            data = {
                "throttle_id": self.id,
                "publisher": self.publisher,
                "hour": timestamp(self.hour),
                "limit": self.limit,
                "over": self.over,
                "contract": CONTRACT,
                "source": self.source,
            }
            self.record("publisher_throttled", data, at=at, cause=cause)
        return self.over - before
