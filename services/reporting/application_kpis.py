"""Builds the use cases of key figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.kpis.judging import JudgeFigures
from services.reporting.handlers.kpis.measuring import Matters, Measuring, Numbers, ReadSums
from services.reporting.handlers.kpis.stating import ReportFigure
from services.reporting.kpis_kept import StatementsKept, VerdictsKept
from services.reporting.metrics import show_figures
from services.reporting.settings import FIGURES_EVERY_SECONDS
from shared.mongo.runtime import Runtime
from shared.regulations import Rulebooks
from shared.ruling import Rules


@dataclass(frozen=True, slots=True)
class Kpis:
    """Key figures; ``judge`` is one round of the timer."""

    measuring: Measuring
    report: ReportFigure
    judge: JudgeFigures


def build_kpis(
    runtime: Runtime,
    rulebooks: Rulebooks[ReportingRules],
    rules: Rules[ReportingRules],
    organisations: Sequence[str],
    read: ReadSums,
    matters: Callable[[], Matters],
    numbers: Numbers,
) -> Kpis:
    """Ensure the indexes and wire the use cases; ``matters`` gives what of them is in force when it is asked."""
    statements, verdicts = StatementsKept(runtime), VerdictsKept(runtime)
    statements.ensure_indexes()
    verdicts.ensure_indexes()
    measuring = Measuring(read, matters, numbers, rulebooks, runtime.clock)
    every = timedelta(seconds=FIGURES_EVERY_SECONDS)
    return Kpis(
        measuring=measuring,
        report=ReportFigure(statements, rules, runtime.clock),
        judge=JudgeFigures(
            verdicts, measuring, organisations, runtime.clock, runtime.ids, show_figures, every
        ),
    )
