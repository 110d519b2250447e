"""Contacts: what a customer said, when, through what; who is responsible first; and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.intake.domain.rulebook import Category, FirstResponsible
from shared.aggregate import Aggregate
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class ComplaintClaim:
    """What a complaint says beside its text; ``problem`` is the same for the same problem, ``amount`` in yuan."""

    problem: str
    complainant_type: str | None
    ground: str | None
    demand: str | None
    amount: Decimal | None
    media: bool
    lawsuit: bool

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape that goes into events."""
        return {
            "problem": self.problem,
            "complainant_type": self.complainant_type,
            "ground": self.ground,
            "demand": self.demand,
            "amount": None if self.amount is None else str(self.amount),
            "media": self.media,
            "lawsuit": self.lawsuit,
        }


@dataclass(frozen=True, slots=True)
class Responsible:
    """The first responsible person (首问责任人): a member of staff, or the role that answers where nobody did."""

    staff: str | None
    role: str | None

    @staticmethod
    def of(taken_by: str | None, rule: FirstResponsible) -> Responsible:
        """Name who received the contact, else the role the rulebook gives (B-ITS-02)."""
        if taken_by:
            return Responsible(taken_by, None)
        return Responsible(None, rule.otherwise)

    def as_data(self) -> dict[str, str | None]:
        """Return the JSON shape that goes into events and documents."""
        return {"staff": self.staff, "role": self.role}


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a contact is for and who sent it."""

    org: str
    publisher: str


@dataclass(kw_only=True)
class Contact(Aggregate):
    """One registered contact; ``text`` is the customer's own words and never leaves this service but by RPC."""

    number: str
    customer_id: str
    unit_id: str | None
    category: str
    channel: str
    text: str
    received_at: datetime
    registered_at: datetime
    first_responsible: Responsible
    routed_to: str
    target: str
    publisher: str
    complaint: ComplaintClaim | None
    #: Phase of service (A-LOG-01), where somebody named it.
    phase: str | None = None
    #: By which rule it was recorded too late after it came in; None when in time.
    recorded_late: str | None = None

    def register(self, *, customer_is_new: bool, cause: Cause) -> None:
        """Record that the contact was registered under its number and routed."""
        common: Mapping[str, Any] = {
            "contact_id": self.id,
            "number": self.number,
            "customer_id": self.customer_id,
            "unit_id": self.unit_id,
            "category": self.category,
            "channel": self.channel,
            "received_at": timestamp(self.received_at),
            "first_responsible": self.first_responsible.as_data(),
        }
        registered = {**common, "customer_is_new": customer_is_new, "publisher": self.publisher}
        self.record("contact_registered", registered, at=self.registered_at, cause=cause)
        routed = {
            **common,
            "routed_to": self.routed_to,
            "target": self.target,
            "complaint": self.complaint.as_data() if self.complaint else None,
        }
        self.record("contact_routed", routed, at=self.registered_at, cause=cause)
        self.mark_processed(cause.message_id)


def route(category: Category) -> tuple[str, str]:
    """Return where a contact of ``category`` goes: destination and the role or unit that takes it."""
    return category.routed_to.value, category.target
