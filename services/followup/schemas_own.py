"""Shapes of followup's own events, where something follows from them here."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import EXCLUDE, Schema, fields

from shared.fields import line


class _OfCallback(Schema):
    """The data of an event about a callback; fields that a newer version adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    callback_id = line(64, required=True)
    outcome = line(64, required=True)


class _OfSurvey(Schema):
    """The data of an event about a survey; fields that a newer version adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    wave_id = line(64, required=True)


class _Changed(_OfSurvey):
    action = line(64, required=True)


class _Low(_OfSurvey):
    invitation_id = line(64, required=True)
    dimension = line(64, required=True)
    score = fields.Integer(required=True, strict=True)


#: By the type of the event, what its data must hold.
OWN: Mapping[str, Schema] = {
    "callback_unsatisfied": _OfCallback(),
    "survey_changed": _Changed(),
    "survey_low": _Low(),
}
