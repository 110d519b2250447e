"""What an organisation's rulebook says about key figures and registers, as typed immutable values."""

from __future__ import annotations

from dataclasses import dataclass

from services.reporting.domain.kpis.definition import (
    Catalogue,
    Formula,
    IndexSystem,
    Kpi,
    ReportedFigure,
)
from services.reporting.domain.obligations.definition import Obligation
from services.reporting.domain.scorecards.definition import Scorecard
from shared.registers.definition import Register
from shared.regulations.values import Sourced


@dataclass(frozen=True, slots=True)
class ReportingRules:
    """The reporting part of one version of an organisation's rulebook.

    ``month_report_by_day`` is the day of the following month by which a month's report is wanted.
    """

    kpis: tuple[Kpi, ...]
    formulas: tuple[Formula, ...] = ()
    reported_figures: tuple[ReportedFigure, ...] = ()
    index_systems: tuple[IndexSystem, ...] = ()
    month_report_by_day: Sourced[int] | None = None
    registers: tuple[Register, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    scorecards: tuple[Scorecard, ...] = ()

    @property
    def catalogue(self) -> Catalogue:
        """Return everything it says of key figures."""
        return Catalogue(self.formulas, self.kpis, self.reported_figures, self.index_systems)

    def kpi(self, code: str) -> Kpi | None:
        """Return the key figure called ``code``, or ``None`` when the rulebook does not ask for it."""
        return next((kpi for kpi in self.kpis if kpi.code == code), None)

    def obligation(self, code: str) -> Obligation | None:
        """Return the obligation called ``code``, or ``None`` when the rulebook has none."""
        return next((obligation for obligation in self.obligations if obligation.code == code), None)

    def scorecard(self, code: str) -> Scorecard | None:
        """Return the scorecard called ``code``, or ``None`` when the rulebook has none."""
        return next((scorecard for scorecard in self.scorecards if scorecard.code == code), None)

    def register(self, code: str) -> Register | None:
        """Return the register called ``code``, or ``None`` when the rulebook has none."""
        return next((register for register in self.registers if register.code == code), None)
