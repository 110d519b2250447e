"""Where followup keeps callbacks and messages: the only module of the service that knows pymongo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError

from services.followup.domain.callback import Call, Callback, State
from services.followup.domain.facts import Ending
from services.followup.domain.message import Message, Status
from services.followup.domain.rulebook import Effect
from services.followup.schemas import OVERDUE, UNANSWERED, WAITING
from shared.aggregate import base_document, base_fields
from shared.clocks.clock import Deadline
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime, aggregate_store
from shared.mongo.store import AggregateStore, Inserted

#: Where callbacks without a due time stand in a list sorted by it.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_DUPLICATE_KEY = 11000


class FollowupRepository:
    """Reads and writes the service's collections."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self._callbacks: AggregateStore = aggregate_store(runtime, "callbacks")
        self._messages: AggregateStore = aggregate_store(runtime, "messages")
        # One small document for each ending: writing one again, or an older one later, changes nothing.
        self._endings = runtime.database["case_endings"]

    def ensure_indexes(self) -> None:
        """Create the indexes of every list, of the timer and of the look-up by case."""
        self._callbacks.ensure_indexes(
            [
                IndexModel([("next_due", ASCENDING)]),
                IndexModel([("case_id", ASCENDING)]),
                IndexModel(
                    [("org", ASCENDING), ("state", ASCENDING), ("listed_at", ASCENDING), ("_id", ASCENDING)]
                ),
                IndexModel([("org", ASCENDING), ("listed_at", ASCENDING), ("_id", ASCENDING)]),
            ]
        )
        self._messages.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("requested_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("case_id", ASCENDING)]),
            ]
        )
        with database_errors():
            self._endings.create_indexes([IndexModel([("case_id", ASCENDING)])])

    def schedule(self, callbacks: Sequence[Callback]) -> Inserted:
        """Write callbacks; those already there are reported as known."""
        return self._callbacks.insert([_callback_document(callback) for callback in callbacks])

    def request(self, messages: Sequence[Message]) -> Inserted:
        """Write messages; those already there are reported as known."""
        return self._messages.insert([message_document(message) for message in messages])

    def end(self, endings: Sequence[Ending]) -> None:
        """Remember endings; repeating it is harmless."""
        rows = [
            {
                "_id": f"{ending.org}/{ending.case_id}/{ending.through}",
                "org": ending.org,
                "case_id": ending.case_id,
                "through": ending.through,
            }
            for ending in endings
        ]
        try:
            with database_errors():
                self._endings.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            if any(failure["code"] != _DUPLICATE_KEY for failure in error.details["writeErrors"]):
                raise

    def endings(self, case_ids: Sequence[str]) -> list[Ending]:
        """Return what was remembered of the cases."""
        with database_errors():
            found = list(self._endings.find({"case_id": {"$in": list(case_ids)}}))
        return [Ending(row["org"], row["case_id"], row["through"]) for row in found]

    def open_callbacks(self, case_ids: Sequence[str]) -> list[Callback]:
        """Return the callbacks of the cases that are still to be made."""
        query = {"case_id": {"$in": list(case_ids)}, "state": State.OPEN.value}
        return [_callback(row) for row in self._callbacks.find_many(query)]

    def due(self, now: datetime, limit: int) -> list[Callback]:
        """Return callbacks whose next instant has come, earliest first."""
        query = {"next_due": {"$lte": now}}
        rows = self._callbacks.find_many(query, sort=[("next_due", ASCENDING)], limit=limit)
        return [_callback(row) for row in rows]

    def save(self, changes: Sequence[tuple[Callback, int]]) -> tuple[str, ...]:
        """Write changed callbacks, each with the number of its first new history entry.

        Returns the ids of those not written because they were changed since they were read.
        """
        return self._callbacks.replace_many(
            [(_callback_document(callback), since) for callback, since in changes]
        )

    def callback(self, callback_id: str, org: str) -> Callback | None:
        """Return one callback of ``org``."""
        document = self._callbacks.find(callback_id, org)
        return _callback(document) if document else None

    def callbacks(
        self, org: str, *, state: str | None, case_id: str | None, now: datetime, limit: int, skip: int
    ) -> list[Callback]:
        """Return a page of the callbacks of ``org`` by due time, those without one last."""
        query: dict[str, Any] = {"org": org}
        if state == OVERDUE:
            query |= {"state": State.OPEN.value, "listed_at": {"$lte": now}}
        elif state:
            query["state"] = state
        if case_id:
            query["case_id"] = case_id
        order = [("listed_at", ASCENDING), ("_id", ASCENDING)]
        return [
            _callback(row) for row in self._callbacks.find_many(query, sort=order, limit=limit, skip=skip)
        ]

    def message(self, message_id: str, org: str) -> Message | None:
        """Return one message of ``org``."""
        document = self._messages.find(message_id, org)
        return message_of(document) if document else None

    def messages(
        self,
        org: str,
        *,
        case_id: str | None = None,
        campaign_id: str | None = None,
        status: str | None = None,
        now: datetime | None = None,
        limit: int,
        skip: int,
    ) -> list[Message]:
        """Return a page of the messages of ``org``, newest first; ``status`` may also be one of ``WAITING``."""
        query: dict[str, Any] = {"org": org}
        if case_id:
            query["case_id"] = case_id
        if campaign_id:
            query["campaign_id"] = campaign_id
        if status in WAITING:
            query["awaiting"] = org
            if status == UNANSWERED:
                query["acknowledge_by"] = {"$lte": now}
        elif status:
            query["status"] = status
        order = [("requested_at", DESCENDING), ("_id", ASCENDING)]
        return [
            message_of(row) for row in self._messages.find_many(query, sort=order, limit=limit, skip=skip)
        ]


_CALLBACK_FIELDS = (
    "case_id",
    "case_number",
    "contact_id",
    "customer_id",
    "rule",
    "regulation",
    "round",
    "handler",
    "replied_at",
    "scheduled_at",
    "outcome",
    "ended_at",
)


def _callback_document(callback: Callback) -> Document:
    return {
        **base_document(callback),
        **{name: getattr(callback, name) for name in _CALLBACK_FIELDS},
        "deadline": callback.deadline.as_document() if callback.deadline else None,
        "state": callback.state.value,
        "effect": callback.effect.value if callback.effect else None,
        "calls": [
            {
                "at": call.at,
                "by": call.by,
                "outcome": call.outcome,
                "reached": call.reached,
                "note": call.note,
            }
            for call in callback.calls
        ],
        "next_due": callback.next_due,
        "listed_at": callback.due_at or _NEVER,
    }


def _callback(document: Mapping[str, Any]) -> Callback:
    return Callback(
        **base_fields(document),
        **{name: document[name] for name in _CALLBACK_FIELDS},
        deadline=Deadline.from_document(document["deadline"]) if document["deadline"] else None,
        state=State(document["state"]),
        effect=Effect(document["effect"]) if document["effect"] else None,
        calls=tuple(Call(**row) for row in document["calls"]),
    )


_MESSAGE_FIELDS = (
    "template",
    "template_source",
    "regulation",
    "case_id",
    "contact_id",
    "customer_id",
    "variables",
    "attempted_at",
    "requested_at",
)


#: What only some messages have; the others go without, so that indexes stay small.
_SOMETIMES = ("campaign_id", "channel", "purpose", "awaits", "acknowledge_by", "month", "place", "reports")


def message_document(message: Message) -> Document:
    """Return the document of a message, at the version after this write."""
    sometimes = {name: value for name in _SOMETIMES if (value := getattr(message, name))}
    always = {name: getattr(message, name) for name in _MESSAGE_FIELDS}
    if message.awaits and Status.ACKNOWLEDGED.value not in message.reports:
        sometimes["awaiting"] = message.org
    return {**base_document(message), **always, **sometimes, "status": message.status.value}


def message_of(document: Mapping[str, Any]) -> Message:
    """Return the message a document holds."""
    sometimes = {name: document[name] for name in _SOMETIMES if name in document}
    return Message(**base_fields(document), **{name: document[name] for name in _MESSAGE_FIELDS}, **sometimes)
