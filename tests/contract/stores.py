"""Where the four services keep things in these tests: in memory, in the shapes the database would hold.

Every write hands what it recorded to ``sink``, as the stores in earnest hand it to the outbox relay.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from services.complaints.domain.case import Case
from services.complaints.domain.listing import Listing
from services.complaints.domain.receiving.register import LedgerRow, Wanted
from services.complaints.domain.states import CaseState
from services.complaints.matters import Waiting, matter_document
from services.complaints.receiving_documents import ledger_row
from services.complaints.repository import document_of, open_key
from services.complaints.sheets import Sheet
from services.reporting.domain.case import CaseFact
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.report import Report
from services.reporting.domain.statistics import ContactCount, LevelSums, MonthFacts
from services.reporting.domain.tally import tally
from services.reporting.handlers.archive import ContactFact, RejectionFact
from shared.aggregate import Aggregate
from shared.errors import Conflict
from shared.history import Entry
from shared.mongo.store import Inserted
from shared.outbox import Unsent
from tests.unit.complaints.listing import page

A = TypeVar("A", bound=Aggregate)
Sink = Callable[[Sequence[Unsent]], None]


class Kept(Generic[A]):
    """One collection of aggregates: copies in, copies out, versions checked."""

    def __init__(self, sink: Sink) -> None:
        self._rows: dict[str, A] = {}
        self._sink = sink

    def insert(
        self, aggregates: Sequence[A], unique: Callable[[A], Collection[str]] = lambda _: ()
    ) -> Inserted:
        """Insert those whose id and ``unique`` keys are not taken."""
        taken = {key for row in self._rows.values() for key in unique(row)}
        new, known = [], []
        for aggregate in aggregates:
            keys = set(unique(aggregate))
            if aggregate.id in self._rows or keys & taken:
                known.append(aggregate.id)
                continue
            taken |= keys
            self._sink(self._keep(aggregate, 1))
            new.append(aggregate.id)
        return Inserted(tuple(new), tuple(known))

    def save(self, changes: Sequence[tuple[A, int]]) -> tuple[str, ...]:
        """Write the next version of each; return the ids of those that somebody else changed."""
        lost = [each.id for each, _ in changes if self._rows[each.id].version != each.version]
        kept = [self._keep(each, since) for each, since in changes if each.id not in lost]
        self._sink([unsent for written in kept for unsent in written])
        return tuple(lost)

    def get(self, aggregate_id: str, org: str | None = None) -> A | None:
        """Return one, of ``org`` only if that is given."""
        row = self._rows.get(aggregate_id)
        return copy.deepcopy(row) if row is not None and org in {None, row.org} else None

    def all(self, org: str | None = None) -> list[A]:
        """Return all, of ``org`` only if that is given, in the order they came."""
        return [copy.deepcopy(row) for row in self._rows.values() if org in {None, row.org}]

    def stored(self) -> Collection[A]:
        """Return what is kept itself, for a test to meddle with."""
        return self._rows.values()

    def _keep(self, aggregate: A, since: int) -> list[Unsent]:
        row = copy.deepcopy(aggregate)
        row.version += 1
        self._rows[row.id] = row
        # Through the database's shape, as the relay would read it back.
        entries = [Entry.from_document(entry.as_document()) for entry in row.history.since(since)]
        return [Unsent(row.org, row.id, entry) for entry in entries]


class _Memory:
    def ensure_indexes(self) -> None:
        """Nothing to do: what is unique is checked at every write."""


class ComplaintsMemory(_Memory):
    """Stands in for the repository of complaints."""

    def __init__(self, sink: Sink) -> None:
        self.cases_kept = Kept[Case](sink)

    def contacts_known(self, contact_ids: Sequence[str]) -> dict[str, str]:
        rows = self.cases_kept.all()
        return {contact: row.matter_id for row in rows for contact in row.contacts if contact in contact_ids}

    def open_cases_of(self, persons: Collection[tuple[str, str, str]]) -> list[Case]:
        keys = {open_key(*person) for person in persons}
        return [
            row
            for row in self.cases_kept.all()
            if row.is_open and open_key(row.org, row.customer_id, row.claim.problem) in keys
        ]

    def insert(self, cases: Sequence[Case]) -> Inserted:
        return self.cases_kept.insert(cases)

    def save(self, case: Case, *, since_seq: int) -> None:
        if self.cases_kept.save([(case, since_seq)]):
            raise Conflict(f"{case.id} was changed by somebody else")

    def save_all(self, changes: Sequence[tuple[Case, int]]) -> tuple[str, ...]:
        return self.cases_kept.save(changes)

    def waiting(self, matter_ids: Collection[str]) -> list[Waiting]:
        return [
            Waiting(row.id, row.org, row.regulation, row.matter_id, row.households)
            for row in self.cases_kept.all()
            if matter_document(row).get("awaiting") in matter_ids
        ]

    def homes(self, enough: Mapping[str, int], *, but: str | None = None) -> dict[str, set[str]]:
        homes: dict[str, set[str]] = {matter_id: set() for matter_id in enough}
        for row in self.cases_kept.all():
            if row.matter_id in homes and row.valid is not False and row.id != but:
                homes[row.matter_id].add(row.unit_id or row.customer_id)
        return homes

    def households(self, matter_ids: Collection[str]) -> dict[str, int]:
        homes = self.homes(dict.fromkeys(matter_ids, 0))
        return {matter: len(found) for matter, found in homes.items() if found}

    def get(self, case_id: str, org: str) -> Case | None:
        return self.cases_kept.get(case_id, org)

    def of_contact(self, contact_id: str, org: str) -> Case | None:
        return next((row for row in self.cases_kept.all(org) if contact_id in row.contacts), None)

    def get_many(self, case_ids: Collection[str]) -> dict[str, Case]:
        return {row.id: row for row in self.cases_kept.all() if row.id in case_ids}

    def page(self, org: str, after: str, limit: int) -> list[Sheet[Case]]:
        rows = sorted(self.cases_kept.all(org), key=lambda row: row.id)
        return [Sheet(row.id, row) for row in rows if row.id > after][:limit]

    def count(self, org: str) -> int:
        return len(self.cases_kept.all(org))

    def due(self, now: datetime, limit: int) -> list[Case]:
        rows = [row for row in self.cases_kept.all() if row.next_due is not None and row.next_due <= now]
        return sorted(rows, key=lambda row: row.next_due or now)[:limit]

    def behind(self, current: Collection[str], limit: int, *, skip: Collection[str] = ()) -> list[Case]:
        rows = self.cases_kept.all()
        return [row for row in rows if set(row.open_calendars) - set(current) and row.id not in skip][:limit]

    def take_calendars_for_old(self) -> None:
        """Make every open clock look as if a process before this one had computed it."""
        for row in self.cases_kept.stored():
            row.deadlines = [
                replace(clock, calendar_version="cn-before") if clock.open else clock
                for clock in row.deadlines
            ]

    def supervised(
        self, org: str, *, supervisor: str | None, overdue: bool | None, limit: int, skip: int
    ) -> list[Case]:
        rows = [
            row
            for row in self.cases_kept.all(org)
            if row.is_open
            and row.supervisors
            and (supervisor is None or supervisor in row.supervisors)
            and overdue in (None, row.overdue)
        ]
        return sorted(rows, key=lambda row: row.received_at)[skip : skip + limit]

    def listed(self, org: str, listing: Listing, *, limit: int, skip: int) -> list[Case]:
        return page(self.cases_kept.all(org), listing, limit, skip)

    def summary(self, org: str) -> list[dict[str, Any]]:
        groups: dict[tuple[str, str], list[Case]] = {}
        for row in self.cases_kept.all(org):
            groups.setdefault((row.level, row.state.value), []).append(row)
        return [
            {"level": level, "state": state, "count": len(rows), "overdue": sum(row.overdue for row in rows)}
            for (level, state), rows in groups.items()
        ]

    def ledger(self, org: str, wanted: Wanted) -> list[LedgerRow]:
        rows = [document_of(row) for row in self.cases_kept.all(org)]
        rows.sort(key=lambda row: (row["received_at"], row["_id"]), reverse=True)
        return [ledger_row(row) for row in rows if in_ledger(row, wanted)][: wanted.limit]

    def to_recount(self, limit: int) -> list[Case]:
        return [row for row in self.cases_kept.all() if row.recount][:limit]

    def open_count(self) -> list[tuple[str, int]]:
        return [*Counter(row.level for row in self.cases_kept.all() if row.is_open).items()]


def in_ledger(row: Mapping[str, Any], wanted: Wanted) -> bool:
    """Tell whether a case, as the database would hold it, belongs on the page of the ledger that is ``wanted``."""
    at, is_open = row["received_at"], row["state"] != CaseState.CLOSED.value
    states = {None: True, "open": is_open, "overdue": is_open and row["overdue"]}
    return (
        (wanted.received_from is None or at >= wanted.received_from)
        and (wanted.received_before is None or at < wanted.received_before)
        and (wanted.after is None or (at, row["_id"]) < wanted.after)
        and wanted.source in {None, row["source"]}
        and wanted.level in {None, row["level"]}
        and wanted.problem in {None, row["claim"]["problem"]}
        and states.get(wanted.state, row["state"] == wanted.state)
    )


class ReportingMemory(_Memory):
    """Stands in for the repository of reporting."""

    def __init__(self, sink: Sink) -> None:
        self.events: dict[str, ArchivedEvent] = {}
        self.reports_kept = Kept[Report](sink)
        self._cases: dict[str, CaseFact] = {}
        self._contacts: dict[str, ContactFact] = {}
        self._rejections: dict[str, RejectionFact] = {}

    def archive(self, events: Sequence[ArchivedEvent], at: datetime) -> set[str]:
        del at
        known = {event.key for event in events if event.key in self.events}
        self.events |= {event.key: event for event in events if event.key not in known}
        return known

    def events_about(self, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        return [event for event in self.events.values() if event.about in ids and event.type in types]

    def count(self) -> int:
        return len(self.events)

    def part(self, after: str, limit: int, since: datetime | None = None) -> list[ArchivedEvent]:
        assert since is None or since.tzinfo
        return [self.events[key] for key in sorted(self.events) if key > after][:limit]

    def events_of(self, subjects: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        return [event for event in self.events.values() if event.subject in subjects and event.type in types]

    def save_cases(self, cases: Sequence[CaseFact]) -> int:
        self._cases |= {case.id: case for case in cases}
        return len(cases)

    def add_contacts(self, contacts: Sequence[ContactFact]) -> int:
        return _add(self._contacts, contacts)

    def add_rejections(self, rejections: Sequence[RejectionFact]) -> int:
        return _add(self._rejections, rejections)

    def month_facts(self, org: str, begin: datetime, end: datetime) -> MonthFacts:
        contacts = Counter(
            (row.category, row.channel)
            for row in self._contacts.values()
            if row.org == org and begin <= row.received_at < end
        )
        levels: dict[str | None, Counter[str]] = {}
        for case in self._of_month(org, begin, end):
            levels.setdefault(case.level, Counter()).update(tally(case))
        return MonthFacts(
            contacts=[ContactCount(category, channel, n) for (category, channel), n in contacts.items()],
            levels=[LevelSums(level, sums) for level, sums in levels.items()],
            rejected_events=sum(
                row.org == org and begin <= row.rejected_at < end for row in self._rejections.values()
            ),
        )

    def numbers_of(self, org: str, case_ids: Sequence[str]) -> Mapping[str, str | None]:
        return {each: self._cases[each].number for each in case_ids if each in self._cases}

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[ArchivedEvent]:
        rows = [event for event in self.events.values() if event.org == org and event.about == about]
        return sorted(rows, key=lambda row: (row.time, row.subject, row.sequence))[skip : skip + limit]

    def report(self, org: str, report_id: str) -> Report | None:
        return self.reports_kept.get(report_id, org)

    def report_of(self, org: str, kind: str, month: str, edition: int | None) -> Report | None:
        rows = [
            row
            for row in self.reports_kept.all(org)
            if (row.kind, row.month) == (kind, month) and edition in {None, row.edition}
        ]
        return max(rows, key=lambda row: row.edition, default=None)

    def add_report(self, report: Report) -> bool:
        def edition(row: Report) -> list[str]:
            return [f"{row.org}/{row.kind}/{row.month}/{row.edition}"]

        return bool(self.reports_kept.insert([report], unique=edition).new)

    def _of_month(self, org: str, begin: datetime, end: datetime) -> list[CaseFact]:
        return [
            case
            for case in self._cases.values()
            if case.org == org and case.received_at is not None and begin <= case.received_at < end
        ]


F = TypeVar("F", ContactFact, RejectionFact)


def _add(kept: dict[str, F], facts: Sequence[F]) -> int:
    fresh: Mapping[str, F] = {fact.id: fact for fact in facts if fact.id not in kept}
    kept |= fresh
    return len(fresh)
