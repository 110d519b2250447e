"""A delegation (授权): somebody lets somebody else approve in their place, under one role, until a day, up to a sum."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.complaints.domain.liability.checks import wrong
from services.complaints.domain.money.rules import DelegationRule
from shared.aggregate import Aggregate
from shared.authority import Mandate, must_hold
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp


@dataclass(kw_only=True)
class Delegation(Aggregate):
    """One delegation; ``mandate`` says who may act for whom. It ends by itself, or when it is revoked."""

    mandate: Mandate
    source: str
    granted_at: datetime

    def grant(self, rule: DelegationRule, roles: Collection[str], *, at: datetime, cause: Cause) -> None:
        """Grant it: by somebody who holds the role themselves, to somebody else, for a time the rulebook allows.

        A role that was only delegated to them nobody delegates further.
        """
        mandate = self.mandate
        if mandate.role not in rule.roles:
            message = f"the role {mandate.role} is not delegated; those that are: {', '.join(rule.roles)}"
            raise RuleRefused(message, rule=rule.source)
        must_hold((mandate.role,), roles, "delegating a role", rule.source)
        if mandate.delegate == mandate.principal:
            raise wrong("delegate", "is yourself")
        if mandate.until <= max(at, mandate.since):
            raise wrong("until", "lies before its beginning, or in the past")
        if mandate.until - mandate.since > timedelta(days=rule.at_most_days):
            message = f"a role is delegated for at most {rule.at_most_days} days"
            raise RuleRefused(message, rule=rule.source)
        data = {
            "delegation_id": self.id,
            "principal": mandate.principal,
            "delegate": mandate.delegate,
            "role": mandate.role,
            "limit": None if mandate.limit is None else str(mandate.limit),
            "since": timestamp(mandate.since),
            "until": timestamp(mandate.until),
            "source": self.source,
            "granted_at": timestamp(at),
        }
        self.record("delegation_granted", data, at=at, cause=cause)

    def revoke(self, *, at: datetime, cause: Cause) -> None:
        """End it now, by whoever granted it; what was signed under it before stays signed."""
        mandate = self.mandate
        if cause.actor != mandate.principal:
            raise RuleRefused(f"delegation {self.id} is revoked by whoever granted it", rule=self.source)
        if mandate.revoked_at is not None or at >= mandate.until:
            raise Conflict(f"delegation {self.id} has ended already")
        self.mandate = Mandate(
            mandate.id,
            mandate.principal,
            mandate.delegate,
            mandate.role,
            mandate.since,
            mandate.until,
            mandate.limit,
            at,
        )
        data = {
            "delegation_id": self.id,
            "principal": mandate.principal,
            "delegate": mandate.delegate,
            "role": mandate.role,
            "revoked_at": timestamp(at),
        }
        self.record("delegation_revoked", data, at=at, cause=cause)
