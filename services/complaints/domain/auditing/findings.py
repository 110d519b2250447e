"""What an audit finds: which aggregate breaks which invariant, and what was found there; histories, which all have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.aggregate import Aggregate

#: What the timer does within seconds and has not done for so long was forgotten.
GRACE = timedelta(minutes=10)


class Subject(StrEnum):
    """What is audited, page by page."""

    CASES = "cases"
    OFFERS = "offers"
    DELEGATIONS = "delegations"
    LIABILITIES = "liabilities"
    PENALTIES = "penalties"
    SANCTIONS = "sanctions"
    LEDGERS = "ledgers"
    MONTHS = "months"
    INVESTIGATIONS = "investigations"
    CORRECTIVE_ACTIONS = "corrective_actions"
    DISPUTES = "disputes"


class Invariant(StrEnum):
    """What must hold."""

    #: What is kept can be read, under a rulebook that is loaded.
    READABLE = "readable"
    #: Nothing was changed in, taken from or put into the history.
    HISTORY = "history"
    #: A level never falls by itself, and is the one the history ends with.
    LEVEL = "level"
    #: A clock ends met, breached or superseded, and every breach was told once.
    CLOCK = "clock"
    #: Nothing that must happen before a case closes is open on a closed one.
    CLOSED = "closed"
    #: Money moved as the history says, and only what was approved.
    PAYMENT = "payment"
    #: Whatever was paid was approved by everybody its level and sum in all ask for; nobody judged their own.
    AUTHORITY = "authority"
    #: What was begun is finished by the timer.
    FINISHED = "finished"
    #: A charge is what its formula, tariff or conversion gives, in its rounding.
    CHARGE = "charge"
    #: A ledger holds each charge once, and nothing its history does not tell of.
    LEDGER = "ledger"
    #: What the cap leaves is carried: taken later, never lost, never taken twice.
    CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Finding:
    """That something breaks an invariant; ``found`` says what, in ids, codes and sums only."""

    id: str
    invariant: Invariant
    found: str


def chain_findings(aggregate: Aggregate) -> Iterator[Finding]:
    """Yield what is wrong with an aggregate's history."""
    for fault in aggregate.history.verify():
        yield Finding(aggregate.id, Invariant.HISTORY, fault)
