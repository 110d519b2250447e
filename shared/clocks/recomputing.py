"""Computing open clocks again where their organisation's calendar has a newer version, for any kind of aggregate.

A process knows one version of each calendar for as long as it lives, so what is behind was written by others:
by those before it, which it finds when it starts, and by those it takes over from, which may go on for a
while. It therefore looks once a minute for an hour, and then no more. For that reason too a process that has
been running for long never takes clocks back to a version that a newer one has just replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from shared.clock import Clock
from shared.clocks.clock import Deadline
from shared.clocks.digest import DIGEST_ABOVE
from shared.errors import KefuError, NotFound
from shared.history import Cause, History
from shared.ids import IdSource
from shared.logging import get_logger
from shared.metrics import CLOCKS_RECOMPUTED
from shared.worktime import WorktimeError

log = get_logger(__name__)

#: For how long after its start a process looks for clocks that are behind, and how often.
WATCH = timedelta(hours=1)
EVERY = timedelta(minutes=1)
#: Cases one round takes at most; the next round follows at once.
AT_ONCE = 200
#: What an aggregate records of a clock that was computed again.
RECOMPUTED = frozenset({"clock_recomputed", "action_recomputed"})


#: What an aggregate needs to compute its clocks again: at least its organisation's calendar.
T_contra = TypeVar("T_contra", contravariant=True)


class Clocked(Protocol[T_contra]):
    """An aggregate with clocks."""

    id: str
    org: str
    regulation: str
    deadlines: list[Deadline]
    history: History

    @property
    def open_calendars(self) -> list[str]:
        """With which calendars its open clocks were computed."""
        ...

    def recompute_clocks(self, timing: T_contra, /, at: datetime, cause: Cause) -> bool:
        """Compute what is behind again; whether there was any."""
        ...


A = TypeVar("A", bound=Clocked[Any])


class Timings(Protocol):
    """Finds what an aggregate needs to compute its clocks again."""

    def timing(self, org: str, version: str) -> Any:
        """Return it for ``org`` under the rulebook's ``version``; NotFound when either is gone."""
        ...


class Behind(Protocol[A]):
    """Where such aggregates are kept."""

    def behind(self, current: Collection[str], limit: int, *, skip: Collection[str] = ()) -> list[A]:
        """Return those with an open clock of a calendar not in ``current``."""
        ...

    def save_all(self, changes: Sequence[tuple[A, int]]) -> tuple[str, ...]:
        """Write several and return the ids of those that somebody else changed meanwhile."""
        ...


class RecomputeClocks(Generic[A]):
    """One call is one round; any number of replicas may run it at the same time."""

    def __init__(
        self,
        repository: Behind[A],
        rules: Timings,
        clock: Clock,
        ids: IdSource,
        *,
        current: Collection[str],
        digest_above: int = DIGEST_ABOVE,
    ) -> None:
        """``current`` are the calendars in use, each as ``<organisation>/<version>``."""
        self._repository = repository
        self._rules = rules
        self._clock = clock
        self._ids = ids
        self._current = set(current)
        self._skipped: set[str] = set()
        self._digest_above = digest_above
        self._next_look = clock.now()
        self._last_look = self._next_look + WATCH

    def __call__(self) -> bool:
        """Compute again what is behind; return whether there may be more at once.

        What somebody else changed meanwhile is left alone: if it is still behind, the next round finds it. A
        case that cannot be computed again is logged and left as it is. Unavailable goes through; the same
        round again is safe.
        """
        now = self._clock.now()
        if now < self._next_look or self._next_look > self._last_look:
            return False
        cases = self._repository.behind(self._current, AT_ONCE, skip=self._skipped)
        changes = self._recompute(cases)
        lost = self._repository.save_all(changes) if changes else ()
        done = [(case, since) for case, since in changes if case.id not in lost]
        CLOCKS_RECOMPUTED.inc(sum(_recomputed(case, since) for case, since in done))
        more = bool(done) and len(cases) == AT_ONCE
        if not more:
            self._next_look = now + EVERY
        return more

    def _recompute(self, cases: Sequence[A]) -> list[tuple[A, int]]:
        causes = self._causes(cases)
        changes = []
        for case in cases:
            since = case.history.next_seq
            try:
                timing = self._rules.timing(case.org, case.regulation)
                changed = case.recompute_clocks(timing, self._clock.now(), causes[case.org])
            except NotFound:
                log.warning("clocks not computed again: organisation or rulebook is gone", org=case.org)
                self._current |= set(case.open_calendars)
            except (KefuError, WorktimeError) as error:
                log.error("clocks cannot be computed again", aggregate=case.id, reason=error.message)  # noqa: TRY400 - no defect of ours
                self._skipped.add(case.id)
            else:
                if changed:
                    changes.append((case, since))
        return changes

    def _causes(self, cases: Sequence[A]) -> dict[str, Cause]:
        """Return under which cause each organisation's clocks are computed: digested where they are too many."""
        counts: Counter[str] = Counter()
        for case in cases:
            counts[case.org] += sum(deadline.open for deadline in case.deadlines)
        cause = Cause(self._ids.new("tick"), "system")
        digested = replace(cause, digested=True)
        return {org: digested if count > self._digest_above else cause for org, count in counts.items()}


def _recomputed(case: Clocked[Any], since: int) -> int:
    return sum(entry.type in RECOMPUTED for entry in case.history.since(since))
