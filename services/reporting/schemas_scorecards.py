"""Shapes of what is asked of scorecards."""

from __future__ import annotations

from marshmallow import fields

from services.reporting.schemas import MonthQuery
from shared.arguments import Page
from shared.fields import CODE, line


class CloseMonth(MonthQuery):
    """The month of one scorecard."""

    scorecard = fields.String(required=True, validate=CODE)


class ScorecardQuery(CloseMonth):
    """One person's card of a month; one's own when nobody is named."""

    person = line(64, load_default=None)


class ScorecardsQuery(Page, CloseMonth):
    """A page of all cards of a month."""
