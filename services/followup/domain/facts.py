"""What the complaints service tells that followup acts on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: ``because`` of a case that closed on the word of its callback.
BY_CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class CaseReplied:
    """A reply was given on a case, for the ``round``-th time (from 1); ``handler`` is the staff id."""

    case_id: str
    number: str
    contact_id: str
    customer_id: str
    valid: bool
    handler: str | None
    replied_at: datetime
    round: int
    needs_callback: bool


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """A complaint that came in through ``channel`` has a case of its own under ``number``."""

    case_id: str
    number: str
    contact_id: str
    customer_id: str
    channel: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class ContactAttempted:
    """Somebody tried to reach the customer; ``message`` is the template to be sent at once, if any."""

    case_id: str
    contact_id: str
    customer_id: str
    attempted_at: datetime
    message: str | None


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """A case closed after ``rounds`` replies."""

    case_id: str
    closed_at: datetime
    rounds: int
    because: str


@dataclass(frozen=True, slots=True)
class CaseReopened:
    """A case was taken up again; the reply that follows is the ``round``-th."""

    case_id: str
    reopened_at: datetime
    round: int


@dataclass(frozen=True, slots=True)
class Ending:
    """No callback of the case up to and with round ``through`` is to be made any more."""

    org: str
    case_id: str
    through: int


def ended_by(org: str, fact: CaseReplied | CaseClosed | CaseReopened) -> Ending:
    """Return which callbacks of the case are void after ``fact``; 0 when none is.

    A new reply, or the case being taken up again for one, makes the callbacks of the earlier replies void.
    A case closed by a callback wants no other callback of that reply. A case closed by the reply itself
    keeps them: they ask afterwards whether the customer is content (B-SVN-07).
    """
    match fact:
        case CaseClosed(because=because, rounds=rounds):
            return Ending(org, fact.case_id, rounds if because == BY_CALLBACK else max(0, rounds - 1))
        case CaseReplied(round=number) | CaseReopened(round=number):
            return Ending(org, fact.case_id, max(0, number - 1))
