"""What a case knows of how it was received: source, claim made clear, opinion, refusal, late entry, departments."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.carded import CardedCase
from services.complaints.domain.checks import check_role
from services.complaints.domain.claim import Note, clocks_data
from services.complaints.domain.liability.checks import armed, not_concerned, not_own, wrong
from services.complaints.domain.path.rules import REPLY, VALIDITY
from services.complaints.domain.receiving.claims import Clarified, check_clear, check_given, unclear
from services.complaints.domain.receiving.rules import ReceivingRules, RefusalRule
from services.complaints.domain.rulebook import ClockStart, ComplaintRules, Step
from services.complaints.domain.states import OPEN_STATES, CaseState
from services.complaints.domain.timing import Timing
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thinks of whether the complaint stands, before another person decides."""

    stands: bool
    ground: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """That the customer was told politely that the complaint does not stand."""

    way: str
    by: str
    at: datetime


@dataclass(kw_only=True)
class ReceivedCase(CardedCase):
    """The part of a case that says how it was received.

    ``source`` is where it came from; ``taken_by`` who took the contact; ``recount`` while the other cases of the
    matter still have to be counted anew, because the claim was clarified into it.
    """

    matter_id: str
    #: In the whole matter when that last could change the level, counted up to the rulebook's highest border; how
    #: many there are now the matter itself tells.
    households: int = 1
    #: The number of households that could lift it next; None when none can.
    next_border: int | None = None
    opened_at: datetime
    taken_by: str | None = None
    escalations: int = 0
    late_entry_at: datetime | None = None
    opinion: Opinion | None = None
    refusal_told: Told | None = None
    recount: bool = False

    def clarify_claim(
        self,
        timing: Timing,
        given: Clarified,
        *,
        matter_id: str,
        households: int,
        reason: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Set what was found out about the claim; the level rises where that asks for it and never falls.

        ``matter_id`` and ``households`` are of the matter the claim then belongs to. Raises RuleRefused to
        somebody without the right and, with the rule that lists them, for values it does not list;
        ValidationFailed where nothing would change.
        """
        rules = timing.rules
        clarify = _of(rules).clarify
        if clarify is None:
            role = self._may(Step.HANDLE, timing, roles)
        else:
            role = check_role(clarify.grants, roles, self.channel, "clarifying a claim", clarify.source)
        self._must_be({CaseState.RECEIVED, CaseState.ACCEPTED}, "its claim is what was answered")
        claim = given.over(self.claim)
        check_given(given, claim, rules)
        self._check_source(given.source, rules)
        changed = self._changed(given)
        if not changed:
            raise wrong("claim", "is so already: nothing would change")
        if "problem" in changed and self.offers:
            message = f"case {self.id} has offers, whose sums count in the matter of its problem"
            raise RuleRefused(
                message, rule="design", problems=(Problem("problem", "cannot change any more"),)
            )
        self.claim, self.unit_id = claim, given.unit_id or self.unit_id
        if given.source is not None:
            self._move_to(given.source, timing, at)
        if {"problem", "unit_id"} & set(changed):
            self.matter_id, self.recount = matter_id, True
            self._know_of(max(self.households, households), rules)
        self.notes.append(Note("clarification", reason, cause.actor, at))
        data = {
            "case_id": self.id,
            "changed": changed,
            "complainant_type": claim.complainant_type,
            "demand": claim.demand,
            "problem": claim.problem,
            "amount": None if claim.amount is None else str(claim.amount),
            "unit_id": self.unit_id,
            "source": self.source,
            "unclear": [each.field for each in unclear(claim, rules)],
            "by": cause.actor,
            "role": role,
            "clarified_at": timestamp(at),
            "clocks": clocks_data(self.deadlines),
        }
        self.record("claim_clarified", data, at=at, cause=cause)
        self._raise_level(timing, at, cause)

    def _know_of(self, households: int, rules: ComplaintRules) -> None:
        self.households, self.next_border = households, rules.next_border(households)

    def counted(self, *, at: datetime, cause: Cause) -> None:
        """Note that the cases of its matter were counted anew."""
        self.recount = False
        data = {"case_id": self.id, "step": "matter_counted", "at": timestamp(at)}
        self.record("case_progressed", data, at=at, cause=cause)

    def give_opinion(
        self,
        timing: Timing,
        *,
        stands: bool,
        ground: str | None,
        text: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Say whether the complaint stands, for another person to decide; a later opinion replaces an earlier one."""
        rule = armed(_of(timing.rules).opinion, "opinions on whether a complaint stands")
        role = check_role(rule.grants, roles, self.channel, "the opinion", rule.source)
        self._must_be({CaseState.RECEIVED}, "it was decided whether it stands")
        self._check_impartial(timing.rules, cause.actor, "the opinion")
        self.opinion = Opinion(stands, ground, cause.actor, at)
        self.notes.append(Note("opinion", text, cause.actor, at))
        data = {
            "case_id": self.id,
            "stands": stands,
            "ground": ground,
            "by": cause.actor,
            "role": role,
            "given_at": timestamp(at),
        }
        self.record("opinion_given", data, at=at, cause=cause)

    def tell_refusal(
        self,
        timing: Timing,
        values: Mapping[str, str],
        *,
        way: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Tell the customer with the rulebook's words that the complaint does not stand (婉拒); the reply it then is.

        ``values`` fill the places of the text, but for the case's number. Raises ValidationFailed for one that has
        no place, RuleRefused with the text's rule for one that is missing.
        """
        rule = armed(_of(timing.rules).refusal, "the words of a refusal")
        self._must_be({CaseState.REFUSED}, "only a complaint found not to stand is refused")
        text = self._refusal_text(rule, values)
        self.refusal_told = Told(way, cause.actor, at)
        data = {
            "case_id": self.id,
            "contact_id": self.contacts[0],
            "customer_id": self.customer_id,
            "way": way,
            "source": rule.source,
            "by": cause.actor,
            "told_at": timestamp(at),
        }
        self.record("refusal_told", data, at=at, cause=cause)
        self.reply(
            timing, text, final=True, next_reply_at=None, prevention=None, roles=roles, at=at, cause=cause
        )

    def report_late_entry(
        self, timing: Timing, *, reason: str, roles: Collection[str], at: datetime, cause: Cause
    ) -> None:
        """Report that it was entered late through oversight, which counts as an escalation (B-JKC-60).

        Raises RuleRefused where the rulebook has no such rule, and where it was entered in time; Conflict when it
        was reported before.
        """
        flag, rule = timing.rules.late_entry_escalates, _of(timing.rules).late_entry
        if flag is None or not flag.value or rule is None:
            raise RuleRefused("the rulebook has no rule for late entries", rule="design")
        check_role(rule.by.grants, roles, self.channel, "reporting a late entry", rule.by.source)
        self._must_be(OPEN_STATES, "it escalates no more")
        if self.late_entry_at is not None:
            raise Conflict(f"the late entry of case {self.id} was reported already")
        due = timing.begin_step("entry", rule.within, None, self.received_at) if rule.within else None
        if (due.due_at if due is not None else self.received_at) > self.opened_at:
            raise RuleRefused(f"case {self.id} was entered in time", rule=rule.by.source)
        self.late_entry_at = at
        self.escalations += 1
        self.notes.append(Note("late_entry", reason, cause.actor, at))
        data = {
            "case_id": self.id,
            "cause": "late_entry",
            "contact_id": self.contacts[0],
            "channel": self.channel,
            "repeats": self.repeats,
        }
        self.record("case_escalated", data, at=at, cause=cause)
        self._raise_level(timing, at, cause)

    def _may(self, kind: Step, timing: Timing, roles: Collection[str], *, code: str | None = None) -> str:
        """Let the owners of the case's source work on it and nobody else, where it has any."""
        origin = _of(timing.rules).origin(self.source)
        if origin is None or not origin.owners:
            return super()._may(kind, timing, roles, code=code)
        role = next((owner for owner in origin.owners if owner in roles), None)
        if role is None:
            wanted = ", ".join(origin.owners)
            message = f"{kind.value} is for {wanted} on a case from {origin.name}"
            raise RuleRefused(message, rule=origin.source)
        return role

    def _in_turn(self, timing: Timing, code: str, actor: str) -> None:
        """Refuse a step to whom the case is about, a decision without its opinion, a reply in words of one's own."""
        super()._in_turn(timing, code, actor)
        receiving = _of(timing.rules)
        self._check_impartial(timing.rules, actor, code)
        if code == VALIDITY and receiving.opinion is not None:
            if self.opinion is None and receiving.opinion.required:
                message = f"case {self.id} needs an opinion before it is decided whether it stands"
                raise RuleRefused(message, rule=receiving.opinion.source)
            authors = (self.opinion.by,) if self.opinion is not None else ()
            not_own(actor, authors, "the decision", receiving.opinion.source)
        refusal, told = receiving.refusal, self.refusal_told is not None
        if (
            code == REPLY
            and refusal is not None
            and refusal.binding
            and self.state is CaseState.REFUSED
            and not told
        ):
            message = f"case {self.id} does not stand: tell_refusal answers it with the rulebook's words"
            raise RuleRefused(message, rule=refusal.source)

    def _check_clear(self, rules: ComplaintRules) -> None:
        check_clear(self.claim, rules, self.id)

    def _check_impartial(self, rules: ComplaintRules, actor: str, what: str) -> None:
        flag = _of(rules).impartial
        if flag is not None and flag.value:
            not_concerned(actor, self.accused, what, flag.source)

    def _changed(self, given: Clarified) -> list[str]:
        old = {
            **{name: getattr(self.claim, name) for name in ("complainant_type", "demand", "problem")},
            **{name: getattr(self.claim, name) for name in ("amount", "media", "lawsuit")},
            "unit_id": self.unit_id,
            "source": self.source,
        }
        return [name for name, value in old.items() if getattr(given, name) not in {None, value}]

    def _check_source(self, source: str | None, rules: ComplaintRules) -> None:
        known = [rule.code for rule in _of(rules).sources]
        if source is not None and source not in known:
            raise wrong(
                "source", f"must be one of {', '.join(known) or 'none: the rulebook names no source'}"
            )

    def _move_to(self, source: str, timing: Timing, at: datetime) -> None:
        """Change the source; clocks of the old one alone end, those of the new one begin where the case began."""
        self.source = source
        for deadline in list(self.deadlines):
            rule = timing.rules.clock(deadline.name)
            if rule is not None and deadline.open and not rule.runs_for(source):
                self._put(deadline, deadline.supersede(at))
        running = {deadline.name for deadline in self.deadlines if deadline.open}
        wanted = timing.begin(
            ClockStart.RECEIVED, self.received_at, self.level, valid=self.valid, source=source
        )
        only = {rule.name for rule in timing.rules.clocks if rule.sources}
        self.deadlines += [each for each in wanted if each.name in only - running]

    def _refusal_text(self, rule: RefusalRule, values: Mapping[str, str]) -> str:
        odd = sorted(set(values) - set(rule.variables))
        if odd:
            problems = tuple(Problem(f"values.{name}", "has no place in the text") for name in odd)
            raise ValidationFailed("the text of the refusal has no such place", problems=problems)
        filled = {"number": self.number, **values}
        missing = [name for name in rule.variables if not filled.get(name, "").strip()]
        if missing:
            problems = tuple(Problem(f"values.{name}", "is missing") for name in missing)
            message = f"the refusal must say: {', '.join(missing)}"
            raise RuleRefused(message, rule=rule.source, problems=problems)
        return rule.text.format_map(filled)

    @abstractmethod
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
        """Reply to the customer; see Case, which knows how."""

    @abstractmethod
    def _raise_level(self, timing: Timing, at: datetime, cause: Cause) -> None:
        """Raise the level where the facts ask for it; see Case, which knows how."""


def _of(rules: ComplaintRules) -> ReceivingRules:
    return rules.receiving or _NOTHING


_NOTHING = ReceivingRules()
