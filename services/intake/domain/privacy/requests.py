"""Requests to read, export or erase personal data: asked by one person, approved by another, valid for a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.intake.domain.privacy.rules import Granting
from shared.aggregate import Aggregate
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp

#: How often what an erasure may not touch yet is looked at again.
_LATER = timedelta(days=1)
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


@dataclass(frozen=True, slots=True)
class Remaining:
    """What an erasure left of one kind of thing: how many, and by which rule; ``lasting`` when for good.

    What is not lasting is erased once the rule no longer keeps it. Of what is, the words were taken out.
    """

    what: str
    count: int
    source: str
    lasting: bool


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
    #: How many things of each kind were erased.
    reached: dict[str, int] = field(default_factory=dict)
    remaining: list[Remaining] = field(default_factory=list)

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

    def reach(self, reached: Mapping[str, int], remaining: Sequence[Remaining]) -> None:
        """Note how many things of each kind the erasure has reached, and what it left; what was noted before stays."""
        self.reached |= {what: count for what, count in reached.items() if count}
        self.erased = sum(self.reached.values())
        again = {(each.what, each.source) for each in remaining}
        lasting = [each for each in self.remaining if each.lasting and (each.what, each.source) not in again]
        self.remaining = [*lasting, *remaining]

    def swept(self, at: datetime, cause: Cause) -> None:
        """Record that a sweep is over; another one comes a while after the first, and daily while something waits."""
        if self.state is State.GRANTED:
            self.state, self.sweep_at = State.DONE, at + _AFTERMATH
            data = {**self._head(), "erased": self.erased, **self.report()}
            self.record("data_request_done", data, at=at, cause=cause)
        else:
            waits = any(not each.lasting for each in self.remaining)
            self.sweep_at = at + _LATER if waits else None

    def report(self) -> dict[str, Any]:
        """Return what was erased where, and what remains by which rule."""
        return {
            "reached": [{"what": what, "count": count} for what, count in sorted(self.reached.items())],
            "remaining": [
                {"what": each.what, "count": each.count, "source": each.source, "lasting": each.lasting}
                for each in self.remaining
            ],
        }

    def _head(self) -> dict[str, Any]:
        return {
            "request_id": self.id,
            "kind": self.kind.value,
            "customer_id": self.customer_id,
            "purpose": self.purpose,
        }
