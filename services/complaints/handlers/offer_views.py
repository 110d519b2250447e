"""The JSON shapes in which offers, delegations and what a case knows of them are shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.money.delegation import Delegation
from services.complaints.domain.money.file import Paper
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.rules import Plan
from services.complaints.domain.money.situation import Situation
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.handlers.views import deadline_view
from shared.authority import Signature
from shared.history import timestamp


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def _sum(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def offer_answer(offer: Offer) -> dict[str, Any]:
    """Return what a command answers: where the offer stands, and whose approval it awaits."""
    return {
        "offer_id": offer.id,
        "case_id": offer.case_id,
        "state": offer.state.value,
        "revision": offer.revision,
        "amount": str(offer.terms.amount),
        "level": offer.level,
        "total": str(offer.total),
        "awaits": list(offer.awaits),
    }


def offer_view(offer: Offer) -> dict[str, Any]:
    """Return an offer with everything entered on it."""
    terms = offer.terms
    return {
        **offer_answer(offer),
        "matter_id": offer.matter_id,
        "kind": terms.kind,
        "basis": offer.basis,
        "reason": terms.reason,
        "goods": [{"item": goods.item, "quantity": goods.quantity} for goods in terms.goods],
        "reference": terms.reference,
        "policy": terms.policy,
        "clause": terms.clause,
        "meeting_note": terms.meeting_note,
        "agreement": terms.agreement,
        "authority": offer.authority,
        "source": offer.source,
        "regulation": offer.regulation,
        "proposed_by": offer.proposed_by,
        "proposed_at": timestamp(offer.proposed_at),
        "authors": list(offer.authors),
        "approvals": [_approval(signature) for signature in offer.signatures],
        "approved_at": _moment(offer.approved_at),
        "ended_by": offer.ended_by,
        "ended_at": _moment(offer.ended_at),
        "note": offer.note,
        "signed": None if offer.signed is None else _paper(offer.signed),
        "to_file": list(offer.unfiled),
        "filed": [_paper(paper) for paper in offer.filed],
        "movements": [
            {
                "kind": movement.kind.value,
                "amount": str(movement.amount),
                "evidence": movement.evidence,
                "by": movement.by,
                "at": timestamp(movement.at),
            }
            for movement in offer.movements
        ],
        "paid": str(offer.paid),
        "overdue": offer.overdue,
        "deadlines": [deadline_view(deadline) for deadline in offer.deadlines],
    }


def _approval(signature: Signature) -> dict[str, Any]:
    return {
        "by": signature.by,
        "role": signature.role,
        "at": timestamp(signature.at),
        "for": signature.principal,
        "delegation_id": signature.mandate,
    }


def _paper(paper: Paper) -> dict[str, Any]:
    return {
        "unit": paper.unit,
        "reference": paper.reference,
        "by": paper.by,
        "at": timestamp(paper.at),
    }


def explained(offer: Offer, now: Situation) -> dict[str, Any]:
    """Return who must approve an offer by what holds ``now``, who has, and what is missing beside it."""
    authority, found = now.authority, offer.approvals(now)
    return {
        "offer_id": offer.id,
        "level": now.level,
        "total": str(now.total),
        "authority": authority.code,
        "source": authority.source,
        "sequence": [{"roles": list(place.roles), "quorum": place.quorum} for place in authority.places],
        "counted": [_approval(signature) for signature in found.counted],
        "awaits": [] if found.open is None else list(found.open.roles),
        "missing": found.missing,
        "sufficient": found.complete,
        "first_report_missing": now.unreported,
        "filings_due": [{"unit": unit.code, "name": unit.name, "source": unit.source} for unit in now.due],
    }


def settlement_view(case: Case, rules: ComplaintRules) -> dict[str, Any]:
    """Return what a case knows of money and filings, and what of it keeps it from closing."""
    return {
        "case_id": case.id,
        "state": case.state.value,
        "level": case.level,
        "open_offers": case.open_offers,
        "filings": [
            {
                "unit": filing.unit,
                "way": filing.way.value,
                "reference": filing.reference,
                "by": filing.by,
                "at": timestamp(filing.at),
            }
            for filing in case.filings
        ],
        "filings_due": [
            {"unit": unit.code, "name": unit.name, "source": unit.source}
            for unit in case.filings_due(rules.authority)
        ],
        "dangers": [danger.value for danger in case.dangers],
        "first_report_missing": case.unreported(rules.authority),
        "accused": list(case.accused),
        "waits_to_close": case.waits_to_close,
    }


def delegation_answer(delegation: Delegation) -> dict[str, Any]:
    """Return a delegation."""
    mandate = delegation.mandate
    return {
        "delegation_id": delegation.id,
        "principal": mandate.principal,
        "delegate": mandate.delegate,
        "role": mandate.role,
        "limit": _sum(mandate.limit),
        "since": timestamp(mandate.since),
        "until": timestamp(mandate.until),
        "revoked_at": _moment(mandate.revoked_at),
        "source": delegation.source,
        "granted_at": timestamp(delegation.granted_at),
    }


def plan_view(plan: Plan) -> dict[str, Any]:
    """Return a plan in its four blocks."""
    return {
        "problem": plan.code,
        "name": plan.name,
        "calming": plan.calming,
        "compensation": plan.compensation,
        "courier_claim": plan.courier_claim,
        "tracing": plan.tracing,
        "source": plan.source,
    }
