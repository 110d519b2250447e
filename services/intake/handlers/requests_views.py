"""The JSON shapes of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain.requests.request import Request
from services.intake.domain.requests.rules import Process
from shared.clocks import Deadline
from shared.history import timestamp


def moved_view(request: Request) -> dict[str, Any]:
    """Return what a command on a request answers."""
    offered = request.offered
    return {
        "request_id": request.id,
        "kind": request.opening.kind,
        "stage": request.stage,
        "owner": request.owner.as_data(),
        "offered_to": offered.to.as_data() if offered else None,
        "first_responsible": request.first_responsible.as_data(),
        "closed": not request.open_,
        "messages": [message.text for message in request.messages],
    }


def row_view(request: Request) -> dict[str, Any]:
    """Return a request as it stands in lists, without anybody's words."""
    opening = request.opening
    return {
        "request_id": request.id,
        "kind": opening.kind,
        "subtype": opening.subtype,
        "contact_id": opening.contact_id,
        "customer_id": opening.customer_id,
        "channel": opening.channel,
        "level": request.level,
        "stage": request.stage,
        "opened_at": timestamp(opening.opened_at),
        "owner": request.owner.as_data(),
        "first_responsible": request.first_responsible.as_data(),
        "lead": request.lead,
        "due_at": _moment(request.due_at),
        "overdue": request.overdue,
        "disputed": request.disputed,
        "repeats": list(request.repeats),
        "replied_at": _moment(request.replied_at),
        "closed_at": _moment(request.closed_at),
    }


def full_view(request: Request, process: Process, zone: ZoneInfo) -> dict[str, Any]:
    """Return a request with everything entered on it, past and next steps and who is responsible for each."""
    return row_view(request) | {
        "text": request.opening.text,
        "facts": dict(request.facts),
        "clocks": request.clock_view(),
        "late_days": _late_days(request.deadlines, zone),
        "stages": _stages(request, process),
        "next": _next(request, process),
        "done": [_plain(asdict(each)) for each in request.done],
        "passed": [_plain(asdict(each)) for each in request.passed],
        "helpers": [each.as_data() for each in request.helpers],
        "departments": [_plain(asdict(each)) for each in request.parts],
        "rulings": [_plain(asdict(each)) for each in request.verdicts],
        "notices": [_plain(asdict(each)) for each in request.notices],
        "tasks": [_plain(asdict(each)) for each in request.tasks],
        "messages": [_plain(asdict(each)) for each in request.messages],
    }


def _stages(request: Request, process: Process) -> list[dict[str, Any]]:
    """Return all stages in order, each with its owner and when the request first came to it."""
    begun = {request.opening.stage: request.opening.opened_at}
    for done in request.done:
        begun.setdefault(done.stage, done.at)
    return [
        {"stage": stage.code, "owner": stage.owner, "begun_at": _moment(begun.get(stage.code))}
        for stage in process.stages
    ]


def _next(request: Request, process: Process) -> list[dict[str, Any]]:
    """Return what may be done now, and by which roles."""
    if not request.open_:
        return []
    return [
        {"action": action.code, "by": list(action.by), "fills": list(action.fills)}
        for action in process.actions
        if not action.stages or request.stage in action.stages
    ]


def _late_days(deadlines: Sequence[Deadline], zone: ZoneInfo) -> int:
    """Return how many days after the last one in time the latest of the late clocks ended."""
    late = [0]
    for each in deadlines:
        if each.was_breached and each.ended_at is not None and each.ended_at >= each.due_at:
            last = (each.due_at - timedelta(microseconds=1)).astimezone(zone).date()
            late.append((each.ended_at.astimezone(zone).date() - last).days)
    return max(late)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: timestamp(value)
        if isinstance(value, datetime)
        else _plain(value)
        if isinstance(value, dict)
        else value
        for name, value in row.items()
    }
