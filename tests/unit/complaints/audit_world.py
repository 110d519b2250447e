"""Auditing without broker and database: what is kept, meddled with by the test, and what the audit says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from marshmallow import RAISE

from services.complaints.disputes import DisputeRepository
from services.complaints.domain.auditing.findings import Subject
from services.complaints.handlers.auditing import AuditPages
from services.complaints.handlers.charging import Files
from services.complaints.handlers.settling import Desk
from services.complaints.investigations import InvestigationRepository
from services.complaints.ledgers import LedgerRepository
from services.complaints.offers import OfferRepository
from services.complaints.schemas_audit import AuditPage
from tests.contract.dispute_store import MemoryDisputes
from tests.contract.investigation_store import MemoryInvestigations
from tests.contract.offer_store import MemoryOffers
from tests.unit.complaints.fakes import Document, FakeCall
from tests.unit.complaints.liability_world import Office
from tests.unit.complaints.offer_world import Counter

#: What follows from a complaint for those liable.
MONEY = (Subject.LIABILITIES, Subject.PENALTIES, Subject.SANCTIONS, Subject.LEDGERS, Subject.MONTHS)
#: Found: whose, which invariant, and in which words.
Found = tuple[str, str, str]


def auditor_of(
    world: Counter | Office,
    found: MemoryInvestigations | None = None,
    disputes: MemoryDisputes | None = None,
) -> AuditPages:
    """Return the use case over everything ``world`` keeps, and what else is given."""
    cases, rules, clock = world.world.cases, world.world.rules, world.clock
    ledgers = cast(LedgerRepository, world.ledgers)
    offers = world.offers if isinstance(world, Counter) else MemoryOffers()
    desk = Desk(cases, cast(OfferRepository, offers), ledgers, rules, clock)
    inquiries = cast(InvestigationRepository, found or MemoryInvestigations())
    raised = cast(DisputeRepository, disputes or MemoryDisputes())
    return AuditPages(desk, Files(cases, ledgers, world.books, clock), inquiries, raised)


def page(world: Counter | Office, subject: Subject, **arguments: Any) -> dict[str, Any]:
    """Ask for one page as RPC would."""
    data = AuditPage(unknown=RAISE).load({"subject": subject.value, **arguments})
    return auditor_of(world)(FakeCall(world.org, "", frozenset({"operator"}), "operator"), data)


def audit(world: Counter | Office, *subjects: Subject) -> list[Found]:
    """Return what is found on the first page of each subject, of all where none is named."""
    return found_by(auditor_of(world), world.org, *subjects)


def found_by(auditor: AuditPages, org: str, *subjects: Subject) -> list[Found]:
    """Return what ``auditor`` finds on the first page of each subject, of all where none is named."""
    call = FakeCall(org, "", frozenset({"operator"}), "operator")
    rows = []
    for subject in subjects or Subject:
        data = AuditPage(unknown=RAISE).load({"subject": subject.value, "limit": 200})
        rows += auditor(call, data)["findings"]
    return [(row["id"], row["invariant"], row["found"]) for row in rows]


def meddle(documents: dict[str, Document], document_id: str, how: Callable[[Document], object]) -> None:
    """Change what the database holds behind the service's back."""
    how(documents[document_id])
