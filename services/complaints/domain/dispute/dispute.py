"""A dispute between departments about a case: who is a party, who may rule, the ruling, one appeal, the end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.complaints.domain.dispute.rules import SubjectRule
from services.complaints.domain.liability.checks import wrong
from shared.aggregate import Aggregate
from shared.authority import must_hold
from shared.clocks import Deadline, Firing, Kind, next_due
from shared.clocks.together import fire_deadlines
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.worktime import Calendar, Duration

RULING_CLOCK, APPEAL_CLOCK = "ruling", "appeal"


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    #: Ruled on; an appeal is still possible.
    RULED = "ruled"
    APPEALED = "appealed"
    FINAL = "final"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """How it was settled: by a decision (裁定), or by bringing the parties together (调解)."""

    RULED = "ruled"
    MEDIATED = "mediated"


@dataclass(frozen=True, slots=True)
class Party:
    """One side: a department, and those of its staff who take part."""

    department: str
    staff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """One ruling with its author; ``responsible`` is the department it names."""

    instance: int
    outcome: Outcome
    text: str
    responsible: str | None
    by: str
    role: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recusal:
    """That somebody stepped aside (回避), from which role, and why."""

    by: str
    role: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ruler:
    """Who would rule: with which roles, and whom the case is about, as known now."""

    actor: str
    roles: frozenset[str]
    concerned: frozenset[str]


@dataclass(kw_only=True)
class Dispute(Aggregate):
    """One dispute; ``rulers`` are the roles of the present instance in their order, ``turn`` says whose it is.

    ``stood`` is the entry as of which the case is to be told, ``told`` the one as of which it was.
    """

    case_id: str
    subject: str
    question: str
    topic: str | None
    department: str
    parties: tuple[Party, ...]
    raised_by: str
    raised_at: datetime
    regulation: str
    interprets: bool
    rulers: tuple[str, ...]
    source: str
    turn: int = 0
    instance: int = 1
    state: DisputeState = DisputeState.OPEN
    recusals: list[Recusal] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    appealed_by: str | None = None
    appealed_at: datetime | None = None
    appeal_reason: str | None = None
    ended_at: datetime | None = None
    deadlines: list[Deadline] = field(default_factory=list)
    stood: int = 0
    told: int = 0

    @property
    def is_open(self) -> bool:
        """Return whether it waits for a ruling."""
        return self.state in {DisputeState.OPEN, DisputeState.APPEALED}

    @property
    def pending(self) -> bool:
        """Return whether its case still has to be told."""
        return self.told < self.stood

    @property
    def awaits(self) -> str | None:
        """Return the role that is to rule."""
        return self.rulers[self.turn] if self.is_open else None

    @property
    def recused(self) -> list[str]:
        """Return who stepped aside."""
        return [recusal.by for recusal in self.recusals]

    @property
    def responsible(self) -> str | None:
        """Return the department that the last ruling names."""
        return self.rulings[-1].responsible if self.rulings else None

    @property
    def next_due(self) -> datetime | None:
        """Return when one of its clocks fires."""
        return next_due(self.deadlines)

    @property
    def overdue(self) -> bool:
        """Return whether the ruling it waits for is late."""
        return self.is_open and any(d.open and d.was_breached for d in self.deadlines)

    def raise_it(
        self, rule: SubjectRule, roles: Collection[str], calendar: Calendar, *, at: datetime, cause: Cause
    ) -> None:
        """Record that a department raised it: one of its parties, by somebody the rulebook lets."""
        must_hold(rule.raises, roles, f"raising a dispute about {rule.name}", rule.source)
        departments = [party.department for party in self.parties]
        if len(set(departments)) < len(departments):
            raise wrong("parties", "names a department more than once")
        if self.department not in departments:
            raise wrong("department", f"must be one of the parties: {', '.join(departments)}")
        self._begin(RULING_CLOCK, rule.within, calendar, at)
        data = {
            **self._head(),
            "subject": self.subject,
            "topic": self.topic,
            "department": self.department,
            "parties": departments,
            "awaits": self.awaits,
            "rule_by": self._due_at(),
            "source": self.source,
            "regulation": self.regulation,
            "by": cause.actor,
            "raised_at": timestamp(at),
        }
        self.record("dispute_raised", data, at=at, cause=cause)
        self.stood = len(self.history)

    def recuse(self, ruler: Ruler, *, reason: str, at: datetime, cause: Cause) -> None:
        """Step aside (回避), whoever is to rule; the next of the rulebook's list rules, or another of the last role."""
        self._must_wait()
        must_hold((self.awaits or "",), ruler.roles, "stepping aside", self.source)
        if ruler.actor in self.recused:
            raise Conflict(f"{ruler.actor} has stepped aside from dispute {self.id} already")
        stepped = self.awaits or ""
        self.recusals.append(Recusal(ruler.actor, stepped, reason, at))
        self.turn = min(self.turn + 1, len(self.rulers) - 1)
        data = {
            **self._head(),
            "by": ruler.actor,
            "role": stepped,
            "awaits": self.awaits,
            "recused_at": timestamp(at),
        }
        self.record("ruler_recused", data, at=at, cause=cause)

    def rule(
        self,
        rule: SubjectRule,
        ruler: Ruler,
        calendar: Calendar,
        *,
        outcome: Outcome,
        text: str,
        responsible: str | None,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Rule on it, whoever's turn it is and who is impartial; on appeal, and where there is none, for good."""
        self._must_wait()
        role = self.awaits or ""
        must_hold((role,), ruler.roles, f"ruling on {rule.name}", self.source)
        self._check_impartial(ruler)
        if responsible is not None and responsible not in {party.department for party in self.parties}:
            raise wrong("responsible", "must be one of the parties")
        self._end_clocks(at, cause)
        appeal = rule.appeal if self.instance == 1 else None
        self.rulings.append(
            Ruling(self.instance, outcome, text, responsible, ruler.actor, role, self.source, at)
        )
        self.state = DisputeState.FINAL if appeal is None else DisputeState.RULED
        if appeal is None:
            self.ended_at = at
        else:
            self._begin(APPEAL_CLOCK, appeal.lodged_within, calendar, at)
        data = {
            **self._head(),
            "subject": self.subject,
            "topic": self.topic,
            "outcome": outcome.value,
            "responsible": responsible,
            "final": appeal is None,
            "appeal_by": self._due_at(),
            "by": ruler.actor,
            "role": role,
            "source": self.source,
            "ruled_at": timestamp(at),
        }
        self.record("dispute_ruled", data, at=at, cause=cause)
        self.stood = len(self.history)

    def appeal(
        self,
        rule: SubjectRule,
        department: str,
        roles: Collection[str],
        calendar: Calendar,
        *,
        reason: str,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Appeal to the next instance, once, by a party, and in time; its ruling is final."""
        if self.instance > 1 or rule.appeal is None:
            source = self.source if rule.appeal is None else rule.appeal.source
            raise RuleRefused(f"dispute {self.id} was ruled on for good: there is one appeal", rule=source)
        must_hold(rule.raises, roles, "appealing against a ruling", rule.appeal.source)
        if department not in {party.department for party in self.parties}:
            raise wrong("department", "must be one of the parties")
        if self.state is DisputeState.OPEN or self.state is DisputeState.WITHDRAWN:
            raise Conflict(f"dispute {self.id} is {self.state}: there is no ruling to appeal against")
        if self.state is DisputeState.FINAL or any(at >= d.due_at for d in self.deadlines if d.open):
            message = f"the time for an appeal against the ruling on dispute {self.id} is over"
            raise RuleRefused(message, rule=rule.appeal.lodged_within.source)
        self.deadlines = [deadline.meet(at) for deadline in self.deadlines]
        self.state, self.instance, self.turn = DisputeState.APPEALED, 2, 0
        self.rulers, self.source = rule.appeal.rulers, rule.appeal.source
        self.appealed_by, self.appealed_at, self.appeal_reason = cause.actor, at, reason
        self._begin(RULING_CLOCK, rule.appeal.within, calendar, at)
        data = {
            **self._head(),
            "department": department,
            "awaits": self.awaits,
            "rule_by": self._due_at(),
            "source": self.source,
            "by": cause.actor,
            "appealed_at": timestamp(at),
        }
        self.record("ruling_appealed", data, at=at, cause=cause)
        self.stood = len(self.history)

    def withdraw(self, *, at: datetime, cause: Cause) -> None:
        """Withdraw it before it is ruled on, by whoever raised it."""
        if self.state is not DisputeState.OPEN:
            raise Conflict(f"dispute {self.id} is {self.state}: it is withdrawn before the ruling")
        if cause.actor != self.raised_by:
            raise RuleRefused(f"dispute {self.id} is withdrawn by whoever raised it", rule="design")
        self.deadlines = [deadline.supersede(at) for deadline in self.deadlines]
        self.state, self.ended_at = DisputeState.WITHDRAWN, at
        data = {**self._head(), "by": cause.actor, "withdrawn_at": timestamp(at)}
        self.record("dispute_withdrawn", data, at=at, cause=cause)
        self.stood = len(self.history)

    def fire_clocks(self, now: datetime, cause: Cause) -> tuple[Firing, ...]:
        """Record that a ruling is late, or that the time for an appeal has passed and the ruling is final."""
        after, fired = fire_deadlines(self.deadlines, now)
        self.deadlines = list(after)
        for firing in fired:
            if firing.kind is not Kind.BREACHED:
                continue
            data = {**self._head(), "due_at": timestamp(firing.due_at)}
            if firing.clock == APPEAL_CLOCK:
                self.state, self.ended_at = DisputeState.FINAL, firing.due_at
                self.deadlines = [deadline.supersede(now) for deadline in self.deadlines]
                self.record("ruling_final", data, at=now, cause=cause)
            else:
                self.record("ruling_overdue", {**data, "awaits": self.awaits}, at=now, cause=cause)
        return fired

    def partial(self, ruler: Ruler) -> str | None:
        """Return why somebody may not rule on it; None for whoever is impartial."""
        staff = {name for party in self.parties for name in party.staff}
        if ruler.actor in self.recused:
            return "has stepped aside"
        if ruler.actor in {self.raised_by, self.appealed_by} or ruler.actor in staff:
            return "takes part in it"
        if ruler.roles & {party.department for party in self.parties}:
            return "belongs to a party"
        if ruler.actor in ruler.concerned:
            return "is whom the case is about"
        if any(ruling.by == ruler.actor for ruling in self.rulings):
            return "gave the ruling appealed against"
        return None

    def _check_impartial(self, ruler: Ruler) -> None:
        why = self.partial(ruler)
        if why is not None:
            after = self.rulers[min(self.turn + 1, len(self.rulers) - 1)]
            message = f"{ruler.actor} {why} and must step aside: {after} rules on dispute {self.id}"
            raise RuleRefused(message, rule=self.source, details={"next": after})

    def _must_wait(self) -> None:
        if not self.is_open:
            raise Conflict(f"dispute {self.id} is {self.state}: it waits for no ruling")

    def _begin(self, name: str, within: Sourced[Duration] | None, calendar: Calendar, at: datetime) -> None:
        if within is not None:
            begun = Deadline.begin(name, within.value, calendar, at, source=within.source)
            self.deadlines.append(begun)

    def _end_clocks(self, at: datetime, cause: Cause) -> None:
        # Late is late, whether or not the timer has come round to it.
        self.fire_clocks(at, cause)
        self.deadlines = [deadline.meet(at) for deadline in self.deadlines]

    def _due_at(self) -> str | None:
        return next((timestamp(d.due_at) for d in reversed(self.deadlines) if d.open), None)

    def _head(self) -> dict[str, Any]:
        return {"dispute_id": self.id, "case_id": self.case_id, "instance": self.instance}
