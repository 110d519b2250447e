"""Arguments of the calls about visits."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.intake.schemas_duty import Number
from shared.arguments import Page
from shared.fields import CODE, line, long_text, truth


class _Strict(Schema):
    class Meta:
        """Refuse what is not known."""

        unknown = RAISE


class CheckIn(_Strict):
    """A visitor who arrives; ``household`` says that they live or work in the unit."""

    desk = fields.String(required=True, validate=CODE)
    purpose = fields.String(required=True, validate=CODE)
    name = line(100, required=True)
    household = truth(load_default=False)
    unit = line(50, load_default=None, allow_none=True)
    customer_id = line(64, load_default=None, allow_none=True)
    contract_ends = fields.Date(load_default=None, allow_none=True)
    fee_due = Number(load_default=None, allow_none=True)


class MoveVisit(_Strict):
    """What happens next with a visit."""

    id = line(64, required=True)
    action = fields.String(
        required=True, validate=validate.OneOf(["identify", "approve", "decline", "pay", "call", "close"])
    )
    outcome = long_text(2000, load_default=None, allow_none=True)


class OneVisit(_Strict):
    """A visit by its id, or by the code that was scanned."""

    id = line(64, load_default=None, allow_none=True)
    code = line(64, load_default=None, allow_none=True)

    @validates_schema
    def _one_of_them(self, data: dict[str, Any], **_: object) -> None:
        if (data["id"] is None) == (data["code"] is None):
            message = "either the id or the code"
            raise ValidationError(message, "id")


class VisitsOfDay(Page):
    """A page of a desk's visits of a day."""

    desk = fields.String(required=True, validate=CODE)
    day = fields.Date(required=True)
