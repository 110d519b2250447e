"""What a rulebook says of key figures: formulas, what is reported from elsewhere, and what is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from services.reporting.domain.counting.cells import Cell
from services.reporting.domain.kpis.vocabulary import VOCABULARY, Dimension
from services.reporting.domain.kpis.window import Span
from shared.regulations.values import Sourced


class Unit(StrEnum):
    """What a figure is given in; ``factor`` is what the quotient is multiplied by."""

    PERCENT = "percent"
    PER_THOUSAND = "per_thousand"
    RATIO = "ratio"
    #: The average of minutes, or of any other amount.
    MINUTES = "minutes"
    COUNT = "count"

    @property
    def factor(self) -> int:
        """Return what the quotient is multiplied by."""
        return {Unit.PERCENT: 100, Unit.PER_THOUSAND: 1000}.get(self, 1)


class Days(StrEnum):
    """Which days a sum goes over: those of the window, all before it, or all until its end."""

    WINDOW = "window"
    BEFORE = "before"
    UNTIL = "until"


class Comparison(StrEnum):
    """On which side of its target a figure has to be."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BELOW = "below"
    ABOVE = "above"

    def holds(self, value: Fraction, target: Fraction) -> bool:
        """Tell whether ``value`` is on the right side of ``target``."""
        if self is Comparison.AT_LEAST:
            return value >= target
        if self is Comparison.AT_MOST:
            return value <= target
        return value < target if self is Comparison.BELOW else value > target

    @property
    def sign(self) -> str:
        """Return it as one writes it."""
        return {"at_least": "≥", "at_most": "≤", "below": "<", "above": ">"}[self.value]


@dataclass(frozen=True, slots=True)
class Only:
    """A filter: the ``dimension`` has one of the ``values``."""

    dimension: Dimension
    values: tuple[str, ...]

    def fits(self, cell: Cell) -> bool:
        """Tell whether ``cell`` is meant."""
        return getattr(cell, self.dimension.value) in self.values


@dataclass(frozen=True, slots=True)
class Term:
    """One sum of a formula: ``count`` of all matters of ``kind`` that pass ``where`` and none of ``without``.

    ``less`` takes it away instead of adding it.
    """

    kind: str
    count: str
    where: tuple[Only, ...] = ()
    without: tuple[Only, ...] = ()
    days: Days = Days.WINDOW
    less: bool = False

    def fits(self, cell: Cell) -> bool:
        """Tell whether what is in ``cell`` is summed; its day aside."""
        return (
            cell.kind == self.kind
            and all(only.fits(cell) for only in self.where)
            and not any(only.fits(cell) for only in self.without)
        )

    def __str__(self) -> str:
        where = "".join(f" {only.dimension}={'|'.join(only.values)}" for only in self.where)
        without = "".join(f" {only.dimension}≠{'|'.join(only.values)}" for only in self.without)
        days = {Days.WINDOW: "", Days.BEFORE: " before", Days.UNTIL: " until the end"}[self.days]
        return f"{'− ' if self.less else ''}{self.kind}.{self.count}{where}{without}{days}"


@dataclass(frozen=True, slots=True)
class Formula:
    """``numerator`` over ``denominator``, each a sum of terms; without a denominator the numerator itself."""

    code: str
    english: str
    unit: Unit
    numerator: tuple[Term, ...]
    source: str
    denominator: tuple[Term, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return all terms."""
        return (*self.numerator, *self.denominator)


class Gives(StrEnum):
    """What a statement of a reported figure holds: a numerator with its denominator, or one value."""

    SHARE = "share"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """A figure that another system measures (fees, sales, shop scores): for which windows, split by what.

    A statement names each of ``per``, and no other dimension, so that the sum over all statements is the whole.
    """

    code: str
    name: str
    english: str
    gives: Gives
    window: Span
    source: str
    per: tuple[Dimension, ...] = ()


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure that a rulebook asks for, under its name, with the rule that asks for it and its target if any.

    It is judged in windows of the length ``window``, as a whole and, with ``per``, each unit, person or project by
    itself. ``against`` names the formula whose figure of the same days is the target. ``formula`` is by itself the
    one of the same code.
    """

    code: str
    name: str
    comparison: Comparison
    source: str
    formula: str
    english: str | None = None
    window: Span = Span.MONTH
    target: Sourced[Decimal] | None = None
    against: str | None = None
    per: Dimension | None = None


@dataclass(frozen=True, slots=True)
class KpiTarget:
    """What somebody sets for a key figure that is asked for elsewhere."""

    code: str
    value: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class IndexSystem:
    """A system of indices (指标体系): key figures and what each weighs, in all a hundred."""

    code: str
    name: str
    weights: tuple[tuple[str, Decimal], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything a rulebook says of key figures."""

    formulas: tuple[Formula, ...]
    kpis: tuple[Kpi, ...]
    reported: tuple[ReportedFigure, ...] = ()
    systems: tuple[IndexSystem, ...] = ()

    def formula(self, code: str) -> Formula:
        """Return the formula ``code``; KeyError when there is none."""
        for formula in self.formulas:
            if formula.code == code:
                return formula
        raise KeyError(code)

    def of(self, kpi: Kpi) -> tuple[Formula, Formula | None]:
        """Return the formula of ``kpi`` and that of what it is measured against."""
        return self.formula(kpi.formula), None if kpi.against is None else self.formula(kpi.against)

    def splits(self, formula: Formula, dimension: Dimension) -> bool:
        """Tell whether everything that ``formula`` sums is counted apart by ``dimension``."""
        return all(dimension in self._told_of(term) for term in formula.terms)

    def _told_of(self, term: Term) -> frozenset[Dimension]:
        """Return what a sum can be split by; a reported figure by what its statements name."""
        if term.kind != "figures":
            return VOCABULARY[term.kind].dimensions
        named = {code for only in term.where if only.dimension is Dimension.CATEGORY for code in only.values}
        told = [frozenset(each.per) for each in self.reported if each.code in named]
        return frozenset.intersection(*told) if told else frozenset()

    def terms(self, kpis: tuple[Kpi, ...]) -> Iterator[Term]:
        """Yield every term that ``kpis`` are computed from."""
        for kpi in kpis:
            formula, against = self.of(kpi)
            yield from formula.terms
            if against is not None:
                yield from against.terms


def with_targets(kpis: tuple[Kpi, ...], targets: tuple[KpiTarget, ...]) -> tuple[Kpi, ...]:
    """Return the key figures with the targets set for them in place of their own."""
    given = {each.code: Sourced(each.value, each.source) for each in targets}
    return tuple(replace(kpi, target=given[kpi.code]) if kpi.code in given else kpi for kpi in kpis)
