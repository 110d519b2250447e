"""Aggregates whose promises have clocks (时限): begin, meet, drop, move, fire and compute them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from shared.aggregate import Aggregate
from shared.clocks import Authority, Deadline, Firing, Kind, State, WarnPoint, next_due
from shared.clocks.points import point_document
from shared.clocks.together import fire_deadlines
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.worktime import Calendar, Duration

_MINUTE = timedelta(minutes=1)


@dataclass(kw_only=True)
class Timed(Aggregate):
    """Base of everything that is due; ``regulation`` is the rulebook version it was begun under.

    Each change of a clock is an event that names the aggregate by ``subject`` (its kind) and ``subject_id``.
    """

    #: The kind of thing, as events name it.
    subject: ClassVar[str]

    regulation: str
    deadlines: list[Deadline] = field(default_factory=list)

    @property
    def next_due(self) -> datetime | None:
        """Return when one of the clocks next warns or breaches."""
        return next_due(self.deadlines)

    @property
    def due_at(self) -> datetime | None:
        """Return when the next of its open clocks ends, or ended; None when none is open."""
        return min((deadline.due_at for deadline in self.deadlines if deadline.open), default=None)

    @property
    def overdue(self) -> bool:
        """Return whether a clock is past its due instant and not met."""
        return any(deadline.open and deadline.was_breached for deadline in self.deadlines)

    @property
    def open_calendars(self) -> list[str]:
        """Return with which calendars the open clocks were computed, each as ``<organisation>/<version>``."""
        return sorted({f"{self.org}/{d.calendar_version}" for d in self.deadlines if d.open})

    def clock(self, name: str) -> Deadline | None:
        """Return the open clock called ``name``."""
        return next((d for d in self.deadlines if d.name == name and d.open), None)

    def begin_clock(
        self,
        name: str,
        duration: Sourced[Duration],
        calendar: Calendar,
        at: datetime,
        cause: Cause,
        *,
        since: datetime | None = None,
        warn_at: Sequence[WarnPoint] = (),
    ) -> Deadline:
        """Start the clock ``name``, counted from ``since`` or else ``at``; an open one of that name is replaced."""
        self.drop_clock(name, at, cause)
        begun = Deadline.begin(
            name, duration.value, calendar, since or at, source=duration.source, warn_at=warn_at
        )
        self.deadlines.append(begun)
        self.record("clock_started", self._clock_data(begun), at=at, cause=cause)
        return begun

    def begin_clock_until(
        self,
        name: str,
        due: datetime,
        calendar: Calendar,
        at: datetime,
        cause: Cause,
        *,
        source: str,
        warn_at: Sequence[WarnPoint] = (),
    ) -> Deadline:
        """Start the clock ``name`` that ends at the instant ``due``, whatever time is worked until then."""
        start = min(at, due - _MINUTE).astimezone(UTC).replace(second=0, microsecond=0)
        minutes = -((start - due.astimezone(UTC)) // _MINUTE)
        return self.begin_clock(
            name,
            Sourced(Duration(minutes, "minutes"), source),
            calendar,
            at,
            cause,
            since=due - minutes * _MINUTE,
            warn_at=warn_at,
        )

    def meet_clock(self, name: str, at: datetime, cause: Cause) -> bool | None:
        """Meet the open clock ``name``; return whether that was in time, None when there is no such clock."""
        if self.clock(name) is None:
            return None
        # A breach is a breach, whether or not the timer has come round to it.
        self.fire_clocks(at, cause, breaches_only=True)
        before = self.clock(name)
        if before is None:
            return None
        met = before.meet(at)
        self._put(before, met)
        data = self._clock_data(met) | {"met_at": timestamp(at), "on_time": not met.was_breached}
        self.record("clock_met", data, at=at, cause=cause)
        return not met.was_breached

    def drop_clock(self, name: str, at: datetime, cause: Cause) -> None:
        """End the open clock ``name``, if any, because it is no longer asked for; a breach stays a breach."""
        before = self.clock(name)
        if before is not None:
            self._put(before, before.supersede(at))
            data = self._clock_data(before) | {"dropped_at": timestamp(at)}
            self.record("clock_dropped", data, at=at, cause=cause)

    def drop_clocks(self, at: datetime, cause: Cause) -> None:
        """End all open clocks: nothing is waited for any more."""
        for deadline in [d for d in self.deadlines if d.open]:
            self.drop_clock(deadline.name, at, cause)

    def extend_clock(
        self, name: str, amount: int, authority: Authority, calendar: Calendar, at: datetime, cause: Cause
    ) -> Deadline:
        """Let the open clock ``name`` take ``amount`` of its unit in all, on ``authority``.

        Who may is for the caller to check. Raises RuleRefused when it is over or the amount is no larger.
        """
        before = self.clock(name)
        if before is None:
            message = f"{self.id} has no open clock {name}"
            raise ValueError(message)
        asked = before.request_extension(amount, at, authority)
        longer = asked.grant_extension(at, calendar, by=authority.by, role=authority.role)
        self._put(before, longer)
        data = self._clock_data(longer) | {
            "due_from": timestamp(before.due_at),
            "reason": authority.reason,
            "by": authority.by,
            "role": authority.role,
        }
        self.record("clock_extended", data, at=at, cause=cause)
        return longer

    def fire_clocks(self, now: datetime, cause: Cause, *, breaches_only: bool = False) -> tuple[Firing, ...]:
        """Record every warning and breach that came due until ``now`` and return them in order of time."""
        asked = [d for d in self.deadlines if not breaches_only or now >= d.due_at]
        after, fired = fire_deadlines(asked, now)
        for before, changed in zip(asked, after, strict=True):
            self._put(before, changed)
        for firing in fired:
            head = {**self._subject(), "clock": firing.clock, "due_at": timestamp(firing.due_at)}
            if firing.kind is Kind.BREACHED:
                source = next(d.source for d in reversed(self.deadlines) if d.name == firing.clock)
                self.record("clock_breached", {**head, "source": source}, at=now, cause=cause)
            else:
                before_end = point_document(firing.before) if firing.before else None
                point = {"percent": firing.percent, "before": before_end}
                self.record("clock_warned", {**head, **point}, at=now, cause=cause)
            self.after_firing(firing, now, replace(cause, digested=False))
        return fired

    def after_firing(self, firing: Firing, now: datetime, cause: Cause) -> None:
        """Do what follows from a warning or breach; nothing, unless a kind of thing says otherwise."""

    def recompute_clocks(self, calendar: Calendar, at: datetime, cause: Cause) -> bool:
        """Compute every open clock again whose calendar has a newer version; return whether there was any."""
        behind = [d for d in self.deadlines if d.open and d.calendar_version != calendar.version]
        for deadline in behind:
            again = deadline.recompute(calendar)
            self._put(deadline, again)
            data = {
                **self._subject(),
                "clock": again.name,
                "due_from": timestamp(deadline.due_at),
                "due_to": timestamp(again.due_at),
                "provisional": again.provisional,
                "version_from": deadline.calendar_version,
                "version_to": again.calendar_version,
            }
            self.record("clock_recomputed", data, at=at, cause=cause)
        return bool(behind)

    def clock_view(self) -> list[dict[str, Any]]:
        """Return the JSON shape of its clocks, in the order they began."""
        return [
            {
                "clock": deadline.name,
                "state": (
                    State.BREACHED if deadline.was_breached and deadline.open else deadline.state
                ).value,
                "due_at": timestamp(deadline.due_at),
                "source": deadline.source,
                "ended_at": None if deadline.ended_at is None else timestamp(deadline.ended_at),
            }
            for deadline in self.deadlines
        ]

    def _subject(self) -> dict[str, Any]:
        return {"subject": self.subject, "subject_id": self.id}

    def _clock_data(self, deadline: Deadline) -> dict[str, Any]:
        return {
            **self._subject(),
            "clock": deadline.name,
            "due_at": timestamp(deadline.due_at),
            "source": deadline.source,
        }

    def _put(self, before: Deadline, after: Deadline) -> None:
        self.deadlines = [after if deadline is before else deadline for deadline in self.deadlines]
