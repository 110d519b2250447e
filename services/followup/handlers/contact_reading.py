"""Use cases: how far the quotas of contacts are (覆盖率), and who was left out (缺口名单)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from services.followup.domain.contacts.quotas import Period, Quota, local_day
from services.followup.domain.person import Person
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.people import People
from shared.clock import Clock
from shared.errors import NotFound, Problem, ValidationFailed
from shared.handling import Calling
from shared.history import timestamp
from shared.ruling import Rules

if TYPE_CHECKING:
    from services.followup.contacts_kept import StandingsKept, TalliesKept

#: How old the number of customers may be that a share is one of; the answer says how old it is.
CENSUS_AGE = timedelta(hours=1)
#: How many customers one page of gaps looks at, at most, and how many it reads at once.
_LOOKED_AT, _BATCH = 10_000, 500
_CENT = Decimal("0.01")
#: What stands between the two halves of a cursor.
_AND = "~"


class ReadContacts:
    """Questions about quotas, at any time."""

    def __init__(
        self,
        people: People,
        tallies: TalliesKept,
        standings: StandingsKept,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps people and the figures."""
        self._people, self._tallies, self._standings = people, tallies, standings
        self._rules, self._clock = rules, clock

    def coverage(self, call: Calling, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return for each quota, or the one called ``data["quota"]``, how far it is in the period of ``data["at"]``."""
        now = self._clock.now()
        at = data["at"] or now
        ruling = self._rules.in_force(call.org, at)
        quotas = [q for q in ruling.rules.contact_quotas if q.asks]
        if data["quota"] is not None:
            quotas = [self._quota(ruling.rules, data["quota"])]
        today = local_day(now, ruling.zone)
        rows = []
        for quota in quotas:
            period = quota.period(local_day(at, ruling.zone))
            rows.append(
                self._covered(call.org, quota, period, now, over=period.last is None or period.last < today)
            )
        return rows

    def gaps(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of those a quota means who were not in contact in the period of ``data["at"]``.

        Those its rulebook puts first come first. ``next`` leads to the rest; a page may be short of its limit.
        """
        at = data["at"] or self._clock.now()
        ruling = self._rules.in_force(call.org, at)
        quota = self._quota(ruling.rules, data["quota"])
        period = quota.period(local_day(at, ruling.zone))
        found: list[dict[str, Any]] = []
        looked_at = 0
        place = _place(data["after"], quota)
        for rank, people in self._ranked(call.org, quota, place):
            for row, person in self._left_out(call.org, quota, period, people, at):
                if row is not None:
                    found.append({"customer_id": person.id, "rank": _rank_of(person, quota), **row})
                looked_at += 1
                if len(found) == data["limit"] or looked_at == _LOOKED_AT:
                    return {"quota": quota.code, "rows": found, "next": f"{rank}{_AND}{person.id}"}
        return {"quota": quota.code, "rows": found, "next": None}

    def _covered(
        self, org: str, quota: Quota, period: Period, now: datetime, *, over: bool
    ) -> dict[str, Any]:
        population, counted_at = self._population(org, quota, now)
        reached = self._tallies.reached(org, quota.code, period.name)
        if quota.every is None:
            reached -= self._standings.overdue(org, quota.code)
        reached = max(0, min(reached, population))
        needed = quota.needed(population)
        missing = max(0, needed - reached)
        share = Decimal(100 * reached) / population if population else Decimal(100)
        return {
            "quota": quota.code,
            "name": quota.name,
            "source": quota.source,
            "period": period.name,
            "last_day": None if period.last is None else period.last.isoformat(),
            "population": population,
            "population_at": timestamp(counted_at),
            "needed": needed,
            "reached": reached,
            "missing": missing,
            "percent": str(share.quantize(_CENT, rounding=ROUND_DOWN)),
            "state": "met" if not missing else "missed" if over else "open",
        }

    def _population(self, org: str, quota: Quota, now: datetime) -> tuple[int, datetime]:
        kept = self._tallies.census(org, quota.code)
        if kept is not None and now - kept[1] < CENSUS_AGE:
            return kept
        population = self._people.count(org, dict(quota.who))
        self._tallies.keep_census(org, quota.code, population, now)
        return population, now

    def _ranked(
        self, org: str, quota: Quota, place: tuple[int, str | None]
    ) -> Iterator[tuple[int, list[Person]]]:
        """Yield those a quota means, a batch at a time, those its rulebook puts first before all others."""
        first, after = place
        for rank in range(first, len(quota.first) + 1):
            where = dict(quota.who)
            if rank < len(quota.first):
                where[quota.first_by or ""] = quota.first[rank]
            while people := self._people.page(org, where, after=after, limit=_BATCH):
                after = people[-1].id
                if rank == len(quota.first):
                    people = [person for person in people if _rank_of(person, quota) not in quota.first]
                yield rank, people
            after = None

    def _left_out(
        self, org: str, quota: Quota, period: Period, people: list[Person], at: datetime
    ) -> Iterator[tuple[dict[str, Any] | None, Person]]:
        """Yield each with what is known of its last contact if it is left out, and with None if it is not."""
        ids = [person.id for person in people]
        if quota.every is not None:
            marked = self._tallies.marked(org, quota.code, period.name, ids)
            for person in people:
                yield (None if person.id in marked else {"last_on": None, "due_at": None}), person
            return
        standings = self._standings.of(org, quota.code, ids)
        for person in people:
            standing = standings.get(person.id)
            due_at = None if standing is None else standing.due_at
            if standing is None or standing.last_on is None or due_at is None:
                yield {"last_on": None, "due_at": None}, person
            elif due_at <= at:
                yield {"last_on": standing.last_on.isoformat(), "due_at": timestamp(due_at)}, person
            else:
                yield None, person

    def _quota(self, rules: FollowupRules, code: str) -> Quota:
        quota = next((q for q in rules.contact_quotas if q.code == code and q.asks), None)
        if quota is None:
            raise NotFound(f"your organisation has no quota {code!r} of contacts")
        return quota


def _rank_of(person: Person, quota: Quota) -> str | None:
    return None if quota.first_by is None else person.trait(quota.first_by)


def _place(after: str | None, quota: Quota) -> tuple[int, str | None]:
    """Return the place a cursor names; ValidationFailed when it is none of ours."""
    if after is None:
        return 0, None
    rank, _, customer_id = after.partition(_AND)
    if not customer_id or not rank.isascii() or not rank.isdigit() or int(rank) > len(quota.first):
        problem = Problem("data.after", "is not what a page before this one gave as next")
        raise ValidationFailed("the list cannot go on there", problems=(problem,))
    return int(rank), customer_id
