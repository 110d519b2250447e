"""An office that calls customers back, over the real stores, the real rulebooks and everything that follows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import yaml

from services.followup.application import Application, build
from services.followup.domain.person import Known
from services.followup.domain.rulebook import FollowupRules
from services.followup.rulebook import load_rulebooks
from services.followup.schemas import CallbackQuery, NoteOccasion
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.messaging.envelope import render
from shared.outbox import Unsent
from shared.regulations import Rulebooks
from tests.every_role import ROLES
from tests.memory import memory_runtime
from tests.unit.followup.fakes import FakeDelivery, event

#: The organisation of these tests.
ORG = "office"


#: Rulebooks by what their organisation's file says: many examples of one property read the same.
_READ: dict[str, Rulebooks[FollowupRules]] = {}


def _rulebooks(organisations: Path) -> Rulebooks[FollowupRules]:
    text = (organisations / f"{ORG}.yaml").read_text(encoding="utf-8")
    if text not in _READ:
        _READ[text] = load_rulebooks(organisations)
    return _READ[text]


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    actor: str
    key: str
    org: str = ORG
    roles: frozenset[str] = frozenset({"followup_agent"})
    traceparent: str | None = None


def at(text: str, offset: str = "+08:00") -> datetime:
    """Return an instant by the clock in China, or at another offset."""
    return datetime.fromisoformat(f"{text}{offset}")


class Calls:
    """The followup service of one organisation of ``profile``; its own events come back to it at once."""

    def __init__(self, path: Path, profile: str, now: str = "2026-05-01T10:00", **followup: Any) -> None:
        document = {
            "org": ORG,
            "name": "回访办（演示）",
            "profile": profile,
            "number_prefix": "OFF",
            "calendar": "cn",
            "time_zone": "Asia/Shanghai",
            "publishers": [],
            "roles": list(ROLES),
            "overrides": [{"version": "2026.1", "effective_from": date(2020, 1, 1), "followup": followup}],
        }
        (path / f"{ORG}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        self.clock = FixedClock(at(now))
        self.sent: list[Unsent] = []
        self._heard = 0
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=path)
        self.runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        with patch("services.followup.application.load_rulebooks", _rulebooks):
            self.app: Application = build(self.runtime)

    def by(self, actor: str) -> By:
        """Return a call of ``actor``."""
        return By(actor, f"k-{next(self._keys)}")

    def mark(self, customer: str, *, dates: Mapping[str, str] | None = None, **traits: str) -> None:
        """Let it be known who a customer is."""
        known = Known(ORG, customer, self.clock.now(), traits=traits, dates=dates or {})
        self.app.people.note([known])

    def note(
        self, occasion: str, customer: str = "cu_1", when: str = "2026-05-01T10:00", **given: Any
    ) -> None:
        """Note an occasion, and let what follows from it follow."""
        asked = {"customer_id": customer, "occasion": occasion, "at": at(when).isoformat()}
        key = given.pop("key", f"{occasion}.{customer}.{when}")
        data: Any = NoteOccasion().load({**asked, "key": key, **given})
        self.app.callbacks.note_occasion(self.by("staff-1"), data)
        self.follow()

    def hear(self, kind: str, data: Mapping[str, Any], number: int = 1, source: str = "intake") -> None:
        """Tell of an event of another service, and let what follows from it follow."""
        told = json.loads(event(kind, data, f"{kind}.{number}", ORG))
        told |= {"source": f"/kefu/{source}", "time": self.clock.now().isoformat()}
        delivery = FakeDelivery(json.dumps(told).encode())
        if source == "complaints":
            self.app.follow([delivery])
        else:
            self.app.consequences(source, [delivery])
        assert delivery.outcome in ("done", "duplicate"), delivery.reason
        self.follow()

    def follow(self) -> None:
        """Give the service its own events that it has not had yet."""
        while self._heard < len(self.sent):
            waiting, self._heard = self.sent[self._heard :], len(self.sent)
            bodies = [
                render(each.entry, service="followup", org=each.org, subject=each.subject) for each in waiting
            ]
            deliveries = [FakeDelivery(body) for body in bodies]
            self.app.consequences("followup", deliveries)
            assert [delivery.reason for delivery in deliveries if delivery.outcome == "dead"] == []

    def listed(self, actor: str = "staff-2", **query: Any) -> list[dict[str, Any]]:
        """Return a list of callbacks as a caller gets it."""
        asked: Any = CallbackQuery().load(query)
        return self.app.desk.callbacks(ORG, asked, actor)

    def only(self, **query: Any) -> dict[str, Any]:
        """Return the one callback of a list."""
        (found,) = self.listed(**query)
        return found

    def complete(
        self, callback: Mapping[str, Any], outcome: str, actor: str = "staff-2", **given: Any
    ) -> Any:
        """Record a call, and let what follows from it follow."""
        data = {"id": callback["callback_id"], "outcome": outcome, "reached": None, "note": None, **given}
        answer = self.app.desk.complete(self.by(actor), data)
        self.follow()
        return answer

    def take(self, callback: Mapping[str, Any], actor: str) -> dict[str, Any]:
        """Take a callback."""
        return self.app.callbacks.agree.take(self.by(actor), {"id": callback["callback_id"]})

    def appoint(self, callback: Mapping[str, Any], when: str) -> dict[str, Any]:
        """Agree on a time with the customer."""
        data = {"id": callback["callback_id"], "at": at(when)}
        return self.app.callbacks.agree.appoint(self.by("staff-2"), data)

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the data of all events of ``kind`` that went out."""
        return [each.entry.data for each in self.sent if each.entry.type == kind]

    def day(self, text: str) -> None:
        """Let it become another time, and the timers run until they have nothing more to do."""
        self.clock.advance(at(text) - self.clock.now())
        while self.app.callbacks.make_periodic():
            pass
        self.app.fire_clocks()
        self.follow()
