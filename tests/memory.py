"""A database in memory, so that unit and contract tests run the real stores and repositories.

mongomock stands in for the server. Of what it does not know, a driver that names the sort order of a replacement
is passed over, and that a unique index over a list is unique by the list's entries is added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import mongomock
from mongomock.collection import BulkOperationBuilder, Collection

from shared.clock import Clock
from shared.ids import IdSource
from shared.mongo.runtime import Runtime
from shared.mongo.store import MongoTickets
from shared.outbox import Unsent

#: What hides phone numbers in tests.
PHONE_KEY = "a key for tests, known to everybody"
#: What signs the links of surveys in tests.
SURVEY_KEY = "another key for tests, known to everybody"

Sink = Callable[[Sequence[Unsent]], None]

_add_replace: Callable[..., None] = BulkOperationBuilder.add_replace


def _without_sort(self: Any, *arguments: Any, sort: Any = None, **named: Any) -> None:
    assert sort is None
    _add_replace(self, *arguments, **named)


patch.object(BulkOperationBuilder, "add_replace", _without_sort).start()

_add_update: Callable[..., None] = BulkOperationBuilder.add_update


def _update_without_sort(self: Any, *arguments: Any, sort: Any = None, **named: Any) -> None:
    assert sort is None
    _add_update(self, *arguments, **named)


patch.object(BulkOperationBuilder, "add_update", _update_without_sort).start()

_ensure_uniques: Callable[..., None] = Collection._ensure_uniques


def _ensure_unique_entries(self: Any, new_data: Any) -> None:
    _ensure_uniques(self, new_data)
    for index in self._store.indexes.values():
        (field, _), *others = index["key"]
        entries = new_data.get(field)
        if not index.get("unique") or others or not isinstance(entries, list):
            continue
        if any(len(list(self._iter_documents({field: entry}))) > 1 for entry in entries):
            message = "E11000 Duplicate Key Error"
            raise mongomock.DuplicateKeyError(message, 11000)


patch.object(Collection, "_ensure_uniques", _ensure_unique_entries).start()


class _Relay:
    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink

    def hand_over(self, ticket_id: str, entries: Sequence[Unsent]) -> None:
        del ticket_id
        if self._sink is not None:
            self._sink(entries)


def memory_runtime(
    clock: Clock, ids: IdSource, *, sink: Sink | None = None, settings: object = None
) -> Runtime:
    """Return what a service is built from, over an empty database; ``sink`` takes what it publishes."""
    database: Any = mongomock.MongoClient(tz_aware=True)["kefu"]
    usual = {
        "outbox_grace": 10.0,
        "clock_digest_above": 100,
        "phone_key": (PHONE_KEY,),
        "survey_key": (SURVEY_KEY,),
    }
    given = usual | vars(settings or SimpleNamespace())
    return Runtime(
        settings=cast(Any, SimpleNamespace(**given)),
        clock=clock,
        ids=ids,
        database=database,
        tickets=MongoTickets(database),
        relay=_Relay(sink),
    )
