"""Looking requests up: one, lists in order of service or of time limits, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.intake.domain.requests.request import Request
from services.intake.domain.requests.rules import Kind, RequestRules, Unit
from services.intake.handlers.competence import Competence
from services.intake.handlers.requests_views import full_view, row_view
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, found
from shared.clock import Clock
from shared.errors import NotFound, RuleRefused


class Lists(Protocol):
    """Where requests are kept, listed and counted."""

    def get(self, aggregate_id: str, org: str) -> Request | None:
        """Return one of ``org``."""
        ...

    def page(
        self, org: str, asked: Mapping[str, Any], hidden: Sequence[str], *, order: str, limit: int, skip: int
    ) -> list[Request]:
        """Return a page of requests."""
        ...

    def counted(self, org: str, by: str, asked: Mapping[str, Any]) -> dict[str, int]:
        """Return how many requests there are for each value of ``by``."""
        ...


class LookUpRequests:
    """Questions about requests."""

    def __init__(self, lists: Lists, rules: Rules, clock: Clock, competence: Competence) -> None:
        """Look into ``lists``, each caller as far as their ``competence`` goes."""
        self._lists, self._rules, self._clock, self._competence = lists, rules, clock, competence

    def request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one request; RuleRefused when it is not the caller's post's or unit's, or not shown to them."""
        request = found(self._lists.get(data["id"], call.org), "request", data["id"])
        ruling = self._rules.of_version(call.org, request.regulation)
        rules = ruling.rules.requests
        kind = rules.kind(request.opening.kind)
        if kind is None:
            raise NotFound(f"the rulebook {request.regulation} no longer has {request.opening.kind}")
        self._competence.of(call).acting_for(request, call.actor)
        _must_be_concerned(request, kind, rules, call)
        return full_view(request, rules.process_of(kind), ruling.zone)

    def requests(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the requests of the caller's post and unit; RuleRefused when another's are asked for.

        Those of units that only some may see are left out for others.
        """
        asked = dict(data)
        order, limit, skip = asked.pop("order"), asked.pop("limit"), asked.pop("skip")
        asked["mine"] = call.actor if asked["mine"] else None
        hidden = self._hidden(call)
        unit = next((each for each in hidden if each.code == asked["unit"]), None)
        if unit is not None:
            raise RuleRefused(f"the list of {unit.code} is not yours to see", rule=unit.source)
        codes = [each.code for each in hidden]
        asked |= self._within(call, asked["kind"], asked["unit"])
        rows = self._lists.page(call.org, asked, codes, order=order, limit=limit, skip=skip)
        return [row_view(row) for row in rows]

    def statistics(self, call: Caller, data: Mapping[str, Any]) -> dict[str, int]:
        """Return how many requests of the caller's post and unit there are by kind, channel, unit or what is asked."""
        asked = dict(data) | self._within(call, data["kind"], None)
        by = asked.pop("by")
        counts = self._lists.counted(call.org, by, asked)
        hidden = {each.code for each in self._hidden(call)} if by in {"unit", "department"} else set()
        return {code: count for code, count in counts.items() if code not in hidden}

    def _within(self, call: Caller, kind: str | None, unit: str | None) -> dict[str, Any]:
        """Return what bounds the caller's lists; RuleRefused when they ask for what is not theirs."""
        reach = self._competence.of(call).reach
        bounds: dict[str, Any] = {}
        if reach.kinds:
            if kind:
                reach.kinds.check(kind, "the kind")
            bounds["kinds"] = sorted(reach.kinds.codes)
        if reach.units:
            if unit:
                reach.units.check(unit, "the unit")
            bounds |= {"units": sorted(reach.units.codes), "reader": call.actor}
        return bounds

    def _hidden(self, call: Caller) -> list[Unit]:
        rules = self._rules.in_force(call.org, self._clock.now()).rules.requests
        return [unit for unit in rules.units if unit.seen_by and call.roles.isdisjoint(unit.seen_by)]


def _must_be_concerned(request: Request, kind: Kind, rules: RequestRules, call: Caller) -> None:
    if kind.seen_within is None:
        return
    codes = {request.owner.unit, *(part.unit for part in request.parts)}
    roles = {
        role
        for unit in rules.units
        if unit.code in codes
        for role in (unit.leader, unit.deputy, *unit.seen_by)
    }
    if call.roles.isdisjoint({role for role in roles if role}):
        raise RuleRefused(f"{request.id} is for those concerned only", rule=kind.seen_within)
