"""Counting in the metrics what was written: each entry of a history once, by what it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.complaints.metrics import (
    DANGERS_DECLARED,
    FILINGS_RECORDED,
    LEDGER_ENTRIES,
    MONTH_STEPS,
    OFFER_APPROVALS,
    OFFER_STEPS,
    PATH_STEPS,
    PAYMENTS_OVERDUE,
    PENALTY_STEPS,
    SANCTION_STEPS,
)
from shared.mongo.client import Document

#: Entries that are one step each, and where those are counted.
_STEPS = {
    "offer_proposed": (OFFER_STEPS, "proposed"),
    "offer_changed": (OFFER_STEPS, "changed"),
    "offer_approved": (OFFER_STEPS, "approved"),
    "offer_refused": (OFFER_STEPS, "refused"),
    "offer_accepted": (OFFER_STEPS, "accepted"),
    "offer_declined": (OFFER_STEPS, "declined"),
    "offer_paid": (OFFER_STEPS, "paid"),
    "offer_reversed": (OFFER_STEPS, "reversed"),
    "offer_voided": (OFFER_STEPS, "voided"),
    "penalty_proposed": (PENALTY_STEPS, "proposed"),
    "penalty_approved": (PENALTY_STEPS, "approved"),
    "penalty_refused": (PENALTY_STEPS, "refused"),
    "penalty_posted": (PENALTY_STEPS, "posted"),
    "penalty_appealed": (PENALTY_STEPS, "appealed"),
    "penalty_reversed": (PENALTY_STEPS, "reversed"),
    "sanction_proposed": (SANCTION_STEPS, "proposed"),
    "sanction_approved": (SANCTION_STEPS, "approved"),
    "sanction_refused": (SANCTION_STEPS, "refused"),
    "sanction_published": (SANCTION_STEPS, "published"),
    "month_reviewed": (MONTH_STEPS, "reviewed"),
    "notice_published": (MONTH_STEPS, "published"),
    "month_closed": (MONTH_STEPS, "closed"),
}


def count_written(written: Iterable[tuple[Document, int]]) -> None:
    """Count what each document's history tells of from the entry on that its write added."""
    for document, since in written:
        for entry in document["history"][since - 1 :]:
            _count(entry["type"], entry["data"])


def _count(kind: str, data: Mapping[str, Any]) -> None:
    if kind in _STEPS:
        steps, step = _STEPS[kind]
        steps.labels(step=step).inc()
    elif kind == "approval_given":
        OFFER_APPROVALS.labels(by="delegate" if data["for"] is not None else "holder").inc()
    elif kind == "filing_recorded":
        FILINGS_RECORDED.labels(of="case" if data["offer_id"] is None else "agreement").inc()
    elif kind == "case_step_taken":
        PATH_STEPS.labels(outcome="taken" if data["sent_back_to"] is None else "sent_back").inc()
    elif kind == "ledger_entry_posted":
        LEDGER_ENTRIES.labels(kind=data["kind"]).inc()
    elif kind == "danger_declared":
        DANGERS_DECLARED.labels(danger=data["danger"]).inc()
    elif kind == "payment_overdue":
        PAYMENTS_OVERDUE.inc()
