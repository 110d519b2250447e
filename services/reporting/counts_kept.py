"""Where reporting keeps what matters add to the figures: matters, steps and the sums of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pymongo import ASCENDING, IndexModel, InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from services.reporting.domain.counting.cells import PLACES, Amounts, Cell, Counted, Kept, Step
from services.reporting.handlers.counting import Sum
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime

_DUPLICATE_KEY = 11000
#: Ids asked for with one question.
_AT_ONCE = 1000


class CountsKept:
    """Reads and writes three collections; no write spans two documents, and each may be repeated."""

    def __init__(self, runtime: Runtime, generation: int = 0) -> None:
        """Use the collections of one generation of counts."""
        ending = f"_{generation}" if generation else ""
        self._matters: Collection[Document] = runtime.database[f"counted{ending}"]
        self._steps: Collection[Document] = runtime.database[f"steps{ending}"]
        self._sums: Collection[Document] = runtime.database[f"sums{ending}"]

    def now(self) -> CountsKept:
        """Return itself: one generation is what it is."""
        return self

    def ensure_indexes(self) -> None:
        """Create the indexes of every question the counting asks."""
        within = [(f"cell.{name}", ASCENDING) for name in ("org", "kind", "day")]
        still_open = {"open": True}
        with database_errors():
            self._steps.create_indexes(
                [
                    IndexModel([("open", ASCENDING)], partialFilterExpression=still_open, name="open"),
                    IndexModel([("in", ASCENDING)], partialFilterExpression=still_open, name="in"),
                    IndexModel(within, partialFilterExpression=still_open, name="within"),
                ]
            )
            self._sums.create_indexes([IndexModel(within, name="within")])
            self._matters.create_indexes(
                [
                    IndexModel(
                        [
                            ("org", ASCENDING),
                            ("amounts.cell.kind", ASCENDING),
                            ("amounts.cell.day", ASCENDING),
                        ],
                        name="behind",
                    )
                ]
            )

    def kept(self, ids: Sequence[str]) -> Mapping[str, Kept]:
        """Return the matters with what they owe."""
        return {row["_id"]: _kept(row) for row in self._find(self._matters, "_id", ids)}

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Write down the steps that are not there yet."""
        there = {
            row["_id"] for row in self._find(self._steps, "_id", [step.id for step in steps], {"_id": 1})
        }
        _bulk(self._steps, [InsertOne(_step_document(step)) for step in steps if step.id not in there])

    def move(self, moves: Sequence[tuple[int | None, Kept]]) -> None:
        """Put each matter that is still at the version named where it is said; pass over others."""
        writes: list[Any] = []
        for version, kept in moves:
            document = _matter_document(kept)
            if version is None:
                writes.append(InsertOne(document))
            else:
                writes.append(UpdateOne({"_id": document["_id"], "version": version}, {"$set": document}))
        _bulk(self._matters, writes)

    def open_steps(self, limit: int) -> Sequence[Step]:
        """Return some steps that no cell has absorbed."""
        with database_errors():
            return [_step(row) for row in self._steps.find({"open": True}).limit(limit)]

    def open_steps_of(self, cells: Sequence[str]) -> Sequence[Step]:
        """Return the steps of cells that no cell has absorbed."""
        return [_step(row) for row in self._find(self._steps, "in", cells, None, {"open": True})]

    def sums(self, cells: Sequence[str]) -> Mapping[str, Sum]:
        """Return the sums of cells, by the cell's id."""
        return {row["_id"]: _sum(row) for row in self._find(self._sums, "_id", cells)}

    def absorb(self, turns: Sequence[tuple[int | None, Sum]]) -> None:
        """Write each sum whose cell is still at the turn named; pass over others."""
        writes: list[Any] = []
        for turn, each in turns:
            document = {
                "_id": each.cell.id,
                "cell": asdict(each.cell),
                "amounts": _pairs(each.amounts),
                "turn": each.turn,
                "taking": sorted(each.taking),
            }
            if turn is None:
                writes.append(InsertOne(document))
            else:
                writes.append(UpdateOne({"_id": each.cell.id, "turn": turn}, {"$set": document}))
        _bulk(self._sums, writes)

    def close_steps(self, ids: Sequence[str]) -> None:
        """Say of steps that their cells have absorbed them; their ids stay for ever."""
        with database_errors():
            for start in range(0, len(ids), _AT_ONCE):
                part = list(ids[start : start + _AT_ONCE])
                self._steps.update_many(
                    {"_id": {"$in": part}}, {"$unset": {"open": "", "cell": "", "in": "", "amounts": ""}}
                )

    def finish(self, cells: Mapping[str, int]) -> None:
        """Say of each cell still at the turn named that the steps it took are closed."""
        _bulk(
            self._sums,
            [
                UpdateOne({"_id": cell, "turn": turn}, {"$set": {"taking": []}})
                for cell, turn in cells.items()
            ],
        )

    def within(self, org: str, kind: str, first: str, last: str) -> tuple[Sequence[Sum], Sequence[Step]]:
        """Return the sums of the days from ``first`` to ``last``, and after them the steps open there."""
        days = _days(org, kind, first, last)
        with database_errors():
            sums = [_sum(row) for row in self._sums.find(days)]
            return sums, [_step(row) for row in self._steps.find({"open": True, **days})]

    def turns_within(self, org: str, kind: str, first: str, last: str) -> Mapping[str, int]:
        """Return at which turn each cell of those days is."""
        with database_errors():
            return {
                row["_id"]: row["turn"] for row in self._sums.find(_days(org, kind, first, last), {"turn": 1})
            }

    def matters_within(
        self, org: str, kind: str, first: str, last: str, after: str, limit: int
    ) -> Sequence[Counted]:
        """Return a page of the matters that add to those days, by id, from the one after ``after`` on."""
        query = {
            "org": org,
            "_id": {"$gt": after},
            "amounts": {"$elemMatch": {"cell.kind": kind, "cell.day": {"$gte": first, "$lte": last}}},
        }
        with database_errors():
            rows = self._matters.find(query).sort("_id", ASCENDING).limit(limit)
            return [_kept(row).counted for row in rows]

    def drop(self) -> None:
        """Throw everything counted away; nobody may be counting here."""
        with database_errors():
            for collection in (self._matters, self._steps, self._sums):
                collection.drop()

    def _find(
        self,
        collection: Collection[Document],
        field: str,
        wanted: Sequence[str],
        projection: Mapping[str, int] | None = None,
        also: Mapping[str, Any] | None = None,
    ) -> list[Document]:
        found: list[Document] = []
        with database_errors():
            for start in range(0, len(wanted), _AT_ONCE):
                part = {field: {"$in": list(wanted[start : start + _AT_ONCE])}}
                found += collection.find({**part, **(also or {})}, projection)
        return found


def _bulk(collection: Collection[Document], writes: Sequence[Any]) -> None:
    """Write what nobody else has written; the guard of each is its id and its own filter."""
    if not writes:
        return
    try:
        with database_errors():
            collection.bulk_write(list(writes), ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if not failures or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
            raise


def _days(org: str, kind: str, first: str, last: str) -> Document:
    return {"cell.org": org, "cell.kind": kind, "cell.day": {"$gte": first, "$lte": last}}


def _pairs(amounts: Amounts) -> list[list[Any]]:
    """Return amounts as names with whole ten-thousandths: exact, and free of what a field's name may not hold."""
    return [[name, int(amount.scaleb(PLACES))] for name, amount in sorted(amounts.items())]


def _amounts(pairs: Sequence[Sequence[Any]]) -> dict[str, Decimal]:
    return {name: Decimal(whole).scaleb(-PLACES).normalize() + 0 for name, whole in pairs}


def _step_document(step: Step) -> Document:
    return {
        "_id": step.id,
        "open": True,
        "in": step.cell.id,
        "cell": asdict(step.cell),
        "amounts": _pairs(step.amounts),
    }


def _step(row: Mapping[str, Any]) -> Step:
    return Step(row["_id"], Cell(**row["cell"]), _amounts(row["amounts"]))


def _sum(row: Mapping[str, Any]) -> Sum:
    return Sum(Cell(**row["cell"]), _amounts(row["amounts"]), row["turn"], frozenset(row["taking"]))


def _matter_document(kept: Kept) -> Document:
    counted = kept.counted
    return {
        "_id": counted.id,
        "org": counted.org,
        "version": counted.version,
        "amounts": [
            {"cell": asdict(cell), "amounts": _pairs(amounts)} for cell, amounts in counted.amounts.items()
        ],
        "owed": [
            {"_id": step.id, "cell": asdict(step.cell), "amounts": _pairs(step.amounts)} for step in kept.owed
        ],
    }


def _kept(row: Mapping[str, Any]) -> Kept:
    amounts = {Cell(**part["cell"]): _amounts(part["amounts"]) for part in row["amounts"]}
    counted = Counted(row["_id"], row["org"], row["version"], amounts)
    return Kept(counted, tuple(_step(owed) for owed in row["owed"]))
