"""Where followup keeps callbacks, and finds them: by case, by customer, by due time, by whose they are, by when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from services.followup.domain.callback import Callback, State
from services.followup.schemas import OVERDUE, CallbackList
from shared.mongo.client import Document, database_errors
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import Inserted

#: Where callbacks without a due time stand in a list sorted by it.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_DOCUMENTS = Documents(Callback)
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
        return self.store.insert([callback_document(callback) for callback in callbacks])

    def open_of(self, case_ids: Sequence[str]) -> list[Callback]:
        """Return the callbacks of the cases that are still to be made."""
        return self.find({"case_id": {"$in": list(case_ids)}, "state": State.OPEN.value})

    def zones(self, org: str) -> list[str | None]:
        """Return the zones of the customers who are still to be called."""
        with database_errors():
            found: list[str | None] = self.store.collection.distinct(
                "zone", {"org": org, "state": State.OPEN.value}
            )
        return found

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
        # The last of a day is due as the next one begins.
        query: dict[str, Any] = {"org": org} | ({"listed_at": {"$gt": due[0], "$lte": due[1]}} if due else {})
        given = {"state": state, "case_id": case_id, "customer_id": customer_id, "rule": rule}
        query |= {name: value for name, value in given.items() if value}
        late = {"state": State.OPEN.value, "listed_at": {"$lte": now}}
        if state == OVERDUE or worklist == CallbackList.OVERDUE:
            query |= late
        elif worklist == CallbackList.GAPS:
            query["$or"] = [late, {"state": State.GIVEN_UP.value}]
        elif worklist == CallbackList.MINE:
            query |= {"holders": holder, "state": State.OPEN.value}
        elif worklist == CallbackList.NOW:
            # One without an instant may be made at any time that is not quiet.
            ready = [{"permitted_from": {"$lte": now}}, {"permitted_from": None}]
            query |= {"state": State.OPEN.value, "zone": {"$in": list(zones)}, "$or": ready}
        elif worklist == CallbackList.TODAY:
            query["state"] = State.OPEN.value
        return self.find(query, sort=list(_ORDER), limit=limit, skip=skip)
