"""What an organisation's rulebook says about key figures and registers, as typed immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.reporting.domain.obligations.definition import Obligation
from shared.registers.definition import Register
from shared.regulations.values import Sourced


class Comparison(StrEnum):
    """On which side of its target a figure has to be."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class KpiTarget:
    """A key figure in percent: code, Chinese name, the rule that asks for it, its target if any."""

    code: str
    name: str
    comparison: Comparison
    source: str
    target: Sourced[Decimal] | None = None

    def met_by(self, percent: Decimal) -> bool | None:
        """Tell whether ``percent``, unrounded, meets the target; ``None`` without a target."""
        if self.target is None:
            return None
        if self.comparison is Comparison.AT_LEAST:
            return percent >= self.target.value
        if self.comparison is Comparison.AT_MOST:
            return percent <= self.target.value
        return percent < self.target.value


@dataclass(frozen=True, slots=True)
class ReportingRules:
    """The reporting part of one version of an organisation's rulebook.

    ``month_report_by_day`` is the day of the following month by which a month's report is wanted.
    """

    kpis: tuple[KpiTarget, ...]
    month_report_by_day: Sourced[int] | None = None
    registers: tuple[Register, ...] = ()
    obligations: tuple[Obligation, ...] = ()

    def kpi(self, code: str) -> KpiTarget | None:
        """Return the key figure called ``code``, or ``None`` when the rulebook does not ask for it."""
        return next((kpi for kpi in self.kpis if kpi.code == code), None)

    def obligation(self, code: str) -> Obligation | None:
        """Return the obligation called ``code``, or ``None`` when the rulebook has none."""
        return next((obligation for obligation in self.obligations if obligation.code == code), None)

    def register(self, code: str) -> Register | None:
        """Return the register called ``code``, or ``None`` when the rulebook has none."""
        return next((register for register in self.registers if register.code == code), None)
