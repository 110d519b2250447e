"""The timer's round: load what is due, fire it, write it back, count; for any number of replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from shared import metrics
from shared.aggregate import Aggregate
from shared.clocks.clock import Firing, Kind
from shared.clocks.together import fire_deadlines
from shared.errors import Conflict, KefuError
from shared.logging import get_logger

__all__ = ["Change", "fire_deadlines", "fire_due"]

log = get_logger(__name__)

A = TypeVar("A", bound=Aggregate)

#: A round begins with a portion of one and doubles it up to this, so that a replica that comes second to the
#: same list notices at once, and one that is alone writes many together.
_LARGEST_PORTION = 64

#: An aggregate as changed, and the number of its first history entry that is new.
Change = tuple[A, int]


def fire_due(
    now: datetime,
    *,
    limit: int,
    load: Callable[[datetime, int], Sequence[A]],
    fire: Callable[[A, datetime], Sequence[Firing]],
    save: Callable[[Sequence[Change[A]]], None],
) -> bool:
    """Fire what is due at ``now``, the longest overdue first; return whether there may be more at once.

    ``load(now, limit)`` returns aggregates whose next instant has come, earliest first. ``fire`` changes one
    aggregate, records what follows and returns what fired; recording needs a cause of its own for every
    round (a new id), so that two replicas firing the same deadline never take each other's write for their
    own. ``save`` writes changes in order and raises Conflict at the first aggregate that somebody else
    changed meanwhile.

    What another replica changed first is left alone: if it is still due, the next round finds it. Where a
    whole portion was changed by another, that replica is working through the same list, and the rest is left
    to it. An aggregate that cannot be fired is logged and skipped, so that it does not stop the clocks of
    the others. Unavailable goes through; the same round again is safe.
    """
    loaded = load(now, limit)
    saved, start, size = 0, 0, 1
    while start < len(loaded):
        changes, firings = _fire(loaded[start : start + size], fire, now)
        written = _save(changes, save)
        for aggregate, _ in written:
            _count(firings[aggregate.id], now)
        if changes and not written:
            return False
        saved += len(written)
        start += size
        size = min(2 * size, _LARGEST_PORTION) if len(written) == len(changes) else 1
    return saved > 0 and len(loaded) == limit


def _fire(
    portion: Sequence[A], fire: Callable[[A, datetime], Sequence[Firing]], now: datetime
) -> tuple[list[Change[A]], dict[str, Sequence[Firing]]]:
    changes: list[Change[A]] = []
    firings: dict[str, Sequence[Firing]] = {}
    for aggregate in portion:
        since = aggregate.history.next_seq
        try:
            firings[aggregate.id] = fire(aggregate, now)
        except KefuError as error:
            if error.transient:
                raise
            log.exception("deadline cannot be fired", aggregate=aggregate.id)
            continue
        changes.append((aggregate, since))
    return changes, firings


def _save(changes: Sequence[Change[A]], save: Callable[[Sequence[Change[A]]], None]) -> Sequence[Change[A]]:
    if not changes:
        return ()
    try:
        save(changes)
    except Conflict:
        # Which were written before the conflict is not said. Writing those again is recognised as the same
        # write, so one by one tells exactly which are ours.
        return [change for change in changes if _saved_alone(change, save)]
    return changes


def _saved_alone(change: Change[A], save: Callable[[Sequence[Change[A]]], None]) -> bool:
    try:
        save([change])
    except Conflict:
        return False
    return True


def _count(firings: Sequence[Firing], now: datetime) -> None:
    for firing in firings:
        kind = firing.kind.value if firing.kind is Kind.BREACHED else f"{firing.kind.value}_{firing.percent}"
        metrics.CLOCKS_FIRED.labels(clock=firing.clock, kind=kind).inc()
        metrics.CLOCK_LATENESS_SECONDS.observe(max(0.0, (now - firing.at).total_seconds()))
