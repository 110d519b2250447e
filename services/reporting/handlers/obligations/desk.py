"""Use cases of people: see what is owed, and confirm what only their word proves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from services.reporting.domain.obligations.occurrence import Occurrence
from services.reporting.domain.rulebook import ReportingRules
from shared.acting import Caller, change, found
from shared.clock import Clock
from shared.errors import NotFound
from shared.history import Cause, timestamp
from shared.ruling import Rules


class Shelf(Protocol):
    """Where occurrences are kept."""

    def get(self, aggregate_id: str, org: str) -> Occurrence | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Occurrence) -> bool:
        """Write a new one; False when it is there."""
        ...

    def save(self, aggregate: Occurrence, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...

    def page(self, query: Mapping[str, Any], limit: int, skip: int) -> list[Occurrence]:
        """Return a page of what matches, the earliest due first."""
        ...


class ObligationDesk:
    """What is owed, each call scoped to the caller's organisation."""

    def __init__(self, shelf: Shelf, rules: Rules[ReportingRules], clock: Clock) -> None:
        """Use what keeps occurrences."""
        self._shelf, self._rules, self._clock = shelf, rules, clock

    def confirm(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take the word of whoever owes ``data["id"]``, with the ``reference`` it goes by."""

        def step(occurrence: Occurrence, cause: Cause) -> None:
            ruling = self._rules.of_version(call.org, occurrence.regulation)
            obligation = ruling.rules.obligation(occurrence.code)
            if obligation is None:
                raise NotFound(f"the rulebook {occurrence.regulation} has no obligation {occurrence.code!r}")
            occurrence.confirm(obligation, data["reference"], call.roles, self._clock.now(), cause)

        return change(self._shelf, call, data, "obligation", step, self._view)

    def get(self, org: str, occurrence_id: str) -> dict[str, Any]:
        """Return one with its name and clock."""
        return self._view(found(self._shelf.get(occurrence_id, org), "obligation", occurrence_id))

    def page(self, org: str, actor: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of those that are all that is asked for, the earliest due first."""
        query: dict[str, Any] = {"org": org}
        query |= {name: data[name] for name in ("role", "owner", "code") if data[name] is not None}
        if data["state"] is not None:
            query["standing"] = data["state"]
        if data["on_time"] is not None:
            query["on_time"] = data["on_time"]
        if data["mine"]:
            query["owner"] = actor
        bounds = {"$gte": data["due_from"], "$lt": data["due_before"]}
        due = {operator: bound for operator, bound in bounds.items() if bound is not None}
        if due:
            query["due"] = due
        return [self._view(each) for each in self._shelf.page(query, data["limit"], data["skip"])]

    def _view(self, occurrence: Occurrence) -> dict[str, Any]:
        """Return the JSON shape of one."""
        return {
            **occurrence.facts(),
            "name": self._name(occurrence),
            "state": occurrence.standing.value,
            "met_at": timestamp(occurrence.met_at) if occurrence.met_at else None,
            "met_by": occurrence.met_by,
            "on_time": occurrence.on_time,
            "proof": occurrence.proof,
            "reference": occurrence.reference,
            "regulation": occurrence.regulation,
        }

    def _name(self, occurrence: Occurrence) -> str:
        """Return what the handbook calls it; its code where that version of the rulebook is gone."""
        try:
            ruling = self._rules.of_version(occurrence.org, occurrence.regulation)
        except NotFound:
            return occurrence.code
        obligation = ruling.rules.obligation(occurrence.code)
        return occurrence.code if obligation is None else obligation.name
