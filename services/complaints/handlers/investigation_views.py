"""The JSON shapes in which investigations, corrective actions and what a case still needs are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.file import Statement
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.investigation.rules import Cause, InvestigationRules
from services.complaints.handlers.views import deadline_view
from shared.history import timestamp


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def investigation_answer(found: Investigation) -> dict[str, Any]:
    """Return what a command answers: where the investigation stands, and whose approval its report awaits."""
    return {
        "investigation_id": found.id,
        "case_id": found.case_id,
        "state": found.state.value,
        "revision": found.revision,
        "method": found.method,
        "recurrences": found.recurrence.count,
        "awaits": list(found.awaits),
        "outstanding": list(found.unreceived) if found.approved_at is not None else [],
        "archive_id": found.archive_id,
    }


def investigation_view(found: Investigation) -> dict[str, Any]:
    """Return an investigation with everything ever written into it."""
    recurrence = found.recurrence
    return {
        **investigation_answer(found),
        "level": found.level,
        "regulation": found.regulation,
        "method_reason": found.method_reason,
        "investigators": list(found.investigators),
        "opened_by": found.opened_by,
        "opened_at": timestamp(found.opened_at),
        "findings": None if found.findings is None else _statement(found.findings),
        "report": None if found.report is None else _statement(found.report),
        "statements": [_statement(one) for one in found.statements],
        "causes": list(found.causes),
        "prevents": found.prevents,
        "recurrence": {
            "count": recurrence.count,
            "case_ids": list(recurrence.case_ids),
            "since": _moment(recurrence.since),
            "source": recurrence.source,
        },
        "approvals": [{"by": one.by, "role": one.role, "at": timestamp(one.at)} for one in found.signatures],
        "approved_at": _moment(found.approved_at),
        "note": found.note,
        "recipients": list(found.recipients),
        "receipts": [
            {"department": one.department, "by": one.by, "at": timestamp(one.at)} for one in found.receipts
        ],
        "records": [
            {
                "record_id": one.id,
                "kind": one.kind,
                "fields": dict(one.fields),
                "by": one.by,
                "at": timestamp(one.at),
            }
            for one in found.records
        ],
        "intact": found.intact,
    }


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "kind": statement.kind.value,
        "revision": statement.revision,
        "fields": dict(statement.fields),
        "causes": list(statement.causes),
        "by": statement.by,
        "at": timestamp(statement.at),
        "reason": statement.reason,
    }


def recurrences_view(
    cause: Cause, since: datetime, source: str, count: int, found: Sequence[Investigation]
) -> dict[str, Any]:
    """Return how often a cause was reported, and a page of the cases."""
    return {
        "cause": cause.code,
        "name": cause.name,
        "since": timestamp(since),
        "source": source,
        "count": count,
        "cases": [
            {
                "case_id": each.case_id,
                "investigation_id": each.id,
                "causes": list(each.causes),
                "reported_at": _moment(each.reported_at),
            }
            for each in found
        ],
    }


def requirements_view(case: Case, rules: InvestigationRules) -> dict[str, Any]:
    """Return what the rulebook asks of a case, row by row, and what of it is missing."""
    asked = [rule for rule in rules.required if rule.covers(case.level, case.ground)]
    return {
        "case_id": case.id,
        "state": case.state.value,
        "valid": case.valid,
        "investigations": {found_id: fact.standing.value for found_id, fact in case.investigations.items()},
        "actions": {action_id: fact.standing.value for action_id, fact in case.actions.items()},
        "required": [
            {
                "code": rule.code,
                "before": rule.before.value,
                "needs": [need.value for need in rule.needs],
                "missing": [need.value for need in rule.needs if case.valid is True and not case.has(need)],
                "source": rule.source,
            }
            for rule in asked
        ],
        "waits_to_close": case.waits_to_close,
    }


def action_answer(action: CorrectiveAction) -> dict[str, Any]:
    """Return what a command answers: where the action stands, and by when it is to be done."""
    clock = action.due_clock
    return {
        "action_id": action.id,
        "case_id": action.case_id,
        "state": action.state.value,
        "round": action.round,
        "due_at": None if clock is None else timestamp(clock.due_at),
        "overdue": action.overdue,
    }


def action_view(action: CorrectiveAction) -> dict[str, Any]:
    """Return a corrective action with everything entered on it."""
    return {
        **action_answer(action),
        "investigation_id": action.investigation_id,
        "kind": action.kind,
        "what": action.what,
        "department": action.department,
        "owner": action.owner,
        "cause": action.cause,
        "source": action.source,
        "regulation": action.regulation,
        "opened_by": action.opened_by,
        "opened_at": timestamp(action.opened_at),
        "decided_by": action.decided_by,
        "decided_at": _moment(action.decided_at),
        "ended_by": action.ended_by,
        "ended_at": _moment(action.ended_at),
        "note": action.note,
        "completions": [
            {
                "round": one.round,
                "evidence": one.evidence,
                "note": one.note,
                "by": one.by,
                "at": timestamp(one.at),
            }
            for one in action.completions
        ],
        "checks": [
            {
                "round": one.round,
                "effective": one.effective,
                "finding": one.finding,
                "by": one.by,
                "at": timestamp(one.at),
            }
            for one in action.checks
        ],
        "deadlines": [deadline_view(deadline) for deadline in action.deadlines],
    }


def effectiveness_view(rows: Sequence[Mapping[str, Any]], rules: InvestigationRules) -> list[dict[str, Any]]:
    """Return by cause what became of its actions; the one without a cause comes last."""
    names = {cause.code: cause.name for cause in rules.causes}
    ordered = sorted(rows, key=lambda row: (row["cause"] is None, row["cause"] or ""))
    return [
        {
            "cause": row["cause"],
            "name": names.get(row["cause"] or ""),
            **{name: row[name] for name in ("actions", "open", "overdue", "effective", "ineffective")},
        }
        for row in ordered
    ]
