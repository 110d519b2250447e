"""Shapes of what is told and asked of people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from shared.fields import CODE, line, truth

MAX_ROWS = 1000
_MANY = 50


class _Told(Schema):
    """The data of an event; fields that a newer publisher adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    customer_id = line(64, required=True)


class _Registered(_Told):
    kind = fields.String(required=True, validate=CODE)


class _Changed(_Told):
    change = fields.String(required=True, validate=CODE)
    value_to = line(64, required=True, allow_none=True)


class _Contacted(_Told):
    unit_id = line(64, required=True, allow_none=True)


class _Flagged(_Told):
    opt_out = truth(required=True)


class _Erased(_Told):
    subject = fields.String(required=True, validate=CODE)
    subject_id = line(64, required=True)


#: The events of intake that tell of a customer, and their shapes.
TELLING: Mapping[str, Schema] = {
    "customer_registered": _Registered(),
    "customer_changed": _Changed(),
    "contact_registered": _Contacted(),
    "privacy_flags_set": _Flagged(),
    "personal_data_erased": _Erased(),
}


def _day(value: str) -> None:
    try:
        right = date.fromisoformat(value).isoformat() == value
    except ValueError:
        right = False
    if not right:
        message = "must be a date such as 2026-01-31"
        raise ValidationError(message)


class PersonRow(Schema):
    """What is told of one customer; null takes a trait or a date away."""

    customer_id = line(64, required=True)
    kind = fields.String(validate=CODE)
    units = fields.List(line(64), validate=validate.Length(max=_MANY))
    traits = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.String(allow_none=True, validate=CODE),
        validate=validate.Length(max=_MANY),
    )
    dates = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.String(allow_none=True, validate=_day),
        validate=validate.Length(max=_MANY),
    )
    opted_out = truth()


class MarkPeople(Schema):
    """What another system, or a clerk, tells of some customers."""

    rows = fields.List(
        fields.Nested(PersonRow()), required=True, validate=validate.Length(min=1, max=MAX_ROWS)
    )


class PeopleQuery(Schema):
    """A page of customers that are all of ``where``, by id, from behind ``after``."""

    where = fields.Dict(
        keys=fields.String(validate=CODE), values=line(64), load_default=dict, validate=validate.Length(max=5)
    )
    after = line(64, load_default=None, allow_none=True)
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
