"""Use cases of receiving complaints: clarify, give an opinion, refuse politely, fill the card, hand over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.complaints.domain.case import Case
from services.complaints.domain.receiving.claims import Clarified
from services.complaints.domain.timing import Timing
from services.complaints.handlers.handling import Caller, CaseCommands
from services.complaints.handlers.opening import OpenCases, Rules, matter_of
from shared.clock import Clock
from shared.errors import Conflict
from shared.history import Cause
from shared.ids import IdSource

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository

#: Matters counted anew in one round of the timer.
_AT_ONCE = 50
_CLAIM = ("complainant_type", "demand", "problem", "amount", "media", "lawsuit", "unit_id", "source")


class ReceiveCases(CaseCommands):
    """One method a command; ``data`` is what the command's schema gives."""

    def __init__(
        self, repository: CaseRepository, rules: Rules, clock: Clock, recount: RecountMatters
    ) -> None:
        """Use the repository for cases, and ``recount`` for the matters that clarified claims belong to."""
        super().__init__(repository, rules, clock)
        self._recount = recount

    def clarify_claim(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Set what was found out about a claim, and lift the other cases of its matter where that asks for it."""
        given = Clarified(**{name: data[name] for name in _CLAIM})

        def step(
            case: Case,
            timing: Timing,
            *,
            reason: str,
            roles: Collection[str],
            at: datetime,
            cause: Cause,
        ) -> None:
            matter_id = matter_of(case.org, given.problem or case.claim.problem)
            case.clarify_claim(
                timing,
                given,
                matter_id=matter_id,
                households=self._households(case, matter_id, given.unit_id),
                reason=reason,
                roles=roles,
                at=at,
                cause=cause,
            )

        result = self._apply(call, data, step, fields=("reason",))
        # Also for a repeat: whoever took the first one may have died before this.
        self._recount.of(data["id"], call.org, Cause(call.key, call.actor, call.traceparent))
        return result

    def give_opinion(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Say whether a complaint stands, for another person to decide."""
        return self._apply(call, data, Case.give_opinion, fields=("stands", "ground", "text"))

    def tell_refusal(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the customer with the rulebook's words that the complaint does not stand."""
        return self._apply(call, data, Case.tell_refusal, data["values"], fields=("way",))

    def report_late_entry(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Report that a case was entered late through oversight."""
        return self._apply(call, data, Case.report_late_entry, fields=("reason",))

    def fill_card(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter fields on the record card of a case."""
        return self._apply(call, data, Case.fill_card, data["entries"])

    def approve_card(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check and approve the record card of a case."""
        return self._apply(call, data, Case.approve_card)

    def _households(self, case: Case, matter_id: str, unit_id: str | None) -> int:
        """Return how many households the matter has with this case in it, counted as far as the rules ask."""
        enough = max(self._rules.timing(case.org, case.regulation).rules.household_borders, default=1)
        others = self._repository.homes({matter_id: enough}, but=case.id)[matter_id]
        return min(len(others | {unit_id or case.unit_id or case.customer_id}), enough)


class RecountMatters:
    """Lifts the cases of matters into which a claim was clarified; safe to repeat, on any number of replicas."""

    def __init__(
        self, repository: CaseRepository, open_cases: OpenCases, clock: Clock, ids: IdSource
    ) -> None:
        """Use ``open_cases``, which lifts the cases of a matter when one is opened."""
        self._repository = repository
        self._open_cases = open_cases
        self._clock = clock
        self._ids = ids

    def __call__(self) -> bool:
        """Count what was left half done; return whether there may be more at once."""
        waiting = self._repository.to_recount(_AT_ONCE)
        for case in waiting:
            self._count(case, Cause(self._ids.new("tick"), "system"))
        return len(waiting) == _AT_ONCE

    def of(self, case_id: str, org: str, cause: Cause) -> None:
        """Count the matter of one case, where it still has to be."""
        case = self._repository.get(case_id, org)
        if case is not None and case.recount:
            self._count(case, cause)

    def _count(self, case: Case, cause: Cause) -> None:
        self._open_cases.relevel({case.matter_id: cause})
        # Read again: it may be among those that were lifted just now.
        again = self._repository.get(case.id, case.org)
        if again is None or not again.recount:
            return
        since = again.history.next_seq
        again.counted(at=self._clock.now(), cause=cause)
        try:
            self._repository.save(again, since_seq=since)
        except Conflict:
            # It stays marked, and the timer comes round to it.
            return
