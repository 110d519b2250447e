"""Where intake keeps customers, contacts and rejected events: the only module of the service that knows pymongo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson.binary import Binary
from bson.decimal128 import Decimal128
from pymongo import ASCENDING, DESCENDING, IndexModel

from services.intake.customers_kept import CUSTOMER_INDEXES, CustomerDocuments
from services.intake.domain.contact import ComplaintClaim, Contact, Origin, Responsible
from services.intake.domain.customer import Customer
from services.intake.domain.files.blind import BlindIndex
from services.intake.domain.rejection import Rejection
from shared.aggregate import base_document, base_fields
from shared.errors import Conflict, Problem
from shared.forgetting import ERASED
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime, aggregate_store
from shared.mongo.serials import Serials
from shared.mongo.store import AggregateStore, Inserted, insert_in_turn

#: Series whose next serial is remembered; there is one a day for each organisation.


@dataclass(frozen=True, slots=True)
class Known:
    """What recognising a customer needs of its file."""

    id: str
    keys: tuple[str, ...]


class IntakeRepository:
    """Reads and writes the service's collections."""

    def __init__(self, runtime: Runtime, blind: BlindIndex) -> None:
        """Use the runtime's database, tickets and relay, and what hides phone numbers."""
        self._files = CustomerDocuments(blind)
        self._customers: AggregateStore = aggregate_store(runtime, "customers")
        self._contacts: AggregateStore = aggregate_store(runtime, "contacts")
        self._rejections: AggregateStore = aggregate_store(runtime, "rejected_events")
        self._serials = Serials(runtime)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and every uniqueness the service relies on."""
        self._customers.ensure_indexes(list(CUSTOMER_INDEXES))
        self._contacts.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("number", ASCENDING)], unique=True),
                IndexModel([("org", ASCENDING), ("received_at", DESCENDING)]),
                IndexModel([("customer_id", ASCENDING), ("received_at", DESCENDING)]),
            ]
        )
        self._rejections.ensure_indexes([IndexModel([("org", ASCENDING), ("rejected_at", DESCENDING)])])
        # For erasing, exports, and counting what one publisher sent that could not be taken.
        self._customers.ensure_indexes([IndexModel([("org", ASCENDING), ("_id", ASCENDING)])])
        by_publisher = [("org", ASCENDING), ("publisher", ASCENDING), ("rejected_at", ASCENDING)]
        # Only those recorded late are in it: registering in time costs nothing more.
        recorded_late: dict[str, Any] = {"partialFilterExpression": {"recorded_late": {"$exists": True}}}
        late_first = [("org", ASCENDING), ("recorded_late", ASCENDING), ("received_at", DESCENDING)]
        self._contacts.ensure_indexes([IndexModel(late_first, **recorded_late)])
        self._rejections.ensure_indexes(
            [IndexModel(by_publisher), IndexModel([("org", ASCENDING), ("_id", ASCENDING)])]
        )

    def customers_by_key(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the customer id for every one of ``keys`` that a file has."""
        if not keys:
            return {}
        lookup = self._files.blind.lookup(keys)
        with database_errors():
            rows = list(self._customers.collection.find({"keys": {"$in": list(lookup)}}, {"keys": 1}))
        return {lookup[key]: row["_id"] for row in rows for key in row["keys"] if key in lookup}

    def known_contacts(self, contact_ids: Sequence[str]) -> set[str]:
        """Return which of ``contact_ids`` are registered."""
        with database_errors():
            found = self._contacts.collection.find({"_id": {"$in": list(contact_ids)}}, {"_id": 1})
            return {row["_id"] for row in found}

    def origins(self, contact_ids: Sequence[str]) -> dict[str, Origin]:
        """Return whose contacts ``contact_ids`` are, as far as they are registered."""
        with database_errors():
            found = self._contacts.collection.find(
                {"_id": {"$in": list(contact_ids)}}, {"org": 1, "publisher": 1}
            )
            return {row["_id"]: Origin(row["org"], row["publisher"]) for row in found}

    def registered(self, contact_ids: Sequence[str]) -> list[Contact]:
        """Return those of the contacts that are registered, of whatever organisation."""
        rows = self._contacts.find_many({"_id": {"$in": list(contact_ids)}})
        return [_contact(row) for row in rows]

    def register(
        self,
        contacts: Sequence[Contact],
        customers: Sequence[Customer] = (),
        also: Sequence[tuple[AggregateStore, Sequence[Document]]] = (),
    ) -> Inserted:
        """Open the files of new ``customers``, then register contacts; those already there are reported as known.

        What is to be written ``also`` comes after the contacts, in the same go.
        Raises Conflict, and registers none, when another replica opened one of the files meanwhile.
        """
        results = insert_in_turn(
            [
                (self._customers, [self._files.to(customer) for customer in customers]),
                (self._contacts, [_contact_document(contact) for contact in contacts]),
                *also,
            ]
        )
        if results[0].known:
            message = "another replica opened the same customer's file at the same moment"
            raise Conflict(message)
        return results[1]

    def reject(self, rejections: Sequence[Rejection]) -> Inserted:
        """Keep rejected events; those already there are reported as known."""
        return self._rejections.insert([_rejection_document(rejection) for rejection in rejections])

    def reserve_serials(self, series: str, count: int) -> int:
        """Take ``count`` consecutive serials of ``series`` and return the first; never given out twice."""
        return self._serials.reserve(series, count)

    def contact(self, contact_id: str, org: str) -> Contact | None:
        """Return one contact of ``org``."""
        document = self._contacts.find(contact_id, org)
        return _contact(document) if document else None

    def contacts(
        self,
        org: str,
        *,
        category: str | None,
        received_from: datetime | None,
        limit: int,
        skip: int,
        phase: str | None = None,
        late: bool = False,
        categories: Sequence[str] | None = None,
        taken_by: Sequence[str] | None = None,
    ) -> list[Contact]:
        """Return a page of the contacts of ``org``, newest first; of ``categories``, ``taken_by`` these, ``late``."""
        query: dict[str, Any] = {"org": org}
        if category:
            query["category"] = category
        elif categories is not None:
            query["category"] = {"$in": list(categories)}
        if late:
            query["recorded_late"] = {"$exists": True}
        if taken_by is not None:
            query["first_responsible.staff"] = {"$in": list(taken_by)}
        if phase:
            query["phase"] = phase
        if received_from:
            query["received_at"] = {"$gte": received_from}
        rows = self._contacts.find_many(query, sort=[("received_at", DESCENDING)], limit=limit, skip=skip)
        return [_contact(row) for row in rows]

    def contacts_of(self, org: str, customer_id: str, *, limit: int, skip: int = 0) -> list[Contact]:
        """Return a page of one customer's contacts, newest first."""
        rows = self._contacts.find_many(
            {"customer_id": customer_id, "org": org},
            sort=[("received_at", DESCENDING)],
            limit=limit,
            skip=skip,
        )
        return [_contact(row) for row in rows]

    def contacted(self, org: str, customer_id: str) -> tuple[int, datetime | None]:
        """Return how many contacts a customer made, and when the last one was."""
        last = self.contacts_of(org, customer_id, limit=1)
        count = self._contacts.count({"customer_id": customer_id, "org": org})
        return count, last[0].received_at if last else None

    def count_by_category(
        self, org: str, received_from: datetime | None, received_before: datetime | None
    ) -> dict[str, int]:
        """Return how many contacts of each category ``org`` received in the stretch of time."""
        match: dict[str, Any] = {"org": org}
        bounds = {"$gte": received_from, "$lt": received_before}
        given = {operator: bound for operator, bound in bounds.items() if bound is not None}
        if given:
            match["received_at"] = given
        pipeline = [{"$match": match}, {"$group": {"_id": "$category", "count": {"$sum": 1}}}]
        with database_errors():
            return {row["_id"]: row["count"] for row in self._contacts.collection.aggregate(pipeline)}

    def customer(self, customer_id: str, org: str) -> Customer | None:
        """Return one customer's file of ``org``."""
        document = self._customers.find(customer_id, org)
        return self._files.of(document) if document else None

    def rejection(self, rejected_id: str, org: str) -> Rejection | None:
        """Return one rejected event kept under ``org``."""
        document = self._rejections.find(rejected_id, org)
        return _rejection(document) if document else None

    def rejections(self, org: str, *, limit: int, skip: int) -> list[Rejection]:
        """Return a page of the rejected events kept under ``org``, newest first."""
        rows = self._rejections.find_many(
            {"org": org}, sort=[("rejected_at", DESCENDING)], limit=limit, skip=skip
        )
        return [_rejection(row) for row in rows]

    def customers_after(self, org: str, after: str, limit: int) -> list[Customer]:
        """Return the files of ``org`` with ids after ``after``, by id, without those that were erased."""
        rows = self._customers.find_many(_kept(org) | _after(after), sort=_BY_ID, limit=limit)
        return [self._files.of(row) for row in rows]

    def count_customers(self, org: str) -> int:
        """Return how many files ``org`` has, without those that were erased."""
        return self._customers.count(_kept(org))

    def save_customer(self, customer: Customer, *, since_seq: int) -> None:
        """Write a changed file; Conflict if somebody else changed it meanwhile."""
        self._customers.replace(self._files.to(customer), since_seq=since_seq)

    def contacts_to_erase(self, customer_id: str, erased: str, limit: int) -> list[Contact]:
        """Return contacts of a customer whose text is not ``erased``."""
        query = {"customer_id": customer_id, "text": {"$ne": erased}}
        return [_contact(row) for row in self._contacts.find_many(query, limit=limit)]

    def contacts_erased(self, customer_id: str, request_id: str) -> int:
        """Return how many contacts of a customer an erasure emptied."""
        done = {"type": "personal_data_erased", "data.request_id": request_id}
        return self._contacts.count({"customer_id": customer_id, "history": {"$elemMatch": done}})

    def contact_ids(self, customer_id: str) -> list[str]:
        """Return the ids of a customer's contacts."""
        with database_errors():
            found = self._contacts.collection.find({"customer_id": customer_id}, {"_id": 1})
            return [row["_id"] for row in found]

    def save_contacts(self, changes: Sequence[tuple[Contact, int]]) -> tuple[str, ...]:
        """Write changed contacts; return the ids of those that somebody else changed meanwhile."""
        return self._contacts.replace_many([(_contact_document(row), since) for row, since in changes])

    def rejections_after(self, org: str, after: str, limit: int) -> list[Rejection]:
        """Return rejected events kept under ``org``, by id, with ids after ``after``."""
        query = {"org": org} | _after(after)
        return [_rejection(row) for row in self._rejections.find_many(query, sort=_BY_ID, limit=limit)]

    def save_rejections(self, changes: Sequence[tuple[Rejection, int]]) -> tuple[str, ...]:
        """Write changed rejected events; return the ids of those that somebody else changed meanwhile."""
        return self._rejections.replace_many([(_rejection_document(row), since) for row, since in changes])

    def known_rejections(self, ids: Sequence[str]) -> set[str]:
        """Return which of ``ids`` are kept."""
        with database_errors():
            return {
                row["_id"]
                for row in self._rejections.collection.find({"_id": {"$in": list(ids)}}, {"_id": 1})
            }

    def count_rejections(self, org: str, publisher: str, since: datetime) -> int:
        """Return how many events of ``publisher`` were kept as rejected since an instant."""
        return self._rejections.count({"org": org, "publisher": publisher, "rejected_at": {"$gte": since}})


_BY_ID = [("_id", ASCENDING)]


def _kept(org: str) -> dict[str, Any]:
    return {"org": org, "name": {"$ne": ERASED}}


def _after(last: str) -> dict[str, Any]:
    return {"_id": {"$gt": last}}


_CONTACT_FIELDS = (
    "number",
    "customer_id",
    "unit_id",
    "category",
    "channel",
    "text",
    "received_at",
    "registered_at",
    "routed_to",
    "target",
    "publisher",
)


def _contact_document(contact: Contact) -> Document:
    complaint = contact.complaint
    return {
        **base_document(contact),
        **{name: getattr(contact, name) for name in _CONTACT_FIELDS},
        "phase": contact.phase,
        "first_responsible": contact.first_responsible.as_data(),
        "complaint": None
        if complaint is None
        else complaint.as_data()
        | {"amount": None if complaint.amount is None else Decimal128(complaint.amount)},
        **({"recorded_late": contact.recorded_late} if contact.recorded_late else {}),
    }


def _contact(document: Mapping[str, Any]) -> Contact:
    complaint = document["complaint"]
    if complaint is not None:
        amount: Decimal | None = None if complaint["amount"] is None else complaint["amount"].to_decimal()
        complaint = ComplaintClaim(**{**complaint, "amount": amount})
    return Contact(
        **base_fields(document),
        **{name: document[name] for name in _CONTACT_FIELDS},
        phase=document.get("phase"),
        first_responsible=Responsible(**document["first_responsible"]),
        complaint=complaint,
        recorded_late=document.get("recorded_late"),
    )


_REJECTION_FIELDS = ("event_id", "event_type", "publisher", "size", "rejected_at")


def _rejection_document(rejection: Rejection) -> Document:
    return {
        **base_document(rejection),
        **{name: getattr(rejection, name) for name in _REJECTION_FIELDS},
        "reasons": [problem.as_dict() for problem in rejection.reasons],
        "body": Binary(rejection.body),
    }


def _rejection(document: Mapping[str, Any]) -> Rejection:
    return Rejection(
        **base_fields(document),
        **{name: document[name] for name in _REJECTION_FIELDS},
        reasons=tuple(Problem(**row) for row in document["reasons"]),
        body=bytes(document["body"]),
    )
