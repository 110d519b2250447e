"""How a card is shown: every line with what it came to and why, JSON, numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.reporting.domain.scorecards.card import Card, LineResult, Occurrence
from services.reporting.domain.scorecards.closed import Adjustment
from services.reporting.domain.scorecards.definition import Consequence, Unit

_CENT = Decimal("0.01")


def number(value: Decimal | None, unit: Unit) -> str | None:
    """Return points without needless zeros, yuan to the fen."""
    if value is None:
        return None
    if unit is Unit.YUAN:
        return str(value.quantize(_CENT, ROUND_HALF_UP))
    return f"{value.normalize() + 0:f}"


def card_view(
    card: Card, adjustments: Sequence[Adjustment], total: Decimal | None, follows: Sequence[Consequence]
) -> dict[str, Any]:
    """Return the shape of what a card says; ``empty`` tells that nothing at all was reported of the month."""
    unit, begins = card.scorecard.unit, card.scorecard.begins
    return {
        "scorecard": card.scorecard.code,
        "name": card.scorecard.name,
        "unit": unit.value,
        "facts": card.facts,
        "empty": card.facts == 0 and not adjustments,
        "begins": number(begins.value, unit) if begins else None,
        "lines": [_line(line, unit) for line in card.lines],
        "adjustments": [{"month": each.month, "amount": number(each.amount, unit)} for each in adjustments],
        "total": number(total, unit),
        "consequences": [
            {"consequence": each.code, "name": each.name, "months": each.months, "source": each.source}
            for each in follows
        ],
    }


def _line(result: LineResult, unit: Unit) -> dict[str, Any]:
    line, step = result.line, result.step
    return {
        "line": line.code,
        "name": line.name,
        "source": line.source,
        "amount": number(result.amount, unit),
        "counted": result.counted,
        "free": len(result.occurrences) - result.counted,
        "step": {"at": step.at, "total": number(step.total, unit), "source": step.source} if step else None,
        "parts": [
            {"figure": figure, "value": None if value is None else f"{value:f}", "weight": f"{weight:f}"}
            for figure, value, weight in result.parts
        ],
        "occurrences": [_occurrence(each, unit) for each in result.occurrences],
    }


def _occurrence(each: Occurrence, unit: Unit) -> dict[str, Any]:
    return {
        "record_id": each.fact.id,
        "day": each.fact.day.isoformat(),
        "place": each.place,
        "quantity": f"{each.fact.quantity:f}",
        "free": each.free,
        "amount": number(each.amount, unit),
        "source": each.source,
    }
