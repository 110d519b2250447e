"""What a case knows of its investigation and corrective actions, and what it may not be answered or closed without."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.complaints.domain.investigation.rules import Before, InvestigationRules, Need, RequiredRule
from services.complaints.domain.investigation.states import Standing
from services.complaints.domain.investigation.telling import Fact
from services.complaints.domain.path.rules import REPLY
from services.complaints.domain.received import ReceivedCase
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.timing import Timing
from shared.errors import Problem, RuleRefused
from shared.history import Cause, timestamp

_WORDS = {
    Need.INVESTIGATION: "an investigation whose report is approved",
    Need.PREVENTION: "an approved report that says how it is prevented",
    Need.ACTION: "a corrective action that is done, and none left open",
}
_CLOSING = (Before.REPLY, Before.CLOSE)


@dataclass(frozen=True, slots=True)
class Unmet:
    """Something the rulebook asks of the case that is not there."""

    need: Need
    rule: RequiredRule


@dataclass(kw_only=True)
class InvestigatedCase(ReceivedCase):
    """The part of a case that investigations and corrective actions know, each by its id."""

    investigations: dict[str, Fact] = field(default_factory=dict)
    actions: dict[str, Fact] = field(default_factory=dict)

    def note_investigation(
        self, found_id: str, fact: Fact, timing: Timing, *, at: datetime, cause: Cause
    ) -> bool:
        """Take note of how an investigation stands; return whether that is news."""
        return self._take_note(self.investigations, "investigation", found_id, fact, timing, at, cause)

    def note_action(self, action_id: str, fact: Fact, timing: Timing, *, at: datetime, cause: Cause) -> bool:
        """Take note of how a corrective action stands; return whether that is news.

        News that was overtaken changes nothing. The last thing missing closes a case that only waited for it.
        """
        return self._take_note(self.actions, "action", action_id, fact, timing, at, cause)

    def unmet(self, rules: ComplaintRules, *moments: Before) -> list[Unmet]:
        """Return what is missing of what the rulebook asks of a valid case before ``moments``."""
        if self.valid is not True or rules.investigation is None:
            return []
        asked = rules.investigation.required_of(self.level, self.ground, moments)
        return [Unmet(need, rule) for rule in asked for need in rule.needs if not self.has(need)]

    def has(self, need: Need) -> bool:
        """Tell whether the case has what ``need`` asks for."""
        found = {fact.standing for fact in self.investigations.values()}
        if need is Need.INVESTIGATION:
            return bool(found & {Standing.APPROVED, Standing.PREVENTED})
        if need is Need.PREVENTION:
            return Standing.PREVENTED in found
        acts = {fact.standing for fact in self.actions.values()}
        return Standing.DONE in acts and Standing.OPEN not in acts

    def _take_note(
        self,
        facts: dict[str, Fact],
        what: str,
        found_id: str,
        fact: Fact,
        timing: Timing,
        at: datetime,
        cause: Cause,
    ) -> bool:
        known = facts.get(found_id)
        if known is not None and known.seq >= fact.seq:
            return False
        facts[found_id] = fact
        if known is not None and known.standing is fact.standing:
            return True
        data = {"case_id": self.id, "step": f"{what}_{fact.standing.value}", "at": timestamp(at)}
        self.record("case_progressed", data, at=at, cause=cause)
        self._close_if_it_waits(timing, at, cause)
        return True

    def _in_turn(self, timing: Timing, code: str, actor: str) -> None:
        super()._in_turn(timing, code, actor)
        if code == REPLY:
            self._check_met(timing.rules, "be answered", Before.REPLY)

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        super()._check_nothing_open(rules)
        self._check_met(rules, "close", *_CLOSING)

    def _anything_open(self, rules: ComplaintRules) -> bool:
        return super()._anything_open(rules) or bool(self.unmet(rules, *_CLOSING))

    def _check_met(self, rules: ComplaintRules, what: str, *moments: Before) -> None:
        missing = self.unmet(rules, *moments)
        if missing:
            first = missing[0]
            problems = tuple(Problem(one.need.value, "is missing") for one in missing)
            message = f"case {self.id} cannot {what} without {_WORDS[first.need]}"
            raise RuleRefused(message, rule=first.rule.source, problems=problems)


def rules_of(rules: ComplaintRules) -> InvestigationRules:
    """Return what a rulebook says about investigations; empty where it says nothing."""
    return rules.investigation or InvestigationRules()
