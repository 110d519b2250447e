"""Use cases of grading: propose a round, approve it, list rounds and what is due, a customer's grades."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.same.account import months_after
from services.intake.domain.same.grading import Card, Grading, Mark, Round, period_due
from services.intake.domain.same.rules import Grading as GradingRules
from services.intake.handlers.account_views import card_view, grading_view
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create
from shared.authority import must_be_granted
from shared.clock import Clock
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp

if TYPE_CHECKING:
    from services.intake.accounts_kept import AccountShelves


class Gradings:
    """Rounds of grading, each approved before any of its grades counts."""

    def __init__(self, kept: AccountShelves, rules: Rules, clock: Clock) -> None:
        """Keep rounds in ``kept``, by ``rules``."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def propose(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put the cards of a round forward: scored, ranked and split into levels (B-JKC-23, B-JKC-25)."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rules = _of(ruling)
        cards = [Card(row["subject"], tuple(Mark(**mark) for mark in row["marks"])) for row in data["cards"]]
        self._check(cards, rules)

        def build(new: str, cause: Cause) -> Grading:
            grading = Grading(
                id=new,
                org=call.org,
                period=data["period"],
                period_key=f"{call.org}|{data['period']}",
                regulation=ruling.version,
                proposed_by=call.actor,
                proposed_at=now,
                cards=cards,
            )
            grading.propose(rules, rules.levels[0].source, now, cause)
            return grading

        return create(self._kept.gradings, call, data, "gr", build, grading_view)

    @staticmethod
    def _check(cards: list[Card], rules: GradingRules) -> None:
        subjects = [card.subject for card in cards]
        if len(set(subjects)) < len(subjects):
            raise ValidationFailed("twice", problems=(Problem("cards", "one customer has two cards"),))
        wrong = [reason for card in cards if (reason := card.why_not(rules.dimensions))]
        if wrong:
            raise RuleRefused("; ".join(wrong[:3]), rule=rules.dimensions[0].source)

    def decide(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Approve a round, naming the dedicated contact of each level, or refuse it."""
        now = self._clock.now()
        contacts = {row["level"]: row["staff"] for row in data["contacts"]}

        def step(grading: Grading, cause: Cause) -> None:
            rules = _of(self._rules.of_version(call.org, grading.regulation))
            must_be_granted(rules.approved_by, call.roles, "approving a grading")
            grading.decide(contacts, rules, now, cause, approved=data["approved"])

        return change(self._kept.gradings, call, data, "grading", step, grading_view)

    def page(self, org: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of rounds, newest first, and the round that is due and not approved yet."""
        rows = self._kept.rounds(org, limit=data["limit"], skip=data["skip"])
        return {
            "rounds": [grading_view(each) for each in rows],
            "due": self._due(org, data["opened_on"]),
        }

    def _due(self, org: str, opened_on: date | None) -> dict[str, Any] | None:
        now = self._clock.now()
        ruling = self._rules.in_force(org, now)
        rules = _of(ruling)
        opened_by = None
        if opened_on is not None and rules.after_opening is not None:
            opened_by = months_after(opened_on, rules.after_opening.value)
        period, last = period_due(now.astimezone(ruling.zone).date(), rules.months.value, opened_by)
        done = self._kept.round_of(f"{org}|{period}")
        if done is not None and done.state is Round.APPROVED:
            return None
        return {"period": period, "by": last.isoformat(), "source": rules.months.source}

    def of_customer(self, org: str, subject: str) -> list[dict[str, Any]]:
        """Return a customer's grades, newest first; only those of approved rounds."""
        found = []
        for grading in self._kept.graded_with(org, subject):
            card = grading.card_of(subject)
            if card is not None and grading.state is Round.APPROVED:
                found.append(
                    card_view(card)
                    | {
                        "period": grading.period,
                        "contact": grading.contacts.get(str(card.level)),
                        "since": timestamp(grading.decided_at or grading.proposed_at),
                    }
                )
        return found


def _of(ruling: Ruling) -> GradingRules:
    rules = ruling.rules.accounts.grading
    if rules is None:
        raise ValidationFailed("no grading", problems=(Problem("grading", "is not in the rulebook"),))
    return rules
