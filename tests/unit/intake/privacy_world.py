"""The whole intake service over a database in memory, with organisations of trades that have no demo."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import marshmallow
from marshmallow import RAISE

from services.intake import application
from services.intake.application import Application
from services.intake.schemas import ContactSchema
from services.intake.schemas_privacy import (
    DecideData,
    ExportCustomers,
    ReadFields,
    ReadLog,
    RequestData,
    SetFlags,
)
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.mongo.runtime import Runtime
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.intake.fakes import ORGANISATIONS, beijing, contact_data, delivery

PLAZA, PROPERTY, RETAIL, SHOP = "plaza-demo", "property-demo", "retail-demo", "shop-demo"
#: Organisations without a demo, by the profile of their trade.
CALLS, FREIGHT, DEVICES = "calls-test", "freight-test", "devices-test"
_TRADES = {
    CALLS: ("call-centre", "CLX"),
    FREIGHT: ("logistics", "FRX"),
    DEVICES: ("terminal-services", "DVX"),
}
_FILE = """
org: {org}
name: 测试机构
profile: {profile}
number_prefix: {prefix}
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [{roles}]
"""


_KEYS = itertools.count()


@dataclass(frozen=True)
class As:
    """Somebody who calls."""

    org: str = PLAZA
    actor: str = "u-1"
    roles: frozenset[str] = frozenset({"staff"})
    key: str = field(default_factory=lambda: f"key-{next(_KEYS)}")
    traceparent: str | None = None


def agent(org: str = PLAZA, *more: str, actor: str = "u-1") -> As:
    """Return a member of staff, with ``more`` roles."""
    return As(org, actor, frozenset({"staff", *more}))


def organisations(folder: Path) -> Path:
    """Write the demo's organisations and those of other trades into ``folder``."""
    shutil.copytree(ORGANISATIONS, folder)
    for org, (profile, prefix) in _TRADES.items():
        text = _FILE.format(org=org, profile=profile, prefix=prefix, roles=EVERY_ROLE)
        (folder / f"{org}.yaml").write_text(text, encoding="utf-8")
    return folder


class PrivacyWorld:
    """Intake at work, and everything it published."""

    def __init__(self, folder: Path) -> None:
        """Start on a Monday morning in China."""
        self.clock = FixedClock(beijing("2026-03-02 09:00"))
        self.published: list[Unsent] = []
        self.runtime: Runtime = memory_runtime(
            self.clock,
            CountingIds(),
            sink=self.published.extend,
            settings=SimpleNamespace(organisations_dir=folder),
        )
        self.app: Application = application.build(self.runtime)

    def contact(self, org: str = PLAZA, **changes: Any) -> dict[str, Any]:
        """Register a contact by hand."""
        data = contact_data(**{"received_at": self.clock.now().isoformat()} | changes)
        return self.app.desk.register(agent(org), ContactSchema(unknown=RAISE).load(data))

    def customer(self, org: str = PLAZA, **changes: Any) -> str:
        """Open a customer's file by a first contact and return its id."""
        return str(self.contact(org, **({"customer": changes} if changes else {}))["customer_id"])

    def take(self, *events: dict[str, Any], user: str = "pub-hotline") -> None:
        """Deliver events as one batch."""
        self.app.receive([delivery(event, user=user) for event in events])

    def read(self, call: As, customer: str, *names: str, **more: Any) -> dict[str, Any]:
        """Read fields in full."""
        data = {"id": customer, "names": list(names), "purpose": "service"} | more
        return self.app.personal_data.read(call, _loaded(ReadFields, data))

    def export(self, call: As, *names: str, **more: Any) -> dict[str, Any]:
        """Export customers."""
        data = {"names": list(names) or ["name", "phone"], "purpose": "service"} | more
        return self.app.personal_data.export(call, _loaded(ExportCustomers, data))

    def ask(self, call: As, kind: str, customer: str | None = None, **more: Any) -> str:
        """Ask for something and return the request's id."""
        data = {"kind": kind, "customer_id": customer, "purpose": "service", "reason": "客户来电。"} | more
        return str(self.app.data_requests.ask(call, _loaded(RequestData, data))["request_id"])

    def decide(self, call: As, request: str, *, granted: bool = True) -> dict[str, Any]:
        """Decide a request."""
        data = {"id": request, "granted": granted, "reason": "已核实。"}
        return self.app.data_requests.decide(call, _loaded(DecideData, data))

    def flags(self, call: As, customer: str, **flags: bool) -> dict[str, Any]:
        """Set flags of a customer."""
        return self.app.personal_data.set_flags(call, _loaded(SetFlags, {"id": customer} | flags))

    def log(self, org: str = PLAZA, **query: Any) -> list[dict[str, Any]]:
        """Return the access log as a supervisor reads it."""
        return self.app.accesses.read_log(agent(org, "supervisor"), _loaded(ReadLog, query))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of every published event of ``kind``."""
        return [dict(unsent.entry.data) for unsent in self.published if unsent.entry.type == kind]

    def all_events(self) -> str:
        """Return everything published, as text."""
        return repr([unsent.entry.data for unsent in self.published])


def only(rows: Sequence[Any] | Collection[Any]) -> Any:
    """Return the one row there is."""
    (row,) = rows
    return row


def _loaded(schema: type[marshmallow.Schema], data: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = schema(unknown=RAISE).load(data)
    return loaded
