"""Which rules make a case overdue (投诉超时), and by which of its clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.clocks import Deadline, State

if TYPE_CHECKING:
    from services.complaints.domain.receiving.rules import OverdueRule
    from services.complaints.domain.rulebook import ComplaintRules


@dataclass(frozen=True, slots=True)
class Overdue:
    """That ``rule`` counts a case as overdue for missing ``clock``; ``still`` while what was due has not been done."""

    rule: OverdueRule
    clock: str
    due_at: datetime
    still: bool


def overdue_by(
    deadlines: Iterable[Deadline], source: str, rules: ComplaintRules, now: datetime
) -> tuple[Overdue, ...]:
    """Return why a case of ``source`` is or was overdue at ``now``; empty where no rule counts it.

    A clock that has run out counts from that instant on, whether or not the timer has come round to it.
    """
    receiving = rules.receiving
    if receiving is None:
        return ()
    origin = receiving.origin(source)
    counted = origin is not None and origin.by_audit
    missed = [d for d in deadlines if d.was_breached or (d.state is State.RUNNING and now >= d.due_at)]
    return tuple(
        found
        for rule in receiving.overdue
        if counted or not rule.by_audit
        for found in _missed(rule, missed, rules)
    )


def _missed(rule: OverdueRule, missed: Iterable[Deadline], rules: ComplaintRules) -> Iterator[Overdue]:
    for deadline in missed:
        clock = rules.clock(deadline.name)
        if clock is not None and clock.ends in rule.ends:
            yield Overdue(rule, deadline.name, deadline.due_at, deadline.open)
