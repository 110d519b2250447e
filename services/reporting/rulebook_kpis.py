"""Reading key figures (指标) from a rulebook: formulas, reported figures, what is asked for, and what must hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.reporting.domain.kpis.definition import (
    Catalogue,
    Comparison,
    Days,
    Formula,
    Gives,
    IndexSystem,
    Kpi,
    KpiTarget,
    Only,
    ReportedFigure,
    Term,
    Unit,
)
from services.reporting.domain.kpis.statement import STATED_APART
from services.reporting.domain.kpis.vocabulary import VOCABULARY, Dimension
from services.reporting.domain.kpis.window import Span
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    nested,
    source,
    sourced,
)

_WHOLE = Decimal(100)
_OPTIONAL: dict[str, Any] = {"load_default": None, "allow_none": True}


class _Filters(Value[tuple[Only, ...]]):
    """A mapping of dimensions to the value, or the values, that are meant."""

    def read(self, value: object) -> tuple[Only, ...]:
        """Return the filters."""
        if not isinstance(value, Mapping):
            raise marshmallow.ValidationError("must be a mapping of dimensions to values")
        return tuple(self._one(name, wanted) for name, wanted in value.items())

    @staticmethod
    def _one(name: object, wanted: object) -> Only:
        if name not in {each.value for each in Dimension}:
            known = ", ".join(each.value for each in Dimension)
            raise marshmallow.ValidationError(f"there is no dimension {name!r}; known are {known}")
        values: list[Any] = wanted if isinstance(wanted, list) else [wanted]
        if not values or not all(isinstance(each, str) for each in values):
            raise marshmallow.ValidationError(f"{name} must be text, or a list of it: {wanted!r}")
        return Only(Dimension(str(name)), tuple(values))


class _TermRow(Row):
    builds = Term
    kind = Text(**REQUIRED)
    count = Text(**REQUIRED)
    where = _Filters(load_default=())
    without = _Filters(load_default=())
    days = OneOf(Days, load_default=Days.WINDOW)
    less = Flag(load_default=False)

    @validates_schema
    def _is_counted(self, data: dict[str, Any], **_: object) -> None:
        told = VOCABULARY.get(data["kind"])
        if told is None:
            known = ", ".join(VOCABULARY)
            raise marshmallow.ValidationError(f"nothing of this kind is counted; known are {known}", "kind")
        if not told.knows(data["count"]):
            known = ", ".join([*sorted(told.names), *(f"{stem}.…" for stem in sorted(told.stems))])
            raise marshmallow.ValidationError(
                f"{data['kind']} have no such count; known are {known}", "count"
            )
        for name in ("where", "without"):
            for only in data[name]:
                if only.dimension not in told.dimensions:
                    raise marshmallow.ValidationError(
                        f"{data['kind']} are not counted apart by {only.dimension}", name
                    )


class _FormulaRow(Row):
    builds = Formula
    code = Text(**REQUIRED)
    english = Text(**REQUIRED)
    unit = OneOf(Unit, **REQUIRED)
    numerator = Many(nested(_TermRow()), least=1, **REQUIRED)
    denominator = Many(nested(_TermRow()), load_default=())
    source = source()

    @validates_schema
    def _fits_its_unit(self, data: dict[str, Any], **_: object) -> None:
        if data["unit"] is not Unit.COUNT and not data["denominator"]:
            raise marshmallow.ValidationError(
                f"is missing: {data['unit']} divides by something", "denominator"
            )
        if data["unit"] is Unit.COUNT and data["denominator"]:
            raise marshmallow.ValidationError("a count divides by nothing", "denominator")


class _KpiRow(Row):
    @staticmethod
    def builds(*, code: str, formula: str | None, **rest: Any) -> Kpi:
        """Build it; a figure without a formula named has that of its own code."""
        return Kpi(code=code, formula=formula or code, **rest)

    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    english = Text(**_OPTIONAL)
    formula = Text(**_OPTIONAL)
    comparison = OneOf(Comparison, **REQUIRED)
    window = OneOf(Span, load_default=Span.MONTH)
    target = sourced(Exact(), **_OPTIONAL)
    against = Text(**_OPTIONAL)
    per = OneOf(Dimension, **_OPTIONAL)
    source = source()

    @validates_schema
    def _has_one_target(self, data: dict[str, Any], **_: object) -> None:
        if data["target"] is not None and data["against"] is not None:
            raise marshmallow.ValidationError("is another target than the one in target: give one", "against")


class _ReportedRow(Row):
    builds = ReportedFigure
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    english = Text(**REQUIRED)
    gives = OneOf(Gives, **REQUIRED)
    window = OneOf(Span, load_default=Span.MONTH)
    per = Many(OneOf(Dimension), load_default=())
    source = source()

    @validates_schema
    def _can_be_named(self, data: dict[str, Any], **_: object) -> None:
        wrong = [each.value for each in data["per"] if each not in STATED_APART]
        if wrong:
            known = ", ".join(each.value for each in STATED_APART)
            raise marshmallow.ValidationError(f"{wrong[0]} cannot be told apart; known are {known}", "per")


class _TargetRow(Row):
    builds = KpiTarget
    code = Text(**REQUIRED)
    value = Exact(**REQUIRED)
    source = source()


class _Weights(Value[tuple[tuple[str, Decimal], ...]]):
    """A mapping of key figures to what each weighs, together a hundred."""

    def read(self, value: object) -> tuple[tuple[str, Decimal], ...]:
        """Return the weights."""
        if not isinstance(value, Mapping) or not value:
            raise marshmallow.ValidationError("must be a mapping of key figures to weights")
        weights = tuple((str(code), Exact().read(weight)) for code, weight in value.items())
        together = sum(weight for _, weight in weights)
        if together != _WHOLE:
            raise marshmallow.ValidationError(f"add up to {together}, not to 100")
        return weights


class _SystemRow(Row):
    builds = IndexSystem
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    weights = _Weights(**REQUIRED)
    source = source()


class KpiSections(Row):
    """The sections of a rulebook that speak of key figures."""

    formulas = Table(_FormulaRow(), load_default=())
    kpis = Table(_KpiRow(), **REQUIRED)
    kpi_targets = Table(_TargetRow(), load_default=())
    reported_figures = Table(_ReportedRow(), load_default=())
    index_systems = Table(_SystemRow(), load_default=())

    @validates_schema
    def _kpis_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = kpis_problems(
            Catalogue(data["formulas"], data["kpis"], data["reported_figures"], data["index_systems"])
        )
        wrong = _wrong_targets(data["kpis"], data["kpi_targets"])
        if wrong:
            problems["kpi_targets"] = wrong
        if problems:
            raise marshmallow.ValidationError(problems)


def _wrong_targets(kpis: Sequence[Kpi], targets: Sequence[KpiTarget]) -> dict[str, list[str]]:
    """Return why a target cannot be set, by the code of its key figure."""
    known = {kpi.code: kpi for kpi in kpis}
    found = {}
    for each in targets:
        kpi = known.get(each.code)
        if kpi is None:
            found[each.code] = ["there is no such key figure"]
        elif kpi.against is not None:
            found[each.code] = [f"is measured against {kpi.against}, which changes with the days"]
    return found


def kpis_problems(catalogue: Catalogue) -> dict[str, dict[str, list[str]]]:
    """Return what does not fit together, by section and code."""
    found: dict[str, dict[str, list[str]]] = {}
    for section, code, fault in _faults(catalogue):
        found.setdefault(section, {}).setdefault(code, []).append(fault)
    return found


def _faults(catalogue: Catalogue) -> Iterator[tuple[str, str, str]]:
    reported = {each.code: each for each in catalogue.reported}
    for formula in catalogue.formulas:
        for term in formula.terms:
            if term.kind == "figures":
                yield from (("formulas", formula.code, fault) for fault in _of_reported(term, reported))
    for kpi in catalogue.kpis:
        yield from (("kpis", kpi.code, fault) for fault in _of_kpi(kpi, catalogue))
    known = {kpi.code for kpi in catalogue.kpis}
    for system in catalogue.systems:
        for code, _ in system.weights:
            if code not in known:
                yield "index_systems", system.code, f"there is no key figure {code}"


def _of_kpi(kpi: Kpi, catalogue: Catalogue) -> Iterator[str]:
    formulas = {formula.code: formula for formula in catalogue.formulas}
    for code in filter(None, (kpi.formula, kpi.against)):
        if code not in formulas:
            yield f"no such key figure: there is no formula {code}; known are {', '.join(formulas)}"
    formula = formulas.get(kpi.formula)
    if kpi.per is not None and formula is not None and not catalogue.splits(formula, kpi.per):
        yield f"what {formula.code} sums is not all counted apart by {kpi.per}"


def _of_reported(term: Term, reported: Mapping[str, ReportedFigure]) -> Iterator[str]:
    codes = [code for only in term.where if only.dimension is Dimension.CATEGORY for code in only.values]
    if not codes:
        yield "a sum of figures says which: where: {category: …}"
    for code in codes:
        wanted = reported.get(code)
        if wanted is None:
            yield f"there is no reported figure {code}"
        elif (wanted.gives is Gives.VALUE) != (term.count in {"value", "stated"}):
            yield f"a statement of {code} gives a {wanted.gives}, so it has no {term.count}"
