"""Arguments of the calls about duty: log, shifts, rosters, handovers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from shared.arguments import Page
from shared.fields import CODE, line, long_text, truth

STAFF = validate.Regexp(
    r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}\Z", error="must be a staff id of letters, digits, -_.@"
)
_PERIOD = validate.Regexp(r"^20\d\d-(0[1-9]|1[0-2])(-\d\d)?\Z", error="must be a day or a month")
_MONTH = validate.Regexp(r"^20\d\d-(0[1-9]|1[0-2])\Z", error="must be a month such as 2025-03")
_WORDS = 2000
_MANY = 400


class Number(fields.Field[Decimal]):
    """A number of things or a sum of money, as text with at most two decimals."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        del attr, data, kwargs
        if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", value, re.ASCII):
            message = 'must be a number written as text, for example "500.00"'
            raise ValidationError(message)
        return Decimal(value)


class _Strict(Schema):
    class Meta:
        """Refuse what is not known."""

        unknown = RAISE


def _code(**kwargs: Any) -> fields.String:
    return fields.String(validate=CODE, **kwargs)


def _staff(**kwargs: Any) -> fields.String:
    return fields.String(validate=STAFF, **kwargs)


def _optional(field: Any, **kwargs: Any) -> Any:
    return field(load_default=None, allow_none=True, **kwargs)


class _Work(_Strict):
    important = truth(load_default=False)
    due_on = _optional(fields.Date)
    quantity = _optional(fields.Integer, strict=True, validate=validate.Range(1, 10_000))


class WriteLog(_Strict):
    """An entry of the duty log."""

    desk = _code(required=True)
    kind = _code(required=True)
    text = long_text(_WORDS, required=True)
    fields_ = fields.Dict(
        keys=fields.String(validate=CODE),
        values=long_text(_WORDS),
        data_key="fields",
        attribute="fields",
        load_default=dict,
        validate=validate.Length(max=20),
    )
    unit = line(50, load_default=None, allow_none=True)
    corrects = line(64, load_default=None, allow_none=True)
    plan = _code(load_default=None, allow_none=True)
    work = fields.Nested(_Work, load_default=None, allow_none=True)


class FollowWork(_Strict):
    """What became of open work."""

    id = line(64, required=True)
    action = fields.String(required=True, validate=validate.OneOf(["settled", "postponed", "done"]))
    text = long_text(_WORDS, required=True)
    due_on = _optional(fields.Date)
    point = _code(load_default=None, allow_none=True)


class SignLog(_Strict):
    """A page of the duty log: a day or a month of a desk."""

    desk = _code(required=True)
    period = fields.String(required=True, validate=_PERIOD)


class LogPageQuery(Page):
    """The page of a day or a month; with a seed only the sample to be checked."""

    desk = _code(required=True)
    period = fields.String(required=True, validate=_PERIOD)
    seed = line(64, load_default=None, allow_none=True)


class DeskPage(Page):
    """A page of what a desk has."""

    desk = _code(required=True)


class UnitMonth(_Strict):
    """A unit and a month."""

    unit = line(50, required=True)
    month = fields.String(required=True, validate=_MONTH)


class DeskDay(_Strict):
    """A desk and a day."""

    desk = _code(required=True)
    day = fields.Date(required=True)


#: What must come with an action, by the action.
_NEEDED = {
    "open_conversation": "conversation",
    "close_conversation": "conversation",
    "take_money": "amount",
    "note_absence": "staff",
}


class Attend(_Strict):
    """Coming to a shift, leaving it, and what happens on it."""

    desk = _code(required=True)
    day = fields.Date(required=True)
    shift = _code(required=True)
    action = fields.String(required=True, validate=validate.OneOf(["arrive", "leave", *_NEEDED]))
    stands_in_for = _staff(load_default=None, allow_none=True)
    ready = fields.List(fields.String(validate=CODE), load_default=list, validate=validate.Length(max=50))
    conversation = line(64, load_default=None, allow_none=True)
    amount = Number(load_default=None, allow_none=True)
    staff = _staff(load_default=None, allow_none=True)

    @validates_schema
    def _belongs(self, data: dict[str, Any], **_: object) -> None:
        needed = _NEEDED.get(data.get("action", ""))
        if needed is not None and data.get(needed) is None:
            message = "is needed by the action"
            raise ValidationError(message, needed)


class _Assignment(_Strict):
    staff = _staff(required=True)
    shift = _code(required=True)
    day = fields.Date(required=True)


class _Needed(_Strict):
    day = fields.Date(required=True)
    people = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))


class DrawRoster(_Strict):
    """A roster of a desk for a stretch of days; ``needed`` is how many people an event asks for."""

    desk = _code(required=True)
    first = fields.Date(required=True)
    last = fields.Date(required=True)
    assignments = fields.List(
        fields.Nested(_Assignment), required=True, validate=validate.Length(1, _MANY * 5)
    )
    needed = fields.List(fields.Nested(_Needed), load_default=list, validate=validate.Length(max=_MANY))

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: object) -> None:
        if {"first", "last"} <= data.keys() and not 0 <= (data["last"] - data["first"]).days < _MANY:
            message = "must be 0 to 399 days after the first"
            raise ValidationError(message, "last")


class SwapShift(_Strict):
    """A swap: proposed with the other person, shift and day; answered by its number."""

    id = line(64, required=True)
    action = fields.String(required=True, validate=validate.OneOf(["propose", "accept", "decline"]))
    to = _staff(load_default=None, allow_none=True)
    shift = _code(load_default=None, allow_none=True)
    day = _optional(fields.Date)
    no = _optional(fields.Integer, strict=True, validate=validate.Range(1))

    @validates_schema
    def _whole(self, data: dict[str, Any], **_: object) -> None:
        needed = ("to", "shift", "day") if data.get("action") == "propose" else ("no",)
        for name in needed:
            if data.get(name) is None:
                message = "is needed by the action"
                raise ValidationError(message, name)


class OpenHandover(_Strict):
    """The handover of a shift; without a next shift the desk closes for the day."""

    shift_id = line(64, required=True)
    to_shift = _code(load_default=None, allow_none=True)


_PART = validate.OneOf(["outgoing", "incoming"])


class _Counting(_Strict):
    code = _code(required=True)
    number = Number(load_default=None, allow_none=True)
    holders = fields.List(fields.String(validate=STAFF), load_default=list, validate=validate.Length(max=100))
    explanation = long_text(_WORDS, load_default=None, allow_none=True)


class _Checking(_Strict):
    code = _code(required=True)
    answer = truth(required=True)
    explanation = long_text(_WORDS, load_default=None, allow_none=True)


class _Answering(_Strict):
    no = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    text = long_text(_WORDS, required=True)


class _Envelope(_Strict):
    number = line(32, required=True)
    receiver = _staff(required=True)


class FillHandover(_Strict):
    """What one side enters of a handover."""

    id = line(64, required=True)
    part = fields.String(required=True, validate=_PART)
    counts = fields.List(fields.Nested(_Counting), load_default=list, validate=validate.Length(max=50))
    checks = fields.List(fields.Nested(_Checking), load_default=list, validate=validate.Length(max=50))
    headings = fields.Dict(
        keys=fields.String(validate=CODE),
        values=long_text(_WORDS),
        load_default=dict,
        validate=validate.Length(max=50),
    )
    questions = fields.List(long_text(_WORDS), load_default=list, validate=validate.Length(max=20))
    answers = fields.List(fields.Nested(_Answering), load_default=list, validate=validate.Length(max=20))
    accepts = fields.List(line(64), load_default=list, validate=validate.Length(max=200))
    envelope = fields.Nested(_Envelope, load_default=None, allow_none=True)


class SignHandover(_Strict):
    """A signature of one side."""

    id = line(64, required=True)
    part = fields.String(required=True, validate=_PART)


class RecordLoss(_Strict):
    """A loss, and the point of the checklist it comes from."""

    id = line(64, required=True)
    check = _code(required=True)
    text = long_text(_WORDS, required=True)
