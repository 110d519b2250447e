"""Use cases of the access log: write a line for everyone who sees, or may not see, personal data; look it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.intake.domain.privacy.access import Access, AccessEntry, Outcome, lot_of
from services.intake.domain.privacy.rules import Privacy
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, cause_of, new_id
from shared.clock import Clock
from shared.errors import Conflict, NotFound, RuleRefused
from shared.history import timestamp


class Log(Protocol):
    """Where the lines are kept."""

    def get(self, aggregate_id: str, org: str) -> AccessEntry | None:
        """Return one line."""
        ...

    def insert(self, aggregate: AccessEntry) -> bool:
        """Write a line; False when it is there."""
        ...

    def page(self, org: str, customer_id: str | None, *, limit: int, skip: int) -> Sequence[AccessEntry]:
        """Return a page, newest first."""
        ...

    def sample(self, org: str, month: str, start: float, limit: int) -> Sequence[AccessEntry]:
        """Return some lines of a month."""
        ...


class Accesses:
    """The access log as the other use cases write it and auditors read it."""

    def __init__(self, log: Log, rules: Rules, clock: Clock) -> None:
        """Write to ``log``."""
        self._log, self._rules, self._clock = log, rules, clock

    def find(self, org: str) -> Privacy | None:
        """Return what the rulebook of ``org`` says of personal data, if anything."""
        return self._rules.in_force(org, self._clock.now()).rules.privacy

    def privacy(self, org: str) -> Privacy:
        """Return what the rulebook of ``org`` says of personal data; NotFound when it says nothing."""
        rules = self.find(org)
        if rules is None:
            raise NotFound("the rulebook has no section on personal data: nothing is shown in full")
        return rules

    def write(self, call: Caller, access: Access) -> str:
        """Log ``access`` before it takes place, once for each call; return the id of the line."""
        now, entry_id = self._clock.now(), new_id("ac", call)
        month = now.astimezone(self._rules.in_force(call.org, now).zone).strftime("%Y-%m")
        entry = AccessEntry.of(entry_id, call.org, access, month=month, at=now, cause=cause_of(call))
        if not self._log.insert(entry):
            before = self._log.get(entry_id, call.org)
            if before is None or before.access != access:
                raise Conflict("this idempotency key was used before with other arguments: use a new key")
        return entry_id

    def refuse(self, call: Caller, access: Access, why: str) -> RuleRefused:
        """Log that ``access`` was refused by its rule, and return the refusal."""
        self.write(call, access)
        return RuleRefused(why, rule=access.rule)

    def read_log(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the log, or for an audit a sample of a month; for the roles the rulebook names."""
        rule = self.privacy(call.org).auditing
        if not set(rule.roles) & call.roles:
            refused = Access(data["customer_id"], ("access_log",), None, Outcome.REFUSED, rule.source)
            raise self.refuse(call, refused, f"the access log is read by {', '.join(rule.roles)}")
        if data["sample_of"] is not None:
            start = lot_of(data["seed"])
            found = self._log.sample(call.org, data["sample_of"], start, data["limit"])
        else:
            found = self._log.page(call.org, data["customer_id"], limit=data["limit"], skip=data["skip"])
        return [entry_view(entry) for entry in found]


def entry_view(entry: AccessEntry) -> dict[str, Any]:
    """Return the JSON shape of a line of the log."""
    access = entry.access
    return {
        "entry_id": entry.id,
        "customer_id": access.customer_id,
        "by": entry.by,
        "at": timestamp(entry.at),
        "fields": list(access.fields),
        "purpose": access.purpose,
        "outcome": access.outcome.value,
        "count": access.count,
        "request_id": access.request_id,
        "source": access.rule,
    }
