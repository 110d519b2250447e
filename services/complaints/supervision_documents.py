"""The shapes in which disputes, and what a case keeps of its supervision, are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.complaints.domain.contested import ContestedCase, DisputeFact
from services.complaints.domain.dispute.dispute import (
    Dispute,
    DisputeState,
    Outcome,
    Party,
    Recusal,
    Ruling,
)
from services.complaints.domain.supervision.watch import AskedBy, Entered, Referral, Report, Urge, Watch
from shared.aggregate import base_document, base_fields
from shared.clocks import Deadline

Document = dict[str, Any]

_CASE = ("apologised_at", "result_told_at", "responsible", "apology_missing")
_DISPUTE = (
    "case_id",
    "subject",
    "question",
    "topic",
    "department",
    "raised_by",
    "raised_at",
    "regulation",
    "interprets",
    "source",
    "turn",
    "instance",
    "appealed_by",
    "appealed_at",
    "appeal_reason",
    "ended_at",
    "stood",
    "told",
)


def supervision_document(case: ContestedCase) -> Document:
    """Return what a case keeps of its supervision and disputes, for its own document; empty where it has none."""
    parts: Document = {
        "watches": [asdict(watch) for watch in case.watches],
        "urges": [{**asdict(urge), "asked_by": urge.asked_by.value} for urge in case.urges],
        "reports": [asdict(report) for report in case.reports],
        "referrals": [asdict(referral) for referral in case.referrals],
        "entered": [asdict(entry) for entry in case.entered],
        "disputes": {key: [fact.seq, fact.open] for key, fact in case.disputes.items()},
        # What its list looks it up by.
        "supervisors": case.supervisors if case.is_open else [],
        **{name: getattr(case, name) for name in _CASE},
    }
    return {name: part for name, part in parts.items() if part}


def supervision_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constructor arguments of that part, from the case's document."""
    facts = document.get("disputes", {})
    return {
        "watches": [Watch(**row) for row in document.get("watches", ())],
        "urges": [Urge(**{**row, "asked_by": AskedBy(row["asked_by"])}) for row in document.get("urges", ())],
        "reports": [Report(**row) for row in document.get("reports", ())],
        "referrals": [Referral(**row) for row in document.get("referrals", ())],
        "entered": [Entered(**row) for row in document.get("entered", ())],
        "disputes": {key: DisputeFact(seq, is_open) for key, (seq, is_open) in facts.items()},
        **{name: document[name] for name in _CASE if name in document},
    }


def dispute_document(dispute: Dispute) -> Document:
    """Return the shape of a dispute; what its lists look for is there only while it applies."""
    document = {
        **base_document(dispute),
        **{name: getattr(dispute, name) for name in _DISPUTE},
        "parties": [{"department": p.department, "staff": list(p.staff)} for p in dispute.parties],
        "rulers": list(dispute.rulers),
        "recusals": [asdict(recusal) for recusal in dispute.recusals],
        "rulings": [{**asdict(ruling), "outcome": ruling.outcome.value} for ruling in dispute.rulings],
        "state": dispute.state.value,
        "open": dispute.is_open,
        "overdue": dispute.overdue,
        "deadlines": [deadline.as_document() for deadline in dispute.deadlines],
    }
    if dispute.interprets and dispute.state in {DisputeState.RULED, DisputeState.FINAL}:
        document["interpreted_at"] = dispute.rulings[-1].at
    if dispute.pending:
        document["pending"] = True
    if dispute.next_due is not None:
        document["next_due"] = dispute.next_due
    return document


def dispute_of(document: Mapping[str, Any]) -> Dispute:
    """Rebuild a dispute."""
    return Dispute(
        **base_fields(document),
        **{name: document[name] for name in _DISPUTE},
        parties=tuple(Party(row["department"], tuple(row["staff"])) for row in document["parties"]),
        rulers=tuple(document["rulers"]),
        recusals=[Recusal(**row) for row in document["recusals"]],
        rulings=[Ruling(**{**row, "outcome": Outcome(row["outcome"])}) for row in document["rulings"]],
        state=DisputeState(document["state"]),
        deadlines=[Deadline.from_document(row) for row in document["deadlines"]],
    )
