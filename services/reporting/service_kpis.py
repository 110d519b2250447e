"""Entry points of the reporting service about key figures; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.reporting.application import Application
from services.reporting.schemas_kpis import ExplainKpiQuery, FigureReport, KpiCasesQuery, KpisQuery
from shared.messaging.rpc import Call, command, query

#: Who looks at key figures, and which systems and people state those measured elsewhere.
_READERS = ("complaint_handler", "supervisor", "manager", "system")
_STATERS = ("system", "manager")


class KpiCalls:
    """Key figures, what is behind them, and those that other systems measure."""

    app: Application

    @query(*_READERS, schema=KpisQuery)
    def kpis(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the key figures of a window as they stand now, beside their targets and the windows before."""
        return self.app.kpis.measuring.kpis(call.org, data)

    @query(*_READERS, schema=KpiCasesQuery)
    def kpi_cases(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the matters a key figure counts, with what each adds to it."""
        return self.app.kpis.measuring.kpi_cases(call.org, data)

    @query(*_READERS, schema=ExplainKpiQuery)
    def explain_kpi(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return how a key figure comes about: formula, sums, trend, and the matters behind it."""
        return self.app.kpis.measuring.explain(call.org, data)

    @command(*_STATERS, schema=FigureReport)
    def report_figure(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take what another system measured for one window; said again for the same window, it is corrected."""
        return self.app.kpis.report(call, data)
