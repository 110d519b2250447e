"""Shapes of the arguments of the audit."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.complaints.domain.auditing.findings import Subject
from shared.fields import line

_MAX_ID = 64


class AuditPage(Schema):
    """A page of what is audited, by id; ``after`` is the last id of the page before."""

    subject = fields.String(required=True, validate=validate.OneOf([subject.value for subject in Subject]))
    after = line(_MAX_ID, load_default=None, allow_none=True)
    limit = fields.Integer(load_default=100, strict=True, validate=validate.Range(1, 200))
