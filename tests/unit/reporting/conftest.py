from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.counting import Count, ReadSums
from services.reporting.handlers.figures import Figures
from services.reporting.handlers.kpis.measuring import Measuring
from services.reporting.handlers.recounting import Recount
from services.reporting.rulebook import load_rulebooks
from shared.clock import FixedClock
from shared.regulations import Rulebooks
from tests.unit.reporting.counts_memory import CountsMemory
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
def counts() -> CountsMemory:
    return CountsMemory()


@pytest.fixture
def archive(
    memory: Memory, counts: CountsMemory, rulebooks: Rulebooks[ReportingRules], clock: FixedClock
) -> ArchiveEvents:
    return ArchiveEvents(memory, clock, None, Recount(memory, rulebooks, Count(counts)))


@pytest.fixture
def measuring(
    memory: Memory, counts: CountsMemory, rulebooks: Rulebooks[ReportingRules], clock: FixedClock
) -> Measuring:
    return Measuring(ReadSums(counts), counts.now, memory, rulebooks, clock)


@pytest.fixture
def figures(memory: Memory, measuring: Measuring) -> Figures:
    return Figures(memory, measuring)
