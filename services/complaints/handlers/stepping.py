"""Use cases of people who take a case along its path: take a step, and ask which may be taken now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.complaints.domain.case import Case
from services.complaints.errors import no_case
from services.complaints.handlers.handling import Caller, CaseCommands
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.path_views import steps_view

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository


class TakeSteps(CaseCommands):
    """The command for the steps that have none of their own."""

    def take_step(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take a step of the case's path."""
        return self._apply(call, data, Case.take_step, data["step"], data["filled"])


class LookUpSteps:
    """Where cases stand on their paths."""

    def __init__(self, repository: CaseRepository, rules: Rules) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules

    def next_steps(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return every step of the case's path: whether the caller may take it now, and why not."""
        case = self._repository.get(data["id"], call.org)
        if case is None:
            raise no_case(data["id"])
        rules = self._rules.timing(case.org, case.regulation).rules
        walk = case.walk(rules)
        still = walk.open_mandatory() if walk is not None and case.is_open else []
        return {
            "case_id": case.id,
            "state": case.state.value,
            "steps": steps_view(case, rules, call.roles, call.actor),
            "open_mandatory": [step.code for step in still],
        }
