"""What of a dossier was late, and whether a reason had been explained beforehand: the ground of deductions (扣分)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.dossiers.checking import asked, done_at
from services.intake.domain.dossiers.dossier import Dossier
from services.intake.domain.dossiers.rules import COMPLETE, DossierRule, Way
from shared.clocks import Deadline, State


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Something late: an item that was not in by ``due_at``, or the stage, mark or loan of a clock.

    ``done_at`` is None while it is still not done; ``bound`` are the roles whose duty it was; ``excused`` if they
    had explained why before it was due.
    """

    clock: str
    item: str | None
    due_at: datetime
    done_at: datetime | None
    bound: tuple[str, ...]
    excused: bool
    source: str


def shortfalls(dossier: Dossier, rule: DossierRule, now: datetime) -> tuple[Shortfall, ...]:
    """Return everything of ``dossier`` that was late, or is by ``now``, in the order of its clocks."""
    return tuple(_found(dossier, rule, now))


def _found(dossier: Dossier, rule: DossierRule, now: datetime) -> Iterator[Shortfall]:
    for deadline in dossier.deadlines:
        if deadline.state is State.SUPERSEDED:
            continue
        if deadline.name == COMPLETE:
            yield from _items(dossier, rule, deadline, now)
        elif (deadline.ended_at or now) >= deadline.due_at:
            stage = rule.stage(deadline.name.partition(".")[0])
            mark = rule.mark(deadline.name)
            grants = stage.grants if stage is not None else mark.grants if mark is not None else None
            yield Shortfall(
                deadline.name,
                None,
                deadline.due_at,
                deadline.ended_at,
                grants.value if grants is not None else (),
                excused=False,
                source=deadline.source,
            )


def _items(dossier: Dossier, rule: DossierRule, deadline: Deadline, now: datetime) -> Iterator[Shortfall]:
    bound = rule.completion.bound if rule.completion is not None else ()
    for item in rule.items:
        if item.way is not Way.IN or not asked(item, dossier.facts):
            continue
        done = done_at(item, dossier.pieces)
        if (done or now) < deadline.due_at:
            continue
        excused = any(
            excuse.at < deadline.due_at and (not excuse.items or item.code in excuse.items)
            for excuse in dossier.excuses
        )
        yield Shortfall(
            COMPLETE, item.code, deadline.due_at, done, bound, excused=excused, source=deadline.source
        )
