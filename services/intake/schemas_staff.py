"""Arguments of the calls about the staff directory."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.intake.schemas_duty import STAFF
from shared.arguments import Page
from shared.fields import CODE

_LEVEL = validate.Range(1, 9)


class _Strict(Schema):
    class Meta:
        """Refuse what is not known."""

        unknown = RAISE


def _code() -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=CODE)


def _person() -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=STAFF)


def _skills() -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.Integer(strict=True, validate=_LEVEL),
        load_default=dict,
        validate=validate.Length(max=50),
    )


class EnterMember(_Strict):
    """A new member of staff; the superior is only named where the post alone does not say who it is."""

    staff = fields.String(required=True, validate=STAFF)
    unit = fields.String(required=True, validate=CODE)
    post = fields.String(required=True, validate=CODE)
    superior = _person()
    skills = _skills()


class ChangeMember(_Strict):
    """A change of a member: absent from ``first`` to ``last``, gone after ``last``."""

    staff = fields.String(required=True, validate=STAFF)
    action = fields.String(
        required=True, validate=validate.OneOf(["induct", "admit", "move", "qualify", "absent", "leave"])
    )
    unit = _code()
    post = _code()
    superior = _person()
    skills = _skills()
    first = fields.Date(load_default=None, allow_none=True)
    last = fields.Date(load_default=None, allow_none=True)
    deputy = _person()

    @validates_schema
    def _whole(self, data: dict[str, Any], **_: object) -> None:
        if data.get("action") == "absent":
            for name in ("first", "last"):
                if data.get(name) is None:
                    message = "is needed by the action"
                    raise ValidationError(message, name)
            if data["last"] < data["first"]:
                message = "lies before the first"
                raise ValidationError(message, "last")


class MemberQuery(Page):
    """Members by unit, post or skill."""

    unit = _code()
    post = _code()
    skill = _code()
    level = fields.Integer(load_default=1, strict=True, validate=_LEVEL)


class SuperiorQuery(_Strict):
    """Whose superior; ``to`` asks whether it is that one."""

    staff = fields.String(required=True, validate=STAFF)
    to = _person()
