"""What a database makes of a listing, on cases in memory."""

from __future__ import annotations

from collections.abc import Iterable

from services.complaints.domain.case import Case
from services.complaints.domain.listing import Listing


def page(cases: Iterable[Case], listing: Listing, limit: int, skip: int) -> list[Case]:
    """Return the page of ``cases``, all of one organisation, that ``listing`` asks for."""
    found = [case for case in cases if _shown(case, listing)]
    if listing.due_before is None:
        found.sort(key=lambda case: case.received_at, reverse=True)
    else:
        found.sort(key=lambda case: (case.due_at is None, case.due_at))
    return found[skip : skip + limit]


def _shown(case: Case, listing: Listing) -> bool:
    states = {None: True, "open": case.is_open, "overdue": case.overdue}
    due = listing.due_before
    return (
        bool(states.get(listing.state, case.state == listing.state))
        and listing.level in {None, case.level}
        and listing.matter_id in {None, case.matter_id}
        and (listing.handler is None or (listing.handler == case.handler and case.is_open))
        and (due is None or (case.due_at is not None and case.due_at < due))
    )
