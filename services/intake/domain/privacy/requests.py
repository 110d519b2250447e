"""Requests to read, export or erase personal data: asked by one person, approved by another, valid for a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.intake.domain.privacy.rules import Granting
from shared.aggregate import Aggregate
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp

#: How long after an erasure the contacts are swept again: for those that were being registered meanwhile.
_AFTERMATH = timedelta(minutes=5)


class Kind(StrEnum):
    """What is asked for."""

    READ = "read"
    EXPORT = "export"
    ERASE = "erase"


class State(StrEnum):
    """Where a request stands; ``DONE`` is for erasures only."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    DONE = "done"


@dataclass(kw_only=True)
class DataRequest(Aggregate):
    """One request; ``customer_id`` is None for exports. The reasons stay here and never go into events."""

    kind: Kind
    customer_id: str | None
    purpose: str
    reason: str
    asked_by: str
    asked_at: datetime
    state: State = State.ASKED
    decided_by: str | None = None
    decision_reason: str | None = None
    valid_until: datetime | None = None
    sweep_at: datetime | None = None
    erased: int = 0

    def ask(self, source: str, cause: Cause) -> None:
        """Record that it was asked."""
        data = {**self._head(), "asked_by": self.asked_by, "source": source}
        self.record("data_requested", data, at=self.asked_at, cause=cause)

    def decide(
        self,
        rule: Granting,
        *,
        granted: bool,
        reason: str | None,
        roles: Collection[str],
        valid_until: datetime | None,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Grant or decline it; RuleRefused for whoever asked, and without one of the approving roles."""
        if self.state is not State.ASKED:
            raise Conflict(f"{self.id} was decided already: it is {self.state.value}")
        if cause.actor == self.asked_by:
            message = "nobody decides a request of their own: a second person must"
            raise RuleRefused(message, rule=rule.source)
        if not set(roles) & set(rule.approvals):
            message = f"this is approved by {', '.join(rule.approvals)}"
            raise RuleRefused(message, rule=rule.source)
        self.state = State.GRANTED if granted else State.DECLINED
        self.decided_by, self.decision_reason = cause.actor, reason
        self.valid_until = valid_until if granted else None
        if granted and self.kind is Kind.ERASE:
            self.sweep_at = at
        data = {
            **self._head(),
            "granted": granted,
            "asked_by": self.asked_by,
            "decided_by": cause.actor,
            "valid_until": None if self.valid_until is None else timestamp(self.valid_until),
            "source": rule.source,
        }
        self.record("data_request_decided", data, at=at, cause=cause)

    def allows(self, kind: Kind, customer_id: str | None, purpose: str, by: str, at: datetime) -> bool:
        """Return whether it lets ``by`` take the step at ``at``: for what it was granted and nothing else."""
        return (
            self.state is State.GRANTED
            and (self.kind, self.customer_id, self.purpose) == (kind, customer_id, purpose)
            and self.asked_by == by
            and self.valid_until is not None
            and at < self.valid_until
        )

    def swept(self, erased: int, at: datetime, cause: Cause) -> None:
        """Record a sweep of an erasure that found ``erased`` things; the last one comes a while after the first."""
        self.erased += erased
        if self.state is State.GRANTED:
            self.state, self.sweep_at = State.DONE, at + _AFTERMATH
            self.record("data_request_done", {**self._head(), "erased": self.erased}, at=at, cause=cause)
        else:
            self.sweep_at = None

    def _head(self) -> dict[str, Any]:
        return {
            "request_id": self.id,
            "kind": self.kind.value,
            "customer_id": self.customer_id,
            "purpose": self.purpose,
        }
