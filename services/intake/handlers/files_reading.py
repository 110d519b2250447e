"""Use cases that look customer files up: one file, its timeline, search, lists, counts and what was missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.files import terms
from services.intake.domain.files.listed import Listed
from services.intake.domain.files.quality import last_fresh_day
from services.intake.domain.files.rules import Coded, FileClass, FileRules, Fresh, LifeState
from services.intake.domain.files.values import Held
from services.intake.domain.recognising import CustomerClaim, normal_phone
from services.intake.errors import no_customer
from services.intake.handlers.ruling import Rules
from shared.clock import Clock
from shared.errors import Problem, ValidationFailed
from shared.history import timestamp
from shared.identity import mask_name, mask_phone
from shared.logging import get_logger

if TYPE_CHECKING:
    from services.intake.customers_kept import CustomersKept
    from services.intake.repository import IntakeRepository

log = get_logger(__name__)

_FILING = ("extracted", "submitted", "classified")


class ReadFiles:
    """Every look is scoped to the caller's organisation; personal data is masked unless ``full``."""

    def __init__(self, kept: CustomersKept, repository: IntakeRepository, rules: Rules, clock: Clock) -> None:
        """Use the files, the contacts, the rulebooks and the clock."""
        self._kept, self._repository, self._rules, self._clock = kept, repository, rules, clock

    def file(self, org: str, customer_id: str, *, actor: str, full: bool) -> dict[str, Any]:
        """Return all there is in one file; a full read is logged (B-STD-03)."""
        customer = self._found(org, customer_id)
        rules, today = self._now(org)
        if full:
            log.info("customer file read in full", actor=actor, customer_id=customer_id)
        count, last = self._repository.contacted(org, customer_id)
        contacts = {"count": count, "last_at": timestamp(last) if last else None}
        notices = [{"code": each.code, "words": each.name, "source": each.source} for each in rules.notices]
        return file_view(customer, rules, today, full=full) | {"contacts": contacts, "notices": notices}

    def timeline(self, org: str, customer_id: str, limit: int, skip: int) -> list[dict[str, Any]]:
        """Return a page of the customer's contacts with handler, time and phase, newest first (A-LOG-04)."""
        self._found(org, customer_id)
        rows = self._repository.contacts_of(org, customer_id, limit=limit, skip=skip)
        return [_stop(contact) for contact in rows]

    def search(
        self, org: str, by: str, text: str, *, limit: int, skip: int, full: bool
    ) -> list[dict[str, Any]]:
        """Return a page of the files that ``by`` finds: name or pinyin, phone, unit, or a searched field."""
        rules, _ = self._now(org)
        if by == "phone":
            phone = normal_phone(text)
            if phone is None:
                problem = Problem("text", "is no valid phone number")
                raise ValidationFailed("text is no valid phone number", problems=(problem,))
            keys = CustomerClaim("person", "", phone, None).keys(org)
            files = {each.id: each for each in self._kept.by_keys(keys).values()}
            found = [each.listed for each in files.values()][skip:]
        else:
            fields = [field.code for field in rules.fields if field.searched]
            if by not in {"name", "unit", *fields}:
                known = ", ".join(("name", "phone", "unit", *fields))
                problem = Problem("by", f"is not one of {known}")
                raise ValidationFailed(f"by {problem.reason}", problems=(problem,))
            found = self._kept.search(org, by, text, whole=by == "unit", limit=limit, skip=skip)
        return [row_view(row, full=full) for row in found]

    def page(self, org: str, asked: Mapping[str, Any], *, full: bool) -> list[dict[str, Any]]:
        """Return a page of the files in the states asked for; stale ones as of the end of a day, oldest first."""
        rules, today = self._now(org)
        states = {
            "lifecycle": asked["lifecycle"],
            "phase": asked["phase"],
            "class": asked["class_"],
            "filing": asked["filing"],
            "origin": asked["origin"],
            "lacks": asked["lacks"],
        }
        tags = [terms.tag(org, what, code) for what, code in states.items() if code is not None]
        if asked["incomplete"]:
            tags.append(terms.tag(org, "incomplete"))
        until = None
        if asked["stale"] is not None:
            last = last_fresh_day(rules, Fresh(asked["stale"]), asked["on"] or today)
            if last is None:
                return []
            until = (asked["stale"], last)
        rows = self._kept.tagged(org, tags, until, limit=asked["limit"], skip=asked["skip"])
        return [row_view(row, full=full) for row in rows]

    def count(self, org: str, by: str) -> dict[str, Any]:
        """Return how many files there are by class (with its keeper), state of life, phase, origin or field."""
        rules, _ = self._now(org)
        known: dict[str, Sequence[Coded | FileClass | LifeState]] = {
            "class": rules.classes,
            "lifecycle": rules.lifecycle,
            "phase": rules.phases,
            "origin": rules.origins,
        }
        rows: list[tuple[str, str, str | None]] = [
            (each.code, each.name, each.keeper if isinstance(each, FileClass) else None)
            for each in known.get(by, ())
        ]
        what = by
        if by == "field":
            what = "holds"
            rows = [(field.code, field.name, None) for field in rules.fields]
        elif by == "filing":
            rows = [(code, code, None) for code in _FILING]
        counted = [
            {
                "code": code,
                "name": name,
                "keeper": keeper,
                "count": self._kept.count_tagged(terms.tag(org, what, code)),
            }
            for code, name, keeper in rows
        ]
        return {"by": by, "total": self._kept.count(org), "rows": counted}

    def missed(self, org: str, day: date) -> list[dict[str, Any]]:
        """Return the specialists who extracted no file on ``day``, by the rule that asks for it (A-MEM-01)."""
        rules, _ = self._now(org)
        if rules.extraction is None or not rules.extraction.value or rules.specialists is None:
            return []
        return [
            {"staff": staff, "day": day.isoformat(), "source": rules.extraction.source}
            for staff in rules.specialists.value
            if not self._kept.count_tagged(terms.tag(org, "extracted", day.isoformat(), staff))
        ]

    def _found(self, org: str, customer_id: str) -> Customer:
        customer = self._kept.get(customer_id, org)
        if customer is None:
            raise no_customer(customer_id)
        return customer

    def _now(self, org: str) -> tuple[FileRules, date]:
        now = self._clock.now()
        ruling = self._rules.in_force(org, now)
        return ruling.rules.files, now.astimezone(ruling.zone).date()


def _stop(contact: Contact) -> dict[str, Any]:
    return {
        "contact_id": contact.id,
        "number": contact.number,
        "category": contact.category,
        "channel": contact.channel,
        "phase": contact.phase,
        "received_at": timestamp(contact.received_at),
        "registered_at": timestamp(contact.registered_at),
        "handler": contact.first_responsible.as_data(),
    }


def row_view(row: Listed, *, full: bool) -> dict[str, Any]:
    """Return the JSON shape of a file in a list."""
    return {
        "customer_id": row.id,
        "kind": row.kind,
        "name": row.name if full else mask_name(row.name),
        "phone": (row.phone or "") if full else mask_phone(row.phone or ""),
        "unit": row.unit if full else None,
        "phase": row.phase,
        "lifecycle": row.lifecycle,
        "class": row.group,
        "filing": row.filing,
        "origins": list(row.origins),
        "lacking": list(row.lacking),
        "updated_on": row.updated_on,
        "next_follow_on": row.next_follow_on,
        "masked": not full,
    }


def file_view(customer: Customer, rules: FileRules, today: date, *, full: bool) -> dict[str, Any]:
    """Return the JSON shape of a whole file."""
    score = customer.quality(rules, today)
    found = next((each for each in rules.classes if each.code == customer.group), None)
    parts = {"timely": score.timely, "exact": score.exact, "complete": score.complete}
    return row_view(customer.listed, full=full) | {
        "opened_at": timestamp(customer.opened_at),
        "keeper": found.keeper if found else None,
        "fields": {code: _held_view(held, full=full) for code, held in customer.fields.items()},
        "pending": {code: _held_view(held, full=full) for code, held in customer.pending.items()},
        "confirmed": {code: day.isoformat() for code, day in customer.confirmed.items()},
        "preferences": list(customer.preferences),
        "days": {what: day.isoformat() for what, day in customer.days.items()},
        "sources": [
            {
                "code": each.code,
                "first_at": timestamp(each.first_at),
                "last_at": timestamp(each.last_at),
            }
            for each in customer.origins
        ],
        "moves": [
            {"what": each.what, "to": each.to, "on": each.on.isoformat(), "reason": each.reason}
            for each in customer.moves
        ],
        "relations": [
            {
                "kind": each.kind,
                "to": each.to,
                "notes": dict(each.notes) if full else dict.fromkeys(each.notes),
                "since": timestamp(each.since),
            }
            for each in customer.relations
        ],
        "changes": [
            {
                "at": timestamp(each.at),
                "by": each.by,
                "field": each.field,
                "before": each.before if full else None,
                "after": each.after if full else None,
                "reason": each.reason if full else None,
                "origin": each.origin,
            }
            for each in customer.changes
        ],
        "quality": parts | {"lacking": list(score.lacking), "stale": list(score.stale)},
    }


def _held_view(held: Held, *, full: bool) -> dict[str, Any]:
    return {
        "value": held.shown() if full or not held.personal else None,
        "origin": held.origin,
        "entered_at": timestamp(held.at),
        "confirmed_on": held.confirmed_on.isoformat() if held.confirmed_on else None,
    }
