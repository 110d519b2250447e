"""Where complaints keeps liability and ledgers in tests: in memory, in the shapes the database would hold."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from services.complaints.domain.case import Case
from services.complaints.domain.liability.account import Account
from services.complaints.domain.liability.attribution import Liability
from services.complaints.domain.liability.month import LedgerMonth
from services.complaints.domain.liability.penalty import Penalty
from services.complaints.domain.liability.sanctions import Sanction
from services.complaints.domain.states import CaseState
from services.complaints.ledger_documents import (
    account_document,
    account_of,
    liability_document,
    liability_of,
    month_document,
    month_of,
    penalty_document,
    penalty_of,
    sanction_document,
    sanction_of,
)
from services.complaints.sheets import Sheet, sheets_of
from shared.aggregate import Aggregate
from shared.errors import Conflict
from shared.history import Entry
from shared.outbox import Unsent

A = TypeVar("A", bound=Aggregate)
Document = dict[str, Any]
Sink = Callable[[Sequence[Unsent]], None]


class MemoryKept(Generic[A]):
    """One collection: documents in and out, versions checked; ``between`` runs once, just before the next write."""

    def __init__(
        self, to: Callable[[A], Document], of: Callable[[Mapping[str, Any]], A], sink: Sink | None
    ) -> None:
        self.documents: dict[str, Document] = {}
        self.between: Callable[[], object] | None = None
        self.writes = 0
        self._to, self._of, self._sink = to, of, sink

    def get(self, aggregate_id: str, org: str) -> A | None:
        row = self.documents.get(aggregate_id)
        return self._of(copy.deepcopy(row)) if row is not None and row["org"] == org else None

    def insert(self, aggregate: A) -> bool:
        self._step()
        document = copy.deepcopy(self._to(aggregate))
        key = document.get("standing_key")
        taken = key is not None and any(row.get("standing_key") == key for row in self.documents.values())
        if aggregate.id in self.documents or taken:
            return False
        self._keep(document, 1)
        return True

    def save(self, aggregate: A, *, since_seq: int) -> None:
        if self.save_all([(aggregate, since_seq)]):
            raise Conflict(f"{aggregate.id} was changed by somebody else")

    def save_all(self, changes: Sequence[tuple[A, int]]) -> tuple[str, ...]:
        lost = []
        for aggregate, since in changes:
            self._step()
            document = copy.deepcopy(self._to(aggregate))
            if self.documents[aggregate.id]["version"] != document["version"] - 1:
                lost.append(aggregate.id)
            else:
                self._keep(document, since)
        return tuple(lost)

    def page(self, org: str, after: str, limit: int) -> list[Sheet[A]]:
        rows = [row for key, row in sorted(self.documents.items()) if row["org"] == org and key > after]
        return sheets_of(copy.deepcopy(rows[:limit]), self._of)

    def count(self, org: str) -> int:
        return sum(row["org"] == org for row in self.documents.values())

    def all(self) -> list[A]:
        return [self._of(copy.deepcopy(row)) for row in self.documents.values()]

    def _step(self) -> None:
        hook, self.between = self.between, None
        if hook is not None:
            hook()

    def _keep(self, document: Document, since: int) -> None:
        self.documents[document["_id"]] = document
        self.writes += 1
        if self._sink is not None:
            entries = [Entry.from_document(row) for row in document["history"][since - 1 :]]
            self._sink([Unsent(document["org"], document["_id"], entry) for entry in entries])


class MemoryLedgers:
    """Stands in for the repository of ledgers; ``cases`` tells which cases there are."""

    def __init__(self, cases: Callable[[], Collection[Case]], sink: Sink | None = None) -> None:
        self._cases = cases
        self.liabilities = MemoryKept[Liability](liability_document, liability_of, sink)
        self.penalties = MemoryKept[Penalty](penalty_document, penalty_of, sink)
        self.sanctions = MemoryKept[Sanction](sanction_document, sanction_of, sink)
        self.accounts = MemoryKept[Account](account_document, account_of, sink)
        self.months = MemoryKept[LedgerMonth](month_document, month_of, sink)

    def ensure_indexes(self) -> None:
        """Nothing to do: what is unique is checked at every write."""

    def pending_penalties(self, limit: int, org: str | None = None) -> list[Penalty]:
        rows = [row for row in self.penalties.all() if row.pending and org in {None, row.org}]
        return rows[:limit]

    def converting_sanctions(self, limit: int, org: str | None = None) -> list[Sanction]:
        return [row for row in self.sanctions.all() if row.converts and org in {None, row.org}][:limit]

    def pending_months(self, limit: int) -> list[LedgerMonth]:
        return [row for row in self.months.all() if row.pending][:limit]

    def listed_penalties(
        self, org: str, *, state: str | None, case_id: str | None, staff: str | None, limit: int, skip: int
    ) -> list[Penalty]:
        rows = [
            row
            for row in self.penalties.all()
            if row.org == org
            and state in {None, row.state.value}
            and case_id in {None, row.case_id}
            and (staff is None or staff in row.staff)
        ]
        rows.sort(key=lambda row: row.proposed_at, reverse=True)
        return rows[skip:][: limit or None]

    def listed_sanctions(
        self, org: str, *, state: str | None, case_id: str | None, staff: str | None, limit: int, skip: int
    ) -> list[Sanction]:
        rows = [
            row
            for row in self.sanctions.all()
            if row.org == org
            and state in {None, row.state.value}
            and case_id in {None, row.case_id}
            and staff in {None, row.staff}
        ]
        rows.sort(key=lambda row: row.proposed_at, reverse=True)
        return rows[skip:][: limit or None]

    def approved_sanctions(self, org: str, month: str) -> list[str]:
        return sorted(
            row.id
            for row in self.sanctions.all()
            if (row.org, row.month, row.state.value) == (org, month, "approved")
        )

    def accounts_by_id(self, account_ids: Collection[str]) -> list[Account]:
        return [row for row in self.accounts.all() if row.id in account_ids]

    def accounts_of_department(self, org: str, department: str) -> list[Account]:
        return [self._read(row) for row in self._account_rows(org) if department in row["departments"]]

    def accounts_of_month(self, org: str, month: str, *, limit: int, skip: int) -> list[Account]:
        rows = [row for row in self._account_rows(org) if month in row["months"]]
        rows.sort(key=lambda row: (row["staff"], row["_id"]))
        return [self._read(row) for row in rows[skip : skip + limit]]

    def open_month_before(self, org: str, month: str) -> str | None:
        rows = [row for row in self.months.all() if row.org == org and row.month < month]
        return min((row.month for row in rows if row.state.value != "closed"), default=None)

    def closed_cases(self, org: str, begin: datetime, end: datetime) -> list[str]:
        return [
            case.id
            for case in self._cases()
            if case.org == org
            and case.state is CaseState.CLOSED
            and case.valid
            and case.closed_at is not None
            and begin <= case.closed_at < end
        ]

    def liable(self, liability_ids: Collection[str]) -> int:
        return len(set(liability_ids) & self.liabilities.documents.keys())

    def _account_rows(self, org: str) -> list[Document]:
        return [row for row in self.accounts.documents.values() if row["org"] == org]

    def _read(self, row: Document) -> Account:
        return account_of(copy.deepcopy(row))
