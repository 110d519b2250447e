"""Shapes of the arguments of the calls about receiving complaints, and of the complaint ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from services.complaints.domain.states import CaseState
from services.complaints.schemas import ById
from shared.fields import CODE, Moment, line, long_text, truth
from shared.ledger import exact

_MAX_TEXT = 4000
_MAX_ID = 64
_MAX_LINE = 200
_MAX_FIELDS = 40

#: Units as intake calls them; households are counted by them.
_UNIT = validate.Regexp(
    r"^un_[0-9a-z]{1,61}\Z", error="must be the id of a unit, un_ and digits or small letters"
)

#: How a customer can be told something.
WAYS = ("phone", "sms", "letter", "in_person", "online")


class _Amount(fields.Field[Decimal]):
    """Yuan as text with at most two decimals, never negative and never a float."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        del attr, data, kwargs
        if not isinstance(value, str) or not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", value, re.ASCII):
            raise ValidationError('must be text of at most 12 digits and two decimals, for example "5000.00"')
        return exact(Decimal(value))


def _code() -> fields.String:
    return fields.String(validate=CODE, load_default=None, allow_none=True)


def _not_too_many(values: Mapping[str, Any]) -> None:
    if len(values) > _MAX_FIELDS:
        raise ValidationError(f"has more than {_MAX_FIELDS} fields")


class ClarifyClaim(ById):
    """What was found out about a claim; what is left out or null stays as it is."""

    complainant_type = _code()
    demand = _code()
    problem = _code()
    amount = _Amount(load_default=None, allow_none=True)
    media = truth(load_default=None, allow_none=True)
    lawsuit = truth(load_default=None, allow_none=True)
    unit_id = fields.String(validate=_UNIT, load_default=None, allow_none=True)
    source = _code()
    reason = long_text(_MAX_TEXT, required=True)


class GiveOpinion(ById):
    """Whether a complaint stands in somebody's opinion, and why."""

    stands = truth(required=True)
    ground = _code()
    text = long_text(_MAX_TEXT, required=True)


class TellRefusal(ById):
    """How the customer was told that the complaint does not stand; ``values`` fill the places of the words."""

    way = fields.String(required=True, validate=validate.OneOf(WAYS))
    values = fields.Dict(
        keys=fields.String(validate=CODE),
        values=line(_MAX_LINE),
        load_default=dict,
        validate=_not_too_many,
    )


class ReportLateEntry(ById):
    """Why a case was entered late."""

    reason = long_text(_MAX_TEXT, required=True)


class FillCard(ById):
    """What is entered on a record card, by field."""

    entries = fields.Dict(
        keys=fields.String(validate=CODE),
        values=long_text(_MAX_TEXT),
        required=True,
        validate=_not_too_many,
    )


class ComplaintLedger(Schema):
    """A page of the complaint ledger, the newest first; ``after`` is the last case of the page before."""

    received_from = Moment(load_default=None)
    received_before = Moment(load_default=None)
    source = fields.String(load_default=None, validate=CODE)
    level = fields.String(load_default=None, validate=CODE)
    state = fields.String(
        load_default=None, validate=validate.OneOf(["open", "overdue", *(state.value for state in CaseState)])
    )
    problem = fields.String(load_default=None, validate=CODE)
    after = line(_MAX_ID, load_default=None)
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
