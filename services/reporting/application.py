"""The composition root of the reporting service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.figures import Figures
from services.reporting.handlers.reports import Reports
from services.reporting.repository import ReportingRepository
from services.reporting.rulebook import load_rulebooks
from shared.mongo.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    archive: ArchiveEvents
    figures: Figures
    reports: Reports


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    repository = ReportingRepository(runtime)
    repository.ensure_indexes()
    figures = Figures(repository, rulebooks, runtime.clock)
    return Application(
        archive=ArchiveEvents(repository, runtime.clock),
        figures=figures,
        reports=Reports(repository, figures, runtime.clock),
    )
