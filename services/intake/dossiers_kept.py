"""Where intake keeps dossiers: part of its repository."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.intake.domain.dossiers.dossier import Dossier
from shared.clocks import State
from shared.mongo.bounds import at_most
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime

_NEWEST = [("opened_at", DESCENDING), ("_id", ASCENDING)]
_LATE = [State.BREACHED.value, State.MET_LATE.value]


class KeptDossiers(Kept[Dossier]):
    """The collection of dossiers; of one kind there is one about each subject (一户一档)."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        documents = Documents(Dossier)
        super().__init__(runtime, "dossiers", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of the lists, and the one that keeps a subject's dossier single."""
        newest = ("opened_at", DESCENDING)
        org = ("org", ASCENDING)
        own = [("org", ASCENDING), ("kind", ASCENDING), ("about", ASCENDING), ("about_id", ASCENDING)]
        lists = ("kind", "complete", "overdue", "keeper", "pieces.batch_day", "deadlines.state", "about_id")
        self.store.ensure_indexes(
            [
                *TIMED_INDEXES,
                IndexModel(own, unique=True),
                IndexModel([org, newest]),
                *(IndexModel([org, (name, ASCENDING), newest]) for name in lists),
                IndexModel([org, ("pieces.item", ASCENDING), ("pieces.reference", ASCENDING)]),
                IndexModel([org, ("pieces.received_day", ASCENDING)]),
            ]
        )

    def page(
        self, org: str, roles: Collection[str], wanted: dict[str, Any], *, limit: int, skip: int
    ) -> list[Dossier]:
        """Return a page of those of ``org`` that somebody with ``roles`` may see, newest first.

        ``wanted`` holds kind, about_id, keeper, complete, overdue, batch_day, and item with reference.
        """
        query: dict[str, Any] = {
            name: wanted[name] for name in ("kind", "about_id", "keeper", "complete") if name in wanted
        }
        if wanted.get("overdue"):
            query["overdue"] = True
        if "batch_day" in wanted:
            query["pieces.batch_day"] = wanted["batch_day"].isoformat()
        piece = {name: wanted[name] for name in ("item", "reference") if name in wanted}
        if piece:
            query["pieces"] = {"$elemMatch": piece}
        return self._page(org, roles, query, limit=limit, skip=skip)

    def received(
        self, org: str, roles: Collection[str], day: date, *, limit: int, skip: int
    ) -> list[Dossier]:
        """Return a page of those into which a document came on the local ``day``."""
        query = {"pieces.received_day": day.isoformat()}
        return self._page(org, roles, query, limit=limit, skip=skip)

    def late(
        self, org: str, roles: Collection[str], now: datetime, *, limit: int, skip: int
    ) -> list[Dossier]:
        """Return a page of those with something that was late, or is by ``now``."""
        query = {"$or": [{"deadlines.state": {"$in": _LATE}}, {"next_due": at_most(now)}]}
        return self._page(org, roles, query, limit=limit, skip=skip)

    def _page(
        self, org: str, roles: Collection[str], query: dict[str, Any], *, limit: int, skip: int
    ) -> list[Dossier]:
        readable = {"$or": [{"readers": []}, {"readers": {"$in": sorted(roles)}}]}
        # What an index answers is asked by itself: beside other conditions the embedded database uses none.
        plain = {key: value for key, value in query.items() if isinstance(value, str | bool)}
        others = {key: value for key, value in query.items() if key not in plain}
        exact = {"$and": [readable, others]} if others else readable
        found = self.store.find_within({"org": org, **plain}, exact, sort=_NEWEST, limit=limit, skip=skip)
        return [self.read(document) for document in found]
