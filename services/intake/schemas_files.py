"""Shapes of the arguments of what is done with customer files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.intake.domain.files.rules import Fresh
from services.intake.schemas import CustomerSchema
from services.intake.schemas import _Amount as Amount
from shared.arguments import Page
from shared.fields import CODE, line, one_line, plain_text, truth

#: Customers in one batch of an import, and fields in one row.
BATCH = 500
MOST_FIELDS = 60
_LONGEST = 1000
_MOST_ENTRIES = 50
_LAST_ROW = 10_000_000
_DAY: dict[str, Any] = {"load_default": None, "allow_none": True}


class ValueField(fields.Field[Any]):
    """What a field of a file holds: text, true or false, a list of texts, or null to take it away."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        del attr, data, kwargs
        if value is None or isinstance(value, bool):
            return value
        rows = value if isinstance(value, list) else [value]
        if not 0 < len(rows) <= _MOST_ENTRIES:
            message = f"must have 1 to {_MOST_ENTRIES} entries"
            raise ValidationError(message)
        for row in rows:
            if not isinstance(row, str) or len(row) > _LONGEST:
                message = (
                    f"must be text of at most {_LONGEST} characters, a list of texts, true, false or null"
                )
                raise ValidationError(message)
            plain_text(row)
        return value


def _values(**kwargs: Any) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=CODE),
        values=ValueField(allow_none=True),
        validate=validate.Length(max=MOST_FIELDS),
        **kwargs,
    )


def _preferences(**kwargs: Any) -> fields.List[str]:
    one = fields.String(validate=[validate.Length(1, 200), one_line])
    return fields.List(one, validate=validate.Length(max=20), **kwargs)


class RegisterCustomer(Schema):
    """A file opened by hand."""

    customer = fields.Nested(CustomerSchema, required=True)
    reference = line(64, load_default=None, allow_none=True)
    values = _values(load_default=dict)
    preferences = _preferences(load_default=list)
    lifecycle = fields.String(validate=CODE, load_default=None, allow_none=True)
    next_follow_on = fields.Date(**_DAY)
    origin = fields.String(validate=CODE, load_default="desk")


class TransferSchema(Schema):
    """What is known when a unit or meter is handed to another owner; the amount is yuan as text."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    arrears = Amount(required=True)
    copies = fields.List(fields.String(validate=CODE), required=True, validate=validate.Length(max=20))
    special_case = line(200, load_default=None, allow_none=True)


class UpdateCustomer(Schema):
    """Values to enter, null taking one away; preferences; the facts of a transfer. ``learned`` in service."""

    id = line(64, required=True)
    values = _values(load_default=dict)
    preferences = _preferences(load_default=None, allow_none=True)
    transfer = fields.Nested(TransferSchema, load_default=None, allow_none=True)
    learned = truth(load_default=False)
    reason = line(200, required=True)
    origin = fields.String(validate=CODE, load_default="desk")

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_: object) -> None:
        if not data["values"] and data["preferences"] is None:
            message = "is missing: nothing would change"
            raise ValidationError(message, "values")


class CheckCustomer(Schema):
    """The customer confirmed ``fields`` (all when none is named), or somebody reviewed the file."""

    id = line(64, required=True)
    how = fields.String(required=True, validate=validate.OneOf(["confirmed", "reviewed"]))
    fields_ = fields.List(
        fields.String(validate=CODE),
        data_key="fields",
        attribute="fields",
        load_default=list,
        validate=validate.Length(max=MOST_FIELDS),
    )
    on = fields.Date(**_DAY)


class MoveCustomer(Schema):
    """Another phase or state of life, from a day on, and the day of the next follow-up."""

    id = line(64, required=True)
    phase = fields.String(validate=CODE, load_default=None, allow_none=True)
    lifecycle = fields.String(validate=CODE, load_default=None, allow_none=True)
    on = fields.Date(**_DAY)
    next_follow_on = fields.Date(**_DAY)
    reason = line(200, required=True)


class RelateCustomer(Schema):
    """What ``to``, another file or a member of staff, is to the customer; or that it is so no longer."""

    id = line(64, required=True)
    kind = fields.String(required=True, validate=CODE)
    to = line(64, required=True)
    notes = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.String(validate=[validate.Length(1, _LONGEST), plain_text]),
        load_default=dict,
        validate=validate.Length(max=10),
    )
    ended = truth(load_default=False)


class ClassifyCustomer(Schema):
    """A step of filing; ``class`` goes with classified alone."""

    id = line(64, required=True)
    step = fields.String(required=True, validate=validate.OneOf(["extracted", "submitted", "classified"]))
    class_ = fields.String(
        data_key="class", attribute="class_", validate=CODE, load_default=None, allow_none=True
    )

    @validates_schema
    def _class_belongs(self, data: dict[str, Any], **_: object) -> None:
        if (data.get("step") == "classified") != (data.get("class_") is not None):
            message = "goes with the step classified, and only with it"
            raise ValidationError(message, "class")


class ImportRow(Schema):
    """One customer of a list."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    customer = fields.Nested(CustomerSchema, required=True)
    reference = line(64, load_default=None, allow_none=True)
    values = _values(load_default=dict)


class _RawRow(fields.Field[dict[str, Any]]):
    """A row that is read by itself, so that one wrong row refuses itself alone; ``row`` is its number."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        del attr, data, kwargs
        number = value.get("row") if isinstance(value, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= _LAST_ROW:
            message = "must be an object with the number of its row"
            raise ValidationError(message)
        return dict(value)


class ImportCustomers(Schema):
    """A batch of customers from a list, and where the list comes from."""

    rows = fields.List(_RawRow(), required=True, validate=validate.Length(max=BATCH))
    origin = fields.String(required=True, validate=CODE)
    dry_run = truth(load_default=False)


class SearchCustomers(Page):
    """A page of the files found by a name (or its pinyin), a phone, a unit or a searched field."""

    by = fields.String(required=True, validate=CODE)
    text = line(100, required=True)


class ListCustomers(Page):
    """A page of the files in all the states named; ``stale`` as of the day ``on``, today unless given."""

    lifecycle = fields.String(validate=CODE, load_default=None, allow_none=True)
    phase = fields.String(validate=CODE, load_default=None, allow_none=True)
    class_ = fields.String(
        data_key="class", attribute="class_", validate=CODE, load_default=None, allow_none=True
    )
    filing = fields.String(validate=CODE, load_default=None, allow_none=True)
    origin = fields.String(validate=CODE, load_default=None, allow_none=True)
    lacks = fields.String(validate=CODE, load_default=None, allow_none=True)
    incomplete = truth(load_default=False)
    stale = fields.String(validate=validate.OneOf([each.value for each in Fresh]), **_DAY)
    on = fields.Date(**_DAY)


class CountCustomers(Schema):
    """By what files are counted."""

    by = fields.String(
        required=True,
        validate=validate.OneOf(["class", "lifecycle", "phase", "filing", "origin", "field"]),
    )


class MissedExtractions(Schema):
    """The day that is looked at."""

    day = fields.Date(required=True)


class TimelinePage(Page):
    """A page of one customer's contacts."""

    id = line(64, required=True)
