"""Use case: take a batch of external events, register the good ones, keep the bad ones with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from services.intake.domain.contact import Contact, Origin
from services.intake.domain.customer import Customer
from services.intake.domain.rejection import Rejection
from services.intake.domain.rulebook import IntakeRules
from services.intake.handlers.door import DoorKeeper
from services.intake.handlers.reading import TAKEN_ELSEWHERE, ContactReader, Reading, Refused
from services.intake.handlers.registering import Registrar
from services.intake.metrics import CONTACTS_REGISTERED, EVENTS_REJECTED
from shared.clock import Clock
from shared.errors import Conflict, Problem
from shared.handling import Incoming
from shared.history import Cause
from shared.ids import derived_id
from shared.regulations import Rulebooks

#: How often a batch looks for its customers again because another replica opened a file meanwhile.
_ATTEMPTS = 5


class External(Incoming, Protocol):
    """A message from outside: also under which routing key it came, and from which broker user."""

    routing_key: str
    user_id: str | None


class Contacts(Protocol):
    """What the use case needs of the repository."""

    def known_contacts(self, contact_ids: Sequence[str]) -> set[str]:
        """Return which contacts are registered."""
        ...

    def origins(self, contact_ids: Sequence[str]) -> dict[str, Origin]:
        """Return whose registered contacts these are."""
        ...

    def register(
        self,
        contacts: Sequence[Contact],
        customers: Sequence[Customer],
        also: Sequence[tuple[Any, Sequence[Any]]],
    ) -> Any:
        """Open files, register contacts and write what goes with them; say which were new and known."""
        ...

    def reject(self, rejections: Sequence[Rejection]) -> Any:
        """Keep rejected events; return which were new and which known."""
        ...


@dataclass(frozen=True, slots=True)
class _Accepted:
    delivery: External
    reading: Reading
    contact_id: str

    @property
    def origin(self) -> Origin:
        """Return whom the event is for and who sent it."""
        return Origin(self.reading.event.org, self.reading.intent.publisher)


class ReceiveEvents:
    """Takes whole batches: a handful of database calls for all of them, whatever their number."""

    def __init__(
        self,
        repository: Contacts,
        registrar: Registrar,
        rulebooks: Rulebooks[IntakeRules],
        clock: Clock,
        *,
        tolerance: timedelta = timedelta(minutes=5),
        door: DoorKeeper | None = None,
    ) -> None:
        """``tolerance`` forgives publishers' clocks that run ahead; ``door`` limits how much is kept as rejected."""
        self._door = door
        self._repository = repository
        self._registrar = registrar
        self._clock = clock
        self._reader = ContactReader(rulebooks, tolerance)

    def __call__(self, deliveries: Sequence[External]) -> None:
        """Register, reject or dead-letter each delivery; repeats of an event change nothing.

        Raises Unavailable if the database is away; doing the same batch again is safe.
        """
        now = self._clock.now()
        accepted: dict[str, _Accepted] = {}
        rejected: dict[str, tuple[External, Rejection]] = {}
        for delivery in deliveries:
            if delivery.routing_key in TAKEN_ELSEWHERE:
                continue
            try:
                outcome = self._reader.read(
                    delivery.body, delivery.content_type, delivery.routing_key, delivery.user_id, now
                )
            except Refused as refusal:
                rejection = refusal.rejection
                if rejection is None:
                    delivery.dead(str(refusal))
                elif rejection.id in rejected:
                    delivery.duplicate()
                else:
                    rejected[rejection.id] = (delivery, rejection)
                continue
            contact_id = derived_id("ct", outcome.event.source, outcome.event.id)
            item = _Accepted(delivery, outcome, contact_id)
            first = accepted.setdefault(contact_id, item)
            if first is not item:
                self._repeat(item, first.origin, rejected)
        self._register(accepted, rejected)
        self._reject([*rejected.values()])

    def _repeat(
        self, item: _Accepted, origin: Origin, rejected: dict[str, tuple[External, Rejection]]
    ) -> None:
        """Take an event whose source and id are known: the same one again, or another's that must not be lost."""
        if item.origin == origin:
            item.delivery.duplicate()
            return
        problem = Problem("id", "was used before, with the same source, by another publisher or organisation")
        rejection = self._reader.refuse(item.reading, problem)
        if rejection.id in rejected:
            item.delivery.duplicate()
        else:
            rejected[rejection.id] = (item.delivery, rejection)

    def _reject(self, rejected: Sequence[tuple[External, Rejection]]) -> None:
        if not rejected:
            return
        if self._door is not None:
            over = self._door.beyond([rejection for _, rejection in rejected], self._clock.now())
            rejected = [(delivery, rejection) for delivery, rejection in rejected if rejection.id not in over]
        known = set(self._repository.reject([rejection for _, rejection in rejected]).known)
        for delivery, rejection in rejected:
            if rejection.id in known:
                delivery.duplicate()
            else:
                EVENTS_REJECTED.labels(publisher=rejection.publisher or "unknown").inc()

    def _register(
        self, accepted: dict[str, _Accepted], rejected: dict[str, tuple[External, Rejection]]
    ) -> None:
        known = self._repository.known_contacts(list(accepted)) if accepted else set()
        fresh = [item for contact_id, item in accepted.items() if contact_id not in known]
        contacts, taken = self._write(fresh)
        # An earlier delivery may have died between a contact and what follows from it; and what another replica
        # took meanwhile kept all of this batch from being followed.
        self._registrar.complete(sorted(accepted if taken else known))
        known |= taken
        for contact in contacts:
            if contact.id not in known:
                CONTACTS_REGISTERED.labels(category=contact.category, channel=contact.channel).inc()
        origins = self._repository.origins(sorted(known)) if known else {}
        if known - origins.keys():
            message = "a contact's number was given to another contact: try again with the next one"
            raise Conflict(message)
        for contact_id, origin in origins.items():
            self._repeat(accepted[contact_id], origin, rejected)

    def _write(self, fresh: Sequence[_Accepted]) -> tuple[Sequence[Contact], set[str]]:
        """Register ``fresh`` contacts; return them, and the ids of those somebody else registered meanwhile."""
        wishes = [(item.contact_id, item.reading.intent, _cause(item.reading)) for item in fresh]
        for attempt in range(_ATTEMPTS):
            # Nothing is acknowledged before all is written: what is cut short is delivered again.
            registration = self._registrar.build(wishes, comes_again=True)
            if not registration.contacts:
                break
            try:
                inserted = self._repository.register(
                    registration.contacts, registration.customers, registration.also
                )
            except Conflict:
                # Another replica opened one of the files between our look and our write: look again.
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            return registration.contacts, set(inserted.known)
        return (), set()


def _cause(reading: Reading) -> Cause:
    return Cause(reading.event.key, reading.intent.publisher, reading.event.traceparent)
