"""A database in memory that does what it is told: fails before a write, after it, or in the middle of many."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Self, cast

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

Document = dict[str, Any]


class Database:
    """Collections by name; ``journal`` has every write, in order, as (collection, call, ids)."""

    def __init__(self) -> None:
        self.collections: dict[str, Collection] = {}
        self.journal: list[tuple[str, str, list[str]]] = []

    def __getitem__(self, name: str) -> Collection:
        return self.collections.setdefault(name, Collection(self, name))


class Collection:
    """One collection; ``before`` and ``after`` map the name of a call to what happens around it, once.

    What happens may raise: before, nothing was written; after, everything was and nobody knows.
    """

    def __init__(self, database: Database, name: str) -> None:
        self.database, self.name = database, name
        self.rows: dict[str, Document] = {}
        self.unique: tuple[str, ...] = ()
        self.before: dict[str, Callable[[], object]] = {}
        self.after: dict[str, Callable[[], object]] = {}
        self.bulk_errors: list[Document] = []
        self.write_concern_errors: list[Document] = []
        self.answer_lost = False
        self.indexes: list[Any] = []
        self.asked: list[tuple[Any, ...]] = []

    def insert_one(self, document: Document) -> None:
        with _Around(self, "insert_one", [document["_id"]]):
            if self._taken(document):
                raise DuplicateKeyError("there", 11000)
            self.rows[document["_id"]] = copy.deepcopy(document)

    def insert_many(self, documents: Sequence[Document], *, ordered: bool) -> None:
        assert not ordered
        with _Around(self, "insert_many", [document["_id"] for document in documents]):
            errors = list(self.bulk_errors)
            failed = {error["index"] for error in errors}
            for index, document in enumerate(documents):
                if index in failed:
                    continue
                if self._taken(document):
                    errors.append({"index": index, "code": 11000})
                else:
                    self.rows[document["_id"]] = copy.deepcopy(document)
            if self.answer_lost:
                # The driver sends the insert again; a server that forgot the first time finds all of it there.
                errors = [{"index": index, "code": 11000} for index in range(len(documents))]
            if errors or self.write_concern_errors:
                raise BulkWriteError({"writeErrors": errors, "writeConcernErrors": self.write_concern_errors})

    def bulk_write(self, writes: Sequence[ReplaceOne[Any]], *, ordered: bool) -> Any:
        assert not ordered
        matched, errors = 0, []
        with _Around(self, "bulk_write", [write._doc["_id"] for write in writes]):
            for index, write in enumerate(writes):
                with _Around(self, "replace_one", None):
                    others = {key: row for key, row in self.rows.items() if key != write._doc["_id"]}
                    found = self._matching(write._filter)
                    if found and self._taken(write._doc, others):
                        errors.append({"index": index, "code": 11000})
                        continue
                    for key in found:
                        self.rows[key] = copy.deepcopy(cast("Document", write._doc))
                    matched += len(found)
            # The driver sends writes again whose answer got lost; the second time nothing is found to replace.
            matched = 0 if self.answer_lost else matched
            errors += self.bulk_errors
            if errors or self.write_concern_errors:
                details = {"writeErrors": errors, "writeConcernErrors": self.write_concern_errors}
                raise BulkWriteError(details | {"nMatched": matched})
            return SimpleNamespace(matched_count=matched)

    def update_one(self, query: Mapping[str, Any], update: Mapping[str, Any]) -> Any:
        with _Around(self, "update_one", self._matching(query)):
            found = self._matching(query)
            for key in found:
                self.rows[key] |= copy.deepcopy(update["$set"])
            return SimpleNamespace(modified_count=len(found))

    def delete_many(self, query: Mapping[str, Any]) -> None:
        with _Around(self, "delete_many", self._matching(query)):
            for key in self._matching(query):
                del self.rows[key]

    def find_one(self, query: Mapping[str, Any], projection: Any = None) -> Document | None:
        return next(iter(self.find(query, projection)), None)

    def find(self, query: Mapping[str, Any], projection: Any = None) -> Cursor:
        with _Around(self, "find", None):
            self.asked.append((dict(query), projection))
            return Cursor([copy.deepcopy(self.rows[key]) for key in self._matching(query)])

    def count_documents(self, query: Mapping[str, Any]) -> int:
        return len(self._matching(query))

    def estimated_document_count(self) -> int:
        with _Around(self, "find", None):
            return len(self.rows)

    def create_indexes(self, indexes: Sequence[Any]) -> None:
        self.indexes += indexes

    def _taken(self, document: Mapping[str, Any], rows: Mapping[str, Document] | None = None) -> bool:
        return any(
            document["_id"] == key
            or any(document.get(name) == row.get(name) is not None for name in self.unique)
            for key, row in (self.rows if rows is None else rows).items()
        )

    def _matching(self, query: Mapping[str, Any]) -> list[str]:
        return [key for key, row in self.rows.items() if all(_fits(row.get(k), v) for k, v in query.items())]


class Cursor:
    """What ``find`` returns."""

    def __init__(self, rows: list[Document]) -> None:
        self.rows = rows

    def sort(self, keys: str | Sequence[tuple[str, int]], direction: int = 1) -> Self:
        for key, way in reversed([(keys, direction)] if isinstance(keys, str) else list(keys)):
            self.rows.sort(key=lambda row, key=key: row[key], reverse=way < 0)  # type: ignore[misc]
        return self

    def skip(self, number: int) -> Self:
        self.rows = self.rows[number:]
        return self

    def limit(self, number: int) -> Self:
        self.rows = self.rows[:number] if number else self.rows
        return self

    def __iter__(self) -> Iterator[Document]:
        return iter(self.rows)


class _Around:
    def __init__(self, collection: Collection, call: str, ids: Sequence[str] | None) -> None:
        self._collection, self._call, self._ids = collection, call, ids

    def __enter__(self) -> None:
        self._collection.before.pop(self._call, lambda: None)()
        if self._ids is not None:
            self._collection.database.journal.append((self._collection.name, self._call, list(self._ids)))

    def __exit__(self, *_: object) -> None:
        self._collection.after.pop(self._call, lambda: None)()


def _fits(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    tests: dict[str, Callable[[Any], bool]] = {
        "$in": lambda bound: value in bound,
        "$lt": lambda bound: value < bound,
        "$gte": lambda bound: value >= bound,
    }
    return all(tests[operator](bound) for operator, bound in wanted.items())
