"""An offer to the customer: proposed, approved in order, answered, paid with evidence, taken back by counter-entry."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.complaints.domain.liability.checks import not_concerned, refused, wrong
from services.complaints.domain.money.file import PAYMENT_CLOCK, Movement, OfferFile, Paper
from services.complaints.domain.money.rules import OfferKind
from services.complaints.domain.money.situation import Situation
from services.complaints.domain.money.states import (
    OUTSTANDING,
    MovementKind,
    OfferState,
    VoidedBecause,
)
from services.complaints.domain.money.terms import Terms
from shared.authority import Signature, Signer, must_be_granted, must_hold, sign
from shared.clocks import Deadline, Firing, Kind, State
from shared.clocks.points import point_document
from shared.clocks.together import fire_deadlines
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.worktime import Calendar, Duration


@dataclass(kw_only=True)
class Offer(OfferFile):
    """One offer on one case, and everything that may become of it."""

    def propose(self, now: Situation, *, at: datetime, cause: Cause) -> None:
        """Record the proposal; who may make it and what it must say was checked before."""
        not_concerned(cause.actor, now.barred, "proposing an offer", now.authority.source)
        self._judge(now)
        data = {**self._head(), **self._terms_data(), "by": cause.actor, "proposed_at": timestamp(at)}
        self.record("offer_proposed", data, at=at, cause=cause)

    def change(self, terms: Terms, now: Situation, *, at: datetime, cause: Cause) -> None:
        """Put other terms in the place of these; the approvals given are void.

        Conflict once the customer has answered, or it is over.
        """
        if self.state not in {OfferState.PROPOSED, OfferState.APPROVED}:
            raise Conflict(f"offer {self.id} is {self.state}: its terms stand")
        if terms == self.terms:
            raise wrong("amount", "changes nothing")
        not_concerned(cause.actor, now.barred, "changing an offer", now.authority.source)
        before, voided = self.terms.amount, len(self.signatures)
        self.terms, self.revision, self.signatures = terms, self.revision + 1, []
        self.authors = tuple(dict.fromkeys((*self.authors, cause.actor)))
        self.state, self.approved_at = OfferState.PROPOSED, None
        self._end_clocks(at)
        self._judge(now)
        data = {
            **self._head(),
            **self._terms_data(),
            "amount_from": str(before),
            "approvals_voided": voided,
            "by": cause.actor,
            "changed_at": timestamp(at),
        }
        self.record("offer_changed", data, at=at, cause=cause)
        self._stand()

    def approve(
        self,
        now: Situation,
        signer: Signer,
        amount: Decimal,
        *,
        pay_within: Sourced[Duration] | None,
        calendar: Calendar,
        cause: Cause,
    ) -> None:
        """Give the approval whose turn it is to the sum ``amount``; the last one approves the offer.

        Where an authority grew after the approval, because the level rose or more was offered in the matter, the
        approvals it lacks are given later, and nothing is paid before. Conflict where the sum is another one by
        now, and to whoever comes second.
        """
        self._must_be_undecided()
        if amount != self.terms.amount:
            raise Conflict(f"offer {self.id} is of {self.terms.amount} by now: read it again")
        if now.unreported is not None:
            message = f"case {self.case_id} is in danger: report it first, then approve"
            raise RuleRefused(message, rule=now.unreported)
        signature = self._sign(now, signer)
        self.signatures.append(signature)
        self._judge(now)
        data = {
            **self._head(),
            "amount": str(self.terms.amount),
            "level": now.level,
            "total": str(now.total),
            "by": signature.by,
            "role": signature.role,
            "for": signature.principal,
            "source": now.authority.source,
            "complete": not self.awaits,
            "approved_at": timestamp(signer.at),
        }
        self.record("approval_given", data, at=signer.at, cause=cause)
        if self.state is OfferState.PROPOSED and not self.awaits:
            self._approved(now, pay_within, calendar, signer.at, cause)

    def refuse(self, now: Situation, signer: Signer, note: str | None, *, cause: Cause) -> None:
        """Refuse it, by whoever's approval would be next."""
        if self.state is not OfferState.PROPOSED:
            raise Conflict(f"offer {self.id} is {self.state}: only a proposal is refused")
        self._sign(now, signer)
        self._end(OfferState.REFUSED, cause.actor, signer.at, note)
        data = {**self._head(), "by": cause.actor, "refused_at": timestamp(signer.at)}
        self.record("offer_refused", data, at=signer.at, cause=cause)

    def answer(self, *, accepted: bool, note: str | None, at: datetime, cause: Cause) -> None:
        """Enter what the customer says to it."""
        if self.state is not OfferState.APPROVED:
            raise Conflict(f"offer {self.id} is {self.state}: the customer answers what is approved")
        data = {**self._head(), "amount": str(self.terms.amount), "by": cause.actor}
        self.note = note or self.note
        if accepted:
            self.state = OfferState.ACCEPTED
            self.record("offer_accepted", {**data, "accepted_at": timestamp(at)}, at=at, cause=cause)
        else:
            self._end(OfferState.DECLINED, cause.actor, at, note)
            self.record("offer_declined", {**data, "declined_at": timestamp(at)}, at=at, cause=cause)
        self._stand()

    def sign_agreement(self, kind: OfferKind, reference: str, *, at: datetime, cause: Cause) -> None:
        """Enter that the customer signed the agreement whose text was approved; once."""
        if kind.agreement is None:
            raise wrong("reference", f"{kind.code} needs no agreement")
        if self.state not in OUTSTANDING:
            message = f"offer {self.id} is {self.state}: an agreement is signed once it is approved"
            raise RuleRefused(message, rule=kind.agreement.source)
        if self.signed is not None:
            raise Conflict(f"the agreement of offer {self.id} was signed already")
        self.signed = Paper("agreement", reference, cause.actor, at)
        data = {**self._head(), "by": cause.actor, "signed_at": timestamp(at)}
        self.record("agreement_signed", data, at=at, cause=cause)

    def pay(
        self,
        kind: OfferKind,
        payers: Sourced[tuple[str, ...]],
        now: Situation,
        *,
        evidence: str,
        told_at: datetime | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Enter the payment with its voucher.

        What was approved is judged again by what holds now. RuleRefused to somebody without the right or
        concerned, before the customer accepted, without the approvals that the level and the sum in all ask for
        by now, before the case is filed where the rulebook wants it, and without the kind's own papers.
        """
        must_be_granted(payers, roles, "paying an offer")
        not_concerned(cause.actor, now.barred, "paying an offer", payers.source)
        if self.movements:
            raise Conflict(f"offer {self.id} was paid by {self.movements[0].by} already")
        if self.state is not OfferState.ACCEPTED:
            message = f"offer {self.id} is {self.state}: what the customer accepted is paid"
            raise RuleRefused(message, rule=payers.source)
        if not self.held:
            raise Conflict(f"the case of offer {self.id} does not know of it yet: try again")
        self._check_sufficient(now)
        for unit in now.due:
            message = f"case {self.case_id} is filed with {unit.name or unit.code} before anything is paid"
            raise RuleRefused(message, rule=unit.source)
        self._check_papers(kind, told_at)
        # A breach is a breach, whether or not the timer has come round to it.
        self.fire_clocks(at, cause)
        self.movements.append(Movement(MovementKind.PAYMENT, self.terms.amount, evidence, cause.actor, at))
        self.state = OfferState.PAID
        self._judge(now)
        self.to_file = tuple(copy.code for copy in kind.agreement.filed) if kind.agreement is not None else ()
        self.deadlines = [deadline.meet(at) for deadline in self.deadlines]
        data = {
            **self._head(),
            "kind": self.terms.kind,
            "amount": str(self.terms.amount),
            "level": now.level,
            "total": str(now.total),
            "approved_by": [one.by for one in self.approvals(now).counted],
            "source": now.authority.source,
            "on_time": not any(deadline.was_breached for deadline in self.deadlines),
            "to_file": list(self.to_file),
            "by": cause.actor,
            "paid_at": timestamp(at),
        }
        self.record("offer_paid", data, at=at, cause=cause)
        self._stand()

    def reverse(
        self,
        now: Situation,
        *,
        evidence: str,
        note: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Take a payment back by a counter-entry, by whoever approves last and neither prepared nor paid it."""
        last, rule = now.authority.places[-1], now.authority.source
        must_hold(last.roles, roles, "reversing a payment", rule)
        not_concerned(cause.actor, now.barred, "reversing a payment", rule)
        not_concerned(cause.actor, self.authors, "reversing a payment", rule)
        if self.state is not OfferState.PAID:
            raise Conflict(f"offer {self.id} is {self.state}: only what was paid is reversed")
        not_concerned(cause.actor, (self.movements[0].by,), "reversing a payment", rule)
        amount = -self.paid
        self.movements.append(Movement(MovementKind.COUNTER, amount, evidence, cause.actor, at))
        self._end(OfferState.REVERSED, cause.actor, at, note)
        data = {**self._head(), "amount": str(-amount), "by": cause.actor, "reversed_at": timestamp(at)}
        self.record("offer_reversed", data, at=at, cause=cause)
        self._stand()

    def void(self, because: VoidedBecause, note: str | None, *, at: datetime, cause: Cause) -> None:
        """Withdraw it, or let it fall with its case; what was paid is reversed instead."""
        if self.state not in {OfferState.PROPOSED, *OUTSTANDING}:
            raise Conflict(f"offer {self.id} is {self.state}: there is nothing to withdraw")
        self._end(OfferState.VOIDED, cause.actor, at, note)
        data = {
            **self._head(),
            "because": because.value,
            "by": cause.actor,
            "voided_at": timestamp(at),
        }
        self.record("offer_voided", data, at=at, cause=cause)
        self._stand()

    def file_paper(self, unit: str, reference: str, *, at: datetime, cause: Cause) -> None:
        """Enter where the original or a copy of the agreement went after payment."""
        if unit not in self.to_file:
            listed = ", ".join(self.to_file) or "none"
            raise wrong("unit", f"must be one of {listed}")
        if unit not in self.unfiled:
            raise Conflict(f"the agreement of offer {self.id} is with {unit} already")
        self.filed.append(Paper(unit, reference, cause.actor, at))
        data = {
            **self._head(),
            "unit": unit,
            "way": None,
            "source": self.source,
            "by": cause.actor,
            "filed_at": timestamp(at),
        }
        self.record("filing_recorded", data, at=at, cause=cause)
        self._stand()

    def fire_clocks(self, now: datetime, cause: Cause) -> tuple[Firing, ...]:
        """Record every warning and breach of the time for payment that came until ``now``."""
        after, fired = fire_deadlines(self.deadlines, now)
        self.deadlines = list(after)
        for firing in fired:
            data = {**self._head(), "due_at": timestamp(firing.due_at)}
            if firing.kind is Kind.BREACHED:
                self.record("payment_overdue", data, at=now, cause=cause)
            else:
                before = point_document(firing.before) if firing.before else None
                point = {"percent": firing.percent, "before": before}
                self.record("payment_due_soon", {**data, **point}, at=now, cause=cause)
        return fired

    def _approved(
        self,
        now: Situation,
        pay_within: Sourced[Duration] | None,
        calendar: Calendar,
        at: datetime,
        cause: Cause,
    ) -> None:
        self.state, self.approved_at = OfferState.APPROVED, at
        if pay_within is not None:
            duration, source = pay_within.value, pay_within.source
            warn_at = (50, 90)
            self.deadlines.append(
                Deadline.begin(PAYMENT_CLOCK, duration, calendar, at, source=source, warn_at=warn_at)
            )
        running = [deadline for deadline in self.deadlines if deadline.state is State.RUNNING]
        data = {
            **self._head(),
            "kind": self.terms.kind,
            "amount": str(self.terms.amount),
            "level": now.level,
            "total": str(now.total),
            "source": now.authority.source,
            "approved_by": [one.by for one in self.approvals(now).counted],
            "filings_due": [unit.code for unit in now.due],
            "pay_by": timestamp(running[-1].due_at) if running else None,
            "approved_at": timestamp(at),
        }
        self.record("offer_approved", data, at=at, cause=cause)
        self._stand()

    def _sign(self, now: Situation, signer: Signer) -> Signature:
        return sign(
            now.authority,
            self.signatures,
            signer,
            authors=self.authors,
            barred=now.barred,
            what="approving an offer",
        )

    def _check_sufficient(self, now: Situation) -> None:
        found = self.approvals(now)
        if found.open is not None:
            wanted = ", ".join(found.open.roles)
            message = (
                f"offer {self.id} comes to {now.total} at the level {now.level} by now: {wanted} approve that"
            )
            raise RuleRefused(message, rule=now.authority.source, details={"awaits": wanted})

    def _check_papers(self, kind: OfferKind, told_at: datetime | None) -> None:
        if kind.agreement is not None and self.signed is None:
            message = f"{kind.name} is paid on a signed supplementary agreement"
            raise RuleRefused(message, rule=kind.agreement.source)
        told = kind.tell_customer
        if told is not None and told.value and told_at is None:
            raise refused("the customer is told to collect", told.source, "told_at", "is missing")

    def _must_be_undecided(self) -> None:
        if self.state not in {OfferState.PROPOSED, *OUTSTANDING}:
            raise Conflict(f"offer {self.id} is {self.state}: there is nothing to approve")
