"""Named deadlines on an aggregate: what they warn of, when they breach, how they are met; pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.clock import to_milliseconds
from shared.clocks.ledger import Authority, Decision, Extension, Pause, duration_document, intervals
from shared.clocks.points import (
    Before,
    Planned,
    WarnPoint,
    check_point,
    plan,
    point_document,
    point_of,
    point_text,
)
from shared.clocks.reckoning import reckon
from shared.errors import RuleRefused
from shared.worktime import Calendar, Duration


class State(StrEnum):
    """Where a deadline stands; every one ends met, breached or superseded."""

    RUNNING = "running"
    #: Standing still: it neither warns nor breaches until it is resumed.
    PAUSED = "paused"
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
    """One warning or breach that has come due.

    Of a warning either ``percent`` or ``before`` says which point it is; a breach has ``percent`` 100.
    """

    clock: str
    kind: Kind
    percent: int | None
    at: datetime
    due_at: datetime
    before: Before | None = None

    @property
    def label(self) -> str:
        """Return what fired in a word: ``breached``, ``warned_90``, ``warned_2_working_hours``."""
        if self.kind is Kind.BREACHED:
            return self.kind.value
        return f"{self.kind.value}_{point_text(self.before or self.percent or 0)}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """One named deadline. ``due_at`` is the first instant that is too late; instants are aware, in UTC.

    It is what ``duration`` from ``started_at`` gives in the calendar of ``calendar_version``, pauses left out.
    ``original_due_at`` is what it would be had it never been extended: pauses and new calendars move it too.
    While it is paused, both stand as they were when the pause began.

    ``warn_at`` are all its warning points; ``warnings`` those still to come, with their instants, in order of
    time; ``passed`` those that have come. A point that is neither lies outside the span.
    """

    name: str
    started_at: datetime
    due_at: datetime
    provisional: bool
    calendar_version: str
    source: str
    duration: Duration
    calendar: str
    original_due_at: datetime
    warn_at: tuple[WarnPoint, ...] = ()
    warnings: tuple[Planned, ...] = ()
    passed: tuple[WarnPoint, ...] = ()
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extension, ...] = ()
    #: The duration before the first extension; None while there was none.
    original: Duration | None = None
    state: State = field(default=State.RUNNING)
    ended_at: datetime | None = None

    @staticmethod
    def begin(
        name: str,
        duration: Duration,
        calendar: Calendar,
        started_at: datetime,
        *,
        source: str,
        warn_at: Sequence[WarnPoint] = (),
    ) -> Deadline:
        """Start a deadline of ``duration`` at ``started_at``; ``warn_at`` are percents of its span or times before.

        Raises WorktimeError as ``shared.worktime.due`` does, and ``bad_percent``.
        """
        for point in warn_at:
            check_point(point)
        start = to_milliseconds(started_at.astimezone(UTC))
        unreckoned = Deadline(
            name, start, start, False, "", source, duration, "", start, warn_at=tuple(warn_at)
        )
        return _reckoned(unreckoned, calendar)

    @property
    def open(self) -> bool:
        """Return whether the deadline still waits to be met."""
        return self.ended_at is None

    @property
    def was_breached(self) -> bool:
        """Return whether the due instant passed before the deadline was met."""
        return self.state in {State.BREACHED, State.MET_LATE}

    @property
    def was_late_by_original(self) -> bool:
        """Return whether it was met late, or breached, by ``original_due_at``; False as long as it runs."""
        if self.state is State.MET and self.ended_at is not None:
            return self.ended_at >= self.original_due_at
        return self.was_breached

    @property
    def next_at(self) -> datetime | None:
        """Return when the deadline next warns or breaches; None when nothing is to come."""
        if self.state is not State.RUNNING:
            return None
        return min(self.warnings[0][1], self.due_at) if self.warnings else self.due_at

    @property
    def requested(self) -> Extension | None:
        """Return the request for more time that nobody has decided yet, if any."""
        last = self.extensions[-1] if self.extensions else None
        return last if last is not None and last.decision is Decision.PENDING else None

    @property
    def granted(self) -> int:
        """Return how often it was extended."""
        return sum(extension.decision is Decision.GRANTED for extension in self.extensions)

    def fire(self, now: datetime) -> tuple[Deadline, tuple[Firing, ...]]:
        """Return the deadline after ``now`` and what fired until then.

        Past the due instant only the breach fires: warnings that were slept through are dropped.
        """
        if self.state is not State.RUNNING:
            return self, ()
        if now >= self.due_at:
            firing = Firing(self.name, Kind.BREACHED, 100, self.due_at, self.due_at)
            behind = (*self.passed, *(point for point, _ in self.warnings))
            return replace(self._ending(State.BREACHED, None), passed=behind), (firing,)
        passed = [point for point, at in self.warnings if at <= now]
        if not passed:
            return self, ()
        point, at = self.warnings[len(passed) - 1]
        percent, before = (None, point) if isinstance(point, Before) else (point, None)
        firing = Firing(self.name, Kind.WARNED, percent, at, self.due_at, before)
        rest = self.warnings[len(passed) :]
        return replace(self, warnings=rest, passed=(*self.passed, *passed)), (firing,)

    def meet(self, at: datetime) -> Deadline:
        """Return the deadline met at ``at``: late if ``due_at`` had come, whether or not the breach fired.

        A paused one is met in time. To know when it would have been due, resume it first.
        """
        if not self.open:
            return self
        late = self.state is State.BREACHED or (self.state is State.RUNNING and at >= self.due_at)
        return self._ending(State.MET_LATE if late else State.MET, at)

    def supersede(self, at: datetime) -> Deadline:
        """Return the deadline replaced or no longer asked for; a breach that happened stays a breach."""
        if not self.open:
            return self
        return self._ending(State.BREACHED if self.state is State.BREACHED else State.SUPERSEDED, at)

    def pause(self, at: datetime, authority: Authority) -> Deadline:
        """Return the deadline standing still from ``at``; what is due until then must have fired before.

        Raises RuleRefused unless it runs at ``at``, and if ``at`` lies before its start or its last pause's end.
        """
        if self.state is not State.RUNNING or at >= self.due_at:
            raise self._refused(f"is {self._word(at)} and cannot be paused")
        ended = self.pauses[-1].end if self.pauses else None
        if at < max(self.started_at, ended or self.started_at):
            raise self._refused("cannot be paused before it began, or began again")
        return replace(self, state=State.PAUSED, pauses=(*self.pauses, Pause(at, None, authority)))

    def resume(self, at: datetime, calendar: Calendar, *, by: str) -> Deadline:
        """Return the deadline running again from ``at``, due so much later as the pause held time that counts.

        Raises RuleRefused unless it is paused, and if ``at`` lies before the pause.
        """
        if self.state is not State.PAUSED:
            raise self._refused(f"is {self._word(at)}: it cannot be resumed")
        if at < self.pauses[-1].start:
            raise self._refused("cannot be resumed before it was paused")
        pauses = (*self.pauses[:-1], replace(self.pauses[-1], end=at, resumed_by=by))
        return _reckoned(replace(self, state=State.RUNNING, pauses=pauses), calendar)

    def request_extension(self, amount: int, at: datetime, authority: Authority) -> Deadline:
        """Return the deadline with a request to take ``amount`` of its unit in all; nothing else changes yet.

        Raises RuleRefused unless it runs or is paused at ``at``, for an amount that is not larger than the
        present one, and while another request waits.
        """
        self._check_extensible(at)
        if self.requested is not None:
            raise self._refused("has a request for more time already, which waits for a decision")
        if amount <= self.duration.amount:
            raise self._refused(f"has {self.duration.amount} {self.duration.unit} already: ask for more")
        request = Extension(amount, at, authority, self.due_at)
        return replace(self, extensions=(*self.extensions, request))

    def grant_extension(self, at: datetime, calendar: Calendar, *, by: str, role: str) -> Deadline:
        """Return the deadline extended as requested; it warns again at the points of its new span still ahead.

        Raises RuleRefused unless a request waits and the deadline runs or is paused at ``at``.
        """
        request = self._pending()
        self._check_extensible(at)
        longer = _reckoned(
            replace(
                self,
                duration=replace(self.duration, amount=request.amount),
                original=self.original or self.duration,
                passed=(),
            ),
            calendar,
        )
        decided = replace(
            request,
            decision=Decision.GRANTED,
            decided_at=at,
            decided_by=by,
            decided_role=role,
            due_after=longer.due_at,
        )
        behind = tuple(point for point, instant in longer.warnings if instant <= at)
        return replace(
            longer,
            extensions=(*self.extensions[:-1], decided),
            warnings=longer.warnings[len(behind) :],
            passed=behind,
        )

    def refuse_extension(self, at: datetime, *, by: str, role: str) -> Deadline:
        """Return the deadline with its request refused; raises RuleRefused unless one waits."""
        refused = replace(
            self._pending(), decision=Decision.REFUSED, decided_at=at, decided_by=by, decided_role=role
        )
        return replace(self, extensions=(*self.extensions[:-1], refused))

    def recompute(self, calendar: Calendar) -> Deadline:
        """Return the deadline as ``calendar`` has it; what has ended stays, and so does what has fired.

        A breach stays a breach even where the due instant now lies ahead: it was announced and acted on.
        """
        if not self.open or calendar.version == self.calendar_version:
            return self
        return _reckoned(self, calendar)

    def after(self, before: Deadline, calendar: Calendar) -> Deadline:
        """Return this deadline, just begun in the place of ``before``, with what interrupted that one.

        Both count from the same start. Pauses go on; an extension that was granted holds as long as it gives
        more time than this deadline has by itself.
        """
        pauses = replace(
            self,
            pauses=before.pauses,
            extensions=_lapsed(before.extensions),
            state=State.PAUSED if before.state is State.PAUSED else self.state,
        )
        own = _reckoned(pauses, calendar)
        if before.original is None or before.duration.unit != self.duration.unit:
            return own
        longer = _reckoned(replace(pauses, duration=before.duration, original=self.duration), calendar)
        return longer if longer.due_at > own.due_at else own

    def as_document(self) -> dict[str, Any]:
        """Return the shape kept in the database."""
        return {
            "name": self.name,
            "started_at": self.started_at,
            "due_at": self.due_at,
            "provisional": self.provisional,
            "calendar_version": self.calendar_version,
            "source": self.source,
            "duration": duration_document(self.duration),
            "calendar": self.calendar,
            "original_due_at": self.original_due_at,
            "warn_at": [point_document(point) for point in self.warn_at],
            "warnings": [[point_document(point), at] for point, at in self.warnings],
            "passed": [point_document(point) for point in self.passed],
            "pauses": [pause.as_document() for pause in self.pauses],
            "extensions": [extension.as_document() for extension in self.extensions],
            "original": duration_document(self.original) if self.original else None,
            "state": self.state.value,
            "ended_at": self.ended_at,
        }

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Deadline:
        """Rebuild a deadline from the shape kept in the database."""
        original = document["original"]
        return Deadline(
            **{
                **document,
                "duration": Duration(**document["duration"]),
                "warn_at": tuple(point_of(point) for point in document["warn_at"]),
                "warnings": tuple((point_of(point), at) for point, at in document["warnings"]),
                "passed": tuple(point_of(point) for point in document["passed"]),
                "pauses": tuple(Pause.from_document(row) for row in document["pauses"]),
                "extensions": tuple(Extension.from_document(row) for row in document["extensions"]),
                "original": Duration(**original) if original else None,
                "state": State(document["state"]),
            }
        )

    def _ending(self, state: State, at: datetime | None) -> Deadline:
        pauses = self.pauses
        if self.state is State.PAUSED:
            pauses = (*pauses[:-1], replace(pauses[-1], end=at))
        return replace(
            self, state=state, ended_at=at, warnings=(), pauses=pauses, extensions=_lapsed(self.extensions)
        )

    def _pending(self) -> Extension:
        if self.requested is None:
            raise self._refused("has no request for more time that waits for a decision")
        return self.requested

    def _check_extensible(self, at: datetime) -> None:
        if self.state is not State.PAUSED and (self.state is not State.RUNNING or at >= self.due_at):
            raise self._refused(f"is {self._word(at)}: it cannot be given more time")

    def _word(self, at: datetime) -> str:
        return State.BREACHED if self.state is State.RUNNING and at >= self.due_at else self.state

    def _refused(self, reason: str) -> RuleRefused:
        return RuleRefused(f"the clock {self.name} {reason}", rule="design", details={"clock": self.name})


def _reckoned(deadline: Deadline, calendar: Calendar) -> Deadline:
    """Return ``deadline`` with everything that follows from duration, pauses and calendar worked out."""
    spans = intervals(deadline.pauses)
    now = reckon(calendar, deadline.started_at, deadline.duration, spans)
    first = reckon(calendar, deadline.started_at, deadline.original, spans) if deadline.original else now
    breached = deadline.state is State.BREACHED
    points = () if breached else [point for point in deadline.warn_at if point not in deadline.passed]
    return replace(
        deadline,
        due_at=now.due_at,
        provisional=now.provisional,
        calendar_version=calendar.version,
        calendar=calendar.name,
        original_due_at=first.due_at,
        warnings=plan(calendar, deadline.started_at, now.due_at, deadline.duration.unit, points, now.pauses),
    )


def _lapsed(extensions: Sequence[Extension]) -> tuple[Extension, ...]:
    return tuple(
        replace(extension, decision=Decision.LAPSED) if extension.decision is Decision.PENDING else extension
        for extension in extensions
    )


def next_due(deadlines: Iterable[Deadline]) -> datetime | None:
    """Return when the first of ``deadlines`` next fires: the one indexed field the timer looks at."""
    instants = [deadline.next_at for deadline in deadlines]
    return min((instant for instant in instants if instant is not None), default=None)
