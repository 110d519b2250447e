"""What a case does with its record card."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.complaints.domain.checks import check_role
from services.complaints.domain.contested import ContestedCase
from services.complaints.domain.liability.checks import armed, not_own, wrong
from services.complaints.domain.receiving.card import CardEntry, CardRow, rows_of
from services.complaints.domain.receiving.rules import CardRule, CardValue
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import OPEN_STATES
from services.complaints.domain.timing import Timing
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class CardApproved:
    """Who checked and approved the card."""

    by: str
    at: datetime


@dataclass(kw_only=True)
class CardedCase(ContestedCase):
    """The part of a case that its record card knows; ``card`` is what was entered, by field."""

    contacts: list[str]
    unit_id: str | None
    repeats: int = 0
    handler: str | None = None
    prevention: str | None = None
    source: str = ""
    card: dict[str, CardEntry] = field(default_factory=dict)
    card_approved: CardApproved | None = None

    def card_rows(self, rules: ComplaintRules) -> tuple[CardRow, ...]:
        """Return the record card of the rulebook as it stands, field by field; empty where it has none."""
        card = _card(rules)
        return rows_of(card, self._card_values(), self.card) if card is not None else ()

    def fill_card(
        self,
        timing: Timing,
        entries: Mapping[str, str],
        *,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Enter ``entries`` on the record card; what was entered before under the same code is replaced.

        Raises ValidationFailed for a field the card does not have or repeats from the case. A change voids the
        card's approval.
        """
        card = armed(_card(timing.rules), "a record card")
        role = check_role(card.grants, roles, self.channel, card.name, card.source)
        self._must_be(OPEN_STATES, "its card is closed with it")
        if not entries:
            raise wrong("entries", "is empty")
        _check_fields(card, entries)
        for code, text in entries.items():
            self.card[code] = CardEntry(text, cause.actor, at)
        self.card_approved = None
        data = {
            "case_id": self.id,
            "fields": sorted(entries),
            "missing": [row.code for row in self.card_rows(timing.rules) if row.missing],
            "by": cause.actor,
            "role": role,
            "filled_at": timestamp(at),
        }
        self.record("card_filled", data, at=at, cause=cause)
        self._close_if_it_waits(timing, at, cause)

    def approve_card(self, timing: Timing, *, roles: Collection[str], at: datetime, cause: Cause) -> None:
        """Check and approve the record card (登记表审核); never an incomplete one, and never one's own entries."""
        card = armed(_card(timing.rules), "a record card")
        approvals = armed(card.approvals, "approving a record card")
        role = check_role(approvals.grants, roles, self.channel, f"approving {card.name}", approvals.source)
        self._must_be(OPEN_STATES, "its card is closed with it")
        not_own(cause.actor, {each.by for each in self.card.values()}, card.name, approvals.source)
        self._check_complete(timing.rules, card, approvals.source)
        if self.card_approved is not None:
            raise Conflict(f"the card of case {self.id} was approved already")
        self.card_approved = CardApproved(cause.actor, at)
        data = {"case_id": self.id, "by": cause.actor, "role": role, "approved_at": timestamp(at)}
        self.record("card_approved", data, at=at, cause=cause)
        self._close_if_it_waits(timing, at, cause)

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        super()._check_nothing_open(rules)
        card = _card(rules)
        if card is None or card.before_closing is None or not card.holds_up_closing:
            return
        self._check_complete(rules, card, card.before_closing.source)
        if card.approvals is not None and self.card_approved is None:
            problem = Problem("record_card", "is not approved")
            message = f"case {self.id} cannot close before {card.name} is approved"
            raise RuleRefused(message, rule=card.approvals.source, problems=(problem,))

    def _anything_open(self, rules: ComplaintRules) -> bool:
        return super()._anything_open(rules) or self._card_open(rules)

    def _card_open(self, rules: ComplaintRules) -> bool:
        card = _card(rules)
        if card is None or not card.holds_up_closing:
            return False
        unapproved = card.approvals is not None and self.card_approved is None
        return unapproved or any(row.missing for row in self.card_rows(rules))

    def _check_complete(self, rules: ComplaintRules, card: CardRule, rule: str) -> None:
        missing = [row for row in self.card_rows(rules) if row.missing]
        if missing:
            problems = tuple(Problem(f"record_card.{row.code}", "is missing") for row in missing)
            message = f"{card.name} of case {self.id} lacks {', '.join(row.name for row in missing)}"
            source = missing[0].source if missing[0].source != card.source else rule
            raise RuleRefused(message, rule=source, problems=problems)

    def _card_values(self) -> dict[CardValue, str | None]:
        claim = self.claim
        return {
            CardValue.NUMBER: self.number,
            CardValue.CUSTOMER: self.customer_id,
            CardValue.UNIT: self.unit_id,
            CardValue.CHANNEL: self.channel,
            CardValue.SOURCE: self.source,
            CardValue.COMPLAINANT: claim.complainant_type,
            CardValue.DEMAND: claim.demand,
            CardValue.AMOUNT: None if claim.amount is None else str(claim.amount),
            CardValue.PROBLEM: claim.problem,
            CardValue.LEVEL: self.level,
            CardValue.RECEIVED_AT: timestamp(self.received_at),
            CardValue.HANDLER: self.handler,
            CardValue.PREVENTION: self.prevention,
        }


def _check_fields(card: CardRule, fields: Mapping[str, str]) -> None:
    problems = []
    for code in sorted(fields):
        rule = card.field(code)
        if rule is None:
            problems.append(Problem(f"fields.{code}", "is no field of the card"))
        elif rule.value is not None:
            problems.append(Problem(f"fields.{code}", "is what the case itself says"))
    if problems:
        raise ValidationFailed(f"{card.name} is not filled like this", problems=tuple(problems))


def _card(rules: ComplaintRules) -> CardRule | None:
    return rules.receiving.record_card if rules.receiving is not None else None
