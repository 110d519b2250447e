"""Shapes of the arguments of calls about records, scripts and batches."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.followup.domain.batches import Stage
from shared.arguments import ById, Page
from shared.fields import CODE, line, long_text, truth

_FIELD = validate.Regexp(r"^[a-z0-9][a-z0-9_]{0,63}\Z", error="must be the code of a field")


def _code(**kwargs: Any) -> fields.String:
    return fields.String(validate=CODE, **kwargs)


class FillRecord(ById):
    """What the record of a callback lacks."""

    record = fields.Dict(keys=_code(), required=True)


class RecordQuery(Page):
    """A page of records; ``field`` is one that is filled, such as a suggestion."""

    rule = _code(load_default=None, allow_none=True)
    batch_id = line(64, load_default=None, allow_none=True)
    outcome = _code(load_default=None, allow_none=True)
    field = fields.String(validate=_FIELD, load_default=None, allow_none=True)
    complete = truth(load_default=None, allow_none=True)


class ScriptQuery(Schema):
    """A callback or a script, the answer once it is known, and what only the caller knows; nothing is kept."""

    id = line(64, load_default=None, allow_none=True)
    script = _code(load_default=None, allow_none=True)
    answer = _code(load_default=None, allow_none=True)
    values = fields.Dict(keys=_code(), values=line(200), load_default=dict)
    more_questions = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 100))

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: object) -> None:
        if (data["id"] is None) == (data["script"] is None):
            raise ValidationError("names a callback, or a script", "id")


class CompileBatch(Schema):
    """A kind of batch, whom to choose by traits, kind and unit, and the occasion of a kind that has one."""

    kind = _code(required=True)
    where = fields.Dict(keys=_code(), values=line(64), load_default=dict)
    occasion = _code(load_default=None, allow_none=True)


class ActOnBatch(ById):
    """The next step of a batch; specialists go with ``allocate``, the report with ``summarise``."""

    action = fields.String(required=True, validate=validate.OneOf(["allocate", "summarise", "archive"]))
    specialists = fields.List(line(64), load_default=list, validate=validate.Length(max=200))
    report = long_text(20_000, load_default=None, allow_none=True)


class BatchQuery(Page):
    """A page of batches."""

    kind = _code(load_default=None, allow_none=True)
    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf([*map(str, Stage)]))
