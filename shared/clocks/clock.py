"""Named deadlines on an aggregate: what they warn of, when they breach, how they are met; pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.clock import to_milliseconds
from shared.worktime import Calendar, Duration, due


class State(StrEnum):
    """Where a deadline stands; every one ends met, breached or superseded."""

    RUNNING = "running"
    #: Past its due instant and not yet met.
    BREACHED = "breached"
    MET = "met"
    #: Met after its due instant; it stays a breach in every figure.
    MET_LATE = "met_late"
    #: Replaced by a new deadline, or no longer asked for.
    SUPERSEDED = "superseded"


class Kind(StrEnum):
    """What a deadline does when its time comes."""

    WARNED = "warned"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Firing:
    """One warning or breach that has come due; ``percent`` is the warning point (100 for a breach)."""

    clock: str
    kind: Kind
    percent: int
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Deadline:
    """One named deadline. ``due_at`` is the first instant that is too late; instants are aware, in UTC.

    ``warnings`` are the points still to come, (percent of the span, instant), in order of time.
    """

    name: str
    started_at: datetime
    due_at: datetime
    provisional: bool
    calendar_version: str
    source: str
    warnings: tuple[tuple[int, datetime], ...] = field(default=())
    state: State = State.RUNNING
    ended_at: datetime | None = None

    @staticmethod
    def begin(
        name: str,
        duration: Duration,
        calendar: Calendar,
        started_at: datetime,
        *,
        source: str,
        warn_at: Sequence[int] = (),
    ) -> Deadline:
        """Start a deadline of ``duration`` at ``started_at``; ``warn_at`` are percents of its span."""
        result = due(calendar, started_at, duration)
        due_at = to_milliseconds(result.at.astimezone(UTC))
        start = to_milliseconds(started_at.astimezone(UTC))
        span = due_at - start
        warnings = tuple(
            (percent, to_milliseconds(start + span * percent / 100)) for percent in sorted(warn_at)
        )
        return Deadline(name, start, due_at, result.provisional, result.calendar_version, source, warnings)

    @property
    def open(self) -> bool:
        """Return whether the deadline still waits to be met."""
        return self.ended_at is None and self.state in {State.RUNNING, State.BREACHED}

    @property
    def was_breached(self) -> bool:
        """Return whether the due instant passed before the deadline was met."""
        return self.state in {State.BREACHED, State.MET_LATE}

    @property
    def next_at(self) -> datetime | None:
        """Return when the deadline next warns or breaches; None when nothing is to come."""
        if self.state is not State.RUNNING:
            return None
        return min(self.warnings[0][1], self.due_at) if self.warnings else self.due_at

    def fire(self, now: datetime) -> tuple[Deadline, tuple[Firing, ...]]:
        """Return the deadline after ``now`` and what fired until then.

        Past the due instant only the breach fires: warnings that were slept through are dropped.
        """
        if self.state is not State.RUNNING:
            return self, ()
        if now >= self.due_at:
            firing = Firing(self.name, Kind.BREACHED, 100, self.due_at, self.due_at)
            return replace(self, state=State.BREACHED, warnings=()), (firing,)
        passed = [point for point in self.warnings if point[1] <= now]
        if not passed:
            return self, ()
        percent, at = passed[-1]
        firing = Firing(self.name, Kind.WARNED, percent, at, self.due_at)
        return replace(self, warnings=self.warnings[len(passed) :]), (firing,)

    def meet(self, at: datetime) -> Deadline:
        """Return the deadline met at ``at``: late if ``due_at`` had come, whether or not the breach fired."""
        if not self.open:
            return self
        late = self.state is State.BREACHED or at >= self.due_at
        return replace(self, state=State.MET_LATE if late else State.MET, ended_at=at, warnings=())

    def supersede(self, at: datetime) -> Deadline:
        """Return the deadline replaced or no longer asked for; a breach that happened stays a breach."""
        if not self.open:
            return self
        if self.state is State.BREACHED:
            return replace(self, ended_at=at)
        return replace(self, state=State.SUPERSEDED, ended_at=at, warnings=())

    def as_document(self) -> dict[str, Any]:
        """Return the shape kept in the database."""
        return {
            "name": self.name,
            "started_at": self.started_at,
            "due_at": self.due_at,
            "provisional": self.provisional,
            "calendar_version": self.calendar_version,
            "source": self.source,
            "warnings": [[percent, at] for percent, at in self.warnings],
            "state": self.state.value,
            "ended_at": self.ended_at,
        }

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Deadline:
        """Rebuild a deadline from the shape kept in the database."""
        return Deadline(
            **{
                **document,
                "warnings": tuple((percent, at) for percent, at in document["warnings"]),
                "state": State(document["state"]),
            }
        )


def next_due(deadlines: Iterable[Deadline]) -> datetime | None:
    """Return when the first of ``deadlines`` next fires: the one indexed field the timer looks at."""
    instants = [deadline.next_at for deadline in deadlines]
    return min((instant for instant in instants if instant is not None), default=None)
