"""Shapes of what comes in: external events (strict) and RPC arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from services.intake.domain.contact import ComplaintClaim
from services.intake.domain.recognising import CustomerClaim, normal_phone
from shared.arguments import Page
from shared.fields import CODE, Moment, line, plain_text, truth

MAX_TEXT = 4000
#: The largest sum an external system may claim: a trillion yuan is a typing error.
MAX_AMOUNT = Decimal("999999999999.99")
_CENT = Decimal("0.01")

_STAFF = validate.Regexp(
    r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}\Z", error="must be a staff id of letters, digits, -_.@"
)


class _Amount(fields.Field[Decimal]):
    """Yuan as text with at most two decimals."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        del attr, data, kwargs
        if not isinstance(value, str) or not re.fullmatch(r"\d{1,15}(\.\d+)?", value, re.ASCII):
            message = 'must be an amount in yuan written as text, for example "5000.00"'
            raise ValidationError(message)
        amount = Decimal(value)
        if amount != amount.quantize(_CENT):
            message = "must have at most two decimals"
            raise ValidationError(message)
        if amount > MAX_AMOUNT:
            message = f"must be at most {MAX_AMOUNT}"
            raise ValidationError(message)
        return amount.quantize(_CENT)


class CustomerSchema(Schema):
    """Who contacts; at least a phone number, or a name with a unit, so that the customer can be recognised."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    kind = fields.String(required=True, validate=validate.OneOf(["household", "company", "person"]))
    name = line(100, required=True)
    phone = line(32, load_default=None, allow_none=True)
    unit = line(50, load_default=None, allow_none=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> CustomerClaim:
        phone = data["phone"]
        if phone is not None:
            phone = normal_phone(phone)
            if phone is None:
                message = "is no valid phone number"
                raise ValidationError(message, "phone")
        return CustomerClaim(data["kind"], data["name"].strip(), phone, data["unit"])

    @validates_schema
    def _can_be_recognised(self, data: dict[str, Any], **_: object) -> None:
        if not data.get("phone") and not data.get("unit"):
            message = "is missing: without a phone number the unit is needed"
            raise ValidationError(message, "phone")


class ComplaintSchema(Schema):
    """What a complaint says beside its text."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    problem = fields.String(required=True, validate=CODE)
    complainant_type = fields.String(validate=CODE, load_default=None, allow_none=True)
    ground = fields.String(validate=CODE, load_default=None, allow_none=True)
    demand = fields.String(validate=CODE, load_default=None, allow_none=True)
    amount = _Amount(load_default=None, allow_none=True)
    media = truth(load_default=False)
    lawsuit = truth(load_default=False)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> ComplaintClaim:
        return ComplaintClaim(**data)


class ContactSchema(Schema):
    """The data of ``contact.received``, and the arguments of ``register_contact``."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    channel = fields.String(required=True, validate=CODE)
    category = fields.String(required=True, validate=CODE)
    received_at = Moment(required=True)
    customer = fields.Nested(CustomerSchema, required=True)
    text = fields.String(required=True, validate=[validate.Length(1, MAX_TEXT), plain_text])
    taken_by = fields.String(validate=_STAFF, load_default=None, allow_none=True)
    complaint = fields.Nested(ComplaintSchema, load_default=None, allow_none=True)
    phase = fields.String(validate=CODE, load_default=None, allow_none=True)

    @validates_schema
    def _complaint_belongs(self, data: dict[str, Any], **_: object) -> None:
        if data.get("category") == "complaint" and data.get("complaint") is None:
            message = "is missing: a contact of category complaint needs it"
            raise ValidationError(message, "complaint")
        if data.get("category") != "complaint" and data.get("complaint") is not None:
            message = "belongs only to contacts of category complaint"
            raise ValidationError(message, "complaint")


class Nothing(Schema):
    """No arguments."""


class ContactQuery(Schema):
    """A page of contacts, newest first."""

    category = fields.String(load_default=None, validate=CODE)
    phase = fields.String(load_default=None, validate=CODE)
    received_from = Moment(load_default=None)
    late = truth(load_default=False)
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))


class CountQuery(Schema):
    """Contacts counted by category; all of them, or those received in a stretch of time."""

    received_from = Moment(load_default=None)
    received_before = Moment(load_default=None)


class WrongEntryQuery(Page):
    """Wrongly entered fields of some days, counted by member of staff; without days of the last thirty."""

    first = fields.Date(load_default=None)
    last = fields.Date(load_default=None)
