"""Entry points of the reporting service: receive, call the use case, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.reporting.application import Application
from services.reporting.schemas import ArchiveQuery, MonthQuery, Nothing, ReportQuery
from services.reporting.service_kpis import KpiCalls
from services.reporting.service_obligations import ObligationCalls
from services.reporting.service_scorecards import ScorecardCalls
from shared.messaging.consumer import event_batches
from shared.messaging.delivery import Delivery
from shared.messaging.outbox import OutboxRelay
from shared.messaging.register_calls import RegisterCalls
from shared.messaging.rpc import Call, CallContext, command, query
from shared.messaging.ticker import every_tick
from shared.runner import FromRuntime

#: Roles that look at figures, and those that publish them.
READER_ROLES = ("complaint_handler", "supervisor", "manager", "system")
PUBLISHER_ROLES = ("supervisor", "manager", "system")
#: Roles that look after the figures themselves, of all organisations at once.
OPERATOR_ROLES = ("operator", "system")


class ReportingService(KpiCalls, ObligationCalls, ScorecardCalls, RegisterCalls):
    """The archive of all events, the figures computed from it, and what is written down for reports."""

    name = "reporting"

    context = CallContext()
    relay = OutboxRelay()
    app: Application = FromRuntime()

    @event_batches("intake", types=("#",))
    def on_intake_events(self, deliveries: Sequence[Delivery]) -> None:
        """Archive what intake publishes."""
        self.app.archive("intake", deliveries)

    @event_batches("complaints", types=("#",))
    def on_complaints_events(self, deliveries: Sequence[Delivery]) -> None:
        """Archive what complaints publishes."""
        self.app.archive("complaints", deliveries)

    @event_batches("followup", types=("#",))
    def on_followup_events(self, deliveries: Sequence[Delivery]) -> None:
        """Archive what followup publishes."""
        self.app.archive("followup", deliveries)

    @event_batches("reporting", types=("#",))
    def on_reporting_events(self, deliveries: Sequence[Delivery]) -> None:
        """Archive what this service itself publishes: the archive holds every event of the system."""
        self.app.archive("reporting", deliveries)

    @every_tick
    def absorb_steps(self) -> bool:
        """Add what matters changed to the sums of their days."""
        return self.app.absorb()

    @every_tick
    def go_on_rebuilding(self) -> bool:
        """Count the next part of the archive again, where somebody asked for it."""
        return self.app.rebuild()

    @every_tick
    def fire_clocks(self) -> bool:
        """Fire the clocks that have come due."""
        return self.app.fire_clocks()

    @every_tick
    def recompute_clocks(self) -> bool:
        """Compute clocks again whose calendar has a newer version."""
        return self.app.recompute_clocks()

    @command(*OPERATOR_ROLES, schema=Nothing)
    def rebuild_figures(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - no arguments
        """Count the whole archive again and put the new figures in place of the old; return how it stands."""
        return self.app.rebuild.begin(call)

    @query(*OPERATOR_ROLES, schema=Nothing)
    def get_rebuild(self, call: Call, data: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 - no arguments
        """Return how the last rebuild stands."""
        return self.app.rebuild.standing()

    @query(*READER_ROLES, schema=MonthQuery)
    def month_statistics(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the statistics table of a month as it stands now."""
        return self.app.figures.statistics(call.org, data["month"])

    @query(*READER_ROLES, schema=ArchiveQuery)
    def list_archive(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the archived events about one case, contact or other subject, oldest first."""
        return self.app.figures.archived(call.org, **data)

    @command(*PUBLISHER_ROLES, schema=MonthQuery)
    def publish_month_report(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Publish the figures of a month as they stand now, as the next version of its report."""
        return self.app.reports.publish(call, data["month"])

    @query(*READER_ROLES, schema=ReportQuery)
    def get_report(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a published report with its figures."""
        return self.app.reports.get(call.org, data["month"], data["version"])
