"""Complaints: commands a second, lists over many cases, and a matter of a thousand cases that rises together."""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import ReplaceOne

from benchmarks.backing import REPOSITORY, Backing, indexed_afterwards, percentile, read_only, wait_until
from kefu.local.children import Child
from kefu.local.server import inherited_environment
from services.complaints.application import Application, build
from services.complaints.domain.case import Case
from services.complaints.domain.claim import Claim
from services.complaints.domain.states import ContactOutcome
from services.complaints.domain.timing import Timing
from services.complaints.handlers.opening import OpenCases, Routed, Rules
from services.complaints.repository import CaseRepository, document_of
from services.complaints.rulebook import load_rulebooks
from shared.clock import SystemClock, to_milliseconds
from shared.errors import KefuError, Unavailable
from shared.history import Cause
from shared.ids import TimeOrderedIds, derived_id
from shared.messaging.outbox import Relay, build_relay
from shared.messaging.rpc_client import RpcClient
from shared.mongo.client import connect
from shared.mongo.runtime import Runtime
from shared.mongo.store import MongoTickets
from shared.settings import ServiceSettings
from shared.worktime import Calendars

ORG = "plaza-demo"
#: How many cases the larger database of the lists holds; the goal names 300,000.
CASES = int(os.environ.get("KEFU_BENCH_CASES", "300000"))
#: What a quick run measures instead.
QUICK: dict[str, int] = {
    "commands": 200,
    "few": 1_000,
    "cases": 5_000,
    "looks": 40,
    "members": 200,
    "rounds": 1,
}
_FILL = 1_000
_CALLERS = 8
_ROLES = frozenset({"staff", "complaint_handler", "cs_head", "manager", "cs_vice_president"})
_BARE = Path(__file__).with_name("bare_rpc_service.py")


def measure(
    backing: Backing,
    *,
    commands: int = 800,
    few: int = 10_000,
    cases: int = CASES,
    looks: int = 200,
    members: int = 1_000,
    rounds: int = 3,
) -> dict[str, dict[str, Any]]:
    """Return for each figure ours, the bare one and their ratio."""
    return {
        "commands": _commands(backing, commands, rounds),
        "relevel": _Office(backing, "bench_matter").relevelling(members, rounds),
        "lists": _lists(backing, few, cases, looks),
    }


# Commands


def _commands(backing: Backing, number: int, rounds: int) -> dict[str, Any]:
    """Return how many ``record_progress`` are answered a second, and how many bare finds with an update.

    Both by eight callers at a time, each call on a case of its own; the bare ones change the very same documents,
    with the same indexes.
    """
    backing.start("complaints")
    office = _Office(backing, "kefu_complaints")
    office.keep([office.case(_accepted) for _ in range(number)])
    ids = [f"cs_{mark:08}" for mark in range(1, number + 1)]
    service = Child(
        "bare-rpc",
        [sys.executable, str(_BARE), backing.broker_url("admin"), backing.database.url()],
        env=inherited_environment("KEFU_"),
        cwd=_BARE.parents[1],
        log_path=backing.directory / "log" / "bare_rpc.log",
    )
    bare, ours = [], []
    with RpcClient(backing.broker_url("admin"), name="bench") as plain:
        wait_until(lambda: _answers(plain), 30)
    for turn in range(rounds):
        bare.append(_rate(lambda: RpcClient(backing.broker_url("admin"), name="bench"), ids, _bare_update))
        ours.append(_rate(lambda: backing.client(ORG), ids, _progress(turn)))
    service.kill()
    backing.stop("complaints")
    backing.purge()
    plain_rate, our_rate = statistics.median(bare), statistics.median(ours)
    return {"bare": plain_rate, "kefu": our_rate, "ratio": our_rate / plain_rate}


def _answers(client: RpcClient) -> bool:
    try:
        client.call("bare_rpc.get", key="x", timeout=1)
    except KefuError:
        return False
    return True


def _bare_update(client: RpcClient, case_id: str) -> None:
    client.call("bare_rpc.update", key=case_id, text="已联系工程部")


def _progress(turn: int) -> Callable[[RpcClient, str], None]:
    def call(client: RpcClient, case_id: str) -> None:
        key = f"{turn}-{case_id}"
        client.call("complaints.record_progress", id=case_id, text="已联系工程部", idempotency_key=key)

    return call


def _rate(
    connect_one: Callable[[], RpcClient], ids: Sequence[str], call: Callable[[RpcClient, str], None]
) -> float:
    """Return calls a second of all callers together; each has a connection of its own, opened beforehand."""
    failed: list[BaseException] = []
    together = threading.Barrier(_CALLERS + 1)

    def work(mine: Sequence[str]) -> None:
        try:
            with connect_one() as client:
                call(client, mine[0])
                together.wait(60)
                for case_id in mine[1:]:
                    call(client, case_id)
        except BaseException as error:
            failed.append(error)
            together.abort()
            raise

    callers = [threading.Thread(target=work, args=(ids[first::_CALLERS],)) for first in range(_CALLERS)]
    for caller in callers:
        caller.start()
    together.wait(60)
    started = time.perf_counter()
    for caller in callers:
        caller.join()
    if failed:
        raise failed[0]
    return (len(ids) - _CALLERS) / (time.perf_counter() - started)


# Lists


def _lists(backing: Backing, small: int, large: int, looks: int) -> dict[str, Any]:
    """Return the p95 of the list that grows worst, over few cases and over many, and all of them by name.

    Few and many are asked in turns, so that whatever else the machine does falls on both.
    """
    found: dict[str, dict[str, float]] = {}
    with read_only(backing) as lent:
        few, many = _Office(lent, "bench_few"), _Office(lent, "bench_many")
        few.fill(small)
        seconds = _elapsed(lambda: many.fill(large)) / 1000
        for name, arguments in _QUESTIONS.items():
            asking = partial(few.ask, name, arguments), partial(many.ask, name, arguments)
            pairs = [(_elapsed(asking[0]), _elapsed(asking[1])) for _ in range(looks)]
            bare, ours = (percentile(times, 95) for times in zip(*pairs, strict=True))
            found[name] = {"bare": bare, "kefu": ours, "ratio": ours / bare}
    worst = max(found.values(), key=lambda row: row["ratio"])
    return {**worst, "cases": large, "seconds_to_fill": seconds, "lists": found}


#: The lists there are, by what they are for; what awaits approval is a list of offers.
_QUESTIONS: dict[str, dict[str, Any]] = {
    "open": {"state": "open", "level": None},
    "overdue": {"state": "overdue", "level": None},
    "replied": {"state": "replied", "level": None},
    "open and important": {"state": "open", "level": "important"},
    "mine": {"state": None, "level": None, "mine": True},
    "due": {"state": None, "level": None, "due_before": datetime(2100, 1, 1, tzinfo=UTC)},
    "awaiting my approval": {},
}


def _accepted(case: Case, timing: Timing, at: datetime) -> None:
    case.decide_validity(
        timing, valid=True, ground=None, reason="现场核实属实", roles=_ROLES, at=at, cause=_cause("valid")
    )


def _overdue(case: Case, timing: Timing, at: datetime) -> None:
    _accepted(case, timing, at)
    assert case.fire_clocks(at + timedelta(hours=4), _cause("tick"))


def _replied(case: Case, timing: Timing, at: datetime) -> None:
    _accepted(case, timing, at)
    reached = ContactOutcome.REACHED
    case.attempt_contact(timing, reached, roles=_ROLES, at=at, cause=_cause("call"))
    case.progress(timing, "progress", "已联系工程部", roles=_ROLES, at=at, cause=_cause("progress"))
    case.reply(
        timing,
        "顶棚已修复",
        final=True,
        next_reply_at=None,
        prevention=None,
        roles=_ROLES,
        at=at,
        cause=_cause("reply"),
    )


def _closed(case: Case, timing: Timing, at: datetime) -> None:
    _replied(case, timing, at)
    case.callback_satisfied(1, timing, at=at, cause=_cause("callback"))
    assert not case.is_open


def _cause(name: str) -> Cause:
    return Cause(name, "stf_bench")


_KINDS = {"accepted": _accepted, "overdue": _overdue, "replied": _replied, "closed": _closed}
_OPEN, _OPEN_KINDS = 300, ("accepted", "overdue", "replied")
_SUM = Decimal("4000.00")


@dataclass
class _Caller:
    """Whoever asks."""

    org: str = ORG
    actor: str = "stf_bench"
    key: str = "bench"
    roles: frozenset[str] = _ROLES
    traceparent: str | None = None


@dataclass
class _Office:
    """The service's own use cases on a database of their own."""

    backing: Backing
    database: str
    opened: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        settings = ServiceSettings(
            service="complaints",
            broker_url=self.backing.broker_url("complaints"),
            mongo_url=self.backing.database.url(),
            mongo_database=self.database,
            organisations_dir=REPOSITORY / "organisations",
        )
        self.data = connect(settings.mongo_url, settings.mongo_database)
        tickets, self._clock = MongoTickets(self.data), SystemClock()
        tickets.ensure_indexes()
        self._relay: Relay = build_relay(settings, tickets, self._clock)
        runtime = Runtime(settings, self._clock, TimeOrderedIds(), self.data, tickets, self._relay)
        self._app: Application = build(runtime)
        self._rules = Rules(load_rulebooks(settings.organisations_dir), Calendars())
        self._open = OpenCases(CaseRepository(runtime), self._rules, self._clock)

    def case(self, drive: Callable[[Case, Timing, datetime], None], **changes: Any) -> Case:
        """Return a case unlike every other, after what ``drive`` does with it."""
        self.opened += 1
        mark = f"{self.opened:08}"
        received = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
        regulation = self._rules.in_force(ORG, received)
        fields: dict[str, Any] = {
            "id": f"cs_{mark}",
            "number": f"PLZ-{mark}",
            "contacts": [f"ct_{mark}"],
            "customer_id": f"cu_{mark}",
            "unit_id": f"un_{mark}",
            "claim": Claim(f"problem-{mark}", "tenant", None, None, None, media=False, lawsuit=False),
            "matter_id": f"mt_{mark}",
        }
        case = Case(
            **{**fields, **changes},
            org=ORG,
            channel="phone",
            regulation=regulation.version,
            profile=regulation.profile,
            level="",
            received_at=received,
            opened_at=received,
        )
        timing = self._rules.timing(ORG, regulation.version)
        case.open(timing, Cause(f"/kefu/intake#ct_{mark}.2", "system"))
        drive(case, timing, received)
        return case

    def keep(self, cases: Sequence[Case]) -> None:
        """Write cases as they are."""
        rows = [document_of(case) for case in cases]
        for start in range(0, len(rows), _FILL):
            self.data["cases"].insert_many(rows[start : start + _FILL], ordered=False)

    def fill(self, number: int) -> None:
        """Keep ``number`` cases, the same 300 of them open in every database and the others closed.

        For what there is to do does not grow with what was done. A third each is accepted and important, overdue,
        and replied; on one in three of them an offer awaits approval, on one in fifty of the others one was paid.
        """
        templates = {name: document_of(self.case(drive)) for name, drive in _KINDS.items()}
        offer = self._offer()
        paid = {**offer, "state": "paid", "awaits": []}
        now = to_milliseconds(datetime.now(UTC))
        cases, proposals = (self.backing.mongo(self.database)[name] for name in ("cases", "offers"))
        with indexed_afterwards(cases, proposals):
            for start in range(0, number, _FILL):
                rows, offers = [], []
                for index in range(start, min(number, start + _FILL)):
                    # Spread over all the time there is, as what is left over is.
                    place, others = divmod(index, number // _OPEN)
                    is_open = not others and place < _OPEN
                    kind = _OPEN_KINDS[place % 3] if is_open else "closed"
                    row = _copy(templates[kind], index, now)
                    row["handler"] = _Caller.actor
                    row["level"] = "important" if kind == "accepted" or index % 50 == 7 else "general"
                    rows.append(row)
                    if is_open and place % 3 == 0:
                        offers.append({**offer, "_id": f"of_{index:08}", "proposed_at": row["received_at"]})
                    elif index % 50 == 1:
                        offers.append({**paid, "_id": f"of_{index:08}", "proposed_at": row["received_at"]})
                cases.insert_many(rows, ordered=False)
                proposals.insert_many(offers, ordered=False)

    def ask(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Ask for the first page of a list."""
        if name == "awaiting my approval":
            page = {"state": None, "case_id": None, "matter_id": None, "limit": 50, "skip": 0}
            rows = self._app.look_up_offers.offers(_Caller(), {**page, "mine": True})
        else:
            asked = {"matter_id": None, "mine": False, "due_today": False, "due_before": None, **arguments}
            rows = self._app.look_up.cases(_Caller(), {**asked, "limit": 50, "skip": 0})
        assert len(rows) == 50, f"{len(rows)} rows of {name}"

    def relevelling(self, members: int, rounds: int) -> dict[str, Any]:
        """Return how long one more household takes that lifts a matter of ``members``, and the bare writes."""
        bare, ours = [], []
        for turn in range(rounds):
            bare.append(self._bare_relevel(members, f"bare-{turn}"))
            ours.append(self._relevel(members, f"ours-{turn}"))
            self._publish()
        plain, kefu = statistics.median(bare), statistics.median(ours)
        return {"bare": plain, "kefu": kefu, "ratio": kefu / plain}

    def _matter(self, members: int, problem: str) -> list[Case]:
        """Keep a matter whose cases have not been told yet of how many they are."""
        matter = derived_id("mt", ORG, problem)
        claim = Claim(problem, "tenant", None, None, None, media=False, lawsuit=False)
        cases = [self.case(_accepted, matter_id=matter, claim=claim) for _ in range(members)]
        self.keep(cases)
        return cases

    def _bare_relevel(self, members: int, problem: str) -> float:
        """Write the very documents that rising would write, in one bulk and nothing else."""
        cases = self._matter(members, problem)
        cause, now = Cause("bare", "system"), self._clock.now()
        for case in cases:
            case.version += 1
            assert case.relevel(members + 1, self._rules.timing(ORG, case.regulation), at=now, cause=cause)
        writes = [ReplaceOne({"_id": case.id, "version": case.version}, document_of(case)) for case in cases]
        return _elapsed(lambda: self.data["cases"].bulk_write(writes, ordered=False))

    def _relevel(self, members: int, problem: str) -> float:
        self._matter(members, problem)
        routed = Routed(
            org=ORG,
            contact_id=f"ct_{problem}",
            number=f"PLZ-{problem}",
            customer_id=f"cu_{problem}",
            unit_id=f"un_{problem}",
            channel="phone",
            received_at=self._clock.now(),
            claim=Claim(problem, "tenant", None, None, None, media=False, lawsuit=False),
            cause=Cause(f"/kefu/intake#ct_{problem}.2", "system"),
        )
        elapsed = _elapsed(lambda: self._open([routed]))
        lifted = {"matter_id": routed.matter_id, "level": "major"}
        found = self.data["cases"].count_documents(lifted)
        assert found == members + 1, f"{found} cases lifted instead of {members + 1}"
        return elapsed

    def _publish(self) -> None:
        while not self._relay.idle:
            # Between rounds nobody keeps the connection alive, and the broker may have closed it meanwhile.
            with suppress(Unavailable):
                self._relay.pump()
        self._relay.close_tickets()
        self.backing.purge()

    def _offer(self) -> dict[str, Any]:
        """Return the document of an offer that awaits the vice president's approval."""
        case = self.case(_accepted)
        self.keep([case])
        terms = dict.fromkeys(("reference", "policy", "clause", "meeting_note", "agreement"))
        data = {"case_id": case.id, "kind": "compensation", "amount": _SUM, "reason": "漏水", "goods": []}
        made = self._app.make_offers.propose_offer(_Caller(), {**terms, **data})
        self._publish()
        return dict(self.data["offers"].find_one({"_id": made["offer_id"]}) or {})


def _copy(template: Mapping[str, Any], index: int, now: datetime) -> dict[str, Any]:
    """Return a copy of a document for another customer; the earlier it is made the older the case."""
    mark = f"c{index:08}"
    row = {
        **template,
        "_id": f"cs_{mark}",
        "number": f"PLZ-{mark}",
        "contacts": [f"ct_{mark}"],
        "customer_id": f"cu_{mark}",
        "unit_id": f"un_{mark}",
        "matter_id": f"mt_{mark}",
        "received_at": now - timedelta(days=400) + timedelta(minutes=index),
    }
    row.pop("tier", None)
    if "awaiting" in row:
        row["awaiting"] = row["matter_id"]
    if "open_key" in row:
        row["open_key"] = f"ok_{mark}"
    return row


def _elapsed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
