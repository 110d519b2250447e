"""Use case: count the matters that archived events tell of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.reporting.domain.case import CaseFact
from services.reporting.domain.counting.cells import Counted
from services.reporting.domain.counting.matters import COUNTED_BY, KIND_OF, count_case, count_matter
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.counting import Count
from services.reporting.metrics import UNCOUNTED
from shared.errors import NotFound
from shared.logging import get_logger
from shared.regulations import Rulebooks

log = get_logger(__name__)


class Events(Protocol):
    """What the use case needs of the archive."""

    def events_of(self, subjects: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        """Return the archived events of ``types`` whose subjects these are, in any order."""
        ...

    def events_about(self, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        """Return the archived events of ``types`` about ``ids``, in any order."""
        ...


class Recount:
    """Counts what batches of events tell of; an event of an organisation without a rulebook counts nowhere."""

    def __init__(self, events: Events, rulebooks: Rulebooks[ReportingRules], count: Count) -> None:
        """Read from ``events``, cut days by the organisations' time zones, hand over to ``count``."""
        self._events, self._rulebooks, self._count = events, rulebooks, count

    def __call__(self, events: Sequence[ArchivedEvent], cases: Sequence[CaseFact]) -> None:
        """Count ``cases`` and what else ``events`` tell of, each from all its archived events.

        What cannot be read, as an event of a version to come may be, counts for nothing and stops nothing: it is in
        the archive, and counted with the next rebuild of a version that can read it.
        """
        counted = [count_case(case, zone) for case in cases if (zone := self._zone(case.org))]
        counted += self._matters(events)
        if counted:
            self._count(counted)

    def _matters(self, events: Sequence[ArchivedEvent]) -> list[Counted]:
        touched = {
            (KIND_OF[event.type], event.subject)
            for event in events
            if event.type in KIND_OF and event.source in COUNTED_BY[KIND_OF[event.type]]
        }
        if not touched:
            return []
        found: dict[tuple[str, str, str], list[ArchivedEvent]] = {}
        for event in self._events.events_of(sorted({subject for _, subject in touched}), frozenset(KIND_OF)):
            kind = KIND_OF[event.type]
            if (kind, event.subject) in touched and event.source in COUNTED_BY[kind]:
                found.setdefault((kind, event.subject, event.org), []).append(event)
        counted = (
            _counted(kind, subject, org, zone, mine)
            for (kind, subject, org), mine in found.items()
            if (zone := self._zone(org))
        )
        return [each for each in counted if each is not None]

    def _zone(self, org: str) -> str | None:
        try:
            return self._rulebooks.organisation(org).time_zone
        except NotFound:
            return None


def _counted(kind: str, subject: str, org: str, zone: str, events: Sequence[ArchivedEvent]) -> Counted | None:
    try:
        return count_matter(kind, subject, org, zone, events)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        log.warning("not counted", kind=kind, subject=subject, org=org, reason=type(error).__name__)
        UNCOUNTED.labels(kind=kind).inc()
        return None
