"""What other departments do for a case (转办): handed to each with its time, and closing waits for some of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.complaints.domain.checks import check_role
from services.complaints.domain.entrusted import EntrustedCase
from services.complaints.domain.liability.checks import wrong
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import OPEN_STATES
from services.complaints.domain.supervision.rules import REFERRAL, ReferralRule, SupervisionRules
from services.complaints.domain.supervision.watch import Referral
from services.complaints.domain.timing import Timing
from shared.errors import Conflict, Problem, RuleRefused
from shared.history import Cause, timestamp


@dataclass(kw_only=True)
class ReferredCase(EntrustedCase):
    """The part of a case that says which departments have it or had it."""

    referrals: list[Referral] = field(default_factory=list)

    def refer(
        self,
        timing: Timing,
        department: str,
        *,
        text: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Hand it to a department (转办), which has the time of the rulebook; Conflict while it has it already."""
        rule = self._referral_rule(timing, department)
        check_role(rule.grants, roles, self.channel, f"referring a case to {rule.name}", rule.source)
        self._must_be(OPEN_STATES, "it goes nowhere any more")
        if any(referral.open and referral.department == department for referral in self.referrals):
            raise Conflict(f"{department} has case {self.id} already")
        number = len(self.referrals) + 1
        clock = None
        if rule.within is not None:
            clock = f"{REFERRAL}.{number}"
            self.deadlines.append(timing.begin_step(clock, rule.within, None, at))
        begun = Referral(number, department, cause.actor, at, clock, rule.holds_closing, rule.source)
        self.referrals.append(begun)
        data = {
            "case_id": self.id,
            "referral": number,
            "department": department,
            "due_at": self._due_at(clock),
            "by": cause.actor,
            "source": rule.source,
            "referred_at": timestamp(at),
        }
        self.record("case_referred", data, at=at, cause=cause)
        self._note("referral", text, at, cause)

    def return_referral(
        self,
        timing: Timing,
        number: int,
        *,
        text: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Confirm that a department has done its part; what waited only for that closes."""
        found = next((referral for referral in self.referrals if referral.number == number), None)
        if found is None:
            raise wrong("referral", f"must be one of 1 to {len(self.referrals)}")
        rule = self._referral_rule(timing, found.department)
        check_role(rule.returns, roles, self.channel, f"confirming the work of {rule.name}", rule.source)
        self._must_be(OPEN_STATES, "nothing is confirmed any more")
        if not found.open:
            raise Conflict(f"referral {number} of case {self.id} came back already")
        done = replace(found, returned_at=at, returned_by=cause.actor)
        self.referrals = [done if referral is found else referral for referral in self.referrals]
        if found.clock is not None:
            self._meet_named(found.clock, timing, at, cause)
        late = any(deadline.name == found.clock and deadline.was_breached for deadline in self.deadlines)
        data = {
            "case_id": self.id,
            "referral": number,
            "department": found.department,
            "on_time": not late,
            "by": cause.actor,
            "returned_at": timestamp(at),
        }
        self.record("referral_returned", data, at=at, cause=cause)
        self._note("referral_return", text, at, cause)
        self._close_if_it_waits(timing, at, cause)

    def _referral_rule(self, timing: Timing, department: str) -> ReferralRule:
        rules = timing.rules.supervision or SupervisionRules()
        rule = rules.referral(department)
        if rule is None:
            known = (
                ", ".join(each.code for each in rules.referrals) or "none: the rulebook names no department"
            )
            raise wrong("department", f"must be one of {known}")
        return rule

    def _due_at(self, clock: str | None) -> str | None:
        return next((timestamp(d.due_at) for d in reversed(self.deadlines) if d.name == clock), None)

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        super()._check_nothing_open(rules)
        for referral in self._holding():
            problem = Problem("referral", f"{referral.department} has not finished")
            message = f"case {self.id} cannot close before {referral.department} has done its part"
            raise RuleRefused(message, rule=referral.source, problems=(problem,))

    def _anything_open(self, rules: ComplaintRules) -> bool:
        return super()._anything_open(rules) or bool(self._holding())

    def _holding(self) -> list[Referral]:
        return [referral for referral in self.referrals if referral.open and referral.holds_closing]
