"""Shapes of the arguments of the calls about a case's path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from services.complaints.schemas import ById
from shared.fields import CODE, plain_text

_MAX_TEXT = 4000
_MAX_FIELDS = 40
_MAX_NAMES = 100


class _Filled(fields.Field[Any]):
    """The value of one field: text, true or false, or a list of names."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        del attr, data, kwargs
        if isinstance(value, bool):
            return value
        if isinstance(value, list):
            if not 1 <= len(value) <= _MAX_NAMES:
                raise ValidationError(f"must be 1 to {_MAX_NAMES} names")
            return [_text(name) for name in value]
        return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_TEXT:
        raise ValidationError(
            f"must be text of 1 to {_MAX_TEXT} characters, true or false, or a list of names"
        )
    plain_text(value)
    return value


def _not_too_many(filled: Mapping[str, Any]) -> None:
    if len(filled) > _MAX_FIELDS:
        raise ValidationError(f"has more than {_MAX_FIELDS} fields")


def filled_form() -> fields.Dict:
    """Return the field for what a form of the rulebook is filled with."""
    return fields.Dict(
        keys=fields.String(validate=CODE),
        values=_Filled(),
        load_default=dict,
        validate=_not_too_many,
    )


class TakeStep(ById):
    """A step of the case's path and what it is filled with."""

    step = fields.String(required=True, validate=CODE)
    filled = filled_form()
