"""Stand-ins for what the followup use cases need: a repository in memory, deliveries, calls, events."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.followup.callbacks_kept import callback_document as _callback_document
from services.followup.callbacks_kept import callback_of as _callback
from services.followup.domain.callback import Callback, State
from services.followup.domain.facts import Ending
from services.followup.domain.message import Message
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.desk import Desk
from services.followup.handlers.firing import FireClocks
from services.followup.handlers.following import FollowCases
from services.followup.handlers.scheduling import Scheduler
from services.followup.repository import message_document, message_of
from services.followup.rulebook import load_rulebooks
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.mongo.store import Inserted
from shared.regulations import Rulebooks
from shared.worktime import Calendars

ORGANISATIONS = Path(__file__).parents[3] / "organisations"
#: A Monday morning in China.
MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)

Document = dict[str, Any]


@lru_cache(maxsize=1)
def rulebooks() -> Rulebooks[FollowupRules]:
    return load_rulebooks(ORGANISATIONS)


class MemoryRepository:
    """Keeps documents as the database would, versions checked; ``between`` runs after a named step, once."""

    def __init__(self) -> None:
        self.callbacks_kept: dict[str, Document] = {}
        self.messages_kept: dict[str, Document] = {}
        self.endings_kept: set[Ending] = set()
        self.between: dict[str, Callable[[], None]] = {}
        self.writes = 0

    def _step(self, name: str) -> None:
        hook = self.between.pop(name, None)
        if hook:
            hook()

    def schedule(self, callbacks: Sequence[Callback]) -> Inserted:
        inserted = self._insert(self.callbacks_kept, [_callback_document(callback) for callback in callbacks])
        self._step("schedule")
        return inserted

    def request(self, messages: Sequence[Message]) -> Inserted:
        return self._insert(self.messages_kept, [message_document(message) for message in messages])

    def _insert(self, kept: dict[str, Document], documents: Sequence[Document]) -> Inserted:
        known = tuple(document["_id"] for document in documents if document["_id"] in kept)
        new = [document for document in documents if document["_id"] not in kept]
        kept |= {document["_id"]: copy.deepcopy(document) for document in new}
        self.writes += len(new)
        return Inserted(tuple(document["_id"] for document in new), known)

    def end(self, endings: Sequence[Ending]) -> None:
        self.endings_kept |= set(endings)
        self._step("end")

    def endings(self, case_ids: Sequence[str]) -> list[Ending]:
        self._step("endings")
        return [ending for ending in self.endings_kept if ending.case_id in case_ids]

    def open_callbacks(self, case_ids: Sequence[str]) -> list[Callback]:
        found = [callback for callback in self.all_callbacks() if callback.case_id in case_ids]
        self._step("open_callbacks")
        return [callback for callback in found if callback.state is State.OPEN]

    def due(self, now: datetime, limit: int) -> list[Callback]:
        waiting = [callback for callback in self.all_callbacks() if callback.next_due is not None]
        due = [callback for callback in waiting if callback.next_due is not None and callback.next_due <= now]
        due.sort(key=lambda callback: callback.next_due or now)
        self._step("due")
        return due[:limit]

    def save(self, changes: Sequence[tuple[Callback, int]]) -> tuple[str, ...]:
        lost = []
        for callback, since in changes:
            document = _callback_document(callback)
            kept = self.callbacks_kept[callback.id]
            last = kept["history"][-1]["hash"]
            if kept["version"] == document["version"] and last == document["history"][-1]["hash"]:
                continue
            if kept["version"] != document["version"] - 1:
                lost.append(callback.id)
                continue
            assert since == len(kept["history"]) + 1
            self.callbacks_kept[callback.id] = copy.deepcopy(document)
            self.writes += 1
        return tuple(lost)

    def callback(self, callback_id: str, org: str) -> Callback | None:
        document = self.callbacks_kept.get(callback_id)
        found = _callback(copy.deepcopy(document)) if document and document["org"] == org else None
        self._step("callback")
        return found

    def callbacks(self, org: str, **query: Any) -> list[Callback]:
        state, case_id, now = query["state"], query["case_id"], query["now"]
        skip, limit = query["skip"], query["limit"]
        rows = [row for row in self.callbacks_kept.values() if row["org"] == org]
        rows.sort(key=lambda row: (row["listed_at"], row["_id"]))
        found = [_callback(copy.deepcopy(row)) for row in rows]
        if state == "overdue":
            found = [callback for callback in found if callback.overdue(now)]
        elif state:
            found = [callback for callback in found if callback.state.value == state]
        if case_id:
            found = [callback for callback in found if callback.case_id == case_id]
        return found[skip : skip + limit]

    def zones(self, org: str) -> list[str | None]:
        return sorted({callback.zone for callback in self.all_callbacks() if callback.org == org}, key=str)

    def message(self, message_id: str, org: str) -> Message | None:
        document = self.messages_kept.get(message_id)
        return message_of(copy.deepcopy(document)) if document and document["org"] == org else None

    def messages(
        self, org: str, *, limit: int, skip: int, case_id: str | None = None, **_: object
    ) -> list[Message]:
        found = [message for message in self.all_messages() if message.org == org]
        if case_id:
            found = [message for message in found if message.case_id == case_id]
        found.sort(key=lambda message: message.requested_at, reverse=True)
        return found[skip : skip + limit]

    def all_callbacks(self) -> list[Callback]:
        return [_callback(copy.deepcopy(document)) for document in self.callbacks_kept.values()]

    def all_messages(self) -> list[Message]:
        return [message_of(copy.deepcopy(document)) for document in self.messages_kept.values()]


@dataclass
class FakeDelivery:
    body: bytes
    content_type: str | None = "application/cloudevents+json"
    outcome: str = "done"
    reason: str | None = None

    def duplicate(self) -> None:
        self.outcome = "duplicate"

    def retry(self, reason: str) -> None:
        self.outcome, self.reason = "retry", reason

    def dead(self, reason: str) -> None:
        self.outcome, self.reason = "dead", reason


@dataclass(frozen=True)
class FakeCall:
    key: str
    actor: str = "staff-2"
    org: str = "property-demo"
    traceparent: str | None = None


@dataclass
class World:
    """The service's use cases over one repository in memory; ``replica`` makes another one beside it."""

    repository: MemoryRepository = field(default_factory=MemoryRepository)
    clock: FixedClock = field(default_factory=lambda: FixedClock(MONDAY))
    ids: CountingIds = field(default_factory=CountingIds)

    def __post_init__(self) -> None:
        scheduler = Scheduler(rulebooks(), Calendars(), self.clock)
        self.follow = FollowCases(self.repository, scheduler, self.clock, self.ids)
        self.fire_clocks = FireClocks(self.repository, self.clock, self.ids, at_once=3)
        self.desk = Desk(self.repository, rulebooks(), self.clock)

    def replica(self) -> World:
        return World(self.repository, self.clock, self.ids)

    def tell(self, *events: bytes) -> list[FakeDelivery]:
        deliveries = [FakeDelivery(event) for event in events]
        self.follow(deliveries)
        return deliveries

    def complete(self, key: str, callback_id: str, outcome: str, **given: Any) -> dict[str, Any]:
        data = {"id": callback_id, "outcome": outcome, "reached": None, "note": None}
        call = {name: given.pop(name) for name in ("actor", "org") if name in given}
        return self.desk.complete(FakeCall(key, **call), data | given)


def event(kind: str, data: Mapping[str, Any], event_id: str, org: str = "property-demo") -> bytes:
    document = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/kefu/complaints",
        "type": kind,
        "subject": data.get("case_id"),
        "time": "2026-11-16T02:00:00.000Z",
        "org": org,
        "sequence": "1",
        "data": dict(data),
    }
    return json.dumps(document).encode()


def replied(case: str = "cs_1", number: int = 1, org: str = "property-demo", **given: Any) -> bytes:
    data = {
        "case_id": case,
        "number": f"PRO-20261116-{case}",
        "contact_id": f"ct_{case}",
        "customer_id": f"cu_{case}",
        "valid": True,
        "handler": "staff-1",
        "replied_at": "2026-11-16T02:00:00.000Z",
        "round": number,
        "needs_callback": True,
    }
    return event("case_replied", data | given, f"{case}.replied.{number}", org)


def opened(case: str = "cs_1", org: str = "plaza-demo", **given: Any) -> bytes:
    """Return a ``case_opened`` event about a complaint from the web form."""
    data = {
        "case_id": case,
        "number": "PLZ-20261116-00001",
        "contact_id": f"ct_{case}",
        "customer_id": f"cu_{case}",
        "channel": "web",
        "opened_at": "2026-11-16T02:00:00.000Z",
    }
    return event("case_opened", data | given, f"{case}.1", org)


def attempted(case: str = "cs_1", org: str = "plaza-demo", number: int = 1, **given: Any) -> bytes:
    data = {
        "case_id": case,
        "contact_id": f"ct_{case}",
        "customer_id": f"cu_{case}",
        "outcome": "unreachable",
        "attempted_at": "2026-11-16T02:00:00.000Z",
        "message": "first_contact_sms",
    }
    return event("contact_attempted", data | given, f"{case}.attempted.{number}", org)


def closed(
    case: str = "cs_1", rounds: int = 1, because: str = "callback", org: str = "property-demo"
) -> bytes:
    data = {
        "case_id": case,
        "closed_at": "2026-11-17T02:00:00.000Z",
        "valid": True,
        "on_time": True,
        "rounds": rounds,
        "because": because,
    }
    return event("case_closed", data, f"{case}.closed.{rounds}", org)


def reopened(case: str = "cs_1", number: int = 2, org: str = "property-demo") -> bytes:
    data = {
        "case_id": case,
        "callback_id": "cb_x",
        "reopened_at": "2026-11-17T02:00:00.000Z",
        "round": number,
    }
    return event("case_reopened", data, f"{case}.reopened.{number}", org)
