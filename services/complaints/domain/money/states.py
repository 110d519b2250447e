"""Where an offer stands."""

from __future__ import annotations

from enum import StrEnum


class OfferState(StrEnum):
    """Where an offer stands."""

    #: Waits for the approvals its authority asks for.
    PROPOSED = "proposed"
    REFUSED = "refused"
    #: Approved; the customer is to say what they think of it.
    APPROVED = "approved"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    PAID = "paid"
    #: Taken back by a counter-entry.
    REVERSED = "reversed"
    #: Withdrawn, or its case closed before it was approved.
    VOIDED = "voided"


#: Its sum counts with every later one of its matter.
COMMITTED = frozenset({OfferState.APPROVED, OfferState.ACCEPTED, OfferState.PAID})
#: Approved, and neither paid nor declined.
OUTSTANDING = frozenset({OfferState.APPROVED, OfferState.ACCEPTED})


class MovementKind(StrEnum):
    """What a movement of money is."""

    PAYMENT = "payment"
    COUNTER = "counter"


class VoidedBecause(StrEnum):
    """Why an offer is void."""

    WITHDRAWN = "withdrawn"
    CASE_CLOSED = "case_closed"
