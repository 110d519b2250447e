"""Use case of the timer: make the periodic callbacks (定期回访) of a day, from all customers they are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.followup.domain.callback import About, Callback
from services.followup.domain.periods import latest, months_after
from services.followup.domain.person import Person
from services.followup.domain.planning import Matter, Planned
from services.followup.domain.rulebook import CallbackRule, FollowupRules, Period
from services.followup.handlers.people import People
from services.followup.handlers.scheduling import SYSTEM, Scheduler
from services.followup.metrics import CALLBACKS_SCHEDULED
from shared.clock import Clock
from shared.errors import NotFound
from shared.history import Cause
from shared.ids import IdSource, derived_id
from shared.regulations import Organisation, Rulebooks

#: Customers one round looks at; the next round follows at once.
AT_ONCE = 200


class Rounds(Protocol):
    """Where it is kept how far the round of a rule and day has come."""

    def reached(self, key: str) -> tuple[str | None, bool]:
        """Return the last customer looked at, and whether that was the last of all."""
        ...

    def reach(self, key: str, after: str | None, *, done: bool) -> None:
        """Remember how far it has come."""
        ...


class Callbacks(Protocol):
    """What is needed of the callbacks' repository."""

    def schedule(self, callbacks: Sequence[Callback]) -> Any:
        """Write callbacks; return which were new and which known."""
        ...


class MakePeriodicCallbacks:
    """One call is one page; a round cut off goes on where it was, and any number of replicas may take part.

    A callback's id follows from customer, rule and day, so whoever comes second makes nothing twice.
    """

    def __init__(
        self,
        people: People,
        callbacks: Callbacks,
        rounds: Rounds,
        scheduler: Scheduler,
        rulebooks: Rulebooks[FollowupRules],
        clock: Clock,
        ids: IdSource,
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        """``at_once`` bounds the customers of one page."""
        self._people, self._callbacks, self._rounds = people, callbacks, rounds
        self._scheduler, self._rulebooks = scheduler, rulebooks
        self._clock, self._ids, self._at_once = clock, ids, at_once
        #: Rounds known to be through, so that a day without work costs no reads.
        self._through: set[str] = set()

    def __call__(self) -> bool:
        """Look at a page of customers; return whether there may be more at once."""
        now = self._clock.now()
        for organisation in self._rulebooks.organisations:
            today = now.astimezone(ZoneInfo(organisation.time_zone)).date()
            for rule in self._periodic(organisation.id, now):
                key = f"{organisation.id}/{rule.code}/{today.isoformat()}"
                if key in self._through:
                    continue
                if self._page(organisation, rule, today, key):
                    return True
                # Where days begin at other hours it may still be the day before.
                before = (today - timedelta(days=1)).isoformat()
                self._through = {each for each in self._through if each.rpartition("/")[2] >= before} | {key}
        return False

    def _periodic(self, org: str, now: datetime) -> Iterable[CallbackRule]:
        try:
            rules = self._rulebooks.for_org(org, now).sections
        except NotFound:
            return ()
        return [rule for rule in rules.callbacks if _armed(rule)]

    def _page(self, organisation: Organisation, rule: CallbackRule, today: date, key: str) -> bool:
        """Take the next page of a round; return whether there was one."""
        after, done = self._rounds.reached(key)
        if done or rule.period is None:
            return False
        found = self._people.page(organisation.id, rule.period.where, after=after, limit=self._at_once)
        cause = Cause(self._ids.new("tick"), SYSTEM)
        wanted = [
            callback
            for person in found
            for callback in self._callbacks_of(organisation, rule, rule.period, person, today, cause)
        ]
        if wanted:
            known = set(self._callbacks.schedule(wanted).known)
            CALLBACKS_SCHEDULED.labels(rule=rule.code).inc(len(wanted) - len(known))
        last = len(found) < self._at_once
        self._rounds.reach(key, found[-1].id if found else after, done=last)
        return True

    def _callbacks_of(
        self,
        organisation: Organisation,
        rule: CallbackRule,
        period: Period,
        person: Person,
        today: date,
        cause: Cause,
    ) -> list[Callback]:
        day = _day(rule, period, person, today)
        if day is None or person.erased or person.opted_out:
            return []
        zone = ZoneInfo(organisation.time_zone)
        begins = datetime.combine(day, time.min, zone).astimezone(UTC)
        until = None
        if period.anchor is None:
            until = datetime.combine(months_after(day, 1), time.min, zone).astimezone(UTC)
        matter = Matter(
            About.PERIOD,
            reference=derived_id("pd", organisation.id, person.id, day.isoformat()),
            customer_id=person.id,
            happened_at=begins,
            occasion=rule.code,
            unit=person.units[0] if person.units else None,
            until=until,
        )
        return self._scheduler.planned(organisation.id, [Planned(rule, rule.due)], matter, cause, who=person)


def _armed(rule: CallbackRule) -> bool:
    return rule.period is not None and (rule.period.anchor is None or rule.every is not None)


def _day(rule: CallbackRule, period: Period, person: Person, today: date) -> date | None:
    if period.anchor is None:
        return today.replace(day=1)
    anchor = person.dates.get(period.anchor)
    if anchor is None or rule.every is None:
        return None
    return latest(rule.every.value, date.fromisoformat(anchor), today, once=period.once)
