"""What a case does with the path of its rulebook: steps in their order, by whom they are for, filled as asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from services.complaints.domain.checks import check_role, check_step
from services.complaints.domain.claim import Claim, clocks_data
from services.complaints.domain.clocked import ClockedCase
from services.complaints.domain.path.filling import fill
from services.complaints.domain.path.rules import REPLY, CaseValue, PathStep, Taken
from services.complaints.domain.path.standing import PathFacts, Walk, choices_of, said
from services.complaints.domain.rulebook import ComplaintRules, Step, role_allowed
from services.complaints.domain.states import OPEN_STATES
from services.complaints.domain.timing import Timing
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp

#: A clock may begin at the full minute before the moment it counts from.
_MINUTE = timedelta(minutes=1)


@dataclass(kw_only=True)
class SteppedCase(ClockedCase):
    """The part of a case that its path knows; ``taken`` are the steps taken, in the order they were.

    ``waits_to_close`` is why the case would be closed but for the steps still open.
    """

    number: str
    customer_id: str
    claim: Claim
    received_at: datetime
    valid: bool | None = None
    ground: str | None = None
    accused: tuple[str, ...] = ()
    taken: list[Taken] = field(default_factory=list)
    waits_to_close: str | None = None

    def walk(self, rules: ComplaintRules) -> Walk | None:
        """Return where the case stands on the path of ``rules``; None where they have none."""
        if rules.path is None:
            return None
        facts = PathFacts(self.valid, self.level, self.ground, self.channel)
        return Walk(rules.path, facts, self.taken)

    def take_step(
        self,
        timing: Timing,
        code: str,
        given: Mapping[str, Any],
        *,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Take the step ``code`` of the path, its fields filled with ``given``.

        Raises ValidationFailed for a step the path does not have and fields of the wrong kind, RuleRefused
        with the step's rule out of turn, to somebody without the right, and for what is missing.
        """
        self._must_be(OPEN_STATES, "nothing is done on it any more")
        walk = self.walk(timing.rules)
        step = walk.path.step(code) if walk is not None else None
        if walk is None or step is None:
            known = ", ".join(each.code for each in walk.path) if walk is not None else "none"
            problem = Problem("step", f"must be one of: {known}")
            raise ValidationFailed(f"the rulebook has no step {code}", problems=(problem,))
        if step.command is not None:
            problem = Problem("step", f"is taken by {step.command}")
            raise ValidationFailed(f"{code} has a command of its own", problems=(problem,))
        role = check_role(step.grants, roles, self.channel, step.name, step.source)
        self._check_turn(walk, step, cause.actor)
        if walk.done(step):
            raise RuleRefused(f"{step.name} was done already", rule=step.source)
        values = fill(step, given, self._own_values(), self.ground, walk.answers())
        self._check_each(walk, step, values, cause.actor)
        self.taken.append(Taken(code, cause.actor, role, at, values))
        self._meet_step(timing, step, at, cause)
        back = step.sends_back
        sent_back = back.to if back is not None and said(values.get(back.field)) == back.value else None
        if sent_back is not None:
            self._void(timing.rules, sent_back)
        self.refresh_step_clocks(timing, at)
        data = {
            "case_id": self.id,
            "step": code,
            "by": cause.actor,
            "role": role,
            "at": timestamp(at),
            "choices": choices_of(step, values),
            "sent_back_to": sent_back,
            "clocks": clocks_data(self.deadlines),
        }
        self.record("case_step_taken", data, at=at, cause=cause)

    def refresh_step_clocks(self, timing: Timing, at: datetime) -> None:
        """Begin the clocks of steps that are asked for now, and end those of steps that no longer are."""
        walk = self.walk(timing.rules)
        for step in walk.path if walk is not None else ():
            if walk is None or step.due is None:
                continue
            begun = [deadline for deadline in self.deadlines if deadline.name == step.clock]
            if walk.asked(step) is False:
                for deadline in begun:
                    if deadline.open:
                        self._put(deadline, deadline.supersede(at))
                continue
            start = self._start(walk, step)
            if start is None or not walk.asked(step) or walk.done(step):
                continue
            if all(deadline.started_at < start - _MINUTE for deadline in begun):
                due = step.due
                self.deadlines.append(timing.begin_step(step.clock, due.duration, due.same_day, start))

    def _start(self, walk: Walk, step: PathStep) -> datetime | None:
        if step.due is None or step.due.after is None:
            return self.received_at
        entries = walk.entries(step.due.after)
        return entries[-1].at if entries else None

    def _may(self, kind: Step, timing: Timing, roles: Collection[str], *, code: str | None = None) -> str:
        """Return which of ``roles`` gives the right to ``kind``, the step ``code`` of the path; else RuleRefused."""
        rules, walk = timing.rules, self.walk(timing.rules)
        role = role_allowed(rules.step(kind).grants, roles, self.channel)
        step = walk.path.step(code or kind.value) if walk is not None else None
        if role is None and walk is not None and step is not None:
            role = next((g.role for g in step.also if g.role in roles and walk.holds(g.when)), None)
        if role is None:
            check_step(kind, rules, roles, self.channel)
        return role or ""

    def _in_turn(self, timing: Timing, code: str, actor: str) -> None:
        """Refuse the command that counts as the step ``code`` while the path asks for others before it."""
        walk = self.walk(timing.rules)
        step = walk.path.step(code) if walk is not None else None
        if walk is not None and step is not None:
            self._check_turn(walk, step, actor)

    def _count(self, timing: Timing, code: str, role: str, at: datetime, cause: Cause) -> None:
        """Note that the step ``code`` was taken by its own command, where the path names it."""
        walk = self.walk(timing.rules)
        step = walk.path.step(code) if walk is not None else None
        if step is not None:
            self.taken.append(Taken(code, cause.actor, role, at, {}))
            self._meet_step(timing, step, at, cause)
        self.refresh_step_clocks(timing, at)

    def _check_turn(self, walk: Walk, step: PathStep, actor: str) -> None:
        if walk.asked(step) is False:
            raise RuleRefused(f"{step.name} is not for this case", rule=step.source)
        waiting = walk.waits_for(step)
        if waiting:
            named = [(each.name if (each := walk.path.step(code)) else code) for code in waiting]
            problems = tuple(Problem("step", f"{code} comes first") for code in waiting)
            message = f"{step.name} comes after {', '.join(named)}"
            raise RuleRefused(message, rule=step.source, problems=problems)
        for code in step.not_by:
            if any(entry.by == actor for entry in walk.entries(code)):
                raise RuleRefused(f"{step.name} is for somebody else than who did {code}", rule=step.source)

    def _check_each(self, walk: Walk, step: PathStep, values: Mapping[str, Any], actor: str) -> None:
        each = step.each_of
        if each is None:
            return
        name, remaining = values.get(each.by), walk.remaining(step)
        if name not in remaining:
            problem = Problem(f"filled.{each.by}", f"must be one of: {', '.join(remaining)}")
            raise RuleRefused(f"{step.name} is not asked of it", rule=step.source, problems=(problem,))
        if each.step is not None and any(entry.by == actor for entry in walk.entries(step.code)):
            raise RuleRefused(f"{step.name}: nobody signs for two", rule=step.source)

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        """Refuse to go on while a mandatory step is open."""
        walk = self.walk(rules)
        still = walk.open_mandatory() if walk is not None else []
        if still:
            problems = tuple(Problem("step", f"{step.code} is open") for step in still)
            names = ", ".join(step.name for step in still)
            raise RuleRefused(
                f"case {self.id} cannot close without {names}", rule=still[0].source, problems=problems
            )

    def _anything_open(self, rules: ComplaintRules) -> bool:
        walk = self.walk(rules)
        return walk is not None and bool(walk.open_mandatory())

    def _open_again(self, timing: Timing, at: datetime) -> None:
        """Ask for the reply again, and for everything that rests on it."""
        self.waits_to_close = None
        self._void(timing.rules, REPLY)
        self.refresh_step_clocks(timing, at)

    def _void(self, rules: ComplaintRules, code: str) -> None:
        if rules.path is not None:
            again = rules.path.resting_on(code)
            self.taken = [replace(each, void=True) if each.step in again else each for each in self.taken]

    def _meet_step(self, timing: Timing, step: PathStep, at: datetime, cause: Cause) -> None:
        walk = self.walk(timing.rules)
        if step.due is not None and walk is not None and walk.done(step):
            self._meet_named(step.clock, timing, at, cause)

    def _own_values(self) -> dict[CaseValue, str | None]:
        return {
            CaseValue.NUMBER: self.number,
            CaseValue.CUSTOMER: self.customer_id,
            CaseValue.COMPLAINANT: self.claim.complainant_type,
            CaseValue.DEMAND: self.claim.demand,
            CaseValue.PROBLEM: self.claim.problem,
            CaseValue.RECEIVED_AT: timestamp(self.received_at),
        }
