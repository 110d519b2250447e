"""Where followup keeps callbacks, and finds them: by case, by customer, by due time, by whose they are, by when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from services.followup.domain.callback import Callback, State
from services.followup.schemas import OVERDUE, CallbackList
from shared.mongo.bounds import at_most
from shared.mongo.client import Document, database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import Inserted

#: Where callbacks without a due time stand in a list sorted by it.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_DOCUMENTS = Documents(Callback)
#: Before every due time: some servers read an index from its very beginning where nothing bounds it below.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_ORDER = (("listed_at", ASCENDING), ("_id", ASCENDING))


def callback_document(callback: Callback) -> Document:
    """Return a callback's document; what lists search by is in it beside its own fields."""
    return {
        **_DOCUMENTS.to(callback),
        "holders": callback.holders,
        "listed_at": callback.due_at or _NEVER,
    }


def callback_of(document: Mapping[str, Any]) -> Callback:
    """Return the callback a document holds."""
    return _DOCUMENTS.of(document)


class CallbacksKept(Kept[Callback]):
    """The callbacks of all organisations."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the runtime's database."""
        super().__init__(runtime, "callbacks", callback_document, callback_of)
        self._zones = runtime.database["callback_zones"]
        self._noted: set[tuple[str, str]] = set()

    def ensure_indexes(self) -> None:
        """Create the indexes of every list, of the timers and of the look-up by case."""
        by_org = ("org", ASCENDING)
        state = ("state", ASCENDING)
        self.store.ensure_indexes(
            [
                IndexModel([("next_due", ASCENDING)]),
                IndexModel([("open_calendars", ASCENDING)], sparse=True),
                IndexModel([("case_id", ASCENDING)]),
                IndexModel([by_org, *_ORDER]),
                IndexModel([by_org, state, *_ORDER]),
                IndexModel([by_org, ("holders", ASCENDING), state, *_ORDER]),
                IndexModel([by_org, ("customer_id", ASCENDING), *_ORDER]),
                IndexModel([by_org, ("rule", ASCENDING), *_ORDER]),
                IndexModel([by_org, state, ("zone", ASCENDING), ("permitted_from", ASCENDING)]),
            ]
        )

    def schedule(self, callbacks: Sequence[Callback]) -> Inserted:
        """Write callbacks; those already there are reported as known."""
        self._note_zones({(each.org, each.zone) for each in callbacks if each.zone})
        return self.store.insert([callback_document(callback) for callback in callbacks])

    def _note_zones(self, zones: set[tuple[str, str]]) -> None:
        for org, zone in sorted(zones - self._noted):
            noted = {"org": org, "zone": zone}
            with database_errors():
                self._zones.update_one({"_id": f"{org}/{zone}"}, {"$set": noted}, upsert=True)
            self._noted.add((org, zone))

    def open_of(self, case_ids: Sequence[str]) -> list[Callback]:
        """Return the callbacks of the cases that are still to be made."""
        return self.find({"case_id": {"$in": list(case_ids)}, "state": State.OPEN.value})

    def of_customers(
        self, org: str, ids: Collection[str], *, after: str | None, limit: int
    ) -> list[Callback]:
        """Return the first ``limit`` callbacks of the customers that come after the id ``after``."""
        query: dict[str, Any] = {"org": org, "customer_id": {"$in": sorted(ids)}}
        if after:
            query["_id"] = {"$gt": after}
        return self.find(query, sort=[("_id", ASCENDING)], limit=limit)

    def open_count(self, org: str, due: tuple[datetime, datetime] | None = None) -> int:
        """Return how many callbacks of ``org`` are open, or due behind the first instant and until the second."""
        query: dict[str, Any] = {"org": org, "state": State.OPEN.value}
        query |= {} if due is None else {"listed_at": {"$gt": due[0], **at_most(due[1])}}
        return self.store.count(query)

    def zones(self, org: str) -> list[str | None]:
        """Return the zones in which customers of ``org`` were ever to be called; None, its own, first."""
        with database_errors():
            noted: list[str] = [row["zone"] for row in self._zones.find({"org": org})]
        return [None, *sorted(noted)]

    def page(
        self,
        org: str,
        *,
        now: datetime,
        limit: int,
        skip: int,
        state: str | None = None,
        case_id: str | None = None,
        customer_id: str | None = None,
        rule: str | None = None,
        worklist: str | None = None,
        holder: str | None = None,
        zones: Sequence[str | None] = (),
        due: tuple[datetime, datetime] | None = None,
    ) -> list[Callback]:
        """Return a page of the callbacks of ``org`` by due time, those without one last.

        ``holder`` is whose they are in the list ``mine``, ``zones`` in which customers may be called now in the list
        ``now``; ``due`` are the instants behind the first of which and until the second they are due.
        """
        query: dict[str, Any] = {"org": org}
        # The last of a day is due as the next one begins.
        query |= {"listed_at": {"$gt": due[0], **at_most(due[1])}} if due else {}
        given = {"state": state, "case_id": case_id, "customer_id": customer_id, "rule": rule}
        query |= {name: value for name, value in given.items() if value and value != OVERDUE}
        first, last = due or (_EVER, now)
        late = {"state": State.OPEN.value, "listed_at": {"$gt": first, **at_most(min(last, now))}}
        if state == OVERDUE or worklist == CallbackList.OVERDUE:
            return self._merged(query, [late], limit, skip)
        if worklist == CallbackList.GAPS:
            return self._merged(query, [late, {"state": State.GIVEN_UP.value}], limit, skip)
        if worklist == CallbackList.NOW:
            return self._merged(query, list(_ready(zones, now)), limit, skip)
        if worklist == CallbackList.MINE:
            return self._merged(query, [{"holders": holder, "state": State.OPEN.value}], limit, skip)
        open_only = {"state": State.OPEN.value} if worklist == CallbackList.TODAY else {}
        return self._merged(query, [open_only], limit, skip)

    def _merged(
        self, query: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], limit: int, skip: int
    ) -> list[Callback]:
        """Return a page of what matches ``query`` and one of ``parts``, each of which an index answers by itself.

        No callback matches two parts. A condition that offers several would leave some servers without an index.
        """
        wanted = [
            part for part in parts if query.get("state") in (None, part.get("state", query.get("state")))
        ]
        if len(wanted) == 1:
            return self.find({**query, **wanted[0]}, sort=list(_ORDER), limit=limit, skip=skip)
        most = skip + limit if limit else 0
        found = [
            document
            for part in wanted
            for document in self.store.find_many({**query, **part}, sort=list(_ORDER), limit=most)
        ]
        found.sort(key=lambda document: (document["listed_at"], document["_id"]))
        return [self.read(document) for document in found[skip : most or None]]


def _ready(zones: Sequence[str | None], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the conditions of those who may be called at ``now``, where it is no quiet time in ``zones``."""
    for zone in zones:
        for since in ({"$gt": _EVER, **at_most(now)}, None):
            # One without an instant may be made at any time that is not quiet.
            yield {"state": State.OPEN.value, "zone": zone, "permitted_from": since}
