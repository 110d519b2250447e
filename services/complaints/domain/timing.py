"""A case's clocks (时限): which run, from when, how long by level, and what meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.rulebook import AppliesTo, ClockEnd, ClockRule, ClockStart, ComplaintRules
from shared.clocks import Deadline
from shared.worktime import Calendar


@dataclass(frozen=True, slots=True)
class Timing:
    """The rulebook's clocks in one working calendar."""

    rules: ComplaintRules
    calendar: Calendar

    def begin(self, start: ClockStart, at: datetime, level: str, *, valid: bool | None) -> list[Deadline]:
        """Return the clocks that start with ``start`` at ``at`` on a case of ``level``.

        Until validity is decided (``None``) the clocks of valid cases run: a complaint is taken
        seriously until it is found not to stand.
        """
        rules = (rule for rule in self.rules.clocks if rule.starts is start)
        return [self._begin(rule, at, level) for rule in rules if _runs(rule.applies_to, valid=valid)]

    def relevel(self, deadlines: Sequence[Deadline], level: str, now: datetime) -> list[Deadline]:
        """Return ``deadlines`` with those that depend on the level begun again from the same start."""
        result: list[Deadline] = []
        for deadline in deadlines:
            rule = self.rules.clock(deadline.name)
            if rule is None or not rule.by_level or not deadline.open or deadline.ended_at is not None:
                result.append(deadline)
            else:
                result += [deadline.supersede(now), self._begin(rule, deadline.started_at, level)]
        return result

    def meet(
        self, deadlines: Sequence[Deadline], end: ClockEnd, at: datetime
    ) -> tuple[list[Deadline], list[Deadline]]:
        """Return all clocks after ``end`` happened at ``at``, and those of them that it met."""
        return _change(
            deadlines, lambda deadline: self._ends(deadline) is end, lambda deadline: deadline.meet(at)
        )

    def drop(self, deadlines: Sequence[Deadline], applies_to: AppliesTo, at: datetime) -> list[Deadline]:
        """Return the clocks after those that run only on ``applies_to`` cases are no longer asked for."""
        changed, _ = _change(
            deadlines,
            lambda deadline: self._applies(deadline) is applies_to,
            lambda deadline: deadline.supersede(at),
        )
        return changed

    def _begin(self, rule: ClockRule, at: datetime, level: str) -> Deadline:
        duration = rule.duration_for(level)
        return Deadline.begin(
            rule.name,
            duration.value,
            self.calendar,
            at,
            source=duration.source,
            warn_at=self.rules.warn_at.value,
        )

    def _ends(self, deadline: Deadline) -> ClockEnd | None:
        rule = self.rules.clock(deadline.name)
        return rule.ends if rule else None

    def _applies(self, deadline: Deadline) -> AppliesTo | None:
        rule = self.rules.clock(deadline.name)
        return rule.applies_to if rule else None


def _runs(applies_to: AppliesTo, *, valid: bool | None) -> bool:
    if applies_to is AppliesTo.ANY:
        return True
    return (valid is not False) is (applies_to is AppliesTo.VALID)


def _change(
    deadlines: Iterable[Deadline], chosen: Callable[[Deadline], bool], change: Callable[[Deadline], Deadline]
) -> tuple[list[Deadline], list[Deadline]]:
    result: list[Deadline] = []
    changed: list[Deadline] = []
    for deadline in deadlines:
        if deadline.open and deadline.ended_at is None and chosen(deadline):
            after = change(deadline)
            result.append(after)
            changed.append(after)
        else:
            result.append(deadline)
    return result, changed


def on_time(deadlines: Iterable[Deadline]) -> bool:
    """Return whether none of ``deadlines`` was breached."""
    return not any(deadline.was_breached for deadline in deadlines)
