"""What intake holds about customers, collection by collection: which fields are personal, how a customer is found.

A collection that is not listed here, or a text that is neither personal nor plain, fails a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.door import Throttle
from services.intake.domain.dossiers.dossier import Dossier
from services.intake.domain.duty.handover import Handover
from services.intake.domain.duty.log import LogEntry, LogPage
from services.intake.domain.duty.roster import DrawnRoster
from services.intake.domain.duty.shift import Shift
from services.intake.domain.duty.staff import Member
from services.intake.domain.duty.visit import Visit
from services.intake.domain.privacy.access import AccessEntry
from services.intake.domain.privacy.flags import PrivacyFile
from services.intake.domain.privacy.requests import DataRequest
from services.intake.domain.rejection import Rejection
from services.intake.domain.requests.request import Request
from services.intake.domain.same.account import Account
from services.intake.domain.same.allocation import Allocation
from services.intake.domain.same.conflict import ConflictCase
from services.intake.domain.same.grading import Grading
from services.intake.domain.same.merge import Merge
from services.intake.domain.same.search import Search
from services.intake.domain.wrong_entry import WrongEntry
from shared.aggregate import Aggregate
from shared.clocks import Deadline
from shared.registers.record import Record
from shared.registers.stock import Balance
from shared.regulations.values import DESIGN


class Reach(StrEnum):
    """How an erasure reaches a collection.

    ``WHOLE``: what is found by the customer's id loses every personal text. ``WORDS``: nothing there names the
    customer by an id, so each is read, and the customer's name and number are taken out of what was written.
    ``OWN``: by a way of its own. ``NONE``: it holds nothing personal of customers.
    """

    WHOLE = "whole"
    WORDS = "words"
    OWN = "own"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Holding:
    """What one collection holds: the paths of ``personal`` texts, with all below them, and of each ``plain`` one.

    ``name`` is what a report calls one of its things. ``found_by`` is the path of the ids a customer is found by;
    where the things of several customers stand in one, ``row`` is the field of a row that says whose it is.
    ``stays`` is the rule by which a thing itself remains, its personal words gone. Of what is ``catalogued`` the
    rulebook says the class of every field.
    """

    name: str
    kind: type[Aggregate]
    reach: Reach
    personal: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    found_by: str | None = None
    row: str | None = None
    stays: str | None = None
    catalogued: bool = False

    def unsaid(self) -> list[str]:
        """Return the texts of its things of which nobody said whether they are personal."""
        if self.catalogued:
            return []
        said = [text for text in texts(self.kind) if not any(_within(text, path) for path in self.personal)]
        return [text for text in said if text not in self.plain]


_BASE = frozenset(field.name for field in fields(Aggregate))


def _paths(words: str) -> tuple[str, ...]:
    return tuple(words.split())


#: By the name of the collection.
HOLDINGS: Mapping[str, Holding] = {
    # What is personal of these two is said by the rulebook's catalogue; in files there may be words about others.
    "customers": Holding(
        "relation",
        Customer,
        Reach.WHOLE,
        personal=_paths("relations.notes"),
        found_by="relations.to",
        row="to",
        catalogued=True,
    ),
    "contacts": Holding(
        "contact",
        Contact,
        Reach.OWN,
        catalogued=True,
    ),
    "rejected_events": Holding(
        "rejected_event",
        Rejection,
        Reach.OWN,
        personal=_paths("body"),
        plain=_paths("event_id event_type publisher reasons.field reasons.reason"),
    ),
    "requests": Holding(
        "request",
        Request,
        Reach.WHOLE,
        personal=_paths("opening.text facts passed.reason parts.text verdicts.text"),
        plain=_paths(
            "regulation opening.kind opening.process opening.stage opening.level "
            "opening.contact_id opening.customer_id opening.customer_class opening.channel "
            "opening.category opening.subtype opening.opened_by opening.owner.unit "
            "opening.owner.role opening.owner.staff opening.first_responsible.unit "
            "opening.first_responsible.role opening.first_responsible.staff opening.source stage "
            "level owner.unit owner.role owner.staff first_responsible.unit "
            "first_responsible.role first_responsible.staff done.action done.stage done.by "
            "done.filled passed.to.unit passed.to.role passed.to.staff passed.by "
            "passed.accepted_by passed.acting_for done.acting_for sole "
            "helpers.unit helpers.role helpers.staff parts.unit parts.asked_by "
            "verdicts.by lead notices.role notices.source tasks.code tasks.to tasks.source "
            "messages.text messages.source on_breach.clock on_breach.task on_breach.to "
            "on_breach.source repeats"
        ),
        found_by="opening.customer_id",
    ),
    "dossiers": Holding(
        "dossier",
        Dossier,
        Reach.WHOLE,
        personal=_paths("facts pieces.reference excuses.reason accesses.purpose"),
        plain=_paths(
            "regulation kind about about_id readers keeper responsible pieces.item pieces.form "
            "pieces.received_by pieces.holder pieces.passed.stage pieces.passed.by "
            "pieces.passed.to given.mark given.by given.role receipts.taken_by receipts.passed_by "
            "closed_requests plans.mark plans.by excuses.items excuses.of excuses.by loans.borrower "
            "loans.decided_by loans.decided_role accesses.by"
        ),
        found_by="about_id",
    ),
    "visits": Holding(
        "visit",
        Visit,
        Reach.WHOLE,
        personal=_paths("name unit_id outcome"),
        plain=_paths("regulation desk code purpose counter customer_id approved_by state"),
        found_by="customer_id",
    ),
    # ``about`` is kept beside a record: the customers and contacts that its values name.
    "records": Holding(
        "record",
        Record,
        Reach.OWN,
        personal=_paths(
            "values acts.sets corrections.before corrections.after corrections.reason tokens shared"
        ),
        plain=_paths(
            "regulation register number state opened_by acts.action acts.by acts.role "
            "acts.from_state acts.to_state corrections.field corrections.by corrections.role "
            "flags staff clock_notices.code clock_notices.at clock_notices.to "
            "clock_notices.to_field clock_notices.why clock_notices.source owed.key "
            "owed.balance_id owed.stock owed.item owed.place owed.amount owed.source "
            "origin to_open.rule to_open.by to_open.turn clock_openings.rule clock_openings.at"
        ),
        found_by="about",
    ),
    # Goods, and for a moment what a step on a record said that moves them.
    "balances": Holding(
        "balance",
        Balance,
        Reach.NONE,
        plain=_paths("stock item place reserved.key reserved.intent"),
    ),
    "accounts": Holding(
        "account",
        Account,
        Reach.OWN,
        personal=_paths(
            "particulars.name particulars.licence_name particulars.phone particulars.address "
            "particulars.contact_name keys marks"
        ),
        plain=_paths(
            "regulation particulars.region customer_id conflict_id owner pool owners.owner "
            "owners.pool slot state grades.kind grades.grade grades.by proposal.owner proposal.to "
            "proposal.source merged_into"
        ),
        found_by="customer_id",
    ),
    "account_searches": Holding(
        "search",
        Search,
        Reach.OWN,
        personal=_paths("key"),
        plain=_paths("by candidates.account_id candidates.reasons"),
        found_by="key",
    ),
    "account_conflicts": Holding(
        "conflict",
        ConflictCase,
        Reach.OWN,
        personal=_paths(
            "particulars.name particulars.licence_name particulars.phone particulars.address "
            "particulars.contact_name evidence votes.reason"
        ),
        plain=_paths(
            "regulation claimant particulars.region against owners regions votes.by votes.region appealed_by"
        ),
        found_by="against",
    ),
    "account_merges": Holding(
        "merge",
        Merge,
        Reach.NONE,
        plain=_paths("stays goes source requested_by locks"),
    ),
    "gradings": Holding(
        "grading",
        Grading,
        Reach.WHOLE,
        personal=_paths("cards.marks.evidence"),
        plain=_paths(
            "period period_key regulation proposed_by cards.subject cards.marks.dimension "
            "cards.level contacts decided_by"
        ),
        found_by="cards.subject",
        row="subject",
    ),
    "allocations": Holding(
        "allocation",
        Allocation,
        Reach.WHOLE,
        personal=_paths("subjects.note"),
        plain=_paths(
            "regulation kind subjects.region subjects.channel subjects.screened subjects.staff "
            "keys listed_by allocated_by"
        ),
        found_by="subjects.id",
        row="id",
    ),
    "log_entries": Holding(
        "log_entry",
        LogEntry,
        Reach.WORDS,
        personal=_paths("text fields follow_ups.text"),
        plain=_paths(
            "desk kind written_by regulation unit_id corrects plan points departments "
            "follow_ups.action follow_ups.by follow_ups.point"
        ),
        stays=DESIGN,
    ),
    "log_pages": Holding(
        "log_page",
        LogPage,
        Reach.NONE,
        plain=_paths("regulation desk period signed_by"),
    ),
    "handovers": Holding(
        "handover",
        Handover,
        Reach.WORDS,
        personal=_paths(
            "counts.explanation checks.explanation headings questions.text questions.answer losses.text"
        ),
        plain=_paths(
            "regulation desk shift_id from_shift to_shift opened_by takings.staff counts.holders "
            "checks.by questions.asked_by questions.answered_by accepted carried envelope.number "
            "envelope.receiver outgoing incoming signatures.by losses.check losses.borne_by"
        ),
        stays=DESIGN,
    ),
    # About staff and not about customers.
    "shifts": Holding(
        "shift",
        Shift,
        Reach.NONE,
        plain=_paths(
            "regulation desk template people.staff people.stands_in_for people.ready holds "
            "takings.staff absent"
        ),
    ),
    "rosters": Holding(
        "roster",
        DrawnRoster,
        Reach.NONE,
        plain=_paths(
            "desk regulation assignments.staff assignments.shift swaps.giver swaps.taker "
            "swaps.shift swaps.state"
        ),
    ),
    "members": Holding(
        "member",
        Member,
        Reach.NONE,
        plain=_paths("staff unit post superior absences.deputy state place"),
    ),
    # Who saw whose data stays: ids, codes and names of fields, never what was seen.
    "access_log": Holding(
        "access",
        AccessEntry,
        Reach.NONE,
        plain=_paths(
            "by month access.customer_id access.fields access.purpose access.rule access.request_id"
        ),
    ),
    "data_requests": Holding(
        "data_request",
        DataRequest,
        Reach.OWN,
        personal=_paths("reason decision_reason"),
        plain=_paths("customer_id purpose asked_by decided_by remaining.what remaining.source"),
        found_by="customer_id",
    ),
    "privacy_files": Holding(
        "privacy_file",
        PrivacyFile,
        Reach.NONE,
        plain=_paths("customer_id"),
    ),
    "wrong_entries": Holding(
        "wrong_entry",
        WrongEntry,
        Reach.NONE,
        plain=_paths("staff method fields day"),
    ),
    "throttles": Holding(
        "throttle",
        Throttle,
        Reach.NONE,
        plain=_paths("publisher source seen"),
    ),
}


def texts(kind: type[Any]) -> list[str]:
    """Return the path of every text, or value of any type, that things of ``kind`` may hold."""
    types = get_type_hints(kind)
    own = [field.name for field in fields(kind) if field.name not in _BASE]
    return [path for name in own for path in _texts(types[name], name)]


def _texts(declared: Any, path: str) -> Iterator[str]:
    if declared is Any or declared is object:
        yield path
    elif get_origin(declared) is not None:
        for part in dict.fromkeys(_parts(declared)):
            yield from _texts(part, path)
    elif isinstance(declared, type) and is_dataclass(declared):
        if declared is not Deadline:
            for inner in texts(declared):
                yield f"{path}.{inner}"
    elif isinstance(declared, type) and issubclass(declared, (str, bytes)) and not issubclass(declared, Enum):
        yield path


def _parts(declared: Any) -> tuple[Any, ...]:
    """Return what a container or a choice of types holds; the keys of a mapping are codes."""
    parts = get_args(declared)
    return parts[1:] if issubclass(_origin(declared), Mapping) else parts


def _origin(declared: Any) -> type[Any]:
    origin = get_origin(declared)
    return origin if isinstance(origin, type) else object


def _within(text: str, path: str) -> bool:
    return text == path or text.startswith(f"{path}.")
