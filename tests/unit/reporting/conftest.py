from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.figures import Figures
from services.reporting.rulebook import load_rulebooks
from shared.clock import FixedClock
from shared.regulations import Rulebooks
from tests.unit.reporting.memory import Memory
from tests.unit.reporting.stories import ORGANISATIONS


@pytest.fixture(scope="session")
def rulebooks() -> Rulebooks[ReportingRules]:
    return load_rulebooks(ORGANISATIONS)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 23, 2, 0, tzinfo=UTC))


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def archive(memory: Memory, clock: FixedClock) -> ArchiveEvents:
    return ArchiveEvents(memory, clock)


@pytest.fixture
def figures(memory: Memory, rulebooks: Rulebooks[ReportingRules], clock: FixedClock) -> Figures:
    return Figures(memory, rulebooks, clock)
