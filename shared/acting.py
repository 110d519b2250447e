"""What commands on things a service keeps are made of: once per key, one write, whoever comes second starts over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from shared.aggregate import Aggregate, digest_of
from shared.errors import Conflict, NotFound
from shared.handling import Calling
from shared.history import Cause
from shared.ids import derived_id

A = TypeVar("A", bound=Aggregate)

_ATTEMPTS = 5


class Caller(Calling, Protocol):
    """What the use cases need of a call: also which roles the rulebook may grant a step to."""

    @property
    def roles(self) -> frozenset[str]:
        """The caller's roles."""
        ...


class Shelf(Protocol[A]):
    """Where aggregates of one kind are kept."""

    def get(self, aggregate_id: str, org: str) -> A | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: A) -> bool:
        """Write a new one; False when its id or what it must not share is taken."""
        ...

    def save(self, aggregate: A, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...


def cause_of(call: Calling) -> Cause:
    """Return the cause that changes made by ``call`` are recorded under."""
    return Cause(call.key, call.actor, call.traceparent)


def new_id(prefix: str, call: Calling) -> str:
    """Return the id of what a command creates: a repeat of the command creates the same."""
    return derived_id(prefix, call.key)


def found(aggregate: A | None, what: str, aggregate_id: str) -> A:
    """Return ``aggregate``; NotFound when there is none."""
    if aggregate is None:
        raise NotFound(f"there is no {what} {aggregate_id!r} in your organisation")
    return aggregate


def create(
    shelf: Shelf[A],
    call: Calling,
    data: Mapping[str, Any],
    prefix: str,
    build: Callable[[str, Cause], A],
    view: Callable[[A], dict[str, Any]],
) -> dict[str, Any]:
    """Build what a command creates, write it and answer ``view`` of it; a repeat gets the answer it got before.

    ``build`` is given the new id and the cause, and records. Conflict when what must not be shared is taken.
    """
    new, digest = new_id(prefix, call), digest_of(data)
    existing = shelf.get(new, call.org)
    if existing is None:
        aggregate = build(new, cause_of(call))
        result = view(aggregate)
        aggregate.remember_answer(call.key, digest, result)
        if shelf.insert(aggregate):
            return result
        existing = shelf.get(new, call.org)
    if existing is None:
        raise Conflict("something that must not be there twice is there already")
    return dict(existing.answer_to(call.key, digest) or view(existing))


def change(
    shelf: Shelf[A],
    call: Calling,
    data: Mapping[str, Any],
    what: str,
    step: Callable[[A, Cause], None],
    view: Callable[[A], dict[str, Any]],
) -> dict[str, Any]:
    """Load ``data["id"]``, take ``step``, write and answer ``view`` of it; a repeat gets the answer it got before.

    NotFound, naming ``what`` it should be, when there is none. What somebody else changed meanwhile is loaded
    again and the step taken anew.
    """
    digest, cause = digest_of(data), cause_of(call)
    for attempt in range(_ATTEMPTS):
        aggregate = found(shelf.get(data["id"], call.org), what, data["id"])
        answered = aggregate.answer_to(call.key, digest)
        if answered is not None:
            return dict(answered)
        since = aggregate.history.next_seq
        step(aggregate, cause)
        result = view(aggregate)
        aggregate.remember_answer(call.key, digest, result)
        try:
            shelf.save(aggregate, since_seq=since)
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return result
    raise Conflict(f"{data['id']} keeps being changed by others: try again")
