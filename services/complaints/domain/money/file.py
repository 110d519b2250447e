"""What is kept of an offer: its terms, who approved them, the papers and the money that moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.money.situation import Situation
from services.complaints.domain.money.states import COMMITTED, OUTSTANDING, MovementKind, OfferState
from services.complaints.domain.money.terms import Terms
from shared.aggregate import Aggregate
from shared.authority import Signature, Standing, standing
from shared.clocks import Deadline, next_due

PAYMENT_CLOCK = "payment"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved, positive to the customer; ``evidence`` is the voucher."""

    kind: MovementKind
    amount: Decimal
    evidence: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper and where it is: the signed agreement, or a copy of it with a unit."""

    unit: str
    reference: str
    by: str
    at: datetime


@dataclass(kw_only=True)
class OfferFile(Aggregate):
    """What is kept of one offer on one case; ``revision`` counts its terms, each of which voids the approvals before.

    ``authors`` proposed or changed it, and so never approve it. ``level``, ``total`` and ``authority`` are those
    it was last judged by. ``stood`` is the entry of its history since which it is ``opened`` or not, ``told`` the
    one that its case knows of.
    """

    case_id: str
    matter_id: str
    terms: Terms
    source: str
    regulation: str
    proposed_by: str
    proposed_at: datetime
    authors: tuple[str, ...]
    level: str
    total: Decimal
    authority: str
    awaits: tuple[str, ...] = ()
    basis: str | None = None
    revision: int = 1
    state: OfferState = OfferState.PROPOSED
    signatures: list[Signature] = field(default_factory=list)
    approved_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    note: str | None = None
    signed: Paper | None = None
    to_file: tuple[str, ...] = ()
    filed: list[Paper] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    opened: bool = False
    stood: int = 0
    told: int = 0

    @property
    def is_open(self) -> bool:
        """Return whether its case must not close: it is approved and not settled, or its papers are not filed."""
        return self.state in OUTSTANDING or (self.state is OfferState.PAID and bool(self.unfiled))

    @property
    def pending(self) -> bool:
        """Return whether its case still has to be told."""
        return self.told < self.stood

    @property
    def held(self) -> bool:
        """Return whether its case knows that it is open, and so does not close."""
        return self.opened and not self.pending

    @property
    def committed(self) -> bool:
        """Return whether its sum counts with every later one."""
        return self.state in COMMITTED

    @property
    def unfiled(self) -> tuple[str, ...]:
        """Return where its papers still have to go."""
        return tuple(unit for unit in self.to_file if all(paper.unit != unit for paper in self.filed))

    @property
    def paid(self) -> Decimal:
        """Return what the customer has got in all."""
        return sum((movement.amount for movement in self.movements), Decimal("0.00"))

    @property
    def next_due(self) -> datetime | None:
        """Return when its clock next warns or breaches."""
        return next_due(self.deadlines)

    @property
    def overdue(self) -> bool:
        """Return whether it should have been paid by now."""
        return any(deadline.open and deadline.was_breached for deadline in self.deadlines)

    def _stand(self) -> None:
        """Note since which entry it is open, or no longer; called once an act that may change that is recorded."""
        if self.is_open is not self.opened:
            self.opened, self.stood = self.is_open, len(self.history)

    def approvals(self, now: Situation) -> Standing:
        """Return how far the approvals given reach under what holds ``now``.

        Those of the people complained about and of the offer's authors do not count.
        """
        return standing(now.authority, self.signatures, now.barred | set(self.authors))

    def _judge(self, now: Situation) -> None:
        """Keep what it was judged by, and whose approval is awaited."""
        found = self.approvals(now)
        self.level, self.total, self.authority = now.level, now.total, now.authority.code
        self.awaits = found.open.roles if found.open is not None else ()

    def _end(self, state: OfferState, by: str, at: datetime, note: str | None) -> None:
        self.state, self.ended_by, self.ended_at = state, by, at
        self.note = note or self.note
        self.awaits = ()
        self._end_clocks(at)

    def _end_clocks(self, at: datetime) -> None:
        self.deadlines = [deadline.supersede(at) for deadline in self.deadlines]

    def _head(self) -> dict[str, Any]:
        return {"offer_id": self.id, "case_id": self.case_id, "revision": self.revision}

    def _terms_data(self) -> dict[str, Any]:
        return {
            "matter_id": self.matter_id,
            "kind": self.terms.kind,
            "basis": self.basis,
            "amount": str(self.terms.amount),
            "level": self.level,
            "total": str(self.total),
            "authority": self.authority,
            "awaits": list(self.awaits),
            "source": self.source,
            "regulation": self.regulation,
        }
