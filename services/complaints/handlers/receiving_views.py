"""The JSON shapes of how a case was received, and of the complaint ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.receiving.claims import unclear
from services.complaints.domain.receiving.overdue import Overdue, overdue_by
from services.complaints.domain.receiving.register import LedgerRow
from services.complaints.domain.receiving.rules import ReceivingRules
from services.complaints.domain.rulebook import ClockStart, ComplaintRules
from services.complaints.domain.timing import on_time
from shared.history import timestamp

Json = dict[str, Any]


def receiving_view(case: Case, rules: ComplaintRules, now: datetime) -> Json:
    """Return how a case was received, what is unclear or missing of it, and why it is overdue."""
    receiving = rules.receiving or ReceivingRules()
    return {
        "case_id": case.id,
        "number": case.number,
        "contact_id": case.contacts[0],
        "state": case.state.value,
        "taken_by": case.taken_by,
        "source": _source_view(case.source, receiving),
        "unclear": [
            {"field": each.field, "listed": list(each.listed), "rule": each.rule}
            for each in unclear(case.claim, rules)
        ],
        "opinion": _opinion_view(case, receiving),
        "refusal": _refusal_view(case, rules, receiving),
        "escalations": case.escalations,
        "late_entry_at": _moment(case.late_entry_at),
        "overdue": overdue_view(overdue_by(case.deadlines, case.source, rules, now)),
        "record_card": _card_view(case, rules, receiving),
    }


def overdue_view(found: Iterable[Overdue]) -> list[Json]:
    """Return by which rules, and which of its clocks, something is overdue."""
    return [
        {
            "code": each.rule.code,
            "name": each.rule.name,
            "rule": each.rule.source,
            "clock": each.clock,
            "due_at": timestamp(each.due_at),
            "still": each.still,
        }
        for each in found
    ]


def ledger_row_view(row: LedgerRow, rules: ComplaintRules, now: datetime) -> Json:
    """Return one row of the complaint ledger."""
    plain = ("number", "contact_id", "customer_id", "channel", "source", "taken_by", "problem", "level")
    claim = ("complainant_type", "demand", "valid", "ground", "rounds", "repeats", "escalations", "handler")
    moments = ("received_at", "opened_at", "first_response_at", "replied_at", "closed_at")
    return {
        "case_id": row.case_id,
        **{name: getattr(row, name) for name in (*plain, *claim)},
        "state": row.state.value,
        **{name: _moment(getattr(row, name)) for name in moments},
        "on_time": on_time(row.deadlines),
        "overdue": overdue_view(overdue_by(row.deadlines, row.source, rules, now)),
    }


def _source_view(code: str, receiving: ReceivingRules) -> Json:
    rule = receiving.origin(code)
    return {
        "code": code,
        "name": rule.name if rule else None,
        "rule": rule.source if rule else None,
        "owners": list(rule.owners) if rule else [],
        "department": rule.department if rule else None,
        "priority": rule.priority if rule else None,
        "by_audit": rule is not None and rule.by_audit,
    }


def _opinion_view(case: Case, receiving: ReceivingRules) -> Json | None:
    given = case.opinion
    if given is None and receiving.opinion is None:
        return None
    return {
        "rule": receiving.opinion.source if receiving.opinion else None,
        "required": receiving.opinion is not None and receiving.opinion.required,
        "stands": given.stands if given else None,
        "ground": given.ground if given else None,
        "by": given.by if given else None,
        "at": _moment(given.at if given else None),
    }


def _refusal_view(case: Case, rules: ComplaintRules, receiving: ReceivingRules) -> Json | None:
    """Return the words a refusal has and by when they are said; None where the case does not need them."""
    rule, told = receiving.refusal, case.refusal_told
    if rule is None or case.valid is not False:
        return None
    clocks = {clock.name for clock in rules.clocks if clock.starts is ClockStart.FOUND_INVALID}
    due = min((d.due_at for d in case.deadlines if d.name in clocks), default=None)
    return {
        "text": rule.text,
        "variables": [name for name in rule.variables if name != "number"],
        "binding": rule.binding,
        "rule": rule.source,
        "due_at": _moment(due),
        "way": told.way if told else None,
        "told_by": told.by if told else None,
        "told_at": _moment(told.at if told else None),
    }


def _card_view(case: Case, rules: ComplaintRules, receiving: ReceivingRules) -> Json | None:
    card, approved = receiving.record_card, case.card_approved
    if card is None:
        return None
    rows = case.card_rows(rules)
    return {
        "name": card.name,
        "rule": card.source,
        "fields": [
            {
                "code": row.code,
                "name": row.name,
                "required": row.required,
                "value": row.value,
                "missing": row.missing,
                "rule": row.source,
            }
            for row in rows
        ],
        "complete": not any(row.missing for row in rows),
        "holds_up_closing": card.holds_up_closing,
        "approved_by": approved.by if approved else None,
        "approved_at": _moment(approved.at if approved else None),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)
