"""Customer files over the real stores in memory, for organisations of any trade made for one test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from services.intake.application import Application, build
from services.intake.schemas import ContactSchema
from services.intake.schemas_files import (
    CheckCustomer,
    ClassifyCustomer,
    ImportCustomers,
    ListCustomers,
    MoveCustomer,
    RegisterCustomer,
    RelateCustomer,
    UpdateCustomer,
)
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.intake.fakes import beijing

_SCHEMAS = {
    "register": RegisterCustomer(),
    "update": UpdateCustomer(),
    "check": CheckCustomer(),
    "move": MoveCustomer(),
    "relate": RelateCustomer(),
    "classify": ClassifyCustomer(),
}
_KEYS = count(1)


@dataclass(frozen=True)
class By:
    """Who calls, with what key."""

    org: str
    key: str
    actor: str
    roles: frozenset[str]
    traceparent: str | None = None


@dataclass
class FileRoom:
    """One organisation's file room; every command is read by the schema it comes in through."""

    app: Application
    clock: FixedClock
    published: list[Unsent]
    org: str = "made-up"
    keys: list[str] = field(default_factory=list)

    def by(self, actor: str = "u-1", roles: Sequence[str] = ("staff",), key: str | None = None) -> By:
        return By(self.org, key or f"k-{next(_KEYS)}", actor, frozenset(roles))

    def do(
        self,
        what: str,
        /,
        *,
        actor: str = "u-1",
        roles: Sequence[str] = ("staff",),
        key: str | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        data = _SCHEMAS[what].load(arguments)
        answer: dict[str, Any] = getattr(self.app.files.change, what)(self.by(actor, roles, key), data)
        return answer

    def register(self, name: str = "王小明", phone: str | None = "13800000001", **more: Any) -> str:
        customer = {"kind": more.pop("kind", "person"), "name": name, "phone": phone}
        if "unit" in more:
            customer["unit"] = more.pop("unit")
        return str(self.do("register", customer=customer, **more)["customer_id"])

    def take(self, rows: Sequence[dict[str, Any]], origin: str = "system", **more: Any) -> dict[str, Any]:
        key = more.pop("key", None)
        numbered = [{"row": number} | row for number, row in enumerate(rows, 2)]
        data = ImportCustomers().load({"rows": numbered, "origin": origin} | more)
        return self.app.files.take(self.by("u-9", ("supervisor",), key), data)

    def file(self, customer_id: str) -> dict[str, Any]:
        return self.app.files.read.file(self.org, customer_id, actor="u-1", full=True)

    def find(self, by: str, text: str) -> list[str]:
        rows = self.app.files.read.search(self.org, by, text, limit=50, skip=0, full=True)
        return [row["customer_id"] for row in rows]

    def page(self, **asked: Any) -> list[str]:
        rows = self.app.files.read.page(self.org, ListCustomers().load(asked), full=True)
        return [row["customer_id"] for row in rows]

    def contact(self, category: str = "enquiry", phone: str = "13800000001", **more: Any) -> dict[str, Any]:
        data = {
            "channel": "phone",
            "category": category,
            "received_at": self.clock.now().isoformat(),
            "customer": {"kind": "person", "name": "王小明", "phone": phone},
            "text": "想问一下。",
        }
        return self.app.desk.register(self.by(), ContactSchema().load(data | more))

    def events(self) -> list[str]:
        return [unsent.entry.type for unsent in self.published]


def file_room(directory: Path, profile: str, files: str = "", at: str = "2024-05-06 09:00") -> FileRoom:
    """Return the file room of an organisation of ``profile`` that decides ``files`` itself."""
    own = "\n".join(f"        {line}" for line in files.strip("\n").splitlines())
    overrides = (
        f"""overrides:
  - version: "1"
    effective_from: 2020-01-01
    intake:
      files:
{own}
"""
        if files
        else ""
    )
    directory.joinpath("made-up.yaml").write_text(
        f"""org: made-up
name: 某单位
profile: {profile}
number_prefix: MU
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [{EVERY_ROLE}]
{overrides}""",
        encoding="utf-8",
    )
    clock, published = FixedClock(beijing(at)), list[Unsent]()
    runtime = memory_runtime(
        clock,
        CountingIds(),
        sink=published.extend,
        settings=SimpleNamespace(organisations_dir=directory),
    )
    return FileRoom(build(runtime), clock, published)


def moment(text: str) -> datetime:
    """Return the instant of a wall clock in China."""
    return beijing(text)
