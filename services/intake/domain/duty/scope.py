"""What somebody's post lets them see and do (岗位职责权限): kinds handled, contacts taken, whose requests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from services.intake.domain.duty.staff import Member, StaffRules
from shared.errors import RuleRefused

if TYPE_CHECKING:
    from services.intake.domain.requests.request import Request
    from services.intake.domain.requests.rules import Kind


@dataclass(frozen=True, slots=True)
class Bound:
    """The only ``codes`` somebody may touch, and the rule that says so."""

    codes: frozenset[str]
    source: str

    def check(self, code: str, what: str) -> None:
        """RuleRefused, by the rule, unless ``code`` is one of them."""
        if code not in self.codes:
            yours = ", ".join(sorted(self.codes))
            raise RuleRefused(f"{what} {code} is not yours, but {yours}", rule=self.source)


@dataclass(frozen=True, slots=True)
class Scope:
    """How far somebody's competence goes; None where it has no bound.

    ``kinds`` bounds the requests, ``categories`` the contacts, ``units`` whose requests; ``staff`` are the people of
    those units and ``home`` is where what they open belongs.
    """

    kinds: Bound | None = None
    categories: Bound | None = None
    units: Bound | None = None
    staff: frozenset[str] = frozenset()
    home: str | None = None

    def why_not(self, request: Request, actor: str) -> RuleRefused | None:
        """Return why ``actor`` may not touch ``request``: its kind is not theirs, or it is another unit's."""
        try:
            if self.kinds:
                self.kinds.check(request.opening.kind, "the kind")
        except RuleRefused as refusal:
            return refusal
        mine = actor in people_of(request)
        if self.units and not mine and self.units.codes.isdisjoint(_units_of(request)):
            return RuleRefused(f"{request.id} is another unit's", rule=self.units.source)
        return None


#: Whoever is not in the directory, or whose post says nothing, is bound by their roles alone.
UNBOUND = Scope()


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's own scope, and the scopes of those for whom they act today (副职代行), by staff id."""

    own: Scope = UNBOUND
    acting: Mapping[str, Scope] = field(default_factory=dict)

    @property
    def reach(self) -> Scope:
        """Return all of it as one scope: for lists, and for what is opened."""
        reach = self.own
        for other in self.acting.values():
            reach = Scope(
                _wider(reach.kinds, other.kinds),
                _wider(reach.categories, other.categories),
                _wider(reach.units, other.units),
                reach.staff | other.staff,
                reach.home,
            )
        return reach

    def acting_for(self, request: Request, actor: str) -> str | None:
        """Return for whom ``actor`` acts on ``request``, None when for themselves; RuleRefused when for nobody.

        It is for somebody absent when the request is in their hands, or when only their competence reaches it.
        """
        theirs = next((staff for staff in self.acting if staff in people_of(request)), None)
        refusal = self.own.why_not(request, actor)
        if theirs is None and refusal is not None:
            theirs = next(
                (staff for staff, scope in self.acting.items() if scope.why_not(request, staff) is None), None
            )
            if theirs is None:
                raise refusal
        return theirs


def scope_of(
    rules: StaffRules, member: Member, kinds: Sequence[Kind], everybody: Collection[Member]
) -> Scope:
    """Return how far the competence of ``member`` goes; ``everybody`` is the organisation's staff."""
    post = rules.post(member.post)
    scope = UNBOUND
    if post and post.handles:
        handled = set(post.handles)
        mine = [kind.code for kind in kinds if kind.code in handled or handled.intersection(kind.categories)]
        named = {category for kind in kinds if kind.code in handled for category in kind.categories}
        scope = Scope(Bound(frozenset(mine), post.source), Bound(frozenset(handled | named), post.source))
    home = rules.home(member.unit)
    if rules.apart and home:
        units = rules.within(home)
        people = frozenset(each.staff for each in everybody if each.unit in units)
        scope = replace(scope, units=Bound(units, rules.apart.source), staff=people, home=home)
    return scope


def people_of(request: Request) -> set[str]:
    """Return who has a request in hand: owner, first responsible person, helpers, whom it is offered to."""
    holders = [request.owner, request.first_responsible, *request.helpers]
    if request.offered:
        holders.append(request.offered.to)
    return {holder.staff for holder in holders if holder.staff}


def _units_of(request: Request) -> Iterator[str | None]:
    yield request.owner.unit
    yield from (part.unit for part in request.parts)
    if request.offered:
        yield request.offered.to.unit


def _wider(one: Bound | None, other: Bound | None) -> Bound | None:
    if one is None or other is None:
        return None
    return Bound(one.codes | other.codes, one.source)
