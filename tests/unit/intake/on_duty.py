"""An intake of its own over a database in memory, called through its entry points as anybody of an organisation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import yaml

from services.intake.application import build
from services.intake.service import IntakeService
from shared.clock import FixedClock
from shared.identity import Caller
from shared.ids import CountingIds
from shared.messaging.rpc import CallContext, operations_of
from shared.outbox import Unsent
from tests.every_role import ROLES
from tests.memory import memory_runtime

ROOT = Path(__file__).parents[3]
BEIJING = ZoneInfo("Asia/Shanghai")


def moment(text: str) -> datetime:
    """Return a local moment such as ``2025-03-03 08:00``, with seconds where it has some."""
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def organisation(folder: Path, profile: str, **sections: Any) -> Path:
    """Write an organisation ``test-org`` that follows ``profile`` and decides ``sections`` of intake; return where."""
    content = {
        "org": "test-org",
        "name": "测试",
        "profile": profile,
        "number_prefix": "TST",
        "calendar": "cn",
        "time_zone": "Asia/Shanghai",
        "publishers": [],
        "roles": ROLES,
        "overrides": [{"version": "2026.1", "effective_from": date(2020, 1, 1), "intake": sections}],
    }
    (folder / "test-org.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class _Verifier:
    actor: str
    org: str
    roles: frozenset[str]

    def verify(self, token: str | None) -> Caller:
        assert token
        return Caller(self.actor, self.org, None, self.roles, "tok-1")


@dataclass
class Intake:
    """The service, its clock, and everything it published."""

    org: str
    now: str = "2025-03-03 08:00"
    organisations: Path = ROOT / "organisations"
    published: list[Unsent] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the service."""
        self.clock = FixedClock(moment(self.now))
        self._keys = itertools.count(1)
        self.runtime = memory_runtime(
            self.clock,
            CountingIds(),
            sink=self._publish,
            settings=SimpleNamespace(service="intake", organisations_dir=self.organisations),
        )
        self.service: Any = IntakeService()
        self.service.app = build(self.runtime)

    def _publish(self, entries: Sequence[Unsent]) -> None:
        self.published.extend(entries)

    def at(self, text: str) -> None:
        """Let it be ``text`` and let the clocks fire."""
        later = moment(text) - self.clock.now()
        assert later >= timedelta(0)
        self.clock.advance(later)
        while self.service.fire_clocks():
            pass

    def do(self, method: str, actor: str, *roles: str, **arguments: Any) -> Any:
        """Call ``method`` as ``actor``, a member of staff with ``roles``; what it refuses is raised."""
        if operations_of(IntakeService)[method].kind == "command":
            arguments = {"idempotency_key": f"key-{next(self._keys):04}-{method}"} | arguments
        verifier = _Verifier(actor, self.org, frozenset({"staff", *roles}))
        self.service.context = CallContext.Bound({"auth_token": "t"}, cast(Any, verifier))
        return json.loads(json.dumps(getattr(self.service, method)(**arguments)))

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """Return what each event ``kind`` said, in the order published."""
        return [unsent.entry.data for unsent in self.published if unsent.entry.type == kind]
