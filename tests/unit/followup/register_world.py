"""Offices that keep followup's registers, over the real stores and the real rulebooks, for the tests of forms."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.followup.application import Application, build
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.ids import CountingIds
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime

ORG = "works-demo"


def beijing(text: str) -> datetime:
    """Return the instant of a local time in China."""
    return datetime.fromisoformat(f"{text}:00+08:00").astimezone(UTC)


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    actor: str
    roles: frozenset[str]
    key: str
    org: str = ORG
    traceparent: str | None = None


class Office:
    """The desk of one organisation of a trade, on the morning of Wednesday 6 May 2026 in China."""

    def __init__(self, folder: Path, profile: str, registers: str = "") -> None:
        """Write the organisation's file into ``folder``, with its own ``registers`` as lines of YAML."""
        own = ""
        if registers:
            lines = "\n".join(f"        {line}" for line in registers.strip("\n").splitlines())
            own = (
                "overrides:\n  - version: '2026.1'\n    effective_from: 2026-01-01\n"
                f"    followup:\n      registers:\n{lines}\n"
            )
        (folder / f"{ORG}.yaml").write_text(
            f"org: {ORG}\nname: 演示单位\nprofile: {profile}\nnumber_prefix: WRK\ncalendar: cn\n"
            f"time_zone: Asia/Shanghai\npublishers: []\nroles: [{EVERY_ROLE}]\n{own}",
            encoding="utf-8",
        )
        self.clock = FixedClock(beijing("2026-05-06 09:00"))
        self.sent: list[Unsent] = []
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=folder)
        runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        self.app: Application = build(runtime)

    def by(self, actor: str = "u-1", *roles: str, key: str | None = None) -> By:
        return By(actor, frozenset({"staff", *roles}), key or f"k-{next(self._keys)}")

    def open(self, register: str, call: By | None = None, /, **values: Any) -> str:
        data = {"register": register, "values": values}
        return str(self.app.keep_registers.open_record(call or self.by(), data)["record_id"])

    def act(self, record: str, action: str, call: By | None = None, /, **values: Any) -> dict[str, Any]:
        data = {"id": record, "action": action, "values": values}
        return self.app.keep_registers.act_on_record(call or self.by(), data)

    def correct(self, record: str, call: By, **values: Any) -> dict[str, Any]:
        data = {"id": record, "values": values, "reason": "看错了"}
        return self.app.keep_registers.correct_record(call, data)

    def get(self, record: str, *roles: str) -> dict[str, Any]:
        return self.app.read_registers.get_record(self.by("u-reader", *roles), {"id": record})

    def find(self, register: str, **wanted: Any) -> list[str]:
        data: dict[str, Any] = dict.fromkeys(("state", "open", "flag", "opened_from", "opened_before"))
        data |= {"overdue": False, "mine": False, "destroy_due": False, "where": {}, "limit": 50, "skip": 0}
        data |= {"register": register, "held_on": None, **wanted}
        rows = self.app.read_registers.list_records(self.by("u-reader"), data)
        return [row["record_id"] for row in rows]

    def opened_by(self, record: str, register: str) -> list[dict[str, Any]]:
        """Return what ``record`` opened in ``register``, as it was written."""
        return [self.get(each)["values"] for each in self.find(register, where={"origin": record})]

    def missing(self, register: str, at: str | None = None) -> list[Mapping[str, Any]]:
        data = {"register": register, "at": None if at is None else beijing(at)}
        return list(self.app.look_over_registers.list_missing(self.by("u-reader"), data))

    def pass_time(self, until: datetime | timedelta) -> None:
        self.clock.advance(until if isinstance(until, timedelta) else until - self.clock.now())
        while self.app.fire_clocks():
            pass
        self.app.keep_registers.catch_up()

    def told(self, record: str, kind: str) -> list[Mapping[str, Any]]:
        return [each.entry.data for each in self.sent if each.subject == record and each.entry.type == kind]


def refused(step: Any, *arguments: Any, **values: Any) -> str:
    """Return the rule that refuses a step."""
    with pytest.raises(RuleRefused) as caught:
        step(*arguments, **values)
    return str(caught.value.rule)
