"""What a case does with its clocks: fire, meet, pause, resume, extend, compute again; each leaves its events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import Any

from services.complaints.domain.checks import check_extension, check_pause, check_role
from services.complaints.domain.claim import Note
from services.complaints.domain.rulebook import ClockEnd
from services.complaints.domain.states import OPEN_STATES, CaseState
from services.complaints.domain.timing import Timing, on_time
from shared.aggregate import Aggregate
from shared.clocks import Authority, Deadline, Firing, Kind, State, next_due
from shared.clocks.points import point_document
from shared.clocks.together import fire_deadlines
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp


@dataclass(kw_only=True)
class ClockedCase(Aggregate):
    """The part of a case that its clocks know: where it came in, how serious it is, and where it stands."""

    channel: str
    level: str
    state: CaseState = CaseState.RECEIVED
    deadlines: list[Deadline] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Return whether the case still waits for something."""
        return self.state in OPEN_STATES

    @property
    def next_due(self) -> datetime | None:
        """Return when one of the clocks next warns or breaches."""
        return next_due(self.deadlines)

    @property
    def overdue(self) -> bool:
        """Return whether a clock is past its due instant and not met."""
        return self.is_open and any(d.was_breached and d.open for d in self.deadlines)

    @property
    def on_time(self) -> bool:
        """Return whether no clock was breached."""
        return on_time(self.deadlines)

    @property
    def open_calendars(self) -> list[str]:
        """Return with which calendars the open clocks were computed, each as ``<organisation>/<version>``.

        An organisation's clocks follow its own calendar, whose version is another as soon as it takes another.
        """
        return sorted({f"{self.org}/{d.calendar_version}" for d in self.deadlines if d.open})

    @property
    def due_at(self) -> datetime | None:
        """When the next of its running clocks ends; None when none runs."""
        return min((d.due_at for d in self.deadlines if d.state is State.RUNNING), default=None)

    def fire_clocks(self, now: datetime, cause: Cause, *, breaches_only: bool = False) -> tuple[Firing, ...]:
        """Record every warning and breach that came due until ``now`` and return them in order of time."""
        asked = [not breaches_only or now >= deadline.due_at for deadline in self.deadlines]
        after, fired = fire_deadlines(compress(self.deadlines, asked), now)
        changed = iter(after)
        self.deadlines = [
            next(changed) if of_it else d for d, of_it in zip(self.deadlines, asked, strict=True)
        ]
        for firing in fired:
            data = {"case_id": self.id, "clock": firing.clock, "due_at": timestamp(firing.due_at)}
            if firing.kind is Kind.BREACHED:
                self.record("clock_breached", {**data, "level": self.level}, at=now, cause=cause)
            else:
                before = point_document(firing.before) if firing.before else None
                point = {"percent": firing.percent, "before": before}
                self.record("clock_warned", {**data, **point}, at=now, cause=cause)
        return fired

    def pause_clocks(
        self,
        timing: Timing,
        clocks: Collection[str],
        *,
        reason: str,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Let ``clocks`` stand still, or where none are named all running ones that the rulebook lets pause.

        What is due until then still fires. Raises RuleRefused where the rulebook permits no pause, to somebody
        without the right, for a reason it does not list, and of a clock that does not run.
        """
        self._must_be(OPEN_STATES, "nothing runs any more")
        self.fire_clocks(at, cause)
        rules = timing.rules
        chosen = self._named(clocks) if clocks else self._in_state(State.RUNNING, rules.pause_rule)
        if not chosen:
            raise RuleRefused(f"case {self.id} runs no clock that the rulebook lets pause", rule="design")
        for deadline in chosen:
            role = check_pause(deadline.name, rules, roles, self.channel, reason)
            paused = deadline.pause(at, Authority(reason, cause.actor, role))
            self._put(deadline, paused)
            data = {
                "case_id": self.id,
                "clock": deadline.name,
                "due_at": timestamp(deadline.due_at),
                "paused_at": timestamp(at),
                "reason": reason,
                "by": cause.actor,
                "role": role,
            }
            self.record("clock_paused", data, at=at, cause=cause)
        self._note("pause", note, at, cause)

    def resume_clocks(
        self,
        timing: Timing,
        clocks: Collection[str],
        *,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Let ``clocks`` run again, or where none are named all that are paused; whoever may pause one may.

        Raises RuleRefused to somebody without the right and for a clock that is not paused.
        """
        self._must_be(OPEN_STATES, "nothing runs any more")
        chosen = self._named(clocks) if clocks else self._in_state(State.PAUSED)
        if not chosen:
            raise RuleRefused(f"case {self.id} has no clock that is paused", rule="design")
        for deadline in chosen:
            rule = timing.rules.pause_rule(deadline.name)
            if rule is not None:
                check_role(rule.grants, roles, self.channel, f"pausing {deadline.name}", rule.source)
            self._resume(deadline, timing, at, cause)
        self._note("resume", note, at, cause)

    def request_extension(
        self,
        timing: Timing,
        clock: str,
        amount: int,
        *,
        reason: str,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Ask that ``clock`` may take ``amount`` of its unit in all; nothing changes until somebody approves.

        Raises RuleRefused where the rulebook permits no extension, or no further one, to somebody without the
        right, for a reason it does not list, and for a clock whose time has run out.
        """
        self._must_be(OPEN_STATES, "nothing runs any more")
        (deadline,) = self._named([clock])
        role = check_extension(deadline, timing.rules, roles, self.channel, reason)
        self._put(deadline, deadline.request_extension(amount, at, Authority(reason, cause.actor, role)))
        data = {
            **self._asked(deadline, amount, reason),
            "due_at": timestamp(deadline.due_at),
            "by": cause.actor,
            "role": role,
        }
        self.record("extension_requested", data, at=at, cause=cause)
        self._note("extension_request", note, at, cause)

    def decide_extension(
        self,
        timing: Timing,
        clock: str,
        *,
        granted: bool,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Grant or refuse the extension asked for; never one's own, and none whose clock has run out meanwhile."""
        self._must_be(OPEN_STATES, "nothing runs any more")
        (deadline,) = self._named([clock])
        rule, request = timing.rules.extension_rule(clock), deadline.requested
        if rule is None or request is None:
            raise RuleRefused(f"nobody has asked for more time for the clock {clock}", rule="design")
        role = check_role(
            rule.approvals, roles, self.channel, f"deciding on more time for {clock}", rule.source
        )
        if request.authority.by == cause.actor:
            raise RuleRefused("whoever asks for more time may not decide on it", rule=rule.source)
        asked = self._asked(deadline, request.amount, request.authority.reason)
        decided = {"by": cause.actor, "role": role}
        if granted:
            current = self._recomputed(deadline, timing, at, cause)
            longer = current.grant_extension(at, timing.calendar, by=cause.actor, role=role)
            self._put(current, longer)
            moved = {
                "due_from": timestamp(current.due_at),
                "due_to": timestamp(longer.due_at),
                "original_due_at": timestamp(longer.original_due_at),
                "provisional": longer.provisional,
            }
            self.record("clock_extended", {**asked, **moved, **decided}, at=at, cause=cause)
        else:
            self._put(deadline, deadline.refuse_extension(at, by=cause.actor, role=role))
            self.record("extension_refused", {**asked, **decided}, at=at, cause=cause)
        self._note("extension_decision", note, at, cause)

    def recompute_clocks(self, timing: Timing, at: datetime, cause: Cause) -> bool:
        """Compute every open clock again whose calendar has a newer version; return whether there was any."""
        behind = [d for d in self.deadlines if d.open and d.calendar_version != timing.calendar.version]
        for deadline in behind:
            self._recomputed(deadline, timing, at, cause)
        return bool(behind)

    def _meet(self, end: ClockEnd, timing: Timing, at: datetime, cause: Cause) -> None:
        self._meet_clocks(lambda: timing.met_by(self.deadlines, end), timing, at, cause)

    def _meet_named(self, clock: str, timing: Timing, at: datetime, cause: Cause) -> None:
        def named() -> list[Deadline]:
            return [deadline for deadline in self.deadlines if deadline.open and deadline.name == clock]

        self._meet_clocks(named, timing, at, cause)

    def _meet_clocks(
        self, chosen: Callable[[], Sequence[Deadline]], timing: Timing, at: datetime, cause: Cause
    ) -> None:
        """Meet the clocks that ``chosen`` finds, those paused after they were resumed."""
        for deadline in chosen():
            if deadline.state is State.PAUSED:
                self._resume(deadline, timing, at, cause)
        # A breach is a breach, whether or not the timer has come round to it.
        self.fire_clocks(at, cause, breaches_only=True)
        for deadline in chosen():
            met = deadline.meet(at)
            self._put(deadline, met)
            data = {
                "case_id": self.id,
                "clock": met.name,
                "due_at": timestamp(met.due_at),
                "original_due_at": timestamp(met.original_due_at),
                "met_at": timestamp(at),
                "on_time": not met.was_breached,
                "on_time_by_original": not met.was_late_by_original,
            }
            self.record("clock_met", data, at=at, cause=cause)

    def _resume(self, deadline: Deadline, timing: Timing, at: datetime, cause: Cause) -> None:
        current = self._recomputed(deadline, timing, at, cause)
        running = current.resume(at, timing.calendar, by=cause.actor)
        self._put(current, running)
        data = {
            "case_id": self.id,
            "clock": running.name,
            "paused_at": timestamp(running.pauses[-1].start),
            "resumed_at": timestamp(at),
            "due_from": timestamp(current.due_at),
            "due_to": timestamp(running.due_at),
            "provisional": running.provisional,
            "by": cause.actor,
        }
        self.record("clock_resumed", data, at=at, cause=cause)

    def _recomputed(self, deadline: Deadline, timing: Timing, at: datetime, cause: Cause) -> Deadline:
        """Return ``deadline`` as the calendar now has it, recorded and put in its place if that is news."""
        again = deadline.recompute(timing.calendar)
        if again is deadline:
            return deadline
        self._put(deadline, again)
        data = {
            "case_id": self.id,
            "clock": again.name,
            "due_from": timestamp(deadline.due_at),
            "due_to": timestamp(again.due_at),
            "provisional": again.provisional,
            "version_from": deadline.calendar_version,
            "version_to": again.calendar_version,
            "breached": again.was_breached,
        }
        self.record("clock_recomputed", data, at=at, cause=cause)
        return again

    def _asked(self, deadline: Deadline, amount: int, reason: str) -> dict[str, Any]:
        unit = deadline.duration.unit
        return {
            "case_id": self.id,
            "clock": deadline.name,
            "amount": amount,
            "unit": unit,
            "reason": reason,
        }

    def _named(self, clocks: Collection[str]) -> list[Deadline]:
        open_clocks = {deadline.name: deadline for deadline in self.deadlines if deadline.open}
        missing = sorted(set(clocks) - open_clocks.keys())
        if missing:
            message = f"case {self.id} has no open clock {', '.join(missing)}"
            known = ", ".join(open_clocks) or "none"
            raise ValidationFailed(message, problems=(Problem("clock", f"must be one of: {known}"),))
        return [deadline for name, deadline in open_clocks.items() if name in clocks]

    def _in_state(self, state: State, rule: Callable[[str], object] | None = None) -> Sequence[Deadline]:
        return [d for d in self.deadlines if d.state is state and (rule is None or rule(d.name) is not None)]

    def _put(self, before: Deadline, after: Deadline) -> None:
        self.deadlines = [after if deadline is before else deadline for deadline in self.deadlines]

    def _note(self, kind: str, text: str | None, at: datetime, cause: Cause) -> None:
        if text is not None:
            self.notes.append(Note(kind, text, cause.actor, at))

    def _must_be(self, states: Collection[CaseState], otherwise: str) -> None:
        if self.state not in states:
            message = f"case {self.id} is {self.state.value}: {otherwise}"
            raise RuleRefused(message, rule="design", details={"state": self.state.value})
