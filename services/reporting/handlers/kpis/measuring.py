"""Use cases of people who look at key figures: what they are, how they changed, and what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.reporting.domain.counting.cells import Amounts, Cell, Counted
from services.reporting.domain.kpis.definition import Catalogue, Comparison, Days, Formula, Kpi, Term
from services.reporting.domain.kpis.figure import (
    Cells,
    Figure,
    changed,
    figure,
    gathered,
    measured,
    parts,
    plain,
    ranked,
    shown,
    summed,
)
from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Span, Window
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.errors import cannot_split, no_kpi
from shared.clock import Clock
from shared.history import timestamp
from shared.regulations import Regulation, Rulebooks

#: Before any day there is: from here on sums go that begin with everything.
_EVER = "0001-01-01"
#: Matters looked through with one question.
_AT_ONCE = 500

#: The sums of the cells of one kind of an organisation, from a local day to another, both included.
ReadSums = Callable[[str, str, str, str], Mapping[Cell, Amounts]]


class Matters(Protocol):
    """What was counted of single matters."""

    def matters_within(
        self, org: str, kind: str, first: str, last: str, after: str, limit: int
    ) -> Sequence[Counted]:
        """Return a page of the matters that add to those days, by id, from the one after ``after`` on."""
        ...


class Numbers(Protocol):
    """What people call cases by."""

    def numbers_of(self, org: str, case_ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the numbers of cases, by id."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One window of one organisation, with the rulebook it is measured by."""

    org: str
    window: Window
    zone: str
    as_of: datetime
    regulation: Regulation[ReportingRules]

    @property
    def rules(self) -> ReportingRules:
        """Return what the rulebook says."""
        return self.regulation.sections

    @property
    def today(self) -> date:
        """Return the local day."""
        return self.as_of.astimezone(ZoneInfo(self.zone)).date()

    def heading(self) -> dict[str, Any]:
        """Return what every answer says first."""
        return {
            "org": self.org,
            "window": str(self.window),
            "first_day": self.window.first.isoformat(),
            "last_day": self.window.last.isoformat(),
            "time_zone": self.zone,
            "as_of": timestamp(self.as_of),
            "provisional": not self.window.ended(self.today),
        }


class Measuring:
    """Key figures, each call scoped to one organisation; a window is measured by the rulebook it ended under."""

    def __init__(
        self,
        read: ReadSums,
        matters: Callable[[], Matters],
        numbers: Numbers,
        rulebooks: Rulebooks[ReportingRules],
        clock: Clock,
    ) -> None:
        """Sum what ``read`` gives; ``matters`` and ``numbers`` say what is behind it."""
        self._read, self._matters, self._numbers = read, matters, numbers
        self._rulebooks, self._clock = rulebooks, clock

    def asked(self, org: str, window: Window) -> Asked:
        """Return what governs ``window``; NotFound if no rulebook of the organisation was in force at its end."""
        zone = self._rulebooks.organisation(org).time_zone
        return Asked(org, window, zone, self._clock.now(), self._rulebooks.for_org(org, _last(window, zone)))

    def running(self, org: str, span: Span, now: datetime) -> Asked:
        """Return what governs the window of that length that runs; NotFound where no rulebook is in force."""
        zone = self._rulebooks.organisation(org).time_zone
        window = Window.containing(now.astimezone(ZoneInfo(zone)).date(), span)
        return Asked(org, window, zone, now, self._rulebooks.for_org(org, now))

    def cells(self, org: str, terms: Iterable[Term], windows: Sequence[Window]) -> Cells:
        """Return everything that ``terms`` sum over ``windows``, with one question for each kind."""
        first = min(window.first for window in windows).isoformat()
        last = max(window.last for window in windows).isoformat()
        begins: dict[str, str] = {}
        for term in terms:
            begin = first if term.days is Days.WINDOW else _EVER
            begins[term.kind] = min(begin, begins.get(term.kind, begin))
        return {kind: self._read(org, kind, begin, last) for kind, begin in sorted(begins.items())}

    def kpis(self, org: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the key figures of a window as they stand now, with those before it; by parts where asked."""
        asked = self.asked(org, data["window"])
        kpis = self._chosen(asked.rules, data["codes"])
        before = list(asked.window.back(data["trend"]))
        catalogue = asked.rules.catalogue
        cells = self.cells(org, catalogue.terms(kpis), [asked.window, *before])
        now = gathered(cells, asked.window)
        then = [(window, gathered(cells, window)) for window in before]
        rows = [
            self._row(kpi, catalogue, now, asked.window, then)
            | self._parts(kpi, catalogue, now, asked.window, data["by"], data["key"])
            for kpi in kpis
        ]
        return {
            **asked.heading(),
            "regulation": asked.regulation.version,
            "kpis": rows,
            "systems": _systems(catalogue, rows, data["key"]),
        }

    def month_rows(self, asked: Asked) -> list[dict[str, Any]]:
        """Return the key figures of a month as a report keeps them."""
        catalogue = asked.rules.catalogue
        cells = gathered(self.cells(asked.org, catalogue.terms(catalogue.kpis), [asked.window]), asked.window)
        return [row_of(kpi, catalogue, figure(kpi, catalogue, cells, asked.window)) for kpi in catalogue.kpis]

    @staticmethod
    def trend(
        kpi: Kpi, catalogue: Catalogue, windows: Iterable[tuple[Window, Cells]]
    ) -> list[dict[str, Any]]:
        """Return what a figure was in windows, each with the cells it is computed of."""
        found = []
        for window, cells in windows:
            value = figure(kpi, catalogue, cells, window).measure.value
            found.append(
                {
                    "window": str(window),
                    "value": None if value is None else shown(value, kpi.comparison, None),
                }
            )
        return found

    def _row(
        self,
        kpi: Kpi,
        catalogue: Catalogue,
        cells: Cells,
        window: Window,
        before: Sequence[tuple[Window, Cells]],
    ) -> dict[str, Any]:
        now = figure(kpi, catalogue, cells, window)
        change = None
        if before:
            last, cells_then = before[0]
            then = figure(kpi, catalogue, cells_then, last).measure.value
            change = changed(now.measure.unit, now.measure.value, then)
        return {
            **row_of(kpi, catalogue, now),
            "change": change,
            "previous": self.trend(kpi, catalogue, before),
        }

    @staticmethod
    def _parts(
        kpi: Kpi, catalogue: Catalogue, cells: Cells, window: Window, by: Dimension | None, key: str | None
    ) -> dict[str, Any]:
        if by is None or not catalogue.splits(catalogue.formula(kpi.formula), by):
            return {"parts": None}
        rows = ranked(parts(kpi, catalogue, cells, window, by))
        return {
            "parts": [
                {"key": name, "place": place, **each.as_data()}
                for name, each, place in rows
                if key in {None, name}
            ]
        }

    def kpi_cases(self, org: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of the matters a key figure counts, with what each adds to it."""
        asked = self.asked(org, data["window"])
        kpi = self._known(asked.rules, data["code"])
        page = self._behind(asked, kpi, data["by"], data["key"], data["after"] or "", data["limit"])
        return {**asked.heading(), "code": kpi.code, **page}

    def explain(self, org: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how a key figure comes about: its formula, every sum of it, its trend and what is behind it."""
        asked = self.asked(org, data["window"])
        kpi, catalogue = self._known(asked.rules, data["code"]), asked.rules.catalogue
        formula, against = catalogue.of(kpi)
        before = list(asked.window.back(data["trend"]))
        cells = self.cells(org, catalogue.terms((kpi,)), [asked.window, *before])
        sums = {
            name: [
                {"term": str(term), "sum": plain(summed((replace(term, less=False),), cells, asked.window))}
                for term in terms
            ]
            for name, terms in (("numerator", formula.numerator), ("denominator", formula.denominator))
        }
        return {
            **asked.heading(),
            "regulation": asked.regulation.version,
            **self._row(kpi, catalogue, cells, asked.window, [(window, cells) for window in before]),
            "formula": {"code": formula.code, "source": formula.source, **sums},
            "against": None if against is None else _against(against, cells, asked.window),
            **self._behind(asked, kpi, None, None, "", data["limit"]),
        }

    def _behind(
        self, asked: Asked, kpi: Kpi, by: Dimension | None, key: str | None, after: str, limit: int
    ) -> dict[str, Any]:
        catalogue = asked.rules.catalogue
        formula = catalogue.formula(kpi.formula)
        if by is not None and not catalogue.splits(formula, by):
            raise cannot_split(kpi.code, by.value)
        found = []
        for counted in self._counted(asked.org, formula, asked.window, after):
            own: dict[str, dict[Cell, Amounts]] = {}
            for cell, amounts in counted.amounts.items():
                if by is None or getattr(cell, by.value) == key:
                    own.setdefault(cell.kind, {})[cell] = amounts
            measure = measured(formula, own, asked.window)
            if measure.numerator or measure.denominator:
                found.append((counted.id, measure))
            if len(found) > limit:
                break
        page = found[:limit]
        subjects = [each.partition(":")[2] for each, _ in page]
        numbers = self._numbers.numbers_of(asked.org, subjects) if subjects else {}
        return {
            "matters": [
                {
                    "kind": each.partition(":")[0],
                    "id": subject,
                    "number": numbers.get(subject),
                    "numerator": plain(measure.numerator),
                    "denominator": None if measure.denominator is None else plain(measure.denominator),
                }
                for (each, measure), subject in zip(page, subjects, strict=True)
            ],
            "next": page[-1][0] if len(found) > limit else None,
        }

    def _counted(self, org: str, formula: Formula, window: Window, after: str) -> Iterator[Counted]:
        """Yield every matter that adds to the days of the formula, by id."""
        matters = self._matters()
        begins: dict[str, str] = {}
        for term in formula.terms:
            begin = window.first.isoformat() if term.days is Days.WINDOW else _EVER
            begins[term.kind] = min(begin, begins.get(term.kind, begin))
        for kind, begin in sorted(begins.items()):
            last = max(after, f"{kind}:")
            while True:
                # Ids begin with their kind, so one stretch of them is one kind.
                page = matters.matters_within(org, kind, begin, window.last.isoformat(), last, _AT_ONCE)
                own = [each for each in page if each.id.startswith(f"{kind}:")]
                yield from own
                if len(page) < _AT_ONCE or not own:
                    break
                last = page[-1].id

    @staticmethod
    def _known(rules: ReportingRules, code: str) -> Kpi:
        kpi = rules.kpi(code)
        if kpi is None:
            raise no_kpi(code, tuple(kpi.code for kpi in rules.kpis))
        return kpi

    def _chosen(self, rules: ReportingRules, codes: Sequence[str]) -> tuple[Kpi, ...]:
        return tuple(self._known(rules, code) for code in codes) if codes else rules.kpis


def row_of(kpi: Kpi, catalogue: Catalogue, each: Figure) -> dict[str, Any]:
    """Return the JSON shape of a key figure: what it is called and asked for by, and what was computed."""
    return {
        "code": kpi.code,
        "name": kpi.name,
        "english": kpi.english or catalogue.formula(kpi.formula).english,
        "unit": each.measure.unit.value,
        "judged_by": kpi.window.value,
        "comparison": kpi.comparison.value,
        "source": kpi.source,
        **each.as_data(),
    }


def _against(against: Formula, cells: Cells, window: Window) -> dict[str, Any]:
    value = measured(against, cells, window).value
    return {
        "code": against.code,
        "english": against.english,
        "value": None if value is None else shown(value, Comparison.AT_LEAST, None),
    }


def _systems(
    catalogue: Catalogue, rows: Sequence[Mapping[str, Any]], key: str | None
) -> list[dict[str, Any]]:
    """Return of each system of indices how many are met, and what those weigh; of the part ``key`` if one is named."""
    judged = {row["code"]: _met(row, key) for row in rows}
    found = []
    for system in catalogue.systems:
        own = [(judged.get(code), weight) for code, weight in system.weights]
        met = [weight for is_met, weight in own if is_met]
        found.append(
            {
                "code": system.code,
                "name": system.name,
                "indices": len(own),
                "judged": sum(is_met is not None for is_met, _ in own),
                "met": len(met),
                "weight_met": plain(sum(met, start=type(own[0][1])(0))),
                "all_met": len(met) == len(own),
                "source": system.source,
            }
        )
    return found


def _met(row: Mapping[str, Any], key: str | None) -> bool | None:
    if key is None:
        met: bool | None = row["met"]
        return met
    return next((part["met"] for part in row["parts"] or () if part["key"] == key), None)


def _last(window: Window, zone: str) -> datetime:
    """Return the last instant of a window: whose rulebook it is measured by."""
    last = window.last
    return datetime(last.year, last.month, last.day, 23, 59, 59, 999000, tzinfo=ZoneInfo(zone))
