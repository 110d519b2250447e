"""Occurrences: one obligation of one owner for one stretch of days, with a clock until it is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from services.reporting.domain.obligations.definition import Obligation
from services.reporting.domain.obligations.schedule import Period, Reminder, Schedule
from shared.clocks import Before, Deadline, Firing, Kind, WarnPoint
from shared.clocks.together import fire_deadlines
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.ids import derived_id
from shared.timed import Timed
from shared.worktime import Calendar, Duration

#: How the ids of occurrences begin, and the name of their clock.
PREFIX, DUE = "ob", "due"
_MINUTE = timedelta(minutes=1)


class Standing(StrEnum):
    """Where an occurrence stands."""

    OPEN = "open"
    #: Reminded of.
    DUE = "due"
    OVERDUE = "overdue"
    MET = "met"


def occurrence_id(org: str, code: str, owner: str | None, first: date) -> str:
    """Return the id that the occurrence always has: whoever opens it, opens the same."""
    return derived_id(PREFIX, org, code, owner or "", first.isoformat())


@dataclass(kw_only=True)
class Occurrence(Timed):
    """What ``owner``, or else whoever holds ``role``, owes for the days from ``first`` to ``last``.

    ``met_at`` is when what proves it was done, ``on_time`` whether that was before it was due; ``proof`` says what it
    was (``record``, ``report`` or ``word``) and ``reference`` which.
    """

    subject: ClassVar[str] = "obligation"

    code: str
    role: str
    owner: str | None
    to: list[str]
    source: str
    first: date
    last: date
    due: datetime
    schedule: Schedule
    remind: Reminder | None = None
    standing: Standing = Standing.OPEN
    met_at: datetime | None = None
    met_by: str | None = None
    on_time: bool | None = None
    proof: str | None = None
    reference: str | None = None

    @staticmethod
    def opened(
        org: str,
        regulation: str,
        obligation: Obligation,
        owner: str | None,
        period: Period,
        calendar: Calendar,
        at: datetime,
        cause: Cause,
    ) -> Occurrence:
        """Return the occurrence of ``period``, its clock running; ValueError where nobody said how often it is due."""
        schedule = obligation.schedule
        if schedule is None:
            message = f"{obligation.code} has no schedule"
            raise ValueError(message)
        opened = Occurrence(
            id=occurrence_id(org, obligation.code, owner, period.first),
            org=org,
            regulation=regulation,
            code=obligation.code,
            role=obligation.role,
            owner=owner,
            to=list(obligation.to),
            source=obligation.source,
            first=period.first,
            last=period.last,
            due=at,
            schedule=schedule,
            remind=obligation.remind,
        )
        opened._time(calendar)
        opened.record("obligation_opened", opened.facts(), at=at, cause=cause)
        return opened

    def meet(self, at: datetime, proof: str, reference: str, now: datetime, cause: Cause) -> bool:
        """Take a proof that came into being at ``at``; return whether it was the first.

        What was done before it was due is done in time, whenever that becomes known.
        """
        if self.standing is Standing.MET:
            return False
        self.deadlines = [each.meet(at) if each.open else each for each in self.deadlines]
        self.standing, self.met_at, self.on_time = Standing.MET, at, at < self.due
        self.proof, self.reference, self.met_by = proof, reference, cause.actor
        data = {
            **self.facts(),
            "met_at": timestamp(at),
            "on_time": self.on_time,
            "proof": proof,
            "reference": reference,
        }
        self.record("obligation_met", data, at=now, cause=cause)
        return True

    def confirm(
        self, obligation: Obligation, reference: str, roles: frozenset[str], now: datetime, cause: Cause
    ) -> None:
        """Take the word of whoever owes it; RuleRefused for others, and where a record or a report is asked for."""
        if not obligation.by_word:
            what = f"a record of {obligation.record.register}" if obligation.record else "a published report"
            raise RuleRefused(f"{self.code} is proved by {what}, not by a word", rule=self.source)
        if self.owner is not None and cause.actor != self.owner and self.role not in roles:
            raise RuleRefused(f"this is for {self.owner} or {self.role} to confirm", rule=self.source)
        if self.owner is None and self.role not in roles:
            raise RuleRefused(f"this is for {self.role} to confirm", rule=self.source)
        if not self.meet(now, "word", reference, now, cause):
            raise Conflict(f"{self.id} is met already")

    def fire_clocks(self, now: datetime, cause: Cause, *, breaches_only: bool = False) -> tuple[Firing, ...]:
        """Say that it is to be remembered, or that it is overdue; return what fired."""
        del breaches_only
        after, fired = fire_deadlines(self.deadlines, now)
        self.deadlines = list(after)
        # Whom it concerns is told of each by itself, however many there are.
        cause = replace(cause, digested=False)
        for firing in fired:
            if firing.kind is Kind.BREACHED:
                self.standing = Standing.OVERDUE
                self.record("obligation_overdue", self.facts(), at=now, cause=cause)
            else:
                self.standing = Standing.DUE
                self.record("obligation_due", self.facts(), at=now, cause=cause)
        return fired

    def recompute_clocks(self, calendar: Calendar, at: datetime, cause: Cause) -> bool:
        """Count again with a newer calendar until when it is due; return whether there was anything to count."""
        before = self.clock(DUE)
        if before is None or before.calendar_version == calendar.version:
            return False
        self.deadlines = [each for each in self.deadlines if each is not before]
        again = self._time(calendar)
        # What was said stays said; only until when it should have been done is put right.
        if before.passed or before.was_breached:
            kept = replace(again, state=before.state, warnings=(), passed=again.warn_at)
            self.deadlines = [kept if each is again else each for each in self.deadlines]
        data = {
            **self._subject(),
            "clock": DUE,
            "due_from": timestamp(before.due_at),
            "due_to": timestamp(again.due_at),
            "provisional": again.provisional,
            "version_from": before.calendar_version,
            "version_to": again.calendar_version,
        }
        self.record("clock_recomputed", data, at=at, cause=cause)
        return True

    def facts(self) -> dict[str, Any]:
        """Return what every event says of it."""
        return {
            "obligation_id": self.id,
            "obligation": self.code,
            "role": self.role,
            "owner": self.owner,
            "to": list(self.to),
            "first_day": self.first.isoformat(),
            "last_day": self.last.isoformat(),
            "due_at": timestamp(self.due),
            "source": self.source,
        }

    def _time(self, calendar: Calendar) -> Deadline:
        """Begin its clock, which runs from the beginning of its days, or from before the reminder."""
        period = Period(self.first, self.last)
        self.due = self.schedule.due_at(period, calendar).astimezone(UTC)
        start = min(
            datetime(self.first.year, self.first.month, self.first.day, tzinfo=calendar.zone).astimezone(UTC),
            self.due - _MINUTE,
        )
        points: Sequence[WarnPoint] = ()
        if self.remind is not None:
            remind_at = self.schedule.remind_at(self.remind, period, calendar)
            minutes = (self.due - remind_at.astimezone(UTC)) // _MINUTE
            if minutes > 0:
                points = (Before(minutes, "minutes"),)
                start = min(start, remind_at.astimezone(UTC) - _MINUTE)
        duration = Duration((self.due - start) // _MINUTE, "minutes")
        begun = Deadline.begin(DUE, duration, calendar, start, source=self.source, warn_at=points)
        self.deadlines.append(begun)
        return begun
