"""Use cases of allocation: a list comes in, is distributed over staff, each one contacted; and how staff is spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.intake.domain.same.allocation import MORNING, Able, Allocation, Place, Subject, advise
from services.intake.domain.same.rules import Allocation as AllocationRules
from services.intake.domain.same.rules import Listed
from services.intake.handlers.account_views import allocation_view
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create
from shared.authority import must_hold
from shared.clock import Clock
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause

if TYPE_CHECKING:
    from services.intake.accounts_kept import AccountShelves

_LEAD = "lead"


class Allocations:
    """Lists of customers and leads, and who gets what of them."""

    def __init__(self, kept: AccountShelves, rules: Rules, clock: Clock) -> None:
        """Keep lists in ``kept``, by ``rules``."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def take(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take a list in; where the rulebook gives an hour for distributing it, a clock runs to that hour.

        With ``regions`` only what lies in them is kept, where a rule has lists cut so. RuleRefused for a lead
        without a channel the rulebook knows; Conflict when one of the leads is on another list.
        """
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rules, kind = _of(ruling, data["kind"])
        subjects = [Subject(**row) for row in data["subjects"]]
        if data["regions"]:
            if rules.regions is None or not rules.regions.value:
                problem = Problem("regions", "are named by no rule that has lists cut by region")
                raise ValidationFailed("lists are not cut by region here", problems=(problem,))
            subjects = [each for each in subjects if each.region in data["regions"]]
        if not subjects or (
            len({each.id for each in subjects}) < len(data["subjects"]) and not data["regions"]
        ):
            reason = "must name at least one, and each once"
            raise ValidationFailed("no list", problems=(Problem("subjects", reason),))
        channels = kind.channels
        if channels is not None:
            wrong = [each.id for each in subjects if each.channel not in channels.value]
            if wrong:
                raise RuleRefused(f"no known channel: {', '.join(wrong)}", rule=channels.source)

        def build(new: str, cause: Cause) -> Allocation:
            shared = tuple(f"{call.org}|{each.id}" for each in subjects) if kind.screened else ()
            allocation = Allocation(
                id=new,
                org=call.org,
                regulation=ruling.version,
                kind=kind.code,
                subjects=subjects,
                keys=(new, *shared),
                listed_by=call.actor,
                listed_at=now,
            )
            allocation.listed(now, cause)
            morning = rules.each_morning
            if morning is not None:
                day = data["for_day"] or now.astimezone(ruling.zone).date()
                due = datetime.combine(day, morning.value, ruling.zone)
                allocation.begin_clock_until(MORNING, due, ruling.calendar, now, cause, source=morning.source)
            return allocation

        return create(self._kept.allocations, call, data, "al", build, allocation_view)

    def distribute(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Distribute a list over staff, in equal numbers weighed by ability."""
        now = self._clock.now()
        staff = [Able(row["staff"], row["ability"], tuple(row["regions"])) for row in data["staff"]]

        def step(allocation: Allocation, cause: Cause) -> None:
            ruling = self._rules.of_version(call.org, allocation.regulation)
            rules, kind = _of(ruling, allocation.kind)
            must_hold(kind.allocated_by, call.roles, "allocating", kind.source)
            able = staff
            if rules.quota is not None:
                load = self._kept.load_of(call.org, [each.staff for each in staff])
                able = [replace(each, load=load[each.staff]) for each in staff]
            allocation.distribute(able, rules, kind.source, ruling.calendar, now, cause)

        return change(self._kept.allocations, call, data, "allocation", step, allocation_view)

    def contact(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note the first contact with one of those given to the caller; only a detailed record counts."""
        now = self._clock.now()

        def step(allocation: Allocation, cause: Cause) -> None:
            rules, _ = _of(self._rules.of_version(call.org, allocation.regulation), allocation.kind)
            allocation.contacted(data["subject"], data["note"] or "", rules, now, cause)

        return change(self._kept.allocations, call, data, "allocation", step, allocation_view)

    def page(self, org: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of lists, newest first."""
        rows = self._kept.allocations_page(org, data["staff"], limit=data["limit"], skip=data["skip"])
        return [allocation_view(each) for each in rows]

    def advise(self, org: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how agents should be spread over places or shops by their load, and what a team lacks."""
        rules = self._rules.in_force(org, self._clock.now()).rules.accounts
        places = [Place(row["code"], row["traffic"], row["agents"]) for row in data["places"]]
        total = data["agents"] if data["agents"] is not None else sum(each.agents for each in places)
        advice = advise(places, total)
        span = None if rules.staffing is None else rules.staffing.span
        heads = None if rules.staffing is None else rules.staffing.heads
        supervisors = data["supervisors"]
        return {
            "agents": [{"code": code, "agents": count} for code, count in advice.agents.items()],
            "moves": [{"of": of, "to": to, "agents": count} for of, to, count in advice.moves],
            "below_span": span is not None and supervisors > 0 and total < span.value * supervisors,
            "vacancies": 0 if heads is None else max(heads.value - total, 0),
            "sources": [each.source for each in (rules.levelling, span, heads) if each is not None],
        }


def _of(ruling: Ruling, kind: str) -> tuple[AllocationRules, Listed]:
    rules = ruling.rules.accounts.allocation
    listed = None if rules is None else rules.kind(kind)
    if rules is None or listed is None:
        raise ValidationFailed("no such list", problems=(Problem("kind", "is not in the rulebook"),))
    return rules, listed
