"""Use case of the timer: say which key figures were off their targets when their windows had ended, and show all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from services.reporting.domain.kpis.definition import Catalogue, Kpi
from services.reporting.domain.kpis.figure import Cells, Figure, figure, gathered, parts
from services.reporting.domain.kpis.verdict import Verdict, verdict_id
from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Span, Window
from services.reporting.handlers.kpis.measuring import Asked, Measuring, row_of
from services.reporting.metrics import KPI_VERDICTS
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.history import Cause
from shared.ids import IdSource

#: For so long after its end a window is judged again: what arrives later than that changes no verdict.
SETTLING = timedelta(days=31)
#: Windows before the one judged that an event tells of.
_TREND = 3


class Shelf(Protocol):
    """Where verdicts are kept."""

    def get(self, aggregate_id: str, org: str) -> Verdict | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Verdict) -> bool:
        """Write a new one; False when it is there."""
        ...

    def save(self, aggregate: Verdict, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...

    def of_windows(self, org: str, windows: Sequence[str]) -> Sequence[Verdict]:
        """Return all of ``org`` on these windows."""
        ...


#: Told of every key figure of every organisation in the window that runs.
Show = Callable[[Iterable[tuple[str, Kpi, Figure]]], None]


@dataclass(frozen=True, slots=True)
class _Judged:
    kpi: Kpi
    window: Window
    by: Dimension | None
    key: str | None
    figure: Figure


class JudgeFigures:
    """One call is one round, at most every ``every``; any number of replicas may do the same round at once.

    Ids of verdicts follow from organisation, key figure, window and part, so what two replicas find is said once.
    What a standstill left out is judged by the next round, if its window ended within ``SETTLING``.
    """

    def __init__(
        self,
        shelf: Shelf,
        measuring: Measuring,
        organisations: Sequence[str],
        clock: Clock,
        ids: IdSource,
        show: Show,
        every: timedelta,
    ) -> None:
        """Judge ``organisations``; ``show`` is told of the running windows."""
        self._shelf, self._measuring, self._organisations = shelf, measuring, organisations
        self._clock, self._ids, self._show, self._every = clock, ids, show, every
        self._next: datetime | None = None

    def __call__(self) -> bool:
        """Judge what has ended, if it is time again; there is never more at once."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            return False
        cause = Cause(self._ids.new("tick"), "system")
        running: list[tuple[str, Kpi, Figure]] = []
        try:
            for org in self._organisations:
                for span in Span:
                    self._judge(org, span, now, cause)
                running += self._running(org, now)
        except Conflict:
            # What is summed keeps changing at this moment: the next tick begins the round again.
            return False
        self._next = now + self._every
        self._show(running)
        return False

    def _judge(self, org: str, span: Span, now: datetime, cause: Cause) -> None:
        asked = self._asked(org, span, now)
        if asked is None:
            return
        ended = list(_ended(asked.window, asked.today))
        governed = [each for window in ended if (each := self._governed(org, window))]
        kpis = {kpi for each in governed for kpi in _armed(each, span)}
        if not kpis:
            return
        terms = [term for each in governed for term in each.rules.catalogue.terms(tuple(_armed(each, span)))]
        cells = self._measuring.cells(org, terms, ended)
        known = {each.id: each for each in self._shelf.of_windows(org, [str(window) for window in ended])}
        for each in governed:
            catalogue = each.rules.catalogue
            for found in _figures(each, gathered(cells, each.window), span):
                by = found.by.value if found.by else None
                verdict = known.pop(verdict_id(org, found.kpi.code, found.window, by, found.key), None)
                if found.figure.met is False or verdict is not None:
                    self._say(each, catalogue, found, verdict, now, cause)

    def _say(
        self,
        asked: Asked,
        catalogue: Catalogue,
        found: _Judged,
        known: Verdict | None,
        now: datetime,
        cause: Cause,
    ) -> None:
        by = found.by.value if found.by else None
        verdict = known or Verdict(
            id=verdict_id(asked.org, found.kpi.code, found.window, by, found.key),
            org=asked.org,
            code=found.kpi.code,
            window=str(found.window),
            by=by,
            key=found.key,
        )
        if (found.figure.met is False) == verdict.off:
            return
        since = verdict.history.next_seq
        windows = [found.window, *found.window.back(_TREND)]
        cells = self._measuring.cells(asked.org, catalogue.terms((found.kpi,)), windows)
        row = {
            "window": str(found.window),
            "first_day": found.window.first.isoformat(),
            "last_day": found.window.last.isoformat(),
            "regulation": asked.regulation.version,
            **row_of(found.kpi, catalogue, found.figure),
        }
        own = _only(cells, found)
        trend = self._measuring.trend(found.kpi, catalogue, [(window, own) for window in windows])
        verdict.judge(row, trend, now, cause)
        if self._kept(verdict, since, new=known is None):
            KPI_VERDICTS.labels(verdict="off" if verdict.off else "back").inc()

    def _kept(self, verdict: Verdict, since: int, *, new: bool) -> bool:
        """Write a verdict; False where somebody else said the same at the same moment."""
        if new:
            return self._shelf.insert(verdict)
        try:
            self._shelf.save(verdict, since_seq=since)
        except Conflict:
            return False
        return True

    def _running(self, org: str, now: datetime) -> Iterator[tuple[str, Kpi, Figure]]:
        for span in Span:
            asked = self._asked(org, span, now)
            kpis = tuple(kpi for kpi in asked.rules.kpis if kpi.window is span) if asked else ()
            if asked is not None and kpis:
                catalogue = asked.rules.catalogue
                cells = gathered(
                    self._measuring.cells(org, catalogue.terms(kpis), [asked.window]), asked.window
                )
                yield from ((org, kpi, figure(kpi, catalogue, cells, asked.window)) for kpi in kpis)

    def _asked(self, org: str, span: Span, now: datetime) -> Asked | None:
        try:
            return self._measuring.running(org, span, now)
        except NotFound:
            return None

    def _governed(self, org: str, window: Window) -> Asked | None:
        try:
            return self._measuring.asked(org, window)
        except NotFound:
            return None


def _armed(asked: Asked, span: Span) -> Iterator[Kpi]:
    """Yield the key figures that have a target in windows of this length."""
    for kpi in asked.rules.kpis:
        if kpi.window is span and (kpi.target is not None or kpi.against is not None):
            yield kpi


def _ended(running: Window, today: date) -> Iterator[Window]:
    """Yield the windows before the running one that ended not too long ago."""
    window = running.previous
    while today - window.last <= SETTLING:
        yield window
        window = window.previous


def _figures(asked: Asked, cells: Cells, span: Span) -> Iterator[_Judged]:
    catalogue, window = asked.rules.catalogue, asked.window
    for kpi in _armed(asked, span):
        if kpi.per is None:
            yield _Judged(kpi, window, None, None, figure(kpi, catalogue, cells, window))
            continue
        for key, each in parts(kpi, catalogue, cells, window, kpi.per):
            yield _Judged(kpi, window, kpi.per, key, each)


def _only(cells: Cells, found: _Judged) -> Cells:
    """Return the cells of the part that was judged."""
    if found.by is None:
        return cells
    name = found.by.value
    return {
        kind: {cell: sums for cell, sums in own.items() if getattr(cell, name) == found.key}
        for kind, own in cells.items()
    }
