"""Use cases of people who look at figures: a month's statistics, key figures and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.kpi import FORMULAS, Formula, figure
from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.domain.statistics import MonthFacts, statistics
from services.reporting.errors import no_kpi
from shared.clock import Clock
from shared.history import timestamp
from shared.regulations import Regulation, Rulebooks


@dataclass(frozen=True, slots=True)
class Share:
    """What one case adds to the numerator and the denominator of a key figure."""

    case_id: str
    number: str | None
    numerator: int
    denominator: int


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

    def shares(
        self, org: str, begin: datetime, end: datetime, formula: Formula, limit: int, skip: int
    ) -> list[Share]:
        """Return a page of the cases that add to the formula's denominator, oldest first."""
        ...

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[ArchivedEvent]:
        """Return a page of the archived events about one thing, oldest first."""
        ...


class Figures:
    """The figures' use cases, each scoped to one organisation."""

    def __init__(self, repository: Facts, rulebooks: Rulebooks[ReportingRules], clock: Clock) -> None:
        """Compute from ``repository``, measure by ``rulebooks``."""
        self._repository = repository
        self._rulebooks = rulebooks
        self._clock = clock

    def of_month(self, org: str, month: Month) -> MonthFigures:
        """Return all figures of ``month``; NotFound if no rulebook of the organisation was in force in it."""
        as_of = self._clock.now()
        zone, regulation = self._zone_and_rules(org, month)
        facts = self._repository.month_facts(org, month.begins(zone), month.ends(zone))
        sums = facts.sums
        kpis = [figure(wanted, sums).as_data() for wanted in regulation.sections.kpis]
        return MonthFigures(zone, as_of, regulation, statistics(facts), kpis)

    def statistics(self, org: str, month: Month) -> dict[str, Any]:
        """Return the month's statistics table as it stands now."""
        figures = self.of_month(org, month)
        return _heading(org, month, figures) | figures.statistics

    def kpis(self, org: str, month: Month) -> dict[str, Any]:
        """Return the month's key figures as they stand now."""
        figures = self.of_month(org, month)
        heading = _heading(org, month, figures)
        return heading | {"regulation": figures.regulation.version, "kpis": figures.kpis}

    def kpi_cases(self, org: str, code: str, month: Month, limit: int, skip: int) -> dict[str, Any]:
        """Return a page of the cases a key figure counts, with what each adds to it."""
        zone, regulation = self._zone_and_rules(org, month)
        if regulation.sections.kpi(code) is None:
            raise no_kpi(code, tuple(kpi.code for kpi in regulation.sections.kpis))
        shares = self._repository.shares(
            org, month.begins(zone), month.ends(zone), FORMULAS[code], limit, skip
        )
        return {
            "org": org,
            "month": str(month),
            "code": code,
            "cases": [_share_view(share) for share in shares],
        }

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[dict[str, Any]]:
        """Return a page of the archived events about one case, contact or other subject, oldest first."""
        return [_event_view(event) for event in self._repository.archived(org, about, limit, skip)]

    def _zone_and_rules(self, org: str, month: Month) -> tuple[str, Regulation[ReportingRules]]:
        zone = self._rulebooks.organisation(org).time_zone
        # A month is measured by the rulebook it ended under.
        return zone, self._rulebooks.for_org(org, month.last_moment(zone))


def _heading(org: str, month: Month, figures: MonthFigures) -> dict[str, Any]:
    return {
        "org": org,
        "month": str(month),
        "time_zone": figures.time_zone,
        "as_of": timestamp(figures.as_of),
    }


def _share_view(share: Share) -> dict[str, Any]:
    return {
        "case_id": share.case_id,
        "number": share.number,
        "numerator": share.numerator,
        "denominator": share.denominator,
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
