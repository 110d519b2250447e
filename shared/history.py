"""The append-only, hash-chained history every aggregate carries; it is also the outbox of what it publishes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

#: ``prev`` of the first entry of every history.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something happens: the message or command applied, who acts, and the trace it belongs to.

    What is ``digested`` is one of many alike: it is published together with them and not by itself.
    """

    message_id: str
    actor: str
    traceparent: str | None = None
    digested: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to an aggregate, as recorded and as published.

    ``id`` is ``<aggregate id>.<seq>``, so the same entry always has the same event id; ``time`` is
    RFC 3339 in UTC; ``data`` is JSON-safe and free of personal data; ``digested`` says that it is published
    in a digest (see shared.clocks.digest); ``hash`` covers all the other fields and, through ``prev``, every
    earlier entry.
    """

    seq: int
    id: str
    type: str
    time: str
    actor: str
    cause: str
    data: Mapping[str, Any]
    trace: str | None
    prev: str
    hash: str
    digested: bool = False

    def as_document(self) -> dict[str, Any]:
        """Return the shape kept in the database; ``digested`` is there only where it holds."""
        document = {name: getattr(self, name) for name in _ALWAYS}
        return document | {"digested": True} if self.digested else document

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Entry:
        """Rebuild an entry from the shape kept in the database."""
        known = {name: document.get(name) for name in _ALWAYS}
        return Entry(**known, digested="digested" in document)  # type: ignore[arg-type]

    def digest(self) -> str:
        """Return the hash this entry should carry."""
        content = [getattr(self, name) for name in _HASHED]
        if self.digested:
            content.append(True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


#: The fields every entry has in the database, and those the hash covers of every entry, in their order.
_ALWAYS = tuple(name for name in Entry.__slots__ if name != "digested")
_HASHED = tuple(name for name in _ALWAYS if name != "hash")


@dataclass(slots=True)
class History:
    """The entries of one aggregate, oldest first; ``append`` is the only way to change it."""

    aggregate_id: str
    entries: list[Entry] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def next_seq(self) -> int:
        """Return the sequence number the next entry will get; the first is 1."""
        return len(self.entries) + 1

    def append(self, kind: str, data: Mapping[str, Any], *, at: datetime, cause: Cause) -> Entry:
        """Record that ``kind`` happened at the aware instant ``at``; ``data`` must be JSON-safe."""
        seq = self.next_seq
        unsealed = Entry(
            seq=seq,
            id=f"{self.aggregate_id}.{seq}",
            type=kind,
            time=timestamp(at),
            actor=cause.actor,
            cause=cause.message_id,
            data=dict(data),
            trace=cause.traceparent,
            prev=self.entries[-1].hash if self.entries else GENESIS,
            hash="",
            digested=cause.digested,
        )
        sealed = replace(unsealed, hash=unsealed.digest())
        self.entries.append(sealed)
        return sealed

    def since(self, seq: int) -> Sequence[Entry]:
        """Return the entries numbered ``seq`` and above."""
        return self.entries[seq - 1 :]

    def verify(self) -> list[str]:
        """Return what is wrong with the chain, one sentence a fault; empty when nothing was changed.

        Found are changes, gaps, insertions, another order and another aggregate's entries; that the newest
        entries were cut off can only be seen by who received their events.
        """
        faults = []
        previous = GENESIS
        for position, entry in enumerate(self.entries, start=1):
            if entry.seq != position:
                faults.append(
                    f"entry {position} carries sequence {entry.seq}: one is missing or out of order"
                )
            if entry.id != f"{self.aggregate_id}.{entry.seq}":
                faults.append(f"entry {position} carries the id {entry.id}: it belongs to something else")
            if entry.prev != previous:
                faults.append(f"entry {position} does not follow the one before it: the chain is broken")
            if entry.hash != entry.digest():
                faults.append(f"entry {position} ({entry.type}) was changed after it was recorded")
            previous = entry.hash
        return faults

    def as_documents(self) -> list[dict[str, Any]]:
        """Return the shape kept in the database."""
        return [entry.as_document() for entry in self.entries]

    @staticmethod
    def from_documents(aggregate_id: str, documents: Iterable[Mapping[str, Any]]) -> History:
        """Rebuild a history from the shape kept in the database."""
        return History(aggregate_id, [Entry.from_document(document) for document in documents])


def timestamp(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC with milliseconds, the one form used in events and histories."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """Return the aware UTC datetime that ``timestamp`` wrote; raises ValueError on text without an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no offset from UTC"
        raise ValueError(message)
    return moment.astimezone(UTC)
