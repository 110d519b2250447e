"""A department that keeps contacts, over the real stores and the real rulebooks, for the tests of contacts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from services.followup.application import Application, build
from services.followup.rulebook import load_rulebooks
from services.followup.schemas_contacts import ContactCoverage, ContactGaps
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.ids import CountingIds
from shared.outbox import Unsent
from shared.registers.schemas import RecordQuery, RegisterFigures
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.followup.fakes import FakeDelivery, event
from tests.unit.intake.fakes import beijing

ORG = "works-demo"
_rulebooks = cache(load_rulebooks)
_COUNTED = ("record_opened", "record_acted", "record_corrected")


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    actor: str
    roles: frozenset[str]
    key: str
    org: str = ORG
    traceparent: str | None = None


class World:
    """An organisation of one profile; what happens to its records is counted when ``settle`` is called."""

    def __init__(self, folder: Path, profile: str, now: str, overrides: str = "") -> None:
        (folder / f"{ORG}.yaml").write_text(
            f"org: {ORG}\nname: 演示单位\nprofile: {profile}\nnumber_prefix: WRK\ncalendar: cn\n"
            f"time_zone: Asia/Shanghai\npublishers: []\nroles: [{EVERY_ROLE}]\n{overrides}",
            encoding="utf-8",
        )
        self.clock = FixedClock(beijing(now))
        self.sent: list[Unsent] = []
        self._taken = 0
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=folder)
        self.runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        with patch("services.followup.application.load_rulebooks", _rulebooks):
            self.app: Application = build(self.runtime)

    def by(self, actor: str = "u-1", *roles: str) -> By:
        return By(actor, frozenset({"staff", *roles}), f"k-{next(self._keys)}")

    def at(self, moment: str) -> None:
        """Let time pass, and let every clock fire on the way."""
        self.clock.advance(beijing(moment) - self.clock.now())
        while self.app.fire_clocks():
            pass

    def people(self, *ids: str, kind: str = "person", **traits: str) -> None:
        rows = [{"customer_id": each, "kind": kind, "traits": traits} for each in ids]
        for first in range(0, len(rows), 500):
            self.app.people.mark(self.by(), rows[first : first + 500])

    def open(self, register: str, **values: Any) -> str:
        data = {"register": register, "values": values}
        record = str(self.app.keep_registers.open_record(self.by(), data)["record_id"])
        self.settle()
        return record

    def act(self, record: str, action: str, *roles: str, **values: Any) -> dict[str, Any]:
        data = {"id": record, "action": action, "values": values}
        done = self.app.keep_registers.act_on_record(self.by("u-2", *roles), data)
        self.settle()
        return done

    def correct(self, record: str, **values: Any) -> None:
        data = {"id": record, "values": values, "reason": "写错了。"}
        self.app.keep_registers.correct_record(self.by("u-2", "supervisor"), data)
        self.settle()

    def refused(self, register: str, **values: Any) -> RuleRefused:
        with pytest.raises(RuleRefused) as caught:
            self.open(register, **values)
        return caught.value

    def act_refused(self, record: str, action: str, *roles: str, **values: Any) -> RuleRefused:
        with pytest.raises(RuleRefused) as caught:
            self.act(record, action, *roles, **values)
        return caught.value

    def events(self) -> list[bytes]:
        """Return every event that counts so far, as the bus carries it."""
        return [_body(unsent) for unsent in self.sent if unsent.entry.type in _COUNTED]

    def settle(self) -> None:
        """Take the events that were not taken yet."""
        fresh, self._taken = self.sent[self._taken :], len(self.sent)
        self.take(*(_body(unsent) for unsent in fresh if unsent.entry.type in _COUNTED))
        self._taken = len(self.sent)

    def take(self, *bodies: bytes) -> None:
        """Let followup react to events of its own."""
        deliveries = [FakeDelivery(body) for body in bodies]
        self.app.consequences("followup", deliveries)
        assert {delivery.outcome for delivery in deliveries} <= {"done"}, deliveries

    def values(self, record: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.app.read_registers.get_record(self.by(), {"id": record})
        return dict(found["values"]) | {"state": found["state"], "flags": found["flags"]}

    def find(self, **query: Any) -> list[str]:
        rows = self.app.read_registers.list_records(self.by(), RecordQuery().load(query))
        return [row["record_id"] for row in rows]

    def figures(self, register: str, **query: Any) -> dict[str, Any]:
        data = RegisterFigures().load({"register": register, **query})
        return self.app.read_registers.register_statistics(self.by(), data)

    def missing(self, register: str) -> list[dict[str, Any]]:
        return self.app.look_over_registers.list_missing(self.by(), {"register": register, "at": None})

    def coverage(self, quota: str, at: str | None = None) -> dict[str, Any]:
        asked = {"quota": quota} if at is None else {"quota": quota, "at": f"{at}+08:00"}
        (row,) = self.app.contacts.coverage(self.by(), ContactCoverage().load(asked))
        return row

    def gaps(self, quota: str, *, limit: int = 200) -> list[str]:
        return [row["customer_id"] for row in self.gap_rows(quota, limit=limit)]

    def gap_rows(self, quota: str, *, limit: int = 200) -> list[dict[str, Any]]:
        """Return everybody left out, page by page."""
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            asked = ContactGaps().load({"quota": quota, "after": after, "limit": limit})
            page = self.app.contacts.gaps(self.by(), asked)
            rows += page["rows"]
            after = page["next"]
            if after is None:
                return rows

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        return [unsent.entry.data for unsent in self.sent if unsent.entry.type == kind]


def _body(unsent: Unsent) -> bytes:
    entry = unsent.entry
    return event(entry.type, entry.data, f"{unsent.subject}/{entry.seq}", unsent.org)
