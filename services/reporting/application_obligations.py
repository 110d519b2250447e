"""Builds the use cases of obligations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.reporting.domain.obligations.definition import Obligation
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.archive import Reaction
from services.reporting.handlers.obligations.desk import ObligationDesk
from services.reporting.handlers.obligations.opening import OpenObligations, Owners, owners_of
from services.reporting.handlers.obligations.proving import Prove
from services.reporting.handlers.obligations.staff import FollowStaff
from services.reporting.obligations_kept import OccurrencesKept, Opened, StaffKept
from shared.mongo.registers import RecordsKept
from shared.mongo.runtime import Runtime
from shared.ruling import Rules


@dataclass(frozen=True, slots=True)
class Obligations:
    """What is owed again and again; ``rounds`` come before its clocks are fired."""

    desk: ObligationDesk
    kept: OccurrencesKept
    rounds: tuple[Callable[[], bool], ...]
    reactions: tuple[tuple[tuple[str, str], Reaction], ...]


def build_obligations(
    runtime: Runtime, rules: Rules[ReportingRules], organisations: Sequence[str], records: RecordsKept
) -> Obligations:
    """Ensure the indexes and wire the use cases for ``organisations``; ``records`` may prove what was done."""
    kept, staff = OccurrencesKept(runtime), StaffKept(runtime)
    kept.ensure_indexes()
    staff.ensure_indexes()

    def owners(org: str, obligation: Obligation) -> Owners:
        return owners_of(obligation, staff.active(org) if obligation.per and not obligation.of else ())

    opening = OpenObligations(kept, Opened(runtime), staff, rules, organisations, runtime.clock, runtime.ids)
    prove = Prove(kept, records, owners, rules, runtime.clock)
    events = ("record_opened", "record_acted", "record_corrected")
    return Obligations(
        desk=ObligationDesk(kept, rules, runtime.clock),
        kept=kept,
        rounds=(opening, prove.before_overdue),
        reactions=(
            (("intake", "member_changed"), FollowStaff(staff)),
            (("reporting", "report_published"), prove.by_report),
            *((("reporting", event), prove.by_record) for event in events),
        ),
    )
