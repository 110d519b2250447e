"""The key figures: what each divides by what, measured against the organisation's target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.reporting.domain.rulebook import KpiTarget

_SHOWN = Decimal("0.1")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Formula:
    """A share: ``numerator`` of ``denominator``, both names of counts in a tally."""

    numerator: str
    denominator: str


#: Every key figure a rulebook may ask for, by its code.
FORMULAS: dict[str, Formula] = {
    # Closed cases none of whose handling deadlines were breached, of all closed cases.
    "handled_on_time": Formula("closed_on_time", "closed"),
    # Valid cases that are answered or closed now, of all valid cases.
    "valid_complaints_handled": Formula("valid_settled", "valid"),
    # Valid cases somebody was called back about, of the valid cases that were ever answered.
    "callback_rate": Formula("valid_handled_called_back", "valid_handled"),
    # The same over valid and invalid cases.
    "callback_rate_of_handled": Formula("handled_called_back", "handled"),
    # Callbacks whose outcome is satisfied, of all callbacks made.
    "satisfaction": Formula("callbacks_satisfied", "callbacks_made"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure of one month; ``percent`` is exact, None when there is nothing to divide by."""

    wanted: KpiTarget
    numerator: int
    denominator: int

    @property
    def percent(self) -> Decimal | None:
        """Return the share in percent, not rounded."""
        return _HUNDRED * self.numerator / self.denominator if self.denominator else None

    @property
    def met(self) -> bool | None:
        """Tell whether the exact share meets the target; None without a target or without a share."""
        return None if self.percent is None else self.wanted.met_by(self.percent)

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape: percent and target as decimal text, percent rounded half up to one place."""
        target, percent = self.wanted.target, self.percent
        return {
            "code": self.wanted.code,
            "name": self.wanted.name,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "percent": None if percent is None else str(percent.quantize(_SHOWN, ROUND_HALF_UP)),
            "target": None if target is None else str(target.value),
            "comparison": self.wanted.comparison.value,
            "met": self.met,
            "source": self.wanted.source,
        }


def figure(wanted: KpiTarget, sums: Mapping[str, int]) -> Figure:
    """Return the key figure ``wanted`` from a month's sums; KeyError for a code without a formula."""
    formula = FORMULAS[wanted.code]
    return Figure(wanted, sums[formula.numerator], sums[formula.denominator])
