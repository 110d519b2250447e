"""Use cases of requests on personal data: ask, decide by a second person, list; erase what was granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.privacy.access import Access, Outcome
from services.intake.domain.privacy.erasing import (
    ERASED,
    Traces,
    erase_contact,
    erase_customer,
    erase_rejection,
    is_erased,
)
from services.intake.domain.privacy.requests import DataRequest, Kind, State
from services.intake.domain.privacy.rules import Granting, Privacy
from services.intake.domain.rejection import Rejection
from services.intake.errors import no_customer
from services.intake.handlers.access_log import Accesses
from services.intake.handlers.acting import Caller, Shelf, change, create
from services.intake.handlers.ruling import Rules
from shared.clock import Clock
from shared.errors import Conflict, Problem, ValidationFailed
from shared.history import Cause, timestamp
from shared.ids import IdSource
from shared.worktime import due

_PAGE = 200


class Requests(Shelf[DataRequest], Protocol):
    """Where requests are kept."""

    def page(self, org: str, state: str | None, *, limit: int, skip: int) -> Sequence[DataRequest]:
        """Return a page, newest first."""
        ...

    def to_sweep(self, now: Any, limit: int) -> Sequence[DataRequest]:
        """Return erasures to be carried out by ``now``."""
        ...


class Files(Protocol):
    """What erasing needs of the repository."""

    def customer(self, customer_id: str, org: str) -> Customer | None:
        """Return one customer's file."""
        ...

    def save_customer(self, customer: Customer, *, since_seq: int) -> None:
        """Write a changed file; Conflict if somebody else changed it meanwhile."""
        ...

    def contacts_to_erase(self, customer_id: str, erased: str, limit: int) -> Sequence[Contact]:
        """Return contacts of a customer whose text is not ``erased``."""
        ...

    def save_contacts(self, changes: Sequence[tuple[Contact, int]]) -> tuple[str, ...]:
        """Write changed contacts; return the ids of those that somebody else changed meanwhile."""
        ...

    def rejections_after(self, org: str, after: str, limit: int) -> Sequence[Rejection]:
        """Return rejected events kept under ``org``, by id, with ids after ``after``."""
        ...

    def save_rejections(self, changes: Sequence[tuple[Rejection, int]]) -> tuple[str, ...]:
        """Write changed rejected events; return the ids of those that somebody else changed meanwhile."""
        ...


class Erasable(Protocol):
    """Another part of the service that keeps personal data of customers."""

    def erase(self, org: str, customer_id: str, request_id: str, cause: Cause) -> int:
        """Erase what is kept of a customer and return of how many things; nothing the second time."""
        ...


class DataRequesting:
    """Who may ask, who decides, and what follows."""

    def __init__(
        self, requests: Requests, files: Files, accesses: Accesses, rules: Rules, eraser: Eraser, clock: Clock
    ) -> None:
        """Keep ``requests``; carry granted erasures out with ``eraser``."""
        self._requests, self._files, self._accesses = requests, files, accesses
        self._rules, self._eraser, self._clock = rules, eraser, clock

    def ask(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask to read or erase one customer's data, or to export; RuleRefused, and logged, without the role."""
        rules, kind = self._accesses.privacy(call.org), Kind(data["kind"])
        customer_id = data["customer_id"]
        if (kind is Kind.EXPORT) != (customer_id is None):
            problem = Problem("customer_id", "belongs to requests to read and to erase, and only to those")
            raise ValidationFailed("the request names too much or too little", problems=(problem,))
        if customer_id is not None and self._files.customer(customer_id, call.org) is None:
            raise no_customer(customer_id)
        if rules.purpose(data["purpose"]) is None:
            raise ValidationFailed(
                "there is no such purpose", problems=(Problem("purpose", "is not one of the rulebook's"),)
            )
        granting = _granting(rules, kind)
        if kind is not Kind.READ and not set(granting.roles) & call.roles:
            refused = Access(customer_id, (), data["purpose"], Outcome.REFUSED, granting.source)
            why = f"to {kind.value} is for {', '.join(granting.roles)} to ask"
            raise self._accesses.refuse(call, refused, why)

        def build(request_id: str, cause: Cause) -> DataRequest:
            request = DataRequest(
                id=request_id,
                org=call.org,
                kind=kind,
                customer_id=customer_id,
                purpose=data["purpose"],
                reason=data["reason"],
                asked_by=call.actor,
                asked_at=self._clock.now(),
            )
            request.ask(granting.source, cause)
            return request

        return create(self._requests, call, data, "dr", build, request_view)

    def decide(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Grant or decline a request as a second person; a granted erasure is carried out at once."""
        rules, now = self._accesses.privacy(call.org), self._clock.now()
        until = due(self._rules.in_force(call.org, now).calendar, now, rules.reading.valid_for.value).at

        def step(request: DataRequest, cause: Cause) -> None:
            request.decide(
                _granting(rules, request.kind),
                granted=data["granted"],
                reason=data["reason"],
                roles=call.roles,
                valid_until=None if request.kind is Kind.ERASE else until,
                at=now,
                cause=cause,
            )

        answer = change(self._requests, call, data, "request", step, request_view)
        if answer["kind"] == Kind.ERASE.value and answer["state"] == State.GRANTED.value:
            self._eraser()
        return answer

    def requests(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the requests, newest first, with their reasons."""
        found = self._requests.page(call.org, data["state"], limit=data["limit"], skip=data["skip"])
        return [
            request_view(row) | {"reason": row.reason, "decision_reason": row.decision_reason}
            for row in found
        ]


class Eraser:
    """Carries granted erasures out; one call is one round, safe to repeat after a crash between any two steps.

    Rejected events go first: once the file is empty nobody knows any more what to look for in them.
    """

    def __init__(
        self,
        requests: Requests,
        files: Files,
        others: Sequence[Erasable],
        rules: Rules,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        """Erase in ``files`` and in the ``others`` that keep personal data."""
        self._requests, self._files, self._others = requests, files, others
        self._rules, self._clock, self._ids = rules, clock, ids

    def __call__(self) -> bool:
        """Sweep what is due; return whether there may be more at once."""
        found = self._requests.to_sweep(self._clock.now(), _PAGE)
        for request in found:
            self._sweep(request)
        return len(found) == _PAGE

    def _sweep(self, request: DataRequest) -> None:
        now, cause = self._clock.now(), Cause(self._ids.new("tick"), request.decided_by or "system")
        rules = self._rules.in_force(request.org, now).rules.privacy
        customer_id = request.customer_id
        if rules is None or customer_id is None:
            return
        count, customer = 0, self._files.customer(customer_id, request.org)
        try:
            if customer is not None and not is_erased(customer):
                count += self._erase_rejections(request, customer, cause)
                since = customer.history.next_seq
                erase_customer(customer, rules, request.id, at=now, cause=cause)
                self._files.save_customer(customer, since_seq=since)
                count += 1
            count += self._erase_contacts(request, customer_id, rules, cause)
            count += sum(each.erase(request.org, customer_id, request.id, cause) for each in self._others)
            since = request.history.next_seq
            request.swept(count, now, cause)
            self._requests.save(request, since_seq=since)
        except Conflict:
            # Somebody else changes the same at this moment; what is left is done in the next round.
            return

    def _erase_rejections(self, request: DataRequest, customer: Customer, cause: Cause) -> int:
        traces, after, count = Traces.of(customer), "", 0
        while rows := self._files.rejections_after(request.org, after, _PAGE):
            after = rows[-1].id
            changes = []
            for row in rows:
                if traces.found_in(row.body):
                    changes.append((row, row.history.next_seq))
                    erase_rejection(row, customer.id, request.id, at=self._clock.now(), cause=cause)
            if self._files.save_rejections(changes):
                raise Conflict("a rejected event was changed by somebody else")
            count += len(changes)
        return count

    def _erase_contacts(self, request: DataRequest, customer_id: str, rules: Privacy, cause: Cause) -> int:
        count = 0
        while rows := self._files.contacts_to_erase(customer_id, ERASED, _PAGE):
            changes = [(row, row.history.next_seq) for row in rows]
            for row in rows:
                erase_contact(row, rules, request.id, at=self._clock.now(), cause=cause)
            if self._files.save_contacts(changes):
                raise Conflict("a contact was changed by somebody else")
            count += len(changes)
        return count


def _granting(rules: Privacy, kind: Kind) -> Granting:
    return {Kind.READ: rules.reading, Kind.EXPORT: rules.exporting, Kind.ERASE: rules.erasing}[kind]


def request_view(request: DataRequest) -> dict[str, Any]:
    """Return the JSON shape of a request, without the words of whoever asked and decided."""
    return {
        "request_id": request.id,
        "kind": request.kind.value,
        "customer_id": request.customer_id,
        "purpose": request.purpose,
        "state": request.state.value,
        "asked_by": request.asked_by,
        "asked_at": timestamp(request.asked_at),
        "decided_by": request.decided_by,
        "valid_until": None if request.valid_until is None else timestamp(request.valid_until),
        "erased": request.erased,
    }
