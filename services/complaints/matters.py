"""How many households a matter has, and which of its cases that may lift, read without reading the whole matter."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.mongo.client import Document, database_errors

if TYPE_CHECKING:
    from services.complaints.domain.case import Case
    from shared.mongo.store import AggregateStore

#: One household in sixteen is of the first tier or above, one of these in sixteen of the second.
_TIERS = (2, 1)
_HOME = dict.fromkeys(("matter_id", "unit_id", "customer_id", "valid"), 1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open case that more households could lift: how many it knows of, and the rules it was opened under."""

    case_id: str
    org: str
    regulation: str
    matter_id: str
    households: int


def matter_document(case: Case) -> Document:
    """Return what a case is found by in its matter; one found not valid counts for none and waits for none."""
    document: Document = {"next_border": case.next_border}
    if case.valid is False:
        return document
    tier = _tier(case.unit_id or case.customer_id)
    if tier:
        document["tier"] = _tier_key(case.matter_id, tier)
    if case.is_open and case.next_border is not None:
        document["awaiting"] = case.matter_id
    return document


class Matters:
    """Reads the matters of a collection of cases."""

    def __init__(self, store: AggregateStore) -> None:
        """Read from ``store``, whose documents hold what ``matter_document`` gives."""
        self._store = store

    def waiting(self, matter_ids: Collection[str]) -> list[Waiting]:
        """Return the cases of the matters that more households could lift."""
        if not matter_ids:
            return []
        fields = dict.fromkeys(("org", "regulation", "matter_id", "households"), 1)
        return [
            Waiting(row["_id"], row["org"], row["regulation"], row["matter_id"], row["households"])
            for row in self._find({"awaiting": {"$in": list(matter_ids)}}, fields)
        ]

    def count(self, enough: Mapping[str, int], *, but: str | None = None) -> dict[str, set[str]]:
        """Return the households of each matter: all of them, or more than it takes to have ``enough`` of them.

        Those of cases found not valid, and of the case ``but``, do not count. Of a matter with many households
        those of the upper tiers are enough, so that only they are read; which tier a household is of depends on
        nothing but its id.
        """
        homes: dict[str, set[str]] = {matter_id: set() for matter_id in enough}
        short = list(homes)
        for tier in _TIERS:
            self._collect({"tier": {"$in": [_tier_key(each, tier) for each in short]}}, homes, but)
            short = [each for each in short if len(homes[each]) < enough[each]]
            if not short:
                return homes
        self._collect({"matter_id": {"$in": short}}, homes, but)
        return homes

    def _collect(self, query: Mapping[str, Any], homes: Mapping[str, set[str]], but: str | None) -> None:
        # What does not count is left out here: a negation in the query, and a server reads every case.
        for row in self._find(query, _HOME):
            if row["valid"] is not False and row["_id"] != but:
                homes[row["matter_id"]].add(row["unit_id"] or row["customer_id"])

    def _find(self, query: Mapping[str, Any], fields: Mapping[str, int]) -> list[Document]:
        with database_errors():
            return list(self._store.collection.find(query, fields))


def _tier(home: str) -> int:
    """Return the tier of a household, drawn from its id: how many noughts its hash begins with, two at most."""
    digits = hashlib.sha256(home.encode()).hexdigest()
    return min(len(digits) - len(digits.lstrip("0")), max(_TIERS))


def _tier_key(matter_id: str, tier: int) -> str:
    return f"{matter_id}/{tier}"
