"""An organisation of any trade with customers, its campaigns over the real stores, for the tests of care."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from services.followup.application import Application, build
from services.followup.domain.person import Known
from services.followup.rulebook import load_rulebooks
from services.followup.schemas import MessageQuery
from services.followup.schemas_care import ReportMessage, StartCampaign
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.messaging.delivery import Delivery
from shared.messaging.envelope import CONTENT_TYPE
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime

_CHINA = ZoneInfo("Asia/Shanghai")
_rulebooks = cache(load_rulebooks)

FILE = """org: care-test
name: 测试单位
profile: {profile}
number_prefix: CAR
calendar: cn
time_zone: Asia/Shanghai
publishers: [gateway, shop]
publisher_limits:
  shop: {{types: [contact.received]}}
roles: [{roles}]
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
{followup}
"""


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    key: str
    org: str = "care-test"
    actor: str = "u-1001"
    roles: frozenset[str] = frozenset({"staff"})
    traceparent: str | None = None


def beijing(text: str) -> datetime:
    """Return the instant at which clocks in China show ``text``."""
    return datetime.fromisoformat(text).replace(tzinfo=_CHINA)


class CareWorld:
    """The organisation on a morning; ``followup`` is its own part of the rulebook, indented by six."""

    org = "care-test"

    def __init__(
        self,
        folder: Path,
        profile: str,
        followup: str = "      quiet_hours: []",
        now: str = "2026-06-01 09:00",
    ) -> None:
        text = FILE.format(profile=profile, roles=EVERY_ROLE.strip("[]"), followup=followup.strip("\n"))
        (folder / "care-test.yaml").write_text(text, encoding="utf-8")
        self.folder = folder
        self.clock = FixedClock(beijing(now))
        self.sent: list[Unsent] = []
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=folder)
        self.runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        self.app = self.replica()

    def replica(self) -> Application:
        """Return another process of the service over the same database."""
        with patch("services.followup.application.load_rulebooks", _rulebooks):
            return build(self.runtime)

    def people(self, number: int, first: int = 0, **about: Any) -> list[str]:
        """Tell of so many customers, all alike; return their ids."""
        ids = [f"cu_{index:05}" for index in range(first, first + number)]
        self.app.people.note([Known(self.org, each, beijing("2020-01-01 08:00"), **about) for each in ids])
        return ids

    def tell(self, customer: str, **about: Any) -> None:
        """Tell something new of a customer."""
        self.app.people.note([Known(self.org, customer, self.clock.now(), **about)])

    def start(self, kind: str, occasion: str = "once", *, roles: tuple[str, ...] = (), **given: Any) -> str:
        """Start a campaign; return its id."""
        data = StartCampaign().load({"kind": kind, "occasion": occasion, **given})
        call = By(f"k-{next(self._keys)}", roles=frozenset({"staff", *roles}))
        return str(self.app.care.campaigns.start(call, data)["campaign_id"])

    def run(self, at: str | None = None) -> None:
        """Let the timer go round until nothing is left to do."""
        if at is not None:
            self.clock.set(beijing(at))
        while self.app.care.campaigns.round():
            pass

    def campaign(self, campaign_id: str) -> dict[str, Any]:
        """Return a campaign, its lists as mappings."""
        shown = self.app.care.campaigns.campaign(self.org, campaign_id)
        return {
            **shown,
            "skipped": {row["reason"]: row["number"] for row in shown["skipped"]},
            "messages": {row["status"]: row["number"] for row in shown["messages"]},
        }

    def messages(self, **query: Any) -> list[dict[str, Any]]:
        """Return messages as their list shows them, all pages."""
        shown: list[dict[str, Any]] = []
        while True:
            asked = MessageQuery().load({"limit": 200, "skip": len(shown), **query})
            page = self.app.desk.messages(self.org, asked)
            shown += page
            if len(page) < 200:
                return shown

    def told(self) -> list[tuple[str, str]]:
        """Return the template of every message with whom it is for, in order."""
        return sorted((row["template"], row["customer_id"]) for row in self.messages())

    def tasks(self) -> list[dict[str, Any]]:
        """Return what stands in every task."""
        rows = self.runtime.database["records"].find({"register": "care_task"})
        return sorted((row["values"] for row in rows), key=lambda values: str(values["customer"]))

    def report(self, message_id: str, status: str, at: str | None = None) -> dict[str, Any]:
        """Let staff say how far a message got."""
        data = ReportMessage().load({"id": message_id, "status": status})
        if at is not None:
            data["at"] = beijing(at)
        return self.app.care.reports.report(By(f"k-{next(self._keys)}"), data)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of every event of a type that was handed over."""
        return [dict(unsent.entry.data) for unsent in self.sent if unsent.entry.type == kind]


def delivered(
    message_id: str,
    status: str = "delivered",
    *,
    user: str | None = "pub-gateway",
    org: str = "care-test",
    event_id: str | None = None,
    **data: Any,
) -> Delivery:
    """Return a report as a gateway publishes it."""
    event = {
        "specversion": "1.0",
        "id": event_id or f"{message_id}-{status}",
        "source": "/gateway",
        "type": "message.delivered",
        "org": org,
        "data": {"message_id": message_id, "status": status, "at": "2026-06-01T09:00:00+08:00"} | data,
    }
    return Delivery(
        body=json.dumps(event).encode(),
        routing_key="message.delivered",
        content_type=CONTENT_TYPE,
        user_id=user,
        redelivered=False,
        tag=1,
    )
