"""Use cases about people: take what intake and other systems tell of customers, choose some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.followup.domain.person import Known, Person
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.handling import Calling
from shared.messaging.envelope import CloudEvent


class Keeping(Protocol):
    """What the use cases need of the repository."""

    def note(self, known: Sequence[Known]) -> None:
        """Add what became known."""
        ...

    def get(self, org: str, customer_id: str) -> Person | None:
        """Return one customer."""
        ...

    def page(self, org: str, where: Mapping[str, str], after: str | None, limit: int) -> list[Person]:
        """Return customers by id."""
        ...

    def count(self, org: str, where: Mapping[str, str]) -> int:
        """Return how many there are."""
        ...

    def begin(self, key: str, digest: str, at: datetime) -> tuple[str, datetime]:
        """Remember a command; return the digest and the instant of the first with its key."""
        ...


class People:
    """Who there is, each read of one organisation."""

    def __init__(self, kept: Keeping, clock: Clock) -> None:
        """Use what keeps people."""
        self._kept, self._clock = kept, clock

    def note(self, known: Iterable[Known]) -> None:
        """Add what became known; any order and any repetition ends the same."""
        self._kept.note(list(known))

    def mark(self, call: Calling, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Take what a caller tells of customers; Conflict when the key was used with other arguments.

        All of it counts as said when the command first came, so that a repeat undoes nothing said since.
        """
        digest = digest_of({"rows": rows})
        first, at = self._kept.begin(call.key, digest, self._clock.now())
        if first != digest:
            raise Conflict("the idempotency key was used with other arguments: take a new one")
        self._kept.note([Known(call.org, at=at, **row) for row in rows])
        return {"marked": len({row["customer_id"] for row in rows})}

    def get(self, org: str, customer_id: str) -> Person | None:
        """Return one customer, or ``None`` when nobody told of it."""
        return self._kept.get(org, customer_id)

    def page(
        self, org: str, where: Mapping[str, str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[Person]:
        """Return customers in the order of their ids, from behind ``after``; ``where`` by trait, kind and unit."""
        return self._kept.page(org, where or {}, after, limit)

    def count(self, org: str, where: Mapping[str, str] | None = None) -> int:
        """Return how many customers are all of ``where``."""
        return self._kept.count(org, where or {})

    def view(self, org: str, customer_id: str) -> dict[str, Any]:
        """Return one customer as callers see it; NotFound when nobody told of it."""
        person = self.get(org, customer_id)
        if person is None:
            raise NotFound(f"nobody told of a customer {customer_id!r} of your organisation")
        return person_view(person)

    def views(self, org: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of customers as callers see them."""
        found = self.page(org, query["where"], after=query["after"], limit=query["limit"])
        return [person_view(person) for person in found]


def person_view(person: Person) -> dict[str, Any]:
    """Return the JSON shape of a customer."""
    return {
        "customer_id": person.id,
        "kind": person.kind,
        "units": list(person.units),
        "traits": [{"code": code, "value": value} for code, value in sorted(person.traits.items())],
        "dates": [{"code": code, "day": day} for code, day in sorted(person.dates.items())],
        "opted_out": person.opted_out,
        "erased": person.erased,
    }


def known_by(event: CloudEvent, fact: Mapping[str, Any]) -> Known | None:
    """Return what an event of intake tells of a customer, with its data as its schema read it; None for nothing."""
    tell = _TELL.get(event.type)
    said = None if tell is None else tell(fact)
    if said is None or event.time is None:
        return None
    return Known(event.org, fact["customer_id"], event.time, **said)


#: What each event tells of its customer, if anything.
_TELL: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any] | None]] = {
    "customer_registered": lambda fact: {"kind": fact["kind"]},
    "contact_registered": lambda fact: {"units": (fact["unit_id"],)} if fact["unit_id"] else None,
    "customer_changed": lambda fact: (
        {"traits": {fact["change"]: fact["value_to"]}} if fact["change"] in {"phase", "lifecycle"} else None
    ),
    "privacy_flags_set": lambda fact: {"opted_out": fact["opt_out"]},
    "personal_data_erased": lambda fact: {"erased": True} if fact["subject"] == "customer" else None,
}
