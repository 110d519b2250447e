"""Use cases of batches: compile, share out, write their callbacks, sum up, archive, look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.followup.domain.batches import Batch, Selected, Stage, analysis
from services.followup.domain.batches_rules import BatchRule
from services.followup.domain.callback import About, Callback
from services.followup.domain.person import Person
from services.followup.domain.planning import Matter, Planned
from services.followup.domain.rulebook import FollowupRules
from services.followup.errors import no_batch_rule, no_rule
from services.followup.handlers.scheduling import SYSTEM, Scheduler
from shared.acting import cause_of, change, found
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict, Problem, ValidationFailed
from shared.handling import Calling
from shared.history import Cause, timestamp
from shared.ids import derived_id
from shared.ruling import Rules

MOST_CUSTOMERS, AT_ONCE, GAPS_SHOWN = 10_000, 200, 200
_WHAT = "batch of callbacks"


class Chosen(Protocol):
    """Who there is."""

    def page(
        self, org: str, where: Mapping[str, str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[Person]:
        """Return customers by id."""
        ...


class Writing(Protocol):
    """Where callbacks are written."""

    def schedule(self, callbacks: Sequence[Callback]) -> Any:
        """Write callbacks; those already there stay as they are."""
        ...


class Made(Protocol):
    """Where the callbacks of a batch are found."""

    def of_batch(self, batch_id: str) -> list[Callback]:
        """Return all callbacks of a batch."""
        ...


class Keeping(Protocol):
    """Where batches are kept."""

    def get(self, aggregate_id: str, org: str) -> Batch | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Batch) -> bool:
        """Write a new one; False when it is there."""
        ...

    def save(self, aggregate: Batch, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...

    def in_making(self, limit: int) -> list[Batch]:
        """Return batches whose callbacks are still to be written."""
        ...

    def page(self, org: str, *, kind: str | None, state: str | None, limit: int, skip: int) -> list[Batch]:
        """Return a page of batches, the newest first."""
        ...


class Batches:
    """The use cases of those who have customers called."""

    def __init__(
        self, kept: Keeping, made: Made, people: Chosen, rules: Rules[FollowupRules], clock: Clock
    ) -> None:
        """A batch stays under the version of the rulebook it was first compiled under."""
        self._kept, self._made, self._people = kept, made, people
        self._rules, self._clock = rules, clock

    def compile(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Select customers into a batch; of a kind made once per occasion, into the one batch of that occasion.

        Raises NotFound for an unknown kind, ValidationFailed when the occasion does not go with the kind or there
        are too many customers, RuleRefused when the occasion's batch is summed up already.
        """
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rule = _rule(ruling.rules, data["kind"])
        if rule.per_occasion != (data["occasion"] is not None):
            reason = (
                "is missing: the kind is made once for each"
                if rule.per_occasion
                else "does not go with the kind"
            )
            raise ValidationFailed(f"occasion {reason}", problems=(Problem("occasion", reason),))
        parts = (call.org, rule.code, data["occasion"]) if rule.per_occasion else (call.key,)
        named = {**data, "id": derived_id("bt", *parts)}
        chosen = self._choose(call.org, data["where"])
        batch = Batch(
            id=named["id"],
            org=call.org,
            kind=rule.code,
            regulation=ruling.version,
            where=dict(data["where"]),
            occasion=data["occasion"],
            compiled_at=now,
        )
        added = batch.compile(chosen, rule, now, cause_of(call))
        result = _written(batch) | {"added": added}
        batch.remember_answer(call.key, digest_of(named), result)
        return result if self._kept.insert(batch) else self._extend(call, named, chosen)

    def _extend(self, call: Calling, named: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any]:
        added = 0

        def step(batch: Batch, cause: Cause) -> None:
            nonlocal added
            added = batch.compile(chosen, self._rule_of(batch), self._clock.now(), cause)

        return change(self._kept, call, named, _WHAT, step, lambda batch: _written(batch) | {"added": added})

    def act(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Share a batch out, sum it up or archive it; RuleRefused, naming the kind's rule, when it is not the time."""

        def step(batch: Batch, cause: Cause) -> None:
            rule, now = self._rule_of(batch), self._clock.now()
            if data["action"] == "allocate":
                batch.allocate(data["specialists"], rule, now, cause)
            elif data["action"] == "summarise":
                batch.summarise(self._made.of_batch(batch.id), data["report"], rule, now, cause)
            else:
                batch.archive(rule, now, cause)

        return change(self._kept, call, data, _WHAT, step, _written)

    def batch(self, org: str, batch_id: str) -> dict[str, Any]:
        """Return one batch: how far it has come, who is missing, who calls how many, and what was said."""
        batch = found(self._kept.get(batch_id, org), _WHAT, batch_id)
        callbacks = self._made.of_batch(batch.id)
        shared = [each.caller for each in batch.customers]
        return {
            **row_view(batch),
            **batch.standing(callbacks, self._rule_of(batch)),
            "gaps": batch.gaps(callbacks)[:GAPS_SHOWN],
            "allocation": [{"staff": name, "customers": shared.count(name)} for name in batch.specialists],
            "analysis": analysis(callbacks),
            "report": batch.report,
        }

    def page(self, org: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of batches, the newest first."""
        return [row_view(batch) for batch in self._kept.page(org, **query)]

    def _choose(self, org: str, where: Mapping[str, str]) -> list[str]:
        """Return who is chosen, but for those who want to be left alone or are forgotten."""
        chosen: list[str] = []
        after: str | None = None
        while rows := self._people.page(org, where, after=after, limit=1000):
            chosen += [person.id for person in rows if not (person.opted_out or person.erased)]
            after = rows[-1].id
            if len(chosen) > MOST_CUSTOMERS:
                reason = f"chooses more than {MOST_CUSTOMERS} customers: choose fewer"
                raise ValidationFailed(f"where {reason}", problems=(Problem("where", reason),))
        return chosen

    def _rule_of(self, batch: Batch) -> BatchRule:
        return _rule(self._rules.of_version(batch.org, batch.regulation).rules, batch.kind)


class MakeBatches:
    """One round of the timer: writes the callbacks of batches that were shared out.

    A callback's id follows from batch and customer, and the batch says how far it came only afterwards: whoever
    dies in between, the next one writes nobody twice and misses nobody.
    """

    def __init__(
        self, kept: Keeping, writing: Writing, scheduler: Scheduler, rules: Rules[FollowupRules]
    ) -> None:
        """Write callbacks under the rulebook of their batch."""
        self._kept, self._writing, self._scheduler, self._rules = kept, writing, scheduler, rules

    def __call__(self) -> bool:
        """Write the next callbacks of some batches; return whether there may be more at once."""
        more = False
        for batch in self._kept.in_making(10):
            since = batch.history.next_seq
            part = batch.customers[batch.made : batch.made + AT_ONCE]
            callbacks = [callback for each in part for callback in self._callbacks(batch, each)]
            self._writing.schedule(callbacks)
            batch.written(part, {callback.customer_id for callback in callbacks})
            try:
                self._kept.save(batch, since_seq=since)
            except Conflict:
                more = True
                continue
            more = more or batch.making
        return more

    def _callbacks(self, batch: Batch, selected: Selected) -> list[Callback]:
        """Return the callback of one customer; nothing for who was erased meanwhile."""
        rules = self._rules.of_version(batch.org, batch.regulation).rules
        rule = rules.callback(_rule(rules, batch.kind).callback)
        if rule is None:
            raise no_rule(batch.kind)
        matter = Matter(
            About.BATCH,
            reference=derived_id("bc", batch.id, selected.customer_id),
            customer_id=selected.customer_id,
            happened_at=batch.compiled_at,
        )
        found = self._scheduler.planned(batch.org, [Planned(rule, rule.due)], matter, Cause(batch.id, SYSTEM))
        for callback in found:
            callback.batch_id, callback.assigned_to = batch.id, selected.caller
        return found


def _rule(rules: FollowupRules, kind: str) -> BatchRule:
    rule = rules.batch(kind)
    if rule is None:
        raise no_batch_rule(kind)
    return rule


def _written(batch: Batch) -> dict[str, Any]:
    return {"batch_id": batch.id, "state": batch.state.value, "customers": len(batch.customers)}


def row_view(batch: Batch) -> dict[str, Any]:
    """Return a batch in a list."""
    return {
        "batch_id": batch.id,
        "kind": batch.kind,
        "occasion": batch.occasion,
        "state": batch.state.value,
        "where": [{"code": code, "value": value} for code, value in sorted(batch.where.items())],
        "compiled_at": timestamp(batch.compiled_at),
        "customers": len(batch.customers),
        "made": batch.made,
        "archived": batch.state is Stage.ARCHIVED,
        "regulation": batch.regulation,
    }
