"""Use case: follow cases; schedule their callbacks, request messages, cancel what is void."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.followup.domain.callback import Callback
from services.followup.domain.facts import CaseOpened, CaseReplied, ContactAttempted, Ending, ended_by
from services.followup.domain.message import Message
from services.followup.handlers.reading import Fact, Unreadable, read
from services.followup.handlers.scheduling import SYSTEM, Scheduler
from services.followup.metrics import CALLBACKS_SCHEDULED, CALLBACKS_SUPERSEDED, MESSAGES_REQUESTED
from shared.clock import Clock
from shared.errors import Conflict, KefuError
from shared.handling import Incoming
from shared.history import Cause
from shared.ids import IdSource
from shared.messaging.envelope import CloudEvent

_ATTEMPTS = 5


class Followups(Protocol):
    """What the use case needs of the repository."""

    def schedule(self, callbacks: Sequence[Callback]) -> Any:
        """Write callbacks; return which were new and which known."""
        ...

    def request(self, messages: Sequence[Message]) -> Any:
        """Write messages; return which were new and which known."""
        ...

    def end(self, endings: Sequence[Ending]) -> None:
        """Remember endings; repeating it is harmless."""
        ...

    def endings(self, case_ids: Sequence[str]) -> list[Ending]:
        """Return what was remembered of the cases."""
        ...

    def open_callbacks(self, case_ids: Sequence[str]) -> list[Callback]:
        """Return the callbacks of the cases that are still to be made."""
        ...

    def save(self, changes: Sequence[tuple[Callback, int]]) -> Collection[str]:
        """Write changed callbacks; return the ids of those that somebody else changed meanwhile."""
        ...


@dataclass(slots=True)
class _Batch:
    """What a batch asks for; each thing once, with the delivery that asked first."""

    callbacks: dict[str, Callback] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    endings: set[Ending] = field(default_factory=set)
    #: Deliveries by the ids of what they ask for; a delivery is a repeat when all of it was known.
    wanted: list[tuple[Incoming, frozenset[str]]] = field(default_factory=list)


class FollowCases:
    """Takes whole batches: a handful of database calls for all of them, whatever their number.

    Any order and any repetition of the events of a case ends in the same state: callbacks and messages have
    ids that follow from their cause, and endings only ever grow. A callback is written before the endings
    are read, and an ending before the callbacks are read, so whichever of two replicas comes second sees
    what the other wrote.
    """

    def __init__(self, repository: Followups, scheduler: Scheduler, clock: Clock, ids: IdSource) -> None:
        """Use the repository for what is kept and the scheduler for what is to be made."""
        self._repository = repository
        self._scheduler = scheduler
        self._clock = clock
        self._ids = ids

    def __call__(self, deliveries: Sequence[Incoming]) -> None:
        """Act on each delivery, or give it up; repeats of an event change nothing.

        Raises Unavailable if the database is away, Conflict if others kept changing the same callbacks;
        doing the same batch again is safe.
        """
        batch = _Batch()
        for delivery in deliveries:
            try:
                self._add(batch, delivery)
            except (Unreadable, KefuError) as error:
                delivery.dead(str(error))
        known = self._write(batch)
        self._cancel(batch)
        seen: set[str] = set()
        for delivery, ids in batch.wanted:
            if ids <= known | seen:
                delivery.duplicate()
            seen |= ids

    def _add(self, batch: _Batch, delivery: Incoming) -> None:
        reading = read(delivery.body, delivery.content_type)
        event, fact = reading.event, reading.fact
        if fact is None:
            return
        asked = self._ask(batch, event, fact)
        if asked:
            batch.wanted.append((delivery, frozenset(asked)))
        if not isinstance(fact, CaseOpened | ContactAttempted):
            ending = ended_by(event.org, fact)
            if ending.through:
                batch.endings.add(ending)

    def _ask(self, batch: _Batch, event: CloudEvent, fact: Fact) -> list[str]:
        if isinstance(fact, CaseReplied):
            callbacks = self._scheduler.callbacks(event, fact)
            for callback in callbacks:
                batch.callbacks.setdefault(callback.id, callback)
            return [callback.id for callback in callbacks]
        message = None
        if isinstance(fact, CaseOpened):
            message = self._scheduler.receipt(event, fact)
        elif isinstance(fact, ContactAttempted):
            message = self._scheduler.message(event, fact)
        if message is None:
            return []
        batch.messages.setdefault(message.id, message)
        return [message.id]

    def _write(self, batch: _Batch) -> set[str]:
        """Write callbacks, messages and endings; return the ids that were there before."""
        known: set[str] = set()
        if batch.callbacks:
            known |= set(self._repository.schedule([*batch.callbacks.values()]).known)
        if batch.messages:
            known |= set(self._repository.request([*batch.messages.values()]).known)
        if batch.endings:
            self._repository.end(sorted(batch.endings, key=lambda ending: (ending.case_id, ending.through)))
        for callback in batch.callbacks.values():
            if callback.id not in known:
                CALLBACKS_SCHEDULED.labels(rule=callback.rule).inc()
        for message in batch.messages.values():
            if message.id not in known:
                MESSAGES_REQUESTED.labels(template=message.template).inc()
        return known

    def _cancel(self, batch: _Batch) -> None:
        """Supersede what is void of the cases the batch touched."""
        cases = {callback.case_id for callback in batch.callbacks.values() if callback.case_id}
        remembered = self._repository.endings(sorted(cases)) if cases else []
        through = _latest([*batch.endings, *remembered])
        for _ in range(_ATTEMPTS):
            if not through:
                return
            void = [
                callback
                for callback in self._repository.open_callbacks(sorted({case_id for _, case_id in through}))
                if callback.round <= through.get((callback.org, callback.case_id or ""), 0)
            ]
            if not void:
                return
            try:
                self._supersede(void)
            except Conflict:
                continue
            return
        raise Conflict("the callbacks of these cases keep changing: try again")

    def _supersede(self, callbacks: Sequence[Callback]) -> None:
        now, cause = self._clock.now(), Cause(self._ids.new("end"), SYSTEM)
        changes = []
        for callback in callbacks:
            since = callback.history.next_seq
            callback.supersede(now, cause)
            changes.append((callback, since))
        lost = self._repository.save(changes)
        CALLBACKS_SUPERSEDED.inc(len(changes) - len(lost))
        if lost:
            message = "a callback was changed by somebody else at the same moment"
            raise Conflict(message)


def _latest(endings: Iterable[Ending]) -> dict[tuple[str, str], int]:
    through: dict[tuple[str, str], int] = {}
    for ending in endings:
        key = (ending.org, ending.case_id)
        through[key] = max(through.get(key, 0), ending.through)
    return through
