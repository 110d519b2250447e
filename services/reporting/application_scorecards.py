"""Builds the use cases of scorecards."""

from __future__ import annotations

from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.scorecards.desk import ScorecardDesk
from services.reporting.obligations_kept import StaffKept
from services.reporting.scorecards_kept import ClosedMonths, RecordsFed
from shared.mongo.registers import RecordsKept
from shared.mongo.runtime import Runtime
from shared.ruling import Rules


def build_scorecards(runtime: Runtime, rules: Rules[ReportingRules], records: RecordsKept) -> ScorecardDesk:
    """Wire the use cases; ``records`` of registers are what cards are computed from."""
    return ScorecardDesk(RecordsFed(records), ClosedMonths(runtime), StaffKept(runtime), rules, runtime.clock)
