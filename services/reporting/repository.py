"""Where reporting keeps archive, facts and reports: the only module of the service that knows pymongo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from services.reporting.domain.case import CaseFact
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.report import Report
from services.reporting.domain.statistics import ContactCount, LevelSums, MonthFacts
from services.reporting.domain.tally import COUNTED, tally
from services.reporting.handlers.archive import ContactFact, RejectionFact
from services.reporting.settings import CASES_AT_ONCE
from shared.aggregate import base_document, base_fields
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime, aggregate_store
from shared.mongo.store import AggregateStore

_DUPLICATE_KEY = 11000


class ReportingRepository:
    """Reads and writes the service's collections."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        database = runtime.database
        self._events: Collection[Document] = database["events"]
        self._contacts: Collection[Document] = database["contacts"]
        self._rejections: Collection[Document] = database["rejections"]
        self._cases: Collection[Document] = database["cases"]
        self._reports: AggregateStore = aggregate_store(runtime, "reports")

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and every uniqueness the service relies on."""
        with database_errors():
            self._events.create_indexes(
                [IndexModel([(name, ASCENDING)]) for name in ("about", "subject", "archived_at")]
            )
            self._contacts.create_indexes([IndexModel([("org", ASCENDING), ("received_at", ASCENDING)])])
            self._rejections.create_indexes([IndexModel([("org", ASCENDING), ("rejected_at", ASCENDING)])])
            self._cases.create_indexes([IndexModel([("org", ASCENDING), ("received_at", ASCENDING)])])
        edition = [("org", ASCENDING), ("kind", ASCENDING), ("month", ASCENDING), ("edition", DESCENDING)]
        self._reports.ensure_indexes([IndexModel(edition, unique=True)])

    # --- the archive and the facts computed from it ---------------------------------------------------------

    def archive(self, events: Sequence[ArchivedEvent], at: datetime) -> set[str]:
        """Keep the events not there yet; return the keys of those that were."""
        return _insert_new(self._events, [_event_document(event, at) for event in events])

    def events_about(self, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        """Return the archived events of ``types`` about ``ids``, in any order."""
        return self._events_by("about", ids, types)

    def events_of(self, subjects: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        """Return the archived events of ``types`` whose subjects these are, in any order."""
        return self._events_by("subject", subjects, types)

    def count(self) -> int:
        """Return how many events the archive holds."""
        with database_errors():
            return self._events.count_documents({})

    def part(self, after: str, limit: int, since: datetime | None = None) -> list[ArchivedEvent]:
        """Return the first ``limit`` events behind the key ``after``, of those archived from ``since`` on."""
        query: dict[str, Any] = {"_id": {"$gt": after}}
        query |= {} if since is None else {"archived_at": {"$gte": since}}
        with database_errors():
            return [_event(row) for row in self._events.find(query).sort("_id", ASCENDING).limit(limit)]

    def _events_by(self, field: str, ids: Sequence[str], types: frozenset[str]) -> list[ArchivedEvent]:
        found: list[ArchivedEvent] = []
        wanted = sorted(types)
        with database_errors():
            for start in range(0, len(ids), CASES_AT_ONCE):
                part = list(ids[start : start + CASES_AT_ONCE])
                rows = self._events.find({field: {"$in": part}, "type": {"$in": wanted}})
                found += [_event(row) for row in rows]
        return found

    def save_cases(self, cases: Sequence[CaseFact]) -> int:
        """Write the cases unless a fact of as many events is there; return how many were written.

        The guard is in each write's own filter, so of several writers at once the one that saw the most
        events stays, whichever comes last.
        """
        documents = [_case_document(case) for case in cases]
        written, lost = _replace_older(self._cases, documents, upsert=True)
        if lost:
            # Either a fact of as many events is there, or another writer put in its first one at the same
            # moment, perhaps of fewer events: now that there is one, the guard alone decides.
            written += _replace_older(self._cases, [documents[index] for index in lost], upsert=False)[0]
        return written

    def add_contacts(self, contacts: Sequence[ContactFact]) -> int:
        """Write the contacts not there yet; return how many were written."""
        documents = [
            {
                "_id": contact.id,
                "org": contact.org,
                "category": contact.category,
                "channel": contact.channel,
                "received_at": contact.received_at,
            }
            for contact in contacts
        ]
        return len(documents) - len(_insert_new(self._contacts, documents))

    def add_rejections(self, rejections: Sequence[RejectionFact]) -> int:
        """Write the rejections not there yet; return how many were written."""
        documents = [
            {"_id": fact.id, "org": fact.org, "rejected_at": fact.rejected_at} for fact in rejections
        ]
        return len(documents) - len(_insert_new(self._rejections, documents))

    # --- figures --------------------------------------------------------------------------------------------

    def month_facts(self, org: str, begin: datetime, end: datetime) -> MonthFacts:
        """Return what came in from ``begin`` on and before ``end``."""
        received = {"org": org, "received_at": {"$gte": begin, "$lt": end}}
        by_kind = {"_id": {"category": "$category", "channel": "$channel"}, "count": {"$sum": 1}}
        by_level = {"_id": "$level"} | {name: {"$sum": f"$tally.{name}"} for name in COUNTED}
        with database_errors():
            contacts = list(self._contacts.aggregate([{"$match": received}, {"$group": by_kind}]))
            levels = list(self._cases.aggregate([{"$match": received}, {"$group": by_level}]))
            rejected = self._rejections.count_documents(
                {"org": org, "rejected_at": {"$gte": begin, "$lt": end}}
            )
        return MonthFacts(
            contacts=[
                ContactCount(row["_id"]["category"], row["_id"]["channel"], row["count"]) for row in contacts
            ],
            levels=[LevelSums(row["_id"], {name: row[name] for name in COUNTED}) for row in levels],
            rejected_events=rejected,
        )

    def numbers_of(self, org: str, case_ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the numbers of cases, by id; what is no case is left out."""
        with database_errors():
            rows = list(self._cases.find({"_id": {"$in": list(case_ids)}, "org": org}, {"number": 1}))
        return {row["_id"]: row["number"] for row in rows}

    def archived(self, org: str, about: str, limit: int, skip: int) -> list[ArchivedEvent]:
        """Return a page of the archived events about one thing, oldest first."""
        order = [("time", ASCENDING), ("subject", ASCENDING), ("sequence", ASCENDING)]
        with database_errors():
            rows = self._events.find({"about": about, "org": org}).sort(order).skip(skip).limit(limit)
            return [_event(row) for row in rows]

    # --- reports --------------------------------------------------------------------------------------------

    def report(self, org: str, report_id: str) -> Report | None:
        """Return one report of ``org`` by its id."""
        document = self._reports.find(report_id, org)
        return _report(document) if document else None

    def report_of(self, org: str, kind: str, month: str, edition: int | None) -> Report | None:
        """Return the given edition of a month's report of ``org``, or the latest."""
        query: dict[str, Any] = {"org": org, "kind": kind, "month": month}
        if edition is not None:
            query["edition"] = edition
        found = self._reports.find_many(query, sort=[("edition", DESCENDING)], limit=1)
        return _report(found[0]) if found else None

    def add_report(self, report: Report) -> bool:
        """Keep the report; False if its id or its edition is taken."""
        return bool(self._reports.insert([_report_document(report)]).new)


def _insert_new(collection: Collection[Document], documents: Sequence[Document]) -> set[str]:
    """Insert the documents whose ids are not there yet; return the ids that were."""
    try:
        with database_errors():
            collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return {documents[index]["_id"] for index in _duplicates(error)}
    return set()


def _replace_older(
    collection: Collection[Document], documents: Sequence[Document], *, upsert: bool
) -> tuple[int, list[int]]:
    """Replace what was computed from fewer events; return how many were, and which hit a duplicate key."""
    writes = [
        ReplaceOne({"_id": document["_id"], "events": {"$lt": document["events"]}}, document, upsert=upsert)
        for document in documents
    ]
    try:
        with database_errors():
            result = collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        return error.details["nMatched"] + error.details["nUpserted"], _duplicates(error)
    return result.matched_count + result.upserted_count, []


def _duplicates(error: BulkWriteError) -> list[int]:
    """Return the positions of the writes that hit a duplicate key; raises ``error`` on other failures."""
    failures = error.details["writeErrors"]
    if not failures or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
        raise error
    return [failure["index"] for failure in failures]


def _event_document(event: ArchivedEvent, at: datetime) -> Document:
    return {
        "_id": event.key,
        "org": event.org,
        "about": event.about,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "sequence": event.sequence,
        "time": event.time,
        "archived_at": at,
        "data": dict(event.data),
    }


_EVENT_FIELDS = ("org", "about", "source", "type", "subject", "sequence", "time", "data")


def _event(document: Mapping[str, Any]) -> ArchivedEvent:
    return ArchivedEvent(key=document["_id"], **{name: document[name] for name in _EVENT_FIELDS})


def _case_document(case: CaseFact) -> Document:
    return {
        "_id": case.id,
        "org": case.org,
        "events": case.events,
        "number": case.number,
        "contact_id": case.contact_id,
        "level": case.level,
        "received_at": case.received_at,
        "status": case.status.value,
        "valid": case.valid,
        "replied_at": case.replied_at,
        "closed_at": case.closed_at,
        "tally": tally(case),
    }


_REPORT_FIELDS = ("kind", "month", "edition", "published_at", "time_zone", "statistics", "kpis")


def _report_document(report: Report) -> Document:
    return {
        **base_document(report),
        **{name: getattr(report, name) for name in _REPORT_FIELDS},
        "due_on": report.due_on.isoformat() if report.due_on else None,
    }


def _report(document: Mapping[str, Any]) -> Report:
    due_on = document["due_on"]
    return Report(
        **base_fields(document),
        **{name: document[name] for name in _REPORT_FIELDS},
        due_on=date.fromisoformat(due_on) if due_on else None,
    )
