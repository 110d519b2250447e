"""A wave (一次调查) of one kind of survey: planned, launched, sent page by page, closed, summed up, evaluated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from services.followup.domain.surveys.definition import Method, Part, SurveyKind
from services.followup.domain.surveys.sampling import Stratum
from shared.clocks import Firing, Kind
from shared.errors import Forbidden, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.timed import Timed
from shared.worktime import Calendar, Duration

#: The clock of a wave: until when answers are taken. Its end closes the wave.
COLLECT = "collect"

PLANNED, LAUNCHED, CLOSED, EVALUATED = "planned", "launched", "closed", "evaluated"
STATES = (PLANNED, LAUNCHED, CLOSED, EVALUATED)

#: What is under way page by page: people are counted, then drawn; those who have not answered are reminded.
COUNT, DRAW, REMIND = "count", "draw", "remind"


@dataclass(frozen=True, slots=True)
class Job:
    """Work that goes through many people in pages; ``after`` is the id of the last one done."""

    what: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is asked why and how; ``seed`` makes the draw repeatable, ``stratify`` names the trait of the layers.

    The target is ``customers`` by id, or everybody with the traits ``where``.
    """

    seed: str
    purpose: str | None = None
    method: Method | None = None
    where: Mapping[str, str] | None = None
    customers: tuple[str, ...] = ()
    size: int | None = None
    percent: Decimal | None = None
    stratify: str | None = None


@dataclass(kw_only=True)
class Wave(Timed):
    """One wave; ``planned_by`` and the others who act stand in the history."""

    subject: ClassVar[str] = "survey_wave"

    kind: str
    plan: Plan
    planned_at: datetime
    standing: bool = False
    state: str = PLANNED
    rehearsed: bool = False
    launched_at: datetime | None = None
    closed_at: datetime | None = None
    job: Job | None = None
    strata: list[Stratum] = field(default_factory=list)
    sent: int | None = None
    reminders: int = 0
    below: list[str] = field(default_factory=list)
    summed: bool = False
    credibility: str | None = None
    conclusion: str | None = None

    @property
    def population(self) -> int:
        """Return how many people the target holds, as counted."""
        return sum(stratum.size for stratum in self.strata)

    def planned(self, kind: SurveyKind, cause: Cause) -> None:
        """Take the plan; refused by the rule that says what a plan needs, naming all that is missing."""
        plan = self.plan
        given = {
            Part.PURPOSE: plan.purpose is not None,
            Part.TARGET: bool(plan.customers) or plan.where is not None,
            Part.SAMPLE: bool(plan.customers) or plan.size is not None or plan.percent is not None,
            Part.METHOD: plan.method is not None,
        }
        lacking = [part for part in (kind.plan.value if kind.plan else ()) if not given[part]]
        if lacking and kind.plan is not None:
            problems = tuple(Problem(part.value, "is missing in the plan") for part in lacking)
            message = f"the plan lacks {', '.join(lacking)}"
            raise RuleRefused(message, rule=kind.plan.source, problems=problems)
        if plan.method is not None and plan.method not in kind.methods:
            problem = Problem("method", f"must be one of {', '.join(kind.methods)}")
            raise ValidationFailed("the survey is not made that way", problems=(problem,))
        share = kind.share
        if share and (plan.customers or plan.size is not None or plan.percent not in (None, share.value)):
            message = f"{share.value} % of the target are asked, no other sample"
            raise RuleRefused(message, rule=share.source)
        self._record("planned", self.planned_at, cause)

    def rehearse(self, at: datetime, cause: Cause) -> None:
        """Note that the survey was tried out beforehand (事前模拟)."""
        self._expect(PLANNED, "rehearsed")
        self.rehearsed = True
        self._record("rehearsed", at, cause)

    def launch(
        self, kind: SurveyKind, roles: Collection[str], calendar: Calendar, at: datetime, cause: Cause
    ) -> None:
        """Begin to ask; who may is said by the rulebook, and whether it must have been rehearsed."""
        self._expect(PLANNED, "launched")
        if kind.launchers and not set(kind.launchers.value) & set(roles):
            message = f"surveys of this kind are launched by {', '.join(kind.launchers.value)}"
            raise Forbidden(message, rule=kind.launchers.source)
        if kind.rehearsal and kind.rehearsal.value and not self.rehearsed:
            raise RuleRefused("the survey was not rehearsed", rule=kind.rehearsal.source)
        self.state, self.launched_at, self.job = LAUNCHED, at, Job(COUNT)
        self._record("launched", at, cause)
        if kind.closes:
            self.begin_clock(COLLECT, kind.closes, calendar, at, cause, warn_at=kind.reminders)

    def stand(
        self, until: datetime, calendar: Calendar, kind: SurveyKind, at: datetime, cause: Cause
    ) -> None:
        """Be launched without a draw until the instant ``until``: people are asked one by one as cases close."""
        self.state, self.launched_at = LAUNCHED, at
        self._record("launched", at, cause)
        source = kind.closes.source if kind.closes else kind.source
        if kind.closes:
            after = Sourced(Duration(kind.closes.value.amount, kind.closes.value.unit), source)
            self.begin_clock(COLLECT, after, calendar, at, cause, since=until)
        else:
            self.begin_clock_until(COLLECT, until, calendar, at, cause, source=source)

    def have_sent(self, sent: int, at: datetime, cause: Cause) -> None:
        """End the draw: ``sent`` people are asked."""
        self.job, self.sent = None, sent
        self._record("sent", at, cause)

    def after_firing(self, firing: Firing, now: datetime, cause: Cause) -> None:
        """Remind when the clock warns, and close when it ends."""
        if self.state != LAUNCHED:
            return
        if firing.kind is Kind.BREACHED:
            self._close(now, cause)
        elif self.job is None:
            self.reminders += 1
            self.job = Job(REMIND)
            self._record("reminded", now, cause)

    def close(self, at: datetime, cause: Cause) -> None:
        """Take no more answers, before the time is over."""
        self._expect(LAUNCHED, "closed")
        self.meet_clock(COLLECT, at, cause)
        if self.state == LAUNCHED:
            self._close(at, cause)

    def sum_up(self, result: Mapping[str, Any], below: list[str], at: datetime, cause: Cause) -> None:
        """Record what the answers came to; ``below`` names the dimensions that call for improvement. Once."""
        if self.summed:
            return
        self.summed, self.below = True, below
        data = {"wave_id": self.id, "kind": self.kind, "below": below, **result}
        self.record("survey_summed", data, at=at, cause=cause)

    def evaluate(
        self, kind: SurveyKind, credibility: str | None, conclusion: str | None, at: datetime, cause: Cause
    ) -> None:
        """Judge the data (可信度评价); refused without a judgement of credibility where the rulebook asks for one."""
        self._expect(CLOSED, "evaluated")
        if kind.credibility and kind.credibility.value and credibility is None:
            problem = Problem("credibility", "is missing")
            message = "the credibility of the data was not judged"
            raise RuleRefused(message, rule=kind.credibility.source, problems=(problem,))
        self.state, self.credibility, self.conclusion = EVALUATED, credibility, conclusion
        self._record("evaluated", at, cause)

    def takes_answers(self, at: datetime) -> bool:
        """Return whether an answer that comes at ``at`` is in time, whether or not the timer has come round."""
        clock = self.clock(COLLECT)
        return self.state == LAUNCHED and (clock is None or at < clock.due_at)

    def seen(self, stratum: Stratum) -> None:
        """Put back a stratum that was looked at."""
        self.strata = [stratum if each.code == stratum.code else each for each in self.strata]

    def go_on(self, after: str | None) -> None:
        """Note how far the work came; None ends it."""
        if self.job is not None:
            self.job = None if after is None else replace(self.job, after=after)

    def _close(self, at: datetime, cause: Cause) -> None:
        self.state, self.closed_at, self.job = CLOSED, at, None
        self._record("closed", at, cause)

    def _expect(self, state: str, done: str) -> None:
        if self.state != state:
            raise RuleRefused(f"a wave is {done} when it is {state}; this one is {self.state}", rule="design")

    def _record(self, action: str, at: datetime, cause: Cause) -> None:
        data = {
            "wave_id": self.id,
            "kind": self.kind,
            "action": action,
            "state": self.state,
            "method": self.plan.method.value if self.plan.method else None,
            "sent": self.sent,
            "at": timestamp(at),
        }
        self.record("survey_changed", data, at=at, cause=cause)
