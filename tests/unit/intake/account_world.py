"""A department of one profile with the real rulebooks, stores and use cases of clients, over a database in memory."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from marshmallow import Schema

from services.intake.application import Application, build
from services.intake.service import IntakeService
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.ids import CountingIds
from shared.messaging.rpc import operations_of
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.intake.fakes import beijing

OPERATIONS = operations_of(IntakeService)
_FRAME = """
org: {org}
name: 测试部门
profile: {profile}
number_prefix: TST
calendar: cn
time_zone: Asia/Shanghai
publishers: [crm]
roles: [{roles}]
{extra}
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call."""

    org: str
    actor: str
    key: str
    roles: frozenset[str]
    traceparent: str | None = None


@dataclass
class World:
    """The department, its clock and what it published."""

    clock: FixedClock
    app: Application
    org: str
    published: list[Unsent] = field(default_factory=list)
    keys: Any = field(default_factory=lambda: itertools.count(1))

    @staticmethod
    def of(tmp: Path, profile: str, begin: str = "2025-03-06 10:00", extra: str = "") -> World:
        """Build a department on ``profile``; ``extra`` is its own word."""
        text = _FRAME.format(org="dept", profile=profile, extra=extra, roles=EVERY_ROLE)
        (tmp / "dept.yaml").write_text(text, encoding="utf-8")
        clock, published = FixedClock(beijing(begin)), list[Unsent]()
        runtime = memory_runtime(
            clock, CountingIds(), sink=published.extend, settings=SimpleNamespace(organisations_dir=tmp)
        )
        return World(clock, build(runtime), "dept", published)

    def at(self, moment: str) -> None:
        """Let it be ``moment``, and let the clocks fire."""
        self.clock.set(beijing(moment))
        self.app.fire_clocks()

    def do(
        self,
        method: str,
        actor: str = "rep1",
        roles: Collection[str] = ("staff", "sales_rep"),
        *,
        key: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Call ``method`` as its entry point would, its arguments read by its schema."""
        call = Call(self.org, actor, key or f"k{next(self.keys)}", frozenset(roles))
        schema: Schema = OPERATIONS[method].schema()
        service = SimpleNamespace(app=self.app)
        entry = getattr(IntakeService, method)
        handler = getattr(entry, "__wrapped__", entry)
        return handler(service, call, schema.load(arguments))

    def refused(self, method: str, *who: Any, **arguments: Any) -> RuleRefused:
        """Return the refusal of what must be refused."""
        with pytest.raises(RuleRefused) as refused:
            self.do(method, *who, **arguments)
        return refused.value

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of the events of ``kind``."""
        return [dict(unsent.entry.data) for unsent in self.published if unsent.entry.type == kind]

    def enter(self, number: int, actor: str = "rep1", **more: Any) -> dict[str, Any]:
        """Search twice and enter the company of this number."""
        who = (actor, more.pop("roles", ("staff", "sales_rep")))
        given = company(number) | more
        self.do("search_conflicts", *who, kind="name", text=given["name"])
        self.do("search_conflicts", *who, kind="phone", text=given["phone"])
        entered: dict[str, Any] = self.do("enter_account", *who, **given)
        return entered


_DIGITS = "零一二三四五六七八九"


def trade(number: int) -> str:
    """Return a trade name of its own for every number."""
    return "华" + "".join(_DIGITS[int(digit)] for digit in str(number))


def company(number: int) -> dict[str, Any]:
    """Return a made-up company, complete as a sales department wants it."""
    name = f"杭州{trade(number)}贸易有限公司"
    return {
        "name": name,
        "licence_name": name,
        "phone": f"0571-8{number:07d}",
        "region": "杭州",
        "contact_name": "测试甲",
    }


#: Who rules, arbitrates, moves and merges.
REGION = ("mgr1", ("staff", "regional_manager"))
OTHER_REGION = ("mgr2", ("staff", "regional_manager"))
LARGE = ("gm1", ("staff", "large_region_manager"))
BOSS = ("boss", ("staff", "supervisor", "manager"))
INFO = ("info1", ("staff", "information_department"))
REP2 = ("rep2", ("staff", "sales_rep"))
KEEPER = ("am1", ("staff", "account_manager"))
