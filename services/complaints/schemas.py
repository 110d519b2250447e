"""Shapes of the arguments of the service's RPC."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.complaints.domain.states import CaseState, ContactOutcome
from shared.fields import CODE, Moment, line, long_text, truth

_MAX_TEXT = 4000
_MAX_ID = 64
#: In whatever unit the clock has; beyond it the calendar's end comes near.
_MAX_AMOUNT = 10_000


class ById(Schema):
    """One case by its id."""

    id = line(_MAX_ID, required=True)


class ByContact(Schema):
    """The case of a contact."""

    contact_id = line(_MAX_ID, required=True)


class Nothing(Schema):
    """No arguments."""


class DecideValidity(ById):
    """Whether a complaint stands, and why."""

    valid = truth(required=True)
    ground = fields.String(load_default=None, allow_none=True, validate=CODE)
    reason = long_text(_MAX_TEXT, required=True)


class AttemptContact(ById):
    """An attempt to reach the customer."""

    outcome = fields.String(
        required=True, validate=validate.OneOf([outcome.value for outcome in ContactOutcome])
    )
    #: Left out it stays out of the arguments: a repeat of an older caller's command is the same command.
    apologised = truth()


class Progress(ById):
    """Progress of the handling."""

    step = fields.String(load_default="progress", validate=CODE)
    text = long_text(_MAX_TEXT, required=True)
    told = truth()


class Reply(ById):
    """A reply to the customer; ``next_reply_at`` belongs to one that is not final."""

    text = long_text(_MAX_TEXT, required=True)
    final = truth(load_default=True)
    next_reply_at = Moment(load_default=None, allow_none=True)
    prevention = long_text(_MAX_TEXT, load_default=None, allow_none=True)

    @validates_schema
    def _time_belongs_to_interim(self, data: dict[str, Any], **_: object) -> None:
        if data.get("final", True) and data.get("next_reply_at") is not None:
            message = "belongs only to a reply that is not final"
            raise ValidationError(message, "next_reply_at")


class ResumeClocks(ById):
    """Clocks to run again; none named means all that are paused."""

    clocks = fields.List(fields.String(validate=CODE), load_default=list)
    note = long_text(_MAX_TEXT, load_default=None, allow_none=True)


class PauseClocks(ResumeClocks):
    """Clocks to stand still; none named means all running ones that the rulebook lets pause."""

    reason = fields.String(required=True, validate=CODE)


class RequestExtension(ById):
    """A request that a clock may take ``amount`` of its unit in all."""

    clock = fields.String(required=True, validate=CODE)
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, _MAX_AMOUNT))
    reason = fields.String(required=True, validate=CODE)
    note = long_text(_MAX_TEXT, load_default=None, allow_none=True)


class DecideExtension(ById):
    """The decision on the request that waits."""

    clock = fields.String(required=True, validate=CODE)
    granted = truth(required=True)
    note = long_text(_MAX_TEXT, load_default=None, allow_none=True)


class AssignCase(ById):
    """To whom a case is handed over."""

    handler = line(_MAX_ID, required=True)
    note = long_text(_MAX_TEXT, load_default=None, allow_none=True)


class SetLevel(ById):
    """The level somebody with authority gives a case, and why."""

    level = fields.String(required=True, validate=CODE)
    reason = long_text(_MAX_TEXT, required=True)


class ListCases(Schema):
    """A page of cases: the newest first, or what is due until some time, the most urgent first.

    ``mine`` are the open cases the caller handles; ``due_today`` and ``due_before`` those whose next deadline ends
    on this day of the organisation, or before a moment.
    """

    state = fields.String(
        load_default=None, validate=validate.OneOf(["open", "overdue", *(state.value for state in CaseState)])
    )
    level = fields.String(load_default=None, validate=CODE)
    matter_id = line(_MAX_ID, load_default=None, allow_none=True)
    mine = truth(load_default=False)
    due_today = truth(load_default=False)
    due_before = Moment(load_default=None, allow_none=True)
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))

    @validates_schema
    def _due_once(self, data: dict[str, Any], **_: object) -> None:
        if data.get("due_today") and data.get("due_before") is not None:
            raise ValidationError("goes without due_today", "due_before")
