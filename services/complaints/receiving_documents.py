"""The shapes in which a case's receiving is kept, and the rows of the complaint ledger as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.complaints.domain.carded import CardApproved
from services.complaints.domain.received import Opinion, ReceivedCase, Told
from services.complaints.domain.receiving.card import CardEntry
from services.complaints.domain.receiving.register import LedgerRow, Wanted
from services.complaints.domain.states import OPEN_STATES, CaseState
from shared.clocks import Deadline
from shared.mongo.bounds import at_most

Document = dict[str, Any]

#: What a row of the ledger is made of; the history, by far the most of a case, stays where it is.
LEDGER_FIELDS = dict.fromkeys(
    (
        *("org", "number", "contacts", "customer_id", "channel", "source", "regulation", "level", "state"),
        *("claim", "valid", "ground", "rounds", "repeats", "escalations", "handler", "taken_by"),
        *("received_at", "opened_at", "replied_at", "closed_at", "deadlines", "notes.kind", "notes.at"),
    ),
    1,
)
#: The newest first, and among those of one instant by their ids, so that a page goes on where the last one ended.
LEDGER_ORDER = [("received_at", -1), ("_id", -1)]

_FILTERS = {"source": "source", "level": "level", "state": "state", "problem": "claim.problem"}

#: The keys of an index for each thing the ledger is asked for, so that a page is read in order and nothing beside it.
LEDGER_KEYS = [
    [("org", 1), *LEDGER_ORDER],
    *([("org", 1), (field, 1), *LEDGER_ORDER] for field in _FILTERS.values()),
]

#: What is seldom there is kept only where it is.
_PLAIN = ("taken_by", "late_entry_at")


def ledger_query(org: str, wanted: Wanted) -> Document:
    """Return the question for a page of the ledger."""
    received: Document = {}
    query: Document = {"org": org}
    if wanted.received_from is not None:
        received["$gte"] = wanted.received_from
    if wanted.received_before is not None:
        received["$lt"] = wanted.received_before
    if wanted.after is not None:
        at, case_id = wanted.after
        # Bounded on both sides of the choice, so that the index is entered where the last page ended.
        received |= at_most(at)
        query["$or"] = [{"received_at": {"$lt": at}}, {"received_at": at, "_id": {"$lt": case_id}}]
    if received:
        query["received_at"] = received
    for name, field in _FILTERS.items():
        value = getattr(wanted, name)
        if value is not None:
            query[field] = value
    if wanted.state in {"open", "overdue"}:
        query["state"] = {"$in": [state.value for state in sorted(OPEN_STATES)]}
    if wanted.state == "overdue":
        query["overdue"] = True
    return query


def ledger_row(document: Mapping[str, Any]) -> LedgerRow:
    """Rebuild a row of the ledger from the fields it is made of."""
    claim = document["claim"]
    answered = [note["at"] for note in document["notes"] if note["kind"] in _RESPONSES]
    same = ("org", "number", "customer_id", "channel", "regulation", "level", "valid", "ground", "rounds")
    also = ("repeats", "handler", "received_at", "opened_at", "replied_at", "closed_at")
    return LedgerRow(
        case_id=document["_id"],
        contact_id=document["contacts"][0],
        source=document.get("source", document["channel"]),
        state=CaseState(document["state"]),
        problem=claim["problem"],
        complainant_type=claim["complainant_type"],
        demand=claim["demand"],
        taken_by=document.get("taken_by"),
        escalations=document.get("escalations", 0),
        first_response_at=min(answered, default=None),
        deadlines=tuple(Deadline.from_document(row) for row in document["deadlines"]),
        **{name: document[name] for name in (*same, *also)},
    )


#: Notes that say somebody spoke with the customer, or tried to.
_RESPONSES = frozenset({"contact", "interim_reply", "reply"})


def received_document(case: ReceivedCase) -> Document:
    """Return how a case was received, for its own document; what only some have is there only where it applies."""
    parts: Document = {
        **{name: getattr(case, name) for name in _PLAIN},
        "escalations": case.escalations,
        "opinion": None if case.opinion is None else asdict(case.opinion),
        "refusal_told": None if case.refusal_told is None else asdict(case.refusal_told),
        "card": {code: asdict(entry) for code, entry in case.card.items()},
        "card_approved": None if case.card_approved is None else asdict(case.card_approved),
        "recount": case.recount,
    }
    return {"source": case.source, **{name: part for name, part in parts.items() if part}}


def received_fields(document: Mapping[str, Any]) -> Document:
    """Return the constructor arguments of that part, from the case's document."""
    opinion, told = document.get("opinion"), document.get("refusal_told")
    approved = document.get("card_approved")
    return {
        **{name: document.get(name) for name in _PLAIN},
        # Cases of before there were sources came from their channel.
        "source": document.get("source", document["channel"]),
        "escalations": document.get("escalations", 0),
        "opinion": None if opinion is None else Opinion(**opinion),
        "refusal_told": None if told is None else Told(**told),
        "card": {code: CardEntry(**entry) for code, entry in document.get("card", {}).items()},
        "card_approved": None if approved is None else CardApproved(**approved),
        "recount": document.get("recount", False),
    }
