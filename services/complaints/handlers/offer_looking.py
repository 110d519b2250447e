"""Use cases of people who look up offers, delegations, plans, and what keeps a case from closing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.rules import OfferRules
from services.complaints.handlers.charging import missing
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.offer_views import (
    delegation_answer,
    explained,
    offer_view,
    plan_view,
    settlement_view,
)
from services.complaints.handlers.settling import Desk
from shared.errors import NotFound


class LookUpOffers:
    """Queries, each scoped to one organisation."""

    def __init__(self, desk: Desk) -> None:
        """Use the desk for offers, cases and rules."""
        self._desk = desk

    def offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one offer."""
        return offer_view(self._offer(call, data["id"]))

    def offers(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of offers, the newest first; ``mine``: those that await the approval of a role of the caller.

        Whose approval one awaits is as of its last step: a level that rose since shows in ``explain``.
        """
        awaits = call.roles if data["mine"] else None
        names = ("state", "case_id", "matter_id", "limit", "skip")
        found = self._desk.lists.listed(call.org, awaits=awaits, **{name: data[name] for name in names})
        return [offer_view(offer) for offer in found]

    def explain(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return who must approve an offer by what holds at this moment, and what is missing."""
        offer = self._offer(call, data["id"])
        case = self._desk.case(offer.case_id, call.org)
        terms = offer.terms
        return explained(offer, self._desk.situation(case, terms.kind, terms.amount, offer.id))

    def settlement(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a case knows of money and filings, and what keeps it from closing."""
        case = self._desk.case(data["id"], call.org)
        return settlement_view(case, self._desk.timing(case).rules)

    def delegations(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of delegations, those that end last first."""
        found = self._desk.lists.delegated(call.org, **data)
        return [delegation_answer(delegation) for delegation in found]

    def plan(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the written plan for a problem after the sale; NotFound where there is none."""
        rules = self._desk.rules.in_force(call.org, self._desk.clock.now()).sections.offers or OfferRules()
        plan = rules.plan(data["problem"])
        if plan is None:
            known = ", ".join(plan.code for plan in rules.plans) or "none"
            raise NotFound(f"there is no plan for {data['problem']}; there are: {known}")
        return plan_view(plan)

    def _offer(self, call: Caller, offer_id: str) -> Offer:
        offer = self._desk.offers.get(offer_id, call.org)
        if offer is None:
            raise missing("offer", offer_id)
        return offer
