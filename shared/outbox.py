"""The words of the outbox: tickets that say what may be unsent, and the way from them to recorded entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.history import Entry


@dataclass(frozen=True, slots=True)
class Ref:
    """The entries of one aggregate from ``from_seq`` on; ``kind`` names where aggregates of its sort are kept."""

    kind: str
    id: str
    from_seq: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """Says that the aggregates in ``refs`` may hold entries nobody has published yet."""

    id: str
    opened_at: datetime
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Unsent:
    """One recorded entry with what publishing needs to know of its aggregate."""

    org: str
    subject: str
    entry: Entry


class TicketStore(Protocol):
    """Where tickets are kept, and how entries are read back."""

    def close(self, ticket_ids: Sequence[str]) -> None:
        """Delete tickets whose entries were all confirmed."""
        ...

    def narrow(self, ticket_id: str, refs: Sequence[Ref]) -> None:
        """Leave only ``refs`` in a ticket, because the entries of the others were confirmed."""
        ...

    def overdue(self, before: datetime, limit: int, skip: int = 0) -> list[Ticket]:
        """Return a page of the tickets opened before ``before``, oldest first."""
        ...

    def unsent(self, refs: Sequence[Ref]) -> list[Unsent]:
        """Return the entries the refs point at, in order for each aggregate."""
        ...

    def backlog(self) -> tuple[int, datetime | None]:
        """Return how many tickets are open and when the oldest was opened."""
        ...


class Sender(Protocol):
    """Takes entries that were just written, to publish them and close their ticket."""

    def hand_over(self, ticket_id: str, entries: Sequence[Unsent]) -> None:
        """Take the entries of a ticket; returns at once."""
        ...
