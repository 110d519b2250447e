"""The use cases of duty together, wired over their collections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.intake.duty_kept import DutyKept
from services.intake.handlers.duty_log import DutyLog
from services.intake.handlers.duty_shifts import Rosters, Shifts
from services.intake.handlers.handing_over import Handovers
from services.intake.handlers.ruling import Rules
from services.intake.handlers.staffing import Directory
from services.intake.handlers.visiting import Visiting
from services.intake.staff_kept import Members
from services.intake.visits_kept import Visits
from shared.clock import Clock
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime
from shared.ticking import Ticked


@dataclass(frozen=True, slots=True)
class Duty:
    """Everything a duty desk does."""

    log: DutyLog
    shifts: Shifts
    rosters: Rosters
    handovers: Handovers
    visiting: Visiting
    directory: Directory
    members: Members
    timed: tuple[Ticked, ...]
    kept: tuple[Kept[Any], ...]


def duty(runtime: Runtime, rules: Rules) -> Duty:
    """Ensure the indexes and wire the use cases."""
    kept = DutyKept(runtime)
    kept.ensure_indexes()
    visits = Visits(runtime)
    visits.ensure_indexes()
    members = Members(runtime)
    members.ensure_indexes()
    clock: Clock = runtime.clock
    return Duty(
        log=DutyLog(kept, rules, clock),
        shifts=Shifts(kept, rules, clock),
        rosters=Rosters(kept, rules, clock),
        handovers=Handovers(kept, rules, clock),
        visiting=Visiting(visits, rules, clock),
        directory=Directory(members, rules, clock),
        members=members,
        timed=(kept.pages, kept.shifts, kept.handovers, visits),
        kept=(kept.entries, kept.pages, kept.shifts, kept.rosters, kept.handovers, visits, members),
    )
