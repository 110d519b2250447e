"""Use cases of those who make offers, enter the answer, pay and take back; each takes effect once per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.liability.checks import armed, not_concerned
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.states import VoidedBecause
from services.complaints.domain.money.terms import Goods, Terms, check_terms
from services.complaints.handlers.charging import cause_of, made_before, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.offer_views import offer_answer
from services.complaints.handlers.settling import Desk
from shared.aggregate import digest_of
from shared.authority import must_be_granted
from shared.errors import Conflict, RuleRefused
from shared.ids import derived_id


class MakeOffers:
    """One method a command; ``data`` is what the command's schema gives."""

    def __init__(self, desk: Desk) -> None:
        """Use the desk for offers, cases and rules."""
        self._desk = desk

    def propose_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Propose an offer on a valid case that is still open."""
        desk, kept = self._desk, self._desk.offers
        offer_id = derived_id("of", call.key)
        before = made_before(kept, offer_id, call, data)
        if before is not None:
            return before[1]
        case, at = desk.case(data["case_id"], call.org), desk.clock.now()
        self._check_proposer(case, call, "proposing an offer")
        _check_case(case)
        kind, terms = desk.kind(case, data["kind"]), _terms(data["kind"], data)
        check_terms(kind, terms)
        now = desk.situation(case, kind.code, terms.amount)
        offer = Offer(
            id=offer_id,
            org=call.org,
            case_id=case.id,
            matter_id=case.matter_id,
            terms=terms,
            source=kind.source,
            regulation=case.regulation,
            proposed_by=call.actor,
            proposed_at=at,
            authors=(call.actor,),
            level=now.level,
            total=now.total,
            authority=now.authority.code,
            basis=kind.basis,
        )
        offer.propose(now, at=at, cause=cause_of(call))
        answer = offer_answer(offer)
        offer.remember_answer(call.key, digest_of(data), answer)
        if not kept.insert(offer):
            again = made_before(kept, offer_id, call, data)
            if again is None:
                raise Conflict(f"{offer_id} was proposed by somebody else")
            return again[1]
        return answer

    def change_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put other terms in the place of an offer's; the approvals given are void."""

        def step(offer: Offer) -> None:
            case = self._case(offer)
            self._check_proposer(case, call, "changing an offer")
            _check_case(case)
            terms = _terms(offer.terms.kind, data)
            check_terms(self._desk.kind(case, terms.kind), terms)
            now = self._desk.situation(case, terms.kind, terms.amount, offer.id)
            offer.change(terms, now, at=self._desk.clock.now(), cause=cause_of(call))

        return self.step(call, data, step)

    def withdraw_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Withdraw an offer that was not paid."""

        def step(offer: Offer) -> None:
            self._check_proposer(self._case(offer), call, "withdrawing an offer")
            at = self._desk.clock.now()
            offer.void(VoidedBecause.WITHDRAWN, data["reason"], at=at, cause=cause_of(call))

        return self.step(call, data, step)

    def answer_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter what the customer says to an offer."""

        def step(offer: Offer) -> None:
            self._check_proposer(self._case(offer), call, "entering the customer's answer")
            at = self._desk.clock.now()
            offer.answer(accepted=data["accepted"], note=data["note"], at=at, cause=cause_of(call))

        return self.step(call, data, step)

    def sign_agreement(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter that the customer signed the supplementary agreement."""

        def step(offer: Offer) -> None:
            case = self._case(offer)
            self._check_proposer(case, call, "entering a signed agreement")
            kind, at = self._desk.kind(case, offer.terms.kind), self._desk.clock.now()
            offer.sign_agreement(kind, data["reference"], at=at, cause=cause_of(call))

        return self.step(call, data, step)

    def pay_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter the payment of an accepted offer, with its voucher."""

        def step(offer: Offer) -> None:
            case = self._case(offer)
            kind, money = self._desk.kind(case, offer.terms.kind), self._desk.money(case)
            offer.pay(
                kind,
                armed(money.payers(kind), "paying an offer"),
                self._desk.situation(case, offer.terms.kind, offer.terms.amount, offer.id),
                evidence=data["evidence"],
                told_at=data["told_at"],
                roles=call.roles,
                at=self._desk.clock.now(),
                cause=cause_of(call),
            )

        return self.step(call, data, step)

    def reverse_offer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take a payment back by a counter-entry."""

        def step(offer: Offer) -> None:
            now = self._desk.situation(self._case(offer), offer.terms.kind, offer.terms.amount, offer.id)
            offer.reverse(
                now,
                evidence=data["evidence"],
                note=data["reason"],
                roles=call.roles,
                at=self._desk.clock.now(),
                cause=cause_of(call),
            )

        return self.step(call, data, step)

    def file_agreement(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter where the original or a copy of the agreement went."""

        def step(offer: Offer) -> None:
            self._check_proposer(self._case(offer), call, "filing an agreement")
            at = self._desk.clock.now()
            offer.file_paper(data["unit"], data["reference"], at=at, cause=cause_of(call))

        return self.step(call, data, step)

    def step(self, call: Caller, data: Mapping[str, Any], step: Callable[[Offer], None]) -> dict[str, Any]:
        """Take one step with an offer, and tell its case; also for a repeat, whose first run may have died."""
        kept = self._desk.offers
        offer, answer = take_step(kept, data["id"], call, data, step, offer_answer, kind="offer")
        self._desk.settle(offer, cause_of(call))
        return answer

    def _case(self, offer: Offer) -> Case:
        return self._desk.case(offer.case_id, offer.org)

    def _check_proposer(self, case: Case, call: Caller, what: str) -> None:
        rule = armed(self._desk.money(case).proposals, what)
        must_be_granted(rule, call.roles, what)
        not_concerned(call.actor, self._desk.concerned(case), what, rule.source)


def _check_case(case: Case) -> None:
    if case.valid is not True or not case.is_open:
        message = f"case {case.id} is {case.state}: offers are made on valid cases that are still open"
        raise RuleRefused(message, rule="design", details={"state": case.state.value})


def _terms(kind: str, data: Mapping[str, Any]) -> Terms:
    names = ("amount", "reason", "reference", "policy", "clause", "meeting_note", "agreement")
    goods = tuple(Goods(row["item"], row["quantity"]) for row in data["goods"])
    return Terms(kind=kind, goods=goods, **{name: data[name] for name in names})
