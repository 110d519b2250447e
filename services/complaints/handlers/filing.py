"""Use cases of records on a case: reported and filed, what it threatens to become, whom it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.money.rules import Danger, Way
from services.complaints.domain.timing import Timing
from services.complaints.errors import no_case
from services.complaints.handlers.charging import cause_of
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.offer_views import settlement_view
from services.complaints.handlers.settling import Desk, count_closed
from shared.aggregate import digest_of
from shared.errors import Conflict

_ATTEMPTS = 5


class KeepRecords:
    """One method a command; each takes effect once per key."""

    def __init__(self, desk: Desk) -> None:
        """Use the desk for cases and rules."""
        self._desk = desk

    def record_filing(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter that a case was reported first, or filed with a unit."""

        def step(case: Case, timing: Timing) -> None:
            case.record_filing(
                timing,
                data["unit"],
                Way(data["way"]),
                data["reference"],
                roles=call.roles,
                at=self._desk.clock.now(),
                cause=cause_of(call),
            )

        return self._apply(call, data, step)

    def declare_danger(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter what a case threatens to become."""

        def step(case: Case, timing: Timing) -> None:
            danger, at = Danger(data["danger"]), self._desk.clock.now()
            case.declare_danger(timing, danger, roles=call.roles, at=at, cause=cause_of(call))

        return self._apply(call, data, step)

    def name_accused(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter which staff a case is about."""

        def step(case: Case, timing: Timing) -> None:
            at = self._desk.clock.now()
            case.name_accused(timing, data["staff"], roles=call.roles, at=at, cause=cause_of(call))

        return self._apply(call, data, step)

    def _apply(
        self, call: Caller, data: Mapping[str, Any], step: Callable[[Case, Timing], None]
    ) -> dict[str, Any]:
        digest, cases = digest_of(data), self._desk.cases
        for _ in range(_ATTEMPTS):
            case = cases.get(data["id"], call.org)
            if case is None:
                raise no_case(data["id"])
            answered = case.answer_to(call.key, digest)
            if answered is not None:
                return dict(answered)
            since, timing = case.history.next_seq, self._desk.timing(case)
            step(case, timing)
            answer = settlement_view(case, timing.rules)
            case.remember_answer(call.key, digest, answer)
            try:
                cases.save(case, since_seq=since)
            except Conflict:
                continue
            count_closed(case, since)
            return answer
        raise Conflict(f"{data['id']} keeps being changed by others: read it again")
