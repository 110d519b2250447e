"""Shapes of the arguments of the RPC about requests."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from shared.arguments import ById, Page
from shared.fields import CODE, Moment, line, long_text, plain_text, truth

_MAX_TEXT = 4000
_MAX_ID = 64
_MOST = 100
#: In whatever unit the clock has; beyond it the calendar's end comes near.
_MAX_AMOUNT = 10_000
_BY = ("kind", "channel", "subtype", "unit", "department", "level", "stage")


def _code(**kwargs: Any) -> fields.String:
    return fields.String(validate=CODE, **(kwargs or {"load_default": None, "allow_none": True}))


def _id() -> fields.String:
    return line(_MAX_ID, load_default=None, allow_none=True)


class _Filled(fields.Field[Any]):
    """What is filled in: text, true or false, or a list of texts."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        del attr, data, kwargs
        if isinstance(value, bool):
            return value
        texts = value if isinstance(value, list) else [value]
        if not 1 <= len(texts) <= _MOST or not all(isinstance(text, str) for text in texts):
            raise ValidationError("must be text, true or false, or a list of texts")
        for text in texts:
            if len(text) > _MAX_TEXT:
                raise ValidationError(f"must be at most {_MAX_TEXT} characters")
            plain_text(text)
        return value


def _filled() -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=CODE), values=_Filled(), load_default=dict)


class OpenRequest(Schema):
    """A request opened by hand; of a contact, of a customer, or the organisation's own."""

    kind = _code(required=True)
    text = long_text(_MAX_TEXT, required=True)
    contact_id = _id()
    customer_id = _id()
    customer_class = _code()
    channel = _code()
    subtype = _code()
    level = _code()
    unit = _code()
    assigned_to = _id()
    separate = truth(load_default=False)
    filled = _filled()


class ActOnRequest(ById):
    """An action of the request's process, and what it asks for."""

    action = _code(required=True)
    filled = _filled()


class TransferRequest(ById):
    """To whom a request is offered, why, and which roles are not there."""

    unit = _code()
    staff = _id()
    absent = fields.List(fields.String(validate=CODE), load_default=list)
    reason = long_text(_MAX_TEXT, required=True)

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: object) -> None:
        if (data.get("unit") is None) == (data.get("staff") is None):
            raise ValidationError("must be given, or else staff, not both", "unit")


class AskHelp(ById):
    """Who is asked for help."""

    role = _code()
    staff = _id()

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: object) -> None:
        if (data.get("role") is None) == (data.get("staff") is None):
            raise ValidationError("must be given, or else staff, not both", "role")


class DelayRequest(ById):
    """How long a clock takes in all, for which reason, and the reason in words."""

    clock = _code(required=True)
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, _MAX_AMOUNT))
    reason = _code(required=True)
    note = long_text(_MAX_TEXT, required=True)


class DepartmentPart(Schema):
    """A department and when it answers."""

    unit = _code(required=True)
    answer_by = Moment(required=True)


class InvolveDepartments(ById):
    """The department with the demand, and those that help it."""

    lead = _code(required=True)
    departments = fields.List(
        fields.Nested(DepartmentPart), required=True, validate=validate.Length(min=1, max=_MOST)
    )

    @validates_schema
    def _asks_each_once(self, data: dict[str, Any], **_: object) -> None:
        units = [each["unit"] for each in data.get("departments", ())]
        if len(units) > len(set(units)):
            raise ValidationError("must each be named once", "departments")


class AnswerDepartment(ById):
    """What a department says; without a unit, how the office rules."""

    unit = _code()
    text = long_text(_MAX_TEXT, required=True)
    agrees = truth(load_default=True)


class ListRequests(Page):
    """Which requests: of whom, in which state, in which order."""

    kind = _code()
    subtype = _code()
    unit = _code()
    department = _code()
    level = _code()
    customer_id = _id()
    staff = _id()
    mine = truth(load_default=False)
    state = fields.String(
        load_default="open",
        validate=validate.OneOf(["open", "closed", "overdue", "unassigned", "all"]),
    )
    due_before = Moment(load_default=None, allow_none=True)
    order = fields.String(load_default="queue", validate=validate.OneOf(["queue", "due", "newest"]))


class RequestStatistics(Schema):
    """By what requests are counted, and which."""

    by = fields.String(required=True, validate=validate.OneOf(_BY))
    kind = _code()
    state = fields.String(load_default="all", validate=validate.OneOf(["open", "closed", "overdue", "all"]))
    opened_from = Moment(load_default=None, allow_none=True)
    opened_before = Moment(load_default=None, allow_none=True)
