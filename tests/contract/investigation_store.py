"""Where complaints keeps investigations and corrective actions in tests: in memory, in the shapes of the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.investigation.states import ActionState
from services.complaints.investigation_documents import (
    action_document,
    action_of,
    investigation_document,
    investigation_of,
)
from tests.contract.ledger_store import MemoryKept, Sink


class MemoryInvestigations:
    """Stands in for the repository of investigations."""

    def __init__(self, sink: Sink | None = None) -> None:
        self.investigations = MemoryKept[Investigation](investigation_document, investigation_of, sink)
        self.actions = MemoryKept[CorrectiveAction](action_document, action_of, sink)

    def ensure_indexes(self) -> None:
        """Nothing to do: what is unique is checked at every write."""

    def untold_investigations(self, limit: int) -> list[Investigation]:
        return [row for row in self.investigations.all() if row.pending][:limit]

    def untold_actions(self, limit: int) -> list[CorrectiveAction]:
        return [row for row in self.actions.all() if row.pending][:limit]

    def due(self, now: datetime, limit: int) -> list[CorrectiveAction]:
        return [row for row in self.actions.all() if row.next_due is not None and row.next_due <= now][:limit]

    def behind(
        self, current: Collection[str], limit: int, *, skip: Collection[str] = ()
    ) -> list[CorrectiveAction]:
        rows = [row for row in self.actions.all() if set(row.open_calendars) - set(current)]
        return [row for row in rows if row.id not in skip][:limit]

    def save_all(self, changes: Sequence[tuple[CorrectiveAction, int]]) -> tuple[str, ...]:
        return self.actions.save_all(changes)

    def take_calendars_for_old(self) -> None:
        """Make every open clock look as if a process before this one had computed it."""
        for row in self.actions.documents.values():
            for clock in row["deadlines"]:
                clock["calendar_version"] = "cn-before"

    def listed(
        self,
        org: str,
        *,
        state: str | None,
        case_id: str | None,
        causes: Collection[str] | None,
        awaits: Collection[str] | None,
        limit: int,
        skip: int,
    ) -> list[Investigation]:
        rows = [
            row
            for row in self.investigations.all()
            if row.org == org
            and state in {None, row.state.value}
            and case_id in {None, row.case_id}
            and (causes is None or set(causes) & set(row.causes))
            and (awaits is None or set(awaits) & set(row.awaits))
        ]
        rows.sort(key=lambda row: row.opened_at, reverse=True)
        return rows[skip : skip + limit]

    def recurring(
        self,
        org: str,
        causes: Collection[str],
        since: datetime,
        *,
        besides: str | None,
        limit: int,
        skip: int = 0,
    ) -> tuple[int, list[Investigation]]:
        rows = [
            (row.reported_at, row)
            for row in self.investigations.all()
            if row.org == org
            and row.case_id != besides
            and set(causes) & set(row.causes)
            and row.reported_at is not None
            and row.reported_at >= since
            and row.state.value in {"submitted", "approved"}
        ]
        rows.sort(key=lambda pair: pair[0], reverse=True)
        return len(rows), [row for _, row in rows][skip : skip + limit]

    def listed_actions(
        self,
        org: str,
        *,
        show: str | None,
        due_before: datetime | None,
        limit: int,
        skip: int,
        **given: str | None,
    ) -> list[CorrectiveAction]:
        rows = [
            row
            for row in self.actions.all()
            if row.org == org and _shown(row, show) and _fits(row, given) and _due_before(row, due_before)
        ]
        rows.sort(key=lambda row: row.opened_at, reverse=True)
        if due_before is not None:
            rows.sort(key=lambda row: row.due_clock.due_at if row.due_clock is not None else due_before)
        return rows[skip : skip + limit]

    def effectiveness(self, org: str, causes: Collection[str] | None) -> list[dict[str, Any]]:
        rows = [row for row in self.actions.all() if row.org == org]
        rows = [row for row in rows if causes is None or row.cause in causes]
        return [
            {
                "cause": cause,
                "actions": len(mine),
                "open": sum(row.is_open for row in mine),
                "overdue": sum(row.overdue for row in mine),
                "effective": sum(check.effective for row in mine for check in row.checks),
                "ineffective": sum(not check.effective for row in mine for check in row.checks),
            }
            for cause in {row.cause for row in rows}
            if (mine := [row for row in rows if row.cause == cause])
        ]


def _shown(row: CorrectiveAction, show: str | None) -> bool:
    shown = {"open": row.is_open, "overdue": row.overdue, "to_check": row.state is ActionState.DONE}
    return show is None or shown[show]


def _fits(row: CorrectiveAction, given: dict[str, str | None]) -> bool:
    return all(value in (None, getattr(row, name)) for name, value in given.items())


def _due_before(row: CorrectiveAction, due_before: datetime | None) -> bool:
    clock = row.due_clock
    return due_before is None or (row.is_open and clock is not None and clock.due_at < due_before)
