"""Shapes of the arguments of the calls about liability, penalties, sanctions and ledgers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.complaints.domain.liability.penalty import PenaltyState, Unit
from services.complaints.domain.liability.rules import Liable
from services.complaints.domain.liability.sanctions import SanctionState
from services.complaints.schemas import ById
from shared.fields import CODE, line, long_text, truth
from shared.ledger import exact, period_problem

_MAX_TEXT = 4000
_MAX_ID = 64
_MAX_STAFF = 128
#: More people than a department has.
_MAX_PEOPLE = 2000


class _Amount(fields.Field[Decimal]):
    """Yuan, or points, as text with at most two decimals; never a float."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        del attr, data, kwargs
        if not isinstance(value, str) or not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", value, re.ASCII):
            raise ValidationError('must be text of at most 12 digits and two decimals, for example "5000.00"')
        return exact(Decimal(value))


class _Month(fields.Field[str]):
    """A calendar month, ``2026-11``."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        del attr, data, kwargs
        problem = period_problem(value if isinstance(value, str) else "")
        if problem is not None:
            raise ValidationError(problem)
        return str(value)


def _staff(**kwargs: Any) -> fields.String:
    return line(_MAX_STAFF, **kwargs)


def _note() -> fields.String:
    return long_text(_MAX_TEXT, load_default=None, allow_none=True)


def _rows(row: type[Schema], **kwargs: Any) -> fields.Field[Any]:
    return fields.List(fields.Nested(row(unknown=RAISE)), validate=_not_too_many, **kwargs)


def _not_too_many(rows: list[Any]) -> None:
    if len(rows) > _MAX_PEOPLE:
        raise ValidationError(f"names more than {_MAX_PEOPLE}")


class ByCase(Schema):
    """What belongs to a case."""

    case_id = line(_MAX_ID, required=True)


class AttributeLiability(ByCase):
    """To whom a case is attributed; ``unattributable`` says why nobody narrower can be named."""

    area = fields.String(required=True, validate=CODE)
    level = fields.String(required=True, validate=validate.OneOf([level.value for level in Liable]))
    # Codes, not names: they go into events.
    department = fields.String(required=True, validate=CODE)
    group = fields.String(load_default=None, allow_none=True, validate=CODE)
    persons = fields.List(_staff(), load_default=list, validate=_not_too_many)
    reason = long_text(_MAX_TEXT, required=True)
    unattributable = _note()


class _PointsRow(Schema):
    staff = _staff(required=True)
    points = _Amount(required=True)


class ProposePenalty(ByCase):
    """The loss, the department's base points, and those of everybody charged."""

    loss = _Amount(required=True)
    total_points = _Amount(required=True)
    points = _rows(_PointsRow, required=True)
    reason = long_text(_MAX_TEXT, required=True)


class ProposePoints(ByCase):
    """Points deducted from one person for an offence."""

    staff = _staff(required=True)
    offence = fields.String(required=True, validate=CODE)
    reason = long_text(_MAX_TEXT, required=True)


class _JointRow(Schema):
    post = fields.String(required=True, validate=CODE)
    staff = _staff(required=True)


class ProposeFine(ProposePoints):
    """A fixed fine of one person, and who holds the posts that are jointly liable."""

    joint = _rows(_JointRow, load_default=list)


class Decide(ById):
    """Approval or refusal."""

    approved = truth(required=True)
    note = _note()


class AppealPenalty(ById):
    """An appeal against one's own line."""

    reason = long_text(_MAX_TEXT, required=True)


class DecideAppeal(ById):
    """What becomes of somebody's appeal."""

    staff = _staff(required=True)
    upheld = truth(required=True)
    note = _note()


class ProposeSanction(ByCase):
    """A sanction of one person, and the sums of which it costs a part where the rulebook says so.

    Severity 1 is the mildest form of the ladder; ``form`` names another one than the severity's, ``deviation``
    says why.
    """

    staff = _staff(required=True)
    severity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 20))
    form = fields.String(load_default=None, allow_none=True, validate=CODE)
    deviation = _note()
    ground = fields.String(load_default=None, allow_none=True, validate=CODE)
    ground_text = _note()
    behaviour = _note()
    effects = _note()
    performance_bonus = _Amount(load_default=None, allow_none=True)
    bonus_per_point = _Amount(load_default=None, allow_none=True)
    efficiency_bonus = _Amount(load_default=None, allow_none=True)
    base_points = _Amount(load_default=None, allow_none=True)


class ByMonth(Schema):
    """One calendar month."""

    month = _Month(required=True)


class _BonusRow(Schema):
    staff = _staff(required=True)
    bonus = _Amount(required=True)


class CloseMonth(ByMonth):
    """The month's performance bonuses of those who owe something."""

    bonuses = _rows(_BonusRow, load_default=list)


class _Page(Schema):
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))


class ListPenalties(_Page):
    """A page of penalties, the newest first."""

    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in PenaltyState]))
    case_id = line(_MAX_ID, load_default=None)
    staff = _staff(load_default=None)


class ListSanctions(_Page):
    """A page of sanctions, the newest first."""

    state = fields.String(
        load_default=None, validate=validate.OneOf([state.value for state in SanctionState])
    )
    case_id = line(_MAX_ID, load_default=None)
    staff = _staff(load_default=None)


class GetLedger(_Page):
    """A page of the lines of one person's ledger, or of those of a department."""

    staff = _staff(load_default=None)
    department = fields.String(load_default=None, validate=CODE)
    unit = fields.String(load_default=Unit.YUAN.value, validate=validate.OneOf([unit.value for unit in Unit]))

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: object) -> None:
        if (data.get("staff") is None) == (data.get("department") is None):
            raise ValidationError("names either staff or a department", "staff")


class MonthStatement(_Page):
    """A month with a page of its ledgers."""

    month = _Month(required=True)
