"""Callbacks (回访): a call to be made after a reply, until when, and what the customer said."""

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
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp

#: Name of the one deadline a callback has.
CLOCK = "callback"


class State(StrEnum):
    """Where a callback stands."""

    #: Still to be made, whether or not its time has passed.
    OPEN = "open"
    DONE = "done"
    #: No longer to be made: the case closed or moved on without it.
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Call:
    """One call made: when, by whom, with which outcome; ``note`` is the caller's own words and stays here."""

    at: datetime
    by: str
    outcome: str
    reached: bool
    note: str | None


@dataclass(kw_only=True)
class Callback(Aggregate):
    """One callback on the ``round``-th reply of a case; ``rule`` is its code in the rulebook ``regulation``.

    ``handler`` is who handled the case; ``deadline`` is None where no rule gives a time; ``outcome`` and
    ``effect`` are those of the call that ended it. A callback of a batch has no case and no contact; it is made
    by the specialist ``assigned_to``. ``written`` is what was written down of the call, ``remedies`` the codes of
    what its answers opened, and ``promised_on`` the day the customer was promised an improvement for.
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
            "callback_id": self.id,
            "case_id": self.case_id,
            "customer_id": self.customer_id,
            "rule": self.rule,
            "round": self.round,
            "due_at": timestamp(self.due_at) if self.due_at else None,
            "provisional": self.deadline.provisional if self.deadline else False,
        }
        self.record("callback_scheduled", data, at=self.scheduled_at, cause=cause)
        self.mark_processed(cause.message_id)

    def take(
        self,
        call: Call,
        rule: CallbackRule,
        cause: Cause,
        written: Record | None = None,
        opened: Sequence[Opened] = (),
    ) -> Effect:
        """Record a call, what was ``written`` down of it and what follows from its outcome; return the effect.

        Raises RuleRefused when the callback is not open any more, or the rule forbids it to whoever handled
        the case; ValidationFailed when the rule does not permit the outcome.
        """
        self._check_open(rule)
        _check_caller(call.by, self.handler, rule)
        outcome = _permitted(call, rule)
        self.calls += (call,)
        if outcome.effect is Effect.RETRY:
            self._still_open(outcome, call, cause)
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
        """Record that the time for it has passed, once; return what fired until ``now``."""
        if self.deadline is None or self.state is not State.OPEN:
            return ()
        self.deadline, fired = self.deadline.fire(now)
        for firing in fired:
            if firing.kind is Kind.BREACHED:
                data = {
                    "callback_id": self.id,
                    "case_id": self.case_id,
                    "due_at": timestamp(firing.due_at),
                }
                self.record("callback_due", data, at=now, cause=cause)
        return fired

    def supersede(self, at: datetime, cause: Cause) -> None:
        """Record that it is no longer to be made; changes nothing once it has ended."""
        if self.state is not State.OPEN:
            return
        self.state, self.ended_at = State.SUPERSEDED, at
        if self.deadline:
            self.deadline = self.deadline.supersede(at)
        data = {"callback_id": self.id, "case_id": self.case_id, "round": self.round}
        self.record("callback_superseded", data, at=at, cause=cause)

    def _check_open(self, rule: CallbackRule) -> None:
        if self.state is State.DONE:
            message = (
                f"the callback was made before, with the outcome {self.outcome}; it is made once for a reply"
            )
            raise RuleRefused(message, rule=rule.trigger.source, details={"state": self.state.value})
        if self.state is State.SUPERSEDED:
            message = "the callback is no longer to be made: its case has closed or moved on"
            raise RuleRefused(message, rule=rule.trigger.source, details={"state": self.state.value})

    def _still_open(self, outcome: Outcome, call: Call, cause: Cause) -> None:
        data = {
            "callback_id": self.id,
            "case_id": self.case_id,
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
            "callback_id": self.id,
            "case_id": self.case_id,
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


def _check_caller(by: str, handler: str | None, rule: CallbackRule) -> None:
    ban = rule.never_by_handler
    if ban and ban.value and by == handler:
        message = "whoever handled the case may not make its callback: somebody else has to call"
        raise RuleRefused(message, rule=ban.source)


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
