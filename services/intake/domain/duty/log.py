"""The duty log (值班日志): entries that stay as they were written, what is still open, and signed pages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from services.intake.domain.duty.rules import DutyRules, LogKind, Plan, Signing
from shared.aggregate import Aggregate
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.timed import Timed
from shared.worktime import Calendar


@dataclass(frozen=True, slots=True)
class Open:
    """Work left open: whether it keeps a shift from handing over, when it is due, how many things are lent."""

    important: bool
    due_on: date | None
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What became of open work: settled, put off to another day with the reason, or a plan's point done."""

    action: str
    text: str
    by: str
    at: datetime
    due_on: date | None = None
    point: str | None = None


@dataclass(kw_only=True)
class LogEntry(Aggregate):
    """One entry of a desk's duty log. Nothing of it is altered: follow-ups are added, errors corrected by another."""

    desk: str
    day: date
    kind: str
    text: str
    fields: dict[str, str]
    written_by: str
    written_at: datetime
    regulation: str
    unit_id: str | None = None
    corrects: str | None = None
    plan: str | None = None
    points: list[str] = field(default_factory=list)
    departments: list[str] = field(default_factory=list)
    work: Open | None = None
    follow_ups: list[FollowUp] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Return whether it holds work that is not settled."""
        return self.work is not None and all(step.action != "settled" for step in self.follow_ups)

    @property
    def due_on(self) -> date | None:
        """Return the day its open work is due, the one last promised."""
        later = [step.due_on for step in self.follow_ups if step.due_on is not None]
        return later[-1] if later else (self.work.due_on if self.work else None)

    @property
    def points_left(self) -> list[str]:
        """Return the points of its plan that are not done."""
        done = {step.point for step in self.follow_ups}
        return [point for point in self.points if point not in done]

    def neglected(self, today: date) -> bool:
        """Return whether it is open from an earlier day and nobody gave a reason and a day from ``today`` on."""
        return self.is_open and self.day < today and (self.due_on is None or self.due_on < today)

    def write(self, cause: Cause) -> None:
        """Record that it was written; its words stay out of the event."""
        data = {
            "entry_id": self.id,
            "desk": self.desk,
            "day": self.day.isoformat(),
            "kind": self.kind,
            "unit_id": self.unit_id,
            "corrects": self.corrects,
            "plan": self.plan,
            "departments": list(self.departments),
            "open": self.is_open,
            "important": bool(self.work and self.work.important),
        }
        self.record("log_entry_written", data, at=self.written_at, cause=cause)

    def follow_up(self, step: FollowUp, cause: Cause, rules: DutyRules) -> None:
        """Add what became of its work. Raises Conflict when it is not open, RuleRefused without the new day."""
        if not self.is_open:
            raise Conflict(f"{self.id} holds no open work")
        if step.action == "postponed" and (step.due_on is None or step.due_on < step.at.date()):
            rule = rules.carried.source if rules.carried else None
            raise RuleRefused("work is put off with the reason and a day still to come", rule=rule)
        if step.action == "done" and step.point not in self.points_left:
            raise Conflict(f"{step.point!r} is no point of the plan that is left")
        if step.action == "settled" and self.points_left:
            raise Conflict(f"the plan has points left: {', '.join(self.points_left)}")
        self.follow_ups.append(step)
        data = {
            "entry_id": self.id,
            "desk": self.desk,
            "action": step.action,
            "point": step.point,
            "due_on": self.due_on.isoformat() if self.due_on else None,
            "open": self.is_open,
        }
        self.record("duty_work_followed", data, at=step.at, cause=cause)


def checked_kind(rules: DutyRules, code: str, fields: dict[str, str], *, planned: bool) -> LogKind:
    """Return the kind an entry is of; ValidationFailed when there is none, RuleRefused when what it asks is missing.

    That is a field, or the emergency plan it opens, if it has not been ``planned``.
    """
    kind = rules.kind(code)
    if kind is None:
        codes = ", ".join(kind.code for kind in rules.kinds)
        raise ValidationFailed("no such kind of entry", problems=(Problem("kind", f"is not one of {codes}"),))
    missing = [name for name in kind.asks if not fields.get(name, "").strip()]
    if missing:
        raise RuleRefused(
            f"an entry of kind {code} says {', '.join(kind.asks)}; missing: {', '.join(missing)}",
            rule=kind.source,
            details={"missing": missing},
        )
    if kind.planned and not planned:
        codes = ", ".join(plan.code for plan in rules.plans)
        raise RuleRefused(f"an entry of kind {code} opens its plan: {codes}", rule=kind.source)
    return kind


def checked_plan(rules: DutyRules, code: str | None) -> Plan | None:
    """Return the emergency plan an entry opens; ValidationFailed when the rulebook has none of that code."""
    plan = None if code is None else rules.plan(code)
    if code is not None and plan is None:
        codes = ", ".join(plan.code for plan in rules.plans)
        raise ValidationFailed(
            "no such emergency plan", problems=(Problem("plan", f"is not one of {codes}"),)
        )
    return plan


@dataclass(kw_only=True)
class LogPage(Timed):
    """A page of the duty log: what a desk wrote in one period, a day or a month, and who signed it when."""

    subject: ClassVar[str] = "log_page"
    desk: str
    period: str
    signed_by: str | None = None
    signed_at: datetime | None = None
    entries_signed: int = 0

    def begin(self, signing: Signing, due: datetime, calendar: Calendar, at: datetime, cause: Cause) -> None:
        """Start the clock of its signature."""
        self.begin_clock_until("signature", due, calendar, at, cause, source=signing.source)

    def sign(self, signing: Signing, by: str, at: datetime, cause: Cause, *, entries: int) -> None:
        """Take the signature under ``entries`` entries; Conflict when all of them are signed for already."""
        if self.signed_by is not None and entries <= self.entries_signed:
            raise Conflict(f"the page of {self.period} is signed already")
        self.meet_clock("signature", at, cause)
        on_time = all(at < each.due_at for each in self.deadlines if each.name == "signature")
        self.signed_by, self.signed_at, self.entries_signed = by, at, entries
        data = {
            "page_id": self.id,
            "desk": self.desk,
            "period": self.period,
            "by": by,
            "on_time": on_time,
            "source": signing.source,
        }
        self.record("duty_log_signed", data, at=at, cause=cause)

    def view(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "page_id": self.id,
            "desk": self.desk,
            "period": self.period,
            "signed_by": self.signed_by,
            "signed_at": timestamp(self.signed_at) if self.signed_at else None,
            "entries_signed": self.entries_signed,
            "clocks": self.clock_view(),
        }


def sample(ids: Sequence[str], percent: int, seed: str) -> list[str]:
    """Return ``percent`` of ``ids``, rounded up; the same for the same seed, whatever their order."""
    size = -(-len(ids) * percent // 100)
    ranked = sorted(ids, key=lambda each: hashlib.sha256(f"{seed}:{each}".encode()).hexdigest())
    return sorted(ranked[:size])
