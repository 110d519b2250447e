"""Shapes of what is asked of obligations."""

from __future__ import annotations

from marshmallow import fields, validate

from services.reporting.domain.obligations.occurrence import Standing
from shared.arguments import ById, Page
from shared.fields import CODE, Moment, line, truth


class ObligationQuery(Page):
    """Which occurrences: all that is given must hold."""

    obligation = fields.String(load_default=None, validate=CODE, attribute="code")
    state = fields.String(load_default=None, validate=validate.OneOf([each.value for each in Standing]))
    role = line(64, load_default=None)
    owner = line(128, load_default=None)
    mine = truth(load_default=False)
    on_time = truth(load_default=None, allow_none=True)
    due_from = Moment(load_default=None)
    due_before = Moment(load_default=None)


class ConfirmObligation(ById):
    """The word that something was done, and the reference it goes by: a document's number, a message's id."""

    reference = line(200, required=True)
