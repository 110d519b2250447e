"""What a case does under supervision (督办): urges, repeated progress, reports to superiors, feedback."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.complaints.domain.checks import check_role
from services.complaints.domain.liability.checks import armed, wrong
from services.complaints.domain.money.rules import Danger
from services.complaints.domain.path.rules import VALIDITY
from services.complaints.domain.referred import ReferredCase
from services.complaints.domain.rulebook import ClockEnd, ComplaintRules
from services.complaints.domain.states import OPEN_STATES, CaseState
from services.complaints.domain.supervision.rules import (
    REPORT,
    URGE,
    FeedbackOf,
    SupervisionRules,
    UrgeRule,
)
from services.complaints.domain.supervision.watch import AskedBy, Entered, Report, Urge, Watch
from services.complaints.domain.timing import Timing
from shared.errors import Conflict, Problem, RuleRefused
from shared.history import Cause, timestamp

MANUAL, URGED = "manual", "urges"


@dataclass(kw_only=True)
class SupervisedCase(ReferredCase):
    """The part of a case that those who watch over it know."""

    watches: list[Watch] = field(default_factory=list)
    urges: list[Urge] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    entered: list[Entered] = field(default_factory=list)
    apologised_at: datetime | None = None
    apology_missing: bool = False
    result_told_at: datetime | None = None

    @property
    def supervisors(self) -> list[str]:
        """Return who supervises it now, as roles or departments."""
        return list(dict.fromkeys(watch.supervisor for watch in self.watches if watch.active))

    @property
    def unanswered(self) -> list[str]:
        """Return the clocks of urges that nobody has answered yet."""
        asked = {urge.clock for urge in self.urges}
        return [deadline.name for deadline in self.deadlines if deadline.open and deadline.name in asked]

    def watch(self, timing: Timing, at: datetime, cause: Cause) -> None:
        """Come under supervision where the rulebook's levels or breaches ask for it; once by each of its rules."""
        if not self.is_open:
            return
        known = {watch.because for watch in self.watches}
        for rule in _rules(timing).automatic:
            breached = any(d.was_breached and rule.caused_by(d.name) for d in self.deadlines)
            if rule.code not in known and (self.level in rule.levels or breached):
                begun = Watch(rule.supervisor, rule.lead, rule.code, rule.source, "system", at)
                self._supervised_by(begun, at, cause)

    def start_supervision(
        self,
        timing: Timing,
        supervisor: str,
        *,
        lead: str | None,
        reason: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Put it under the supervision of a role or department, by a role the rulebook grants that to.

        Conflict where that one supervises it already.
        """
        rule = armed(_rules(timing).starts, "supervising a case")
        check_role(rule.grants, roles, self.channel, "putting a case under supervision", rule.source)
        self._must_be(OPEN_STATES, "nothing is left to supervise")
        if supervisor in self.supervisors:
            raise Conflict(f"case {self.id} is under the supervision of {supervisor} already")
        begun = Watch(supervisor, lead, MANUAL, rule.source, cause.actor, at)
        self._supervised_by(begun, at, cause)
        self._note("supervision", reason, at, cause)

    def end_supervision(
        self,
        timing: Timing,
        supervisor: str,
        *,
        reason: str,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Release it; Conflict where that one does not supervise it, RuleRefused while an urge waits for an answer."""
        rule = armed(_rules(timing).starts, "supervising a case")
        check_role(rule.grants, roles, self.channel, "releasing a case", rule.source)
        if supervisor not in self.supervisors:
            raise Conflict(f"case {self.id} is not under the supervision of {supervisor}")
        if self.is_open and self.unanswered:
            message = f"case {self.id} is released once its urges are answered"
            raise RuleRefused(message, rule=rule.source)
        self.watches = [
            replace(watch, ended_at=at, ended_by=cause.actor)
            if watch.active and watch.supervisor == supervisor
            else watch
            for watch in self.watches
        ]
        data = {"case_id": self.id, "supervisor": supervisor, "by": cause.actor, "ended_at": timestamp(at)}
        self.record("supervision_ended", data, at=at, cause=cause)
        self._note("supervision_end", reason, at, cause)

    def urge(
        self,
        timing: Timing,
        asked_by: AskedBy,
        *,
        text: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Urge the handler (催办): counted, answered by progress or a reply, and from some number on escalated."""
        rule = armed(_rules(timing).urges, "urging a case")
        role = check_role(rule.grants, roles, self.channel, "urging", rule.source)
        self._must_be(OPEN_STATES, "nothing is left to urge")
        self._check_frequency(rule, timing, at)
        number = len(self.urges) + 1
        clock = None
        if rule.answer_within is not None:
            clock = f"{URGE}.{number}"
            self.deadlines.append(timing.begin_step(clock, rule.answer_within, None, at))
        escalation = rule.escalation
        before = any(urge.escalated_to for urge in self.urges)
        due = escalation is not None and number >= escalation.after and not before
        to = escalation.to if escalation is not None and due else None
        self.urges.append(Urge(number, asked_by, cause.actor, role, at, clock, to))
        data = {
            "case_id": self.id,
            "number": number,
            "asked_by": asked_by.value,
            "by": cause.actor,
            "role": role,
            "due_at": self._due_at(clock),
            "source": rule.source,
            "urged_at": timestamp(at),
        }
        self.record("case_urged", data, at=at, cause=cause)
        self._note("urge", text, at, cause)
        if escalation is not None and to is not None:
            data = {
                "case_id": self.id,
                "number": number,
                "to": to,
                "source": escalation.source,
                "escalated_at": timestamp(at),
            }
            self.record("urges_escalated", data, at=at, cause=cause)
            if to not in self.supervisors:
                begun = Watch(to, None, URGED, escalation.source, "system", at)
                self._supervised_by(begun, at, cause)

    def report_up(
        self,
        timing: Timing,
        code: str,
        *,
        text: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Report it to the superior of the rulebook's duty ``code`` (上报), once."""
        rules = _rules(timing)
        rule = rules.report(code)
        if rule is None:
            known = ", ".join(each.code for each in rules.reports_up) or "none: the rulebook has no such duty"
            raise wrong("report", f"must be one of {known}")
        role = check_role(rule.grants, roles, self.channel, rule.name, rule.source)
        self._must_be(OPEN_STATES, "it is reported while it is handled")
        if any(report.code == code for report in self.reports):
            raise Conflict(f"case {self.id} was reported under {code} already")
        self.reports.append(Report(code, rule.to, cause.actor, at))
        clock = f"{REPORT}.{code}"
        self._meet_named(clock, timing, at, cause)
        late = any(deadline.name == clock and deadline.was_breached for deadline in self.deadlines)
        data = {
            "case_id": self.id,
            "report": code,
            "to": rule.to,
            "level": self.level,
            "by": cause.actor,
            "role": role,
            "on_time": not late,
            "source": rule.source,
            "reported_at": timestamp(at),
        }
        self.record("case_reported_up", data, at=at, cause=cause)
        self._note("report_up", text, at, cause)

    def declare_danger(
        self, timing: Timing, danger: Danger, *, roles: Collection[str], at: datetime, cause: Cause
    ) -> None:
        """Enter what it threatens to become; that may have to be reported to superiors."""
        super().declare_danger(timing, danger, roles=roles, at=at, cause=cause)
        self._begin_reports(timing, at)

    def refresh_step_clocks(self, timing: Timing, at: datetime) -> None:
        """Begin also the clocks of what has to be reported to superiors."""
        super().refresh_step_clocks(timing, at)
        self._begin_reports(timing, at if len(self.history) else self.received_at)

    def _supervised_by(self, begun: Watch, at: datetime, cause: Cause) -> None:
        self.watches.append(begun)
        data = {
            "case_id": self.id,
            "supervisor": begun.supervisor,
            "lead": begun.lead,
            "because": begun.because,
            "level": self.level,
            "by": begun.by,
            "source": begun.source,
            "since": timestamp(at),
        }
        self.record("supervision_started", data, at=at, cause=cause)

    def _begin_reports(self, timing: Timing, start: datetime) -> None:
        reported, begun = {report.code for report in self.reports}, {d.name for d in self.deadlines}
        for rule in _rules(timing).reports_up:
            clock = f"{REPORT}.{rule.code}"
            due = rule.due(self.level, endangered=self.endangered)
            if due and rule.within is not None and rule.code not in reported and clock not in begun:
                self.deadlines.append(timing.begin_step(clock, rule.within, None, start))

    def _check_frequency(self, rule: UrgeRule, timing: Timing, at: datetime) -> None:
        if rule.at_most is not None and len(self.urges) >= rule.at_most.value:
            message = f"case {self.id} was urged {len(self.urges)} times: no more are permitted"
            raise RuleRefused(message, rule=rule.at_most.source)
        if rule.apart is not None and self.urges:
            again = timing.begin_step(URGE, rule.apart, None, self.urges[-1].at).due_at
            if at < again:
                message = f"case {self.id} may be urged again from {timestamp(again)} on"
                raise RuleRefused(message, rule=rule.apart.source)

    def _apologise(self, at: datetime, cause: Cause) -> None:
        """Note that the first contact began with an apology (先道歉)."""
        if self.apologised_at is None:
            self.apologised_at = at
            data = {"case_id": self.id, "step": "apology", "at": timestamp(at)}
            self.record("case_progressed", data, at=at, cause=cause)

    def _count(self, timing: Timing, code: str, role: str, at: datetime, cause: Cause) -> None:
        """Refuse or mark a decision that no apology came before, where one comes first."""
        rule = _rules(timing).apology_first
        if code == VALIDITY and rule is not None and self.apologised_at is None:
            if rule.required:
                problem = Problem("apology", "is missing")
                message = f"case {self.id} is decided on after an apology to the customer"
                raise RuleRefused(message, rule=rule.source, problems=(problem,))
            self.apology_missing = True
        super()._count(timing, code, role, at, cause)

    def _enter(self, timing: Timing, step: str, at: datetime, cause: Cause, *, told: bool) -> None:
        """Keep an entry of progress; one that the customer was told of tells them the result, once they have it."""
        self.entered.append(Entered(step, cause.actor, at, told))
        self._answered(timing, at, cause, told=told, final=False)
        if told and self.state is CaseState.REPLIED:
            self.result_told_at = at
        if told:
            data = {"case_id": self.id, "step": step, "by": cause.actor, "told_at": timestamp(at)}
            self.record("customer_told", data, at=at, cause=cause)
            self._close_if_it_waits(timing, at, cause)

    def _answered(self, timing: Timing, at: datetime, cause: Cause, *, told: bool, final: bool) -> None:
        """End what progress or a reply answers: urges, and clocks by which either is wanted again and again."""
        self._meet_clocks(lambda: [d for d in self.deadlines if d.name in self.unanswered], timing, at, cause)
        self._meet(ClockEnd.PROGRESSED, timing, at, cause)
        if told:
            self._meet(ClockEnd.TOLD, timing, at, cause)
        if final:
            # The result was told as well; what is due by then is due again only once the case is opened again.
            self.result_told_at = None
        elif self.state is CaseState.ACCEPTED:
            self.deadlines += timing.begin_again(self.deadlines, at, self.level)

    def _open_again(self, timing: Timing, at: datetime) -> None:
        super()._open_again(timing, at)
        self.result_told_at = None
        self.deadlines += timing.begin_again(self.deadlines, at, self.level)

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        super()._check_nothing_open(rules)
        wanted = self._feedback_wanted(rules)
        if wanted is not None:
            message = f"case {self.id} cannot close before the customer was told the result"
            raise RuleRefused(message, rule=wanted, problems=(Problem("feedback", "is missing"),))

    def _anything_open(self, rules: ComplaintRules) -> bool:
        return super()._anything_open(rules) or self._feedback_wanted(rules) is not None

    def _feedback_wanted(self, rules: ComplaintRules) -> str | None:
        """Return the rule that wants the result told before closing, while it was not."""
        rule = (rules.supervision or SupervisionRules()).feedback
        if rule is None or self.result_told_at is not None or self.valid is not True:
            return None
        return rule.source if rule.of is FeedbackOf.EVERY or self.urges else None


def _rules(timing: Timing) -> SupervisionRules:
    return timing.rules.supervision or SupervisionRules()
