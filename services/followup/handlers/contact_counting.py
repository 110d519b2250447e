"""Use case: count a contact (客户联系) for every quota it serves, once, whatever dies when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from services.followup.domain.contacts.mark import Mark
from services.followup.domain.contacts.quotas import Quota, local_day
from services.followup.domain.contacts.standing import Standing, standing_id
from services.followup.domain.person import Person, token
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.consequences import read_data
from services.followup.handlers.people import People
from services.followup.schemas_own import OWN
from shared.clock import Clock
from shared.errors import Conflict
from shared.history import Cause
from shared.messaging.envelope import CloudEvent
from shared.registers.record import Record
from shared.registers.values import token as record_token
from shared.ruling import Rules, Ruling

if TYPE_CHECKING:
    from services.followup.contacts_kept import StandingsKept, TalliesKept
    from shared.mongo.registers import RecordsKept

_ATTEMPTS = 20
#: Among so many of a customer's newest records the day of the last contact is found.
_NEWEST = 200


class CountContacts:
    """Looks at the record as it is now, so that events in any order, and again, end in the same figures."""

    def __init__(
        self,
        records: RecordsKept,
        people: People,
        tallies: TalliesKept,
        standings: StandingsKept,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps records and people, and what keeps the figures."""
        self._records, self._people = records, people
        self._tallies, self._standings = tallies, standings
        self._rules, self._clock = rules, clock

    def __call__(self, event: CloudEvent) -> None:
        """Count the record that an event is about; what was destroyed stays counted."""
        record_id = str(read_data(event, OWN[event.type])["record_id"])
        cause = Cause(event.key, "system", event.traceparent)
        for _ in range(_ATTEMPTS):
            record = self._records.get(record_id, event.org)
            if record is None or record.destroyed_at is not None:
                return
            ruling = self._rules.of_version(record.org, record.regulation)
            quotas = [q for q in ruling.rules.contact_quotas if record.register in q.registers]
            if not quotas:
                return
            self._count(record, ruling, quotas, cause)
            latest = self._records.get(record_id, event.org)
            if latest is None or latest.version == record.version:
                return
        raise Conflict(f"{record_id} keeps being changed: try again")

    def _count(
        self, record: Record, ruling: Ruling[FollowupRules], quotas: Iterable[Quota], cause: Cause
    ) -> None:
        marks: list[Mark] = []
        asked: dict[str, tuple[Quota, set[str]]] = {}
        for quota in quotas:
            found = self._marks(record, ruling, quota)
            marks += found
            asked[quota.code] = (quota, {mark.customer_id for mark in found})
        left = self._tallies.place(record.id, marks)
        for quota, customers in asked.values():
            if quota.every is None:
                for customer in sorted({*customers, *(mark.customer_id for mark in left)}):
                    self._stand(customer, ruling, quota, record.org, cause)
        self._tallies.let_go(record.id, left)

    def _marks(self, record: Record, ruling: Ruling[FollowupRules], quota: Quota) -> list[Mark]:
        register = ruling.rules.register(record.register)
        if register is None or not quota.counts(register, record):
            return []
        period = quota.period(quota.day_of(register, record, ruling.zone)).name
        return [
            Mark(record.org, quota.code, period, customer, self._meant(record.org, customer, quota))
            for customer in quota.subjects(record.values)
        ]

    def _meant(self, org: str, customer_id: str, quota: Quota) -> bool:
        """Return whether a quota means a customer; of whom nobody has told yet it does."""
        person = self._people.get(org, customer_id)
        return person is None or is_one(person, quota.who)

    def _stand(
        self, customer_id: str, ruling: Ruling[FollowupRules], quota: Quota, org: str, cause: Cause
    ) -> None:
        for _ in range(_ATTEMPTS):
            standing_key = standing_id(org, quota.code, customer_id)
            kept = self._standings.get(standing_key, org)
            standing = kept or Standing(
                id=standing_key,
                org=org,
                regulation=ruling.version,
                quota=quota.code,
                customer_id=customer_id,
            )
            since = standing.history.next_seq
            meant = quota.within is not None and self._meant(org, customer_id, quota)
            last_on = self._last_on(customer_id, ruling, quota, org) if meant else None
            now = self._clock.now()
            if not standing.contacted(quota, last_on, ruling.calendar, ruling.zone, now, cause):
                return
            if kept is None:
                if self._standings.insert(standing):
                    return
                continue
            try:
                self._standings.save(standing, since_seq=since)
            except Conflict:
                continue
            return
        raise Conflict(f"the contacts of {customer_id} keep changing: try again")

    def _last_on(
        self, customer_id: str, ruling: Ruling[FollowupRules], quota: Quota, org: str
    ) -> date | None:
        field = quota.subject if quota.rows is None else f"{quota.rows}.{quota.subject}"
        query = {"org": org, "tokens": record_token(field, customer_id)}
        days = []
        for record in self._records.page(query, _NEWEST):
            register = ruling.rules.register(record.register)
            if register is None or record.register not in quota.registers:
                continue
            day = quota.day_of(register, record, ruling.zone)
            # What is only planned is no contact.
            if quota.counts(register, record) and day <= local_day(record.opened_at, ruling.zone):
                days.append(day)
        return max(days, default=None)


def is_one(person: Person, who: Iterable[tuple[str, str]]) -> bool:
    """Return whether a person is all of ``who``."""
    return {token(code, value) for code, value in who}.issubset(person.tokens())
