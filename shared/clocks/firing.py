"""The timer's round: load what is due, fire it, write it back, count; for any number of replicas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from shared import metrics
from shared.aggregate import Aggregate
from shared.clocks.clock import Firing
from shared.clocks.digest import DIGEST_ABOVE
from shared.clocks.together import fire_deadlines
from shared.errors import KefuError
from shared.history import Cause
from shared.logging import get_logger

__all__ = ["AT_ONCE", "Change", "Clocks", "fire_deadlines", "fire_due"]

log = get_logger(__name__)

A = TypeVar("A", bound=Aggregate)

#: Aggregates one round takes at most; the next round follows at once.
AT_ONCE = 500
#: A longer list is begun with one aggregate alone, to see whether another replica is working on it.
_WITHOUT_PROBE = 16

#: An aggregate as changed, and the number of its first history entry that is new.
Change = tuple[A, int]


@dataclass(frozen=True)
class Clocks(Generic[A]):
    """What the timer needs of one kind of aggregate.

    ``load(now, limit)`` returns aggregates whose next instant has come, earliest first. ``count`` says how
    many deadlines of one fire at an instant. ``fire`` changes an aggregate, records what follows under the
    cause and returns what fired. ``save`` writes changes all at once, those first that are first in the list,
    and returns the ids of those that somebody else changed meanwhile and that it therefore left alone.
    """

    load: Callable[[datetime, int], Sequence[A]]
    count: Callable[[A, datetime], int]
    fire: Callable[[A, datetime, Cause], Sequence[Firing]]
    save: Callable[[Sequence[Change[A]]], Collection[str]]


def fire_due(
    clocks: Clocks[A],
    now: datetime,
    cause: Cause,
    *,
    at_once: int = AT_ONCE,
    digest_above: int = DIGEST_ABOVE,
) -> bool:
    """Fire what is due at ``now``, the longest overdue first; return whether there may be more at once.

    ``cause`` needs an id of its own for every round, so that two replicas firing the same deadline never
    take each other's write for their own. Where more than ``digest_above`` deadlines of one organisation
    fire in the round they are published in digests.

    What another replica changed first is left alone: if it is still due, the next round finds it. A long list
    whose first aggregate was taken by another is left to that replica. An aggregate that cannot be fired is
    logged and skipped, so that it does not stop the clocks of the others. Unavailable goes through; the same
    round again is safe.
    """
    loaded = clocks.load(now, at_once)
    causes = _causes(clocks, loaded, now, cause, digest_above)
    begin = 1 if len(loaded) > _WITHOUT_PROBE else len(loaded)
    saved = 0
    for portion in (loaded[:begin], loaded[begin:]):
        changes, firings = _fire(portion, clocks, now, causes)
        lost = clocks.save(changes) if changes else ()
        written = [aggregate for aggregate, _ in changes if aggregate.id not in lost]
        for aggregate in written:
            _count(firings[aggregate.id], now)
        if changes and not written:
            return False
        saved += len(written)
    return saved > 0 and len(loaded) == at_once


def _causes(
    clocks: Clocks[A], loaded: Sequence[A], now: datetime, cause: Cause, digest_above: int
) -> dict[str, Cause]:
    """Return under which cause each organisation's deadlines fire: digested where they are too many."""
    counts: Counter[str] = Counter()
    for aggregate in loaded:
        counts[aggregate.org] += clocks.count(aggregate, now)
    digested = replace(cause, digested=True)
    return {org: digested if count > digest_above else cause for org, count in counts.items()}


def _fire(
    portion: Sequence[A], clocks: Clocks[A], now: datetime, causes: dict[str, Cause]
) -> tuple[list[Change[A]], dict[str, Sequence[Firing]]]:
    changes: list[Change[A]] = []
    firings: dict[str, Sequence[Firing]] = {}
    for aggregate in portion:
        since = aggregate.history.next_seq
        try:
            firings[aggregate.id] = clocks.fire(aggregate, now, causes[aggregate.org])
        except KefuError as error:
            if error.transient:
                raise
            log.exception("deadline cannot be fired", aggregate=aggregate.id)
            continue
        changes.append((aggregate, since))
    return changes, firings


def _count(firings: Sequence[Firing], now: datetime) -> None:
    for firing in firings:
        metrics.CLOCKS_FIRED.labels(clock=firing.clock, kind=firing.label).inc()
        metrics.CLOCK_LATENESS_SECONDS.observe(max(0.0, (now - firing.at).total_seconds()))
