"""Use cases of people who look at figures: a month's statistics, and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.kpis.window import Window
from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.domain.statistics import MonthFacts, statistics
from services.reporting.handlers.kpis.measuring import Measuring
from shared.history import timestamp
from shared.regulations import Regulation


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The figures of one month of one organisation, JSON, with the rulebook they are measured by."""

    time_zone: str
    as_of: datetime
    regulation: Regulation[ReportingRules]
    statistics: dict[str, Any]
    kpis: list[dict[str, Any]]


class Facts(Protocol):
    """What the use cases need of the repository; stretches of time include ``begin`` and exclude ``end``."""

    def month_facts(self, org: str, begin: datetime, end: datetime) -> MonthFacts:
        """Return what came in during the stretch of time."""
        ...

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[ArchivedEvent]:
        """Return a page of the archived events about one thing, oldest first."""
        ...


class Figures:
    """The figures' use cases, each scoped to one organisation."""

    def __init__(self, repository: Facts, measuring: Measuring) -> None:
        """Compute the table from ``repository``, and key figures with ``measuring``."""
        self._repository = repository
        self._measuring = measuring

    def of_month(self, org: str, month: Month) -> MonthFigures:
        """Return all figures of ``month``; NotFound if no rulebook of the organisation was in force in it."""
        asked = self._measuring.asked(org, Window.of(str(month)))
        facts = self._repository.month_facts(org, month.begins(asked.zone), month.ends(asked.zone))
        kpis = self._measuring.month_rows(asked)
        return MonthFigures(asked.zone, asked.as_of, asked.regulation, statistics(facts), kpis)

    def statistics(self, org: str, month: Month) -> dict[str, Any]:
        """Return the month's statistics table as it stands now."""
        figures = self.of_month(org, month)
        return _heading(org, month, figures) | figures.statistics

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[dict[str, Any]]:
        """Return a page of the archived events about one case, contact or other subject, oldest first."""
        return [_event_view(event) for event in self._repository.archived(org, about, limit, skip)]


def _heading(org: str, month: Month, figures: MonthFigures) -> dict[str, Any]:
    return {
        "org": org,
        "month": str(month),
        "time_zone": figures.time_zone,
        "as_of": timestamp(figures.as_of),
    }


def _event_view(event: ArchivedEvent) -> dict[str, Any]:
    return {
        "key": event.key,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "sequence": event.sequence,
        "time": timestamp(event.time),
        "data": dict(event.data),
    }
