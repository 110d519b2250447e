"""How alike two clients are: a score with its reasons, from weights that are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.domain.same.names import AreaPhone, LicenceName
from services.intake.domain.same.rules import SearchKind, Weight


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client is recognised by."""

    name: LicenceName | None
    phone: AreaPhone | None

    def key(self, org: str, kind: SearchKind) -> str | None:
        """Return what it must not share within ``org``, by one of the two kinds of search."""
        part = self.name if kind is SearchKind.NAME else self.phone
        return None if part is None else f"{org}|{kind}|{part.key}"

    def keys(self, org: str) -> tuple[str, ...]:
        """Return both keys, as far as it has them."""
        found = (self.key(org, kind) for kind in SearchKind)
        return tuple(key for key in found if key is not None)

    def marks(self, org: str) -> tuple[str, ...]:
        """Return what others like it are found by."""
        name = self.name
        like = () if name is None else (f"{org}|trade|{name.trade}", f"{org}|sound|{name.sound}")
        return (*self.keys(org), *like)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many points two clients have in common, and for what."""

    points: int
    reasons: tuple[str, ...]


def likeness(one: Identity, other: Identity, weights: Sequence[Weight]) -> Likeness:
    """Return the points of everything two clients have in common; the weights say what counts and how much."""
    common = _common(one, other)
    counted = [weight for weight in weights if weight.code in common]
    return Likeness(sum(weight.points for weight in counted), tuple(weight.code for weight in counted))


def _common(one: Identity, other: Identity) -> set[str]:
    common = set[str]()
    if one.name is not None and other.name is not None:
        for part in ("region", "trade", "industry", "form", "sound"):
            mine = getattr(one.name, part)
            if mine and mine == getattr(other.name, part):
                common.add(part)
    if one.phone is not None and one.phone == other.phone:
        common.add("phone")
    return common
