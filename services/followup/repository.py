"""Where followup keeps what cases bring about: callbacks, messages, and which cases have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError

from services.followup.callbacks_kept import CallbacksKept
from services.followup.domain.callback import Callback
from services.followup.domain.facts import Ending
from services.followup.domain.message import Message, Status
from services.followup.schemas import UNANSWERED, WAITING
from shared.aggregate import base_document, base_fields
from shared.mongo.bounds import at_most
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime, aggregate_store
from shared.mongo.store import AggregateStore, Inserted

_DUPLICATE_KEY = 11000


class FollowupRepository:
    """Reads and writes the service's collections."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self.callbacks_kept = CallbacksKept(runtime)
        self._messages: AggregateStore = aggregate_store(runtime, "messages")
        # One small document for each ending: writing one again, or an older one later, changes nothing.
        self._endings = runtime.database["case_endings"]

    def ensure_indexes(self) -> None:
        """Create the indexes of every list, of the timer and of the look-up by case."""
        self.callbacks_kept.ensure_indexes()
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
        return self.callbacks_kept.schedule(callbacks)

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
        return self.callbacks_kept.open_of(case_ids)

    def due(self, now: datetime, limit: int) -> list[Callback]:
        """Return callbacks whose next instant has come, earliest first."""
        return self.callbacks_kept.due(now, limit)

    def save(self, changes: Sequence[tuple[Callback, int]]) -> tuple[str, ...]:
        """Write changed callbacks, each with the number of its first new history entry.

        Returns the ids of those not written because they were changed since they were read.
        """
        return self.callbacks_kept.save_all(changes)

    def callback(self, callback_id: str, org: str) -> Callback | None:
        """Return one callback of ``org``."""
        return self.callbacks_kept.get(callback_id, org)

    def callbacks(self, org: str, **query: Any) -> list[Callback]:
        """Return a page of callbacks; see ``CallbacksKept.page``."""
        return self.callbacks_kept.page(org, **query)

    def zones(self, org: str) -> list[str | None]:
        """Return the zones of the customers who are still to be called."""
        return self.callbacks_kept.zones(org)

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
            if status == UNANSWERED and now is not None:
                query["acknowledge_by"] = at_most(now)
        elif status:
            query["status"] = status
        order = [("requested_at", DESCENDING), ("_id", ASCENDING)]
        return [
            message_of(row) for row in self._messages.find_many(query, sort=order, limit=limit, skip=skip)
        ]


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
