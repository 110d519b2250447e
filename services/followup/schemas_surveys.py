"""Shapes of what is asked and told of surveys."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.followup.domain.surveys.definition import Method
from services.followup.domain.surveys.invitation import ANSWERED, INVITED
from services.followup.domain.surveys.wave import STATES
from shared.arguments import ById, Page
from shared.fields import CODE, line, long_text

MAX_ROWS = 200
_MANY = 50
_LARGEST_SAMPLE = 1_000_000
_LONGEST_TOKEN = 200
_HIGHEST = 100
_WHOLE = 100


def _code(**kwargs: Any) -> fields.String:
    return fields.String(validate=CODE, **kwargs)


class PlanSurvey(Schema):
    """The plan of a wave: why, whom, how many, how."""

    kind = _code(required=True)
    purpose = long_text(2000, load_default=None, allow_none=True)
    method = fields.String(load_default=None, allow_none=True, validate=validate.OneOf([*map(str, Method)]))
    where = fields.Dict(
        keys=_code(),
        values=line(64),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=5),
    )
    customers = fields.List(line(64), load_default=list, validate=validate.Length(max=MAX_ROWS))
    size = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, _LARGEST_SAMPLE)
    )
    percent = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, _WHOLE)
    )
    stratify = _code(load_default=None, allow_none=True)
    seed = line(64, load_default=None, allow_none=True)

    @validates_schema
    def _names_one_sample(self, data: dict[str, Any], **_: object) -> None:
        if data["customers"] and data["where"] is not None:
            raise ValidationError("goes without a list of customers", "where")
        if data["size"] is not None and data["percent"] is not None:
            raise ValidationError("goes without a size", "percent")


class MoveSurvey(ById):
    """What happens next with a wave; ``credibility`` and ``conclusion`` go with its evaluation."""

    action = fields.String(
        required=True, validate=validate.OneOf(["rehearse", "launch", "close", "evaluate"])
    )
    credibility = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(["high", "medium", "low"])
    )
    conclusion = long_text(4000, load_default=None, allow_none=True)


class _Answer(Schema):
    """An answer."""

    scores = fields.Dict(
        keys=_code(),
        values=fields.Integer(strict=True, validate=validate.Range(0, _HIGHEST)),
        load_default=dict,
        validate=validate.Length(max=_MANY),
    )
    tags = fields.List(_code(), load_default=list, validate=validate.Length(max=_MANY))
    comment = long_text(2000, load_default=None, allow_none=True)
    channel = _code(load_default="web")

    @validates_schema
    def _names_each_tag_once(self, data: dict[str, Any], **_: object) -> None:
        if len(set(data["tags"])) < len(data["tags"]):
            raise ValidationError("names one twice", "tags")


class AnswerSurvey(_Answer):
    """An answer that came by the link of an invitation."""

    token = line(_LONGEST_TOKEN, required=True)


class _Entry(_Answer):
    """What staff enter for one invitation: the result of a call, an answer, or both."""

    invitation_id = line(64, required=True)
    channel = _code(load_default="phone")
    result = _code(load_default=None, allow_none=True)


class EnterSurveyAnswers(ById):
    """Answers and results of calls of one wave, a row for each invitation."""

    rows = fields.List(fields.Nested(_Entry()), required=True, validate=validate.Length(min=1, max=MAX_ROWS))

    @validates_schema
    def _names_each_once(self, data: dict[str, Any], **_: object) -> None:
        named = [row["invitation_id"] for row in data["rows"]]
        if len(set(named)) < len(named):
            raise ValidationError("names an invitation twice", "rows")


class SurveyQuery(Page):
    """A page of waves."""

    kind = _code(load_default=None, allow_none=True)
    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(STATES))


class InvitationQuery(ById, Page):
    """A page of the invitations of the wave ``id``."""

    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf([INVITED, ANSWERED]))


class Nothing(Schema):
    """No arguments."""
