"""Where requests are kept, listed and counted, and which contacts still wait for theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError

from services.intake.domain.requests.request import Request
from shared.mongo.client import Document, database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import AggregateStore

_PLACES: Mapping[str, str] = {
    "kind": "opening.kind",
    "channel": "opening.channel",
    "subtype": "opening.subtype",
    "unit": "owner.unit",
    "department": "parts.unit",
    "level": "level",
    "stage": "stage",
}
_DUPLICATE_KEY = 11000
_DOCUMENTS = Documents(Request)
#: Before any request there is.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_QUEUE = [("rank", ASCENDING), ("opening.opened_at", ASCENDING)]
_ORDERS: Mapping[str, list[tuple[str, int]]] = {
    "queue": _QUEUE,
    "due": [("due_at", ASCENDING)],
    "newest": [("opening.opened_at", DESCENDING)],
}


def _document(request: Request) -> Document:
    """Return the document of a request; one beside which others may be open is in no index of those that are sole."""
    document = _DOCUMENTS.to(request)
    if document["sole"] is None:
        del document["sole"]
    return document


def _list_index(head: str, **options: Any) -> IndexModel:
    """Return the index of the lists of those with one and the same ``head``, in order of service."""
    return IndexModel([("org", ASCENDING), (head, ASCENDING), ("closed_at", ASCENDING), *_QUEUE], **options)


class RequestsKept(Kept[Request]):
    """The collection of requests."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database and ensure the indexes of every list."""
        super().__init__(runtime, "requests", _document, _DOCUMENTS.of)
        self._awaited = runtime.database["awaited_requests"]
        lists = [
            # Those whom nobody has yet are a list of their own.
            *(_list_index(head) for head in ("owner.staff", "opening.customer_id")),
            # Most new requests have none of these, and are not in the index then.
            *(
                _list_index(head, name=f"only {head}", partialFilterExpression={head: {"$gt": ""}})
                for head in ("owner.unit", "first_responsible.staff", "parts.unit")
            ),
        ]
        general = [
            IndexModel([("org", ASCENDING), ("closed_at", ASCENDING), *_QUEUE]),
            IndexModel([("org", ASCENDING), ("opening.opened_at", DESCENDING)]),
            IndexModel([("org", ASCENDING), ("due_at", ASCENDING)], sparse=True),
            IndexModel([("sole", ASCENDING)], unique=True, sparse=True),
        ]
        self.store.ensure_indexes([*TIMED_INDEXES, *general, *lists])
        with database_errors():
            self._awaited.create_indexes([IndexModel([("at", ASCENDING)])])

    def step(self, requests: Sequence[Request]) -> tuple[AggregateStore, list[Document]]:
        """Return the requests as a step of a write that spans several collections."""
        return self.store, [_document(request) for request in requests]

    def outlines(self, request_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return of those of the requests that are there the version of the rulebook and the kind, in one read."""
        fields = {"regulation": 1, "opening.kind": 1}
        with database_errors():
            rows = list(self.store.collection.find({"_id": {"$in": list(request_ids)}}, fields))
        return {row["_id"]: (row["regulation"], row["opening"]["kind"]) for row in rows}

    def unanswered_beside(self, request: Request) -> list[Request]:
        """Return the other requests of the same customer and kind without an answer when this one was asked for."""
        later = {"$gt": request.asked_at}
        customer = request.opening.customer_id
        of_customer = {"org": request.org, "opening.customer_id": customer}
        query = {
            "opening.kind": request.opening.kind,
            "_id": {"$ne": request.id},
            "$or": [
                {"replied_at": None, "closed_at": None},
                {"replied_at": None, "closed_at": later},
                {"replied_at": later},
            ],
        }
        found = [] if customer is None else self.store.find_within(of_customer, query)
        return [self.read(document) for document in found]

    def same_open(self, org: str, customer_id: str, kind: str) -> Request | None:
        """Return an open request of a kind that a customer has already."""
        of_customer = {"org": org, "opening.customer_id": customer_id, "closed_at": None}
        found = self.store.find_within(of_customer, {"opening.kind": kind}, limit=1)
        return next((self.read(document) for document in found), None)

    def await_all(self, contacts: Sequence[tuple[str, str, datetime]]) -> None:
        """Note contacts that will have a request, each with its organisation and time, before either is written.

        Small notes of their own: marking the contacts themselves would write every index of theirs twice more.
        """
        rows = [{"_id": key, "org": org, "at": at, "since": at} for key, org, at in contacts]
        try:
            with database_errors():
                self._awaited.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            # Noted already, by an earlier attempt to write the same batch.
            if any(failure["code"] != _DUPLICATE_KEY for failure in error.details["writeErrors"]):
                raise

    def unsettled(self, limit: int) -> list[tuple[str, str, datetime]]:
        """Return id, organisation and time of contacts whose request has not been looked after, oldest first."""
        with database_errors():
            found = list(self._awaited.find({}).sort("at", ASCENDING).limit(limit))
        return [(row["_id"], row["org"], row["since"]) for row in found]

    def put_off(self, contact_ids: Sequence[str], now: datetime) -> None:
        """Let these contacts wait behind all others."""
        with database_errors():
            self._awaited.update_many({"_id": {"$in": list(contact_ids)}}, {"$set": {"at": now}})

    def settle(self, contact_ids: Sequence[str]) -> None:
        """Note that these contacts have their requests."""
        with database_errors():
            self._awaited.delete_many({"_id": {"$in": list(contact_ids)}})

    def page(
        self, org: str, asked: Mapping[str, Any], hidden: Sequence[str], *, order: str, limit: int, skip: int
    ) -> list[Request]:
        """Return a page of requests in ``order``: queue, due or newest; none of the units ``hidden``."""
        query = {"org": org} | _query(asked)
        if hidden:
            query.setdefault("$and", []).append({"owner.unit": {"$nin": list(hidden)}})
        return self.find(query, sort=_ORDERS[order], limit=limit, skip=skip)

    def counted(self, org: str, by: str, asked: Mapping[str, Any]) -> dict[str, int]:
        """Return how many requests there are for each value of ``by``; those without one are ``none``."""
        place = _PLACES[by]
        pipeline: list[dict[str, Any]] = [{"$match": {"org": org} | _query(asked)}]
        if by == "department":
            pipeline.append({"$unwind": "$parts"})
        pipeline.append({"$group": {"_id": f"${place}", "count": {"$sum": 1}}})
        with database_errors():
            rows = list(self.store.collection.aggregate(pipeline))
        return {row["_id"] or "none": row["count"] for row in rows}


#: What narrows lists down by a value of its own.
_ASKED: Mapping[str, str] = {
    **{name: _PLACES[name] for name in ("kind", "subtype", "unit", "department", "level")},
    "customer_id": "opening.customer_id",
    "staff": "owner.staff",
}
#: Said as a comparison, or the embedded database takes no index for it that holds only some of the requests.
_OPEN: Document = {"closed_at": {"$eq": None}}
_STATES: Mapping[str, Document] = {
    "open": _OPEN,
    "closed": {"closed_at": {"$ne": None}},
    "overdue": _OPEN | {"overdue": True},
    "unassigned": {"closed_at": None, "owner.staff": None},
}


def _query(asked: Mapping[str, Any]) -> dict[str, Any]:
    query = {place: asked[name] for name, place in _ASKED.items() if asked.get(name)}
    query |= _STATES.get(asked.get("state") or "", {})
    if asked.get("mine"):
        whose = [{"owner.staff": asked["mine"]}, {"first_responsible.staff": asked["mine"]}]
        query["$and"] = [{"$or": whose}]
    if asked.get("kinds"):
        query.setdefault("opening.kind", {"$in": asked["kinds"]})
    if asked.get("units"):
        query.setdefault("$and", []).append({"$or": _reaching(asked["units"], asked["reader"])})
    if asked.get("due_before"):
        # Bounded below as well: some servers else read the entry of every request that has no clock.
        query["due_at"] = {"$gt": _EVER, "$lt": asked["due_before"]}
    bounds = {"$gte": asked.get("opened_from"), "$lt": asked.get("opened_before")}
    given = {operator: bound for operator, bound in bounds.items() if bound is not None}
    if given:
        query["opening.opened_at"] = given
    return query


def _reaching(units: Sequence[str], reader: str) -> list[Document]:
    """Return what makes a request one of ``units``, or of ``reader`` personally."""
    offered = {"passed": {"$elemMatch": {"to.unit": {"$in": units}, "accepted_at": None}}}
    mine = [{place: reader} for place in ("owner.staff", "first_responsible.staff", "helpers.staff")]
    return [{"owner.unit": {"$in": units}}, {"parts.unit": {"$in": units}}, offered, *mine]
