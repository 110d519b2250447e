"""Published reports: the figures of a month as they stood when published, never changed after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.reporting.domain.month import Month
from shared.aggregate import Aggregate
from shared.history import Cause

MONTH_STATISTICS = "month_statistics"


@dataclass(kw_only=True)
class Report(Aggregate):
    """One published report.

    ``edition`` counts the publications of the same kind and month from 1. ``statistics`` and ``kpis`` are
    JSON. ``due_on`` is the last local day on which the rulebook wants the report, None when it names none.
    """

    kind: str
    month: str
    edition: int
    published_at: datetime
    time_zone: str
    statistics: Mapping[str, Any]
    kpis: Sequence[Mapping[str, Any]]
    due_on: date | None = None

    @property
    def on_time(self) -> bool | None:
        """Tell whether it was published by the end of the local day ``due_on``; None when no day is."""
        if self.due_on is None:
            return None
        return self.published_at.astimezone(ZoneInfo(self.time_zone)).date() <= self.due_on

    def publish(self, cause: Cause) -> None:
        """Record the publication."""
        data = {
            "report_id": self.id,
            "org": self.org,
            "kind": self.kind,
            "month": self.month,
            "version": self.edition,
        }
        self.record("report_published", data, at=self.published_at, cause=cause)
        self.mark_processed(cause.message_id)


def due_day(month: Month, by_day: int | None) -> date | None:
    """Return the day by which the report of ``month`` is wanted: day ``by_day`` of the month after it."""
    return None if by_day is None else month.next.day(by_day)
