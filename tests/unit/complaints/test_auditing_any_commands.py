"""The audit after whatever people may do: services that keep their rules give it nothing to find.

The machines are those that look for broken rules one by one; here all that the audit knows is held against them.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from services.complaints.domain.auditing.cases import case_findings
from services.complaints.domain.auditing.findings import Subject, chain_findings
from tests.unit.complaints.audit_world import MONEY, audit, auditor_of, found_by
from tests.unit.complaints.fakes import World
from tests.unit.complaints.test_actions_under_any_commands import AnyActions
from tests.unit.complaints.test_any_order import CaseLife
from tests.unit.complaints.test_any_path import Paths
from tests.unit.complaints.test_disputes_under_any_commands import AnyDisputes
from tests.unit.complaints.test_ledgers_under_any_commands import MonthsMachine, SeriesMachine
from tests.unit.complaints.test_offers_under_any_commands import AnyOffers


def nothing_to_find(world: World) -> None:
    """Let the timer come round once more, and audit every case."""
    world.tick()
    for case in world.cases.all():
        timing = world.rules.timing(case.org, case.regulation)
        assert [*chain_findings(case), *case_findings(case, timing, world.clock.now())] == []


class AuditedCases(CaseLife):
    """Cases under any commands, events and repetitions."""

    def teardown(self) -> None:
        if hasattr(self, "world"):
            nothing_to_find(self.world)


class AuditedPaths(Paths):
    """Cases on any path, under any steps."""

    def teardown(self) -> None:
        if hasattr(self, "world"):
            nothing_to_find(self.world)


class AuditedOffers(AnyOffers):
    """Offers in one matter: approved, delegated, paid, reversed, accused in any order."""

    def teardown(self) -> None:
        self.counter.tick()
        self.counter.world.tick()
        assert audit(self.counter) == []


class AuditedMonths(MonthsMachine):
    """Ledgers through any months."""

    def teardown(self) -> None:
        assert audit(self.office, *MONEY) == []


class AuditedSeries(SeriesMachine):
    """Fines that double, and appeals that undo some of them."""

    def teardown(self) -> None:
        if hasattr(self, "office"):
            assert audit(self.office, *MONEY) == []


class AuditedActions(AnyActions):
    """Corrective actions opened, approved, extended, done, checked and done again by anybody."""

    def teardown(self) -> None:
        self.bureau.tick()
        auditor = auditor_of(self.bureau.counter, found=self.bureau.found)
        assert found_by(auditor, self.bureau.org, Subject.INVESTIGATIONS, Subject.CORRECTIVE_ACTIONS) == []


class AuditedDisputes(AnyDisputes):
    """Disputes raised, ruled on, appealed against and withdrawn by anybody."""

    def teardown(self) -> None:
        auditor = auditor_of(self.tower.counter, disputes=self.tower.kept)
        assert found_by(auditor, self.tower.org, Subject.DISPUTES) == []


_HOW = settings(
    max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
#: Ledgers are written line by line, through every use case; each step takes its time.
_LEDGERS = settings(_HOW, max_examples=6, stateful_step_count=12)
TestAuditedCases = AuditedCases.TestCase
TestAuditedCases.settings = _HOW
TestAuditedPaths = AuditedPaths.TestCase
TestAuditedPaths.settings = _HOW
TestAuditedOffers = AuditedOffers.TestCase
TestAuditedOffers.settings = _HOW
TestAuditedMonths = AuditedMonths.TestCase
TestAuditedMonths.settings = _LEDGERS
TestAuditedSeries = AuditedSeries.TestCase
TestAuditedSeries.settings = _LEDGERS
TestAuditedActions = AuditedActions.TestCase
TestAuditedActions.settings = _HOW
TestAuditedDisputes = AuditedDisputes.TestCase
TestAuditedDisputes.settings = _HOW
