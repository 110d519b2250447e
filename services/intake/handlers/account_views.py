"""The JSON shapes of clients, searches, conflicts, mergers, gradings and allocations."""

from __future__ import annotations

from typing import Any

from services.intake.domain.same.account import Account
from services.intake.domain.same.allocation import Allocation
from services.intake.domain.same.conflict import ConflictCase
from services.intake.domain.same.grading import Card, Grading
from services.intake.domain.same.merge import Merge
from services.intake.domain.same.names import parse_licence
from services.intake.domain.same.search import Search
from shared.history import timestamp
from shared.identity import mask_name, mask_phone


def search_view(search: Search) -> dict[str, Any]:
    """Return a search and what it found."""
    return {
        "search_id": search.id,
        "kind": search.kind.value,
        "searched_at": timestamp(search.searched_at),
        "hits": search.hits,
        "candidates": [
            {
                "account_id": each.account_id,
                "hit": each.hit,
                "points": each.points,
                "reasons": list(each.reasons),
            }
            for each in search.candidates
        ],
    }


def entered_view(account: Account) -> dict[str, Any]:
    """Return what commands on a client answer."""
    return {
        "account_id": account.id,
        "owner": account.owner,
        "pool": account.pool,
        "protected": account.protected,
        "contract": account.contract.value,
        "state": account.state,
        "proposed": None if account.proposal is None else account.proposal.to,
    }


def account_view(account: Account, *, full: bool) -> dict[str, Any]:
    """Return a client; personal data masked unless ``full``."""
    particulars = account.particulars
    phone, person = particulars.phone or "", particulars.contact_name or ""
    parts = None if particulars.name is None else parse_licence(particulars.name)
    return entered_view(account) | {
        "customer_id": account.customer_id,
        "conflict_id": account.conflict_id,
        "name": particulars.name,
        "parts": None
        if parts is None
        else {name: getattr(parts, name) for name in ("region", "trade", "industry", "form")},
        "region": particulars.region,
        "phone": phone if full else mask_phone(phone),
        "contact_name": person if full else mask_name(person),
        "entered_at": timestamp(account.entered_at),
        "contract_since": None if account.contract_since is None else account.contract_since.isoformat(),
        "state_since": None if account.state_since is None else timestamp(account.state_since),
        "owners": [
            {"owner": each.owner, "pool": each.pool, "since": timestamp(each.since)}
            for each in account.owners
        ],
        "grades": [
            {"kind": each.kind, "grade": each.grade, "by": each.by, "at": timestamp(each.at)}
            for each in account.grades
        ],
        "clocks": account.clock_view(),
    }


def conflict_view(conflict: ConflictCase) -> dict[str, Any]:
    """Return a conflict, without the evidence."""
    return {
        "conflict_id": conflict.id,
        "kind": conflict.kind.value,
        "stage": conflict.stage.value,
        "claimant": conflict.claimant,
        "against": list(conflict.against),
        "regions": list(conflict.regions),
        "confirmed": [each.region for each in conflict.votes],
        "outcome": None if conflict.outcome is None else conflict.outcome.value,
        "arbitrated": conflict.arbitrated,
        "raised_at": timestamp(conflict.raised_at),
        "due_at": None if conflict.due_at is None else timestamp(conflict.due_at),
        "clocks": conflict.clock_view(),
    }


def merge_view(merge: Merge) -> dict[str, Any]:
    """Return a merger."""
    return {
        "merge_id": merge.id,
        "stays": merge.stays,
        "goes": merge.goes,
        "state": merge.state.value,
        "requested_by": merge.requested_by,
        "requested_at": timestamp(merge.requested_at),
    }


def card_view(card: Card) -> dict[str, Any]:
    """Return a card with its level and proof."""
    return {
        "subject": card.subject,
        "score": str(card.score),
        "level": card.level,
        "marks": [
            {"dimension": each.dimension, "points": each.points, "evidence": each.evidence}
            for each in card.marks
        ],
    }


def grading_view(grading: Grading) -> dict[str, Any]:
    """Return a round and how many it puts into each level."""
    levels = [str(card.level) for card in grading.cards]
    return {
        "grading_id": grading.id,
        "period": grading.period,
        "state": grading.state.value,
        "proposed_at": timestamp(grading.proposed_at),
        "decided_at": None if grading.decided_at is None else timestamp(grading.decided_at),
        "split": [{"level": level, "count": levels.count(level)} for level in dict.fromkeys(levels)],
        "contacts": [{"level": level, "staff": staff} for level, staff in grading.contacts.items()],
    }


def allocation_view(allocation: Allocation) -> dict[str, Any]:
    """Return a list and who has what of it."""
    return {
        "allocation_id": allocation.id,
        "kind": allocation.kind,
        "listed_at": timestamp(allocation.listed_at),
        "allocated_at": None if allocation.allocated_at is None else timestamp(allocation.allocated_at),
        "late": allocation.late,
        "overdue": allocation.overdue,
        "subjects": [
            {
                "id": each.id,
                "region": each.region,
                "channel": each.channel,
                "screened": each.screened,
                "staff": each.staff,
                "contacted_at": None if each.contacted_at is None else timestamp(each.contacted_at),
                "due_at": None if (due := allocation.due(each.id)) is None else timestamp(due),
            }
            for each in allocation.subjects
        ],
    }
