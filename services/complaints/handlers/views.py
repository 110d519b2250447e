"""The JSON shapes in which cases are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.complaints.domain.case import Case
from shared.clocks import Before, Deadline, Extension, Pause, WarnPoint
from shared.clocks.points import point_document
from shared.history import timestamp


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def deadline_view(deadline: Deadline) -> dict[str, Any]:
    """Return one clock: when it is due and was at first, where it stands, what interrupts it, and its rule."""
    duration = deadline.duration
    return {
        "name": deadline.name,
        "started_at": timestamp(deadline.started_at),
        "amount": duration.amount,
        "unit": duration.unit,
        "due_at": timestamp(deadline.due_at),
        "original_due_at": timestamp(deadline.original_due_at),
        "state": deadline.state.value,
        "ended_at": _moment(deadline.ended_at),
        "provisional": deadline.provisional,
        "calendar_version": deadline.calendar_version,
        "source": deadline.source,
        "warnings": [_warning_view(deadline, point) for point in deadline.warn_at],
        "pauses": [_pause_view(pause) for pause in deadline.pauses],
        "extensions": [_extension_view(extension) for extension in deadline.extensions],
    }


def _warning_view(deadline: Deadline, point: WarnPoint) -> dict[str, Any]:
    at = dict(deadline.warnings).get(point)
    percent, before = (None, point_document(point)) if isinstance(point, Before) else (point, None)
    return {"percent": percent, "before": before, "at": _moment(at), "passed": point in deadline.passed}


def _pause_view(pause: Pause) -> dict[str, Any]:
    return {
        "start": timestamp(pause.start),
        "end": _moment(pause.end),
        "reason": pause.authority.reason,
        "by": pause.authority.by,
        "role": pause.authority.role,
        "resumed_by": pause.resumed_by,
    }


def _extension_view(extension: Extension) -> dict[str, Any]:
    return {
        "amount": extension.amount,
        "reason": extension.authority.reason,
        "requested_at": timestamp(extension.requested_at),
        "requested_by": extension.authority.by,
        "decision": extension.decision.value,
        "decided_at": _moment(extension.decided_at),
        "decided_by": extension.decided_by,
        "due_before": timestamp(extension.due_before),
        "due_after": _moment(extension.due_after),
    }


def result_view(case: Case) -> dict[str, Any]:
    """Return what a command answers."""
    return {"case_id": case.id, "state": case.state.value, "level": case.level, "round": case.rounds}


def now_of(case: Case, households: Mapping[str, int]) -> int:
    """Return how many households have the case's problem: of a matter it counts for, as many as there are now."""
    return case.households if case.valid is False else households.get(case.matter_id, case.households)


def case_view(case: Case, households: Mapping[str, int], *, notes: bool = False) -> dict[str, Any]:
    """Return a case; ``households`` counts those of its matter now, with ``notes`` comes what staff wrote into it."""
    claim = case.claim
    view: dict[str, Any] = {
        "case_id": case.id,
        "number": case.number,
        "contact_ids": list(case.contacts),
        "customer_id": case.customer_id,
        "channel": case.channel,
        "source": case.source,
        "escalations": case.escalations,
        "problem": claim.problem,
        "complainant_type": claim.complainant_type,
        "demand": claim.demand,
        "amount": None if claim.amount is None else str(claim.amount),
        "matter_id": case.matter_id,
        "households": now_of(case, households),
        "level": case.level,
        "state": case.state.value,
        "valid": case.valid,
        "ground": case.ground,
        "repeats": case.repeats,
        "rounds": case.rounds,
        "handler": case.handler,
        "received_at": timestamp(case.received_at),
        "opened_at": timestamp(case.opened_at),
        "replied_at": _moment(case.replied_at),
        "closed_at": _moment(case.closed_at),
        "overdue": case.overdue,
        "overdue_because": [
            {"clock": deadline.name, "due_at": timestamp(deadline.due_at), "source": deadline.source}
            for deadline in case.deadlines
            if deadline.open and deadline.was_breached
        ],
        "supervisors": case.supervisors,
        "urges": len(case.urges),
        "responsible": case.responsible,
        "on_time": case.on_time,
        "profile": case.profile,
        "regulation": case.regulation,
        "deadlines": [deadline_view(deadline) for deadline in case.deadlines],
    }
    if notes:
        view["prevention"] = case.prevention
        view["notes"] = [
            {"kind": note.kind, "text": note.text, "actor": note.actor, "at": timestamp(note.at)}
            for note in case.notes
        ]
    return view
