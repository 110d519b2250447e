"""Fields that arguments and events of every service are made of: text without traps, codes, moments, truth."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

#: What no keyboard types. Wide blanks, with which Chinese paragraphs begin, and joined symbols are text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")
_LINE_BREAKS = frozenset("\n\r\t")

#: Codes: what rulebooks, problems and steps are called by.
CODE = validate.Regexp(r"^[a-z0-9][a-z0-9_.-]{0,63}\Z", error="must be 1 to 64 of a-z, 0-9, '-', '_', '.'")


def plain_text(value: str) -> None:
    """Refuse blank text and control characters; line breaks and tabs are fine."""
    if _CONTROL.search(value):
        message = "holds control characters"
        raise ValidationError(message)
    if not value.strip():
        message = "must not be blank"
        raise ValidationError(message)


def one_line(value: str) -> None:
    """Refuse what ``plain_text`` refuses, and line breaks and tabs."""
    plain_text(value)
    if not _LINE_BREAKS.isdisjoint(value):
        message = "must be one line"
        raise ValidationError(message)


def line(longest: int, **kwargs: Any) -> fields.String:
    """Return a field of one line of 1 to ``longest`` characters."""
    return fields.String(validate=[validate.Length(1, longest), one_line], **kwargs)


def long_text(longest: int, **kwargs: Any) -> fields.String:
    """Return a field of text of 1 to ``longest`` characters."""
    return fields.String(validate=[validate.Length(1, longest), plain_text], **kwargs)


def truth(**kwargs: Any) -> fields.Boolean:
    """Return a field of JSON's true and false; words that mean them are refused."""
    return fields.Boolean(truthy={True}, falsy={False}, **kwargs)


class Moment(fields.AwareDateTime):
    """RFC 3339 with an offset; the parser below it would pass over a NUL at the end."""

    def __init__(self, **kwargs: Any) -> None:
        """Take marshmallow's keywords, but for the format."""
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not value.isprintable():
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        return moment
