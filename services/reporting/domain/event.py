"""Events as the archive keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: Fields that name the thing an event concerns, the first that is there decides.
_CONCERNED = ("case_id", "contact_id")


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """One event, kept once.

    ``key`` is source and id together, unique over all events. ``sequence`` numbers the events of one
    ``subject`` from 1. ``about`` is the case, else the contact, else the subject that it concerns.
    """

    key: str
    org: str
    source: str
    type: str
    subject: str
    sequence: int
    time: datetime
    about: str
    data: Mapping[str, Any]


def concerned(subject: str, data: Mapping[str, Any]) -> str:
    """Return the id under which all events of one matter are found together."""
    named = (data.get(name) for name in _CONCERNED)
    return next((value for value in named if isinstance(value, str) and value), subject)


def in_order(events: Iterable[ArchivedEvent]) -> list[ArchivedEvent]:
    """Return ``events`` without repetitions, those of each subject in the order they happened."""
    once = {event.key: event for event in events}
    return sorted(once.values(), key=lambda event: (event.subject, event.sequence, event.key))
