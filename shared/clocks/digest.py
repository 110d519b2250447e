"""Digests: the firings of one round go out together where they would be a storm one by one; pure, no I/O.

A digest is a way of publishing, nothing that is kept. What happened is recorded in each aggregate's own
history, as always, only marked ``digested``; whoever publishes entries packs those so marked. Every event in
a digest carries the id, subject, sequence and data it would have had by itself, so a consumer takes a digest
as those events, and knows one it has had before, in another digest or alone, by its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.clocks.clock import Deadline
from shared.errors import Problem, ValidationFailed
from shared.history import GENESIS, Entry
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent, parse
from shared.outbox import Unsent

#: The type of the event that carries others.
DIGEST = "clocks_digested"
#: Events one digest carries at most; what is more goes into further ones.
LARGEST = 500
#: So many firings of one organisation in one round still go out one by one.
DIGEST_ABOVE = 100
#: What an event in a digest says for itself; the rest it has from the digest.
_OWN = ("id", "type", "subject", "time", "sequence", "data")


def due_count(deadlines: Iterable[Deadline], now: datetime) -> int:
    """Return how many of ``deadlines`` fire at ``now``."""
    instants = (deadline.next_at for deadline in deadlines)
    return sum(instant is not None and instant <= now for instant in instants)


def pack(entries: Sequence[Unsent]) -> list[Unsent]:
    """Return what to publish for ``entries``: most as they are, those digested together with their like.

    Together goes what one round recorded for one organisation. The same entries give the same digests with
    the same ids, in whatever order they come; one that would carry a single event is that event itself.
    """
    groups: dict[tuple[str, str], list[Unsent]] = {}
    for unsent in entries:
        if unsent.entry.digested:
            groups.setdefault((unsent.org, unsent.entry.cause), []).append(unsent)
    alone = [unsent for unsent in entries if not unsent.entry.digested]
    digests = [packed for group in groups.values() for packed in _packed(group)]
    first = _first_digested(entries)
    before = [
        unsent for unsent in alone if unsent.entry.seq < first.get(unsent.subject, unsent.entry.seq + 1)
    ]
    after = [
        unsent for unsent in alone if unsent.entry.seq >= first.get(unsent.subject, unsent.entry.seq + 1)
    ]
    return [*before, *digests, *after]


def _first_digested(entries: Sequence[Unsent]) -> dict[str, int]:
    """Return the number of each subject's first digested entry: what it recorded later goes out after the digest."""
    first: dict[str, int] = {}
    for unsent in entries:
        if unsent.entry.digested:
            first[unsent.subject] = min(unsent.entry.seq, first.get(unsent.subject, unsent.entry.seq))
    return first


def _packed(group: Sequence[Unsent]) -> Iterator[Unsent]:
    ordered = sorted({unsent.entry.id: unsent for unsent in group}.items())
    for start in range(0, len(ordered), LARGEST):
        part = [unsent for _, unsent in ordered[start : start + LARGEST]]
        yield part[0] if len(part) == 1 else _digest(part)


def _digest(part: Sequence[Unsent]) -> Unsent:
    first = part[0]
    digest_id = derived_id("dg", first.org, *(unsent.entry.id for unsent in part))
    data = {
        "digest_id": digest_id,
        "round": first.entry.cause,
        "events": [
            {
                "id": unsent.entry.id,
                "type": unsent.entry.type,
                "subject": unsent.subject,
                "time": unsent.entry.time,
                "sequence": str(unsent.entry.seq),
                "data": dict(unsent.entry.data),
            }
            for unsent in part
        ],
    }
    # An entry only in form: it belongs to no history, and nothing follows it.
    entry = Entry(
        seq=1,
        id=f"{digest_id}.1",
        type=DIGEST,
        time=max(unsent.entry.time for unsent in part),
        actor=first.entry.actor,
        cause=first.entry.cause,
        data=data,
        trace=None,
        prev=GENESIS,
        hash="",
    )
    return Unsent(first.org, digest_id, entry)


def unpack(event: CloudEvent) -> list[CloudEvent]:
    """Return the events a digest carries, each as if it had come by itself; any other event is its own.

    Raises ValidationFailed where the digest, or an event in it, is not as ``pack`` makes them.
    """
    if event.type != DIGEST:
        return [event]
    rows = event.data.get("events")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problem = Problem("data.events", "must be a list of events")
        message = f"the digest is wrong: {problem.field} {problem.reason}"
        raise ValidationFailed(message, problems=(problem,))
    common = {"specversion": "1.0", "source": event.source, "org": event.org}
    return [_unpacked(row, number, common) for number, row in enumerate(rows)]


def _unpacked(row: Mapping[str, Any], number: int, common: Mapping[str, Any]) -> CloudEvent:
    try:
        return parse({**{name: row.get(name) for name in _OWN}, **common})
    except ValidationFailed as error:
        place = f"data.events.{number}"
        problems = tuple(Problem(f"{place}.{wrong.field}", wrong.reason) for wrong in error.problems)
        message = f"the digest is wrong: {place}: {error.message}"
        raise ValidationFailed(message, problems=problems) from error
