"""Shapes of what is asked of the quotas of contacts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.fields import CODE, Moment, line


class ContactCoverage(Schema):
    """One quota by its code, or all of them, in the period of a moment, or of now."""

    quota = fields.String(load_default=None, allow_none=True, validate=CODE)
    at = Moment(load_default=None, allow_none=True)


class ContactGaps(Schema):
    """A page of those left out by a quota in the period of a moment, or of now."""

    quota = fields.String(required=True, validate=CODE)
    at = Moment(load_default=None, allow_none=True)
    after = line(100, load_default=None, allow_none=True)
    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
