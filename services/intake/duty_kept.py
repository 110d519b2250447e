"""Where intake keeps shifts, rosters, the duty log and handovers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.intake.domain.duty.handover import Handover
from services.intake.domain.duty.log import LogEntry, LogPage
from services.intake.domain.duty.roster import DrawnRoster
from services.intake.domain.duty.shift import Shift
from shared.mongo.bounds import at_most
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime


class Entries(Kept[LogEntry]):
    """Entries of the duty log; documents of those with open work say so, to be found by it."""

    def of_page(self, org: str, desk: str, first: date, last: date) -> list[LogEntry]:
        """Return what a desk wrote from ``first`` to ``last``, both included, in the order written."""
        days = {"$gte": first.isoformat(), **at_most(last.isoformat())}
        return self.find(
            {"org": org, "desk": desk, "day": days}, sort=[("day", ASCENDING), ("written_at", ASCENDING)]
        )

    def open_work(self, org: str, desk: str) -> list[LogEntry]:
        """Return the open work of a desk, the oldest first."""
        return self.find({"org": org, "desk": desk, "open": True}, sort=[("written_at", ASCENDING)])

    def of_unit(self, org: str, unit_id: str, first: date, last: date) -> list[LogEntry]:
        """Return what was written about a unit from ``first`` to ``last``, both included."""
        days = {"$gte": first.isoformat(), **at_most(last.isoformat())}
        return self.find(
            {"org": org, "unit_id": unit_id, "day": days},
            sort=[("day", ASCENDING), ("written_at", ASCENDING)],
        )


class DutyKept:
    """The collections of duty."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        written, pages = Documents(LogEntry), Documents(LogPage)
        shifts, rosters, handovers = Documents(Shift), Documents(DrawnRoster), Documents(Handover)

        def entry(found: LogEntry) -> Document:
            return written.to(found) | ({"open": True} if found.is_open else {})

        self.entries = Entries(runtime, "log_entries", entry, written.of)
        self.pages = Kept(runtime, "log_pages", pages.to, pages.of)
        self.shifts = Kept(runtime, "shifts", shifts.to, shifts.of)
        self.rosters = Kept(runtime, "rosters", rosters.to, rosters.of)
        self.handovers = Kept(runtime, "handovers", handovers.to, handovers.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and of what must not be there twice."""
        desk = [("org", ASCENDING), ("desk", ASCENDING)]
        self.entries.store.ensure_indexes(
            [
                IndexModel([*desk, ("day", ASCENDING), ("written_at", ASCENDING)]),
                IndexModel(
                    [*desk, ("open", ASCENDING), ("written_at", ASCENDING)],
                    partialFilterExpression={"open": True},
                ),
                IndexModel(
                    [
                        ("org", ASCENDING),
                        ("unit_id", ASCENDING),
                        ("day", ASCENDING),
                        ("written_at", ASCENDING),
                    ]
                ),
            ]
        )
        self.pages.store.ensure_indexes(
            [IndexModel([*desk, ("period", ASCENDING)], unique=True), *TIMED_INDEXES]
        )
        self.shifts.store.ensure_indexes(
            [
                IndexModel([*desk, ("day", ASCENDING), ("template", ASCENDING)], unique=True),
                *TIMED_INDEXES,
            ]
        )
        self.rosters.store.ensure_indexes(
            [
                IndexModel([*desk, ("first", ASCENDING)], unique=True),
                IndexModel([*desk, ("last", DESCENDING)]),
            ]
        )
        self.handovers.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("shift_id", ASCENDING)], unique=True),
                IndexModel([*desk, ("change_at", DESCENDING)]),
                *TIMED_INDEXES,
            ]
        )

    def roster_of(self, org: str, desk: str, day: date) -> DrawnRoster | None:
        """Return the roster that holds ``day``, the one that began last."""
        query: Mapping[str, Any] = {"org": org, "desk": desk, "first": at_most(day.isoformat())}
        found = self.rosters.find(query, sort=[("first", DESCENDING)], limit=1)
        return found[0] if found and found[0].last >= day else None

    def handover_of(self, org: str, shift_id: str) -> Handover | None:
        """Return the handover of a shift, if it was opened."""
        found = self.handovers.find({"org": org, "shift_id": shift_id}, limit=1)
        return found[0] if found else None

    def shifts_of(self, org: str, desk: str, day: date) -> list[Shift]:
        """Return the shifts of a desk that began on ``day``, in order."""
        query: Mapping[str, Any] = {"org": org, "desk": desk, "day": day.isoformat()}
        return self.shifts.find(query, sort=[("template", ASCENDING)])
