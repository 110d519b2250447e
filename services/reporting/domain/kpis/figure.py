"""Computing key figures: sums of the cells of a window, what they give, and how that stands to the target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from services.reporting.domain.counting.cells import Amounts, Cell
from services.reporting.domain.kpis.definition import (
    Catalogue,
    Comparison,
    Days,
    Formula,
    Kpi,
    Term,
    Unit,
)
from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Window

#: Decimals shown; more where fewer would show the figure on the other side of its target.
_PLACES, _MOST_PLACES = 1, 6
#: Stands for all days before a window.
_BEFORE = "0001-01-01"

#: What was counted, by kind: the cells of one organisation with their sums.
Cells = Mapping[str, Mapping[Cell, Amounts]]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a formula gives over one window; both sums are exact."""

    unit: Unit
    numerator: Decimal
    denominator: Decimal | None

    @property
    def value(self) -> Fraction | None:
        """Return the exact figure; None, and neither 0 nor 100 %, where there is nothing to divide by."""
        if self.denominator is None:
            return Fraction(self.numerator)
        if self.denominator <= 0:
            return None
        return self.unit.factor * Fraction(self.numerator) / Fraction(self.denominator)


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure of one window, as a whole or of one part, beside its target."""

    kpi: Kpi
    measure: Measure
    #: None where there is no target, and where that of the same days cannot be told.
    target: Fraction | None
    #: Whether the target is for windows of this length.
    judged: bool

    @property
    def met(self) -> bool | None:
        """Tell whether the exact figure meets the target; None where there is nothing to judge or to judge by."""
        value = self.measure.value
        if value is None or self.target is None or not self.judged:
            return None
        return self.kpi.comparison.holds(value, self.target)

    @property
    def gap(self) -> Fraction | None:
        """Return by how much the figure is above its target, negative below."""
        value = self.measure.value
        return None if value is None or self.target is None else value - self.target

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape of what was computed: exact sums and rounded figures as decimal text."""
        value, gap = self.measure.value, self.gap
        return {
            "numerator": plain(self.measure.numerator),
            "denominator": None if self.measure.denominator is None else plain(self.measure.denominator),
            "value": None if value is None else shown(value, self.kpi.comparison, self.target),
            "target": None if self.target is None else plain(_decimal(self.target, _MOST_PLACES)),
            "met": self.met,
            "gap": None if gap is None else shown(gap, self.kpi.comparison, Fraction(0)),
        }


def gathered(cells: Cells, window: Window) -> Cells:
    """Return the sums of ``cells`` that ``window`` needs, over its days and over all days before it.

    What is computed for ``window`` of these is what is computed of ``cells``, from far fewer of them.
    """
    first, last = window.first.isoformat(), window.last.isoformat()
    return {kind: _gathered(own, first, last) for kind, own in cells.items()}


def _gathered(cells: Mapping[Cell, Amounts], first: str, last: str) -> dict[Cell, Amounts]:
    sums: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for cell, amounts in cells.items():
        if cell.day > last:
            continue
        day = first if cell.day >= first else _BEFORE
        place = (
            cell.org,
            cell.kind,
            day,
            cell.category,
            cell.unit,
            cell.level,
            cell.person,
            cell.channel,
            cell.project,
        )
        own = sums.setdefault(place, {})
        for name, amount in amounts.items():
            own[name] = own[name] + amount if name in own else amount
    return {Cell(*place): own for place, own in sums.items()}


def summed(terms: Iterable[Term], cells: Cells, window: Window) -> Decimal:
    """Return the sum of ``terms`` over ``cells`` for ``window``."""
    total = Decimal(0)
    for term in terms:
        for cell, amounts in cells.get(term.kind, {}).items():
            amount = amounts.get(term.count)
            if amount is not None and term.fits(cell) and _within(term.days, cell.day, window):
                total += -amount if term.less else amount
    return total


def _within(days: Days, day: str, window: Window) -> bool:
    if days is Days.BEFORE:
        return day < window.first.isoformat()
    return day <= window.last.isoformat() and (days is Days.UNTIL or day >= window.first.isoformat())


def measured(formula: Formula, cells: Cells, window: Window) -> Measure:
    """Return what ``formula`` gives."""
    divided = summed(formula.denominator, cells, window) if formula.denominator else None
    return Measure(formula.unit, summed(formula.numerator, cells, window), divided)


def figure(kpi: Kpi, catalogue: Catalogue, cells: Cells, window: Window) -> Figure:
    """Return the key figure of all of ``cells``; one that is asked of each part by itself is not judged as a whole."""
    return _figure(kpi, catalogue, cells, window, cells, judged=kpi.per is None)


def _figure(
    kpi: Kpi, catalogue: Catalogue, cells: Cells, window: Window, beside: Cells, *, judged: bool
) -> Figure:
    formula, against = catalogue.of(kpi)
    target = None if kpi.target is None else Fraction(kpi.target.value)
    if against is not None:
        target = measured(against, beside, window).value
    return Figure(kpi, measured(formula, cells, window), target, judged and window.span is kpi.window)


def parts(
    kpi: Kpi, catalogue: Catalogue, cells: Cells, window: Window, dimension: Dimension
) -> list[tuple[str, Figure]]:
    """Return the key figure of each part of ``dimension`` that has any sum of it, by the part's name."""
    _, against = catalogue.of(kpi)
    apart: dict[str, dict[str, dict[Cell, Amounts]]] = {}
    for kind in sorted({term.kind for term in catalogue.terms((kpi,))}):
        for cell, amounts in cells.get(kind, {}).items():
            key = getattr(cell, dimension.value)
            if key:
                apart.setdefault(key, {}).setdefault(kind, {})[cell] = amounts
    # What all parts are measured against alike is counted of all.
    alike = against is not None and not catalogue.splits(against, dimension)
    judged = kpi.per in {None, dimension}
    rows = [
        (key, _figure(kpi, catalogue, own, window, cells if alike else own, judged=judged))
        for key, own in sorted(apart.items())
    ]
    return [(key, each) for key, each in rows if each.measure.numerator or each.measure.denominator]


def changed(unit: Unit, now: Fraction | None, before: Fraction | None) -> dict[str, str] | None:
    """Return how a figure changed: a share in points, anything else in percent of what it was; None if untold."""
    if now is None or before is None:
        return None
    if unit is Unit.PERCENT:
        return {"by": signed(now - before), "in": "points"}
    return None if before == 0 else {"by": signed(100 * (now - before) / before), "in": "percent"}


def ranked(rows: Sequence[tuple[str, Figure]]) -> list[tuple[str, Figure, int | None]]:
    """Return parts with their places, the best first by the figure's own comparison; equals share a place."""
    smaller = {Comparison.AT_MOST, Comparison.BELOW}
    told = [row for row in rows if row[1].measure.value is not None]
    down = bool(rows) and rows[0][1].kpi.comparison not in smaller
    values = sorted({row[1].measure.value for row in told if row[1].measure.value is not None}, reverse=down)
    order = sorted(told, key=lambda row: (values.index(row[1].measure.value or Fraction(0)), row[0]))
    placed: list[tuple[str, Figure, int | None]] = []
    for number, (key, each) in enumerate(order, start=1):
        same = placed and placed[-1][1].measure.value == each.measure.value
        placed.append((key, each, placed[-1][2] if same else number))
    return [*placed, *((key, each, None) for key, each in rows if each.measure.value is None)]


def shown(value: Fraction, comparison: Comparison, target: Fraction | None) -> str:
    """Return ``value`` half up, with so many places that it still stands to ``target`` as it does exactly."""
    for places in range(_PLACES, _MOST_PLACES):
        rounded = _decimal(value, places)
        if target is None or comparison.holds(Fraction(rounded), target) == comparison.holds(value, target):
            return str(rounded)
    return str(_decimal(value, _MOST_PLACES))


def signed(value: Fraction) -> str:
    """Return a change with its sign, one decimal."""
    rounded = _decimal(value, _PLACES)
    return f"{rounded:+}" if rounded else str(abs(rounded))


def plain(amount: Decimal) -> str:
    """Return a sum without trailing zeros and without an exponent."""
    return f"{amount.normalize() + 0:f}"


def _decimal(value: Fraction, places: int) -> Decimal:
    exponent = Decimal(1).scaleb(-places)
    scaled = Decimal(value.numerator) / Decimal(value.denominator)
    return scaled.quantize(exponent, ROUND_HALF_UP)
