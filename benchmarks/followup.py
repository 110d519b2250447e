"""Follow-up: a campaign to many customers, worklists over many open callbacks, and quotas over many households."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.backing import REPOSITORY, Backing, indexed_afterwards, percentile, read_only
from services.followup.application import Application, build
from services.followup.callbacks_kept import callback_document
from services.followup.domain.callback import CLOCK, Callback
from services.followup.domain.person import token
from services.followup.rulebook import load_rulebooks
from services.followup.settings import FollowupSettings
from shared.clock import FixedClock, SystemClock, to_milliseconds
from shared.clocks.clock import Deadline
from shared.errors import Unavailable
from shared.history import Cause
from shared.ids import TimeOrderedIds
from shared.messaging.outbox import Relay, build_relay
from shared.mongo.client import connect
from shared.mongo.runtime import Runtime
from shared.mongo.store import MongoTickets
from shared.worktime import Calendars, Duration

ORG = "property-demo"
#: How many open callbacks, and how many households, the larger database holds; the goals name 300,000.
TASKS = int(os.environ.get("KEFU_BENCH_TASKS", "300000"))
#: What a quick run measures instead.
QUICK: dict[str, int] = {"customers": 4_000, "few": 1_000, "many": 6_000, "looks": 20}
#: How many of the open callbacks are overdue, due today and the caller's own, however many are open.
_WORK = 300
_FILL = 1_000
_LIMIT = 50
_ACTOR = "stf_bench"
_QUOTA = "owner_visits"


def measure(
    backing: Backing, *, customers: int = 100_000, few: int = 10_000, many: int = TASKS, looks: int = 200
) -> dict[str, Any]:
    """Return for each figure ours, the bare one and their ratio."""
    result = {"campaign": _campaign(backing, customers)}
    with read_only(backing) as lent:
        offices = _Office(lent, "bench_few"), _Office(lent, "bench_many")
        started = time.perf_counter()
        for office, number in zip(offices, (few, many), strict=True):
            office.fill_callbacks(number)
            office.fill_households(number)
        seconds = time.perf_counter() - started
        result |= _worklists(*offices, looks)
        result["quotas"] = _quotas(*offices, looks)
    return {**result, "filled": {"open": many, "seconds": seconds}}


def _campaign(backing: Backing, customers: int) -> dict[str, Any]:
    """Return how many customers a second a campaign reaches, and bare inserts of the same messages, indexes alike."""
    office = _Office(backing, "bench_campaign")
    office.fill_households(customers)
    seconds = office.campaign() / 1000
    messages = list(office.data["messages"].find())
    assert len(messages) == customers, f"{len(messages)} messages for {customers} customers"
    bare = office.data["bare_messages"]
    for index in office.data["messages"].index_information().values():
        keys = index["key"]
        if keys != [("_id", 1)]:
            bare.create_index(keys, **{name: index[name] for name in ("unique", "sparse") if name in index})
    plain = 0.0
    for start in range(0, customers, _FILL):
        rows = messages[start : start + _FILL]
        plain += _elapsed(partial(bare.insert_many, rows, ordered=False)) / 1000
    backing.purge()
    return _ratio(customers / plain, customers / seconds)


def _worklists(few: _Office, many: _Office, looks: int) -> dict[str, Any]:
    """Return the p95 of the list that grows worst, and of the one that is slowest beside a bare find of as many."""
    found: dict[str, dict[str, float]] = {}
    for name in _LISTS:
        asked = partial(few.ask, name), partial(many.ask, name), many.bare_find
        turns = [tuple(_elapsed(ask) for ask in asked) for _ in range(looks)]
        small, large, bare = (percentile(times, 95) for times in zip(*turns, strict=True))
        found[name] = {"few": small, "many": large, "bare": bare}
    grown = max(found.values(), key=lambda row: row["many"] / row["few"])
    slow = max(found.values(), key=lambda row: row["many"] / row["bare"])
    return {
        "lists": {**_ratio(grown["few"], grown["many"]), "lists": found},
        "find": _ratio(slow["bare"], slow["many"]),
    }


def _quotas(few: _Office, many: _Office, looks: int) -> dict[str, Any]:
    """Return the median of the month's check, counts of households up to an hour old as in the service."""
    turns = [(_elapsed(few.coverage), _elapsed(many.coverage)) for _ in range(looks)]
    small, large = (statistics.median(times) for times in zip(*turns, strict=True))
    return _ratio(small, large)


_LISTS = ("mine", "now", "today", "overdue", "gaps")


@dataclass
class _Caller:
    """Whoever asks."""

    org: str = ORG
    actor: str = _ACTOR
    key: str = "bench"
    roles: frozenset[str] = frozenset({"staff", "supervisor", "manager", "system"})
    traceparent: str | None = None


class _Office:
    """The service's own use cases on a database of their own, at ten in the morning."""

    def __init__(self, backing: Backing, database: str) -> None:
        settings = FollowupSettings(
            service="followup",
            broker_url=backing.broker_url("followup"),
            mongo_url=backing.database.url(),
            mongo_database=database,
            organisations_dir=REPOSITORY / "organisations",
            survey_key=("a-key-of-benchmarks-that-signs-nothing",),
        )
        self.data = connect(settings.mongo_url, settings.mongo_database)
        self._patient = backing.mongo(database)
        tickets = MongoTickets(self.data)
        tickets.ensure_indexes()
        # Two in the morning in UTC is ten in China: nobody's quiet time.
        self._now = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
        self._relay: Relay = build_relay(settings, tickets, SystemClock())
        clock = FixedClock(self._now)
        self._app: Application = build(
            Runtime(settings, clock, TimeOrderedIds(), self.data, tickets, self._relay)
        )
        self._rulebook = load_rulebooks(settings.organisations_dir).for_org(ORG, self._now)
        self._calendar = Calendars().by_name("cn")

    # Campaign

    def campaign(self) -> float:
        """Reach every household and publish what is to be sent; return the milliseconds it took."""
        campaigns = self._app.care.campaigns
        data = {"where": {"type": "household"}, "customer_id": None, "starts_at": None}
        words = {"topic": "bench"}
        started = campaigns.start(
            _Caller(), {**data, "kind": "news", "occasion": "bench", "variables": words}
        )

        def run() -> None:
            # Where it stands is not asked in between: that counts its messages.
            while campaigns.round():
                while not self._relay.idle:
                    # The broker may have closed the connection while nobody used it.
                    with suppress(Unavailable):
                        self._relay.pump()
            self._relay.close_tickets()

        taken = _elapsed(run)
        assert campaigns.campaign(ORG, started["campaign_id"])["state"] == "done"
        return taken

    # Quotas

    def fill_households(self, number: int) -> None:
        """Keep ``number`` households, each with a unit of its own, of whom one in fifty was visited this month."""
        people = self._patient["people"]
        with indexed_afterwards(people):
            for start in range(0, number, _FILL):
                ids = [f"cu_{index:08}" for index in range(start, min(number, start + _FILL))]
                people.insert_many([_household(each, self._now) for each in ids], ordered=False)

    def coverage(self) -> None:
        """Ask how far this month's quota is."""
        [row] = self._app.contacts.coverage(_Caller(), {"quota": _QUOTA, "at": None})
        assert row["population"] > 0, row

    # Worklists

    def fill_callbacks(self, number: int) -> None:
        """Keep ``number`` open callbacks: the same work for today in every database, the others later and others'.

        Of a hundred overdue, due today and later, the work of a day, each third is the caller's; what is due in the
        months to come is what grows.
        """
        kept = self._patient["callbacks"]
        kinds = {
            name: self._template(timedelta(hours=hours))
            for name, hours in {"overdue": -30, "today": 3, "later": 24 * 30}.items()
        }
        with indexed_afterwards(kept):
            for start in range(0, number, _FILL):
                rows = [
                    _copied(kinds, index, number, self._now)
                    for index in range(start, min(number, start + _FILL))
                ]
                kept.insert_many(rows, ordered=False)

    def _template(self, due_in: timedelta) -> Mapping[str, Any]:
        begun = to_milliseconds(self._now - timedelta(days=60))
        hours = int((self._now + due_in - begun).total_seconds() // 3600)
        rule = self._rulebook.sections.callbacks[0]
        deadline = Deadline.begin(CLOCK, Duration(hours, "hours"), self._calendar, begun, source="bench")
        callback = Callback(
            id="cb_template",
            org=ORG,
            case_id=None,
            case_number=None,
            contact_id=None,
            customer_id="cu_template",
            rule=rule.code,
            regulation=self._rulebook.version,
            round=1,
            handler=None,
            replied_at=begun,
            scheduled_at=begun,
            deadline=deadline,
            agent="stf_other",
            permitted_from=deadline.due_at - timedelta(hours=24),
        )
        callback.schedule(Cause("bench", "system"))
        return callback_document(callback)

    def ask(self, name: str) -> None:
        """Ask for the first page of a worklist."""
        none = dict.fromkeys(("state", "case_id", "customer_id", "rule", "due_on"))
        rows = self._app.desk.callbacks(ORG, {**none, "list": name, "limit": _LIMIT, "skip": 0}, _ACTOR)
        assert len(rows) == _LIMIT, f"{len(rows)} rows of {name}"

    def bare_find(self) -> None:
        """Find as many documents of one holder by an index, and nothing else."""
        rows = list(
            self.data["callbacks"].find({"org": ORG, "holders": _ACTOR, "state": "open"}).limit(_LIMIT)
        )
        assert len(rows) == _LIMIT


def _copied(kinds: Mapping[str, Mapping[str, Any]], index: int, number: int, now: datetime) -> dict[str, Any]:
    """Return a callback of another customer; the work of today is spread over all the time there is."""
    place, others = divmod(index, max(1, number // (2 * _WORK)))
    works = not others and place < 2 * _WORK
    kind = ("overdue", "today")[place % 2] if works else "later"
    mark = f"b{index:08}"
    row = {**kinds[kind], "_id": f"cb_{mark}", "customer_id": f"cu_{index:08}"}
    if works and place % 4 < 2:
        row["holders"], row["agent"] = [_ACTOR], _ACTOR
    if kind == "later":
        later = timedelta(minutes=index)
        row["listed_at"] = row["listed_at"] + later
        row["permitted_from"] = now + timedelta(days=20) + later
    return row


def _household(customer_id: str, at: datetime) -> dict[str, Any]:
    said = {"kind": "household", "trait.type": "household"}
    tokens = sorted((token("kind", "household"), token("type", "household")))
    return {
        "_id": f"{ORG}/{customer_id}",
        "version": 1,
        "org": ORG,
        "customer_id": customer_id,
        "said": [{"thing": thing, "at": at, "value": value} for thing, value in said.items()],
        "tokens": tokens,
    }


def _ratio(bare: float, ours: float) -> dict[str, Any]:
    return {"bare": bare, "kefu": ours, "ratio": ours / bare}


def _elapsed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
