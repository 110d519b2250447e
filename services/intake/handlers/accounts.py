"""Use cases of entering clients: search for conflicts, enter, look up, and how full somebody's quota is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.intake.domain.same.account import Account, Particulars, pool_now
from services.intake.domain.same.conflict import ConflictCase, Outcome, Stage
from services.intake.domain.same.likeness import Identity, likeness
from services.intake.domain.same.names import parse_licence, parse_phone, why_not_standard, why_several
from services.intake.domain.same.rules import Entry, Ownership, Pool, Quota, SearchKind, Weight
from services.intake.domain.same.search import Candidate, Search
from services.intake.handlers.account_views import account_view, entered_view, search_view
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create, found, new_id
from shared.authority import must_be_granted
from shared.clock import Clock
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.regulations.values import DESIGN

if TYPE_CHECKING:
    from services.intake.accounts_kept import AccountShelves

_ATTEMPTS = 5


class Accounts:
    """The use cases, each scoped to the caller's organisation."""

    def __init__(self, kept: AccountShelves, rules: Rules, clock: Clock) -> None:
        """Keep clients in ``kept``, by ``rules``."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def search(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Look for clients with the same key field or the same number, and keep who looked (B-CRM-05)."""
        kind = SearchKind(data["kind"])
        looked = identity_of(Particulars(**{kind.value: data["text"]}))
        key = looked.key(call.org, kind)
        if key is None:
            raise ValidationFailed("nothing to search by", problems=(Problem("text", "cannot be read"),))
        now = self._clock.now()
        weights = self._rules.in_force(call.org, now).rules.accounts.likeness

        def build(new: str, cause: Cause) -> Search:
            search = Search(id=new, org=call.org, by=call.actor, kind=kind, key=key, searched_at=now)
            search.conclude(self._candidates(call.org, looked, weights, key), now, cause)
            return search

        return create(self._kept.searches, call, data, "sr", build, search_view)

    def _candidates(
        self, org: str, looked: Identity, weights: tuple[Weight, ...], key: str
    ) -> list[Candidate]:
        found: dict[str, Candidate] = {}
        for each in self._kept.like(org, looked.marks(org)):
            like = likeness(looked, each.particulars.identity, weights)
            lead = self._kept.lead(each)
            hit = each.protected and key in each.marks
            before = found.get(lead.id)
            if before is None or (hit, like.points) > (before.hit, before.points):
                found[lead.id] = Candidate(lead.id, hit, like.points, like.reasons)
        return list(found.values())

    def enter(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter a client for the caller, after both searches and, where they hit, under a ruling.

        RuleRefused names what is missing. Whoever comes second at the same moment is told whom they met.
        """
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        particulars = Particulars(**{name: data[name] for name in Particulars.__slots__})
        entry = ruling.rules.accounts.entry
        if entry is not None:
            check_particulars(particulars, entry)
        conflict = self._conflict(call, data["conflict_id"], particulars)
        if conflict is not None and conflict.outcome is Outcome.TRANSFERRED:
            return self._take_over(call, data, conflict, ruling)
        for attempt in range(_ATTEMPTS):
            try:
                return create(
                    self._kept.accounts,
                    call,
                    data,
                    "ac",
                    lambda new, cause: self._build(
                        new, cause, call, particulars, conflict, data["customer_id"], ruling, now
                    ),
                    entered_view,
                )
            except Conflict:
                if self._kept.accounts.get(new_id("ac", call), call.org) is not None:
                    raise
                self._tell_who_came_first(call.org, particulars, conflict, entry)
                if attempt == _ATTEMPTS - 1:
                    raise
        raise Conflict("others enter clients at the same moment: try again")

    def _conflict(self, call: Caller, conflict_id: str | None, asked: Particulars) -> ConflictCase | None:
        """Return the ruling the entry rests on, marked as used; RuleRefused while it does not allow it."""
        if conflict_id is None:
            return None
        conflict = found(self._kept.conflicts.get(conflict_id, call.org), "conflict", conflict_id)
        ruling = self._rules.of_version(call.org, conflict.regulation)
        entry = ruling.rules.accounts.entry
        rule = DESIGN if entry is None else entry.hit.source
        if conflict.stage is not Stage.FINAL or conflict.outcome is Outcome.REFUSED:
            raise RuleRefused(f"{conflict_id} is {conflict.outcome or conflict.stage}", rule=rule)
        if conflict.claimant != call.actor:
            raise RuleRefused(f"{conflict_id} was ruled for somebody else", rule=rule)
        if conflict.particulars.identity != asked.identity:
            raise RuleRefused(f"{conflict_id} is about another client", rule=rule)
        change(
            self._kept.conflicts,
            call,
            {"id": conflict_id},
            "conflict",
            lambda each, cause: each.use(self._clock.now(), cause),
            lambda each: {"conflict_id": each.id},
        )
        return conflict

    def _take_over(
        self, call: Caller, data: Mapping[str, Any], conflict: ConflictCase, ruling: Ruling
    ) -> dict[str, Any]:
        """Let the client that was found to be the same one pass to the claimant."""
        now = self._clock.now()
        rules = ruling.rules.accounts
        source = DESIGN if rules.entry is None else rules.entry.hit.source

        def step(account: Account, cause: Cause) -> None:
            if account.owner == call.actor:
                return
            pool = self._pool_for(call, account, rules.ownership, ruling, now)
            self.seat(account, call.actor, pool, rules.ownership)
            account.pass_to(call.actor, None if pool is None else pool.code, now, cause, source=source)

        target = {**data, "id": conflict.against[0]}
        return change(self._kept.accounts, call, target, "account", step, entered_view)

    def _build(
        self,
        new: str,
        cause: Cause,
        call: Caller,
        particulars: Particulars,
        conflict: ConflictCase | None,
        customer_id: str | None,
        ruling: Ruling,
        now: datetime,
    ) -> Account:
        rules = ruling.rules.accounts
        identity = particulars.identity
        protected = rules.entry is None or not rules.entry.licence.value or particulars.protected
        held = identity.keys(call.org) if protected and rules.entry is not None else ()
        if conflict is not None:
            if self._kept.under_ruling(call.org, conflict.id):
                raise RuleRefused(
                    f"a client was entered under {conflict.id}",
                    rule=rules.entry.hit.source if rules.entry else DESIGN,
                )
            # What the ruling found to be another company's stays with that one.
            taken = {key for each in self._kept.holding(call.org, held) for key in each.keys}
            held = tuple(key for key in held if key not in taken)
        elif rules.entry is not None:
            self._check_searches(call, identity, rules.entry, now)
        own = (f"{call.org}|ruling|{conflict.id}",) if conflict is not None else ()
        account = Account(
            id=new,
            org=call.org,
            regulation=ruling.version,
            particulars=particulars,
            customer_id=customer_id,
            keys=(new, *own, *held),
            marks=identity.marks(call.org),
            entered_at=now,
            protected=protected,
            conflict_id=None if conflict is None else conflict.id,
        )
        pool = self._pool_for(call, account, rules.ownership, ruling, now)
        self.seat(account, call.actor, pool, rules.ownership)
        account.entered(call.actor, None if pool is None else pool.code, now, cause)
        return account

    def _check_searches(self, call: Caller, identity: Identity, entry: Entry, now: datetime) -> None:
        since = now - timedelta(hours=entry.fresh_hours.value)
        for kind in entry.searches.value:
            key = identity.key(call.org, kind)
            search = None if key is None else self._kept.searched(call.org, call.actor, key, since)
            if search is None:
                message = (
                    f"search by {kind.value} first, not more than {entry.fresh_hours.value} hours before"
                )
                raise RuleRefused(message, rule=entry.searches.source)
            if search.hits:
                raise _hit(search.hits, entry)

    def _tell_who_came_first(
        self, org: str, particulars: Particulars, conflict: ConflictCase | None, entry: Entry | None
    ) -> None:
        if entry is None or conflict is not None:
            return
        holders = self._kept.holding(org, particulars.identity.keys(org))
        if holders:
            raise _hit([self._kept.lead(each).id for each in holders], entry)

    @staticmethod
    def _pool_for(
        call: Caller, account: Account, ownership: Ownership | None, ruling: Ruling, now: datetime
    ) -> Pool | None:
        """Return the caller's pool for a client in this state; RuleRefused when it belongs to another role's."""
        if ownership is None or not ownership.pools:
            return None
        if ownership.applies_to is not None:
            must_be_granted(ownership.applies_to, call.roles, "entering clients")
        pool = pool_now(account, ownership, now, ruling.zone)
        if pool is None or pool.role not in call.roles:
            keeper = "nobody" if pool is None else pool.role
            source = next((each.source for each in ownership.pools), DESIGN)
            raise RuleRefused(f"clients in this state are kept by {keeper}", rule=source)
        return pool

    def seat(self, account: Account, owner: str, pool: Pool | None, ownership: Ownership | None) -> None:
        """Take a place of the owner's quota for ``account``; RuleRefused, by the rule of the quota, if all are taken.

        A place is a key like the others, so that two at the same moment never share the last one.
        """
        if (
            ownership is None
            or pool is None
            or pool.quota is None
            or account.contract not in pool.counts.value
        ):
            account.hold(None)
            return
        prefix = f"{account.org}|slot|{pool.code}|{owner}|"
        if account.slot is not None and account.slot.startswith(prefix):
            return
        taken = self._kept.slots(prefix)
        most = quota_of(pool.quota, account.particulars.region, ownership)
        free = next((slot for number in range(most) if (slot := f"{prefix}{number}") not in taken), None)
        if free is None or len(taken) >= most:
            raise RuleRefused(f"the quota of {most} clients is full", rule=pool.quota.source)
        account.hold(free)

    def get(self, call: Caller, account_id: str, *, full: bool) -> dict[str, Any]:
        """Return a client, where it leads, and the customers' files that lead to it; RuleRefused for another's."""
        account = found(self._kept.accounts.get(account_id, call.org), "account", account_id)
        lead = self._kept.lead(account)
        ownership = self._rules.in_force(call.org, self._clock.now()).rules.accounts.ownership
        if lead.owner != call.actor and ownership is not None and lead.owner is not None:
            must_be_granted(ownership.seen_by, call.roles, "seeing clients of others")
        absorbed = self._kept.absorbed(call.org, lead.id)
        customers = [each.customer_id for each in (lead, *absorbed) if each.customer_id is not None]
        return account_view(lead, full=full) | {
            "leads_here": sorted(each.id for each in absorbed),
            "customers": customers,
        }

    def page(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of clients, newest first: the caller's own, unless they may see those of others."""
        query: dict[str, Any] = {"merged_into": None}
        if data["state"] is not None:
            query["state"] = data["state"]
        if data["contract"] is not None:
            query["contract"] = data["contract"]
        if data["grade"] is not None:
            query["grades.grade"] = data["grade"]
        ownership = self._rules.in_force(call.org, self._clock.now()).rules.accounts.ownership
        owner = data["owner"]
        if ownership is not None and call.roles.isdisjoint(ownership.seen_by.value):
            if owner not in (None, call.actor):
                must_be_granted(ownership.seen_by, call.roles, "seeing clients of others")
            owner = call.actor
        rows = self._kept.accounts_page(call.org, query | _of(owner), limit=data["limit"], skip=data["skip"])
        return [account_view(each, full=False) for each in rows]

    def quota(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how many clients somebody holds in a pool, how many of them count, and how many may."""
        ownership = self._rules.in_force(call.org, self._clock.now()).rules.accounts.ownership
        owner = data["owner"] or call.actor
        pool = None if ownership is None else ownership.pool(data["pool"])
        if ownership is None or pool is None:
            raise ValidationFailed("no such pool", problems=(Problem("pool", "is not in the rulebook"),))
        if owner != call.actor:
            must_be_granted(ownership.seen_by, call.roles, "seeing clients of others")
        rows = self._kept.accounts.find({"org": call.org, **_of(owner)})
        held = [each for each in rows if each.pool == pool.code]
        return {
            "owner": owner,
            "pool": pool.code,
            "held": len(held),
            "counted": sum(each.contract in pool.counts.value for each in held),
            "most": None if pool.quota is None else quota_of(pool.quota, data["region"], ownership),
            "source": pool.counts.source if pool.quota is None else pool.quota.source,
        }


def _of(owner: str | None) -> dict[str, Any]:
    return {} if owner is None else {"owner": owner}


def _hit(hits: list[str], entry: Entry) -> RuleRefused:
    return RuleRefused(
        "somebody has this client: raise a conflict and wait for the ruling",
        rule=entry.hit.source,
        details={"hits": sorted(set(hits))},
    )


def quota_of(quota: Quota, region: str | None, ownership: Ownership) -> int:
    """Return how many clients one person may hold, in a new region by its own number."""
    new = ownership.new_regions is not None and region in ownership.new_regions.value
    return quota.in_new_regions or quota.most if new else quota.most


def identity_of(particulars: Particulars) -> Identity:
    """Return what the particulars are recognised by; ValidationFailed for a number that is none."""
    if particulars.phone is not None and parse_phone(particulars.phone) is None:
        reason = "is no telephone number with its area code"
        raise ValidationFailed(f"the number {reason}", problems=(Problem("phone", reason),))
    return Identity(
        None if particulars.name is None else parse_licence(particulars.name),
        None if particulars.phone is None else parse_phone(particulars.phone),
    )


def check_particulars(particulars: Particulars, entry: Entry) -> None:
    """Refuse what is not complete, or named against the standard; each refusal names its rule."""
    missing = particulars.missing(entry.complete.value)
    if missing:
        raise RuleRefused(
            f"not complete: {', '.join(missing)}", rule=entry.complete.source, details={"missing": missing}
        )
    name = particulars.name or ""
    reason = why_not_standard(name) if entry.standard.value else None
    if reason is not None:
        raise RuleRefused(f"the name {reason}", rule=entry.standard.source)
    reason = why_several(name) if entry.single.value else None
    if reason is not None:
        raise RuleRefused(f"the name {reason}", rule=entry.single.source)
    identity_of(particulars)
