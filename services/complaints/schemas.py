"""Shapes of the arguments of the service's RPC."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.complaints.domain.states import CaseState, ContactOutcome

_MAX_TEXT = 4000
_LINE_BREAKS = "\n\r\t"
#: What no keyboard types. Wide blanks, with which Chinese paragraphs begin, and joined symbols are text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")


def _text(value: str) -> None:
    if _CONTROL.search(value):
        message = "holds control characters"
        raise ValidationError(message)
    if not value.strip():
        message = "must not be blank"
        raise ValidationError(message)


def _line(value: str) -> None:
    _text(value)
    if any(character in _LINE_BREAKS for character in value):
        message = "must be one line"
        raise ValidationError(message)


class _Moment(fields.AwareDateTime):
    """RFC 3339 with an offset; the parser below it would pass over a NUL at the end."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not value.isprintable():
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        return moment


def _long_text(**kwargs: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, _MAX_TEXT), _text], **kwargs)


def _id(**kwargs: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, 64), _line], **kwargs)


_CODE = validate.Regexp(r"^[a-z0-9][a-z0-9_.-]{0,63}\Z", error="must be 1 to 64 of a-z, 0-9, '-', '_', '.'")


class ById(Schema):
    """One case by its id."""

    id = _id(required=True)


class ByContact(Schema):
    """The case of a contact."""

    contact_id = _id(required=True)


class Nothing(Schema):
    """No arguments."""


class DecideValidity(ById):
    """Whether a complaint stands, and why."""

    valid = fields.Boolean(required=True, truthy={True}, falsy={False})
    ground = fields.String(load_default=None, allow_none=True, validate=_CODE)
    reason = _long_text(required=True)


class AttemptContact(ById):
    """An attempt to reach the customer."""

    outcome = fields.String(
        required=True, validate=validate.OneOf([outcome.value for outcome in ContactOutcome])
    )


class Progress(ById):
    """Progress of the handling."""

    step = fields.String(load_default="progress", validate=_CODE)
    text = _long_text(required=True)


class Reply(ById):
    """A reply to the customer; ``next_reply_at`` belongs to one that is not final."""

    text = _long_text(required=True)
    final = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    next_reply_at = _Moment(load_default=None, allow_none=True, format="iso")
    prevention = _long_text(load_default=None, allow_none=True)

    @validates_schema
    def _time_belongs_to_interim(self, data: dict[str, Any], **_: object) -> None:
        if data.get("final", True) and data.get("next_reply_at") is not None:
            message = "belongs only to a reply that is not final"
            raise ValidationError(message, "next_reply_at")


class ListCases(Schema):
    """A page of cases, the newest first."""

    state = fields.String(
        load_default=None, validate=validate.OneOf(["open", "overdue", *(state.value for state in CaseState)])
    )
    level = fields.String(load_default=None, validate=_CODE)
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))
