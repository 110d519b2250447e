"""The corrective action (整改): who does what until when, done with evidence, checked by another person, done again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.complaints.domain.investigation.file import Hand
from services.complaints.domain.investigation.rules import ActionKind, ActionRules, CheckRule
from services.complaints.domain.investigation.states import TO_DO, ActionState, Standing
from services.complaints.domain.investigation.telling import Told
from services.complaints.domain.liability.checks import armed, not_concerned, refused
from services.complaints.domain.timing import Timing
from shared.authority import must_be_granted, must_hold
from shared.clocks import Authority, Deadline, Firing, Kind, next_due
from shared.clocks.points import point_document
from shared.clocks.together import fire_deadlines
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.worktime import Calendar, Duration, due

#: The clocks of an action: by when it is to be done, and by when it is to be checked.
DUE_CLOCK, CHECK_CLOCK = "action_due", "action_check"


@dataclass(frozen=True, slots=True)
class Completion:
    """That it was done; ``round`` counts from one, and once more whenever it did not help."""

    round: int
    evidence: str
    note: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """Whether it helped, as somebody else found."""

    round: int
    effective: bool
    finding: str
    by: str
    at: datetime


@dataclass(kw_only=True)
class CorrectiveAction(Told):
    """One measure for a case or its investigation; ``owner`` does it, ``department`` answers for it."""

    investigation_id: str | None
    kind: str
    what: str
    department: str
    owner: str
    cause: str | None
    regulation: str
    source: str
    opened_by: str
    opened_at: datetime
    state: ActionState = ActionState.DRAFT
    round: int = 1
    decided_by: str | None = None
    decided_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    note: str | None = None
    completions: list[Completion] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)

    @property
    def stands(self) -> Standing:
        """Return what its case is to know."""
        if self.state in TO_DO:
            return Standing.OPEN
        done = self.state in {ActionState.DONE, ActionState.EFFECTIVE}
        return Standing.DONE if done else Standing.DROPPED

    @property
    def is_open(self) -> bool:
        """Return whether something is still to be done."""
        return self.state in TO_DO

    @property
    def due_clock(self) -> Deadline | None:
        """Return the clock it is to be done by, while that is open."""
        return self._clock(DUE_CLOCK)

    @property
    def overdue(self) -> bool:
        """Return whether it should have been done, or checked, by now."""
        return any(deadline.open and deadline.was_breached for deadline in self.deadlines)

    @property
    def next_due(self) -> datetime | None:
        """Return when one of its clocks next warns or breaches."""
        return next_due(self.deadlines)

    @property
    def open_calendars(self) -> list[str]:
        """Return with which calendars its open clocks were computed, each as ``<organisation>/<version>``."""
        return sorted({f"{self.org}/{d.calendar_version}" for d in self.deadlines if d.open})

    def open(self, rules: ActionRules, kind: ActionKind, timing: Timing, hand: Hand) -> None:
        """Record the opening; where the rulebook names nobody who approves it, its time runs at once."""
        rule = rules.opens
        must_be_granted(rule, hand.roles, "opening a corrective action")
        not_concerned(hand.by, hand.barred, "opening a corrective action", rule.source)
        if rules.approvals is None:
            self._activate(kind, timing, hand)
        data = {
            **self._head(),
            "investigation_id": self.investigation_id,
            "kind": self.kind,
            "department": self.department,
            "owner": self.owner,
            "cause": self.cause,
            "state": self.state.value,
            "due_at": self._due_text(DUE_CLOCK),
            "source": self.source,
            "regulation": self.regulation,
            "by": hand.by,
            "opened_at": timestamp(hand.at),
        }
        self.record("action_opened", data, at=hand.at, cause=hand.cause)
        self._stand()

    def decide(
        self,
        rules: ActionRules,
        kind: ActionKind,
        timing: Timing,
        hand: Hand,
        *,
        approved: bool,
        note: str | None,
    ) -> None:
        """Approve a draft, with which its time begins (A-LOG-65), or refuse it; never by whoever drew it up."""
        rule = armed(rules.approvals, "approving a corrective action")
        must_be_granted(rule, hand.roles, "approving a corrective action")
        _not_their_own(hand.by, {self.opened_by}, "approving a corrective action", rule.source)
        not_concerned(hand.by, hand.barred, "approving a corrective action", rule.source)
        if self.state is not ActionState.DRAFT:
            raise Conflict(f"action {self.id} is {self.state}: only a draft is decided")
        self.decided_by, self.decided_at, self.note = hand.by, hand.at, note
        data = {**self._head(), "by": hand.by, "source": rule.source, "decided_at": timestamp(hand.at)}
        if approved:
            self._activate(kind, timing, hand)
            data["due_at"] = self._due_text(DUE_CLOCK)
            self.record("action_approved", data, at=hand.at, cause=hand.cause)
        else:
            self._end(ActionState.REFUSED, hand)
            self.record("action_refused", data, at=hand.at, cause=hand.cause)
        self._stand()

    def complete(
        self, rules: ActionRules, evidence: str, note: str | None, timing: Timing, hand: Hand
    ) -> None:
        """Enter that it is done, with the evidence: by its owner or somebody who may open one."""
        rule = rules.opens
        if hand.by != self.owner:
            must_be_granted(rule, hand.roles, "completing somebody's corrective action")
        if self.state is not ActionState.ACTIVE:
            raise Conflict(f"action {self.id} is {self.state}: only an active one is done")
        # A breach is a breach, whether or not the timer has come round to it.
        self.fire_clocks(hand.at, hand.cause)
        late = any(deadline.open and deadline.was_breached for deadline in self.deadlines)
        self.deadlines = [deadline.meet(hand.at) for deadline in self.deadlines]
        self.completions.append(Completion(self.round, evidence, note, hand.by, hand.at))
        self.state = ActionState.DONE
        check = rules.check
        if check is not None and check.within is not None:
            self.deadlines.append(_begun(CHECK_CLOCK, check.within, timing, hand.at))
        data = {
            **self._head(),
            "kind": self.kind,
            "cause": self.cause,
            "on_time": not late,
            "check_by": self._due_text(CHECK_CLOCK),
            "by": hand.by,
            "completed_at": timestamp(hand.at),
        }
        self.record("action_completed", data, at=hand.at, cause=hand.cause)
        self._stand()

    def extend(self, rules: ActionRules, amount: int, reason: str, timing: Timing, hand: Hand) -> None:
        """Let it take ``amount`` of its unit in all: by authority, for a reason of the rulebook, never one's own.

        RuleRefused too when nothing runs, it is overdue already, or was extended as often as the rulebook permits.
        """
        rule = armed(rules.extensions, "giving a corrective action more time")
        must_hold(rule.roles, hand.roles, "giving a corrective action more time", rule.source)
        _not_their_own(hand.by, {self.owner}, "giving a corrective action more time", rule.source)
        not_concerned(hand.by, hand.barred, "giving a corrective action more time", rule.source)
        codes = [choice.code for choice in rule.reasons]
        if reason not in codes:
            message = "the rulebook does not list this reason"
            raise refused(message, rule.source, "reason", f"must be one of {', '.join(codes)}")
        self.recompute_clocks(timing, hand.at, hand.cause)
        before = self.due_clock
        if self.state is not ActionState.ACTIVE or before is None:
            raise Conflict(f"action {self.id} is {self.state}: no time runs that could be extended")
        if before.granted >= rule.at_most:
            message = f"action {self.id} was extended {before.granted} times: no more are permitted"
            raise RuleRefused(message, rule=rule.source)
        role = next(role for role in rule.roles if role in hand.roles)
        asked = before.request_extension(amount, hand.at, Authority(reason, hand.by, role))
        longer = asked.grant_extension(hand.at, timing.calendar, by=hand.by, role=role)
        self.deadlines = [longer if each is before else each for each in self.deadlines]
        data = {
            **self._head(),
            "reason": reason,
            "amount": amount,
            "due_from": timestamp(before.due_at),
            "due_to": timestamp(longer.due_at),
            "source": rule.source,
            "by": hand.by,
            "extended_at": timestamp(hand.at),
        }
        self.record("action_extended", data, at=hand.at, cause=hand.cause)

    def check(
        self,
        rules: ActionRules,
        kind: ActionKind,
        finding: str,
        timing: Timing,
        hand: Hand,
        *,
        effective: bool,
    ) -> None:
        """Enter whether it helped; what did not is to be done again, in its whole time anew.

        RuleRefused to its owner and whoever did it, to the people the case is about, and before the period is over
        in which that can be seen.
        """
        rule = armed(rules.check, "checking a corrective action")
        must_hold(rule.roles, hand.roles, "checking a corrective action", rule.source)
        doers = {self.owner, *(one.by for one in self.completions)}
        _not_their_own(hand.by, doers, "checking a corrective action", rule.source)
        not_concerned(hand.by, hand.barred, "checking a corrective action", rule.source)
        if self.state is not ActionState.DONE:
            raise Conflict(f"action {self.id} is {self.state}: what is done is checked, once")
        self._check_period(rule, timing.calendar, hand.at)
        self.fire_clocks(hand.at, hand.cause)
        self.deadlines = [deadline.meet(hand.at) for deadline in self.deadlines]
        self.checks.append(Check(self.round, effective, finding, hand.by, hand.at))
        data = {
            **self._head(),
            "kind": self.kind,
            "cause": self.cause,
            "effective": effective,
            "by": hand.by,
            "source": rule.source,
            "checked_at": timestamp(hand.at),
        }
        self.record("action_checked", data, at=hand.at, cause=hand.cause)
        if effective:
            self._end(ActionState.EFFECTIVE, hand)
        else:
            self.round += 1
            self._activate(kind, timing, hand)
            again = {
                **self._head(),
                "due_at": self._due_text(DUE_CLOCK),
                "source": rule.source,
                "reopened_at": timestamp(hand.at),
            }
            self.record("action_reopened", again, at=hand.at, cause=hand.cause)
        self._stand()

    def withdraw(self, rules: ActionRules, reason: str, hand: Hand) -> None:
        """Give it up before it is done: by whoever approves such actions, or else opens them, never its owner."""
        rule = rules.approvals or rules.opens
        must_be_granted(rule, hand.roles, "withdrawing a corrective action")
        _not_their_own(hand.by, {self.owner}, "withdrawing a corrective action", rule.source)
        not_concerned(hand.by, hand.barred, "withdrawing a corrective action", rule.source)
        if self.state not in TO_DO:
            raise Conflict(f"action {self.id} is {self.state}: there is nothing to withdraw")
        self.fire_clocks(hand.at, hand.cause)
        self.note = reason
        self._end(ActionState.WITHDRAWN, hand)
        data = {**self._head(), "by": hand.by, "source": rule.source, "withdrawn_at": timestamp(hand.at)}
        self.record("action_withdrawn", data, at=hand.at, cause=hand.cause)
        self._stand()

    def fire_clocks(self, now: datetime, cause: Cause) -> tuple[Firing, ...]:
        """Record every warning and breach of its clocks that came until ``now``."""
        after, fired = fire_deadlines(self.deadlines, now)
        self.deadlines = list(after)
        for firing in fired:
            data = {
                **self._head(),
                "clock": firing.clock,
                "department": self.department,
                "owner": self.owner,
                "due_at": timestamp(firing.due_at),
            }
            if firing.kind is Kind.BREACHED:
                self.record("action_overdue", data, at=now, cause=cause)
            else:
                before = point_document(firing.before) if firing.before else None
                point = {"percent": firing.percent, "before": before}
                self.record("action_due_soon", {**data, **point}, at=now, cause=cause)
        return fired

    def recompute_clocks(self, timing: Timing, at: datetime, cause: Cause) -> bool:
        """Compute every open clock again whose calendar has a newer version; return whether there was any."""
        calendar, changed = timing.calendar, False
        for number, deadline in enumerate(self.deadlines):
            if not deadline.open or deadline.calendar_version == calendar.version:
                continue
            again = self.deadlines[number] = deadline.recompute(calendar)
            changed = True
            data = {
                **self._head(),
                "clock": deadline.name,
                "due_from": timestamp(deadline.due_at),
                "due_to": timestamp(again.due_at),
                "provisional": again.provisional,
                "version_from": deadline.calendar_version,
                "version_to": again.calendar_version,
            }
            self.record("action_recomputed", data, at=at, cause=cause)
        return changed

    def _activate(self, kind: ActionKind, timing: Timing, hand: Hand) -> None:
        self.state = ActionState.ACTIVE
        if kind.within is not None:
            self.deadlines.append(_begun(DUE_CLOCK, kind.within, timing, hand.at))

    def _end(self, state: ActionState, hand: Hand) -> None:
        self.state, self.ended_by, self.ended_at = state, hand.by, hand.at
        self.deadlines = [deadline.supersede(hand.at) for deadline in self.deadlines]

    def _check_period(self, rule: CheckRule, calendar: Calendar, at: datetime) -> None:
        """Refuse to judge before the period is over; it is counted when asked, so in the newest calendar."""
        wait = rule.not_before
        if wait is None:
            return
        first = due(calendar, self.completions[-1].at, wait.value).at
        if at < first:
            message = f"whether action {self.id} helped is checked from {timestamp(first)} on"
            raise RuleRefused(message, rule=wait.source, details={"from": timestamp(first)})

    def _clock(self, name: str) -> Deadline | None:
        return next((d for d in reversed(self.deadlines) if d.name == name and d.open), None)

    def _due_text(self, name: str) -> str | None:
        found = self._clock(name)
        return timestamp(found.due_at) if found is not None else None

    def _head(self) -> dict[str, Any]:
        return {"action_id": self.id, "case_id": self.case_id, "round": self.round}


def _begun(name: str, within: Sourced[Duration], timing: Timing, at: datetime) -> Deadline:
    return Deadline.begin(
        name, within.value, timing.calendar, at, source=within.source, warn_at=timing.rules.warn_at.value
    )


def _not_their_own(actor: str, persons: Collection[str], what: str, rule: str) -> None:
    if actor in persons:
        raise RuleRefused(f"{what} is not for {actor}: it is their own", rule=rule)
