"""An office that keeps registers, over the real stores and the real rulebooks, for the tests of registers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from services.intake.application import Application, build
from services.intake.rulebook import load_rulebooks
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.ids import CountingIds
from shared.outbox import Unsent
from shared.registers.schemas import ExportRegister, RegisterFigures
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.intake.fakes import beijing

ORGANISATIONS = Path(__file__).parents[3] / "organisations"
PROPERTY = "property-demo"


_rulebooks = cache(load_rulebooks)


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    actor: str
    roles: frozenset[str]
    key: str
    org: str = PROPERTY
    traceparent: str | None = None


class Office:
    """The desk of one organisation on a Monday morning in China."""

    def __init__(self, org: str = PROPERTY, organisations: Path = ORGANISATIONS) -> None:
        self.org = org
        self.clock = FixedClock(beijing("2026-03-02 09:00"))
        self.sent: list[Unsent] = []
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=organisations)
        self.runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        with patch("services.intake.application.load_rulebooks", _rulebooks):
            self.app: Application = build(self.runtime)

    def by(self, actor: str, *roles: str, key: str | None = None) -> By:
        return By(actor, frozenset({"staff", *roles}), key or f"k-{next(self._keys)}", self.org)

    def open(self, register: str, call: By, **values: Any) -> str:
        data = {"register": register, "values": values}
        return str(self.app.keep_registers.open_record(call, data)["record_id"])

    def act(self, record: str, action: str, call: By, **values: Any) -> dict[str, Any]:
        data = {"id": record, "action": action, "values": values}
        return self.app.keep_registers.act_on_record(call, data)

    def correct(self, record: str, call: By, reason: str, **values: Any) -> dict[str, Any]:
        return self.app.keep_registers.correct_record(
            call, {"id": record, "values": values, "reason": reason}
        )

    def get(self, record: str, *roles: str) -> dict[str, Any]:
        return self.app.read_registers.get_record(self.by("u-reader", *roles), {"id": record})

    def find(self, *, roles: tuple[str, ...] = (), **wanted: Any) -> list[str]:
        data: dict[str, Any] = dict.fromkeys(
            ("register", "state", "open", "flag", "opened_from", "opened_before")
        )
        data |= {"overdue": False, "mine": False, "destroy_due": False, "where": {}, "limit": 50, "skip": 0}
        data |= wanted
        rows = self.app.read_registers.list_records(self.by("u-reader", *roles), data)
        return [row["record_id"] for row in rows]

    def stock(self, stock: str) -> dict[str, str]:
        data = {"stock": stock, "item": None, "limit": 50, "skip": 0}
        rows = self.app.read_registers.list_balances(self.by("u-reader"), data)
        return {row["item"]: row["quantity"] for row in rows}

    def missing(self, register: str) -> list[Mapping[str, Any]]:
        data = {"register": register, "at": None}
        return list(self.app.look_over_registers.list_missing(self.by("u-reader"), data))

    def export(self, register: str, *roles: str, **wanted: Any) -> dict[str, Any]:
        data = ExportRegister().load({"register": register, **wanted})
        return self.app.look_over_registers.export_register(self.by("u-reader", *roles), data)

    def figures(self, register: str, *roles: str, **wanted: Any) -> dict[str, Any]:
        data = RegisterFigures().load({"register": register, **wanted})
        return self.app.read_registers.register_statistics(self.by("u-reader", *roles), data)

    def pass_time(self, until: datetime | timedelta) -> None:
        self.clock.advance(until if isinstance(until, timedelta) else until - self.clock.now())
        while self.app.fire_clocks():
            pass

    def told(self, record: str, kind: str) -> list[Mapping[str, Any]]:
        return [each.entry.data for each in self.sent if each.subject == record and each.entry.type == kind]


def refused(*arguments: Any, step: Any, **values: Any) -> RuleRefused:
    """Return the refusal of a step."""
    with pytest.raises(RuleRefused) as caught:
        step(*arguments, **values)
    return caught.value


def organisation(folder: Path, profile: str) -> str:
    """Write the file of an organisation of ``profile`` and return its id."""
    (folder / "works-demo.yaml").write_text(
        f"org: works-demo\nname: 演示单位\nprofile: {profile}\nnumber_prefix: WRK\ncalendar: cn\n"
        "time_zone: Asia/Shanghai\npublishers: []\n"
        f"roles: [{EVERY_ROLE}]\n",
        encoding="utf-8",
    )
    return "works-demo"
