"""Use case of the timer: open what is owed when the days begin that it is for, each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from services.reporting.domain.obligations.definition import Obligation, Per
from services.reporting.domain.obligations.occurrence import Occurrence
from services.reporting.domain.obligations.schedule import Period, Schedule
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.obligations.staff import Member
from shared.clock import Clock
from shared.errors import NotFound
from shared.history import Cause
from shared.ids import IdSource
from shared.ruling import Rules, Ruling

_DAY = timedelta(days=1)
#: Stretches of one obligation that one round opens at most: after a long standstill the next rounds go on.
_AT_ONCE = 100

Owners = tuple[str | None, ...]


class Shelf(Protocol):
    """Where occurrences are kept."""

    def add(self, occurrences: Sequence[Occurrence]) -> int:
        """Write those not there yet; return how many were new."""
        ...


class Progress(Protocol):
    """How far each obligation was opened."""

    def until(self, org: str, code: str) -> date | None:
        """Return the first day of the latest stretch that was opened."""
        ...

    def note(self, org: str, code: str, first: date) -> None:
        """Note that a stretch was opened."""
        ...


class Staff(Protocol):
    """Who is there."""

    def active(self, org: str) -> list[Member]:
        """Return everybody who is there, by id."""
        ...


class OpenObligations:
    """One call is one round over every organisation; any number of replicas may do the same round at once.

    Ids follow from organisation, obligation, owner and day, so a round done twice opens nothing twice. What a
    standstill left out is opened with the next round. An obligation that is new begins with the stretch that runs,
    and with the one before where that is not due yet.
    """

    def __init__(
        self,
        shelf: Shelf,
        progress: Progress,
        staff: Staff,
        rules: Rules[ReportingRules],
        organisations: Sequence[str],
        clock: Clock,
        ids: IdSource,
    ) -> None:
        """Open for ``organisations`` by their ``rules``; owners are of ``staff`` where nobody is named."""
        self._shelf, self._progress, self._staff = shelf, progress, staff
        self._rules, self._organisations = rules, organisations
        self._clock, self._ids = clock, ids
        #: What this process opened last of each, and for whom: nothing is to be done until that changes.
        self._done: dict[tuple[str, str], tuple[date, Owners, str]] = {}

    def __call__(self) -> bool:
        """Open what has begun; return whether there may be more at once."""
        now = self._clock.now()
        cause = Cause(self._ids.new("tick"), "system")
        more = [self._organisation(org, now, cause) for org in self._organisations]
        return any(more)

    def _organisation(self, org: str, now: datetime, cause: Cause) -> bool:
        try:
            ruling = self._rules.in_force(org, now)
        except NotFound:
            return False
        armed = [(each, each.schedule) for each in ruling.rules.obligations if each.schedule]
        asks_staff = any(each.per is not None and each.of is None for each, _ in armed)
        members = self._staff.active(org) if asks_staff else []
        more = [
            self._open(org, ruling, obligation, schedule, owners_of(obligation, members), now, cause)
            for obligation, schedule in armed
        ]
        return any(more)

    def _open(
        self,
        org: str,
        ruling: Ruling[ReportingRules],
        obligation: Obligation,
        schedule: Schedule,
        owners: Owners,
        now: datetime,
        cause: Cause,
    ) -> bool:
        today = now.astimezone(ruling.zone).date()
        current = schedule.period(today)
        if current is None:
            return False
        place, state = (org, obligation.code), (current.first, owners, ruling.version)
        if self._done.get(place) == state:
            return False
        periods = self._periods(org, ruling, obligation, schedule, current, now)
        opened = [
            Occurrence.opened(org, ruling.version, obligation, owner, period, ruling.calendar, now, cause)
            for period in periods
            if schedule.asked(period, ruling.calendar)
            for owner in owners
        ]
        self._shelf.add(opened)
        if periods:
            self._progress.note(org, obligation.code, periods[-1].first)
        if periods and periods[-1] != current:
            return True
        self._done[place] = state
        return False

    def _periods(
        self,
        org: str,
        ruling: Ruling[ReportingRules],
        obligation: Obligation,
        schedule: Schedule,
        current: Period,
        now: datetime,
    ) -> list[Period]:
        """Return the stretches to be opened: from the last one that was, for there may be new owners, until today's."""
        until = self._progress.until(org, obligation.code)
        if until is not None:
            return list(schedule.periods(until, current.last))[:_AT_ONCE]
        before = schedule.period(current.first - _DAY)
        found = [period for period in (before, current) if period is not None]
        return [period for period in found if schedule.due_at(period, ruling.calendar) > now]


def owners_of(obligation: Obligation, members: Sequence[Member]) -> Owners:
    """Return for whom an obligation is due, each by itself; None stands for whoever holds its role."""
    if obligation.per is None:
        return (None,)
    if obligation.of is not None:
        return obligation.of.value
    there = [each for each in members if not obligation.posts or each.post in obligation.posts]
    if obligation.per is Per.UNIT:
        return tuple(sorted({each.unit for each in there}))
    return tuple(each.staff for each in there)
