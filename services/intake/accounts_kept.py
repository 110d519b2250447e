"""Where intake keeps clients, searches for them, conflicts over them, mergers, gradings and allocations."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.intake.domain.same.account import Account
from services.intake.domain.same.allocation import Allocation
from services.intake.domain.same.conflict import ConflictCase
from services.intake.domain.same.grading import Grading
from services.intake.domain.same.merge import Merge, MergeState
from services.intake.domain.same.search import Search
from shared.aggregate import Aggregate
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime

A = TypeVar("A", bound=Aggregate)
_UNDER_WAY = [MergeState.MERGING.value, MergeState.UNDOING.value]


def _kept(runtime: Runtime, name: str, kind: type[A]) -> Kept[A]:
    documents = Documents(kind)
    return Kept(runtime, name, documents.to, documents.of)


class AccountShelves:
    """The collections of the part."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the runtime's database."""
        self.accounts = _kept(runtime, "accounts", Account)
        self.searches = _kept(runtime, "account_searches", Search)
        self.conflicts = _kept(runtime, "account_conflicts", ConflictCase)
        self.merges = _kept(runtime, "account_merges", Merge)
        self.gradings = _kept(runtime, "gradings", Grading)
        self.allocations = _kept(runtime, "allocations", Allocation)

    @property
    def timed(self) -> tuple[Kept[Account], Kept[ConflictCase], Kept[Allocation]]:
        """Return those whose things have clocks."""
        return self.accounts, self.conflicts, self.allocations

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and every uniqueness."""
        for kept in self.timed:
            kept.store.ensure_indexes(list(TIMED_INDEXES))
        self.accounts.store.ensure_indexes(
            [
                IndexModel([("keys", ASCENDING)], unique=True),
                IndexModel([("marks", ASCENDING)]),
                IndexModel([("slot", ASCENDING)]),
                IndexModel([("org", ASCENDING), ("entered_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("owner", ASCENDING), ("entered_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("entered_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("grades.grade", ASCENDING), ("entered_at", DESCENDING)]),
                IndexModel([("merged_into", ASCENDING)]),
                # A client is entered under one ruling once.
                IndexModel([("org", ASCENDING), ("conflict_id", ASCENDING)]),
            ]
        )
        self.searches.store.ensure_indexes(
            [
                IndexModel(
                    [("org", ASCENDING), ("by", ASCENDING), ("key", ASCENDING), ("searched_at", DESCENDING)]
                )
            ]
        )
        self.conflicts.store.ensure_indexes(
            [
                _newest("raised_at"),
                IndexModel([("org", ASCENDING), ("stage", ASCENDING), ("raised_at", DESCENDING)]),
            ]
        )
        self.merges.store.ensure_indexes(
            [
                IndexModel([("locks", ASCENDING)], unique=True),
                IndexModel([("state", ASCENDING)]),
                _newest("requested_at"),
            ]
        )
        self.gradings.store.ensure_indexes(
            [
                IndexModel([("period_key", ASCENDING)], unique=True),
                _newest("proposed_at"),
                IndexModel([("org", ASCENDING), ("cards.subject", ASCENDING), ("proposed_at", DESCENDING)]),
            ]
        )
        self.allocations.store.ensure_indexes(
            [
                IndexModel([("keys", ASCENDING)], unique=True),
                _newest("listed_at"),
                IndexModel([("org", ASCENDING), ("subjects.staff", ASCENDING), ("listed_at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("open", ASCENDING)]),
            ]
        )

    def like(self, org: str, marks: Collection[str], limit: int = 50) -> list[Account]:
        """Return clients of ``org`` that share one of ``marks``."""
        return self.accounts.find({"org": org, "marks": {"$in": list(marks)}}, limit=limit)

    def holding(self, org: str, keys: Collection[str]) -> list[Account]:
        """Return the clients of ``org`` that hold one of ``keys``."""
        return self.accounts.find({"org": org, "keys": {"$in": list(keys)}})

    def searched(self, org: str, by: str, key: str, since: datetime) -> Search | None:
        """Return the newest search for ``key`` that ``by`` made since then."""
        query = {"org": org, "by": by, "key": key, "searched_at": {"$gte": since}}
        found = self.searches.find(query, sort=[("searched_at", DESCENDING)], limit=1)
        return found[0] if found else None

    def slots(self, prefix: str) -> set[str]:
        """Return which places of a quota are taken; their names begin with ``prefix``."""
        found = self.accounts.find({"slot": {"$gte": prefix, "$lt": f"{prefix}~"}})
        return {each.slot for each in found if each.slot is not None}

    def under_ruling(self, org: str, conflict_id: str) -> bool:
        """Return whether a client was entered under a ruling."""
        return bool(self.accounts.find({"org": org, "conflict_id": conflict_id}, limit=1))

    def lead(self, account: Account) -> Account:
        """Return where ``account`` leads: itself, or what it was merged into."""
        while account.merged_into is not None:
            into = self.accounts.get(account.merged_into, account.org)
            if into is None:
                break
            account = into
        return account

    def absorbed(self, org: str, account_id: str) -> list[Account]:
        """Return all that lead to a client, itself left out."""
        found = dict[str, Account]()
        asked = [account_id]
        while asked:
            rows = self.accounts.find({"org": org, "merged_into": {"$in": asked}})
            asked = [row.id for row in rows if row.id not in found]
            found |= {row.id: row for row in rows}
        return list(found.values())

    def accounts_page(self, org: str, query: dict[str, Any], *, limit: int, skip: int) -> list[Account]:
        """Return a page of clients, newest first."""
        return self.accounts.find(
            {"org": org, **query}, sort=[("entered_at", DESCENDING)], limit=limit, skip=skip
        )

    def unfinished_merges(self, limit: int = 20) -> list[Merge]:
        """Return mergers that were decided and not carried out yet."""
        return self.merges.find({"state": {"$in": _UNDER_WAY}}, limit=limit)

    def rounds(self, org: str, *, limit: int, skip: int) -> list[Grading]:
        """Return a page of rounds of grading, newest first."""
        return self.gradings.find({"org": org}, sort=[("proposed_at", DESCENDING)], limit=limit, skip=skip)

    def round_of(self, period_key: str) -> Grading | None:
        """Return the round of a period, if it was proposed and not refused."""
        found = self.gradings.find({"period_key": period_key}, limit=1)
        return found[0] if found else None

    def conflicts_page(self, org: str, stage: str | None, *, limit: int, skip: int) -> list[ConflictCase]:
        """Return a page of conflicts, newest first."""
        query = {"org": org} | ({} if stage is None else {"stage": stage})
        return self.conflicts.find(query, sort=[("raised_at", DESCENDING)], limit=limit, skip=skip)

    def merges_page(self, org: str, *, limit: int, skip: int) -> list[Merge]:
        """Return a page of mergers, newest first."""
        return self.merges.find({"org": org}, sort=[("requested_at", DESCENDING)], limit=limit, skip=skip)

    def allocations_page(self, org: str, staff: str | None, *, limit: int, skip: int) -> list[Allocation]:
        """Return a page of lists, newest first; with ``staff`` those that gave them somebody."""
        query = {"org": org} | ({} if staff is None else {"subjects.staff": staff})
        return self.allocations.find(query, sort=[("listed_at", DESCENDING)], limit=limit, skip=skip)

    def graded_with(self, org: str, subject: str) -> list[Grading]:
        """Return the gradings a customer was part of, newest first."""
        query = {"org": org, "cards.subject": subject}
        return self.gradings.find(query, sort=[("proposed_at", DESCENDING)])

    def load_of(self, org: str, staff: Iterable[str]) -> dict[str, int]:
        """Return how many assigned to each of ``staff`` were not contacted yet."""
        counts = dict.fromkeys(staff, 0)
        for allocation in self.allocations.find({"org": org, "open": True}):
            for subject in allocation.subjects:
                if subject.staff in counts and subject.contacted_at is None:
                    counts[subject.staff] += 1
        return counts


def _newest(field: str) -> IndexModel:
    return IndexModel([("org", ASCENDING), (field, DESCENDING)])
