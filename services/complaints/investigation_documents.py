"""The shapes in which investigations, corrective actions and what a case knows of them are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.complaints.domain.investigated import InvestigatedCase
from services.complaints.domain.investigation.action import Check, Completion, CorrectiveAction
from services.complaints.domain.investigation.file import Receipt, Record, Recurrence, Statement
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.investigation.states import (
    ActionState,
    InvestigationState,
    Standing,
    StatementKind,
)
from services.complaints.domain.investigation.telling import Fact, Told
from shared.aggregate import base_document, base_fields
from shared.authority import Signature
from shared.clocks import Deadline

Document = dict[str, Any]

_TOLD = ("case_id", "stood", "told")
_INVESTIGATION = (
    "level",
    "regulation",
    "method",
    "method_reason",
    "opened_by",
    "opened_at",
    "revision",
    "prevents",
    "approved_at",
    "note",
    "archive_id",
)
_ACTION = (
    "investigation_id",
    "kind",
    "what",
    "department",
    "owner",
    "cause",
    "regulation",
    "source",
    "opened_by",
    "opened_at",
    "round",
    "decided_by",
    "decided_at",
    "ended_by",
    "ended_at",
    "note",
)


def investigation_document(found: Investigation) -> Document:
    """Return the shape of an investigation; what only some have is there only while it applies."""
    recurrence = found.recurrence
    return {
        **_told_document(found),
        **{name: getattr(found, name) for name in _INVESTIGATION},
        "state": found.state.value,
        "reported_at": found.reported_at,
        "investigators": list(found.investigators),
        "statements": [
            {**asdict(one), "kind": one.kind.value, "causes": list(one.causes), "fields": dict(one.fields)}
            for one in found.statements
        ],
        "causes": list(found.causes),
        "recurrence": {**asdict(recurrence), "case_ids": list(recurrence.case_ids)},
        "awaits": list(found.awaits),
        "signatures": [asdict(signature) for signature in found.signatures],
        "recipients": list(found.recipients),
        "unreceived": list(found.unreceived),
        "receipts": [asdict(receipt) for receipt in found.receipts],
        "records": [{**asdict(record), "fields": dict(record.fields)} for record in found.records],
    }


def investigation_of(document: Mapping[str, Any]) -> Investigation:
    """Rebuild an investigation."""
    recurrence = document["recurrence"]
    return Investigation(
        **_told_fields(document),
        **{name: document[name] for name in _INVESTIGATION},
        state=InvestigationState(document["state"]),
        investigators=tuple(document["investigators"]),
        statements=[
            Statement(**{**row, "kind": StatementKind(row["kind"]), "causes": tuple(row["causes"])})
            for row in document["statements"]
        ],
        causes=tuple(document["causes"]),
        recurrence=Recurrence(**{**recurrence, "case_ids": tuple(recurrence["case_ids"])}),
        awaits=tuple(document["awaits"]),
        signatures=[Signature(**row) for row in document["signatures"]],
        recipients=tuple(document["recipients"]),
        receipts=[Receipt(**row) for row in document["receipts"]],
        records=[Record(**row) for row in document["records"]],
    )


def action_document(action: CorrectiveAction) -> Document:
    """Return the shape of a corrective action; what only some have is there only while it applies."""
    clock = action.due_clock
    document = {
        **_told_document(action),
        **{name: getattr(action, name) for name in _ACTION},
        "state": action.state.value,
        "open": action.is_open,
        "overdue": action.overdue,
        "due_at": clock.due_at if clock is not None else None,
        "effective_checks": sum(check.effective for check in action.checks),
        "failed_checks": sum(not check.effective for check in action.checks),
        "completions": [asdict(completion) for completion in action.completions],
        "checks": [asdict(check) for check in action.checks],
        "deadlines": [deadline.as_document() for deadline in action.deadlines],
    }
    if action.next_due is not None:
        document["next_due"] = action.next_due
    if action.open_calendars:
        document["open_calendars"] = action.open_calendars
    return document


def action_of(document: Mapping[str, Any]) -> CorrectiveAction:
    """Rebuild a corrective action."""
    return CorrectiveAction(
        **_told_fields(document),
        **{name: document[name] for name in _ACTION},
        state=ActionState(document["state"]),
        completions=[Completion(**row) for row in document["completions"]],
        checks=[Check(**row) for row in document["checks"]],
        deadlines=[Deadline.from_document(row) for row in document["deadlines"]],
    )


def investigated_document(case: InvestigatedCase) -> Document:
    """Return what a case knows of investigations and actions, for its own document; empty where it knows nothing."""
    parts = {"investigations": case.investigations, "actions": case.actions}
    return {
        name: {found_id: [fact.seq, fact.standing.value] for found_id, fact in facts.items()}
        for name, facts in parts.items()
        if facts
    }


def investigated_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constructor arguments of that part, from the case's document."""
    return {
        name: {
            found_id: Fact(seq, Standing(standing))
            for found_id, (seq, standing) in document.get(name, {}).items()
        }
        for name in ("investigations", "actions")
    }


def _told_document(told: Told) -> Document:
    document = {
        **base_document(told),
        **{name: getattr(told, name) for name in _TOLD},
        "standing": told.standing.value if told.standing is not None else None,
    }
    if told.pending:
        document["pending"] = True
    return document


def _told_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    standing = document["standing"]
    return {
        **base_fields(document),
        **{name: document[name] for name in _TOLD},
        "standing": None if standing is None else Standing(standing),
    }
