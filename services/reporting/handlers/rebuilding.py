"""Use case: count the whole archive again beside the counts in force, and then put the new ones in their place.

The new generation is counted in collections of its own while the old one goes on: nothing stops, and every figure
stays what it is until the new ones are whole. What arrives meanwhile is counted into the old, and into the new by
going once more through what was archived since; and a last time after every process has learned which one holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from services.reporting.domain.case import FOLDED, CaseFact, fold, is_folded
from services.reporting.domain.event import ArchivedEvent
from services.reporting.handlers.counting import Absorb, Source
from services.reporting.settings import EVENTS_AT_ONCE
from shared.clock import Clock
from shared.errors import Conflict
from shared.handling import Calling
from shared.history import timestamp

#: For how long one process has a rebuild to itself; it asks for more with every part.
_LEASE = timedelta(minutes=2)
#: After the change every process has long learned of it, and what it had begun is done.
_SETTLES = timedelta(minutes=1)
#: Clocks of several machines differ, and what is archived is counted a moment later.
_SLACK = timedelta(minutes=2)
_ATTEMPTS = 5


class Stage(StrEnum):
    """Where a rebuild stands."""

    COUNTING = "counting"
    CATCHING_UP = "catching_up"
    SETTLING = "settling"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """One rebuild: the generation it makes, how many of the archive's ``whole`` events are ``done``.

    ``after`` is the key of the last event dealt with in this pass, ``since`` the instant it goes back to. ``turn``
    counts what was written of it, and ``owner`` may go on with it until ``until``.
    """

    key: str
    generation: int
    before: int
    stage: Stage
    started_at: datetime
    whole: int
    done: int = 0
    after: str = ""
    since: datetime | None = None
    passed_at: datetime | None = None
    switched_at: datetime | None = None
    ended_at: datetime | None = None
    owner: str | None = None
    until: datetime | None = None
    turn: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "state": self.stage.value,
            "events": self.whole,
            "done": min(self.done, self.whole),
            "started_at": timestamp(self.started_at),
            "ended_at": timestamp(self.ended_at) if self.ended_at else None,
        }


class Archived(Protocol):
    """What a rebuild needs of the archive."""

    def count(self) -> int:
        """Return how many events there are."""
        ...

    def part(self, after: str, limit: int, since: datetime | None = None) -> Sequence[ArchivedEvent]:
        """Return the first events behind the key ``after``, of those archived from ``since`` on."""
        ...

    def events_about(self, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        """Return the archived events of ``types`` about ``ids``, in any order."""
        ...


class Generations(Protocol):
    """Where generations and the rebuild are kept."""

    def of(self, generation: int) -> Source:
        """Return the counts of a generation."""
        ...

    def put_in_force(self, generation: int) -> None:
        """Let it be in force."""
        ...

    def drop(self, generation: int) -> None:
        """Throw it away."""
        ...

    def rebuilding(self) -> Rebuilding | None:
        """Return the last rebuild."""
        ...

    def begin(self, fresh: Rebuilding, before: Rebuilding | None) -> bool:
        """Note that a rebuild begins in place of ``before``; False when somebody else began one."""
        ...

    def save(self, moved: Rebuilding) -> Rebuilding | None:
        """Write how far it has come; None when somebody else wrote since."""
        ...


#: Counts events and the cases they tell of into a generation.
CountInto = Callable[[Source, Sequence[ArchivedEvent], Sequence[CaseFact]], None]


class Rebuild:
    """Begins a rebuild when somebody asks for it, and goes on with it whenever the timer comes round."""

    def __init__(
        self, archive: Archived, generations: Generations, count: CountInto, clock: Clock, owner: str
    ) -> None:
        """Read from ``archive``; ``owner`` is this process, apart from every other."""
        self._archive, self._generations, self._count = archive, generations, count
        self._clock, self._owner = clock, owner

    def begin(self, call: Calling) -> dict[str, Any]:
        """Begin a rebuild and return how it stands; one that is under way goes on and is returned."""
        for _ in range(_ATTEMPTS):
            last = self._generations.rebuilding()
            if last is not None and (last.stage is not Stage.DONE or last.key == call.key):
                return last.as_data()
            generation = last.generation if last else 0
            fresh = Rebuilding(
                key=call.key,
                generation=generation + 1,
                before=generation,
                stage=Stage.COUNTING,
                started_at=self._clock.now(),
                whole=self._archive.count(),
                turn=last.turn + 1 if last else 0,
            )
            if self._generations.begin(fresh, last):
                return fresh.as_data()
        raise Conflict("others begin rebuilds at the same time: ask how theirs stands")

    def standing(self) -> dict[str, Any] | None:
        """Return how the last rebuild stands; None when there never was one."""
        last = self._generations.rebuilding()
        return None if last is None else last.as_data()

    def __call__(self) -> bool:
        """Deal with the next part; return whether there is more at once. Safe to break off anywhere."""
        now = self._clock.now()
        last = self._generations.rebuilding()
        if last is None or last.stage is Stage.DONE or self._others(last, now):
            return False
        if last.stage is Stage.SETTLING and last.switched_at and now < last.switched_at + _SETTLES:
            return False
        mine = self._generations.save(replace(last, owner=self._owner, until=now + _LEASE))
        if mine is None:
            return False
        counts = self._generations.of(mine.generation)
        part = self._archive.part(mine.after, EVENTS_AT_ONCE, mine.since)
        if part:
            self._count(counts, part, self._cases(part))
            Absorb(counts)()
            moved = replace(mine, after=part[-1].key, done=mine.done + len(part))
        else:
            moved = self._next(mine, now)
        return self._generations.save(moved) is not None and moved.stage is not Stage.DONE

    def _others(self, last: Rebuilding, now: datetime) -> bool:
        return last.owner not in (None, self._owner) and last.until is not None and now < last.until

    def _next(self, mine: Rebuilding, now: datetime) -> Rebuilding:
        """Return what follows when a pass has come to its end."""
        if mine.stage is Stage.COUNTING:
            since = mine.started_at - _SLACK
            return replace(mine, stage=Stage.CATCHING_UP, after="", since=since, passed_at=now)
        if mine.stage is Stage.CATCHING_UP:
            self._generations.put_in_force(mine.generation)
            since = (mine.passed_at or mine.started_at) - _SLACK
            return replace(mine, stage=Stage.SETTLING, after="", since=since, switched_at=now)
        self._generations.drop(mine.before)
        return replace(mine, stage=Stage.DONE, ended_at=now, owner=None, until=None)

    def _cases(self, part: Sequence[ArchivedEvent]) -> list[CaseFact]:
        touched = sorted({event.about for event in part if is_folded(event)})
        found: dict[tuple[str, str], list[ArchivedEvent]] = {}
        for event in self._archive.events_about(touched, FOLDED) if touched else ():
            found.setdefault((event.about, event.org), []).append(event)
        return [fold(case_id, org, events) for (case_id, org), events in found.items()]
