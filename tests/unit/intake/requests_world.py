"""The intake service over a database in memory: the real repositories and the rulebooks of any profile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import services.intake.application
from services.intake.domain.requests.request import Request
from services.intake.schemas import ContactSchema
from services.intake.schemas_requests import (
    ActOnRequest,
    AnswerDepartment,
    AskHelp,
    DelayRequest,
    InvolveDepartments,
    ListRequests,
    OpenRequest,
    RequestStatistics,
    TransferRequest,
)
from shared.arguments import ById
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.ids import CountingIds
from shared.messaging.delivery import Delivery
from shared.outbox import Unsent
from tests.every_role import ROLES
from tests.memory import memory_runtime
from tests.unit.intake.fakes import ORGANISATIONS, beijing, contact_data, customer, delivery

_SCHEMAS = {
    "open_request": OpenRequest,
    "act_on_request": ActOnRequest,
    "transfer_request": TransferRequest,
    "accept_request": ById,
    "ask_help": AskHelp,
    "delay_request": DelayRequest,
    "involve_departments": InvolveDepartments,
    "answer_department": AnswerDepartment,
}


@dataclass(frozen=True)
class Person:
    """Somebody who calls."""

    org: str
    key: str
    actor: str
    roles: frozenset[str]
    traceparent: str | None = None


def organisation(
    folder: Path, profile: str, *, roles: Sequence[str] = (), intake: dict[str, Any] | None = None
) -> str:
    """Write an organisation on ``profile`` into ``folder`` and return its id; ``intake`` are its own rules."""
    org = f"{profile}-test"
    overrides = {"version": "2026.1", "effective_from": "2020-01-01", "intake": intake or {}}
    document = {
        "org": org,
        "name": "测试",
        "profile": profile,
        "number_prefix": "TST",
        "calendar": "cn",
        "time_zone": "Asia/Shanghai",
        "publishers": ["hotline"],
        "roles": [*ROLES, *roles],
        "overrides": [overrides] if intake else [],
    }
    # JSON is YAML; the date must not be text.
    text = json.dumps(document, ensure_ascii=False).replace('"2020-01-01"', "2020-01-01")
    (folder / f"{org}.yaml").write_text(text, encoding="utf-8")
    return org


@dataclass
class Desk:
    """The whole service, as one organisation's people use it."""

    org: str
    organisations: Path = ORGANISATIONS
    clock: FixedClock = field(default_factory=lambda: FixedClock(beijing("2026-03-02 10:00")))
    published: list[Unsent] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        settings = SimpleNamespace(organisations_dir=self.organisations)
        self.runtime = memory_runtime(
            self.clock, CountingIds(), sink=self.published.extend, settings=settings
        )
        self.app = services.intake.application.build(self.runtime)

    def person(self, actor: str = "u-1", *roles: str) -> Person:
        self.calls += 1
        return Person(self.org, f"{self.org}/call/{self.calls}", actor, frozenset({"staff", *roles}))

    def take(self, number: int = 1, *, event: str | None = None, **changes: Any) -> str:
        """Take a contact as the hotline publishes it; return the id of the request it became."""
        (item,) = self.deliver(number, event=event, **changes)
        assert item.reason is None
        (entry,) = [
            unsent for unsent in self.published if unsent.entry.cause.endswith(f"#{event or number}")
        ][-1:]
        return entry.entry.data["request_id"] if "request_id" in entry.entry.data else str(entry.subject)

    def deliver(self, number: int = 1, *, event: str | None = None, **changes: Any) -> list[Delivery]:
        items = self.said(number, event=event, **changes)
        self.app.receive(items)
        return items

    def said(self, number: int = 1, *, event: str | None = None, **changes: Any) -> list[Delivery]:
        """Return a contact as the hotline publishes it, not yet taken."""
        said = {"received_at": self.clock.now().isoformat(), "customer": customer(number)}
        document = {
            "specversion": "1.0",
            "id": event or str(number),
            "source": "/hotline",
            "type": "contact.received",
            "org": self.org,
            "time": self.clock.now().isoformat(),
            "data": contact_data(**said | changes),
        }
        return [delivery(document)]

    def register(self, **changes: Any) -> dict[str, Any]:
        """Register a contact by hand."""
        arguments = contact_data(**{"received_at": self.clock.now().isoformat()} | changes)
        return self.app.desk.register(self.person(), ContactSchema().load(arguments))

    def do(self, method: str, by: Person | None = None, /, **arguments: Any) -> dict[str, Any]:
        """Call a command as RPC would: through its schema, under a key of its own."""
        data = _SCHEMAS[method]().load(arguments)
        fresh = self.person()
        caller = replace(by, key=fresh.key) if by else fresh
        result: dict[str, Any] = getattr(self.app.requests, method)(caller, data)
        return result

    def open(self, kind: str, by: Person | None = None, /, **arguments: Any) -> str:
        """Open a request by hand and return its id."""
        filled = {"kind": kind, "text": "请处理"} | arguments
        return str(self.do("open_request", by, **filled)["request_id"])

    def act(self, request: str, action: str, by: Person | None = None, /, **filled: Any) -> dict[str, Any]:
        """Take an action."""
        return self.do("act_on_request", by, id=request, action=action, filled=filled)

    def look(self, request: str, by: Person | None = None) -> dict[str, Any]:
        """Return a request as people see it."""
        return self.app.look_up_requests.request(by or self.person(), {"id": request})

    def rows(self, by: Person | None = None, /, **asked: Any) -> list[dict[str, Any]]:
        """Return a list of requests."""
        return self.app.look_up_requests.requests(by or self.person(), ListRequests().load(asked))

    def count(self, by: str, /, **asked: Any) -> dict[str, int]:
        """Return how many requests there are."""
        data = RequestStatistics().load({"by": by} | asked)
        return self.app.look_up_requests.statistics(self.person(), data)

    def pass_time(self, **by: float) -> None:
        """Move the clock and let what is due happen."""
        self.clock.advance(timedelta(**by))
        self.tick()

    def at(self, moment: str) -> None:
        """Let it be ``moment``, local time."""
        self.clock.set(beijing(moment))
        self.tick()

    def tick(self) -> None:
        """Let the service do what it does by itself."""
        while self.app.fire_clocks() or self.app.openings.catch_up():
            pass

    def clocks(self, request: str) -> dict[str, dict[str, Any]]:
        """Return the clocks of a request by name, the latest of each."""
        return {row["clock"]: row for row in self.look(request)["clocks"]}

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of the events of one type, in order."""
        return [dict(unsent.entry.data) for unsent in self.published if unsent.entry.type == kind]


@contextmanager
def refused(rule: str) -> Iterator[None]:
    """Expect a refusal by exactly ``rule``."""
    with pytest.raises(RuleRefused) as refusal:
        yield
    assert refusal.value.rule == rule, refusal.value.message


def instant(row: dict[str, Any], name: str = "due_at") -> datetime:
    """Return a moment of an answer."""
    return datetime.fromisoformat(row[name])


__all__ = ["Desk", "Person", "Request", "instant", "organisation", "refused"]
