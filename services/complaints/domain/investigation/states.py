"""Where an investigation and a corrective action stand."""

from __future__ import annotations

from enum import StrEnum


class InvestigationState(StrEnum):
    """Where an investigation stands."""

    OPEN = "open"
    #: Its report waits for those who approve it.
    SUBMITTED = "submitted"
    #: Its report was sent back and is to be written again.
    RETURNED = "returned"
    APPROVED = "approved"


#: What is found out may still be written down.
WRITABLE = frozenset({InvestigationState.OPEN, InvestigationState.RETURNED})


class StatementKind(StrEnum):
    """What was written down."""

    FINDINGS = "findings"
    REPORT = "report"


class ActionState(StrEnum):
    """Where a corrective action stands."""

    #: Waits for approval; nothing is due yet.
    DRAFT = "draft"
    REFUSED = "refused"
    ACTIVE = "active"
    #: Done with evidence; whether it helped is still to be seen where the rulebook wants it checked.
    DONE = "done"
    EFFECTIVE = "effective"
    WITHDRAWN = "withdrawn"


#: Something is still to be done.
TO_DO = frozenset({ActionState.DRAFT, ActionState.ACTIVE})


class Standing(StrEnum):
    """What a case knows of an investigation or of a corrective action."""

    OPEN = "open"
    #: The report is approved, and says nothing of prevention.
    APPROVED = "approved"
    #: The report is approved and says how it is prevented.
    PREVENTED = "prevented"
    DONE = "done"
    #: Refused or withdrawn.
    DROPPED = "dropped"
