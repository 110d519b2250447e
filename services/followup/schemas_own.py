"""Shapes of followup's own events, where something follows from them here."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import EXCLUDE, Schema, fields

from shared.fields import line


class _Own(Schema):
    """The data of an event; fields that a newer version adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE


class _OfCallback(_Own):
    callback_id = line(64, required=True)
    outcome = line(64, required=True)


class _Remedied(_Own):
    callback_id = line(64, required=True)
    remedy = line(64, required=True)
    regulation = line(500, required=True)
    due_on = line(10, required=True, allow_none=True)


class _OfRecord(_Own):
    record_id = line(64, required=True)


class _OfSurvey(_Own):
    wave_id = line(64, required=True)


class _Changed(_OfSurvey):
    action = line(64, required=True)


class _Low(_OfSurvey):
    invitation_id = line(64, required=True)
    dimension = line(64, required=True)
    score = fields.Integer(required=True, strict=True)


class _OfScore(_Own):
    score_id = line(64, required=True)


#: By the type of the event, what its data must hold.
OWN: Mapping[str, Schema] = {
    "callback_unsatisfied": _OfCallback(),
    "callback_remedied": _Remedied(),
    "record_opened": _OfRecord(),
    "record_acted": _OfRecord(),
    "record_corrected": _OfRecord(),
    "survey_changed": _Changed(),
    "survey_low": _Low(),
    "item_scored": _OfScore(),
}
