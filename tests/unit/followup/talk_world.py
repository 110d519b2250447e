"""An organisation that calls customers back, over the real stores and rulebooks, for the tests of what is said."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from services.followup.application import Application, build
from services.followup.rulebook import load_rulebooks
from services.followup.schemas import CompleteCallback
from services.followup.schemas_talks import (
    ActOnBatch,
    BatchQuery,
    CompileBatch,
    FillRecord,
    RecordQuery,
    ScriptQuery,
)
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.messaging.envelope import render
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.followup.fakes import MONDAY, FakeDelivery

ORG = "works-demo"
_HEAD = f"""org: {ORG}
name: 演示单位
number_prefix: WRK
calendar: cn
time_zone: Asia/Shanghai
publishers: []
roles: [{EVERY_ROLE}]
"""
_rulebooks = cache(load_rulebooks)


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    key: str
    actor: str = "u-2"
    org: str = ORG
    traceparent: str | None = None
    roles: frozenset[str] = frozenset({"followup_agent", "supervisor", "staff"})


class Caller:
    """The people of one organisation of ``profile``; ``overrides`` is what it decides of followup, as YAML."""

    def __init__(self, folder: Path, profile: str, overrides: str = "") -> None:
        text = _HEAD + f"profile: {profile}\n"
        if overrides:
            text += (
                'overrides:\n  - version: "1"\n    effective_from: 2020-01-01\n    followup:\n' + overrides
            )
        (folder / f"{ORG}.yaml").write_text(text, encoding="utf-8")
        self.clock = FixedClock(MONDAY)
        self.sent: list[Unsent] = []
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=folder)
        self.runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        self.app = self.replica()

    def replica(self) -> Application:
        """Return another process of the service over the same database."""
        with patch("services.followup.application.load_rulebooks", _rulebooks):
            return build(self.runtime)

    def by(self, key: str | None = None) -> By:
        return By(key or f"k-{next(self._keys)}")

    def customers(self, count: int, prefix: str = "cu", **traits: str) -> list[str]:
        names = [f"{prefix}_{number:04}" for number in range(1, count + 1)]
        rows = [
            {"customer_id": name, "kind": "person", "traits": traits, "dates": {}, "opted_out": False}
            for name in names
        ]
        self.app.people.mark(self.by(), rows)
        return names

    def compile(self, kind: str, *, key: str | None = None, **given: Any) -> dict[str, Any]:
        return self.app.talks.batches.compile(self.by(key), CompileBatch().load({"kind": kind, **given}))

    def act(self, batch: str, action: str, *, key: str | None = None, **given: Any) -> dict[str, Any]:
        data = ActOnBatch().load({"id": batch, "action": action, **given})
        return self.app.talks.batches.act(self.by(key), data)

    def batch(self, batch: str) -> dict[str, Any]:
        return self.app.talks.batches.batch(ORG, batch)

    def batches(self, **given: Any) -> list[dict[str, Any]]:
        return self.app.talks.batches.page(ORG, BatchQuery().load(given))

    def shared_out(self, kind: str, count: int, *specialists: str, **given: Any) -> str:
        """Return a batch of so many customers whose callbacks are written."""
        self.customers(count)
        batch = str(self.compile(kind, **given)["batch_id"])
        self.act(batch, "allocate", specialists=list(specialists or ("u-1",)))
        self.tick()
        return batch

    def tick(self) -> None:
        while self.app.fire_clocks():
            pass

    def callbacks(self) -> list[Mapping[str, Any]]:
        return list(self.runtime.database["callbacks"].find(sort=[("_id", 1)]))

    def open(self) -> list[str]:
        return [str(row["_id"]) for row in self.callbacks() if row["state"] == "open"]

    def complete(
        self,
        callback: str,
        outcome: str,
        record: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
    ) -> dict[str, Any]:
        data = CompleteCallback().load({"id": callback, "outcome": outcome, "record": record})
        return self.app.desk.complete(self.by(key), data)

    def fill(self, callback: str, *, key: str | None = None, **record: Any) -> dict[str, Any]:
        data = FillRecord().load({"id": callback, "record": record})
        return self.app.talks.records.fill(self.by(key), data)

    def records(self, **given: Any) -> list[dict[str, Any]]:
        return self.app.talks.records.page(ORG, RecordQuery().load({"limit": 200, **given}))

    def script(self, **given: Any) -> dict[str, Any]:
        return self.app.talks.scripts.words(ORG, ScriptQuery().load(given))

    def at(self, day: str) -> None:
        """Make it noon of ``day`` in China."""
        self.clock.advance(timedelta(days=(date.fromisoformat(day) - self.clock.now().date()).days))

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        return [each.entry.data for each in self.sent if each.entry.type == kind]

    def hear(self, kind: str) -> list[str]:
        """Deliver followup its own events of ``kind``, twice; return what became of each delivery."""
        mine = [each for each in self.sent if each.entry.type == kind]
        bodies = [render(each.entry, service="followup", org=each.org, subject=each.subject) for each in mine]
        deliveries = [FakeDelivery(body) for body in bodies * 2]
        self.app.consequences("followup", deliveries)
        return [delivery.outcome for delivery in deliveries]

    def measures(self) -> list[Mapping[str, Any]]:
        return list(self.runtime.database["records"].find({"register": "corrective_measure"}))
