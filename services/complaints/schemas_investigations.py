"""Shapes of the arguments of the calls about investigations and corrective actions."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from services.complaints.domain.investigation.states import ActionState, InvestigationState
from services.complaints.schemas import ById
from services.complaints.schemas_path import filled_form
from shared.fields import CODE, Moment, line, long_text, truth

_MAX_TEXT = 4000
_MAX_ID = 64
_MAX_STAFF = 128
_MAX_LINE = 200
_MAX_ROWS = 50
#: In whatever unit the clock has; beyond it the calendar's end comes near.
_MAX_AMOUNT = 10_000


def _each_once(rows: list[Any]) -> None:
    if len(rows) > _MAX_ROWS:
        raise ValidationError(f"lists more than {_MAX_ROWS}")
    if len(set(rows)) < len(rows):
        raise ValidationError("lists one more than once")


def _codes() -> fields.List[str]:
    return fields.List(fields.String(validate=CODE), load_default=list, validate=_each_once)


def _code(**kwargs: Any) -> fields.String:
    return fields.String(validate=CODE, **kwargs)


def _optional_code() -> fields.String:
    return _code(load_default=None, allow_none=True)


def _note() -> fields.String:
    return long_text(_MAX_TEXT, load_default=None, allow_none=True)


class OpenInvestigation(Schema):
    """The case, how it is investigated (the rulebook's usual way if not said) and by whom (the caller if not said)."""

    case_id = line(_MAX_ID, required=True)
    method = _optional_code()
    method_reason = _note()
    investigators = fields.List(line(_MAX_STAFF), load_default=list, validate=_each_once)


class RecordFindings(ById):
    """The rulebook's points filled; ``reason`` says why they replace those written before."""

    filled = filled_form()
    reason = _note()


class SubmitReport(ById):
    """The rulebook's report filled, its causes, and the departments it goes to (all of the rulebook's if not said)."""

    filled = filled_form()
    causes = _codes()
    departments = _codes()


class _OfRevision(ById):
    revision = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))


class ApproveReport(_OfRevision):
    """The approval of the report as it was read."""

    note = _note()


class ReturnReport(_OfRevision):
    """Why the report is sent back."""

    reason = long_text(_MAX_TEXT, required=True)


class AcknowledgeReport(ById):
    """Which department received the report."""

    department = _code(required=True)


class AddRecord(ById):
    """A record of one of the rulebook's kinds."""

    kind = _code(required=True)
    filled = filled_form()


class OpenAction(Schema):
    """What is to be done about a case, or about what its investigation found, and by whom."""

    case_id = line(_MAX_ID, required=True)
    investigation_id = line(_MAX_ID, load_default=None, allow_none=True)
    kind = _code(required=True)
    what = long_text(_MAX_TEXT, required=True)
    department = _code(required=True)
    owner = line(_MAX_STAFF, required=True)
    cause = _optional_code()


class DecideAction(ById):
    """Approval or refusal of a draft."""

    approved = truth(required=True)
    note = _note()


class CompleteAction(ById):
    """The evidence that it is done."""

    evidence = line(_MAX_LINE, required=True)
    note = _note()


class ExtendAction(ById):
    """How much of its unit it may take in all, and why."""

    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, _MAX_AMOUNT))
    reason = _code(required=True)


class CheckAction(ById):
    """Whether it helped, and how that was seen."""

    effective = truth(required=True)
    finding = long_text(_MAX_TEXT, required=True)


class WithdrawAction(ById):
    """Why it is given up."""

    reason = long_text(_MAX_TEXT, required=True)


class _Page(Schema):
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))


class ListInvestigations(_Page):
    """A page of investigations, the newest first; ``mine``: those whose report awaits the caller's approval."""

    state = fields.String(
        load_default=None, validate=validate.OneOf([state.value for state in InvestigationState])
    )
    case_id = line(_MAX_ID, load_default=None)
    cause = _code(load_default=None)
    mine = truth(load_default=False)


class ListRecurrences(_Page):
    """A page of the cases with a cause, or one under it; ``besides`` is a case that does not count."""

    cause = _code(required=True)
    besides = line(_MAX_ID, load_default=None)


class ListActions(_Page):
    """A page of corrective actions, the newest first; with ``due_before`` the open ones by when they are due."""

    show = fields.String(load_default=None, validate=validate.OneOf(["open", "overdue", "to_check"]))
    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in ActionState]))
    case_id = line(_MAX_ID, load_default=None)
    investigation_id = line(_MAX_ID, load_default=None)
    owner = line(_MAX_STAFF, load_default=None)
    department = _code(load_default=None)
    cause = _code(load_default=None)
    due_before = Moment(load_default=None)


class ActionEffectiveness(Schema):
    """All causes, or one with everything under it."""

    cause = _code(load_default=None)
