"""The complaint case (投诉案件): its steps from opening to closing, and everything that may refuse one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.complaints.domain.checks import check_ground, check_next_reply, check_words
from services.complaints.domain.claim import Claim, Note, clocks_data
from services.complaints.domain.levelled import LevelledCase
from services.complaints.domain.path.rules import CLOSE, REPLY, VALIDITY
from services.complaints.domain.receiving.claims import unclear
from services.complaints.domain.rulebook import (
    AppliesTo,
    ClockEnd,
    ClockStart,
    CloseCondition,
    Step,
)
from services.complaints.domain.states import OPEN_STATES, CaseState, ContactOutcome
from services.complaints.domain.timing import Timing
from shared.errors import Problem, RuleRefused
from shared.history import Cause, timestamp


@dataclass(kw_only=True)
class Case(LevelledCase):
    """One complaint case. It keeps the version of the rulebook it was opened under.

    ``contacts`` are the contacts that raised it, the first one first; ``unit_id`` counts it as one
    household; ``rounds`` counts final replies.
    """

    contacts: list[str]
    unit_id: str | None
    matter_id: str
    regulation: str
    profile: str
    opened_at: datetime
    repeats: int = 0
    rounds: int = 0
    prevention: str | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None

    def open(self, timing: Timing, cause: Cause) -> None:
        """Open the case: level by the claim, clocks from the moment the complaint was received."""
        self._know_of(self.households, timing.rules)
        decision = timing.rules.level_of(self.claim.facts(self.households))
        self.level = decision.level.code
        self.deadlines = timing.begin(
            ClockStart.RECEIVED, self.received_at, self.level, valid=None, source=self.source
        )
        self.refresh_step_clocks(timing, self.opened_at)
        claim = self.claim
        data = {
            "case_id": self.id,
            "number": self.number,
            "contact_id": self.contacts[0],
            "customer_id": self.customer_id,
            "unit_id": self.unit_id,
            "channel": self.channel,
            "source": self.source,
            "taken_by": self.taken_by,
            "unclear": [each.field for each in unclear(claim, timing.rules)],
            "problem": claim.problem,
            "complainant_type": claim.complainant_type,
            "demand": claim.demand,
            "amount": None if claim.amount is None else str(claim.amount),
            "level": self.level,
            "level_because": list(decision.because),
            "received_at": timestamp(self.received_at),
            "opened_at": timestamp(self.opened_at),
            "profile": self.profile,
            "regulation": self.regulation,
            "clocks": clocks_data(self.deadlines),
        }
        self.record("case_opened", data, at=self.opened_at, cause=cause)
        self.watch(timing, self.opened_at, cause)
        self.mark_processed(cause.message_id)

    def join_repeat(
        self, contact_id: str, channel: str, claim: Claim, timing: Timing, *, at: datetime, cause: Cause
    ) -> None:
        """Take in the same complaint raised again; where the rulebook says so that is an escalation (B-JKC-59).

        What the customer adds counts: a higher sum, the press or a lawsuit may raise the level.
        """
        if contact_id in self.contacts:
            return
        self.contacts.append(contact_id)
        self.repeats += 1
        self.claim = self.claim.with_repeat(claim)
        self.refresh_step_clocks(timing, at)
        escalates = timing.rules.repeat_escalates
        if escalates is not None and escalates.value:
            self.escalations += 1
            data = {
                "case_id": self.id,
                "cause": "repeat",
                "contact_id": contact_id,
                "channel": channel,
                "repeats": self.repeats,
            }
            self.record("case_escalated", data, at=at, cause=cause)
        else:
            # Every change leaves an entry of its own: by its hash a lost race is told from a repeated write.
            joined = {"case_id": self.id, "step": "repeat", "at": timestamp(at)}
            self.record("case_progressed", joined, at=at, cause=cause)
        self._raise_level(timing, at, cause)
        self.mark_processed(cause.message_id)

    def decide_validity(
        self,
        timing: Timing,
        *,
        valid: bool,
        ground: str | None,
        reason: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Decide whether the complaint stands; ``ground`` is one of the rulebook's codes where it lists any."""
        role = self._may(Step.DECIDE_VALIDITY, timing, roles)
        self._must_be({CaseState.RECEIVED}, "validity is decided once, right after the case was opened")
        self._in_turn(timing, VALIDITY, cause.actor)
        if valid:
            check_ground(ground, timing.rules)
            self._check_clear(timing.rules)
        self.valid, self.ground = valid, ground
        self.notes.append(Note("validity", reason, cause.actor, at))
        if valid:
            self.state = CaseState.ACCEPTED
            self.deadlines += timing.begin(
                ClockStart.ACCEPTED, at, self.level, valid=True, source=self.source
            )
            data = {"ground": ground, "accepted_at": timestamp(at)}
        else:
            self.state = CaseState.REFUSED
            self.fire_clocks(at, cause, breaches_only=True)
            self.deadlines = timing.drop(self.deadlines, AppliesTo.VALID, at)
            self.deadlines += timing.begin(
                ClockStart.FOUND_INVALID, at, self.level, valid=False, source=self.source
            )
            data = {"ground": ground, "refused_at": timestamp(at)}
        self._count(timing, VALIDITY, role, at, cause)
        event = "case_accepted" if valid else "case_refused"
        self.record(
            event, {"case_id": self.id, **data, "clocks": clocks_data(self.deadlines)}, at=at, cause=cause
        )

    def attempt_contact(
        self,
        timing: Timing,
        outcome: ContactOutcome,
        *,
        apologised: bool = False,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Note an attempt to reach the customer.

        Nobody reached at the first attempt: the message that the rulebook prescribes goes out at once, and
        with that the first contact is made as prescribed (B-JKC-52).
        """
        rules = timing.rules
        role = self._may(Step.HANDLE, timing, roles, code="attempt_contact")
        self._must_be(OPEN_STATES, "the case is closed")
        self._in_turn(timing, "attempt_contact", cause.actor)
        message = rules.first_contact_message
        first = all(note.kind != "contact" for note in self.notes)
        unreachable = outcome is ContactOutcome.UNREACHABLE
        template = message.template if message and first and unreachable else None
        data = {
            "case_id": self.id,
            "contact_id": self.contacts[0],
            "customer_id": self.customer_id,
            "outcome": outcome.value,
            "attempted_at": timestamp(at),
            "message": template,
        }
        self.record("contact_attempted", data, at=at, cause=cause)
        if apologised:
            self._apologise(at, cause)
        self.notes.append(Note("contact", outcome.value, cause.actor, at))
        if outcome is ContactOutcome.REACHED or template is not None:
            self._meet(ClockEnd.CONTACTED, timing, at, cause)
            self._count(timing, "attempt_contact", role, at, cause)

    def progress(
        self,
        timing: Timing,
        step: str,
        text: str,
        *,
        told: bool = False,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Enter the handling's progress into the case (B-JKC-61)."""
        role = self._may(Step.HANDLE, timing, roles, code="record_progress")
        self._must_be({CaseState.ACCEPTED, CaseState.REPLIED}, "progress is entered while a case is handled")
        self._in_turn(timing, "record_progress", cause.actor)
        self.handler = cause.actor
        self.notes.append(Note(step, text, cause.actor, at))
        self._meet(ClockEnd.PROGRESSED, timing, at, cause)
        self._count(timing, "record_progress", role, at, cause)
        self.record(
            "case_progressed", {"case_id": self.id, "step": step, "at": timestamp(at)}, at=at, cause=cause
        )
        self._enter(timing, step, at, cause, told=told)

    def reply(
        self,
        timing: Timing,
        text: str,
        *,
        final: bool,
        next_reply_at: datetime | None,
        prevention: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Reply to the customer: with the result (``final``), or for now, with the time of the next reply."""
        rules = timing.rules
        role = self._may(Step.REPLY, timing, roles)
        self._must_be(
            {CaseState.ACCEPTED, CaseState.REFUSED},
            "a reply follows the decision on validity and ends the handling",
        )
        if final:
            self._in_turn(timing, REPLY, cause.actor)
        else:
            self._check_impartial(rules, cause.actor, "a reply")
            check_next_reply(next_reply_at, at, rules)
        check_words(text, rules)
        self.handler = cause.actor
        self.prevention = prevention or self.prevention
        self.notes.append(Note("reply" if final else "interim_reply", text, cause.actor, at))
        self._meet(ClockEnd.REPLIED, timing, at, cause)
        self._answered(timing, at, cause, told=True, final=final)
        if not final:
            moment = None if next_reply_at is None else timestamp(next_reply_at)
            interim = {
                "case_id": self.id,
                "step": "interim_reply",
                "at": timestamp(at),
                "next_reply_at": moment,
            }
            self.record("case_progressed", interim, at=at, cause=cause)
            return
        self._meet(ClockEnd.HANDLED, timing, at, cause)
        self._count(timing, REPLY, role, at, cause)
        self.rounds += 1
        self.replied_at = at
        refused = self.state is CaseState.REFUSED
        self.state = CaseState.REPLIED
        data: dict[str, Any] = {
            "case_id": self.id,
            "number": self.number,
            "contact_id": self.contacts[0],
            "customer_id": self.customer_id,
            "valid": not refused,
            "handler": cause.actor,
            "replied_at": timestamp(at),
            "round": self.rounds,
            "needs_callback": not refused and rules.close_condition.value is CloseCondition.CALLBACK,
        }
        self.record("case_replied", data, at=at, cause=cause)
        if refused:
            self._close_unless_open("refused", timing, at, cause)

    def close(self, timing: Timing, *, roles: Collection[str], at: datetime, cause: Cause) -> None:
        """Close by hand, where the rulebook asks for no callback; everything it does ask for must be there."""
        rules = timing.rules
        role = self._may(Step.CLOSE, timing, roles)
        self._must_be({CaseState.REPLIED}, "a case closes after its final reply")
        self._in_turn(timing, CLOSE, cause.actor)
        self._check_nothing_open(rules)
        if rules.close_condition.value is CloseCondition.CALLBACK:
            message = f"case {self.id} closes only after a callback that leaves the customer satisfied"
            raise RuleRefused(message, rule=rules.close_condition.source)
        required = rules.prevention_required
        if required is not None and required.value and not self.prevention:
            message = f"case {self.id} cannot close without a measure that prevents it from happening again"
            raise RuleRefused(message, rule=required.source, problems=(Problem("prevention", "is missing"),))
        self._count(timing, CLOSE, role, at, cause)
        self._close("reply", timing, at, cause)

    def callback_satisfied(self, round_number: int, timing: Timing, *, at: datetime, cause: Cause) -> None:
        """Close after the callback of round ``round_number``; a callback of another round changes nothing."""
        if self.has_processed(cause.message_id):
            return
        self.mark_processed(cause.message_id)
        waits = timing.rules.close_condition.value is CloseCondition.CALLBACK
        if waits and self.state is CaseState.REPLIED and round_number == self.rounds:
            self._close_unless_open("callback", timing, at, cause)

    def callback_unsatisfied(
        self,
        callback_id: str,
        round_number: int,
        timing: Timing,
        *,
        raised_again: bool = False,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Open the case again because the customer is not satisfied (A-TEL-15: keep improving).

        A closed case stays closed if the customer has ``raised_again`` the same and a newer case handles it.
        """
        if self.has_processed(cause.message_id):
            return
        self.mark_processed(cause.message_id)
        if (
            self.state not in {CaseState.REPLIED, CaseState.CLOSED}
            or round_number != self.rounds
            or not self.valid
        ):
            return
        if raised_again and not self.is_open:
            noted = {"case_id": self.id, "step": "unsatisfied", "at": timestamp(at)}
            self.record("case_progressed", noted, at=at, cause=cause)
            return
        self.state = CaseState.ACCEPTED
        self.closed_at = None
        self._open_again(timing, at)
        data = {
            "case_id": self.id,
            "callback_id": callback_id,
            "reopened_at": timestamp(at),
            "round": self.rounds + 1,
        }
        self.record("case_reopened", data, at=at, cause=cause)

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
        """Take a step of the path; the last one that was open closes a case that only waited for it."""
        super().take_step(timing, code, given, roles=roles, at=at, cause=cause)
        self._close_if_it_waits(timing, at, cause)

    def _close_if_it_waits(self, timing: Timing, at: datetime, cause: Cause) -> None:
        waiting = self.waits_to_close
        if waiting is not None and self.state is CaseState.REPLIED:
            self._close_unless_open(waiting, timing, at, cause)

    def _close_unless_open(self, because: str, timing: Timing, at: datetime, cause: Cause) -> None:
        """Close, or remember that only the open steps are in the way."""
        if not self._anything_open(timing.rules):
            self._close(because, timing, at, cause)
        elif self.waits_to_close is None:
            self.waits_to_close = because
            data = {"case_id": self.id, "step": "waits_for_steps", "at": timestamp(at)}
            self.record("case_progressed", data, at=at, cause=cause)

    def _close(self, because: str, timing: Timing, at: datetime, cause: Cause) -> None:
        self._meet(ClockEnd.CLOSED, timing, at, cause)
        # Nothing may tick on a closed case; whatever is still open is no longer asked for.
        self.deadlines = [d if d.ended_at is not None else d.supersede(at) for d in self.deadlines]
        self.state, self.closed_at = CaseState.CLOSED, at
        self.waits_to_close = None
        data = {
            "case_id": self.id,
            "closed_at": timestamp(at),
            "valid": bool(self.valid),
            "on_time": self.on_time,
            "rounds": self.rounds,
            "because": because,
        }
        self.record("case_closed", data, at=at, cause=cause)
