"""The reporting repository in memory: the same promises, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from services.reporting.domain.case import CaseFact
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.report import Report
from services.reporting.domain.statistics import ContactCount, LevelSums, MonthFacts
from services.reporting.domain.tally import tally
from services.reporting.handlers.archive import ContactFact, RejectionFact
from shared.errors import Unavailable


class Memory:
    """Keeps everything in dictionaries; ``calls`` counts the questions and orders it was given."""

    def __init__(self) -> None:
        self.events: dict[str, ArchivedEvent] = {}
        self.archived_at: dict[str, datetime] = {}
        self.cases: dict[str, CaseFact] = {}
        self.contacts: dict[str, ContactFact] = {}
        self.rejections: dict[str, RejectionFact] = {}
        self.reports: dict[str, Report] = {}
        self.calls = 0
        #: The most events it was given in one go.
        self.largest = 0
        #: How many of the next writes of facts fail because the database is away.
        self.failures = 0
        #: Runs once, between the reading of a case's events and the writing of its fact.
        self.meanwhile: Callable[[], object] | None = None

    def archive(self, events: Sequence[ArchivedEvent], at: datetime) -> set[str]:
        self.calls += 1
        self.largest = max(self.largest, len(events))
        known = {event.key for event in events if event.key in self.events}
        self.events |= {event.key: event for event in events if event.key not in known}
        self.archived_at = {event.key: at for event in events} | self.archived_at
        return known

    def events_about(self, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        self.calls += 1
        found = [event for event in self.events.values() if event.about in ids and event.type in types]
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return found

    def events_of(self, subjects: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        self.calls += 1
        return [event for event in self.events.values() if event.subject in subjects and event.type in types]

    def count(self) -> int:
        return len(self.events)

    def part(self, after: str, limit: int, since: datetime | None = None) -> list[ArchivedEvent]:
        behind = (key for key in sorted(self.events) if key > after)
        late = (key for key in behind if since is None or self.archived_at[key] >= since)
        return [self.events[key] for key in islice(late, limit)]

    def save_cases(self, cases: Sequence[CaseFact]) -> int:
        self._write()
        newer = [
            case for case in cases if case.id not in self.cases or self.cases[case.id].events < case.events
        ]
        self.cases |= {case.id: case for case in newer}
        return len(newer)

    def add_contacts(self, contacts: Sequence[ContactFact]) -> int:
        self._write()
        before = len(self.contacts)
        self.contacts = {contact.id: contact for contact in contacts} | self.contacts
        return len(self.contacts) - before

    def add_rejections(self, rejections: Sequence[RejectionFact]) -> int:
        self._write()
        before = len(self.rejections)
        self.rejections = {rejection.id: rejection for rejection in rejections} | self.rejections
        return len(self.rejections) - before

    def month_facts(self, org: str, begin: datetime, end: datetime) -> MonthFacts:
        contacts = [c for c in self.contacts.values() if c.org == org and begin <= c.received_at < end]
        counts = Counter((contact.category, contact.channel) for contact in contacts)
        rejected = [r for r in self.rejections.values() if r.org == org and begin <= r.rejected_at < end]
        cases = self._cases_of(org, begin, end)
        return MonthFacts(
            contacts=[ContactCount(category, channel, n) for (category, channel), n in counts.items()],
            levels=[
                LevelSums(level, _sum(tally(case) for case in cases if case.level == level))
                for level in {case.level for case in cases}
            ],
            rejected_events=len(rejected),
        )

    def numbers_of(self, org: str, case_ids: Sequence[str]) -> Mapping[str, str | None]:
        return {each: self.cases[each].number for each in case_ids if each in self.cases}

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[ArchivedEvent]:
        found = [event for event in self.events.values() if event.org == org and event.about == about]
        return sorted(found, key=lambda event: event.time)[skip : skip + limit]

    def report(self, org: str, report_id: str) -> Report | None:
        found = self.reports.get(report_id)
        return found if found and found.org == org else None

    def report_of(self, org: str, kind: str, month: str, edition: int | None) -> Report | None:
        found = [
            report
            for report in self.reports.values()
            if (report.org, report.kind, report.month) == (org, kind, month)
            and edition in (None, report.edition)
        ]
        latest = max(found, key=lambda report: report.edition, default=None)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return latest

    def add_report(self, report: Report) -> bool:
        taken = self.report_of(report.org, report.kind, report.month, report.edition)
        if taken or report.id in self.reports:
            return False
        self.reports[report.id] = report
        return True

    def _write(self) -> None:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise Unavailable("the database is away")

    def _cases_of(self, org: str, begin: datetime, end: datetime) -> list[CaseFact]:
        return [
            case
            for case in self.cases.values()
            if case.org == org and case.received_at is not None and begin <= case.received_at < end
        ]


def _sum(tallies: Iterable[dict[str, int]]) -> Counter[str]:
    added: Counter[str] = Counter()
    for each in tallies:
        added.update(each)
    return added
