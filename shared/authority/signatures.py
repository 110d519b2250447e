"""Signatures under one thing: in the order of the matrix, by people who neither prepared it nor are concerned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.authority.mandates import Mandate
from shared.authority.matrix import Authority, Place
from shared.errors import Conflict, RuleRefused


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, under which role and when; ``principal`` is in whose place, by the mandate ``mandate``."""

    by: str
    role: str
    at: datetime
    principal: str | None = None
    mandate: str | None = None

    @property
    def persons(self) -> frozenset[str]:
        """Return whoever stands behind it: the signer, and the one in whose place they signed."""
        return frozenset({self.by} if self.principal is None else {self.by, self.principal})


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody about to sign at ``at``: with their own ``roles``, or by a mandate that was found to reach."""

    by: str
    roles: frozenset[str]
    at: datetime
    mandate: Mandate | None = None

    @property
    def persons(self) -> frozenset[str]:
        """Return whoever would stand behind the signature."""
        return frozenset({self.by} if self.mandate is None else {self.by, self.mandate.principal})

    def role_for(self, place: Place) -> str | None:
        """Return under which role the signer may fill ``place``; None when under none."""
        held = self.roles if self.mandate is None else {self.mandate.role}
        return next((role for role in place.roles if role in held), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far signatures have come under one authority: those that count, and the place that is open.

    ``open`` is None once every place is filled; ``missing`` is how many the open one still needs.
    """

    counted: tuple[Signature, ...]
    open: Place | None
    missing: int = 0
    later: tuple[Place, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Return whether every place is filled."""
        return self.open is None


def standing(
    authority: Authority, signatures: Sequence[Signature], barred: Collection[str] = frozenset()
) -> Standing:
    """Return how far ``signatures``, oldest first, fill the places of ``authority``.

    One counts if it has a role of the place whose turn it is, and nobody behind it is ``barred`` or signed
    before. So the same signatures are worth less under an authority that asks for others.
    """
    counted: list[Signature] = []
    seen = set(barred)
    waiting = iter(signatures)
    for number, place in enumerate(authority.places):
        filled = 0
        while filled < place.quorum:
            found = next((one for one in waiting if one.role in place.roles and not one.persons & seen), None)
            if found is None:
                later = authority.places[number + 1 :]
                return Standing(tuple(counted), place, place.quorum - filled, later)
            counted.append(found)
            seen |= found.persons
            filled += 1
    return Standing(tuple(counted), None)


def sign(
    authority: Authority,
    signatures: Sequence[Signature],
    signer: Signer,
    *,
    authors: Collection[str],
    barred: Collection[str],
    what: str,
) -> Signature:
    """Return the signature that fills the place whose turn it is.

    RuleRefused, naming the authority's rule: to whoever prepared it or is barred, in person or by mandate, to
    somebody whose turn comes later or never, and to somebody who signed already. Conflict when all have signed.
    """
    rule = authority.source
    if signer.persons & set(authors):
        raise RuleRefused(f"{what} is not for {signer.by}: nobody signs for what they prepared", rule=rule)
    if signer.persons & set(barred):
        raise RuleRefused(f"{what} is not for {signer.by}: it concerns them", rule=rule)
    now = standing(authority, signatures, barred)
    if now.open is None:
        signed = ", ".join(one.by for one in now.counted)
        raise Conflict(f"{what} was given by {signed} already: nobody else is asked")
    role = signer.role_for(now.open)
    if role is None:
        raise _not_their_turn(now, signer, what, rule)
    if any(signer.persons & one.persons for one in now.counted):
        raise RuleRefused(f"{what} is not for {signer.by}, who signed already", rule=rule)
    mandate = signer.mandate
    if mandate is None:
        return Signature(signer.by, role, signer.at)
    return Signature(signer.by, role, signer.at, mandate.principal, mandate.id)


def _not_their_turn(now: Standing, signer: Signer, what: str, rule: str) -> RuleRefused:
    wanted = ", ".join(now.open.roles) if now.open is not None else ""
    if any(signer.role_for(place) is not None for place in now.later):
        return RuleRefused(f"{what}: {wanted} sign first", rule=rule, details={"awaits": wanted})
    return RuleRefused(f"{what} is for {wanted}", rule=rule, details={"awaits": wanted})
