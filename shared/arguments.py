"""Arguments that calls of every service take: one thing by its id, a page of a list."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.fields import line


class ById(Schema):
    """One thing by its id."""

    id = line(64, required=True)


class Page(Schema):
    """A page of a list."""

    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(1, 200))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100_000))
