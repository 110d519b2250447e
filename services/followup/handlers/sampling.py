"""Use cases of samples: open, fill, draw, finish, approve, look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from services.followup.domain.quality.drawing import Item
from services.followup.domain.quality.periods import end_of, fits
from services.followup.domain.quality.rules import SampleRule
from services.followup.domain.quality.sample import (
    APPROVAL,
    FILLING,
    Drawn,
    Page,
    Sample,
)
from services.followup.domain.quality.scoring import mean
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.people import People
from services.followup.handlers.quality_views import figures, sample_view
from shared.acting import Caller, cause_of, change, create, found
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict, NotFound, Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.ids import derived_id
from shared.regulations.values import Sourced
from shared.ruling import Rules, Ruling

if TYPE_CHECKING:
    from services.followup.quality_kept import Pages, Samples, Scores

_ATTEMPTS = 5
_AND = "|"
#: Customers read in one go.
_PEOPLE = 5000


class Sampling:
    """Samples, each scoped to the caller's organisation; the rulebook it was begun under governs each."""

    def __init__(
        self,
        samples: Samples,
        pages: Pages,
        scores: Scores,
        people: People,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps samples, whom there is, and the rulebooks."""
        self._samples, self._pages, self._scores, self._people = samples, pages, scores, people
        self._rules, self._clock = rules, clock

    def open(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a sample of a kind; Conflict when there may be only one of a period and it is there."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rule = ruling.rules.quality.sample(data["kind"])
        if rule is None:
            codes = ", ".join(each.code for each in ruling.rules.quality.samples) or "none"
            problem = Problem("kind", f"is not one of {codes}")
            raise ValidationFailed("the rulebook has no such sample", problems=(problem,))
        may(call, rule)
        if not fits(data["period"], rule.period):
            wanted = "is of no period" if rule.period is None else f"is a {rule.period.value}"
            problem = Problem("period", f"{rule.name} {wanted}")
            raise ValidationFailed("the period does not fit", problems=(problem,))

        def build(new: str, cause: Cause) -> Sample:
            parts = (call.org, rule.code, data["about"] or "", data["period"] or "")
            sample = Sample(
                id=new,
                org=call.org,
                regulation=ruling.version,
                kind=rule.code,
                about=data["about"],
                period=data["period"],
                seed=data["seed"] or new,
                opened_by=call.actor,
                opened_at=now,
                once=_AND.join(parts) if rule.once else None,
            )
            sample.open(now, cause)
            approval = rule.approval
            if approval is not None and approval.by_day is not None and data["period"] is not None:
                due = end_of(data["period"], approval.by_day, ruling.zone)
                sample.begin_clock_until(APPROVAL, due, ruling.calendar, now, cause, source=approval.source)
            return sample

        return create(self._samples, call, data, "sp", build, sample_view)

    def fill(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Add to what a sample is drawn from: the things given, or the customers chosen by traits.

        A page is written before the sample names it, so that what was answered is drawn from.
        """

        def step(sample: Sample, cause: Cause) -> None:
            rule = self._rule(sample)
            may(call, rule)
            sample.must_be(FILLING)
            for items in self._people_of(call, data) if rule.people else _given(data):
                digest = digest_of({"items": [[item.ref, dict(item.attributes)] for item in items]})
                page_id = derived_id("pg", call.key, digest)
                page = Page(id=page_id, org=call.org, sample=sample.id, items=items)
                self._pages.insert(page)
                sample.add(page, self._clock.now(), cause)

        return change(self._samples, call, data, "sample", step, sample_view)

    def move(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Draw a sample, finish or approve it."""
        steps: Mapping[str, Callable[[Caller, SampleRule, Sample, Mapping[str, Any], Cause], None]]
        steps = {"draw": self._draw, "finish": self._finish, "approve": self._approve}

        def step(sample: Sample, cause: Cause) -> None:
            steps[data["action"]](call, self._rule(sample), sample, data, cause)

        return change(self._samples, call, data, "sample", step, sample_view)

    def _draw(
        self, call: Caller, rule: SampleRule, sample: Sample, data: Mapping[str, Any], cause: Cause
    ) -> None:
        may(call, rule)
        sample.must_be(FILLING)
        sample.take(rule, self._pages.all_of(sample), data["number"], self._clock.now(), cause)

    def _finish(
        self, call: Caller, rule: SampleRule, sample: Sample, data: Mapping[str, Any], cause: Cause
    ) -> None:
        may(call, rule)
        scored = [score for score in self._scores.of_sample(sample) if score.turn == 1]
        average = mean([score.percent for score in scored])
        sample.finish(rule, len(scored), average, data["summary"], self._clock.now(), cause)

    def _approve(
        self, call: Caller, rule: SampleRule, sample: Sample, _data: Mapping[str, Any], cause: Cause
    ) -> None:
        if rule.approval is None:
            raise Conflict(f"{rule.name} ends without a signature")
        if call.roles.isdisjoint(rule.approval.roles):
            message = f"{rule.name} is signed by {', '.join(rule.approval.roles)}"
            raise RuleRefused(message, rule=rule.approval.source)
        sample.approve(self._clock.now(), cause)

    def get(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a sample with a page of what was drawn and, without words, what was found of it."""
        for _ in range(_ATTEMPTS):
            sample = found(self._samples.get(data["id"], call.org), "sample", data["id"])
            if self._admitted(call, sample):
                break
        else:
            raise Conflict(f"{data['id']} keeps being changed by others: try again")
        rows: list[Drawn] = sample.drawn[data["skip"] : data["skip"] + data["limit"]]
        scored = {score.ref for score in self._scores.of_items(sample, [row.ref for row in rows])}
        items = [
            {"item": row.ref, "agent": row.agent, "stratum": row.stratum, "scored": row.ref in scored}
            for row in rows
        ]
        rule = self._rule(sample)
        return (
            sample_view(sample)
            | figures(sample, rule, self._scores.of_sample(sample))
            | {"items": items, "clocks": sample.clock_view(), "regulation": sample.regulation}
        )

    def page(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of samples, newest first, without what was drawn."""
        wanted = {key: data[key] for key in ("kind", "about", "period", "state") if data[key] is not None}
        return [
            sample_view(sample)
            for sample in self._samples.page({"org": call.org} | wanted, data["limit"], data["skip"])
        ]

    def _people_of(self, call: Caller, data: Mapping[str, Any]) -> Iterator[list[Item]]:
        """Yield customers who may be asked, page by page."""
        if data["items"]:
            problem = Problem("items", "are customers, chosen by where")
            raise ValidationFailed("this sample is drawn from customers", problems=(problem,))
        after: str | None = None
        while people := self._people.page(call.org, data["where"], after=after, limit=_PEOPLE):
            after = people[-1].id
            willing = [Item(person.id) for person in people if not (person.opted_out or person.erased)]
            if willing:
                yield willing

    def _admitted(self, call: Caller, sample: Sample) -> bool:
        """Write down that a confidential sample is read; False when somebody changed it meanwhile."""
        secret = self._rule(sample).confidential
        if secret is None:
            return True
        if call.roles.isdisjoint(secret.roles):
            message = f"only {', '.join(secret.roles)} may see what was drawn"
            raise RuleRefused(message, rule=secret.source)
        since = sample.history.next_seq
        sample.note_read(secret.source, self._clock.now(), cause_of(call))
        try:
            self._samples.save(sample, since_seq=since)
        except Conflict:
            return False
        return True

    def _rule(self, sample: Sample) -> SampleRule:
        return rule_of(self._rules.of_version(sample.org, sample.regulation), sample)


def rule_of(ruling: Ruling[FollowupRules], sample: Sample) -> SampleRule:
    """Return the rule of ``sample``; NotFound when its file was changed."""
    rule = ruling.rules.quality.sample(sample.kind)
    if rule is None:
        raise NotFound(f"the rulebook of this sample has no sample {sample.kind!r}: its file was changed")
    return rule


def may(call: Caller, rule: SampleRule) -> None:
    """Refuse whoever ``rule`` does not let draw and check."""
    granted: Sourced[tuple[str, ...]] | None = rule.roles
    if granted is not None and call.roles.isdisjoint(granted.value):
        message = f"{rule.name} is for {', '.join(granted.value)}"
        raise RuleRefused(message, rule=granted.source)


def _given(data: Mapping[str, Any]) -> Iterator[list[Item]]:
    if data["where"] or not data["items"]:
        problem = Problem("items", "are to be given, and where goes with samples of customers")
        raise ValidationFailed("nothing to draw from is given", problems=(problem,))
    yield [Item(row["ref"], row["attributes"]) for row in data["items"]]
