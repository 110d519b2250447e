"""Shapes of what is asked and told of key figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Window
from services.reporting.settings import LARGEST_PAGE, PAGE
from shared.fields import CODE, line

_LONGEST_TREND = 12
_MONTH = r"20[0-9]{2}-(0[1-9]|1[0-2])"
_WINDOW = r"20[0-9]{2}(-(Q[1-4]|W(0[1-9]|[1-4][0-9]|5[0-3])|(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?))?"
_FORMS = "2026, 2026-Q4, 2026-11, 2026-W47 or 2026-11-24"


def _is_there(text: str) -> None:
    """Refuse a week or a day that its year has not."""
    try:
        Window.of(text)
    except ValueError:
        message = "is no window of the calendar"
        raise ValidationError(message) from None


def _window(**kwargs: Any) -> fields.String:
    form = validate.Regexp(rf"^{_WINDOW}\Z", error=f"must be a window such as {_FORMS}")
    return fields.String(validate=[form, _is_there], **kwargs)


def _month() -> fields.String:
    form = validate.Regexp(
        rf"^{_MONTH}\Z", error="must be a month of the years 2000 to 2099 written like 2026-11"
    )
    return fields.String(validate=form, load_default=None, allow_none=True)


def _amount() -> fields.String:
    form = validate.Regexp(
        r"^\d{1,15}(\.\d{1,4})?\Z", error='must be a number written as text such as "95000.50"'
    )
    return fields.String(validate=form, load_default=None, allow_none=True)


class InWindow(Schema):
    """One window of the calendar, as ``window`` or, where it is a month, as ``month``."""

    month = _month()
    window = _window(load_default=None, allow_none=True)

    @validates_schema
    def _one_of_them(self, data: dict[str, Any], **_: object) -> None:
        if (data["month"] is None) == (data["window"] is None):
            message = "give the one or the other: window, or month"
            raise ValidationError(message, "window")

    @post_load
    def _as_window(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        month = data.pop("month")
        return data | {"window": Window.of(data["window"] or month)}


class _Parts(InWindow):
    """Split by something; only one part of it where ``key`` names that."""

    by = fields.String(
        validate=validate.OneOf([each.value for each in Dimension]), load_default=None, allow_none=True
    )
    key = line(128, load_default=None, allow_none=True)

    @validates_schema
    def _of_something(self, data: dict[str, Any], **_: object) -> None:
        if data["key"] is not None and data["by"] is None:
            message = "is missing: say what the key is one of"
            raise ValidationError(message, "by")

    @post_load
    def _as_dimension(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return data | {"by": None if data["by"] is None else Dimension(data["by"])}


class KpisQuery(_Parts):
    """Key figures of a window; all of the rulebook unless ``codes`` names some."""

    codes = fields.List(fields.String(validate=CODE), load_default=[], validate=validate.Length(max=100))
    trend = fields.Integer(load_default=1, strict=True, validate=validate.Range(0, _LONGEST_TREND))


class KpiCasesQuery(_Parts):
    """The matters behind one key figure, a page at a time."""

    code = fields.String(required=True, validate=CODE)
    limit = fields.Integer(load_default=PAGE, strict=True, validate=validate.Range(1, LARGEST_PAGE))
    after = line(200, load_default=None, allow_none=True)

    @validates_schema
    def _one_part(self, data: dict[str, Any], **_: object) -> None:
        if data["by"] is not None and data["key"] is None:
            message = "is missing: say which"
            raise ValidationError(message, "key")


class ExplainKpiQuery(InWindow):
    """How one key figure comes about."""

    code = fields.String(required=True, validate=CODE)
    trend = fields.Integer(load_default=5, strict=True, validate=validate.Range(0, _LONGEST_TREND))
    limit = fields.Integer(load_default=10, strict=True, validate=validate.Range(1, LARGEST_PAGE))


class FigureReport(Schema):
    """What another system measured for one window."""

    figure = fields.String(required=True, validate=CODE)
    window = _window(required=True)
    numerator = _amount()
    denominator = _amount()
    value = _amount()
    unit = line(128, load_default=None, allow_none=True)
    person = line(128, load_default=None, allow_none=True)
    project = line(128, load_default=None, allow_none=True)
    reference = line(200, load_default=None, allow_none=True)

    @post_load
    def _as_measured(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        amounts = {
            name: None if data[name] is None else Decimal(data[name])
            for name in ("numerator", "denominator", "value")
        }
        return data | amounts | {"window": Window.of(data["window"])}
