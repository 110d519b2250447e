"""The shapes in which offers, delegations and what a case knows of them are kept; sums are Decimal128."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.complaints.domain.money.delegation import Delegation
from services.complaints.domain.money.file import Movement, Paper
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.money.rules import Danger, Way
from services.complaints.domain.money.states import MovementKind, OfferState
from services.complaints.domain.money.terms import Goods, Terms
from services.complaints.domain.settled import Filing, OfferFact, SettledCase
from shared.aggregate import base_document, base_fields
from shared.authority import Mandate, Signature
from shared.clocks import Deadline
from shared.mongo.decimals import kept, read

Document = dict[str, Any]

_OFFER = (
    "case_id",
    "matter_id",
    "source",
    "regulation",
    "proposed_by",
    "proposed_at",
    "level",
    "authority",
    "basis",
    "revision",
    "approved_at",
    "ended_by",
    "ended_at",
    "note",
    "opened",
    "stood",
    "told",
)


def offer_document(offer: Offer) -> Document:
    """Return the shape of an offer; what only some have is there only while it applies."""
    terms = offer.terms
    document = {
        **base_document(offer),
        **{name: getattr(offer, name) for name in _OFFER},
        "terms": {**asdict(terms), "amount": kept(terms.amount), "goods": [asdict(g) for g in terms.goods]},
        "total": kept(offer.total),
        "state": offer.state.value,
        "committed": offer.committed,
        "authors": list(offer.authors),
        "awaits": list(offer.awaits),
        "signatures": [asdict(signature) for signature in offer.signatures],
        "signed": None if offer.signed is None else asdict(offer.signed),
        "to_file": list(offer.to_file),
        "filed": [asdict(paper) for paper in offer.filed],
        "movements": [
            {**asdict(movement), "kind": movement.kind.value, "amount": kept(movement.amount)}
            for movement in offer.movements
        ],
        "deadlines": [deadline.as_document() for deadline in offer.deadlines],
    }
    if offer.pending:
        document["pending"] = True
    if offer.next_due is not None:
        document["next_due"] = offer.next_due
    return document


def offer_of(document: Mapping[str, Any]) -> Offer:
    """Rebuild an offer."""
    terms = document["terms"]
    signed = document["signed"]
    return Offer(
        **base_fields(document),
        **{name: document[name] for name in _OFFER},
        terms=Terms(
            **{
                **terms,
                "amount": read(terms["amount"]),
                "goods": tuple(Goods(**row) for row in terms["goods"]),
            }
        ),
        total=read(document["total"]),
        state=OfferState(document["state"]),
        authors=tuple(document["authors"]),
        awaits=tuple(document["awaits"]),
        signatures=[Signature(**row) for row in document["signatures"]],
        signed=None if signed is None else Paper(**signed),
        to_file=tuple(document["to_file"]),
        filed=[Paper(**row) for row in document["filed"]],
        movements=[
            Movement(**{**row, "kind": MovementKind(row["kind"]), "amount": read(row["amount"])})
            for row in document["movements"]
        ],
        deadlines=[Deadline.from_document(row) for row in document["deadlines"]],
    )


def delegation_document(delegation: Delegation) -> Document:
    """Return the shape of a delegation."""
    mandate = delegation.mandate
    return {
        **base_document(delegation),
        "principal": mandate.principal,
        "delegate": mandate.delegate,
        "role": mandate.role,
        "limit": kept(mandate.limit),
        "since": mandate.since,
        "until": mandate.until,
        "revoked_at": mandate.revoked_at,
        "source": delegation.source,
        "granted_at": delegation.granted_at,
    }


def delegation_of(document: Mapping[str, Any]) -> Delegation:
    """Rebuild a delegation."""
    names = ("principal", "delegate", "role", "since", "until", "revoked_at")
    mandate = Mandate(
        id=document["_id"], limit=read(document["limit"]), **{name: document[name] for name in names}
    )
    return Delegation(
        **base_fields(document),
        mandate=mandate,
        source=document["source"],
        granted_at=document["granted_at"],
    )


def settled_document(case: SettledCase) -> Document:
    """Return what a case knows of its offers, for its own document; empty where it knows nothing."""
    parts: Document = {
        "offers": {offer_id: [fact.seq, fact.open] for offer_id, fact in case.offers.items()},
        "filings": [{**asdict(filing), "way": filing.way.value} for filing in case.filings],
        "dangers": [danger.value for danger in case.dangers],
        "accused": list(case.accused),
    }
    return {name: part for name, part in parts.items() if part}


def settled_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constructor arguments of that part, from the case's document."""
    return {
        "offers": {
            offer_id: OfferFact(seq, is_open)
            for offer_id, (seq, is_open) in document.get("offers", {}).items()
        },
        "filings": [Filing(**{**row, "way": Way(row["way"])}) for row in document.get("filings", ())],
        "dangers": tuple(Danger(value) for value in document.get("dangers", ())),
        "accused": tuple(document.get("accused", ())),
    }
