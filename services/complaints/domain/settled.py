"""What a case knows of money offered on it: open offers, where it was filed, whom it is about, what it threatens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from services.complaints.domain.checks import check_step
from services.complaints.domain.liability.checks import wrong
from services.complaints.domain.money.rules import FIRST_REPORT, AuthorityRules, Danger, FilingRule, Way
from services.complaints.domain.money.situation import filings_due
from services.complaints.domain.rulebook import ComplaintRules, Step
from services.complaints.domain.states import OPEN_STATES
from services.complaints.domain.stepped import SteppedCase
from services.complaints.domain.timing import Timing
from shared.errors import Conflict, Problem, RuleRefused
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class OfferFact:
    """Whether an offer is open, as of the entry ``seq`` of its history."""

    seq: int
    open: bool


@dataclass(frozen=True, slots=True)
class Filing:
    """That the case was reported to or filed with ``unit``."""

    unit: str
    way: Way
    reference: str | None
    by: str
    at: datetime


@dataclass(kw_only=True)
class SettledCase(SteppedCase, ABC):
    """The part of a case that offers know.

    ``offers`` says which are open, by their ids; ``accused`` are the staff complained about, who decide nothing
    about it.
    """

    offers: dict[str, OfferFact] = field(default_factory=dict)
    filings: list[Filing] = field(default_factory=list)
    dangers: tuple[Danger, ...] = ()
    accused: tuple[str, ...] = ()

    @property
    def open_offers(self) -> list[str]:
        """Return the offers it may not close before."""
        return sorted(offer_id for offer_id, fact in self.offers.items() if fact.open)

    @property
    def filed(self) -> frozenset[str]:
        """Return where it was reported or filed."""
        return frozenset(filing.unit for filing in self.filings)

    @property
    def endangered(self) -> bool:
        """Return whether it threatens to become a mass complaint or to reach the press."""
        return self.claim.media or bool(self.dangers)

    def filings_due(self, rules: AuthorityRules | None, level: str | None = None) -> tuple[FilingRule, ...]:
        """Return the units it is still to be filed with, at ``level`` or its own."""
        return filings_due(rules, level or self.level, self.filed, endangered=self.endangered)

    def unreported(self, rules: AuthorityRules | None) -> str | None:
        """Return the rule that wants a first report, while there is none."""
        first = rules.first_report if rules is not None else None
        if first is None or not self.endangered or FIRST_REPORT in self.filed:
            return None
        return first.source

    def note_offer(
        self, offer_id: str, seq: int, *, is_open: bool, timing: Timing, at: datetime, cause: Cause
    ) -> bool:
        """Take note of an offer as of the entry ``seq`` of its history; return whether that is news.

        News that was overtaken changes nothing. The last offer settled closes a case that only waited for it.
        """
        known = self.offers.get(offer_id, OfferFact(0, open=False))
        if known.seq >= seq:
            return False
        self.offers[offer_id] = OfferFact(seq, is_open)
        if known.open is is_open:
            return True
        step = "offer_opened" if is_open else "offer_settled"
        self.record(
            "case_progressed", {"case_id": self.id, "step": step, "at": timestamp(at)}, at=at, cause=cause
        )
        self._close_if_it_waits(timing, at, cause)
        return True

    def record_filing(
        self,
        timing: Timing,
        unit: str,
        way: Way,
        reference: str | None,
        *,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Enter that it was reported first, or filed with a unit of the rulebook.

        ValidationFailed for a unit the rulebook does not have, RuleRefused for a first report in another way
        than it says, Conflict when that was entered before.
        """
        rules = timing.rules.authority or AuthorityRules()
        check_step(Step.HANDLE, timing.rules, roles, self.channel)
        self._must_be(OPEN_STATES, "nothing is filed any more")
        source = _source_of(rules, unit, way)
        if unit in self.filed:
            raise Conflict(f"case {self.id} was filed with {unit} already")
        self.filings.append(Filing(unit, way, reference, cause.actor, at))
        data = {
            "offer_id": None,
            "case_id": self.id,
            "revision": None,
            "unit": unit,
            "way": way.value,
            "source": source,
            "by": cause.actor,
            "filed_at": timestamp(at),
        }
        self.record("filing_recorded", data, at=at, cause=cause)
        self._close_if_it_waits(timing, at, cause)

    def declare_danger(
        self, timing: Timing, danger: Danger, *, roles: Collection[str], at: datetime, cause: Cause
    ) -> None:
        """Enter that it threatens to become a mass complaint, or to reach the press (B-JKC-45)."""
        check_step(Step.HANDLE, timing.rules, roles, self.channel)
        self._must_be(OPEN_STATES, "it threatens nothing any more")
        if danger in self.dangers:
            raise Conflict(f"case {self.id} is known to be in this danger")
        self.dangers = (*self.dangers, danger)
        data = {
            "case_id": self.id,
            "danger": danger.value,
            "report_first": self.unreported(timing.rules.authority) is not None,
            "by": cause.actor,
            "declared_at": timestamp(at),
        }
        self.record("danger_declared", data, at=at, cause=cause)

    def name_accused(
        self, timing: Timing, staff: Collection[str], *, roles: Collection[str], at: datetime, cause: Cause
    ) -> None:
        """Enter which staff it is about, beside those named before; nobody is taken off again."""
        check_step(Step.HANDLE, timing.rules, roles, self.channel)
        self._must_be(OPEN_STATES, "it is about nobody any more")
        named = tuple(dict.fromkeys((*self.accused, *staff)))
        if named == self.accused:
            raise wrong("staff", "names nobody new")
        self.accused = named
        data = {
            "case_id": self.id,
            "staff": list(named),
            "by": cause.actor,
            "named_at": timestamp(at),
        }
        self.record("accused_named", data, at=at, cause=cause)

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        super()._check_nothing_open(rules)
        self._check_settled(rules)

    def _anything_open(self, rules: ComplaintRules) -> bool:
        return super()._anything_open(rules) or self._unsettled(rules)

    def _unsettled(self, rules: ComplaintRules) -> bool:
        return bool(self.open_offers) or (self.valid is True and bool(self.filings_due(rules.authority)))

    def _check_settled(self, rules: ComplaintRules) -> None:
        """Refuse to close with an open offer, or before it was filed where the rulebook wants it."""
        still = self.open_offers
        if still:
            problems = tuple(Problem("offer", f"{offer_id} is open") for offer_id in still)
            message = f"case {self.id} cannot close before its offers are paid or declined"
            raise RuleRefused(message, rule="design", problems=problems)
        due = self.filings_due(rules.authority)
        if due and self.valid is True:
            problems = tuple(Problem("filing", f"{unit.code} is missing") for unit in due)
            message = f"case {self.id} cannot close before it is filed with {due[0].name or due[0].code}"
            raise RuleRefused(message, rule=due[0].source, problems=problems)

    @abstractmethod
    def _close_if_it_waits(self, timing: Timing, at: datetime, cause: Cause) -> None:
        """Close a case that waited only for what was just settled; see Case, which knows how."""


def _source_of(rules: AuthorityRules, unit: str, way: Way) -> str:
    first = rules.first_report
    if unit == FIRST_REPORT and first is not None:
        if way not in first.ways:
            listed = ", ".join(first.ways)
            problem = Problem("way", f"must be one of {listed}")
            message = f"a first report is made by {listed}"
            raise RuleRefused(message, rule=first.source, problems=(problem,))
        return first.source
    known = rules.filing(unit)
    if known is not None:
        return known.source
    if first is not None and unit == first.filed_with:
        return first.source
    units = [rule.code for rule in rules.filings] + ([FIRST_REPORT] if first is not None else [])
    raise wrong("unit", f"must be one of {', '.join(units) or 'none: the rulebook names no unit'}")
