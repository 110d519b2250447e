"""Use cases of people who look up how cases were received: one case, and the complaint ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.complaints.domain.receiving.register import Wanted
from services.complaints.errors import no_case
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.receiving_views import ledger_row_view, receiving_view
from shared.clock import Clock

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository

_FILTERS = ("received_from", "received_before", "source", "level", "state", "problem", "limit")


class LookUpReceiving:
    """Queries, each scoped to one organisation."""

    def __init__(self, repository: CaseRepository, rules: Rules, clock: Clock) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules
        self._clock = clock

    def receiving(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how a case was received, and what is still unclear or missing."""
        case = self._repository.get(data["id"], call.org)
        if case is None:
            raise no_case(data["id"])
        rules = self._rules.timing(case.org, case.regulation).rules
        return receiving_view(case, rules, self._clock.now())

    def ledger(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of the complaint ledger and after which case the next one begins, if there is one."""
        after = None
        if data["after"] is not None:
            last = self._repository.get(data["after"], call.org)
            if last is None:
                raise no_case(data["after"])
            after = (last.received_at, last.id)
        wanted = Wanted(after=after, **{name: data[name] for name in _FILTERS})
        rows = self._repository.ledger(call.org, wanted)
        now = self._clock.now()
        return {
            "rows": [
                ledger_row_view(row, self._rules.timing(row.org, row.regulation).rules, now) for row in rows
            ],
            "next": rows[-1].case_id if len(rows) == wanted.limit else None,
        }
