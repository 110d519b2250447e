"""Registering contacts: checks against the rulebook, recognises customers, numbers, names who is responsible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.intake.domain.contact import ComplaintClaim, Contact, Responsible, route
from services.intake.domain.customer import Customer
from services.intake.domain.files.parts import Opening
from services.intake.domain.recognising import CustomerClaim, normal_unit
from services.intake.domain.rulebook import IntakeRules
from shared.clock import Clock
from shared.errors import NotFound, Problem, ValidationFailed
from shared.history import Cause
from shared.ids import IdSource, derived_id
from shared.numbering import number_of, series
from shared.regulations import Organisation, Regulation, Rulebooks


@dataclass(frozen=True, slots=True)
class Intent:
    """A validated wish to register a contact, with the rulebook that governs it."""

    org: str
    organisation: Organisation
    rules: IntakeRules
    publisher: str
    channel: str
    category: str
    received_at: datetime
    customer: CustomerClaim
    text: str
    taken_by: str | None
    complaint: ComplaintClaim | None
    phase: str | None = None

    def opening(self, now: datetime) -> Opening:
        """Return the rules and the day under which this contact opens its customer's file."""
        files = self.rules.files
        today = now.astimezone(ZoneInfo(self.organisation.time_zone)).date()
        return Opening(files, files.first_state(self.category), today)


class Files(Protocol):
    """What registering needs of the repository."""

    def customers_by_key(self, keys: Sequence[str]) -> dict[str, str]:
        """Return customer ids by recognising key."""
        ...

    def reserve_serials(self, series: str, count: int) -> int:
        """Take consecutive serials and return the first."""
        ...


def regulation_at(
    rulebooks: Rulebooks[IntakeRules], org: str, received_at: datetime
) -> Regulation[IntakeRules]:
    """Return what was in force for ``org`` when a contact was received.

    Raises ValidationFailed naming ``received_at`` when nothing was, NotFound for an unknown organisation.
    """
    rulebooks.organisation(org)
    try:
        return rulebooks.for_org(org, received_at)
    except NotFound as error:
        problem = Problem("received_at", "lies before the organisation's first rulebook")
        raise ValidationFailed("the contact was received too early", problems=(problem,)) from error
    except OverflowError as error:
        # Within a day of the calendar's first or last instant: it cannot be told in another time zone.
        problem = Problem("received_at", "is no time a contact can be received at")
        raise ValidationFailed("the contact was received at no possible time", problems=(problem,)) from error


def intent_problems(intent: Intent, now: datetime, tolerance: timedelta) -> tuple[Problem, ...]:
    """Return what the organisation's rulebook, or the time, says against the contact."""
    problems = []
    if intent.rules.category(intent.category) is None:
        codes = ", ".join(category.code for category in intent.rules.categories)
        problems.append(Problem("category", f"is not one of {codes}"))
    if intent.rules.channel(intent.channel) is None:
        codes = ", ".join(channel.code for channel in intent.rules.channels)
        problems.append(Problem("channel", f"is not one of {codes}"))
    phases = [phase.code for phase in intent.rules.files.phases]
    if intent.phase is not None and intent.phase not in phases:
        problems.append(Problem("phase", f"is not one of {', '.join(phases) or 'none'}"))
    if intent.received_at > now + tolerance:
        problems.append(Problem("received_at", "lies in the future"))
    return tuple(problems)


@dataclass(frozen=True, slots=True)
class Registration:
    """Contacts ready to be written, and the new customers' files they need, to be written before them."""

    contacts: tuple[Contact, ...]
    customers: tuple[Customer, ...]
    #: What is to be written after the contacts, by store.
    also: tuple[tuple[Any, Sequence[Any]], ...] = ()


class Following(Protocol):
    """What follows from contacts in the same go."""

    def with_contacts(
        self, registered: Sequence[tuple[Contact, str, Cause]], *, comes_again: bool
    ) -> tuple[tuple[Any, Sequence[Any]], ...]:
        """Return what is to be written after contacts, given with their customers' class."""
        ...

    def complete(self, contact_ids: Sequence[str]) -> None:
        """Write what follows from registered contacts and is not there yet."""
        ...


class Registrar:
    """Builds contacts ready to be written, with the customer files they need."""

    def __init__(
        self, repository: Files, clock: Clock, ids: IdSource, following: Following | None = None
    ) -> None:
        """Use the repository for customers and serials."""
        self._repository = repository
        self._following = following
        self._clock = clock
        self._ids = ids

    def complete(self, contact_ids: Sequence[str]) -> None:
        """Write what should have followed from contacts that are registered, as far as it is not there."""
        if self._following and contact_ids:
            self._following.complete(contact_ids)

    def build(
        self, wishes: Sequence[tuple[str, Intent, Cause]], *, comes_again: bool = False
    ) -> Registration:
        """Return one contact for each (contact id, intent, cause), in the same order.

        ``comes_again`` says that the same wishes come, and are completed, until all of it is written.
        """
        if not wishes:
            return Registration((), ())
        now = self._clock.now()
        ids, customers = self._recognise(wishes, now)
        serials = self._serials(wishes, now)
        contacts = []
        fresh = {customer.id for customer in customers}
        for contact_id, intent, cause in wishes:
            customer_id = ids[intent.customer.keys(intent.org)[0]]
            contact = _contact(contact_id, intent, customer_id, next(serials[_series(intent, now)]), now)
            contact.register(customer_is_new=customer_id in fresh, cause=cause)
            fresh.discard(customer_id)
            contacts.append(contact)
        registered = [
            (contact, intent.customer.kind, cause)
            for contact, (_, intent, cause) in zip(contacts, wishes, strict=True)
        ]
        also = self._following.with_contacts(registered, comes_again=comes_again) if self._following else ()
        return Registration(tuple(contacts), tuple(customers), also)

    def _recognise(
        self, wishes: Sequence[tuple[str, Intent, Cause]], now: datetime
    ) -> tuple[Mapping[str, str], list[Customer]]:
        """Return the customer id for every key, and the files that have to be opened for it."""
        wanted: dict[str, tuple[Intent, Cause]] = {}
        for _, intent, cause in wishes:
            wanted.setdefault(intent.customer.keys(intent.org)[0], (intent, cause))
        ids = self._repository.customers_by_key(list(wanted))
        missing = {key: wish for key, wish in wanted.items() if key not in ids}
        customers = [
            Customer.open(
                self._ids.new("cu"),
                intent.org,
                intent.customer,
                at=now,
                cause=cause,
                opening=intent.opening(now),
            )
            for intent, cause in missing.values()
        ]
        return ids | {key: file.id for key, file in zip(missing, customers, strict=True)}, customers

    def _serials(self, wishes: Sequence[tuple[str, Intent, Cause]], now: datetime) -> dict[str, Any]:
        counts: dict[str, int] = defaultdict(int)
        for _, intent, _ in wishes:
            counts[_series(intent, now)] += 1
        firsts = {name: self._repository.reserve_serials(name, count) for name, count in counts.items()}
        return {name: iter(range(first, first + counts[name])) for name, first in firsts.items()}


def _series(intent: Intent, now: datetime) -> str:
    return series(intent.rules.numbering, intent.org, now, intent.organisation.time_zone)


def _contact(contact_id: str, intent: Intent, customer_id: str, serial: int, now: datetime) -> Contact:
    organisation, rules = intent.organisation, intent.rules
    category = rules.category(intent.category)
    if category is None:
        message = f"category {intent.category!r} was not checked against the rulebook"
        raise ValueError(message)
    routed_to, target = route(category)
    unit = normal_unit(intent.customer.unit)
    limit = rules.recorded_minutes
    late = limit is not None and now - intent.received_at >= timedelta(minutes=limit.value)
    return Contact(
        id=contact_id,
        org=intent.org,
        number=number_of(rules.numbering, organisation.number_prefix, now, organisation.time_zone, serial),
        customer_id=customer_id,
        # A unit's number can lead to a person: events carry an id that does not.
        unit_id=derived_id("un", intent.org, unit) if unit else None,
        category=intent.category,
        channel=intent.channel,
        text=intent.text,
        received_at=intent.received_at,
        registered_at=now,
        first_responsible=Responsible.of(intent.taken_by, rules.first_responsible),
        routed_to=routed_to,
        target=target,
        publisher=intent.publisher,
        complaint=intent.complaint,
        phase=intent.phase,
        recorded_late=limit.source if limit and late else None,
    )
