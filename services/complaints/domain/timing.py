"""A case's clocks (时限): which run, from when, how long by level, and what meets them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from services.complaints.domain.rulebook import AppliesTo, ClockEnd, ClockRule, ClockStart, ComplaintRules
from shared.clocks import Deadline
from shared.regulations.values import Sourced
from shared.worktime import Calendar, Duration


@dataclass(frozen=True, slots=True)
class Timing:
    """The rulebook's clocks in one working calendar."""

    rules: ComplaintRules
    calendar: Calendar

    def begin(
        self, start: ClockStart, at: datetime, level: str, *, valid: bool | None, source: str = ""
    ) -> list[Deadline]:
        """Return the clocks that start with ``start`` at ``at`` on a case of ``level`` that came from ``source``.

        Until validity is decided (``None``) the clocks of valid cases run: a complaint is taken
        seriously until it is found not to stand.
        """
        rules = (rule for rule in self.rules.clocks if rule.starts is start and rule.runs_on(level))
        rules = (rule for rule in rules if rule.runs_for(source))
        return [self._begin(rule, at, level) for rule in rules if _runs(rule.applies_to, valid=valid)]

    def begin_again(self, deadlines: Sequence[Deadline], at: datetime, level: str) -> list[Deadline]:
        """Return the clocks that repeat and of which none runs, begun at ``at`` on a case of ``level``."""
        running = {deadline.name for deadline in deadlines if deadline.open}
        rules = (rule for rule in self.rules.clocks if rule.repeats and rule.runs_on(level))
        return [self._begin(rule, at, level) for rule in rules if rule.name not in running]

    def begin_step(
        self, name: str, duration: Sourced[Duration] | None, same_day: Sourced[bool] | None, at: datetime
    ) -> Deadline:
        """Return the clock ``name`` of a step of the path, counted from ``at``: so long, or to the day's end."""
        if duration is None:
            source = same_day.source if same_day is not None else "design"
            at, duration = self._rest_of_day(at, source)
        warn_at = self.rules.warn_at.value
        return Deadline.begin(
            name, duration.value, self.calendar, at, source=duration.source, warn_at=warn_at
        )

    def _rest_of_day(self, at: datetime, source: str) -> tuple[datetime, Sourced[Duration]]:
        """Return the full minute ``at`` lies in and the minutes from there to the local day's end."""
        start = at.replace(second=0, microsecond=0)
        day = start.astimezone(self.calendar.zone).date() + timedelta(days=1)
        midnight = datetime.combine(day, time.min, self.calendar.zone)
        minutes = (midnight.astimezone(UTC) - start.astimezone(UTC)) // timedelta(minutes=1)
        return start, Sourced(Duration(minutes, "minutes"), source)

    def relevel(self, deadlines: Sequence[Deadline], level: str, now: datetime) -> list[Deadline]:
        """Return ``deadlines`` with those that depend on the level begun again from the same start.

        They stay paused if they were, and keep what they were given beyond their level's time.
        """
        result: list[Deadline] = []
        for deadline in deadlines:
            rule = self.rules.clock(deadline.name)
            if rule is None or not rule.by_level or not deadline.open:
                result.append(deadline)
            else:
                result.append(deadline.supersede(now))
                if rule.runs_on(level):
                    again = self._begin(rule, deadline.started_at, level)
                    result.append(again.after(deadline, self.calendar))
        return result

    def met_by(self, deadlines: Sequence[Deadline], end: ClockEnd) -> list[Deadline]:
        """Return those of ``deadlines`` that ``end`` meets: the open ones that wait for it."""
        return [deadline for deadline in deadlines if deadline.open and self._ends(deadline) is end]

    def drop(self, deadlines: Sequence[Deadline], applies_to: AppliesTo, at: datetime) -> list[Deadline]:
        """Return the clocks after those that run only on ``applies_to`` cases are no longer asked for."""
        return [
            deadline.supersede(at) if self._applies(deadline) is applies_to else deadline
            for deadline in deadlines
        ]

    def _begin(self, rule: ClockRule, at: datetime, level: str) -> Deadline:
        duration = rule.duration_for(level)
        return Deadline.begin(
            rule.name,
            duration.value,
            self.calendar,
            at,
            source=duration.source,
            warn_at=(rule.warn_at or self.rules.warn_at).value,
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


def on_time(deadlines: Iterable[Deadline]) -> bool:
    """Return whether none of ``deadlines`` was breached."""
    return not any(deadline.was_breached for deadline in deadlines)
