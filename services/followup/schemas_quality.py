"""Arguments of the calls about quality checks."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from services.followup.domain.quality.periods import PATTERN
from services.followup.domain.quality.sample import APPROVED, DRAWN, FILLING, FINISHED
from services.followup.domain.quality.scanning import By
from shared.arguments import ById, Page
from shared.fields import CODE, line, long_text, truth

#: The most things one page of a population brings.
MAX_ITEMS = 5000
#: The longest talk that is scanned.
MAX_LINES = 1000

_PERIOD = validate.Regexp(PATTERN, error="must be a month such as 2025-03 or a quarter such as 2025-Q1")
_MONTH = validate.Regexp(r"^20\d\d-(?:0[1-9]|1[0-2])\Z", error="must be a month such as 2025-03")


class _Strict(Schema):
    class Meta:
        """Refuse what is not known."""

        unknown = RAISE


class OpenSample(_Strict):
    """A new sample; without a ``seed`` its id is the seed."""

    kind = fields.String(required=True, validate=CODE)
    about = line(64, load_default=None, allow_none=True)
    period = fields.String(load_default=None, allow_none=True, validate=_PERIOD)
    seed = line(64, load_default=None, allow_none=True)


class _ItemRow(_Strict):
    ref = line(64, required=True)
    attributes = fields.Dict(
        keys=fields.String(validate=CODE),
        values=line(64),
        load_default=dict,
        validate=validate.Length(max=10),
    )


class FillSample(_Strict):
    """A page of what a sample is drawn from; or which customers, by their traits."""

    id = line(64, required=True)
    items = fields.List(fields.Nested(_ItemRow()), load_default=list, validate=validate.Length(max=MAX_ITEMS))
    where = fields.Dict(
        keys=fields.String(validate=CODE), values=line(64), load_default=dict, validate=validate.Length(max=5)
    )


class MoveSample(_Strict):
    """What happens next with a sample; ``number`` goes with draw, ``summary`` with finish."""

    id = line(64, required=True)
    action = fields.String(required=True, validate=validate.OneOf(["draw", "finish", "approve"]))
    number = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 100_000)
    )
    summary = long_text(4000, load_default=None, allow_none=True)


class _LineRow(_Strict):
    by = fields.String(required=True, validate=validate.OneOf([each.value for each in By]))
    text = long_text(4000, required=True)


class _FaultRow(_Strict):
    text = long_text(1000, required=True)
    item = fields.String(load_default=None, allow_none=True, validate=CODE)
    measure = long_text(1000, load_default=None, allow_none=True)
    owner = line(64, load_default=None, allow_none=True)
    due_on = fields.Date(load_default=None, allow_none=True)


class ScoreItem(_Strict):
    """The marks of one item of a sample, and what was found wrong; phrases are looked for in the ``talk``."""

    id = line(64, required=True)
    item = line(64, required=True)
    marks = fields.Dict(
        keys=fields.String(validate=CODE), load_default=dict, validate=validate.Length(max=50)
    )
    talk = fields.List(fields.Nested(_LineRow()), load_default=list, validate=validate.Length(max=MAX_LINES))
    faults = fields.List(fields.Nested(_FaultRow()), load_default=list, validate=validate.Length(max=50))


class ScanTalk(_Strict):
    """A talk, and which phrases to look for in it; all when none is named."""

    talk = fields.List(
        fields.Nested(_LineRow()), required=True, validate=validate.Length(min=1, max=MAX_LINES)
    )
    phrases = fields.List(fields.String(validate=CODE), load_default=list, validate=validate.Length(max=50))


class OneSample(ById, Page):
    """A sample with a page of what was drawn."""


class SampleQuery(Page):
    """A page of samples."""

    kind = fields.String(load_default=None, validate=CODE)
    about = line(64, load_default=None)
    period = fields.String(load_default=None, validate=_PERIOD)
    state = fields.String(load_default=None, validate=validate.OneOf([FILLING, DRAWN, FINISHED, APPROVED]))


class ScoreQuery(Page):
    """A page of scores, of a sample, of an agent, of a month."""

    sample_id = line(64, load_default=None)
    agent = line(64, load_default=None)
    month = fields.String(load_default=None, validate=_MONTH)
    with_faults = truth(load_default=False)
