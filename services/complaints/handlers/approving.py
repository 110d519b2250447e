"""Use cases of those who approve offers, and of those who let somebody else approve in their place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.liability.checks import armed
from services.complaints.domain.money.delegation import Delegation
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.rules import DelegationRule
from services.complaints.handlers.charging import cause_of, made_before, missing, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.offer_views import delegation_answer
from services.complaints.handlers.offering import MakeOffers
from services.complaints.handlers.settling import Desk
from shared.aggregate import digest_of
from shared.authority import Mandate, Signer
from shared.errors import Conflict, RuleRefused
from shared.ids import derived_id


class ApproveOffers:
    """Approves offers and refuses them; grants delegations and revokes them."""

    def __init__(self, desk: Desk, offers: MakeOffers) -> None:
        """Use ``offers`` to take the steps with an offer."""
        self._desk = desk
        self._offers = offers

    def decide_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give the approval whose turn it is, or refuse the offer; of two at once one is told that he came second."""
        desk, cause = self._desk, cause_of(call)

        def step(offer: Offer) -> None:
            case = desk.case(offer.case_id, offer.org)
            now = desk.situation(case, offer.terms.kind, offer.terms.amount, offer.id)
            signer = self._signer(case, call, data["delegation"], now.total)
            if not data["approved"]:
                offer.refuse(now, signer, data["note"], cause=cause)
                return
            _check_open(case)
            kind, timing = desk.kind(case, offer.terms.kind), desk.timing(case)
            offer.approve(
                now,
                signer,
                data["amount"],
                pay_within=kind.pay_within,
                calendar=timing.calendar,
                cause=cause,
            )

        return self._offers.step(call, data, step)

    def grant_delegation(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let somebody else approve in one's own place."""
        kept, at = self._desk.delegations, self._desk.clock.now()
        delegation_id = derived_id("dl", call.key)
        before = made_before(kept, delegation_id, call, data)
        if before is not None:
            return before[1]
        rule = armed(self._desk.authority_now(call.org).delegation, "delegating an approval")
        mandate = Mandate(
            id=delegation_id,
            principal=call.actor,
            delegate=data["delegate"],
            role=data["role"],
            since=data["since"] or at,
            until=data["until"],
            limit=data["limit"],
        )
        delegation = Delegation(
            id=delegation_id, org=call.org, mandate=mandate, source=rule.source, granted_at=at
        )
        delegation.grant(rule, call.roles, at=at, cause=cause_of(call))
        answer = delegation_answer(delegation)
        delegation.remember_answer(call.key, digest_of(data), answer)
        if not kept.insert(delegation):
            again = made_before(kept, delegation_id, call, data)
            if again is None:
                raise Conflict(f"{delegation_id} was granted by somebody else")
            return again[1]
        return answer

    def revoke_delegation(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """End a delegation now."""

        def step(delegation: Delegation) -> None:
            delegation.revoke(at=self._desk.clock.now(), cause=cause_of(call))

        kept = self._desk.delegations
        return take_step(kept, data["id"], call, data, step, delegation_answer, kind="delegation")[1]

    def _signer(self, case: Case, call: Caller, delegation_id: str | None, total: Decimal) -> Signer:
        at = self._desk.clock.now()
        if delegation_id is None:
            return Signer(call.actor, call.roles, at)
        rules = self._desk.timing(case).rules.authority
        rule = armed(rules.delegation if rules is not None else None, "approving in somebody's place")
        delegation = self._desk.delegations.get(delegation_id, call.org)
        if delegation is None:
            raise missing("delegation", delegation_id)
        _check_mandate(delegation.mandate, rule, call, total, at)
        return Signer(call.actor, call.roles, at, delegation.mandate)


def _check_mandate(
    mandate: Mandate, rule: DelegationRule, call: Caller, total: Decimal, at: datetime
) -> None:
    if mandate.delegate != call.actor:
        raise RuleRefused(f"delegation {mandate.id} is not for {call.actor}", rule=rule.source)
    if mandate.role not in rule.roles:
        raise RuleRefused(f"the role {mandate.role} is not delegated on this case", rule=rule.source)
    reason = mandate.why_not(total, at)
    if reason is not None:
        raise RuleRefused(f"delegation {mandate.id} {reason}", rule=rule.source)


def _check_open(case: Case) -> None:
    if not case.is_open:
        message = f"case {case.id} is closed: nothing is approved on it any more"
        raise RuleRefused(message, rule="design", details={"state": case.state.value})
