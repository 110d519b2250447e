"""Campaigns (活动, 群发): one kind of message or task for everybody who is chosen, in pages, each person once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.aggregate import Aggregate
from shared.history import Cause, timestamp


class CampaignState(StrEnum):
    """Where a campaign stands."""

    RUNNING = "running"
    DONE = "done"


@dataclass(kw_only=True)
class Campaign(Aggregate):
    """One run of the kind ``kind`` for its ``occasion``; both together are there once.

    ``cursor`` is the last person dealt with. ``chosen`` counts those the rules choose, of whom ``sent`` got
    something and the others were skipped by reason. ``next_at`` is when the timer goes on; None when it is done.
    """

    kind: str
    occasion: str
    regulation: str
    where: dict[str, str]
    variables: dict[str, str]
    customer_id: str | None
    started_by: str
    started_at: datetime
    next_at: datetime | None
    cursor: str | None = None
    chosen: int = 0
    sent: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    finished_at: datetime | None = None

    @property
    def state(self) -> CampaignState:
        """Return where it stands."""
        return CampaignState.RUNNING if self.finished_at is None else CampaignState.DONE

    def start(self, cause: Cause) -> None:
        """Record that it begins."""
        data = {
            **self._head(),
            "by": self.started_by,
            "begins_at": timestamp(self.next_at or self.started_at),
        }
        self.record("campaign_started", data, at=self.started_at, cause=cause)

    def wait(self, until: datetime) -> None:
        """Go on at ``until``: nobody is disturbed before."""
        self.next_at = until

    def dealt_with(self, last: str, sent: int, skipped: Mapping[str, int]) -> None:
        """Count a page whose last person is ``last``."""
        self.cursor = last
        self.sent += sent
        self.chosen += sent + sum(skipped.values())
        for reason, number in skipped.items():
            self.skipped[reason] = self.skipped.get(reason, 0) + number

    def finish(self, at: datetime, cause: Cause) -> None:
        """Record that everybody was dealt with."""
        self.finished_at, self.next_at = at, None
        self.record("campaign_finished", {**self._head(), **self.counts()}, at=at, cause=cause)

    def counts(self) -> dict[str, Any]:
        """Return how many were chosen, got something and were skipped, by reason."""
        skipped = [{"reason": reason, "number": number} for reason, number in sorted(self.skipped.items())]
        return {"chosen": self.chosen, "sent": self.sent, "skipped": skipped}

    def _head(self) -> dict[str, Any]:
        return {"campaign_id": self.id, "kind": self.kind, "occasion": self.occasion}
