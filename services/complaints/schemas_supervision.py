"""Shapes of the arguments of the calls about supervision, urges, reports, referrals and disputes."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from services.complaints.domain.dispute.dispute import Outcome
from services.complaints.domain.supervision.watch import AskedBy
from services.complaints.schemas import ById
from shared.fields import CODE, line, long_text, truth

_MAX_TEXT = 4000
_MAX_ID = 64
_MAX_STAFF = 128
#: More parties, or people of one, than a dispute has.
_MOST = 50
_MAX_REFERRALS = 10_000
_MAX_PAGE, _PAGE, _MAX_SKIP = 200, 50, 100_000


class StartSupervision(ById):
    """Who supervises a case, as a role or department, and why."""

    supervisor = fields.String(required=True, validate=CODE)
    lead = fields.String(load_default=None, allow_none=True, validate=CODE)
    reason = long_text(_MAX_TEXT, required=True)


class EndSupervision(ById):
    """Whose supervision ends, and why."""

    supervisor = fields.String(required=True, validate=CODE)
    reason = long_text(_MAX_TEXT, required=True)


class UrgeCase(ById):
    """An urge, and who wanted it."""

    asked_by = fields.String(
        load_default=AskedBy.STAFF.value, validate=validate.OneOf([who.value for who in AskedBy])
    )
    text = long_text(_MAX_TEXT, load_default=None, allow_none=True)


class ReportUp(ById):
    """Under which duty of the rulebook a case is reported."""

    report = fields.String(required=True, validate=CODE)
    text = long_text(_MAX_TEXT, load_default=None, allow_none=True)


class ReferCase(ById):
    """To which department a case goes, and for what."""

    department = fields.String(required=True, validate=CODE)
    text = long_text(_MAX_TEXT, required=True)


class ReturnReferral(ById):
    """Which referral is done, and what was done."""

    referral = fields.Integer(required=True, strict=True, validate=validate.Range(1, _MAX_REFERRALS))
    text = long_text(_MAX_TEXT, required=True)


class _Page(Schema):
    limit = fields.Integer(load_default=_PAGE, strict=True, validate=validate.Range(1, _MAX_PAGE))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, _MAX_SKIP))


class ListSupervised(_Page):
    """A page of the open cases under supervision."""

    supervisor = fields.String(load_default=None, allow_none=True, validate=CODE)
    overdue = truth(load_default=None, allow_none=True)


def _not_too_many(rows: list[Any]) -> None:
    if len(rows) > _MOST:
        raise ValidationError(f"has more than {_MOST} entries")


class _Party(Schema):
    department = fields.String(required=True, validate=CODE)
    staff = fields.List(line(_MAX_STAFF), load_default=list, validate=_not_too_many)


class RaiseDispute(Schema):
    """What is disputed about a case, between whom; ``department`` is the party that raises it."""

    case_id = line(_MAX_ID, required=True)
    subject = fields.String(required=True, validate=CODE)
    question = long_text(_MAX_TEXT, required=True)
    topic = fields.String(load_default=None, allow_none=True, validate=CODE)
    department = fields.String(required=True, validate=CODE)
    parties = fields.List(fields.Nested(_Party(unknown=RAISE)), required=True, validate=_not_too_many)


class Recuse(ById):
    """Why whoever is to rule steps aside."""

    reason = long_text(_MAX_TEXT, required=True)


class RuleDispute(ById):
    """The ruling, or what the parties agreed on, and which of them is responsible."""

    outcome = fields.String(
        load_default=Outcome.RULED.value, validate=validate.OneOf([how.value for how in Outcome])
    )
    text = long_text(_MAX_TEXT, required=True)
    responsible = fields.String(load_default=None, allow_none=True, validate=CODE)


class AppealRuling(ById):
    """Which party appeals, and why."""

    department = fields.String(required=True, validate=CODE)
    reason = long_text(_MAX_TEXT, required=True)


class ListDisputes(_Page):
    """A page of disputes."""

    open = truth(load_default=None, allow_none=True)
    overdue = truth(load_default=None, allow_none=True)
    case_id = line(_MAX_ID, load_default=None, allow_none=True)


class ListInterpretations(_Page):
    """A page of interpretations of the service policy."""

    topic = fields.String(load_default=None, allow_none=True, validate=CODE)
