"""A followup of its own over a database in memory, called through its entry points, for the tests of quality checks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
import yaml

from services.followup.application import build
from services.followup.rulebook import load_rulebooks
from services.followup.service import FollowupService
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.identity import Caller
from shared.ids import CountingIds
from shared.messaging.delivery import Delivery, Outcome
from shared.messaging.envelope import CONTENT_TYPE, render
from shared.messaging.rpc import CallContext, operations_of
from shared.outbox import Unsent
from tests.every_role import ROLES
from tests.memory import memory_runtime

BEIJING = ZoneInfo("Asia/Shanghai")
_rulebooks = cache(load_rulebooks)


def organisation(folder: Path, profile: str, **quality: Any) -> Path:
    """Write an organisation ``test-org`` of ``profile`` that decides ``quality`` itself; return where."""
    followup = {"quality": quality} if quality else {}
    content = {
        "org": "test-org",
        "name": "测试",
        "profile": profile,
        "number_prefix": "TST",
        "calendar": "cn",
        "time_zone": "Asia/Shanghai",
        "publishers": [],
        "roles": ROLES,
        "overrides": [{"version": "2026.1", "effective_from": date(2020, 1, 1), "followup": followup}],
    }
    (folder / "test-org.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


def own(value: Any) -> dict[str, Any]:
    """Return a value that the organisation decides itself."""
    return {"value": value, "source": "organisation"}


@dataclass(frozen=True, slots=True)
class _Verifier:
    actor: str
    roles: frozenset[str]

    def verify(self, token: str | None) -> Caller:
        assert token
        return Caller(self.actor, "test-org", None, self.roles, "tok-1")


@dataclass
class Checking:
    """The service of one organisation, its clock, and everything it published."""

    organisations: Path
    now: str = "2025-04-01 09:00"
    published: list[Unsent] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the service."""
        self.clock = FixedClock(datetime.fromisoformat(self.now).replace(tzinfo=BEIJING))
        self._keys = itertools.count(1)
        settings = SimpleNamespace(service="followup", organisations_dir=self.organisations)
        self.runtime = memory_runtime(
            self.clock, CountingIds(), sink=self.published.extend, settings=settings
        )
        self.service: Any = FollowupService()
        with patch("services.followup.application.load_rulebooks", _rulebooks):
            self.service.app = build(self.runtime)

    def at(self, text: str) -> None:
        """Let it be ``text`` and let the clocks fire."""
        later = datetime.fromisoformat(text).replace(tzinfo=BEIJING) - self.clock.now()
        assert later >= timedelta(0)
        self.clock.advance(later)
        while self.service.fire_clocks():
            pass

    def do(self, method: str, actor: str, *roles: str, **arguments: Any) -> Any:
        """Call ``method`` as ``actor``, a member of staff with ``roles``; what it refuses is raised."""
        if operations_of(FollowupService)[method].kind == "command":
            arguments = {"idempotency_key": f"key-{next(self._keys):06}-{method}"} | arguments
        verifier = _Verifier(actor, frozenset({"staff", *roles}))
        self.service.context = CallContext.Bound({"auth_token": "t"}, cast(Any, verifier))
        return json.loads(json.dumps(getattr(self.service, method)(**arguments)))

    def refused(self, method: str, actor: str, *roles: str, **arguments: Any) -> RuleRefused:
        """Return the refusal of a call."""
        with pytest.raises(RuleRefused) as caught:
            self.do(method, actor, *roles, **arguments)
        return caught.value

    def drawn(
        self, kind: str, population: int, *roles: str, number: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return a sample of ``kind`` that is drawn from so many things, each the work of one of four agents."""
        agents = [f"s-{count % 4}" for count in range(population)]
        items = [{"ref": f"it-{count}", "attributes": {"agent": agent}} for count, agent in enumerate(agents)]
        sample = self.do("open_sample", "qc-1", *roles, kind=kind, **({"seed": "seed-1"} | more))
        self.do("fill_sample", "qc-1", *roles, id=sample["sample_id"], items=items)
        self.move(sample, "draw", *roles, number=number)
        return self.sample(sample, *roles)

    def sample(self, sample: Mapping[str, Any], *roles: str) -> dict[str, Any]:
        """Return a sample with the first of what was drawn."""
        return cast(dict[str, Any], self.do("get_sample", "qc-1", *roles, id=sample["sample_id"], limit=200))

    def move(self, sample: Mapping[str, Any], action: str, *roles: str, **more: Any) -> Any:
        """Take a step on a sample."""
        return self.do("move_sample", "qc-1", *roles, id=sample["sample_id"], action=action, **more)

    def score(self, sample: Mapping[str, Any], item: str, scorer: str = "qc-1", **more: Any) -> Any:
        """Score an item and return the result."""
        return self.do("score_item", scorer, id=sample["sample_id"], item=item, **more)["result"]

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """Return what each event ``kind`` said, in the order published."""
        return [unsent.entry.data for unsent in self.published if unsent.entry.type == kind]

    def react(self) -> list[Outcome]:
        """Deliver every event so far to the service itself and return what became of each."""
        told = [each for each in self.published if each.entry.type == "item_scored"]
        deliveries = [
            Delivery(
                render(each.entry, service="followup", org=each.org, subject=each.subject),
                each.entry.type,
                CONTENT_TYPE,
                "followup",
                redelivered=False,
                tag=tag,
            )
            for tag, each in enumerate(told, 1)
        ]
        self.service.on_followup_events(deliveries)
        return [delivery.outcome for delivery in deliveries]
