"""Where complaints keeps liability, penalties, sanctions and ledgers; knows pymongo, as ``repository`` does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.complaints.counting import count_written
from services.complaints.domain.liability.account import Account
from services.complaints.domain.liability.month import LedgerMonth, MonthState
from services.complaints.domain.liability.penalty import Penalty
from services.complaints.domain.liability.sanctions import Sanction, SanctionState
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
from services.complaints.sheets import Sheet, page_of
from shared.aggregate import Aggregate
from shared.mongo import kept as shared_kept
from shared.mongo.client import Document, database_errors
from shared.mongo.runtime import Runtime

A = TypeVar("A", bound=Aggregate)


class Kept(shared_kept.Kept[A]):
    """One collection of aggregates, read page by page too, whose steps are counted as they are written."""

    def page(self, org: str, after: str, limit: int) -> list[Sheet[A]]:
        """Return those of ``org`` whose ids come after ``after``, by id, unreadable ones among them."""
        return page_of(self.store, self.read, org, after, limit)

    def written(self, documents: Sequence[tuple[Document, int]]) -> None:
        """Count what was written."""
        count_written(documents)


class LedgerRepository:
    """Reads and writes what follows from a complaint for those who caused it."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database, tickets and relay."""
        self.liabilities = Kept(runtime, "liabilities", liability_document, liability_of)
        self.penalties = Kept(runtime, "penalties", penalty_document, penalty_of)
        self.sanctions = Kept(runtime, "sanctions", sanction_document, sanction_of)
        self.accounts = Kept(runtime, "ledger_accounts", account_document, account_of)
        self.months = Kept(runtime, "ledger_months", month_document, month_of)
        self._cases = runtime.database["cases"]

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and of what must not be twice."""
        self.penalties.store.ensure_indexes(
            [
                IndexModel([("standing_key", ASCENDING)], unique=True, sparse=True),
                IndexModel([("pending", ASCENDING)], sparse=True),
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("case_id", ASCENDING)]),
                IndexModel([("staff", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("_id", ASCENDING)]),
            ]
        )
        self.sanctions.store.ensure_indexes(
            [
                IndexModel([("pending", ASCENDING)], sparse=True),
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("proposed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("month", ASCENDING), ("state", ASCENDING)]),
                IndexModel([("case_id", ASCENDING)]),
                IndexModel([("staff", ASCENDING)]),
            ]
        )
        self.accounts.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("months", ASCENDING), ("staff", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("departments", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("_id", ASCENDING)]),
            ]
        )
        self.months.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("month", ASCENDING)]),
                IndexModel([("pending", ASCENDING)], sparse=True),
            ]
        )
        with database_errors():
            self._cases.create_indexes([IndexModel([("org", ASCENDING), ("closed_at", ASCENDING)])])

    def pending_penalties(self, limit: int, org: str | None = None) -> list[Penalty]:
        """Return penalties of which a ledger still has to be told."""
        return self.penalties.find({"pending": True} | _of(org), limit=limit)

    def converting_sanctions(self, limit: int, org: str | None = None) -> list[Sanction]:
        """Return approved sanctions whose penalty is still to be made."""
        return self.sanctions.find({"pending": True} | _of(org), limit=limit)

    def pending_months(self, limit: int) -> list[LedgerMonth]:
        """Return months whose closing or publishing was begun and not finished."""
        return self.months.find({"pending": True}, limit=limit)

    def listed_penalties(
        self, org: str, *, state: str | None, case_id: str | None, staff: str | None, limit: int, skip: int
    ) -> list[Penalty]:
        """Return a page of penalties, the newest first."""
        query = _given(org=org, state=state, case_id=case_id, staff=staff)
        return self.penalties.find(query, sort=[("proposed_at", DESCENDING)], limit=limit, skip=skip)

    def listed_sanctions(
        self, org: str, *, state: str | None, case_id: str | None, staff: str | None, limit: int, skip: int
    ) -> list[Sanction]:
        """Return a page of sanctions, the newest first."""
        query = _given(org=org, state=state, case_id=case_id, staff=staff)
        return self.sanctions.find(query, sort=[("proposed_at", DESCENDING)], limit=limit, skip=skip)

    def approved_sanctions(self, org: str, month: str) -> list[str]:
        """Return the ids of the sanctions of ``month`` that are approved and not published."""
        query = {"org": org, "month": month, "state": SanctionState.APPROVED.value}
        rows = self.sanctions.store.find_many(query, sort=[("_id", ASCENDING)], without=("history",))
        return [row["_id"] for row in rows]

    def accounts_by_id(self, account_ids: Collection[str]) -> list[Account]:
        """Return ledgers by their ids."""
        return self.accounts.find({"_id": {"$in": list(account_ids)}}) if account_ids else []

    def accounts_of_department(self, org: str, department: str) -> list[Account]:
        """Return the ledgers with a line of ``department``."""
        return self.accounts.find({"org": org, "departments": department})

    def accounts_of_month(self, org: str, month: str, *, limit: int, skip: int) -> list[Account]:
        """Return a page of the ledgers with a line in ``month``, by staff id."""
        query = {"org": org, "months": month}
        return self.accounts.find(
            query, sort=[("staff", ASCENDING), ("_id", ASCENDING)], limit=limit, skip=skip
        )

    def open_month_before(self, org: str, month: str) -> str | None:
        """Return the first month before ``month`` that ledgers belong to and that is not closed."""
        query = {"org": org, "month": {"$lt": month}, "state": {"$ne": MonthState.CLOSED.value}}
        rows = self.months.store.find_many(query, sort=[("month", ASCENDING)], limit=1, without=("history",))
        return rows[0]["month"] if rows else None

    def closed_cases(self, org: str, begin: datetime, end: datetime) -> list[str]:
        """Return the ids of the valid cases of ``org`` that closed from ``begin`` on and before ``end``."""
        query = {
            "org": org,
            "closed_at": {"$gte": begin, "$lt": end},
            "state": CaseState.CLOSED.value,
            "valid": True,
        }
        with database_errors():
            return [row["_id"] for row in self._cases.find(query, {"_id": 1})]

    def liable(self, liability_ids: Collection[str]) -> int:
        """Return how many of these liabilities there are."""
        return self.liabilities.store.count({"_id": {"$in": list(liability_ids)}}) if liability_ids else 0


def _of(org: str | None) -> dict[str, Any]:
    return {} if org is None else {"org": org}


def _given(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
