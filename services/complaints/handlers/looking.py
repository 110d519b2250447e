"""Use cases of people who look cases up: one case, lists, counts, the history and why a level applies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.complaints.errors import no_case
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.path_views import path_view
from services.complaints.handlers.views import case_view

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository


class LookUpCases:
    """Queries, each scoped to one organisation."""

    def __init__(self, repository: CaseRepository, rules: Rules) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules

    def case(self, org: str, case_id: str) -> dict[str, Any]:
        """Return one case with its notes."""
        case = self._repository.get(case_id, org)
        if case is None:
            raise no_case(case_id)
        rules = self._rules.timing(org, case.regulation).rules
        return {**case_view(case, notes=True), "steps": path_view(case, rules)}

    def cases(
        self, org: str, *, state: str | None, level: str | None, limit: int, skip: int
    ) -> list[dict[str, Any]]:
        """Return a page of cases, the newest first."""
        found = self._repository.listed(org, state=state, level=level, limit=limit, skip=skip)
        return [case_view(case) for case in found]

    def by_contact(self, org: str, contact_id: str) -> dict[str, Any]:
        """Return the case a contact opened or joined."""
        case = self._repository.of_contact(contact_id, org)
        if case is None:
            raise no_case(contact_id)
        return case_view(case)

    def summary(self, org: str) -> list[dict[str, Any]]:
        """Return the number of cases by level and state, and how many of each are overdue."""
        return self._repository.summary(org)

    def history(self, org: str, case_id: str) -> dict[str, Any]:
        """Return a case's history and what is wrong with its chain, if anything."""
        case = self._repository.get(case_id, org)
        if case is None:
            raise no_case(case_id)
        entries = [
            {"seq": e.seq, "type": e.type, "time": e.time, "actor": e.actor, "data": dict(e.data)}
            for e in case.history
        ]
        return {"entries": entries, "faults": case.history.verify()}

    def explain_level(self, org: str, case_id: str) -> dict[str, Any]:
        """Return which tests gave the case its level, with their source."""
        case = self._repository.get(case_id, org)
        if case is None:
            raise no_case(case_id)
        rules = self._rules.timing(org, case.regulation).rules
        decision = rules.level_of(case.claim.facts(case.households, case.escalations))
        return {
            "case_id": case.id,
            "level": case.level,
            "by_facts": decision.level.code,
            "because": list(decision.because),
            "households": case.households,
            "source": rules.level(case.level).source,
        }
