"""Callbacks (回访): a call to be made, about what, from and until when, by whom, and what the customer said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from services.followup.domain.recording import Opened, Record
from services.followup.domain.rulebook import CallbackRule, Effect, Outcome
from shared.aggregate import Aggregate
from shared.clocks.clock import Deadline, Firing, Kind
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.worktime import Calendar

#: Name of the one deadline a callback has.
CLOCK = "callback"


class About(StrEnum):
    """What a callback is about."""

    CASE = "case"
    #: A request of intake's that is closed.
    REQUEST = "request"
    #: Something that happened with the customer.
    OCCASION = "occasion"
    #: Another callback, which failed.
    CALLBACK = "callback"
    #: Nothing but that the time has come.
    PERIOD = "period"
    #: A batch of customers that somebody compiled.
    BATCH = "batch"


class State(StrEnum):
    """Where a callback stands."""

    #: Still to be made, whether or not its time has passed.
    OPEN = "open"
    DONE = "done"
    #: No longer to be made: the case closed or moved on without it.
    SUPERSEDED = "superseded"
    #: Nobody was reached in as many attempts as the rule asks for.
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Call:
    """One call made: when, by whom, with which outcome; ``note`` is the caller's own words and stays here.

    ``channel`` is by what the customer was reached, where it was said.
    """

    at: datetime
    by: str
    outcome: str
    reached: bool
    note: str | None
    channel: str | None = None
    in_quiet_hours: bool = False


@dataclass(kw_only=True)
class Callback(Aggregate):
    """One callback by the rule ``rule`` of the rulebook ``regulation``, on what ``about`` and ``reference`` name.

    On a case it is that on its ``round``-th reply. ``occasion`` is the code of the request, the occasion or the
    day it follows from; ``replied_at`` is when that was. ``handler`` is who handled the matter, ``agent`` who
    alone may call. ``permitted_from`` is the first instant at which it may be made; ``deadline`` is None where no
    rule gives a time, and goes to the role ``hand_over`` when that has passed; ``outcome`` and ``effect`` are those
    of the call that ended it. A callback of a batch
    is given to the specialist ``assigned_to``. ``written`` is what was written down of the call, ``remedies`` are the
    codes of what its answers opened, and ``promised_on`` is the day the customer was promised an improvement for.
    """

    case_id: str | None
    case_number: str | None
    contact_id: str | None
    customer_id: str
    rule: str
    regulation: str
    round: int
    handler: str | None
    replied_at: datetime
    scheduled_at: datetime
    deadline: Deadline | None
    about: About = About.CASE
    reference: str | None = None
    occasion: str | None = None
    unit: str | None = None
    level: int = 1
    zone: str | None = None
    agent: str | None = None
    permitted_from: datetime | None = None
    appointed_at: datetime | None = None
    taken_by: str | None = None
    hand_over: str | None = None
    handed_to: str | None = None
    channel: str | None = None
    state: State = State.OPEN
    calls: tuple[Call, ...] = ()
    outcome: str | None = None
    effect: Effect | None = None
    ended_at: datetime | None = None
    batch_id: str | None = None
    assigned_to: str | None = None
    written: Record | None = None
    remedies: tuple[str, ...] = ()
    promised_on: date | None = None

    @property
    def due_at(self) -> datetime | None:
        """Return the first instant that is too late; None when there is none."""
        return self.deadline.due_at if self.deadline else None

    @property
    def deadlines(self) -> list[Deadline]:
        """Return the one deadline, if there is any."""
        return [self.deadline] if self.deadline else []

    @property
    def open_calendars(self) -> list[str]:
        """Return with which calendar its open deadline was computed, as ``<organisation>/<version>``."""
        return [f"{self.org}/{deadline.calendar_version}" for deadline in self.deadlines if deadline.open]

    @property
    def holders(self) -> list[str]:
        """Return whose work it is: of who took it, of the only one who may, and of whom it was given to."""
        return sorted({holder for holder in (self.taken_by, self.agent, self.assigned_to) if holder})

    @property
    def next_due(self) -> datetime | None:
        """Return when the timer next has to look at the callback; None when never."""
        return self.deadline.next_at if self.deadline else None

    @property
    def attempts(self) -> int:
        """Return how many calls have left it open."""
        return len(self.calls) - (self.state is State.DONE)

    @property
    def on_time(self) -> bool | None:
        """Return whether it was made in time; None when it is not made or has no deadline."""
        if self.deadline is None or self.state is not State.DONE:
            return None
        return not self.deadline.was_breached

    def overdue(self, now: datetime) -> bool:
        """Return whether it is still to be made although its time has passed."""
        return self.state is State.OPEN and self.due_at is not None and self.due_at <= now

    def schedule(self, cause: Cause) -> None:
        """Record that the callback is to be made."""
        data = {
            **self._named(),
            "customer_id": self.customer_id,
            "rule": self.rule,
            "round": self.round,
            "occasion": self.occasion,
            "level": self.level,
            "permitted_from": timestamp(self.permitted_from) if self.permitted_from else None,
            "due_at": timestamp(self.due_at) if self.due_at else None,
            "provisional": self.deadline.provisional if self.deadline else False,
        }
        self.record("callback_scheduled", data, at=self.scheduled_at, cause=cause)
        self.mark_processed(cause.message_id)

    def claim(self, by: str, rule: CallbackRule, at: datetime, cause: Cause) -> None:
        """Let ``by`` have it: until it is made, nobody else makes it; taking what one has changes nothing.

        Raises Conflict when somebody else has it, and RuleRefused where ``take`` refuses the caller.
        """
        self._check_open(rule)
        self._check_caller(by, rule)
        if self.taken_by != by:
            self.taken_by = by
            self.record("callback_taken", {**self._named(), "by": by}, at=at, cause=cause)

    def appoint(
        self, at: datetime, permitted: datetime, rule: CallbackRule, now: datetime, cause: Cause
    ) -> None:
        """Move it to the time the customer asked for, or to ``permitted`` where that is quiet time.

        Raises RuleRefused when it is not open any more, ValidationFailed for a time that has passed.
        """
        self._check_open(rule)
        if at <= now:
            problem = Problem("at", "must lie ahead")
            raise ValidationFailed("an appointment is made for a time to come", problems=(problem,))
        self.appointed_at, self.permitted_from = at, permitted
        data = {
            **self._named(),
            "at": timestamp(at),
            "permitted_from": timestamp(permitted),
            "reason": "appointment",
        }
        self.record("callback_appointed", data, at=now, cause=cause)

    def take(
        self,
        call: Call,
        rule: CallbackRule,
        cause: Cause,
        *,
        next_from: datetime | None = None,
        channels: Sourced[tuple[str, ...]] | None = None,
        written: Record | None = None,
        opened: Sequence[Opened] = (),
    ) -> Effect:
        """Record a call, what was ``written`` down of it and what follows from its outcome; return the effect.

        ``next_from`` is from when the next one is permitted if nobody was reached. Raises RuleRefused when the
        callback is not open any more, the rule forbids it to the caller, or the channel is none of ``channels``;
        ValidationFailed when the rule does not permit the outcome; Conflict when somebody else has taken it.
        """
        self._check_open(rule)
        self._check_caller(call.by, rule)
        _check_channel(call.channel, channels)
        outcome = _permitted(call, rule)
        self.calls += (call,)
        if outcome.effect is Effect.RETRY:
            self._still_open(outcome, call, cause)
            self._go_on(rule, call, next_from, cause)
        else:
            self.keep_record(written, opened, outcome.code, call.at, cause)
            self._end(outcome, call, cause)
        return outcome.effect

    def keep_record(
        self, written: Record | None, opened: Sequence[Opened], outcome: str, at: datetime, cause: Cause
    ) -> None:
        """Keep what was ``written`` down and record what it opened, each remedy once."""
        if written is not None:
            self.written = written
            data = {
                **self._head(),
                "outcome": outcome,
                "complete": written.complete,
                "missing": list(written.missing),
                "flags": list(written.flags),
                "values": [{"field": code, "value": value} for code, value in written.counted_values],
            }
            self.record("callback_recorded", data, at=at, cause=cause)
        for each in opened:
            if each.remedy.code in self.remedies:
                continue
            self.remedies += (each.remedy.code,)
            self.promised_on = self.promised_on or each.promised_on
            data = {
                **self._head(),
                "remedy": each.remedy.code,
                "due_on": each.due_on.isoformat() if each.due_on else None,
                "promised_on": each.promised_on.isoformat() if each.promised_on else None,
                "regulation": self.regulation,
                "source": each.remedy.source,
            }
            self.record("callback_remedied", data, at=at, cause=cause)

    def _head(self) -> dict[str, Any]:
        return {
            "callback_id": self.id,
            "case_id": self.case_id,
            "customer_id": self.customer_id,
            "batch_id": self.batch_id,
            "rule": self.rule,
        }

    def fire(self, now: datetime, cause: Cause) -> tuple[Firing, ...]:
        """Record that the time for it has passed, once, and hand it over; return what fired until ``now``."""
        if self.deadline is None or self.state is not State.OPEN:
            return ()
        self.deadline, fired = self.deadline.fire(now)
        for firing in fired:
            if firing.kind is Kind.BREACHED:
                # Whoever took it and let its time pass has it no longer.
                self.handed_to = self.hand_over
                self.taken_by = None if self.hand_over else self.taken_by
                data = {**self._named(), "due_at": timestamp(firing.due_at), "handed_to": self.handed_to}
                self.record("callback_due", data, at=now, cause=cause)
        return fired

    def supersede(self, at: datetime, cause: Cause) -> None:
        """Record that it is no longer to be made; changes nothing once it has ended."""
        if self.state is not State.OPEN:
            return
        self.state, self.ended_at = State.SUPERSEDED, at
        if self.deadline:
            self.deadline = self.deadline.supersede(at)
        data = {**self._named(), "round": self.round}
        self.record("callback_superseded", data, at=at, cause=cause)

    def recompute_clocks(self, calendar: Calendar, at: datetime, cause: Cause) -> bool:
        """Compute its deadline again where its calendar has a newer version; return whether it had."""
        before = self.deadline
        if before is None or not before.open or before.calendar_version == calendar.version:
            return False
        self.deadline = before.recompute(calendar)
        data = {
            "subject": "callback",
            "subject_id": self.id,
            "clock": CLOCK,
            "due_from": timestamp(before.due_at),
            "due_to": timestamp(self.deadline.due_at),
            "provisional": self.deadline.provisional,
            "version_from": before.calendar_version,
            "version_to": self.deadline.calendar_version,
        }
        self.record("clock_recomputed", data, at=at, cause=cause)
        return True

    def _named(self) -> dict[str, Any]:
        return {
            "callback_id": self.id,
            "case_id": self.case_id,
            "about": self.about.value,
            "reference": self.reference or self.case_id,
        }

    def _check_open(self, rule: CallbackRule) -> None:
        if self.state is State.DONE:
            message = (
                f"the callback was made before, with the outcome {self.outcome}; it is made once for a reply"
            )
            raise RuleRefused(message, rule=rule.trigger.source, details={"state": self.state.value})
        if self.state is State.SUPERSEDED:
            message = "the callback is no longer to be made: its case has closed or moved on"
            raise RuleRefused(message, rule=rule.trigger.source, details={"state": self.state.value})
        if self.state is State.GIVEN_UP:
            message = "the callback was given up: nobody was reached in as many attempts as it is given"
            raise RuleRefused(
                message,
                rule=(rule.attempts or rule.trigger).source,
                details={"state": self.state.value},
            )

    def _check_caller(self, by: str, rule: CallbackRule) -> None:
        ban = rule.never_by_handler
        if ban and ban.value and by == self.handler:
            message = "whoever handled the case may not make its callback: somebody else has to call"
            raise RuleRefused(message, rule=ban.source)
        if rule.by_agent and self.agent is not None and by != self.agent:
            message = "the customer is called back by its own agent alone"
            raise RuleRefused(message, rule=rule.by_agent.source)
        if self.taken_by not in (None, by):
            message = f"the callback is taken by {self.taken_by}: take another one"
            raise Conflict(message, details={"taken_by": self.taken_by})

    def _go_on(self, rule: CallbackRule, call: Call, next_from: datetime | None, cause: Cause) -> None:
        """Say when to try again, by which channel if another, or give it up after the last attempt."""
        self.permitted_from = next_from or self.permitted_from
        self.taken_by = self.appointed_at = None
        if rule.attempts is None or len(self.calls) < rule.attempts.most:
            return
        if rule.attempts.then is not None and self.channel is None:
            self.channel = rule.attempts.then
            return
        self.state, self.ended_at = State.GIVEN_UP, call.at
        if self.deadline:
            self.deadline = self.deadline.supersede(call.at)
        data = {
            **self._named(),
            "customer_id": self.customer_id,
            "rule": self.rule,
            "attempts": self.attempts,
            "source": rule.attempts.source,
        }
        self.record("callback_given_up", data, at=call.at, cause=cause)

    def _still_open(self, outcome: Outcome, call: Call, cause: Cause) -> None:
        data = {
            **self._named(),
            "attempts": self.attempts,
            "outcome": outcome.code,
        }
        self.record("callback_attempted", data, at=call.at, cause=cause)

    def _end(self, outcome: Outcome, call: Call, cause: Cause) -> None:
        self.state, self.ended_at = State.DONE, call.at
        self.outcome, self.effect = outcome.code, outcome.effect
        if self.deadline:
            self.deadline = self.deadline.meet(call.at)
        data: dict[str, Any] = {
            **self._named(),
            "outcome": outcome.code,
            "effect": outcome.effect.value,
            "round": self.round,
            "by": call.by,
            "completed_at": timestamp(call.at),
            "on_time": self.on_time,
        }
        content = outcome.effect is Effect.CLOSE
        self.record(
            "callback_completed" if content else "callback_unsatisfied", data, at=call.at, cause=cause
        )


def _check_channel(channel: str | None, channels: Sourced[tuple[str, ...]] | None) -> None:
    if channel is None or channels is None or channel in channels.value:
        return
    problem = Problem("channel", f"is not one of {', '.join(channels.value)}")
    message = f"customers are not called back by {channel}"
    raise RuleRefused(message, rule=channels.source, problems=(problem,))


def _permitted(call: Call, rule: CallbackRule) -> Outcome:
    outcome = rule.outcome(call.outcome)
    if outcome is None:
        codes = ", ".join(known.code for known in rule.outcomes)
        problem = Problem("outcome", f"is not one of {codes}")
    elif not call.reached and outcome.effect is not Effect.RETRY:
        problem = Problem("reached", f"must be true for the outcome {outcome.code}")
    else:
        return outcome
    message = f"the call cannot be recorded: {problem.field} {problem.reason}"
    raise ValidationFailed(message, problems=(problem,))
