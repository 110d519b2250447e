"""Shapes of what comes in: the events of the complaints service, and RPC arguments."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, post_load, validate

from services.followup.domain.callback import State
from services.followup.domain.facts import CaseClosed, CaseOpened, CaseReopened, CaseReplied, ContactAttempted
from services.followup.domain.message import Status
from shared.arguments import ById, Page
from shared.fields import CODE, Moment, line, plain_text, truth

MAX_NOTE = 2000
MAX_VALUE = 200
_MAX_ROUND = 10_000

#: What ``list_callbacks`` may be asked for beside the states themselves.
OVERDUE = "overdue"
#: What ``list_messages`` may be asked for beside the statuses: not acknowledged yet, and not in time.
UNACKNOWLEDGED, UNANSWERED = "unacknowledged", "overdue"
WAITING = (UNACKNOWLEDGED, UNANSWERED)


class CallbackList(StrEnum):
    """The lists those who call work from."""

    MINE = "mine"
    #: Those that may be made at this minute: it is quiet time for none of them.
    NOW = "now"
    TODAY = "today"
    OVERDUE = "overdue"
    #: What was not made: given up, or past its time.
    GAPS = "gaps"


def _id(**kwargs: Any) -> fields.String:
    return line(128, **kwargs)


def _round(least: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(least, _MAX_ROUND))


def _moment() -> Moment:
    return Moment(required=True)


class _Event(Schema):
    """The data of an event; fields that a newer publisher adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    case_id = _id(required=True)


class CaseRepliedSchema(_Event):
    """The data of ``case_replied``."""

    number = _id(required=True)
    contact_id = _id(required=True)
    customer_id = _id(required=True)
    valid = truth(required=True)
    handler = _id(required=True, allow_none=True)
    replied_at = _moment()
    round = _round(1)
    needs_callback = truth(required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> CaseReplied:
        return CaseReplied(**data)


class CaseOpenedSchema(_Event):
    """The data of ``case_opened``."""

    number = _id(required=True)
    contact_id = _id(required=True)
    customer_id = _id(required=True)
    channel = fields.String(required=True, validate=CODE)
    opened_at = _moment()

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> CaseOpened:
        return CaseOpened(**data)


class ContactAttemptedSchema(_Event):
    """The data of ``contact_attempted``."""

    contact_id = _id(required=True)
    customer_id = _id(required=True)
    attempted_at = _moment()
    message = fields.String(required=True, allow_none=True, validate=CODE)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> ContactAttempted:
        return ContactAttempted(**data)


class CaseClosedSchema(_Event):
    """The data of ``case_closed``."""

    closed_at = _moment()
    rounds = _round(0)
    because = fields.String(required=True, validate=CODE)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> CaseClosed:
        return CaseClosed(**data)


class CaseReopenedSchema(_Event):
    """The data of ``case_reopened``."""

    reopened_at = _moment()
    round = _round(1)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> CaseReopened:
        return CaseReopened(**data)


class CallbackQuery(Page):
    """A page of callbacks; ``open`` are all still to be made, ``overdue`` those whose time has passed.

    ``due_on`` is the organisation's local day, by the end of which they are due at the latest.
    """

    state = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf([*map(str, State), OVERDUE])
    )
    case_id = _id(load_default=None, allow_none=True)
    customer_id = _id(load_default=None, allow_none=True)
    rule = fields.String(load_default=None, allow_none=True, validate=CODE)
    list = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf([*map(str, CallbackList)])
    )
    due_on = fields.Date(load_default=None, allow_none=True)


class AppointCallback(ById):
    """When the customer asked to be called."""

    at = _moment()


class NoteOccasion(Schema):
    """Something that happened with a customer; ``key`` is the noting system's own name of it."""

    customer_id = _id(required=True)
    occasion = fields.String(required=True, validate=CODE)
    at = _moment()
    key = _id(required=True)
    unit_id = _id(load_default=None, allow_none=True)
    reference = _id(load_default=None, allow_none=True)
    handler = _id(load_default=None, allow_none=True)


class RequestOpenedSchema(Schema):
    """What is needed of ``request_opened``."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    request_id = _id(required=True)
    kind = fields.String(required=True, validate=CODE)
    subtype = fields.String(load_default=None, allow_none=True, validate=CODE)
    contact_id = _id(required=True, allow_none=True)
    customer_id = _id(required=True, allow_none=True)


class RequestClosedSchema(Schema):
    """What is needed of ``request_closed``."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    request_id = _id(required=True)


class OccasionNotedSchema(Schema):
    """What is needed of followup's own ``occasion_noted``."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    occasion_id = _id(required=True)


class CallbackFailedSchema(Schema):
    """What is needed of followup's own ``callback_given_up`` and ``callback_unsatisfied``."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    callback_id = _id(required=True)


class MessageQuery(Page):
    """A page of messages, of one case or campaign if it is named, and of one status."""

    case_id = _id(load_default=None, allow_none=True)
    campaign_id = _id(load_default=None, allow_none=True)
    status = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf([*map(str, Status), *WAITING])
    )


class CompleteCallback(ById):
    """A call that was made; ``reached`` follows from the outcome unless it is given, ``record`` is the filled form."""

    outcome = fields.String(required=True, validate=CODE)
    reached = truth(load_default=None, allow_none=True)
    note = fields.String(
        load_default=None, allow_none=True, validate=[validate.Length(1, MAX_NOTE), plain_text]
    )
    channel = fields.String(load_default=None, allow_none=True, validate=CODE)
    record = fields.Dict(keys=fields.String(validate=CODE), load_default=None, allow_none=True)


class RenderMessage(ById):
    """What only the gateway knows of a message; nothing of it is kept."""

    values = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.String(validate=[validate.Length(1, MAX_VALUE), plain_text]),
        load_default=dict,
    )
