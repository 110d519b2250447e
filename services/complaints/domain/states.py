"""The states of a complaint case and what may follow what."""

from __future__ import annotations

from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands."""

    #: Opened; nobody has decided yet whether it stands.
    RECEIVED = "received"
    #: Found valid; being handled.
    ACCEPTED = "accepted"
    #: Found not valid; the customer still has to be told.
    REFUSED = "refused"
    #: The customer has the final reply; what the rulebook wants before closing may be outstanding.
    REPLIED = "replied"
    CLOSED = "closed"


OPEN_STATES = frozenset({CaseState.RECEIVED, CaseState.ACCEPTED, CaseState.REFUSED, CaseState.REPLIED})


class ContactOutcome(StrEnum):
    """What became of an attempt to contact the customer."""

    REACHED = "reached"
    UNREACHABLE = "unreachable"
