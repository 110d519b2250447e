"""The JSON shapes in which cases are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.complaints.domain.case import Case
from shared.clocks import Deadline
from shared.history import timestamp


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def deadline_view(deadline: Deadline) -> dict[str, Any]:
    """Return one clock: when it is due, where it stands, and the rule that sets it."""
    return {
        "name": deadline.name,
        "due_at": timestamp(deadline.due_at),
        "state": deadline.state.value,
        "ended_at": _moment(deadline.ended_at),
        "provisional": deadline.provisional,
        "source": deadline.source,
    }


def result_view(case: Case) -> dict[str, Any]:
    """Return what a command answers."""
    return {"case_id": case.id, "state": case.state.value, "level": case.level, "round": case.rounds}


def case_view(case: Case, *, notes: bool = False) -> dict[str, Any]:
    """Return a case; with ``notes`` also what staff wrote into it."""
    claim = case.claim
    view: dict[str, Any] = {
        "case_id": case.id,
        "number": case.number,
        "contact_ids": list(case.contacts),
        "customer_id": case.customer_id,
        "channel": case.channel,
        "problem": claim.problem,
        "complainant_type": claim.complainant_type,
        "demand": claim.demand,
        "amount": None if claim.amount is None else str(claim.amount),
        "matter_id": case.matter_id,
        "households": case.households,
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
