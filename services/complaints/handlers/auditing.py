"""Use case: check what is kept, page by page, and tell what does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from services.complaints.domain.auditing.cases import case_findings
from services.complaints.domain.auditing.charges import penalty_findings
from services.complaints.domain.auditing.findings import Finding, Invariant, Subject, chain_findings
from services.complaints.domain.auditing.inquiries import (
    action_findings,
    dispute_findings,
    investigation_findings,
)
from services.complaints.domain.auditing.ledgers import account_findings, month_findings
from services.complaints.domain.auditing.offers import offer_findings
from services.complaints.domain.case import Case
from services.complaints.domain.dispute.dispute import Dispute
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.liability.account import Account, account_id
from services.complaints.domain.liability.fines import tariff_of
from services.complaints.domain.liability.month import LedgerMonth
from services.complaints.domain.liability.penalty import Penalty
from services.complaints.domain.money.offer import Offer
from services.complaints.handlers.charging import Files, liability_id
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.settling import Desk
from services.complaints.metrics import AUDIT_FINDINGS, AUDITED
from services.complaints.sheets import UNREADABLE, Sheet
from shared.aggregate import Aggregate
from shared.errors import NotFound
from shared.ledger import Line, Tariff

if TYPE_CHECKING:
    from services.complaints.disputes import DisputeRepository
    from services.complaints.investigations import InvestigationRepository
    from services.complaints.ledgers import Kept
    from services.complaints.repository import CaseRepository

#: Where the pages of a subject are, and what tells what does not hold of one on them.
_Shelf = tuple["CaseRepository | Kept[Any]", Callable[[Any], Iterable[Finding]]]


class AuditPages:
    """One page a call. It changes nothing, so it may be asked at any time and from anywhere."""

    def __init__(
        self, desk: Desk, files: Files, inquiries: InvestigationRepository, disputes: DisputeRepository
    ) -> None:
        """Use the desk for cases and offers, the files for what follows for those liable."""
        self._desk = desk
        self._files = files
        ledgers = files.ledgers
        self._shelves: Mapping[Subject, _Shelf] = {
            Subject.CASES: (desk.cases, self._case),
            Subject.OFFERS: (desk.offers, self._offer),
            Subject.DELEGATIONS: (desk.delegations, _nothing_more),
            Subject.LIABILITIES: (ledgers.liabilities, _nothing_more),
            Subject.PENALTIES: (ledgers.penalties, self._penalty),
            Subject.SANCTIONS: (ledgers.sanctions, _nothing_more),
            Subject.LEDGERS: (ledgers.accounts, self._account),
            Subject.MONTHS: (ledgers.months, self._month),
            Subject.INVESTIGATIONS: (inquiries.investigations, self._investigation),
            Subject.CORRECTIVE_ACTIONS: (inquiries.actions, self._action),
            Subject.DISPUTES: (disputes.disputes, self._dispute),
        }

    def __call__(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what does not hold on a page, how many it has, and after which id the next one begins.

        ``total`` is how many there are in all; it is counted with the first page only.
        """
        shelf, check = self._shelves[Subject(data["subject"])]
        sheets = shelf.page(call.org, data["after"] or "", data["limit"])
        findings = [finding for sheet in sheets for finding in self._twice(sheet, shelf, check)]
        AUDITED.labels(kind=data["subject"]).inc(len(sheets))
        for finding in findings:
            AUDIT_FINDINGS.labels(invariant=finding.invariant.value).inc()
        return {
            "checked": len(sheets),
            "total": shelf.count(call.org) if data["after"] is None else None,
            "findings": [
                {"id": each.id, "invariant": each.invariant.value, "found": each.found} for each in findings
            ],
            "next_after": sheets[-1].id if len(sheets) == data["limit"] else None,
        }

    def _twice(
        self,
        sheet: Sheet[Any],
        shelf: CaseRepository | Kept[Any],
        check: Callable[[Any], Iterable[Finding]],
    ) -> list[Finding]:
        """Return what does not hold of one; looked at again, as others may have been writing in between."""
        if sheet.kept is None:
            return [Finding(sheet.id, Invariant.READABLE, f"cannot be read: {sheet.fault}")]
        if not self._once(sheet.kept, check):
            return []
        again = shelf.get(sheet.id, sheet.kept.org)
        return [] if again is None else self._once(again, check)

    def _once(self, kept: Aggregate, check: Callable[[Any], Iterable[Finding]]) -> list[Finding]:
        findings = list(chain_findings(kept))
        try:
            findings += check(kept)
        except UNREADABLE as error:
            reason = f"cannot be judged: {type(error).__name__}: {error}"
            findings.append(Finding(kept.id, Invariant.READABLE, reason))
        except NotFound as error:
            findings.append(Finding(kept.id, Invariant.READABLE, f"cannot be judged: {error.message}"))
        return findings

    def _case(self, case: Case) -> Iterable[Finding]:
        return case_findings(case, self._desk.timing(case), self._desk.clock.now())

    def _offer(self, offer: Offer) -> Iterable[Finding]:
        case = self._desk.case(offer.case_id, offer.org)
        liability = self._files.ledgers.liabilities.get(liability_id(case.id), offer.org)
        committed = self._desk.lists.committed(offer.org, offer.matter_id)
        rules, now = self._desk.timing(case).rules, self._desk.clock.now()
        return offer_findings(offer, case, liability, committed, rules, now)

    def _penalty(self, penalty: Penalty) -> Iterable[Finding]:
        wanted = {account_id(penalty.org, staff, penalty.unit) for staff in penalty.staff}
        return penalty_findings(penalty, self._accounts(wanted), self._files.clock.now())

    def _account(self, account: Account) -> Iterable[Finding]:
        known: dict[tuple[str, str], Tariff | None] = {}

        def tariff(charge: Line) -> Tariff | None:
            penalty = self._files.ledgers.penalties.get(charge.labels["penalty"], account.org)
            if penalty is None:
                return None
            key = penalty.regulation, penalty.code
            if key not in known:
                known[key] = tariff_of(self._files.rules_of(account.org, penalty.regulation), penalty.code)
            return known[key]

        return account_findings(account, tariff)

    def _month(self, month: LedgerMonth) -> Iterable[Finding]:
        return month_findings(month, self._accounts(month.accounts))

    def _investigation(self, found: Investigation) -> Iterable[Finding]:
        case = self._desk.case(found.case_id, found.org)
        return investigation_findings(found, case, self._desk.clock.now())

    def _action(self, action: CorrectiveAction) -> Iterable[Finding]:
        case = self._desk.case(action.case_id, action.org)
        return action_findings(action, case, self._desk.clock.now())

    def _dispute(self, dispute: Dispute) -> Iterable[Finding]:
        case = self._desk.case(dispute.case_id, dispute.org)
        return dispute_findings(dispute, case, self._desk.clock.now())

    def _accounts(self, ids: Iterable[str]) -> dict[str, Account]:
        return {account.id: account for account in self._files.ledgers.accounts_by_id(list(ids))}


def _nothing_more(_: Aggregate) -> Iterable[Finding]:
    """Of some nothing must hold but that their histories are whole."""
    return ()
