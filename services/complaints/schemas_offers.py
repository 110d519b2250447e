"""Shapes of the arguments of the calls about offers, approvals, delegations and filings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from services.complaints.domain.money.rules import Danger, Way
from services.complaints.domain.money.states import OfferState
from services.complaints.schemas import ById
from shared.fields import CODE, Moment, line, long_text, truth
from shared.ledger import exact

_MAX_TEXT = 4000
_MAX_ID = 64
_MAX_STAFF = 128
_MAX_LINE = 200
#: More than one complaint has of anything.
_MAX_ROWS = 200


class _Amount(fields.Field[Decimal]):
    """Yuan as text with at most two decimals, never negative and never a float."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        del attr, data, kwargs
        if not isinstance(value, str) or not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", value, re.ASCII):
            raise ValidationError('must be text of at most 12 digits and two decimals, for example "5000.00"')
        return exact(Decimal(value))


def _not_too_many(rows: list[Any]) -> None:
    if len(rows) > _MAX_ROWS:
        raise ValidationError(f"lists more than {_MAX_ROWS}")


def _line(**kwargs: Any) -> fields.String:
    return line(_MAX_LINE, **kwargs)


def _optional() -> fields.String:
    return line(_MAX_LINE, load_default=None, allow_none=True)


def _note() -> fields.String:
    return long_text(_MAX_TEXT, load_default=None, allow_none=True)


class _GoodsRow(Schema):
    item = _line(required=True)
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))


class _Terms(Schema):
    """What is offered; which of the optional parts a kind needs is the rulebook's word."""

    amount = _Amount(required=True)
    reason = long_text(_MAX_TEXT, required=True)
    goods = fields.List(
        fields.Nested(_GoodsRow(unknown=RAISE)),
        load_default=list,
        validate=_not_too_many,
    )
    reference = _optional()
    policy = _optional()
    clause = _optional()
    meeting_note = _optional()
    agreement = _optional()


class ProposeOffer(_Terms):
    """An offer on a case."""

    case_id = line(_MAX_ID, required=True)
    kind = fields.String(required=True, validate=CODE)


class ChangeOffer(_Terms):
    """All the terms of an offer anew, but for its kind."""

    id = line(_MAX_ID, required=True)


class DecideOffer(ById):
    """Approval or refusal of an offer of ``amount``; with ``delegation`` in somebody's place."""

    approved = truth(required=True)
    amount = _Amount(required=True)
    delegation = line(_MAX_ID, load_default=None, allow_none=True)
    note = _note()


class WithdrawOffer(ById):
    """Why an offer is withdrawn."""

    reason = long_text(_MAX_TEXT, required=True)


class AnswerOffer(ById):
    """What the customer says."""

    accepted = truth(required=True)
    note = _note()


class SignAgreement(ById):
    """The signed paper."""

    reference = _line(required=True)


class PayOffer(ById):
    """The voucher, and when the customer was told to collect."""

    evidence = _line(required=True)
    told_at = Moment(load_default=None, allow_none=True)


class ReverseOffer(ById):
    """The voucher of the counter-entry, and why."""

    evidence = _line(required=True)
    reason = long_text(_MAX_TEXT, required=True)


class FileAgreement(ById):
    """Where the original or a copy went, and under which reference."""

    unit = fields.String(required=True, validate=CODE)
    reference = _line(required=True)


class RecordFiling(ById):
    """That a case was reported first, or filed with a unit; ``unit`` is first_report or one of the rulebook's."""

    unit = fields.String(required=True, validate=CODE)
    way = fields.String(required=True, validate=validate.OneOf([way.value for way in Way]))
    reference = _optional()


class DeclareDanger(ById):
    """What a case threatens to become."""

    danger = fields.String(required=True, validate=validate.OneOf([danger.value for danger in Danger]))


class NameAccused(ById):
    """The staff a case is about."""

    staff = fields.List(line(_MAX_STAFF), required=True, validate=_not_too_many)


class GrantDelegation(Schema):
    """Who may approve in the caller's place, as which role, until when and up to which sum."""

    delegate = line(_MAX_STAFF, required=True)
    role = fields.String(required=True, validate=CODE)
    until = Moment(required=True)
    since = Moment(load_default=None, allow_none=True)
    limit = _Amount(load_default=None, allow_none=True)


class _Page(Schema):
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))


class ListOffers(_Page):
    """A page of offers, the newest first; ``mine``: those that await the caller's approval."""

    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in OfferState]))
    case_id = line(_MAX_ID, load_default=None)
    matter_id = line(_MAX_ID, load_default=None)
    mine = truth(load_default=False)


class ListDelegations(_Page):
    """A page of delegations, those that end last first."""

    principal = line(_MAX_STAFF, load_default=None)
    delegate = line(_MAX_STAFF, load_default=None)


class GetPlan(Schema):
    """The plan for a problem after the sale."""

    problem = fields.String(required=True, validate=CODE)
