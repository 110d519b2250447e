"""Shapes of the calls about personal data and about the door."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.intake.domain.privacy.requests import Kind, State
from shared.arguments import ById, Page
from shared.fields import CODE, line, plain_text, truth

_LONGEST_REASON = 500


def _names() -> fields.List[str]:
    """Return the field for the names of the customer's fields that are asked for."""
    return fields.List(
        fields.String(required=True, validate=CODE), required=True, validate=validate.Length(1, 20)
    )


class ReadFields(ById):
    """Fields of one customer, for a purpose, perhaps on a granted request."""

    names = _names()
    purpose = fields.String(required=True, validate=CODE)
    request_id = line(64, load_default=None, allow_none=True)


class ExportCustomers(Schema):
    """Fields of a page of customers, for a purpose, perhaps on a granted request."""

    names = _names()
    purpose = fields.String(required=True, validate=CODE)
    request_id = line(64, load_default=None, allow_none=True)
    after = line(64, load_default=None, allow_none=True)
    limit = fields.Integer(load_default=1000, strict=True, validate=validate.Range(1, 1000))


class RequestData(Schema):
    """What is asked for, of whom, for what and why."""

    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    customer_id = line(64, load_default=None, allow_none=True)
    purpose = fields.String(required=True, validate=CODE)
    reason = fields.String(required=True, validate=[validate.Length(1, _LONGEST_REASON), plain_text])


class DecideData(ById):
    """Whether a request is granted, and why."""

    granted = truth(required=True)
    reason = fields.String(required=True, validate=[validate.Length(1, _LONGEST_REASON), plain_text])


class ListData(Page):
    """A page of requests, all or those of one state."""

    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in State]))


class SetFlags(ById):
    """The flags that change; the others stay."""

    confidentiality_agreement = truth(load_default=None, allow_none=True)
    opt_out = truth(load_default=None, allow_none=True)


class ReadLog(Page):
    """A page of the access log, or a sample of ``sample_of``, a month, drawn by ``seed``."""

    customer_id = line(64, load_default=None, allow_none=True)
    sample_of = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"^\d{4}-\d{2}\Z"))
    seed = line(64, load_default="1")
