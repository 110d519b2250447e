"""What a ledger holds: lines that are never changed, each with the steps by which its amount was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a line does to the balance."""

    #: Makes something owed.
    CHARGE = "charge"
    #: Takes a charge back whole.
    COUNTER = "counter"
    #: Corrects a charge of a series after an earlier one was taken back.
    RECOUNT = "recount"
    #: Takes what is owed from the holder at the end of a period.
    SETTLEMENT = "settlement"
    #: Gives back what was taken for a charge that no longer stands.
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation: what it is, its value as text, and where it comes from."""

    what: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Posting:
    """What somebody wants charged: the id its line gets, how much, why, and under which labels.

    ``bucket`` groups charges that are settled by the same limit. ``labels`` are the service's own words.
    """

    id: str
    bucket: str
    amount: Decimal
    at: datetime
    by: str
    trace: tuple[Step, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``amount`` adds to what is owed when positive; ``refers_to`` is the charge it is about.

    ``series`` and ``ordinal`` belong to charges whose amount depends on how many came before.
    """

    id: str
    period: str
    kind: Kind
    bucket: str
    amount: Decimal
    refers_to: str | None
    at: datetime
    by: str
    trace: tuple[Step, ...]
    labels: Mapping[str, str]
    series: str | None = None
    ordinal: int | None = None

    @property
    def charge_id(self) -> str:
        """Return the id of the charge the line is, or is about."""
        return self.refers_to or self.id
