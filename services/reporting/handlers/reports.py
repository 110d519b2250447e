"""Use cases: publish a month's report, and read what was published."""

from __future__ import annotations

from typing import Any, Protocol

from services.reporting.domain.month import Month
from services.reporting.domain.report import MONTH_STATISTICS, Report, due_day
from services.reporting.errors import month_not_begun, no_report
from services.reporting.handlers.figures import Figures
from services.reporting.metrics import REPORTS_PUBLISHED
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict
from shared.handling import Calling
from shared.history import Cause, timestamp
from shared.ids import derived_id

_ATTEMPTS = 10


class ReportStore(Protocol):
    """What the use cases need of the repository."""

    def report(self, org: str, report_id: str) -> Report | None:
        """Return one report by its id."""
        ...

    def report_of(self, org: str, kind: str, month: str, edition: int | None) -> Report | None:
        """Return the given edition of a month's report, or the latest."""
        ...

    def add_report(self, report: Report) -> bool:
        """Keep the report; False if its id or its edition is taken."""
        ...


class Reports:
    """The reports' use cases, each scoped to the caller's organisation."""

    def __init__(self, repository: ReportStore, figures: Figures, clock: Clock) -> None:
        """Keep reports in ``repository``; their content comes from ``figures``."""
        self._repository = repository
        self._figures = figures
        self._clock = clock

    def publish(self, call: Calling, month: Month) -> dict[str, Any]:
        """Publish the figures of ``month`` as they stand now, as the next version of its report.

        A repeat of the command returns the first answer. Raises ValidationFailed for a month that has not
        begun, Conflict if the key was used for another month or too many others publish at the same time.
        """
        report_id = derived_id("rp", call.key)
        digest = digest_of({"month": str(month)})
        for _ in range(_ATTEMPTS):
            earlier = self._repository.report(call.org, report_id)
            if earlier is not None:
                answer = earlier.answer_to(call.key, digest)
                if answer is not None:
                    return dict(answer)
            report = self._next_edition(call, month, report_id)
            answer = heading(report)
            report.remember_answer(call.key, digest, answer)
            if self._repository.add_report(report):
                REPORTS_PUBLISHED.labels(kind=report.kind).inc()
                return answer
        raise Conflict(f"too many others publish the report of {month} at the same time: try again")

    def get(self, org: str, month: Month, version: int | None) -> dict[str, Any]:
        """Return a published report with its figures, the latest unless ``version`` names one."""
        report = self._repository.report_of(org, MONTH_STATISTICS, str(month), version)
        if report is None:
            raise no_report(str(month), version)
        return heading(report) | {
            "statistics": dict(report.statistics),
            "kpis": [dict(k) for k in report.kpis],
        }

    def _next_edition(self, call: Calling, month: Month, report_id: str) -> Report:
        latest = self._repository.report_of(call.org, MONTH_STATISTICS, str(month), None)
        figures = self._figures.of_month(call.org, month)
        if month > Month.containing(figures.as_of, figures.time_zone):
            raise month_not_begun(str(month))
        by_day = figures.regulation.sections.month_report_by_day
        report = Report(
            id=report_id,
            org=call.org,
            kind=MONTH_STATISTICS,
            month=str(month),
            edition=latest.edition + 1 if latest else 1,
            published_at=figures.as_of,
            time_zone=figures.time_zone,
            statistics=figures.statistics,
            kpis=figures.kpis,
            due_on=due_day(month, by_day.value if by_day else None),
        )
        report.publish(Cause(call.key, call.actor, call.traceparent))
        return report


def heading(report: Report) -> dict[str, Any]:
    """Return the JSON shape of a report without its figures; ``on_time`` is None where no day is wanted."""
    return {
        "report_id": report.id,
        "kind": report.kind,
        "month": report.month,
        "version": report.edition,
        "published_at": timestamp(report.published_at),
        "due_on": report.due_on.isoformat() if report.due_on else None,
        "on_time": report.on_time,
    }
