"""Aggregates as database documents and back, field by field, from the types they declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar, get_type_hints

import cattrs
from bson.decimal128 import Decimal128

from shared.aggregate import Aggregate, base_document, base_fields
from shared.clocks import Deadline
from shared.mongo.client import Document

A = TypeVar("A", bound=Aggregate)

_BASE = frozenset(field.name for field in fields(Aggregate))


def _converter() -> cattrs.Converter:
    """Return what knows the shapes of the database: tuples are lists, sums Decimal128, days text."""
    converter = cattrs.Converter(unstruct_collection_overrides={tuple: list, frozenset: sorted, set: sorted})
    converter.register_unstructure_hook(Decimal, Decimal128)
    converter.register_structure_hook(Decimal, lambda value, _: value.to_decimal())
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook(date, lambda value, _: date.fromisoformat(value))
    converter.register_unstructure_hook(datetime, lambda value: value)
    converter.register_structure_hook(datetime, lambda value, _: value)
    converter.register_unstructure_hook(Deadline, Deadline.as_document)
    converter.register_structure_hook(Deadline, lambda value, _: Deadline.from_document(value))
    return converter


_CONVERTER = _converter()


class Documents(Generic[A]):
    """The documents of one class of aggregates.

    Every field is kept under its own name. A value in a field declared as ``Any`` must be one the database
    has a type for. With clocks come ``next_due``, ``due_at``, ``overdue`` and ``open_calendars``, to be searched
    by, as far as they apply.
    """

    def __init__(self, kind: type[A]) -> None:
        """Write and read aggregates of the class ``kind``."""
        self._kind = kind
        self._types = get_type_hints(kind)

    def to(self, aggregate: A) -> Document:
        """Return the document of ``aggregate``, at the version after this write."""
        own = {
            field.name: _CONVERTER.unstructure(getattr(aggregate, field.name))
            for field in fields(self._kind)
            if field.name not in _BASE
        }
        return base_document(aggregate) | own | _searched(aggregate)

    def of(self, document: Mapping[str, Any]) -> A:
        """Return the aggregate a document holds."""
        own = {
            field.name: _CONVERTER.structure(document[field.name], self._types[field.name])
            for field in fields(self._kind)
            if field.name not in _BASE and field.name in document
        }
        return self._kind(**base_fields(document), **own)


def _searched(aggregate: A) -> Document:
    """Return what lists and timers look for; what is not there is left out, so that indexes stay small."""
    found: Document = {}
    for name in ("next_due", "due_at", "open_calendars"):
        value = getattr(aggregate, name, None)
        if value:
            found[name] = value
    if getattr(aggregate, "overdue", False):
        found["overdue"] = True
    return found
