"""Clocks: one deadline, a thousand that fire together, a look that finds nothing, and all computed again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import chinese_calendar
from pymongo import ReplaceOne

from benchmarks.backing import REPOSITORY, Backing
from services.complaints.domain.case import Case
from services.complaints.domain.claim import Claim
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.ticking import FireClocks
from services.complaints.repository import CaseRepository, document_of
from services.complaints.rulebook import load_rulebooks
from shared.clock import SystemClock, to_milliseconds
from shared.clocks.recomputing import RecomputeClocks
from shared.errors import Unavailable
from shared.history import Cause
from shared.ids import TimeOrderedIds
from shared.messaging.outbox import Relay, build_relay
from shared.mongo.client import connect
from shared.mongo.runtime import Runtime
from shared.mongo.store import MongoTickets
from shared.settings import ServiceSettings
from shared.worktime import Calendars, Duration, due

ORG = "plaza-demo"
#: Starts of deadlines: the years with official holidays.
_FROM, _DAYS = date(2024, 1, 1), 3 * 365
_FILL = 1_000
_FEW_OPEN = 1_000
#: What a quick run measures instead.
QUICK: dict[str, int] = {"open_clocks": 10_000, "firing": 200, "recomputed": 500, "rounds": 1}


def measure(
    backing: Backing,
    *,
    open_clocks: int = 100_000,
    firing: int = 1_000,
    recomputed: int = 10_000,
    rounds: int = 3,
) -> dict[str, dict[str, float]]:
    """Return for each figure ours, the bare one and their ratio; times in milliseconds.

    ``recomputed`` of the ``open_clocks`` are behind by a calendar: a part of them, because rewriting all is a
    matter of minutes on the embedded database, and the others have to be passed over.
    """
    few, desk = _Desk(backing, "bench_few"), _Desk(backing, "bench_many")
    few.open(_FEW_OPEN)
    desk.open(open_clocks)
    return {
        "deadline": deadline(),
        "idle": _idle(few, desk),
        "firing": desk.firing(firing, rounds),
        "recompute": desk.recomputing(recomputed),
    }


def deadline(questions: int = 2_000, rounds: int = 15) -> dict[str, float]:
    """Return how long a deadline of 15 working days takes, and a look at one day in the library's own list."""
    calendar, rng = Calendars().by_name("cn"), Random(15)
    days = [_FROM + timedelta(days=rng.randrange(_DAYS)) for _ in range(questions)]
    starts = [datetime(day.year, day.month, day.day, 2, tzinfo=UTC) for day in days]
    fifteen = Duration(15, "working_days", from_next_day=True, end_of_day=True)
    ours = _median(rounds, lambda: [due(calendar, start, fifteen) for start in starts]) / questions
    bare = _median(rounds, lambda: [chinese_calendar.is_workday(day) for day in days]) / questions
    return {"bare": bare, "kefu": ours, "ratio": ours / bare}


@dataclass
class _Desk:
    """The service's own repository and use case on a database of many open cases, and its relay."""

    backing: Backing
    database: str

    def __post_init__(self) -> None:
        settings = ServiceSettings(
            service="complaints",
            broker_url=self.backing.broker_url("complaints"),
            mongo_url=self.backing.database.url(),
            mongo_database=self.database,
            organisations_dir=REPOSITORY / "organisations",
        )
        database = connect(settings.mongo_url, settings.mongo_database)
        tickets, clock, ids = MongoTickets(database), SystemClock(), TimeOrderedIds()
        tickets.ensure_indexes()
        self._relay: Relay = build_relay(settings, tickets, clock)
        runtime = Runtime(settings, clock, ids, database, tickets, self._relay)
        self._cases = database["cases"]
        self._repository = CaseRepository(runtime)
        self._repository.ensure_indexes()
        self._fire = FireClocks(self._repository, clock, ids)
        rulebooks, calendars = load_rulebooks(settings.organisations_dir), Calendars()
        self._rules = Rules(rulebooks, calendars)
        version = calendars.by_name(rulebooks.organisation(ORG).calendar).version
        self._recompute = RecomputeClocks(
            self._repository, self._rules, clock, ids, current=[f"{ORG}/{version}"]
        )
        self._opened = 0

    def open(self, number: int) -> None:
        """Keep so many more cases whose clocks have long to go."""
        for start in range(0, number, _FILL):
            now = datetime.now(UTC)
            self._insert([self._case(now) for _ in range(min(_FILL, number - start))])

    def look(self) -> None:
        """Make a pass of the loop that finds nothing due."""
        assert not self._fire()

    def firing(self, number: int, rounds: int) -> dict[str, float]:
        """Return how long it takes until ``number`` clocks due in one second have fired, and the bare writes."""
        ours, bare, sent = [], [], []
        for _ in range(rounds):
            bare.append(self._bare(number))
            ours.append(self._fired(number))
            sent.append(_elapsed(self._publish))
        ratio = statistics.median(ours) / statistics.median(bare)
        return {
            "bare": statistics.median(bare),
            "kefu": statistics.median(ours),
            "ratio": ratio,
            "published": statistics.median(sent),
        }

    def _bare(self, number: int) -> float:
        """Write the very documents that firing would write, in one bulk and nothing else."""
        late = self._late(number)
        cause, now = Cause("tick_bare", "system"), datetime.now(UTC)
        for case in late:
            case.version += 1
            assert case.fire_clocks(now, cause)
        writes = [ReplaceOne({"_id": case.id, "version": case.version}, document_of(case)) for case in late]
        return _elapsed(lambda: self._cases.bulk_write(writes, ordered=False))

    def _fired(self, number: int) -> float:
        late = {case.id for case in self._late(number)}

        def fire() -> None:
            while self._fire():
                pass

        elapsed = _elapsed(fire)
        found = self._cases.count_documents({"_id": {"$in": list(late)}, "history.type": "clock_breached"})
        assert found == number, f"{found} clocks fired instead of {number}"
        return elapsed

    def recomputing(self, number: int) -> dict[str, float]:
        """Return how long ``number`` cases of an older calendar take to be computed again, and the bare writes."""
        cause, now, writes = Cause("tick_bare", "system"), datetime.now(UTC), []
        for case in self._behind(number):
            case.version += 1
            assert case.recompute_clocks(self._rules.timing(ORG, case.regulation), now, cause)
            writes.append(ReplaceOne({"_id": case.id, "version": case.version}, document_of(case)))
        bare = _elapsed(lambda: self._cases.bulk_write(writes, ordered=False))
        late = [case.id for case in self._behind(number)]

        def recompute() -> None:
            while self._recompute():
                pass

        ours = _elapsed(recompute)
        done = {"_id": {"$in": late}, "history.type": "clock_recomputed"}
        found = self._cases.count_documents(done)
        assert found == number, f"{found} cases computed again instead of {number}"
        self._publish()
        return {"bare": bare, "kefu": ours, "ratio": ours / bare}

    def _publish(self) -> None:
        while not self._relay.idle:
            # Between rounds nobody keeps the connection alive, and the broker may have closed it meanwhile.
            with suppress(Unavailable):
                self._relay.pump()
        self._relay.close_tickets()
        self.backing.purge()

    def _late(self, number: int) -> list[Case]:
        """Keep ``number`` more cases, the first clock of each due in the same second a moment ago."""
        second = datetime.now(UTC) - timedelta(hours=3, seconds=2)
        late = [self._case(second + timedelta(milliseconds=index % 1000)) for index in range(number)]
        self._insert(late)
        return late

    def _behind(self, number: int) -> list[Case]:
        """Keep ``number`` more cases whose clocks were computed with a calendar that has been replaced."""
        cases = [self._case(datetime.now(UTC)) for _ in range(number)]
        for case in cases:
            case.deadlines = [replace(each, calendar_version="replaced") for each in case.deadlines]
        self._insert(cases)
        return cases

    def _insert(self, cases: Sequence[Case]) -> None:
        for start in range(0, len(cases), _FILL):
            rows = [document_of(case) for case in cases[start : start + _FILL]]
            self._cases.insert_many(rows, ordered=False)

    def _case(self, received_at: datetime) -> Case:
        """Return a case as a complaint opens it, unlike every other."""
        self._opened += 1
        mark = f"{self._opened:08}"
        regulation = self._rules.in_force(ORG, received_at)
        case = Case(
            id=f"cs_{mark}",
            org=ORG,
            number=f"PLZ-{mark}",
            contacts=[f"ct_{mark}"],
            customer_id=f"cu_{mark}",
            unit_id=f"un_{mark}",
            channel="phone",
            claim=Claim(f"problem-{mark}", "tenant", None, None, None, media=False, lawsuit=False),
            matter_id=f"mt_{mark}",
            regulation=regulation.version,
            profile=regulation.profile,
            level="",
            received_at=to_milliseconds(received_at),
            opened_at=to_milliseconds(datetime.now(UTC)),
        )
        timing = self._rules.timing(ORG, regulation.version)
        case.open(timing, Cause(f"/kefu/intake#ct_{mark}.2", "system"))
        return case


def _idle(few: _Desk, many: _Desk, looks: int = 300) -> dict[str, float]:
    """Return how long a pass takes that finds nothing due, with few clocks open and with many."""
    # In turns, so that whatever else the machine does falls on both.
    pairs = [(_elapsed(few.look), _elapsed(many.look)) for _ in range(looks)]
    short, long = (statistics.median(times) for times in zip(*pairs, strict=True))
    return {"bare": short, "kefu": long, "ratio": long / short}


def _elapsed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _median(rounds: int, work: Callable[[], Any]) -> float:
    return statistics.median(_elapsed(work) for _ in range(rounds))
