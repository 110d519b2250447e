"""Use cases of conflicts over clients, and of mergers of two that are one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.intake.domain.same.account import Account, Particulars
from services.intake.domain.same.conflict import ConflictCase, Outcome, Stage, Vote
from services.intake.domain.same.merge import Merge
from services.intake.domain.same.rules import ClaimKind, Conflicts, Contract
from services.intake.handlers.account_views import conflict_view, merge_view
from services.intake.handlers.accounts import identity_of
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create, found
from shared.authority import must_be_granted
from shared.clock import Clock
from shared.errors import Conflict, Problem, ValidationFailed
from shared.history import Cause
from shared.ids import IdSource

if TYPE_CHECKING:
    from services.intake.accounts_kept import AccountShelves


def _silent(what: str) -> ValidationFailed:
    return ValidationFailed(
        f"the rulebook has no {what}", problems=(Problem(what, "is not in the rulebook"),)
    )


class ConflictDesk:
    """Conflicts: raised by the claimant, ruled on by the region, arbitrated by the large region."""

    def __init__(self, kept: AccountShelves, rules: Rules, clock: Clock) -> None:
        """Keep conflicts in ``kept``, by ``rules``."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def open(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Raise a conflict with every client that shares the key field or the number (B-CRM-06)."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rules = self._of(ruling)
        particulars = Particulars(name=data["name"], phone=data["phone"], region=data["region"])
        met = self._met(call.org, particulars)

        def build(new: str, cause: Cause) -> ConflictCase:
            if not met:
                raise ValidationFailed("there is no conflict", problems=(Problem("name", "meets no client"),))
            regions = dict.fromkeys(
                [data["region"], *(each.particulars.region or data["region"] for each in met)]
            )
            conflict = ConflictCase(
                id=new,
                org=call.org,
                regulation=ruling.version,
                claimant=call.actor,
                particulars=particulars,
                evidence=data["evidence"],
                kind=_kind(met, len(regions)),
                against=tuple(each.id for each in met),
                owners=tuple(sorted({each.owner for each in met if each.owner is not None})),
                regions=tuple(regions),
                raised_at=now,
            )
            conflict.raise_(rules, ruling.calendar, now, cause)
            return conflict

        return create(self._kept.conflicts, call, data, "cf", build, conflict_view)

    def _met(self, org: str, particulars: Particulars) -> list[Account]:
        """Return the clients met, those of the same key field first, each where it leads."""
        keys = identity_of(particulars).keys(org)
        met: dict[str, Account] = {}
        for key in keys:
            for each in self._kept.like(org, [key]):
                if each.protected:
                    lead = self._kept.lead(each)
                    met.setdefault(lead.id, lead)
        return list(met.values())

    def decide(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Rule on a conflict, confirm it for one of two regions, or arbitrate it, as far as it has come."""
        now = self._clock.now()

        def step(conflict: ConflictCase, cause: Cause) -> None:
            ruling = self._rules.of_version(call.org, conflict.regulation)
            rules = self._of(ruling)
            arbitrated = conflict.stage is Stage.ARBITRATION
            ruler = rules.arbitrated_by if arbitrated else rules.ruled_by
            role = must_be_granted(ruler, call.roles, "ruling on a conflict")
            vote = Vote(call.actor, data["region"], Outcome(data["outcome"]), data["reason"], now)
            conflict.rule(vote, role, rules, ruling.calendar, cause)

        return change(self._kept.conflicts, call, data, "conflict", step, conflict_view)

    def appeal(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Object to a ruling: it goes to arbitration (B-CRM-08)."""
        now = self._clock.now()

        def step(conflict: ConflictCase, cause: Cause) -> None:
            ruling = self._rules.of_version(call.org, conflict.regulation)
            conflict.appeal(self._of(ruling), ruling.calendar, now, cause)

        return change(self._kept.conflicts, call, data, "conflict", step, conflict_view)

    def get(self, org: str, conflict_id: str) -> dict[str, Any]:
        """Return one conflict."""
        return conflict_view(found(self._kept.conflicts.get(conflict_id, org), "conflict", conflict_id))

    def page(self, org: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of conflicts, newest first."""
        rows = self._kept.conflicts_page(org, data["stage"], limit=data["limit"], skip=data["skip"])
        return [conflict_view(each) for each in rows]

    @staticmethod
    def _of(ruling: Ruling) -> Conflicts:
        rules = ruling.rules.accounts.conflicts
        if rules is None:
            raise _silent("conflicts")
        return rules


def _kind(met: list[Account], regions: int) -> ClaimKind:
    if regions > 1:
        return ClaimKind.CROSS_REGION
    signed = any(each.contract is not Contract.NEVER_SIGNED for each in met)
    return ClaimKind.SIGNED if signed else ClaimKind.UNSIGNED


class MergeDesk:
    """Mergers: two clients that are one, brought together and taken apart again."""

    def __init__(self, kept: AccountShelves, rules: Rules, clock: Clock, ids: IdSource) -> None:
        """Keep mergers in ``kept``, by ``rules``."""
        self._kept, self._rules, self._clock, self._ids = kept, rules, clock, ids

    def request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for one client to lead to another; Conflict while one of them is part of a merger."""
        now = self._clock.now()
        rules = self._rules.in_force(call.org, now).rules.accounts.merging
        if rules is None:
            raise _silent("merging")
        if data["stays"] == data["goes"]:
            raise ValidationFailed("one client", problems=(Problem("goes", "must be another client"),))

        def build(new: str, cause: Cause) -> Merge:
            for name in ("stays", "goes"):
                found(self._kept.accounts.get(data[name], call.org), "account", data[name])
            merge = Merge(
                id=new,
                org=call.org,
                stays=data["stays"],
                goes=data["goes"],
                source=rules.decided_by.source,
                requested_by=call.actor,
                requested_at=now,
                locks=(),
            )
            merge.requested(now, cause)
            return merge

        return create(self._kept.merges, call, data, "mg", build, merge_view)

    def decide(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Approve, refuse or undo a merger; the timer carries it out when this is cut short."""
        now = self._clock.now()
        rules = self._rules.in_force(call.org, now).rules.accounts.merging
        if rules is None:
            raise _silent("merging")
        must_be_granted(rules.decided_by, call.roles, "deciding on mergers")

        def step(merge: Merge, cause: Cause) -> None:
            merge.decide(data["decision"], now, cause)

        change(self._kept.merges, call, data, "merge", step, merge_view)
        self.settle()
        return self.get(call.org, data["id"])

    def get(self, org: str, merge_id: str) -> dict[str, Any]:
        """Return one merger."""
        return merge_view(found(self._kept.merges.get(merge_id, org), "merge", merge_id))

    def page(self, org: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of mergers, newest first."""
        rows = self._kept.merges_page(org, limit=data["limit"], skip=data["skip"])
        return [merge_view(each) for each in rows]

    def settle(self) -> bool:
        """Carry out what was decided; safe to repeat, and whoever comes second leaves it to the first."""
        for merge in self._kept.unfinished_merges():
            now = self._clock.now()
            cause = Cause(self._ids.new("tick"), "system")
            account = self._kept.accounts.get(merge.goes, merge.org)
            try:
                if account is not None and account.merged_into != merge.leads_to:
                    since = account.history.next_seq
                    account.merge_into(merge.leads_to, now, cause, source=merge.source)
                    self._kept.accounts.save(account, since_seq=since)
                since = merge.history.next_seq
                merge.finish(now, cause)
                self._kept.merges.save(merge, since_seq=since)
            except Conflict:
                continue
        return False
