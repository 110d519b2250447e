"""People (客户): what followup has to know of a customer to choose, time and stop what it does unasked.

No name, no number and no word of the customer is here: an id, codes, days, and whether it wants to be left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """One customer of ``org``.

    ``traits`` are codes by code (``grade``, ``vip``, ``phase``, ``type``, ``agent`` …), ``dates`` days by code
    (``birthday``, ``insurance_ends``, ``delivered`` …) as ISO dates, a birthday of an unknown year in the year 0004.
    Of who was ``erased`` nothing but the id is known.
    """

    id: str
    org: str
    kind: str | None = None
    units: tuple[str, ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    opted_out: bool = False
    erased: bool = False

    def trait(self, code: str) -> str | None:
        """Return a trait, or ``None`` where nobody said."""
        return self.traits.get(code)

    def tokens(self) -> list[str]:
        """Return what the person is chosen by: kind, traits and units, each as ``<code>=<value>``."""
        found = [token("kind", self.kind)] if self.kind else []
        found += [token(code, value) for code, value in self.traits.items()]
        return sorted({*found, *(token("unit", unit) for unit in self.units)})


@dataclass(frozen=True, slots=True)
class Known:
    """What became known of a customer at ``at``; None in ``traits`` or ``dates`` takes the value away."""

    org: str
    customer_id: str
    at: datetime
    kind: str | None = None
    units: tuple[str, ...] = ()
    traits: Mapping[str, str | None] = field(default_factory=dict)
    dates: Mapping[str, str | None] = field(default_factory=dict)
    opted_out: bool | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A person with, for each thing said of it, the instant it was last said and what was said then."""

    org: str
    customer_id: str
    said: Mapping[str, tuple[datetime, Any]] = field(default_factory=dict)

    def with_(self, known: Known) -> Told:
        """Return it with ``known`` added: of each thing the latest word holds, in whatever order they come.

        Two words of the same instant are decided by their text, so that every order ends the same. Units only
        grow; an erasure ends all.
        """
        if self.erased:
            return self
        if known.erased:
            return Told(self.org, self.customer_id, {"erased": (known.at, True)})
        said = dict(self.said)
        for thing, value in _things(known).items():
            before = said.get(thing)
            if before is None or (before[0], str(before[1])) < (known.at, str(value)):
                said[thing] = (known.at, value)
        return Told(self.org, self.customer_id, said)

    @property
    def erased(self) -> bool:
        """Return whether the customer's data was erased."""
        return "erased" in self.said

    def person(self) -> Person:
        """Return who it is by all that was said."""
        latest = {thing: value for thing, (_, value) in self.said.items() if value is not None}
        return Person(
            id=self.customer_id,
            org=self.org,
            kind=latest.get("kind"),
            units=tuple(sorted(_of(latest, "unit"))),
            traits=_of(latest, "trait"),
            dates=_of(latest, "date"),
            opted_out=bool(latest.get("opted_out", False)),
            erased=self.erased,
        )


def token(code: str, value: str) -> str:
    """Return what people are chosen by whose ``code`` is ``value``."""
    return f"{code}={value}"


def _things(known: Known) -> dict[str, Any]:
    things: dict[str, Any] = {f"unit.{unit}": True for unit in known.units}
    things |= {f"trait.{code}": value for code, value in known.traits.items()}
    things |= {f"date.{code}": value for code, value in known.dates.items()}
    if known.kind is not None:
        things["kind"] = known.kind
    if known.opted_out is not None:
        things["opted_out"] = known.opted_out
    return things


def _of(latest: Mapping[str, Any], what: str) -> dict[str, Any]:
    head = f"{what}."
    return {thing.removeprefix(head): value for thing, value in latest.items() if thing.startswith(head)}
