"""Use cases of people at the desk: register a contact by hand, look contacts, customers and rejections up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.door import CONTRACT
from services.intake.domain.duty.scope import UNBOUND, Scope
from services.intake.domain.rejection import Rejection, reasons_data
from services.intake.domain.rulebook import IntakeRules
from services.intake.errors import no_contact, no_customer, no_rejection
from services.intake.handlers.registering import Intent, Registrar, intent_problems, regulation_at
from services.intake.metrics import CONTACTS_REGISTERED
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.handling import Calling
from shared.history import Cause, timestamp
from shared.identity import mask_name, mask_phone
from shared.ids import derived_id
from shared.logging import get_logger
from shared.regulations import Rulebooks

if TYPE_CHECKING:
    from services.intake.repository import IntakeRepository

log = get_logger(__name__)

#: Where a contact registered by hand says it came from.
DESK = "desk"
_SHOWN_BODY = 16 * 1024
_ATTEMPTS = 5


class Desk:
    """The desk's use cases, each scoped to the caller's organisation."""

    def __init__(
        self,
        repository: IntakeRepository,
        registrar: Registrar,
        rulebooks: Rulebooks[IntakeRules],
        clock: Clock,
        *,
        tolerance: timedelta = timedelta(minutes=5),
    ) -> None:
        """``tolerance`` forgives clocks that run ahead."""
        self._repository = repository
        self._registrar = registrar
        self._rulebooks = rulebooks
        self._clock = clock
        self._tolerance = tolerance

    def register(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Register a contact taken by the caller; a repeat of the command returns the same contact.

        Raises Conflict if the key was used for another contact.
        """
        contact_id, digest = derived_id("ct", call.key), digest_of(data)
        for _ in range(_ATTEMPTS):
            existing = self._repository.contact(contact_id, call.org)
            if existing is not None:
                return dict(existing.answer_to(call.key, digest) or registered_view(existing))
            registration = self._registrar.build([(contact_id, self._intent(call, data), _cause(call))])
            (contact,) = registration.contacts
            contact.remember_answer(call.key, digest, registered_view(contact))
            try:
                inserted = self._repository.register([contact], registration.customers, registration.also)
            except Conflict:
                continue
            if inserted.new:
                CONTACTS_REGISTERED.labels(category=contact.category, channel=contact.channel).inc()
        message = "the contact could not be registered: others take the same numbers at the same time"
        raise Conflict(message)

    def _intent(self, call: Calling, data: Mapping[str, Any]) -> Intent:
        regulation = regulation_at(self._rulebooks, call.org, data["received_at"])
        intent = Intent(
            org=call.org,
            organisation=self._rulebooks.organisation(call.org),
            rules=regulation.sections,
            publisher=DESK,
            **{**data, "taken_by": data["taken_by"] or call.actor},
        )
        problems = intent_problems(intent, self._clock.now(), self._tolerance)
        if problems:
            message = "the contact cannot be registered: " + "; ".join(
                f"{p.field} {p.reason}" for p in problems
            )
            raise ValidationFailed(message, problems=problems)
        return intent

    def contact(
        self, org: str, contact_id: str, reach: Scope = UNBOUND, actor: str | None = None
    ) -> dict[str, Any]:
        """Return one contact with the customer's own words and preferences (A-LOG-08).

        RuleRefused when it is not in the ``reach`` of ``actor``, who did not take it either.
        """
        contact = self._repository.contact(contact_id, org)
        if contact is None:
            raise no_contact(contact_id)
        taken_by = contact.first_responsible.staff
        if reach.categories and taken_by != actor:
            reach.categories.check(contact.category, "the category")
        if reach.units and taken_by not in reach.staff:
            raise RuleRefused(f"{contact_id} is another unit's", rule=reach.units.source)
        customer = self._repository.customer(contact.customer_id, org)
        preferences = list(customer.preferences) if customer else []
        return contact_view(contact) | {"text": contact.text, "preferences": preferences}

    def contacts(self, org: str, query: Mapping[str, Any], reach: Scope = UNBOUND) -> list[dict[str, Any]]:
        """Return a page of the contacts in ``reach``, newest first, without their text.

        RuleRefused when those of a category are asked for that the caller's post does not take.
        """
        bounds: dict[str, Any] = {}
        if reach.categories and query["category"]:
            reach.categories.check(query["category"], "the category")
        elif reach.categories:
            bounds["categories"] = sorted(reach.categories.codes)
        if reach.units:
            bounds["taken_by"] = sorted(reach.staff)
        return [contact_view(contact) for contact in self._repository.contacts(org, **query, **bounds)]

    def count(
        self, org: str, received_from: datetime | None, received_before: datetime | None
    ) -> dict[str, int]:
        """Return how many contacts of each category came in."""
        return self._repository.count_by_category(org, received_from, received_before)

    def customer(self, org: str, customer_id: str, *, actor: str, full: bool) -> dict[str, Any]:
        """Return a customer's file, personal data masked unless ``full``; full reads are logged (B-STD-03)."""
        customer = self._repository.customer(customer_id, org)
        if customer is None:
            raise no_customer(customer_id)
        if full:
            log.info("personal data read in full", actor=actor, customer_id=customer_id)
        return customer_view(customer, full=full)

    def rejections(self, org: str, limit: int, skip: int) -> list[dict[str, Any]]:
        """Return a page of rejected events, newest first, without their bodies."""
        return [
            rejection_view(rejection)
            for rejection in self._repository.rejections(org, limit=limit, skip=skip)
        ]

    def rejection(self, org: str, rejected_id: str, *, actor: str, full: bool) -> dict[str, Any]:
        """Return one rejected event; its body, which may hold personal data, only if ``full``."""
        rejection = self._repository.rejection(rejected_id, org)
        if rejection is None:
            raise no_rejection(rejected_id)
        view = rejection_view(rejection)
        if full:
            log.info("rejected event read in full", actor=actor, rejected_id=rejected_id)
            view["body"] = rejection.body[:_SHOWN_BODY].decode("utf-8", errors="replace")
        return view

    def history(self, org: str, contact_id: str) -> dict[str, Any]:
        """Return a contact's history and what is wrong with its chain, if anything."""
        contact = self._repository.contact(contact_id, org)
        if contact is None:
            raise no_contact(contact_id)
        entries = [{"seq": e.seq, "type": e.type, "time": e.time, "actor": e.actor} for e in contact.history]
        return {"entries": entries, "faults": contact.history.verify()}


def _cause(call: Calling) -> Cause:
    return Cause(call.key, call.actor, call.traceparent)


def registered_view(contact: Contact) -> dict[str, Any]:
    """Return what the command to register a contact answers."""
    return {"contact_id": contact.id, "number": contact.number, "customer_id": contact.customer_id}


def contact_view(contact: Contact) -> dict[str, Any]:
    """Return the JSON shape of a contact, without the customer's words."""
    return {
        "contact_id": contact.id,
        "number": contact.number,
        "customer_id": contact.customer_id,
        "category": contact.category,
        "channel": contact.channel,
        "received_at": timestamp(contact.received_at),
        "registered_at": timestamp(contact.registered_at),
        "first_responsible": contact.first_responsible.as_data(),
        "routed_to": contact.routed_to,
        "target": contact.target,
        "publisher": contact.publisher,
        "complaint": contact.complaint.as_data() if contact.complaint else None,
        "phase": contact.phase,
        "recorded_late": contact.recorded_late,
    }


def customer_view(customer: Customer, *, full: bool) -> dict[str, Any]:
    """Return the JSON shape of a customer's file."""
    phone = customer.phone or ""
    return {
        "customer_id": customer.id,
        "kind": customer.kind,
        "name": customer.name if full else mask_name(customer.name),
        "phone": phone if full else mask_phone(phone),
        "unit": customer.unit if full else None,
        "opened_at": timestamp(customer.opened_at),
        "masked": not full,
    }


def rejection_view(rejection: Rejection) -> dict[str, Any]:
    """Return the JSON shape of a rejected event, without its body."""
    return {
        "rejected_id": rejection.id,
        "event_id": rejection.event_id,
        "event_type": rejection.event_type,
        "publisher": rejection.publisher,
        "rejected_at": timestamp(rejection.rejected_at),
        "size": rejection.size,
        "reasons": reasons_data(rejection.reasons),
        "contract": CONTRACT,
    }
