"""Requests (客户需求、报修、订单、任务…): who answers for them, what was done, what they wait for, until closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from services.intake.domain.requests.rules import Effect, holds
from shared.clocks import Firing, Kind
from shared.errors import RuleRefused
from shared.history import Cause, timestamp
from shared.regulations.values import DESIGN
from shared.timed import Timed


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has something: a unit, within it a role, or one member of staff."""

    unit: str | None = None
    role: str | None = None
    staff: str | None = None

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {"unit": self.unit, "role": self.role, "staff": self.staff}


@dataclass(frozen=True, slots=True)
class Passed:
    """A change of hands: offered to whom, by whom, why, and who accepted it when; the deputy of whom, if one was."""

    to: Holder
    by: str
    at: datetime
    reason: str
    accepted_by: str | None = None
    accepted_at: datetime | None = None
    acting_for: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """An action that was taken; ``stage`` is the one it led to, ``acting_for`` for whom a deputy took it."""

    action: str
    stage: str
    by: str
    at: datetime
    filled: tuple[str, ...]
    acting_for: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a role was told, and by which rule."""

    role: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something a role has to do for the request; ``about`` is the clock that ran out, if it was one."""

    code: str
    to: str
    at: datetime
    source: str
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """An answer that the rulebook gives for such a case."""

    text: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a department has to do with the request."""

    unit: str
    answer_by: datetime
    asked_by: str
    text: str | None = None
    agrees: bool | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the office ruled between departments."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OnBreach:
    """Whose task it becomes when a clock runs out, by which rule; kept, for the timer asks no rulebook."""

    clock: str
    task: str
    to: str
    source: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a request is opened with; ``asked_at`` is when the customer asked, which may be long before."""

    kind: str
    process: str
    stage: str
    level: str
    rank: int
    contact_id: str | None
    customer_id: str | None
    customer_class: str | None
    channel: str | None
    category: str | None
    subtype: str | None
    text: str
    opened_by: str
    opened_at: datetime
    owner: Holder
    first_responsible: Holder
    source: str
    asked_at: datetime | None = None


@dataclass(kw_only=True)
class Request(Timed):
    """One request; free text stays in it and never goes into events.

    ``sole`` is what it has to be the only open one of; nothing where others may be open beside it.
    """

    subject: ClassVar[str] = "request"

    opening: Opening
    stage: str
    level: str
    rank: int
    owner: Holder
    first_responsible: Holder
    facts: dict[str, Any] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    helpers: list[Holder] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    lead: str | None = None
    notices: list[Notice] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    on_breach: list[OnBreach] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    sole: str | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None

    @staticmethod
    def open(
        request_id: str, org: str, regulation: str, opening: Opening, facts: Mapping[str, Any], cause: Cause
    ) -> Request:
        """Open a request with what is known at once."""
        request = Request(
            id=request_id,
            org=org,
            regulation=regulation,
            opening=opening,
            stage=opening.stage,
            level=opening.level,
            rank=opening.rank,
            owner=opening.owner,
            first_responsible=opening.first_responsible,
            facts=dict(facts),
        )
        names = ("kind", "contact_id", "customer_id", "channel", "level", "subtype", "source")
        data = {
            "request_id": request_id,
            **{name: getattr(opening, name) for name in names},
            "stage": request.stage,
            "area": request.facts.get("area"),
            "owner": request.owner.as_data(),
            "first_responsible": request.first_responsible.as_data(),
        }
        request.record("request_opened", data, at=opening.opened_at, cause=cause)
        return request

    @property
    def open_(self) -> bool:
        """Return whether something is still to be done."""
        return self.closed_at is None

    @property
    def taken(self) -> list[str]:
        """Return the actions taken, in order."""
        return [done.action for done in self.done]

    @property
    def offered(self) -> Passed | None:
        """Return the change of hands that nobody has accepted yet."""
        last = self.passed[-1] if self.passed else None
        return last if last is not None and last.accepted_at is None else None

    @property
    def asked_at(self) -> datetime:
        """Return when the customer asked, as far as that is known."""
        return self.opening.asked_at or self.opening.opened_at

    def answered_by(self, at: datetime) -> bool:
        """Return whether the customer had an answer at ``at``, or the request was closed without one."""
        return any(end is not None and end <= at for end in (self.replied_at, self.closed_at))

    def known(self) -> dict[str, Any]:
        """Return everything conditions may ask for."""
        told = self.opening
        return {
            "channel": told.channel,
            "category": told.category,
            "customer_class": told.customer_class,
            "subtype": told.subtype,
            "level": self.level,
        } | self.facts

    def must_be_open(self) -> None:
        """Refuse to touch what is done with."""
        if not self.open_:
            raise RuleRefused(f"{self.id} is closed", rule=DESIGN)

    def do(
        self,
        action: str,
        stage: str,
        by: str,
        filled: Mapping[str, Any],
        at: datetime,
        cause: Cause,
        *,
        acting_for: str | None = None,
    ) -> None:
        """Note that ``action`` was taken, what was filled in, the stage it led to, and for whom a deputy took it."""
        before, self.stage = self.stage, stage
        self.facts |= filled
        self.done.append(Done(action, stage, by, at, tuple(sorted(filled)), acting_for))
        data = {
            "request_id": self.id,
            "action": action,
            "stage_from": before,
            "stage": stage,
            "filled": sorted(filled),
            "acting_for": acting_for,
        }
        self.record("request_moved", data, at=at, cause=cause)

    def apply(self, effect: Effect, at: datetime, cause: Cause) -> None:
        """Let ``effect`` follow: tell a role, give it a task, hold an answer ready, set fields."""
        self.facts |= effect.sets
        if effect.message:
            self.messages.append(Message(effect.message, at, effect.source))
        if effect.notify:
            self.notices.append(Notice(effect.notify, at, effect.source))
            data = {"request_id": self.id, "role": effect.notify, "source": effect.source}
            self.record("request_notice_given", data, at=at, cause=cause)
        if effect.task and effect.to:
            self.give_task(effect.task, effect.to, effect.source, at, cause)

    def give_task(self, code: str, to: str, source: str, at: datetime, cause: Cause) -> None:
        """Give ``to`` something to do for the request."""
        self.tasks.append(Task(code, to, at, source))
        self._task_changed(code, to, "given", source, at, cause)

    def do_tasks(self, codes: Sequence[str], at: datetime, cause: Cause) -> None:
        """Note that the open tasks called ``codes`` are done."""
        for number, task in enumerate(self.tasks):
            if task.code in codes and task.done_at is None:
                self.tasks[number] = replace(task, done_at=at)
                self._task_changed(task.code, task.to, "done", task.source, at, cause)

    def after_firing(self, firing: Firing, now: datetime, cause: Cause) -> None:
        """Give the task that the rulebook ties to a clock that ran out."""
        if firing.kind is Kind.BREACHED:
            for rule in [rule for rule in self.on_breach if rule.clock == firing.clock]:
                self.give_task(rule.task, rule.to, rule.source, now, cause)

    def offer(
        self, to: Holder, by: str, reason: str, at: datetime, cause: Cause, *, acting_for: str | None = None
    ) -> None:
        """Offer the request to somebody else; until they accept it stays where it is."""
        if self.offered is not None:
            self.passed.pop()
        self.passed.append(Passed(to, by, at, reason, acting_for=acting_for))
        self._changed_hands("offered", to, at, cause, acting_for)

    def accept(
        self, by: str, at: datetime, cause: Cause, *, keep_first: bool, acting_for: str | None = None
    ) -> None:
        """Let ``by`` have what was offered, or what nobody has yet; the first person answers until then."""
        offered = self.offered
        if offered is not None:
            acted = acting_for or offered.acting_for
            self.passed[-1] = replace(offered, accepted_by=by, accepted_at=at, acting_for=acted)
        self.owner = replace(offered.to if offered else self.owner, staff=by)
        if not keep_first:
            self.first_responsible = Holder(staff=by)
        self._changed_hands("accepted", self.owner, at, cause, acting_for)

    def lead_to(self, to: Holder, source: str, at: datetime, cause: Cause) -> None:
        """Let the unit ``to`` have it, if what is known by now leads there; an offer to others is void then."""
        if to.unit == self.owner.unit:
            return
        if self.offered is not None:
            self.passed.pop()
        self.owner = to
        self.facts["routed_by"] = source
        self._changed_hands("routed", to, at, cause)

    def ask_help(self, of: Holder, at: datetime, cause: Cause) -> None:
        """Let somebody help; the owner and the first responsible person stay who they are (B-ECM-06)."""
        self.helpers.append(of)
        self._changed_hands("helped", of, at, cause)

    def ask_departments(self, lead: str, parts: Sequence[Part], at: datetime, cause: Cause) -> None:
        """Ask several departments at once; ``lead`` is the one with the demand (需求部门)."""
        self.lead = lead
        self.parts = [part for part in self.parts if part.unit not in {new.unit for new in parts}]
        self.parts += parts
        for part in parts:
            self._departments("asked", part.unit, at, cause, answer_by=part.answer_by)

    def answer_part(self, unit: str, text: str, *, agrees: bool, at: datetime, cause: Cause) -> None:
        """Take a department's answer; one that disagrees brings the request before the office."""
        self.parts = [
            replace(part, text=text, agrees=agrees, answered_at=at) if part.unit == unit else part
            for part in self.parts
        ]
        self._departments("agreed" if agrees else "disputed", unit, at, cause)

    @property
    def disputed(self) -> bool:
        """Return whether departments disagree and nobody ruled since (由办公室裁决)."""
        said = [part.answered_at for part in self.parts if part.agrees is False and part.answered_at]
        ruled = self.verdicts[-1].at if self.verdicts else None
        return bool(said) and (ruled is None or max(said) > ruled)

    def rule(self, text: str, by: str, at: datetime, cause: Cause) -> None:
        """Take the office's ruling."""
        self.verdicts.append(Verdict(text, by, at))
        self._departments("ruled", None, at, cause)

    def repeated(self, contact_id: str, source: str, at: datetime, cause: Cause) -> None:
        """Note that the customer had to call again before an answer, which is a breach of ``source``."""
        if contact_id not in self.repeats:
            self.repeats.append(contact_id)
            data = {"request_id": self.id, "contact_id": contact_id, "source": source}
            self.record("request_repeated", data, at=at, cause=cause)

    def close(self, at: datetime, cause: Cause) -> None:
        """End it: nothing is waited for any more, and what ran out before stays breached."""
        self.fire_clocks(at, cause, breaches_only=True)
        self.drop_clocks(at, cause)
        self.closed_at, self.sole = at, None
        late = any(deadline.was_breached for deadline in self.deadlines)
        data = {"request_id": self.id, "kind": self.opening.kind, "stage": self.stage, "on_time": not late}
        self.record("request_closed", data, at=at, cause=cause)

    def _changed_hands(
        self, change: str, to: Holder, at: datetime, cause: Cause, acting_for: str | None = None
    ) -> None:
        data = {
            "request_id": self.id,
            "change": change,
            "to": to.as_data(),
            "first_responsible": self.first_responsible.as_data(),
            "times": len(self.passed),
            "acting_for": acting_for,
        }
        self.record("request_passed_on", data, at=at, cause=cause)

    def _departments(
        self, change: str, unit: str | None, at: datetime, cause: Cause, *, answer_by: datetime | None = None
    ) -> None:
        data = {
            "request_id": self.id,
            "change": change,
            "lead": self.lead,
            "unit": unit,
            "answer_by": None if answer_by is None else timestamp(answer_by),
        }
        self.record("request_departments_changed", data, at=at, cause=cause)

    def _task_changed(self, code: str, to: str, change: str, source: str, at: datetime, cause: Cause) -> None:
        data = {"request_id": self.id, "task": code, "change": change, "role": to, "source": source}
        self.record("request_task_changed", data, at=at, cause=cause)


def newly(effects: Sequence[Effect], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Effect]:
    """Return the ``effects`` whose condition holds ``after`` and did not ``before``."""
    return [
        effect
        for effect in effects
        if holds(effect.when, after) and not (effect.when and holds(effect.when, before))
    ]
