"""Where complaints keeps its cases: the only module of the service that knows pymongo."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bson.decimal128 import Decimal128
from pymongo import ASCENDING, DESCENDING, IndexModel

from services.complaints.counting import count_written
from services.complaints.domain.case import Case
from services.complaints.domain.claim import Claim, Note
from services.complaints.domain.entrusted import Judgement
from services.complaints.domain.listing import Listing
from services.complaints.domain.path.rules import Taken
from services.complaints.domain.receiving.register import LedgerRow, Wanted
from services.complaints.domain.states import OPEN_STATES, CaseState
from services.complaints.investigation_documents import investigated_document, investigated_fields
from services.complaints.matters import Matters, Waiting, matter_document
from services.complaints.offer_documents import settled_document, settled_fields
from services.complaints.receiving_documents import (
    LEDGER_FIELDS,
    LEDGER_KEYS,
    LEDGER_ORDER,
    ledger_query,
    ledger_row,
    received_document,
    received_fields,
)
from services.complaints.sheets import Sheet, page_of
from services.complaints.supervision_documents import supervision_document, supervision_fields
from shared.aggregate import base_document, base_fields
from shared.clocks import Deadline, State
from shared.errors import Conflict
from shared.ids import derived_id
from shared.mongo.bounds import at_most
from shared.mongo.client import Document, database_errors
from shared.mongo.kept import between
from shared.mongo.runtime import Runtime, aggregate_store
from shared.mongo.store import Inserted

_OPEN = [state.value for state in sorted(OPEN_STATES)]
_STATES = [state.value for state in sorted(CaseState)]
#: What no list shows, as it is in a case that was read without it.
_UNLISTED: Mapping[str, Sequence[Any]] = {
    "history": (),
    "processed": (),
    "answers": (),
    "notes": (),
    "taken": (),
}


def open_key(org: str, customer_id: str, problem: str) -> str:
    """Return what two open cases may never share: the same customer with the same problem."""
    return derived_id("ok", org, customer_id, problem)


#: Before any case there is.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class CaseRepository:
    """Reads and writes the collection of cases."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self._store = aggregate_store(runtime, "cases")
        self._matters = Matters(self._store)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and every uniqueness the service relies on."""
        self._store.ensure_indexes(
            [
                IndexModel([("contacts", ASCENDING)], unique=True),
                IndexModel([("open_key", ASCENDING)], unique=True, sparse=True),
                IndexModel([("matter_id", ASCENDING)]),
                IndexModel([("tier", ASCENDING)], sparse=True),
                IndexModel([("awaiting", ASCENDING)], sparse=True),
                IndexModel([("next_due", ASCENDING)], sparse=True),
                IndexModel([("open_calendars", ASCENDING)], sparse=True),
                # The list by organisation, and by state, goes by two of these.
                *(IndexModel(keys) for keys in LEDGER_KEYS),
                IndexModel(
                    [
                        ("org", ASCENDING),
                        ("level", ASCENDING),
                        ("state", ASCENDING),
                        ("received_at", DESCENDING),
                    ]
                ),
                IndexModel(
                    [("org", ASCENDING), ("overdue", ASCENDING), ("received_at", DESCENDING)],
                    partialFilterExpression={"overdue": True},
                ),
                IndexModel(
                    [
                        ("org", ASCENDING),
                        ("handler", ASCENDING),
                        ("state", ASCENDING),
                        ("received_at", DESCENDING),
                    ]
                ),
                IndexModel([("org", ASCENDING), ("due_at", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("supervisors", ASCENDING), ("received_at", ASCENDING)]),
                IndexModel([("recount", ASCENDING)], sparse=True),
            ]
        )

    def contacts_known(self, contact_ids: Sequence[str]) -> dict[str, str]:
        """Return, for every contact that has a case, the matter of that case."""
        wanted = set(contact_ids)
        found: dict[str, str] = {}
        with database_errors():
            rows = self._store.collection.find(
                {"contacts": {"$in": list(wanted)}}, {"contacts": 1, "matter_id": 1}
            )
            for row in rows:
                found |= {contact: row["matter_id"] for contact in row["contacts"] if contact in wanted}
        return found

    def open_cases_of(self, persons: Collection[tuple[str, str, str]]) -> list[Case]:
        """Return the open cases of (organisation, customer, problem)."""
        if not persons:
            return []
        keys = sorted({open_key(*person) for person in persons})
        return [case_of(row) for row in self._store.find_many({"open_key": {"$in": keys}})]

    def insert(self, cases: Sequence[Case]) -> Inserted:
        """Write new cases; those already there, or whose customer has an open one meanwhile, are reported as known."""
        return self._store.insert([document_of(case) for case in cases])

    def save(self, case: Case, *, since_seq: int) -> None:
        """Write a changed case; raises Conflict if somebody else changed it, or opened its like meanwhile."""
        if self.save_all([(case, since_seq)]):
            message = f"{case.id} was changed by somebody else: read it again"
            raise Conflict(message)

    def save_all(self, changes: Sequence[tuple[Case, int]]) -> tuple[str, ...]:
        """Write several changed cases and return the ids of those not written because somebody came before.

        That is whoever changed the case, opened another of the same customer and problem, or took its
        contact into another.
        """
        documents = [(document_of(case), since) for case, since in changes]
        lost = self._store.replace_many(documents)
        count_written(written for written in documents if written[0]["_id"] not in lost)
        return lost

    def waiting(self, matter_ids: Collection[str]) -> list[Waiting]:
        """Return the open cases of the matters that more households could lift."""
        return self._matters.waiting(matter_ids)

    def homes(self, enough: Mapping[str, int], *, but: str | None = None) -> dict[str, set[str]]:
        """Return the households of each matter, or at least ``enough`` of them, those of the case ``but`` left out."""
        return self._matters.count(enough, but=but)

    def households(self, matter_ids: Collection[str]) -> dict[str, int]:
        """Return how many households each of the matters has, those of complaints found not valid left out."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"matter_id": {"$in": list(matter_ids)}, "valid": {"$ne": False}}},
            {"$group": {"_id": {"matter": "$matter_id", "home": {"$ifNull": ["$unit_id", "$customer_id"]}}}},
            {"$group": {"_id": "$_id.matter", "count": {"$sum": 1}}},
        ]
        with database_errors():
            rows = self._store.collection.aggregate(pipeline)
            return {row["_id"]: row["count"] for row in rows}

    def get(self, case_id: str, org: str) -> Case | None:
        """Return one case of ``org``."""
        document = self._store.find(case_id, org)
        return case_of(document) if document else None

    def of_contact(self, contact_id: str, org: str) -> Case | None:
        """Return the case of ``org`` that a contact opened or joined."""
        rows = self._store.find_many({"contacts": contact_id, "org": org}, limit=1)
        return case_of(rows[0]) if rows else None

    def get_many(self, case_ids: Collection[str]) -> dict[str, Case]:
        """Return cases by id, of whatever organisation; for events, whose organisation the case itself tells."""
        if not case_ids:
            return {}
        rows = self._store.find_many({"_id": {"$in": list(case_ids)}})
        return {row["_id"]: case_of(row) for row in rows}

    def page(self, org: str, after: str, limit: int) -> list[Sheet[Case]]:
        """Return the cases of ``org`` whose ids come after ``after``, by id, unreadable ones among them."""
        return page_of(self._store, case_of, org, after, limit)

    def count(self, org: str) -> int:
        """Return how many cases ``org`` has."""
        return self._store.count({"org": org})

    def due(self, now: datetime, limit: int) -> list[Case]:
        """Return cases with a clock that fires at or before ``now``, the longest due first."""
        query = {"next_due": at_most(now)}
        return [
            case_of(row) for row in self._store.find_many(query, sort=[("next_due", ASCENDING)], limit=limit)
        ]

    def behind(self, current: Collection[str], limit: int, *, skip: Collection[str] = ()) -> list[Case]:
        """Return cases, but for those of the ids ``skip``, with an open clock of a calendar not in ``current``."""
        found: dict[str, Case] = {}
        for first, end in between(current):
            # A question for each stretch, and nothing in it but its bounds: anything more, a negation above
            # all, makes a server read every case.
            query = {"open_calendars": {"$gte": first, "$lt": end}}
            rows = self._store.find_many(query, limit=limit + len(skip))
            found |= {row["_id"]: case_of(row) for row in rows if row["_id"] not in skip}
            if len(found) >= limit:
                break
        return list(found.values())[:limit]

    def listed(self, org: str, listing: Listing, *, limit: int, skip: int) -> list[Case]:
        """Return a page of the cases of ``org`` that ``listing`` asks for.

        They are for showing only: what no list shows, their history above all, is not read and is empty.
        """
        query: dict[str, Any] = {"org": org}
        asked = {"level": listing.level, "matter_id": listing.matter_id, "handler": listing.handler}
        query |= {name: value for name, value in asked.items() if value is not None}
        if listing.state == "overdue":
            # Only open cases are ever marked so; anything more here, and the index of the overdue is not used.
            query["overdue"] = True
        elif listing.state == "open" or (listing.state is None and listing.handler is not None):
            query["state"] = {"$in": _OPEN}
        elif listing.state:
            query["state"] = listing.state
        elif listing.level:
            # All states are as good as none, but with them the index gives the order.
            query["state"] = {"$in": _STATES}
        order = ("received_at", DESCENDING)
        if listing.due_before is not None:
            # Bounded below as well: some servers else read the entry of every case that has no clock.
            query["due_at"] = {"$gt": _EVER, "$lt": listing.due_before}
            order = ("due_at", ASCENDING)
        rows = self._store.find_many(query, sort=[order], limit=limit, skip=skip, without=tuple(_UNLISTED))
        return [case_of({**row, **_UNLISTED}) for row in rows]

    def supervised(
        self, org: str, *, supervisor: str | None, overdue: bool | None, limit: int, skip: int
    ) -> list[Case]:
        """Return a page of the open cases under supervision, the oldest first."""
        query: dict[str, Any] = {"org": org, "supervisors": supervisor or {"$exists": True}}
        query |= {} if overdue is None else {"overdue": overdue}
        rows = self._store.find_many(query, sort=[("received_at", ASCENDING)], limit=limit, skip=skip)
        return [case_of(row) for row in rows]

    def ledger(self, org: str, wanted: Wanted) -> list[LedgerRow]:
        """Return a page of the complaint ledger, the newest first."""
        with database_errors():
            found = self._store.collection.find(ledger_query(org, wanted), LEDGER_FIELDS)
            return [ledger_row(row) for row in found.sort(LEDGER_ORDER).limit(wanted.limit)]

    def to_recount(self, limit: int) -> list[Case]:
        """Return cases whose matter still has to be counted anew."""
        return [case_of(row) for row in self._store.find_many({"recount": True}, limit=limit)]

    def summary(self, org: str) -> list[dict[str, Any]]:
        """Return the number of cases by level and state, and how many of each are overdue."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"org": org}},
            {
                "$group": {
                    "_id": {"level": "$level", "state": "$state"},
                    "count": {"$sum": 1},
                    "overdue": {"$sum": {"$cond": ["$overdue", 1, 0]}},
                }
            },
        ]
        with database_errors():
            rows = list(self._store.collection.aggregate(pipeline))
        return [{**row["_id"], "count": row["count"], "overdue": row["overdue"]} for row in rows]

    def open_count(self, org: str, level: str | None = None) -> int:
        """Return how many cases of ``org`` are open, at ``level`` or at all."""
        query: dict[str, Any] = {"org": org} | ({} if level is None else {"level": level})
        return self._store.count({**query, "state": {"$in": _OPEN}})

    def missed(self, org: str) -> list[datetime]:
        """Return of every case of ``org`` that is overdue the first due instant that was missed."""
        shown = {"deadlines.due_at": 1, "deadlines.state": 1}
        with database_errors():
            # Nothing more in the question, or the index of the overdue is not used.
            rows = list(self._store.collection.find({"org": org, "overdue": True}, shown))
        missed = (
            [each["due_at"] for each in row["deadlines"] if each["state"] == State.BREACHED.value]
            for row in rows
        )
        return [min(each) for each in missed if each]


_PLAIN = (
    "number",
    "contacts",
    "customer_id",
    "unit_id",
    "channel",
    "matter_id",
    "regulation",
    "profile",
    "level",
    "received_at",
    "opened_at",
    "valid",
    "ground",
    "households",
    "repeats",
    "rounds",
    "handler",
    "prevention",
    "replied_at",
    "closed_at",
)


def document_of(case: Case) -> Document:
    """Return the shape kept in the database; what only an open case has is there only while it applies."""
    claim = case.claim
    document = {
        **base_document(case),
        **{name: getattr(case, name) for name in _PLAIN},
        "state": case.state.value,
        "overdue": case.overdue,
        "claim": {
            "problem": claim.problem,
            "complainant_type": claim.complainant_type,
            "ground": claim.ground,
            "demand": claim.demand,
            "amount": None if claim.amount is None else Decimal128(claim.amount),
            "media": claim.media,
            "lawsuit": claim.lawsuit,
        },
        "deadlines": [deadline.as_document() for deadline in case.deadlines],
        "notes": [{"kind": n.kind, "text": n.text, "actor": n.actor, "at": n.at} for n in case.notes],
        "taken": [
            {"step": t.step, "by": t.by, "role": t.role, "at": t.at, "fields": dict(t.fields), "void": t.void}
            for t in case.taken
        ],
    }
    document |= settled_document(case)
    document |= supervision_document(case)
    document |= received_document(case)
    document |= investigated_document(case)
    document |= matter_document(case)
    if case.waits_to_close is not None:
        document["waits_to_close"] = case.waits_to_close
    if case.is_open:
        document["open_key"] = open_key(case.org, case.customer_id, claim.problem)
    if case.judged is not None:
        document["judged"] = asdict(case.judged)
    if case.due_at is not None:
        document["due_at"] = case.due_at
    if case.next_due is not None:
        document["next_due"] = case.next_due
    if case.open_calendars:
        document["open_calendars"] = case.open_calendars
    return document


def case_of(document: Mapping[str, Any]) -> Case:
    """Rebuild a case from the shape kept in the database."""
    claim = dict(document["claim"])
    if claim["amount"] is not None:
        claim["amount"] = claim["amount"].to_decimal()
    return Case(
        **base_fields(document),
        **{name: document[name] for name in _PLAIN},
        state=CaseState(document["state"]),
        claim=Claim(**claim),
        deadlines=[Deadline.from_document(row) for row in document["deadlines"]],
        notes=[Note(**row) for row in document["notes"]],
        # Cases of before there were paths have taken none of their steps.
        taken=[Taken(**row) for row in document.get("taken", ())],
        waits_to_close=document.get("waits_to_close"),
        next_border=document.get("next_border"),
        judged=Judgement(**document["judged"]) if "judged" in document else None,
        **settled_fields(document),
        **supervision_fields(document),
        **received_fields(document),
        **investigated_fields(document),
    )
