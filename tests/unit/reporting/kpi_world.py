"""Asking for key figures, for the tests of what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Window
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.counting import Count, ReadSums
from services.reporting.handlers.figures import Figures
from services.reporting.handlers.kpis.measuring import Measuring
from services.reporting.handlers.recounting import Recount
from shared.clock import FixedClock
from shared.messaging.envelope import render
from shared.outbox import Unsent
from shared.regulations import Rulebooks
from tests.unit.reporting.counts_memory import CountsMemory
from tests.unit.reporting.memory import Memory
from tests.unit.reporting.register_world import ORG, Office
from tests.unit.reporting.stories import FakeDelivery, Story, delivery


def kpis(measuring: Measuring, org: str, window: str = "2026-11", **asked: Any) -> dict[str, Any]:
    """Return the answer of ``kpis``."""
    data: dict[str, Any] = {"codes": [], "trend": 1, "by": None, "key": None} | asked
    return measuring.kpis(org, data | {"window": Window.of(window)})


def kpi(measuring: Measuring, org: str, code: str, window: str = "2026-11", **asked: Any) -> dict[str, Any]:
    """Return one key figure."""
    found: dict[str, Any] = kpis(measuring, org, window, codes=[code], **asked)["kpis"][0]
    return found


def behind(
    measuring: Measuring, org: str, code: str, window: str = "2026-11", **asked: Any
) -> dict[str, Any]:
    """Return the answer of ``kpi_cases``."""
    data: dict[str, Any] = {"code": code, "by": None, "key": None, "after": None, "limit": 100} | asked
    return measuring.kpi_cases(org, data | {"window": Window.of(window)})


def counting(rulebooks: Rulebooks[ReportingRules], now: datetime) -> tuple[Memory, ArchiveEvents, Figures]:
    """Return an archive that counts, what it keeps, and the figures made of it."""
    memory, counts, clock = Memory(), CountsMemory(), FixedClock(now)
    archive = ArchiveEvents(memory, clock, None, Recount(memory, rulebooks, Count(counts)))
    return (
        memory,
        archive,
        Figures(memory, Measuring(ReadSums(counts), counts.now, memory, rulebooks, clock)),
    )


class Measured(Office):
    """An office whose key figures are asked for; what other systems measure is reported to it."""

    said: list[Unsent]

    def __init__(self, folder: Path, profile: str, own: str = "") -> None:
        super().__init__(folder, profile, own)
        self.said = []

    def kpi(self, code: str, window: str = "2026-05", **asked: Any) -> dict[str, Any]:
        """Return one key figure."""
        return kpi(self.app.kpis.measuring, ORG, code, window, **asked)

    def part(self, code: str, by: Dimension, key: str, window: str = "2026-05") -> Mapping[str, Any]:
        """Return one part of a key figure."""
        rows = self.kpi(code, window, by=by)["parts"]
        return next(row for row in rows if row["key"] == key)

    def states(
        self, figure: str, window: str = "2026-05", key: str | None = None, **said: Any
    ) -> dict[str, Any]:
        """Let another system state a figure, and the statement come back as the event it is."""
        data: dict[str, Any] = dict.fromkeys(
            ("numerator", "denominator", "value", "unit", "person", "project", "reference")
        )
        data |= {
            name: Decimal(value) if name in {"numerator", "denominator", "value"} else value
            for name, value in said.items()
        }
        call = self.by("fees", "system", key=key)
        answer = self.app.kpis.report(call, {"figure": figure, "window": Window.of(window), **data})
        self.come_back()
        return answer

    def tells(self, *stories: Story) -> None:
        """Let what happened elsewhere reach the archive."""
        events = [event for story in stories for event in story.events]
        for source in sorted({event.source for event in events}):
            taken = [delivery(event) for event in events if event.source == source]
            self.app.archive(source, taken)
            assert {each.outcome for each in taken} == {"done"}, [each.reason for each in taken]

    def come_back(self) -> None:
        """Let everything this office published reach its own archive."""
        sent = list(self.sent)
        # The sink holds on to the list itself.
        self.sent.clear()
        bodies = [
            render(each.entry, service="reporting", org=each.org, subject=each.subject) for each in sent
        ]
        self.app.archive("reporting", [FakeDelivery(body) for body in bodies])
        self.said += sent

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the data of the events of ``kind``."""
        return [each.entry.data for each in (*self.said, *self.sent) if each.entry.type == kind]
