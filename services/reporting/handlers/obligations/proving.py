"""Use cases: records and published reports prove that something owed was done, before it is called overdue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.obligations.definition import Obligation, RecordProof
from services.reporting.domain.obligations.occurrence import Occurrence, occurrence_id
from services.reporting.domain.obligations.schedule import Period
from services.reporting.domain.rulebook import ReportingRules
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.history import Cause, moment_of
from shared.registers.record import Record
from shared.ruling import Rules, Ruling

#: Occurrences that one round looks for proofs of.
_AT_ONCE = 200
_ATTEMPTS = 5


class Shelf(Protocol):
    """Where occurrences are kept."""

    def get(self, aggregate_id: str, org: str) -> Occurrence | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Occurrence) -> bool:
        """Write a new one; False when it is there."""
        ...

    def save(self, aggregate: Occurrence, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...

    def overdue_by(self, now: datetime, limit: int) -> list[Occurrence]:
        """Return those whose clock runs out at or before ``now``."""
        ...


class Records(Protocol):
    """Where records of registers are kept."""

    def get(self, aggregate_id: str, org: str) -> Record | None:
        """Return one of ``org``."""
        ...

    def of_days(self, org: str, register: str, day: str | None, first: date, last: date) -> Iterable[Record]:
        """Return those whose field ``day``, or whose opening, lies in the local days; some more may be among them."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves that somebody did what was owed for the day ``day``, when it came to be, and what it is."""

    day: date
    owner: str | None
    at: datetime
    kind: str
    reference: str


class Prove:
    """Any order and any repetition of events ends the same: the first proof that comes holds."""

    def __init__(
        self,
        shelf: Shelf,
        records: Records,
        owners: Callable[[str, Obligation], Collection[str | None]],
        rules: Rules[ReportingRules],
        clock: Clock,
    ) -> None:
        """Look for what is owed on ``shelf``, for records in ``records``; ``owners`` says for whom something is due."""
        self._shelf, self._records, self._owners = shelf, records, owners
        self._rules, self._clock = rules, clock

    def by_record(self, event: ArchivedEvent) -> None:
        """Take what happened to a record: it may prove something in the state it is in now."""
        ruling = self._ruling(event.org)
        if ruling is None:
            return
        record = None
        for obligation in ruling.rules.obligations:
            if obligation.record is None or obligation.record.register != event.data["register"]:
                continue
            record = record or self._records.get(event.data["record_id"], event.org)
            proof = _proof_of(record, obligation, ruling) if record is not None else None
            if proof is not None:
                self._meet(event.org, obligation, ruling, proof, _cause(event, proof))

    def by_report(self, event: ArchivedEvent) -> None:
        """Take a report that was published: it is for the stretch its month begins in."""
        ruling = self._ruling(event.org)
        for obligation in ruling.rules.obligations if ruling is not None else ():
            if ruling is not None and obligation.report == event.data["kind"]:
                day = date.fromisoformat(f"{event.data['month']}-01")
                proof = Proof(day, None, event.time, "report", event.data["report_id"])
                self._meet(event.org, obligation, ruling, proof, _cause(event, proof))

    def before_overdue(self) -> bool:
        """Take the records that are there of what is about to be called overdue: their events may still be under way.

        One call is one round, safe on any number of replicas; what another one changed first is left to it.
        """
        now = self._clock.now()
        for occurrence in self._shelf.overdue_by(now, _AT_ONCE):
            proof = self._proof_there(occurrence)
            if proof is None:
                continue
            since = occurrence.history.next_seq
            occurrence.meet(proof.at, proof.kind, proof.reference, now, Cause(proof.reference, "system"))
            try:
                self._shelf.save(occurrence, since_seq=since)
            except Conflict:
                continue
        return False

    def _proof_there(self, occurrence: Occurrence) -> Proof | None:
        try:
            ruling = self._rules.of_version(occurrence.org, occurrence.regulation)
        except NotFound:
            return None
        obligation = ruling.rules.obligation(occurrence.code)
        if obligation is None or obligation.record is None:
            return None
        asked, period = obligation.record, Period(occurrence.first, occurrence.last)
        there = self._records.of_days(occurrence.org, asked.register, asked.day, period.first, period.last)
        found = [_proof_of(record, obligation, ruling) for record in there]
        fit = [each for each in found if each and each.day in period and each.owner == occurrence.owner]
        return min(fit, key=lambda proof: proof.at, default=None)

    def _meet(
        self, org: str, obligation: Obligation, ruling: Ruling[ReportingRules], proof: Proof, cause: Cause
    ) -> None:
        schedule = obligation.schedule
        period = schedule.period(proof.day) if schedule is not None else None
        if schedule is None or period is None or not schedule.asked(period, ruling.calendar):
            return
        if proof.owner not in self._owners(org, obligation):
            return
        now = self._clock.now()
        for _ in range(_ATTEMPTS):
            known = self._shelf.get(occurrence_id(org, obligation.code, proof.owner, period.first), org)
            # Somebody who is early proves what the timer has not opened yet.
            occurrence = known or Occurrence.opened(
                org, ruling.version, obligation, proof.owner, period, ruling.calendar, now, cause
            )
            since = occurrence.history.next_seq
            if not occurrence.meet(proof.at, proof.kind, proof.reference, now, cause):
                return
            if known is None:
                if self._shelf.insert(occurrence):
                    return
                continue
            try:
                self._shelf.save(occurrence, since_seq=since)
            except Conflict:
                continue
            return
        raise Conflict(f"{obligation.code} of {org} keeps being changed by others: try again")

    def _ruling(self, org: str) -> Ruling[ReportingRules] | None:
        try:
            return self._rules.in_force(org, self._clock.now())
        except NotFound:
            return None


def _proof_of(record: Record, obligation: Obligation, ruling: Ruling[ReportingRules]) -> Proof | None:
    """Return what ``record`` proves of ``obligation``, if it is in a state that does."""
    asked = obligation.record
    if asked is None or (asked.states and record.state not in asked.states):
        return None
    value = record.opened_at if asked.day is None else record.values.get(asked.day)
    if value is None:
        return None
    if isinstance(value, str) and "T" in value:
        value = moment_of(value)
    day = value.astimezone(ruling.zone).date() if isinstance(value, datetime) else date.fromisoformat(value)
    owner = None
    if obligation.per is not None:
        owner = record.opened_by if asked.owner is None else record.values.get(asked.owner)
    return Proof(day, owner, _reached_at(record, asked), "record", record.id)


def _reached_at(record: Record, asked: RecordProof) -> datetime:
    """Return when the record came into the first state that counts."""
    if not asked.states:
        return record.opened_at
    reached = [act.at for act in record.acts if act.done and act.to_state in asked.states]
    return min(reached, default=record.opened_at)


def _cause(event: ArchivedEvent, proof: Proof) -> Cause:
    return Cause(f"{event.subject}.{event.sequence}/{proof.kind}", "system")
