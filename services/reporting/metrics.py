"""Metrics of the reporting service."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from services.reporting.domain.kpis.definition import Kpi, Unit
from services.reporting.domain.kpis.figure import Figure
from shared.metrics import Metric, counter, gauge

EVENTS_ARCHIVED = counter(
    Metric(
        "kefu_events_archived_total",
        "counter",
        ("source",),
        "Events added to the archive, by the service that published them; repetitions are not counted.",
    )
)
FACTS_REBUILT = counter(
    Metric(
        "kefu_facts_rebuilt_total",
        "counter",
        ("kind",),
        "Facts written from archived events; kind is case, contact or rejection.",
    )
)
REPORTS_PUBLISHED = counter(
    Metric("kefu_reports_published_total", "counter", ("kind",), "Reports published, by kind.")
)
UNCOUNTED = counter(
    Metric(
        "kefu_matters_uncounted_total",
        "counter",
        ("kind",),
        "Times that what is archived of a matter could not be read for the figures, by the kind of matter.",
    )
)
KPI_VALUE = gauge(
    Metric(
        "kefu_kpi_value",
        "gauge",
        ("organisation", "code", "unit"),
        "A key figure in the window that runs; shares as ratios, times in seconds; nothing while there are no cases.",
    )
)
KPI_TARGET = gauge(
    Metric(
        "kefu_kpi_target",
        "gauge",
        ("organisation", "code", "unit"),
        "What a key figure is to be, in the same unit; nothing where the rulebook gives no target.",
    )
)
KPI_VERDICTS = counter(
    Metric(
        "kefu_kpi_verdicts_total",
        "counter",
        ("verdict",),
        "Verdicts on key figures whose window had ended; verdict is off or back.",
    )
)
SCORECARDS_CLOSED = counter(
    Metric("kefu_scorecards_closed_total", "counter", (), "Cards of people whose month was closed.")
)

#: The base unit of each unit, and what a figure is multiplied by to be in it.
_BASE = {
    Unit.PERCENT: ("ratio", Decimal("0.01")),
    Unit.PER_THOUSAND: ("ratio", Decimal("0.001")),
    Unit.RATIO: ("ratio", Decimal(1)),
    Unit.MINUTES: ("seconds", Decimal(60)),
    Unit.COUNT: ("count", Decimal(1)),
}


def show_figures(rows: Iterable[tuple[str, Kpi, Figure]]) -> None:
    """Show the key figures of every organisation, and no others: what is gone is shown no more."""
    KPI_VALUE.clear()
    KPI_TARGET.clear()
    for org, kpi, each in rows:
        unit, factor = _BASE[each.measure.unit]
        for metric, value in ((KPI_VALUE, each.measure.value), (KPI_TARGET, each.target)):
            if value is not None:
                metric.labels(organisation=org, code=kpi.code, unit=unit).set(float(value) * float(factor))
