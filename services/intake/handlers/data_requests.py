"""Use cases of requests on personal data: ask, decide by a second person, list; erase what was granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.intake.domain.customer import Customer
from services.intake.domain.privacy.access import Access, Outcome
from services.intake.domain.privacy.requests import DataRequest, Kind, State
from services.intake.domain.privacy.rules import Granting, Privacy
from services.intake.errors import no_customer
from services.intake.handlers.access_log import Accesses
from services.intake.handlers.erasing import Eraser
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, Shelf, change, create
from shared.clock import Clock
from shared.errors import Problem, ValidationFailed
from shared.history import Cause, timestamp
from shared.worktime import due


class Requests(Shelf[DataRequest], Protocol):
    """Where requests are kept."""

    def page(self, org: str, state: str | None, *, limit: int, skip: int) -> Sequence[DataRequest]:
        """Return a page, newest first."""
        ...


class Files(Protocol):
    """Where customers' files are."""

    def customer(self, customer_id: str, org: str) -> Customer | None:
        """Return one customer's file."""
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
        **request.report(),
    }
