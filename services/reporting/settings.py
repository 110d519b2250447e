"""Settings of the reporting service beside those every service has."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.settings import ServiceSettings, seconds, variable

#: Cases whose archived events are read with one question.
CASES_AT_ONCE = 100
#: Events archived in one go; a batch of digests may hold very many.
EVENTS_AT_ONCE = 1000
#: Rows of one page of a list.
PAGE = 200
LARGEST_PAGE = 1000
#: How often key figures are judged and shown.
FIGURES_EVERY_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class ReportingSettings(ServiceSettings):
    """Reporting may lag a little behind: fewer, larger batches leave the database to those who cannot wait."""

    batch_wait: float = field(default=0.25, metadata=variable(seconds(0, 10)))


__all__ = [
    "CASES_AT_ONCE",
    "EVENTS_AT_ONCE",
    "FIGURES_EVERY_SECONDS",
    "LARGEST_PAGE",
    "PAGE",
    "ReportingSettings",
    "ServiceSettings",
]
