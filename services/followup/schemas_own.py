"""Shapes of followup's own events, where something follows from them here."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import EXCLUDE, Schema

from shared.fields import line


class _OfCallback(Schema):
    """The data of an event about a callback; fields that a newer version adds are left alone."""

    class Meta:
        """Leave alone what is not known."""

        unknown = EXCLUDE

    callback_id = line(64, required=True)
    outcome = line(64, required=True)


#: By the type of the event, what its data must hold.
OWN: Mapping[str, Schema] = {"callback_unsatisfied": _OfCallback()}
