"""Use case of erasing: everything intake holds about a customer, in one go that may be taken up again anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.privacy.erasing import (
    Traces,
    erase_contact,
    erase_customer,
    erase_rejection,
    is_erased,
)
from services.intake.domain.privacy.requests import DataRequest
from services.intake.domain.privacy.rules import Privacy
from services.intake.domain.rejection import Rejection
from services.intake.handlers.erasing_elsewhere import Elsewhere, Round, erased_by
from services.intake.handlers.ruling import Rules
from shared.acting import Shelf
from shared.clock import Clock
from shared.errors import Conflict
from shared.forgetting import ERASED
from shared.history import Cause
from shared.ids import IdSource

_PAGE = 200


class Asked(Shelf[DataRequest], Protocol):
    """Where requests to erase are kept."""

    def to_sweep(self, now: datetime, limit: int) -> Sequence[DataRequest]:
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

    def contacts_erased(self, customer_id: str, request_id: str) -> int:
        """Return how many contacts of a customer an erasure emptied."""
        ...

    def contact_ids(self, customer_id: str) -> Sequence[str]:
        """Return the ids of a customer's contacts."""
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


class Eraser:
    """Carries granted erasures out; one call is one round, safe to repeat after a crash between any two steps.

    What is found by the customer's words goes first: once the file is empty nobody knows any more what to look
    for. What is found by ids comes after it, and again in later rounds.
    """

    def __init__(
        self, requests: Asked, files: Files, elsewhere: Elsewhere, rules: Rules, clock: Clock, ids: IdSource
    ) -> None:
        """Erase in ``files`` and ``elsewhere`` in the service."""
        self._requests, self._files, self._elsewhere = requests, files, elsewhere
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
        if rules is None or request.customer_id is None:
            return
        customer = self._files.customer(request.customer_id, request.org)
        try:
            if customer is not None and not is_erased(customer):
                request = self._erase_words(request, customer, now, cause)
                since = customer.history.next_seq
                erase_customer(customer, rules, request.id, at=now, cause=cause)
                self._files.save_customer(customer, since_seq=since)
            self._erase_rest(request, request.customer_id or "", rules, now, cause)
        except Conflict:
            # Somebody else changes the same at this moment; what is left is done in the next round.
            return

    def _erase_words(
        self, request: DataRequest, customer: Customer, now: datetime, cause: Cause
    ) -> DataRequest:
        """Erase what is found by words, and keep what came of it with the request: it cannot be found again."""
        turn = Round(request, customer.id, now, cause)
        turn.reached["rejected_event"] = self._erase_rejections(request, customer, cause)
        self._elsewhere.erase_words(turn, customer)
        # Among what was erased may have been words of the request itself.
        request = self._requests.get(request.id, request.org) or request
        if any(turn.reached.values()):
            request.reach(turn.reached, turn.remaining)
            self._requests.save(request, since_seq=request.history.next_seq)
            request = self._requests.get(request.id, request.org) or request
        return request

    def _erase_rest(
        self, request: DataRequest, customer_id: str, rules: Privacy, now: datetime, cause: Cause
    ) -> None:
        """Erase what is found by ids: the contacts, and what names the customer or one of its contacts."""
        turn = Round(request, customer_id, now, cause)
        file = self._files.customer(customer_id, request.org)
        turn.reached["customer"] = int(file is not None and erased_by(file, request.id))
        self._erase_contacts(request, customer_id, rules, cause)
        turn.reached["contact"] = self._files.contacts_erased(customer_id, request.id)
        self._elsewhere.erase_found(turn, self._files.contact_ids(customer_id))
        since = request.history.next_seq
        request.reach(turn.reached, turn.remaining)
        request.swept(now, cause)
        self._requests.save(request, since_seq=since)

    def _erase_rejections(self, request: DataRequest, customer: Customer, cause: Cause) -> int:
        traces, after, count = Traces.of(customer), "", 0
        while rows := self._files.rejections_after(request.org, after, _PAGE):
            after = rows[-1].id
            changes = []
            for row in rows:
                if traces.found_in(row.body):
                    changes.append((row, row.history.next_seq))
                    erase_rejection(row, customer.id, request.id, at=self._clock.now(), cause=cause)
                count += erased_by(row, request.id)
            if self._files.save_rejections(changes):
                raise Conflict("a rejected event was changed by somebody else")
        return count

    def _erase_contacts(self, request: DataRequest, customer_id: str, rules: Privacy, cause: Cause) -> None:
        while rows := self._files.contacts_to_erase(customer_id, ERASED, _PAGE):
            changes = [(row, row.history.next_seq) for row in rows]
            for row in rows:
                erase_contact(row, rules, request.id, at=self._clock.now(), cause=cause)
            if self._files.save_contacts(changes):
                raise Conflict("a contact was changed by somebody else")
