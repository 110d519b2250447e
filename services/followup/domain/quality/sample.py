"""A sample (抽查) from its population to the signature, and the score of each of its items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from services.followup.domain.quality.drawing import Item, Need, draw, needed
from services.followup.domain.quality.rules import SampleRule
from services.followup.domain.quality.scoring import Mark, Result
from shared.aggregate import Aggregate
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.timed import Timed

FILLING, DRAWN, FINISHED, APPROVED = "filling", "drawn", "finished", "approved"
#: The clock of the signature that ends a sample.
APPROVAL = "approval"
#: The most things one population may hold.
MOST = 100_000


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page of the population and how many things are on it."""

    id: str
    items: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A thing that was drawn, whose work it is, and the stratum it was drawn for."""

    ref: str
    agent: str | None
    stratum: str


@dataclass(kw_only=True)
class Page(Aggregate):
    """A part of a sample's population; written before the sample names it, and never changed."""

    sample: str
    items: list[Item]


@dataclass(kw_only=True)
class Sample(Timed):
    """One sample of a kind the rulebook defines; ``once`` is what no other may be of too."""

    subject: ClassVar[str] = "sample"

    kind: str
    about: str | None
    period: str | None
    seed: str
    opened_by: str
    opened_at: datetime
    state: str = FILLING
    once: str | None = None
    pages: list[PageRef] = field(default_factory=list)
    needed: int | None = None
    source: str | None = None
    drawn: list[Drawn] = field(default_factory=list)
    summary: str | None = None
    finished_by: str | None = None
    approved_by: str | None = None

    @property
    def population(self) -> int:
        """Return how many things it is drawn from."""
        return sum(page.items for page in self.pages)

    def item(self, ref: str) -> Drawn | None:
        """Return the drawn thing known as ``ref``."""
        return next((each for each in self.drawn if each.ref == ref), None)

    def must_be(self, state: str) -> None:
        """Raise Conflict unless it is in ``state``."""
        if self.state != state:
            raise Conflict(f"{self.id} is {self.state}, not {state}")

    def open(self, at: datetime, cause: Cause) -> None:
        """Say that it begins."""
        data = self._head() | {"about": self.about, "seed": self.seed}
        self.record("sample_opened", data, at=at, cause=cause)

    def add(self, page: Page, at: datetime, cause: Cause) -> None:
        """Count a page that is written already to the population."""
        self.must_be(FILLING)
        if any(known.id == page.id for known in self.pages):
            return
        self.pages.append(PageRef(page.id, len(page.items)))
        if self.population > MOST:
            raise ValidationFailed(f"a population holds at most {MOST}")
        data = self._head() | {"items": len(page.items), "population": self.population}
        self.record("sample_filled", data, at=at, cause=cause)

    def take(
        self, rule: SampleRule, pages: Sequence[Page], number: int | None, at: datetime, cause: Cause
    ) -> None:
        """Draw as many as ``rule`` asks for, or the higher ``number``; RuleRefused when that is too few."""
        self.must_be(FILLING)
        population = _joined(pages)
        need = needed(rule, len(population)) or _said(number, len(population), rule)
        if number is not None and number < need.number:
            message = f"{number} of {len(population)} are too few: at least {need.number} are checked"
            raise RuleRefused(message, rule=need.source)
        drawn = draw(
            population,
            number or need.number,
            self.seed,
            strata=rule.strata.value if rule.strata else (),
            weights=rule.weights,
        )
        self.drawn = [Drawn(item.ref, item.attributes.get("agent"), stratum) for stratum, item in drawn]
        self.needed, self.source, self.state = need.number, need.source, DRAWN
        data = self._head() | {
            "population": len(population),
            "needed": need.number,
            "drawn": len(self.drawn),
            "seed": self.seed,
            "source": need.source,
        }
        self.record("sample_drawn", data, at=at, cause=cause)

    def finish(
        self,
        rule: SampleRule,
        scored: int,
        average: Decimal | None,
        summary: str | None,
        at: datetime,
        cause: Cause,
    ) -> None:
        """End the checking; RuleRefused while an item is not scored or the summary is not written."""
        self.must_be(DRAWN)
        if rule.card is not None and scored < len(self.drawn):
            message = f"{len(self.drawn) - scored} of {len(self.drawn)} are not scored yet"
            raise RuleRefused(message, rule=rule.source)
        if rule.summary is not None and rule.summary.value and summary is None:
            raise RuleRefused(f"{rule.name} ends with a summary", rule=rule.summary.source)
        self.summary, self.finished_by, self.state = summary, cause.actor, FINISHED
        on_target = None if rule.target is None or average is None else average >= rule.target.value
        data = self._head() | {
            "about": self.about,
            "scored": scored,
            "average": None if average is None else str(average),
            "on_target": on_target,
        }
        self.record("sample_finished", data, at=at, cause=cause)

    def approve(self, at: datetime, cause: Cause) -> None:
        """Take the signature that ends it."""
        self.must_be(FINISHED)
        self.approved_by, self.state = cause.actor, APPROVED
        on_time = self.meet_clock(APPROVAL, at, cause)
        self.record("sample_approved", self._head() | {"on_time": on_time}, at=at, cause=cause)

    def note_read(self, source: str, at: datetime, cause: Cause) -> None:
        """Write down that somebody saw what was drawn."""
        self.record("sample_read", self._head() | {"source": source}, at=at, cause=cause)

    def _head(self) -> dict[str, Any]:
        return {"sample_id": self.id, "kind": self.kind, "period": self.period}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something found wrong with an item, and what is to be done about it by whom until when."""

    text: str
    item: str | None = None
    measure: str | None = None
    owner: str | None = None
    due_on: date | None = None


@dataclass(kw_only=True)
class Score(Aggregate):
    """What one person found of one item; ``turn`` 2 is of somebody who did not see the first."""

    sample: str
    kind: str
    card: str
    ref: str
    agent: str | None
    turn: int
    blind: bool
    scorer: str
    scored_at: datetime
    month: str
    marks: list[Mark]
    total: Decimal
    of: Decimal
    average: Decimal | None
    percent: Decimal
    passed: bool
    faults: list[Fault]

    def begin(self, result: Result, cause: Cause) -> None:
        """Say what was found, without the words of it."""
        data = {
            "score_id": self.id,
            "sample_id": self.sample,
            "kind": self.kind,
            "item": self.ref,
            "agent": self.agent,
            "turn": self.turn,
            "total": str(self.total),
            "of": str(self.of),
            "percent": str(self.percent),
            "passed": self.passed,
            "failed": result.failed,
            "alerts": result.alerts,
            "faults": len(self.faults),
        }
        self.record("item_scored", data, at=self.scored_at, cause=cause)


def _joined(pages: Sequence[Page]) -> list[Item]:
    """Return all items once; ValidationFailed where one was given twice in different words."""
    known: dict[str, Item] = {}
    for item in (item for page in pages for item in page.items):
        if known.setdefault(item.ref, item) != item:
            problem = Problem("items", f"{item.ref} is given twice, and not alike")
            raise ValidationFailed("the population is not one", problems=(problem,))
    return list(known.values())


def _said(number: int | None, population: int, rule: SampleRule) -> Need:
    if number is None:
        problem = Problem("number", "is needed: the rulebook does not say how many are drawn")
        raise ValidationFailed(f"how many of {rule.name} is not said", problems=(problem,))
    return Need(min(number, population), rule.source)
