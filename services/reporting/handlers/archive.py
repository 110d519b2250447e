"""Use case: keep every event once, and bring what is known of the matters it concerns up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.reporting.domain.case import FOLDED, CaseFact, fold, is_folded
from services.reporting.domain.event import ArchivedEvent
from services.reporting.handlers.reading import Unreadable, read_events
from services.reporting.handlers.recounting import Recount
from services.reporting.metrics import EVENTS_ARCHIVED, FACTS_REBUILT
from services.reporting.settings import EVENTS_AT_ONCE
from shared.clock import Clock
from shared.errors import KefuError
from shared.history import moment_of

#: What to do at an event, by the service that tells and its type; safe to repeat.
Reaction = Callable[[ArchivedEvent], None]
Reactions = Mapping[tuple[str, str], Sequence[Reaction]]


class Incoming(Protocol):
    """What the use case needs of a delivery."""

    body: bytes
    content_type: str | None

    def duplicate(self) -> None:
        """Say that the event's effect was there already."""
        ...

    def dead(self, reason: str) -> None:
        """Say that no retry can help."""
        ...


@dataclass(frozen=True, slots=True)
class ContactFact:
    """One contact as the statistics see it; it never changes."""

    id: str
    org: str
    category: str
    channel: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class RejectionFact:
    """One rejected event as the statistics see it; it never changes."""

    id: str
    org: str
    rejected_at: datetime


class Archive(Protocol):
    """What the use case needs of the repository."""

    def archive(self, events: Sequence[ArchivedEvent], at: datetime) -> set[str]:
        """Keep the events not there yet; return the keys of those that were."""
        ...

    def events_about(self, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        """Return the archived events of ``types`` about ``ids``, in any order."""
        ...

    def save_cases(self, cases: Sequence[CaseFact]) -> int:
        """Write the cases unless a fact of as many events is there; return how many were written."""
        ...

    def add_contacts(self, contacts: Sequence[ContactFact]) -> int:
        """Write the contacts not there yet; return how many were written."""
        ...

    def add_rejections(self, rejections: Sequence[RejectionFact]) -> int:
        """Write the rejections not there yet; return how many were written."""
        ...


class ArchiveEvents:
    """Takes whole batches: a handful of database calls for all of them, whatever their number.

    A message may carry hundreds of events, so they are taken in parts of bounded size, whatever the batch.
    Everything known of a case is computed afresh from all its archived events after those of the batch
    were added. So whoever computes last has seen every event, and no order or repetition matters.
    """

    def __init__(
        self,
        repository: Archive,
        clock: Clock,
        reactions: Reactions | None = None,
        recount: Recount | None = None,
    ) -> None:
        """Keep events in ``repository``, stamped by ``clock``; ``reactions`` follow when they are kept."""
        self._repository = repository
        self._clock = clock
        self._reactions = reactions or {}
        self._recount = recount

    def __call__(self, source: str, deliveries: Sequence[Incoming]) -> None:
        """Archive or dead-letter each delivery from the service ``source``.

        Raises Unavailable if the database is away, and what another try may help a reaction against; doing the
        same batch again is safe.
        """
        events: dict[str, ArchivedEvent] = {}
        carried: list[tuple[Incoming, list[str]]] = []
        for delivery in deliveries:
            try:
                found = read_events(source, delivery.body, delivery.content_type)
            except Unreadable as error:
                delivery.dead(str(error))
                continue
            fresh = {event.key: event for event in found if event.key not in events}
            events |= fresh
            carried.append((delivery, list(fresh)))
        known: set[str] = set()
        every = list(events.values())
        for start in range(0, len(every), EVENTS_AT_ONCE):
            part = every[start : start + EVENTS_AT_ONCE]
            known |= self._repository.archive(part, self._clock.now())
            # Known events too: a predecessor may have been stopped between the archive and the facts.
            self._rebuild(part)
        for delivery, keys in carried:
            refused = self._react([events[key] for key in keys])
            if refused is not None:
                delivery.dead(refused)
            elif known.issuperset(keys):
                delivery.duplicate()
        EVENTS_ARCHIVED.labels(source=source).inc(len(events) - len(known))

    def _react(self, events: Sequence[ArchivedEvent]) -> str | None:
        """Do what follows from each event, known ones included; return why one can never be followed."""
        refused = None
        for event in events:
            for react in self._reactions.get((event.source, event.type), ()):
                try:
                    react(event)
                except KefuError as error:
                    if error.transient:
                        raise
                    refused = str(error)
        return refused

    def _rebuild(self, events: Sequence[ArchivedEvent]) -> None:
        contacts = [contact_fact(event) for event in events if event.type == "contact_registered"]
        if contacts:
            FACTS_REBUILT.labels(kind="contact").inc(self._repository.add_contacts(contacts))
        rejections = [rejection_fact(event) for event in events if event.type == "contact_rejected"]
        if rejections:
            FACTS_REBUILT.labels(kind="rejection").inc(self._repository.add_rejections(rejections))
        touched = sorted({event.about for event in events if is_folded(event)})
        cases = self._cases(touched) if touched else []
        if cases:
            FACTS_REBUILT.labels(kind="case").inc(self._repository.save_cases(cases))
        if self._recount is not None:
            self._recount(events, cases)

    def _cases(self, ids: Sequence[str]) -> list[CaseFact]:
        found: dict[tuple[str, str], list[ArchivedEvent]] = {}
        for event in self._repository.events_about(ids, FOLDED):
            found.setdefault((event.about, event.org), []).append(event)
        return [fold(case_id, org, events) for (case_id, org), events in found.items()]


def contact_fact(event: ArchivedEvent) -> ContactFact:
    """Return what a ``contact_registered`` event says of its contact."""
    data = event.data
    received_at = moment_of(data["received_at"])
    return ContactFact(data["contact_id"], event.org, data["category"], data["channel"], received_at)


def rejection_fact(event: ArchivedEvent) -> RejectionFact:
    """Return what a ``contact_rejected`` event says of the event that was rejected."""
    return RejectionFact(event.data["rejected_id"], event.org, event.time)
