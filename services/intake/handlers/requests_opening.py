"""Opening requests: with the contact that asks for one, in the same batch, or by hand; and none is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.requests.request import Holder, OnBreach, Opening, Request
from services.intake.domain.requests.rules import ClockRule, Kind, RequestRules, Shape, holds
from services.intake.domain.rulebook import Destination
from services.intake.handlers.ruling import Rules, Ruling
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.history import Cause, moment_of
from shared.ids import derived_id
from shared.regulations.values import Sourced

#: How old a contact without its request is before somebody else than its batch opens it.
_GRACE = timedelta(seconds=30)
#: How long no batch takes to write a contact that it noted.
_FORGOTTEN = timedelta(hours=1)
_AT_ONCE = 100
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is to be opened with."""

    kind: Kind
    level: str
    text: str
    by: str
    at: datetime
    since: datetime
    first_responsible: Holder
    facts: Mapping[str, Any]
    owner: Holder | None = None
    contact_id: str | None = None
    customer_id: str | None = None
    customer_class: str | None = None
    channel: str | None = None
    category: str | None = None
    subtype: str | None = None


def open_request(request_id: str, org: str, asked: Asked, ruling: Ruling, cause: Cause) -> Request:
    """Return the request that is asked for: routed, with its clocks running and its notices given."""
    rules, kind = ruling.rules.requests, asked.kind
    process, level = rules.process_of(kind), rules.level(asked.level)
    names = ("channel", "category", "customer_class", "subtype", "level")
    known = {name: getattr(asked, name) for name in names} | dict(asked.facts)
    owner, source = routed(kind, rules, known)
    copied = (
        "contact_id",
        "customer_id",
        "customer_class",
        "channel",
        "category",
        "subtype",
        "text",
        "level",
    )
    opening = Opening(
        kind=kind.code,
        process=process.code,
        stage=process.stages[0].code,
        rank=0 if level is None else level.rank,
        opened_by=asked.by,
        opened_at=asked.at,
        owner=asked.owner or owner,
        first_responsible=asked.first_responsible,
        source=kind.source if asked.owner else source,
        # A publisher's clock may run ahead; nobody asked later than it was heard.
        asked_at=min(asked.since, asked.at),
        **{name: getattr(asked, name) for name in copied},
    )
    request = Request.open(request_id, org, ruling.version, opening, asked.facts, cause)
    for code in kind.starts:
        start_clock(request, rules.clock(code), ruling, asked.at, cause, since=asked.since)
    known = request.known()
    for effect in [each for each in (*kind.effects, *process.effects) if holds(each.when, known)]:
        request.apply(effect, asked.at, cause)
    return request


def start_clock(
    request: Request,
    rule: ClockRule | None,
    ruling: Ruling,
    at: datetime,
    cause: Cause,
    *,
    since: datetime | None = None,
) -> None:
    """Begin a clock, if the rulebook or what is known of the request gives it a time."""
    if rule is None:
        return
    duration = rule.duration(request.known())
    due = _due(request, rule, ruling, since or at)
    if due is not None:
        request.begin_clock_until(rule.code, due, ruling.calendar, at, cause, source=rule.source)
    elif duration is not None:
        request.begin_clock(
            rule.code, Sourced(duration.value, duration.source), ruling.calendar, at, cause, since=since
        )
    else:
        return
    if rule.task and rule.task_to and rule.code not in {each.clock for each in request.on_breach}:
        request.on_breach.append(OnBreach(rule.code, rule.task, rule.task_to, rule.source))


def _due(request: Request, rule: ClockRule, ruling: Ruling, since: datetime) -> datetime | None:
    """Return the instant that a clock ends at, if it is one for which no time is counted."""
    if rule.same_day:
        return ruling.end_of_day(since)
    value = request.facts.get(rule.until) if rule.until else None
    if value is None or rule.until is None:
        return None
    if ruling.rules.requests.field(rule.until).shape is not Shape.DAY:
        return moment_of(value)
    return ruling.end_of_day(datetime.combine(date.fromisoformat(value), _NOON, ruling.zone))


def routed(kind: Kind, rules: RequestRules, known: Mapping[str, Any]) -> tuple[Holder, str]:
    """Return who gets the request, and by which rule."""
    route = next((route for route in kind.routes if holds(route.when, known)), None)
    code = route.unit if route else kind.unit
    unit = rules.unit(code) if code else None
    role = route.role if route and route.role else unit.leader if unit else None
    if role is None:
        role = rules.process_of(kind).stages[0].owner
    return Holder(unit.code if unit else None, role), route.source if route else kind.source


class Shelf(Protocol):
    """Where requests are kept, and which contacts still wait for theirs."""

    def step(self, requests: Sequence[Request]) -> tuple[Any, Sequence[Any]]:
        """Return the requests as a step of a write that spans several collections."""
        ...

    def insert(self, aggregate: Request) -> bool:
        """Write a new one; False when it is there."""
        ...

    def get(self, aggregate_id: str, org: str) -> Request | None:
        """Return one of ``org``."""
        ...

    def save(self, aggregate: Request, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...

    def outlines(self, request_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Return of those of the requests that are there the version of the rulebook and the kind, in one read."""
        ...

    def unanswered_beside(self, request: Request) -> Sequence[Request]:
        """Return the other requests of the same customer and kind without an answer when this one was asked for."""
        ...

    def await_all(self, contacts: Sequence[tuple[str, str, datetime]]) -> None:
        """Note contacts that will have a request, each with its organisation and when it asked."""
        ...

    def unsettled(self, limit: int) -> Sequence[tuple[str, str, datetime]]:
        """Return id, organisation and time of contacts whose request has not been looked after, oldest first."""
        ...

    def put_off(self, contact_ids: Sequence[str], now: datetime) -> None:
        """Let these contacts wait behind all others."""
        ...

    def settle(self, contact_ids: Sequence[str]) -> None:
        """Note that these contacts have their requests."""
        ...


class Files(Protocol):
    """Where contacts and customers are."""

    def contact(self, contact_id: str, org: str) -> Contact | None:
        """Return one contact of ``org``."""
        ...

    def customer(self, customer_id: str, org: str) -> Customer | None:
        """Return one customer's file of ``org``."""
        ...

    def registered(self, contact_ids: Sequence[str]) -> Sequence[Contact]:
        """Return those of the contacts that are registered."""
        ...


class Openings:
    """Opens the requests that contacts ask for."""

    def __init__(self, shelf: Shelf, files: Files, rules: Rules, clock: Clock) -> None:
        """Keep requests on ``shelf``."""
        self._shelf, self._files, self._rules, self._clock = shelf, files, rules, clock

    def with_contacts(
        self, registered: Sequence[tuple[Contact, str, Cause]], *, comes_again: bool
    ) -> tuple[tuple[Any, Sequence[Any]], ...]:
        """Return what is to be written after contacts, given with their customers' class; nothing when none asks.

        Contacts that nobody brings again are noted first, so that none is forgotten should the write be cut short;
        so are those that may turn out to be second calls. What ``comes_again`` is completed by then.
        """
        requests, awaited = [], []
        for contact, customer_class, cause in registered:
            request = self._of(contact, customer_class, cause)
            if request is None:
                continue
            requests.append(request)
            if not comes_again or self._counts_calls(contact.org, request.regulation, request.opening.kind):
                awaited.append((contact.id, contact.org, contact.registered_at))
        if awaited:
            self._shelf.await_all(awaited)
        return (self._shelf.step(requests),) if requests else ()

    def complete(self, contact_ids: Sequence[str]) -> None:
        """Open the requests of registered contacts that are not there: a write of both was cut short in between."""
        there = self._shelf.outlines([request_id(key) for key in contact_ids])
        missing = [key for key in contact_ids if request_id(key) not in there]
        for contact in self._files.registered(missing) if missing else ():
            customer = self._files.customer(contact.customer_id, contact.org)
            cause = Cause(f"{contact.id}/request", "system")
            request = self._of(contact, customer.kind if customer else "", cause)
            if request is not None:
                self._shelf.insert(request)

    def catch_up(self) -> bool:
        """Open requests that a batch cut short left out, and note second calls; return whether there may be more."""
        now = self._clock.now()
        waiting = self._shelf.unsettled(_AT_ONCE)
        there = self._shelf.outlines([request_id(key) for key, _, _ in waiting]) if waiting else {}
        settled, stuck = [], []
        for key, org, at in waiting:
            try:
                outline, old = there.get(request_id(key)), at <= now - _GRACE
                if outline is None and not old:
                    continue
                done = outline is not None and not self._counts_calls(org, *outline)
                if done or self._settled(key, org, now, since=at):
                    settled.append(key)
                elif old:
                    stuck.append(key)
            except NotFound:
                # Its organisation or its rulebook is gone: it waits until that is back, and holds up nobody.
                stuck.append(key)
        if settled:
            self._shelf.settle(settled)
        if stuck:
            self._shelf.put_off(stuck, now)
        return bool(settled) and len(waiting) == _AT_ONCE

    def _counts_calls(self, org: str, regulation: str, code: str) -> bool:
        """Return whether second calls count for requests of a kind; most need no further look."""
        kind = self._rules.of_version(org, regulation).rules.requests.kind(code)
        return kind is not None and kind.again is not None

    def _settled(self, contact_id: str, org: str, now: datetime, *, since: datetime) -> bool:
        request = self._shelf.get(request_id(contact_id), org)
        cause = Cause(f"{contact_id}/request", "system")
        if request is None:
            contact = self._files.contact(contact_id, org)
            if contact is None:
                # Noted before it was written: what never was registered is forgotten in the end.
                return since <= now - _FORGOTTEN
            customer = self._files.customer(contact.customer_id, org)
            request = self._of(contact, customer.kind if customer else "", cause)
            if request is None:
                return True
            if not self._shelf.insert(request):
                return False
        return self._counted(request, cause, now)

    def _counted(self, request: Request, cause: Cause, now: datetime) -> bool:
        """Note where the customer had to call twice; False when somebody came between.

        Which call was the second is told by when they were made: they may be heard of in another order.
        """
        ruling = self._rules.of_version(request.org, request.regulation)
        kind = ruling.rules.requests.kind(request.opening.kind)
        if kind is None or kind.again is None:
            return True
        for other in self._shelf.unanswered_beside(request):
            first, again = sorted((request, other), key=lambda each: (each.asked_at, each.id))
            call = again.opening.contact_id
            if call is None or call == first.opening.contact_id or first.answered_by(again.asked_at):
                continue
            since = first.history.next_seq
            first.repeated(call, kind.again, now, cause)
            try:
                if first.history.next_seq > since:
                    self._shelf.save(first, since_seq=since)
            except Conflict:
                return False
        return True

    def _of(self, contact: Contact, customer_class: str, cause: Cause) -> Request | None:
        if contact.routed_to != Destination.DESK:
            return None
        ruling = self._rules.in_force(contact.org, contact.received_at)
        kind = ruling.rules.requests.kind_for(contact.category, contact.channel)
        if kind is None:
            return None
        first = contact.first_responsible
        asked = Asked(
            kind=kind,
            level=kind.level,
            text=contact.text,
            by=contact.publisher,
            at=contact.registered_at,
            since=contact.received_at,
            first_responsible=Holder(role=first.role, staff=first.staff),
            facts={},
            contact_id=contact.id,
            customer_id=contact.customer_id,
            customer_class=customer_class,
            channel=contact.channel,
            category=contact.category,
        )
        return open_request(request_id(contact.id), contact.org, asked, ruling, cause)


def request_id(contact_id: str) -> str:
    """Return the id of the request that a contact becomes."""
    return derived_id("rq", contact_id)
