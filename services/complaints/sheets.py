"""Reading a collection page by page, by id: also what cannot be read any more is a sheet of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared.aggregate import Aggregate

if TYPE_CHECKING:
    from shared.mongo.store import AggregateStore

A = TypeVar("A", bound=Aggregate)

#: What reading a document that somebody meddled with may end in.
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, IndexError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Sheet(Generic[A]):
    """One document: what it holds, or ``fault``, why that cannot be read."""

    id: str
    kept: A | None
    fault: str | None = None


def sheets_of(
    documents: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], A]
) -> list[Sheet[A]]:
    """Return a sheet for every document."""
    return [_sheet(document, read) for document in documents]


def page_of(
    store: AggregateStore, read: Callable[[Mapping[str, Any]], A], org: str, after: str, limit: int
) -> list[Sheet[A]]:
    """Return the sheets of ``org`` whose ids come after ``after``, by id."""
    query = {"org": org, "_id": {"$gt": after}}
    return sheets_of(store.find_many(query, sort=[("_id", 1)], limit=limit), read)


def _sheet(document: Mapping[str, Any], read: Callable[[Mapping[str, Any]], A]) -> Sheet[A]:
    try:
        return Sheet(document["_id"], read(document))
    except UNREADABLE as error:
        return Sheet(document["_id"], None, f"{type(error).__name__}: {error}")
