"""Use cases of people who look cases up: one case, lists, counts, the history and why a level applies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.complaints.domain.listing import Listing
from services.complaints.errors import no_case
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.path_views import path_view
from services.complaints.handlers.views import case_view, now_of
from shared.clock import Clock
from shared.history import timestamp

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository


class LookUpCases:
    """Queries, each scoped to one organisation."""

    def __init__(self, repository: CaseRepository, rules: Rules, clock: Clock) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules
        self._clock = clock

    def case(self, org: str, case_id: str) -> dict[str, Any]:
        """Return one case with its notes."""
        case = self._repository.get(case_id, org)
        if case is None:
            raise no_case(case_id)
        rules = self._rules.timing(org, case.regulation).rules
        households = self._repository.households([case.matter_id])
        return {**case_view(case, households, notes=True), "steps": path_view(case, rules)}

    def cases(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of cases: the newest first, the most urgent first where it is about what is due."""
        due = data["due_before"]
        if data["due_today"]:
            due = self._rules.end_of_day(call.org, self._clock.now())
        listing = Listing(
            state=data["state"],
            level=data["level"],
            matter_id=data["matter_id"],
            handler=call.actor if data["mine"] else None,
            due_before=due,
        )
        found = self._repository.listed(call.org, listing, limit=data["limit"], skip=data["skip"])
        households = self._repository.households({case.matter_id for case in found})
        return [case_view(case, households) for case in found]

    def by_contact(self, org: str, contact_id: str) -> dict[str, Any]:
        """Return the case a contact opened or joined."""
        case = self._repository.of_contact(contact_id, org)
        if case is None:
            raise no_case(contact_id)
        return case_view(case, self._repository.households([case.matter_id]))

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
        households = now_of(case, self._repository.households([case.matter_id]))
        decision = rules.level_of(case.claim.facts(households, case.escalations))
        return {
            "case_id": case.id,
            "level": case.level,
            "by_facts": decision.level.code,
            "because": list(decision.because),
            "households": households,
            "by_authority": None
            if case.judged is None
            else {"by": case.judged.by, "at": timestamp(case.judged.at), "by_facts": case.judged.by_facts},
            "source": rules.level(case.level).source,
        }
