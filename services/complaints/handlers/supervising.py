"""Use cases of those who watch over cases: supervise, urge, report up, refer; and of who looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.complaints.domain.case import Case
from services.complaints.domain.supervision.watch import AskedBy
from services.complaints.errors import no_case
from services.complaints.handlers.handling import Caller, CaseCommands
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.supervision_views import supervised_view, supervision_view
from shared.clock import Clock

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository


class Supervise(CaseCommands):
    """One method a command; ``data`` is what the command's schema gives."""

    def start_supervision(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put a case under supervision."""
        return self._apply(call, data, Case.start_supervision, data["supervisor"], fields=("lead", "reason"))

    def end_supervision(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Release a case."""
        return self._apply(call, data, Case.end_supervision, data["supervisor"], fields=("reason",))

    def urge_case(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Urge the handler of a case."""
        return self._apply(call, data, Case.urge, AskedBy(data["asked_by"]), fields=("text",))

    def report_up(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Report a case to a superior."""
        return self._apply(call, data, Case.report_up, data["report"], fields=("text",))

    def refer_case(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Hand a case to a department."""
        return self._apply(call, data, Case.refer, data["department"], fields=("text",))

    def return_referral(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Confirm that a department has done its part."""
        return self._apply(call, data, Case.return_referral, data["referral"], fields=("text",))


class LookUpSupervision:
    """Queries, each scoped to one organisation."""

    def __init__(self, repository: CaseRepository, rules: Rules, clock: Clock) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules
        self._clock = clock

    def supervised_cases(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the open cases under supervision, the oldest first."""
        found = self._repository.supervised(call.org, **data)
        households = self._repository.households({case.matter_id for case in found})
        return [supervised_view(case, households, self._clock.now()) for case in found]

    def supervision(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return who watches over a case, its urges, reports, referrals and progress."""
        case = self._repository.get(data["id"], call.org)
        if case is None:
            raise no_case(data["id"])
        return supervision_view(case, self._rules.timing(case.org, case.regulation).rules)
