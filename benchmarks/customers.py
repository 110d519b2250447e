"""Customers: searches over many files, and lists of customers taken in."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.backing import Backing, indexed_afterwards, percentile, read_only
from services.intake.application import Application, build
from services.intake.customers_kept import CUSTOMER_INDEXES
from services.intake.domain.files.blind import BlindIndex
from services.intake.domain.files.terms import name_terms, searched
from services.intake.domain.recognising import CustomerClaim, normal_phone
from services.intake.rulebook import PROFILES
from services.intake.schemas_files import BATCH, ImportCustomers
from services.intake.settings import IntakeSettings
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.ids import TimeOrderedIds
from shared.messaging.outbox import Relay, build_relay
from shared.mongo.client import Document, connect
from shared.mongo.runtime import Runtime
from shared.mongo.store import MongoTickets

ORG = "bench-cars"
#: How many files the larger database of the searches holds; the goal names 300,000.
CUSTOMERS = int(os.environ.get("KEFU_BENCH_CUSTOMERS", "300000"))
#: What a quick run measures instead.
QUICK: dict[str, int] = {"few": 1_000, "customers": 3_000, "looks": 30, "calls": 3}
_FILL = 1_000
#: A page of a list, where the caller does not say how long it is.
_PAGE = 50
#: An organisation of the trade whose files have plates; none of the organisations that come along is of it.
_ORGANISATION = f"""org: {ORG}
name: 某汽车销售服务店
profile: auto-dealer
number_prefix: CAR
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [{{roles}}]
"""
#: What a role may be called.
_WORD = re.compile(r"\b[a-z][a-z_]*[a-z]\b")
#: The commonest surnames first.
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰春建国文辉力志永健世广海山仁波宁福生龙"
_CITIES = "ABCDEFGHJKLMNP"


def measure(
    backing: Backing,
    *,
    few: int = 10_000,
    customers: int = CUSTOMERS,
    looks: int = 200,
    calls: int = 6,
) -> dict[str, dict[str, Any]]:
    """Return for each figure ours, the bare one and their ratio."""
    return {
        "import": _Room(backing, "bench_import").importing(calls),
        **_searches(backing, few, customers, looks),
    }


# Searches


def _searches(backing: Backing, small: int, large: int, looks: int) -> dict[str, dict[str, Any]]:
    """Return the search that grows worst, and the one that is slowest beside a bare find of one document.

    All are p95 in milliseconds. The same customers are looked for among few files, among many, and by a bare
    find over the many, in turns, so that whatever else the machine does falls on all three.
    """
    with read_only(backing) as lent:
        few, many = _Room(lent, "bench_few"), _Room(lent, "bench_many")
        few.fill(small)
        seconds = _elapsed(lambda: many.fill(large)) / 1000
        sought = [place * small // looks for place in range(looks)]
        found = {by: _search(few, many, by, sought) for by in _TEXTS}
    grown = max(found.values(), key=lambda row: row["many"] / row["few"])
    slow = max(found.values(), key=lambda row: row["many"] / row["bare"])
    return {
        "growth": {
            **_ratio(grown["few"], grown["many"]),
            "customers": large,
            "seconds_to_fill": seconds,
            "searches": found,
        },
        "find": _ratio(slow["bare"], slow["many"]),
    }


def _search(few: _Room, many: _Room, by: str, sought: Sequence[int]) -> dict[str, float]:
    """Return the p95 of one search, and how many rows its answers have on average."""
    times: dict[str, list[float]] = {"few": [], "many": [], "bare": []}
    rows: dict[str, list[int]] = {"few": [], "many": []}
    for index in sought:
        person = _person(index)
        text = _TEXTS[by](person)
        for name, room in (("few", few), ("many", many)):
            started = time.perf_counter()
            answer = room.search(by, text)
            times[name].append((time.perf_counter() - started) * 1000)
            assert answer, f"nobody is found by {by}"
            rows[name].append(len(answer))
        times["bare"].append(_elapsed(partial(many.bare_find, _BLIND.hidden(person.key))))
    p95 = {name: percentile(values, 95) for name, values in times.items()}
    return p95 | {f"rows_{name}": statistics.fmean(counts) for name, counts in rows.items()}


# Who the customers are


@dataclass(frozen=True, slots=True)
class _Person:
    """One made-up customer."""

    index: int
    name: str
    phone: str
    plate: str

    @property
    def claim(self) -> CustomerClaim:
        return CustomerClaim("person", self.name, normal_phone(self.phone), None)

    @property
    def key(self) -> str:
        """Return what the file is recognised by."""
        return self.claim.keys(ORG)[0]


def _person(index: int) -> _Person:
    """Return the customer of that number, the same one at every call; nobody else has the phone number."""
    rng = Random(index)
    surname = rng.choices(_SURNAMES, [1 / (place + 5) for place in range(len(_SURNAMES))])[0]
    given = "".join(rng.choices(_GIVEN, k=1 if rng.random() < 0.15 else 2))
    plate = f"沪{rng.choice(_CITIES)}{rng.randrange(100_000):05}"
    return _Person(index, surname + given, f"139{index * 7_919 % 10**8:08}", plate)


#: What somebody at a desk types, by what it is called: the beginning of a name, a name's initials, all the digits.
_TEXTS: dict[str, Callable[[_Person], str]] = {
    "name": lambda person: person.name[:2],
    "initials": lambda person: name_terms(person.name)[-1],
    "phone": lambda person: person.phone,
    "plate": lambda person: person.plate,
}

#: What hides phone numbers here.
_PHONE_KEY = "a key of benchmarks, known to everybody"
_BLIND = BlindIndex([_PHONE_KEY])


@dataclass(frozen=True)
class _Caller:
    """Whoever takes a list in."""

    key: str
    org: str = ORG
    actor: str = "stf_bench"
    roles: frozenset[str] = frozenset({"staff", "supervisor"})
    traceparent: str | None = None


class _Room:
    """The service's own use cases on a database of their own."""

    def __init__(self, backing: Backing, database: str) -> None:
        settings = IntakeSettings(
            service="intake",
            phone_key=(_PHONE_KEY,),
            broker_url=backing.broker_url("intake"),
            mongo_url=backing.database.url(),
            mongo_database=database,
            organisations_dir=_organisations(backing.directory),
        )
        self._backing = backing
        self._data = connect(settings.mongo_url, settings.mongo_database)
        tickets, clock = MongoTickets(self._data), SystemClock()
        tickets.ensure_indexes()
        self._relay: Relay = build_relay(settings, tickets, clock)
        self._app: Application = build(
            Runtime(settings, clock, TimeOrderedIds(), self._data, tickets, self._relay)
        )

    def search(self, by: str, text: str) -> list[dict[str, Any]]:
        """Return the first page of what a search finds."""
        what = "name" if by == "initials" else by
        return self._app.files.read.search(ORG, what, text, limit=_PAGE, skip=0, full=True)

    def bare_find(self, key: str) -> None:
        """Find one file by a unique index, as a document and no more."""
        assert self._data["customers"].find_one({"keys": key}) is not None

    def fill(self, number: int) -> None:
        """Keep the files of ``number`` customers: the first is taken in, the others are written as it was."""
        self._take(_Caller("first"), [_person(0)])
        self._publish()
        customers = self._backing.mongo(self._data.name)["customers"]
        template = customers.find_one({"name": _person(0).name}) or {}
        with indexed_afterwards(customers):
            for start in range(1, number, _FILL):
                people = [_person(index) for index in range(start, min(number, start + _FILL))]
                customers.insert_many([_document(template, person) for person in people], ordered=False)

    def importing(self, calls: int) -> dict[str, float]:
        """Return how many customers a second are taken in by calls of 500, and by bare inserts of the same.

        Ours counts from the arguments as they come to the counts that are answered; the events go out beside it.
        """
        bare, ours = [], []
        for call in range(calls):
            people = [_person(index) for index in range(call * BATCH, (call + 1) * BATCH)]
            caller = _Caller(f"call-{call}")
            ours.append(_elapsed(partial(self._take, caller, people)))
            keys = [_BLIND.hidden(person.key) for person in people]
            bare.append(self._bare_insert(list(self._data["customers"].find({"keys": {"$in": keys}}))))
            self._publish()
        plain, kefu = (BATCH * 1000 / statistics.median(times) for times in (bare, ours))
        return _ratio(plain, kefu)

    def _take(self, caller: _Caller, people: Sequence[_Person]) -> None:
        rows = [
            {
                "row": number,
                "customer": {"kind": "person", "name": person.name, "phone": person.phone},
                "values": {"plate": [person.plate]},
            }
            for number, person in enumerate(people, 1)
        ]
        answer = self._app.files.take(caller, ImportCustomers().load({"rows": rows, "origin": "dms"}))
        assert answer["created"] == len(people), answer

    def _bare_insert(self, documents: Sequence[Document]) -> float:
        """Write the very documents to a collection with the same indexes, in one call and nothing else."""
        assert len(documents) == BATCH
        collection = self._data["bare_customers"]
        collection.create_indexes([*CUSTOMER_INDEXES])
        return _elapsed(lambda: collection.insert_many(documents, ordered=False))

    def _publish(self) -> None:
        while not self._relay.idle:
            # Between calls nobody keeps the connection alive, and the broker may have closed it meanwhile.
            with suppress(Unavailable):
                self._relay.pump()
        self._relay.close_tickets()
        self._backing.purge()


def _organisations(directory: Path) -> Path:
    """Return a folder with the one organisation that is measured."""
    folder = directory / "organisations"
    folder.mkdir(exist_ok=True)
    # A rulebook that names a role nobody holds is refused, and here everybody may be anything.
    texts = (path.read_text(encoding="utf-8") for path in PROFILES.rglob("*.yaml"))
    words = sorted({word for text in texts for word in _WORD.findall(text)})
    roles = ", ".join(f'"{word}"' for word in words)
    folder.joinpath(f"{ORG}.yaml").write_text(_ORGANISATION.format(roles=roles), encoding="utf-8")
    return folder


def _document(template: Document, person: _Person) -> Document:
    """Return the document of a file like ``template`` for another customer, with the terms it is found by."""
    claim, plates = person.claim, template["fields"]["plate"]
    customer_id = f"cu_{person.index:08}"
    own = searched(customer_id, ORG, claim.name, None, [("plate", person.plate)])
    found = tuple(f"{ORG}|{what}|" for what in ("name", "~name", "plate"))
    alike = [each for each in template["terms"] if not each.startswith(found)]
    return template | {
        "_id": customer_id,
        "name": claim.name,
        "phone": claim.phone,
        "keys": [_BLIND.hidden(key) for key in claim.keys(ORG)],
        "fields": {"plate": plates | {"entries": [plates["entries"][0] | {"text": person.plate}]}},
        "terms": own + alike,
    }


def _ratio(bare: float, ours: float) -> dict[str, Any]:
    return {"bare": bare, "kefu": ours, "ratio": ours / bare}


def _elapsed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
