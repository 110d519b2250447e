"""What the use cases of offers share: under which authority one stands now, and telling its case of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from services.complaints.domain.case import Case
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.rules import AuthorityRules, OfferKind, OfferRules
from services.complaints.domain.money.situation import (
    Situation,
    authority_over,
    level_for,
    total_of,
)
from services.complaints.domain.money.states import OUTSTANDING, VoidedBecause
from services.complaints.domain.money.terms import kind_of
from services.complaints.domain.timing import Timing
from services.complaints.errors import no_case
from services.complaints.handlers.charging import liability_id
from services.complaints.handlers.opening import Rules
from services.complaints.metrics import CASES_CLOSED
from shared.clock import Clock
from shared.errors import Conflict
from shared.history import Cause

if TYPE_CHECKING:
    from services.complaints.ledgers import LedgerRepository
    from services.complaints.offers import OfferRepository
    from services.complaints.repository import CaseRepository

#: How often a step starts over because somebody else was faster; many offers may meet in one case.
_ATTEMPTS = 20


class Desk:
    """Finds what a step with an offer rests on, and keeps the case's word on it true."""

    def __init__(
        self,
        cases: CaseRepository,
        offers: OfferRepository,
        ledgers: LedgerRepository,
        rules: Rules,
        clock: Clock,
    ) -> None:
        """Use the repositories and the loaded rulebooks."""
        self.cases = cases
        self.offers = offers.offers
        self.delegations = offers.delegations
        self.lists = offers
        self.rules = rules
        self.clock = clock
        self._ledgers = ledgers

    def case(self, case_id: str, org: str) -> Case:
        """Return a case of ``org``; NotFound when there is none."""
        case = self.cases.get(case_id, org)
        if case is None:
            raise no_case(case_id)
        return case

    def timing(self, case: Case) -> Timing:
        """Return the rules the case was opened under, in its organisation's calendar."""
        return self.rules.timing(case.org, case.regulation)

    def money(self, case: Case) -> OfferRules:
        """Return what its rules say about offers."""
        return self.timing(case).rules.offers or OfferRules()

    def kind(self, case: Case, code: str) -> OfferKind:
        """Return a kind of offer of its rules; ValidationFailed where they have none of that name."""
        return kind_of(self.money(case), code)

    def authority_now(self, org: str) -> AuthorityRules:
        """Return the authority in force for ``org`` at present, for what belongs to no case."""
        return self.rules.in_force(org, self.clock.now()).sections.authority or AuthorityRules()

    def situation(self, case: Case, kind: str, amount: Decimal, besides: str | None = None) -> Situation:
        """Return under which authority an offer of ``amount`` on ``case`` stands at this moment.

        Its sum counts together with every other offer approved in the case's matter, but for ``besides``, itself.
        An offer is approved before it is paid; so of two approved at the same moment, each without a look at
        the other, at least one is seen by the payment of the other, and is judged again then.
        """
        rules = self.timing(case).rules
        others = [
            offer.terms.amount
            for offer in self.lists.committed(case.org, case.matter_id)
            if offer.id != besides
        ]
        total = total_of(amount, others)
        level = level_for(rules, case.level, total)
        return Situation(
            authority=authority_over(rules, kind, level, total),
            level=level,
            total=total,
            barred=self.concerned(case),
            due=case.filings_due(rules.authority, level),
            unreported=case.unreported(rules.authority),
        )

    def concerned(self, case: Case) -> frozenset[str]:
        """Return the people the case is about: those named in it, and those found liable for it."""
        liability = self._ledgers.liabilities.get(liability_id(case.id), case.org)
        liable = liability.current.finding.persons if liability is not None else ()
        return frozenset({*case.accused, *liable})

    def settle(self, offer: Offer, cause: Cause) -> Offer:
        """Tell the case of an offer whether it is open, so that it does not close; return the offer as it is then.

        The case takes note of the newest news only, by the entry of the offer's history. An offer that was
        approved while its case closed is void. A process that dies in between leaves the offer pending for
        whoever comes next; nothing is paid on a pending one.
        """
        for _ in range(_ATTEMPTS):
            if not offer.pending:
                return offer
            since = offer.history.next_seq
            if not self._tell(offer, cause):
                offer.void(VoidedBecause.CASE_CLOSED, None, at=self.clock.now(), cause=cause)
            else:
                offer.told = offer.stood
            try:
                self.offers.save(offer, since_seq=since)
            except Conflict:
                offer = self._again(offer)
                continue
            offer.version += 1
        raise Conflict(f"the case of offer {offer.id} keeps being changed by others: try again")

    def _tell(self, offer: Offer, cause: Cause) -> bool:
        """Let the case take note; False where it has closed and the offer must not stay."""
        for _ in range(_ATTEMPTS):
            case = self.case(offer.case_id, offer.org)
            if not case.is_open and offer.state in OUTSTANDING:
                return False
            since = case.history.next_seq
            news = case.note_offer(
                offer.id,
                offer.stood,
                is_open=offer.opened,
                timing=self.timing(case),
                at=self.clock.now(),
                cause=cause,
            )
            if not news:
                return True
            try:
                self.cases.save(case, since_seq=since)
            except Conflict:
                continue
            count_closed(case, since)
            return True
        raise Conflict(f"{offer.case_id} keeps being changed by others: try again")

    def _again(self, offer: Offer) -> Offer:
        found = self.offers.get(offer.id, offer.org)
        return found if found is not None else offer


def count_closed(case: Case, since: int) -> None:
    """Count in the metrics what a write of a case closed."""
    for entry in case.history.since(since):
        if entry.type == "case_closed":
            CASES_CLOSED.labels(because=entry.data["because"]).inc()
