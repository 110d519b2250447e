"""The JSON shapes in which supervision and disputes are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.dispute.dispute import Dispute, Ruling
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.supervision.rules import SupervisionRules
from services.complaints.domain.supervision.watch import Urge
from services.complaints.handlers.views import case_view, deadline_view
from shared.clocks import Deadline
from shared.history import timestamp


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def supervised_view(case: Case, households: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """Return a case under supervision, with how many days old it is and the urges nobody answered."""
    return {
        **case_view(case, households),
        "age_days": (now - case.received_at).days,
        "unanswered_urges": len(case.unanswered),
    }


def supervision_view(case: Case, rules: ComplaintRules) -> dict[str, Any]:
    """Return who watches over a case and everything that came of it.

    An entry of progress the customer was not told of is flagged where the rulebook wants them told.
    """
    supervision = rules.supervision or SupervisionRules()
    tell = supervision.tell_customer
    reported = {report.code for report in case.reports}
    return {
        "case_id": case.id,
        "supervisors": case.supervisors,
        "watches": [
            {
                "supervisor": watch.supervisor,
                "lead": watch.lead,
                "because": watch.because,
                "source": watch.source,
                "by": watch.by,
                "since": timestamp(watch.since),
                "ended_at": _moment(watch.ended_at),
                "ended_by": watch.ended_by,
            }
            for watch in case.watches
        ],
        "urges": [_urge(case, urge) for urge in case.urges],
        "reports_due": [
            {
                "report": rule.code,
                "to": rule.to,
                "due_at": _due(case, f"report.{rule.code}"),
                "source": rule.source,
            }
            for rule in supervision.reports_up
            if rule.code not in reported and rule.due(case.level, endangered=case.endangered)
        ],
        "reports": [
            {"report": each.code, "to": each.to, "by": each.by, "at": timestamp(each.at)}
            for each in case.reports
        ],
        "referrals": [
            {
                "referral": each.number,
                "department": each.department,
                "by": each.by,
                "at": timestamp(each.at),
                "due_at": _due(case, each.clock),
                "overdue": _overdue(case, each.clock),
                "holds_closing": each.holds_closing,
                "source": each.source,
                "returned_at": _moment(each.returned_at),
                "returned_by": each.returned_by,
            }
            for each in case.referrals
        ],
        "progress": [
            {
                "step": entry.step,
                "by": entry.by,
                "at": timestamp(entry.at),
                "told": entry.told,
                "flagged": tell is not None and tell.value and not entry.told,
            }
            for entry in case.entered
        ],
        "apologised_at": _moment(case.apologised_at),
        "apology_missing": case.apology_missing,
        "result_told_at": _moment(case.result_told_at),
        "responsible": case.responsible,
        "open_disputes": case.open_disputes,
    }


def _clock(case: Case, name: str | None) -> Deadline | None:
    return next((deadline for deadline in reversed(case.deadlines) if deadline.name == name), None)


def _due(case: Case, name: str | None) -> str | None:
    clock = _clock(case, name)
    return None if clock is None else timestamp(clock.due_at)


def _overdue(case: Case, name: str | None) -> bool:
    clock = _clock(case, name)
    return clock is not None and clock.open and clock.was_breached


def _urge(case: Case, urge: Urge) -> dict[str, Any]:
    clock = _clock(case, urge.clock)
    return {
        "number": urge.number,
        "asked_by": urge.asked_by.value,
        "by": urge.by,
        "role": urge.role,
        "at": timestamp(urge.at),
        "answer_by": None if clock is None else timestamp(clock.due_at),
        "state": None if clock is None else clock.state.value,
        "escalated_to": urge.escalated_to,
    }


def dispute_answer(dispute: Dispute) -> dict[str, Any]:
    """Return what a command on a dispute answers."""
    return {
        "dispute_id": dispute.id,
        "case_id": dispute.case_id,
        "state": dispute.state.value,
        "instance": dispute.instance,
        "awaits": dispute.awaits,
        "responsible": dispute.responsible,
    }


def dispute_view(dispute: Dispute) -> dict[str, Any]:
    """Return a dispute with its rulings and clocks."""
    return {
        **dispute_answer(dispute),
        "subject": dispute.subject,
        "topic": dispute.topic,
        "question": dispute.question,
        "department": dispute.department,
        "parties": [{"department": p.department, "staff": list(p.staff)} for p in dispute.parties],
        "rulers": list(dispute.rulers),
        "recusals": [
            {"by": each.by, "role": each.role, "reason": each.reason, "at": timestamp(each.at)}
            for each in dispute.recusals
        ],
        "rulings": [ruling_view(ruling) for ruling in dispute.rulings],
        "raised_by": dispute.raised_by,
        "raised_at": timestamp(dispute.raised_at),
        "appealed_by": dispute.appealed_by,
        "appealed_at": _moment(dispute.appealed_at),
        "appeal_reason": dispute.appeal_reason,
        "ended_at": _moment(dispute.ended_at),
        "overdue": dispute.overdue,
        "source": dispute.source,
        "regulation": dispute.regulation,
        "deadlines": [deadline_view(deadline) for deadline in dispute.deadlines],
    }


def ruling_view(ruling: Ruling) -> dict[str, Any]:
    """Return one ruling with its author."""
    return {
        "instance": ruling.instance,
        "outcome": ruling.outcome.value,
        "text": ruling.text,
        "responsible": ruling.responsible,
        "by": ruling.by,
        "role": ruling.role,
        "source": ruling.source,
        "at": timestamp(ruling.at),
    }


def interpretation_view(dispute: Dispute) -> dict[str, Any]:
    """Return how the service policy is read since a ruling; ``final`` once no appeal can change it."""
    return {
        "dispute_id": dispute.id,
        "case_id": dispute.case_id,
        "topic": dispute.topic,
        "question": dispute.question,
        "final": dispute.ended_at is not None,
        "ruling": ruling_view(dispute.rulings[-1]),
    }
