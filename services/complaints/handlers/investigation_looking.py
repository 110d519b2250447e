"""Use cases of people who look up investigations, corrective actions, recurrences, and what a case still needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.complaints.domain.liability.checks import armed, wrong
from services.complaints.handlers.charging import missing
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.inquiring import InquiryDesk
from services.complaints.handlers.investigation_views import (
    action_view,
    effectiveness_view,
    investigation_view,
    recurrences_view,
    requirements_view,
)


class LookUpInvestigations:
    """Queries, each scoped to one organisation."""

    def __init__(self, desk: InquiryDesk) -> None:
        """Use the desk for investigations, actions and rules."""
        self._desk = desk

    def investigation(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one investigation with everything ever written into it."""
        found = self._desk.investigations.get(data["id"], call.org)
        if found is None:
            raise missing("investigation", data["id"])
        return investigation_view(found)

    def investigations(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of investigations, the newest first; ``mine``: those that await a role of the caller."""
        cause = data["cause"]
        found = self._desk.lists.listed(
            call.org,
            state=data["state"],
            case_id=data["case_id"],
            causes=None if cause is None else self._desk.rules_now(call.org).under(cause),
            awaits=call.roles if data["mine"] else None,
            limit=data["limit"],
            skip=data["skip"],
        )
        return [investigation_view(each) for each in found]

    def recurrences(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return which cases reported a cause, or one under it, in the rulebook's period up to now."""
        rules = self._desk.rules_now(call.org)
        rule = armed(rules.recurrence, "recurrences of a cause")
        cause = next((each for each in rules.causes if each.code == data["cause"]), None)
        if cause is None:
            known = ", ".join(each.code for each in rules.causes) or "none"
            raise wrong("cause", f"must be one of {known}")
        since = self._desk.clock.now() - rule.period
        count, found = self._desk.lists.recurring(
            call.org,
            rules.under(cause.code),
            since,
            besides=data["besides"],
            limit=data["limit"],
            skip=data["skip"],
        )
        return recurrences_view(cause, since, rule.source, count, found)

    def requirements(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a case's rulebook asks of investigation and actions, and what of it is missing."""
        case = self._desk.desk.case(data["id"], call.org)
        return requirements_view(case, self._desk.rules(case))

    def action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one corrective action."""
        action = self._desk.actions.get(data["id"], call.org)
        if action is None:
            raise missing("corrective action", data["id"])
        return action_view(action)

    def actions(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of corrective actions."""
        return [action_view(action) for action in self._desk.lists.listed_actions(call.org, **data)]

    def effectiveness(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return by cause how many actions there were and how many of them helped."""
        rules, cause = self._desk.rules_now(call.org), data["cause"]
        rows = self._desk.lists.effectiveness(call.org, None if cause is None else rules.under(cause))
        return effectiveness_view(rows, rules)
