"""Shapes of what comes in about care: arguments of campaigns, and reports of messages."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, post_load, validate

from services.followup.domain.message import REPORTED, Status
from shared.arguments import ById, Page
from shared.fields import CODE, Moment, line

_STATUS = validate.OneOf([*map(str, REPORTED)])


class _Report(Schema):
    @post_load
    def _as_status(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**data, "status": Status(data["status"])}


class DeliveredSchema(_Report):
    """The data of ``message.delivered``; fields that a newer publisher adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    message_id = line(64, required=True)
    status = fields.String(required=True, validate=_STATUS)
    at = Moment(required=True)


class ReportMessage(_Report, ById):
    """What is known of a message; ``at`` is now where it is not given."""

    status = fields.String(required=True, validate=_STATUS)
    at = Moment(load_default=None, allow_none=True)


class StartCampaign(Schema):
    """A campaign of a ``kind`` for an ``occasion``, for everybody who is all of ``where``, or one customer.

    ``variables`` fill the template; they are published and hold nothing personal.
    """

    kind = fields.String(required=True, validate=CODE)
    occasion = fields.String(required=True, validate=CODE)
    where = fields.Dict(keys=fields.String(validate=CODE), values=line(128), load_default=dict)
    customer_id = line(128, load_default=None, allow_none=True)
    variables = fields.Dict(keys=fields.String(validate=CODE), values=line(100), load_default=dict)
    starts_at = Moment(load_default=None, allow_none=True)


class CampaignQuery(Page):
    """A page of campaigns, of one kind if it is named."""

    kind = fields.String(load_default=None, allow_none=True, validate=CODE)
