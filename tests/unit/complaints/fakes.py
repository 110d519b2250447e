"""Stand-ins for what the complaints use cases need: a repository in memory, the world around it, events."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import RAISE, Schema

from kefu.demo.walking import filled
from services.complaints import schemas, schemas_path
from services.complaints.domain.case import Case
from services.complaints.domain.listing import Listing
from services.complaints.domain.money.rules import Way
from services.complaints.domain.receiving.register import LedgerRow, Wanted
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.stepping import LookUpSteps, TakeSteps
from services.complaints.handlers.ticking import FireClocks
from services.complaints.matters import Waiting
from services.complaints.receiving_documents import ledger_row
from services.complaints.repository import CaseRepository, case_of, document_of, open_key
from services.complaints.rulebook import load_rulebooks
from services.complaints.sheets import Sheet, sheets_of
from shared.clock import FixedClock
from shared.clocks.recomputing import RecomputeClocks
from shared.errors import Conflict
from shared.history import Cause, Entry, timestamp
from shared.ids import CountingIds
from shared.messaging.delivery import Delivery
from shared.mongo.store import Inserted
from shared.regulations import Rulebooks
from shared.worktime.calendars import Calendars
from tests.contract.stores import in_ledger
from tests.unit.complaints.listing import page

ORGANISATIONS = Path(__file__).parents[3] / "organisations"
PLAZA, RETAIL, PROPERTY, SHOP, IT = "plaza-demo", "retail-demo", "property-demo", "shop-demo", "it-demo"
CONTENT_TYPE = "application/cloudevents+json"

Document = dict[str, Any]


def beijing(text: str) -> datetime:
    """Return the aware instant of a wall clock in China, for example ``2025-03-05 09:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@lru_cache(maxsize=1)
def rulebooks() -> Rulebooks[ComplaintRules]:
    return load_rulebooks(ORGANISATIONS)


@lru_cache(maxsize=1)
def calendars() -> Calendars:
    return Calendars()


def rules_of(org: str) -> ComplaintRules:
    return rulebooks().for_org(org, beijing("2026-03-02 09:00")).sections


class MemoryCases(CaseRepository):
    """Keeps documents as the database would: versions checked, keys unique; ``between`` runs once, before a step."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.between: dict[str, Callable[[], object]] = {}
        self.writes = 0

    def _step(self, name: str) -> None:
        hook = self.between.pop(name, None)
        if hook:
            hook()

    def contacts_known(self, contact_ids: Sequence[str]) -> dict[str, str]:
        return {
            contact: row["matter_id"]
            for row in self.documents.values()
            for contact in row["contacts"]
            if contact in contact_ids
        }

    def open_cases_of(self, persons: Collection[tuple[str, str, str]]) -> list[Case]:
        keys = {open_key(*person) for person in persons}
        rows = [row for row in self.documents.values() if row.get("open_key") in keys]
        return [case_of(copy.deepcopy(row)) for row in rows]

    def insert(self, cases: Sequence[Case]) -> Inserted:
        self._step("insert")
        new, known = [], []
        for case in cases:
            document = copy.deepcopy(document_of(case))
            if case.id in self.documents or self._taken(document):
                known.append(case.id)
            else:
                self.documents[case.id] = document
                self.writes += 1
                new.append(case.id)
        return Inserted(tuple(new), tuple(known))

    def _taken(self, document: Document) -> bool:
        """Tell whether another document holds a key that must be unique."""
        return any(
            row["_id"] != document["_id"]
            and (
                ("open_key" in document and row.get("open_key") == document["open_key"])
                or set(row["contacts"]) & set(document["contacts"])
            )
            for row in self.documents.values()
        )

    def save(self, case: Case, *, since_seq: int) -> None:
        if self.save_all([(case, since_seq)]):
            raise Conflict(f"{case.id} was changed by somebody else")

    def save_all(self, changes: Sequence[tuple[Case, int]]) -> tuple[str, ...]:
        lost = []
        for case, since in changes:
            self._step("save")
            document, kept = copy.deepcopy(document_of(case)), self.documents[case.id]
            if kept["version"] != document["version"] - 1:
                # What the store takes for the same write sent twice.
                last = kept["history"][-1]["hash"] == document["history"][-1]["hash"]
                if kept["version"] == document["version"] and last:
                    continue
                lost.append(case.id)
                continue
            if self._taken(document):
                lost.append(case.id)
                continue
            assert len(kept["history"]) == since - 1
            self.documents[case.id] = document
            self.writes += 1
        return tuple(lost)

    def waiting(self, matter_ids: Collection[str]) -> list[Waiting]:
        self._step("waiting")
        return [
            Waiting(row["_id"], row["org"], row["regulation"], row["matter_id"], row["households"])
            for row in self.documents.values()
            if row.get("awaiting") in matter_ids
        ]

    def homes(self, enough: Mapping[str, int], *, but: str | None = None) -> dict[str, set[str]]:
        homes: dict[str, set[str]] = {matter_id: set() for matter_id in enough}
        for row in self.documents.values():
            if row["matter_id"] in homes and row["valid"] is not False and row["_id"] != but:
                homes[row["matter_id"]].add(row["unit_id"] or row["customer_id"])
        return homes

    def households(self, matter_ids: Collection[str]) -> dict[str, int]:
        homes = self.homes(dict.fromkeys(matter_ids, 0))
        return {matter: len(found) for matter, found in homes.items() if found}

    def get(self, case_id: str, org: str) -> Case | None:
        row = self.documents.get(case_id)
        return case_of(copy.deepcopy(row)) if row and row["org"] == org else None

    def of_contact(self, contact_id: str, org: str) -> Case | None:
        return next((case for case in self.all() if case.org == org and contact_id in case.contacts), None)

    def get_many(self, case_ids: Collection[str]) -> dict[str, Case]:
        rows = [self.documents[case_id] for case_id in case_ids if case_id in self.documents]
        return {row["_id"]: case_of(copy.deepcopy(row)) for row in rows}

    def due(self, now: datetime, limit: int) -> list[Case]:
        rows = [row for row in self.documents.values() if "next_due" in row and row["next_due"] <= now]
        rows.sort(key=lambda row: (row["next_due"], row["_id"]))
        return [case_of(copy.deepcopy(row)) for row in rows[:limit]]

    def behind(self, current: Collection[str], limit: int, *, skip: Collection[str] = ()) -> list[Case]:
        rows = [
            row
            for row in self.documents.values()
            if set(row.get("open_calendars", ())) - set(current) and row["_id"] not in skip
        ]
        return [case_of(copy.deepcopy(row)) for row in rows[:limit]]

    def listed(self, org: str, listing: Listing, *, limit: int, skip: int) -> list[Case]:
        return page([case for case in self.all() if case.org == org], listing, limit, skip)

    def supervised(
        self, org: str, *, supervisor: str | None, overdue: bool | None, limit: int, skip: int
    ) -> list[Case]:
        rows = [
            case_of(copy.deepcopy(row))
            for row in self.documents.values()
            if row["org"] == org
            and "supervisors" in row
            and (supervisor is None or supervisor in row["supervisors"])
            and overdue in (None, row["overdue"])
        ]
        return sorted(rows, key=lambda case: case.received_at)[skip : skip + limit]

    def ledger(self, org: str, wanted: Wanted) -> list[LedgerRow]:
        rows = [row for row in self.documents.values() if row["org"] == org and in_ledger(row, wanted)]
        rows.sort(key=lambda row: (row["received_at"], row["_id"]), reverse=True)
        return [ledger_row(copy.deepcopy(row)) for row in rows[: wanted.limit]]

    def to_recount(self, limit: int) -> list[Case]:
        rows = [row for row in self.documents.values() if row.get("recount")]
        return [case_of(copy.deepcopy(row)) for row in rows[:limit]]

    def summary(self, org: str) -> list[dict[str, Any]]:
        cases = [case for case in self.all() if case.org == org]
        groups = sorted({(case.level, case.state.value) for case in cases})
        return [
            {
                "level": level,
                "state": state,
                "count": sum((case.level, case.state.value) == (level, state) for case in cases),
                "overdue": sum(
                    (case.level, case.state.value) == (level, state) and case.overdue for case in cases
                ),
            }
            for level, state in groups
        ]

    def page(self, org: str, after: str, limit: int) -> list[Sheet[Case]]:
        rows = [row for key, row in sorted(self.documents.items()) if row["org"] == org and key > after]
        return sheets_of(copy.deepcopy(rows[:limit]), case_of)

    def count(self, org: str) -> int:
        return sum(row["org"] == org for row in self.documents.values())

    def all(self) -> list[Case]:
        return [case_of(copy.deepcopy(row)) for row in self.documents.values()]


@dataclass(frozen=True)
class FakeCall:
    org: str
    key: str
    roles: frozenset[str]
    actor: str = "stf_test"
    traceparent: str | None = None


_SCHEMAS: Mapping[str, type[Schema]] = {
    "decide_validity": schemas.DecideValidity,
    "attempt_contact": schemas.AttemptContact,
    "progress": schemas.Progress,
    "reply": schemas.Reply,
    "close": schemas.ById,
    "assign_case": schemas.AssignCase,
    "set_level": schemas.SetLevel,
    "pause_clocks": schemas.PauseClocks,
    "resume_clocks": schemas.ResumeClocks,
    "request_extension": schemas.RequestExtension,
    "decide_extension": schemas.DecideExtension,
    "take_step": schemas_path.TakeStep,
}

#: Together these may take every step of every demo organisation.
EVERY_ROLE = frozenset({"staff", "complaint_handler", "cs_head", "manager", "ops_cs"})


@dataclass
class World:
    """The complaints service without broker and database."""

    clock: FixedClock
    cases: MemoryCases = field(default_factory=MemoryCases)
    calls: int = 0
    calendars: Calendars = field(default_factory=calendars)

    def __post_init__(self) -> None:
        self.rules = Rules(rulebooks(), self.calendars)
        self.take_contacts = TakeContacts(OpenCases(self.cases, self.rules, self.clock))
        self.take_callbacks = TakeCallbacks(self.cases, self.rules, self.clock)
        self.handle = HandleCases(self.cases, self.rules, self.clock)
        self.look = LookUpCases(self.cases, self.rules, self.clock)
        self.steps = TakeSteps(self.cases, self.rules, self.clock)
        self.look_at_steps = LookUpSteps(self.cases, self.rules)
        current = [
            f"{each.id}/{self.calendars.by_name(each.calendar).version}" for each in rulebooks().organisations
        ]
        self.recompute = RecomputeClocks(self.cases, self.rules, self.clock, CountingIds(), current=current)
        self.ticker = FireClocks(self.cases, self.clock, CountingIds(), at_once=100)

    def at(self, text: str) -> None:
        """Put the clock to a wall-clock time in China."""
        self.clock.set(beijing(text))

    def take(self, *events: Document) -> list[Delivery]:
        """Deliver ``contact_routed`` events as one batch."""
        deliveries = [delivery(event) for event in events]
        self.take_contacts(deliveries)
        return deliveries

    def call_back(self, *events: Document) -> list[Delivery]:
        """Deliver the results of callbacks as one batch."""
        deliveries = [delivery(event) for event in events]
        self.take_callbacks(deliveries)
        return deliveries

    def open(self, org: str = PLAZA, contact: str = "ct_1", **given: Any) -> Case:
        """Deliver one complaint, received now unless ``given`` says otherwise, and return its case."""
        said = {"complainant_type": "end_consumer", "demand": "exchange"} if org == RETAIL else {}
        self.take(routed(org, contact, **{"received_at": self.clock.now()} | said | given))
        return self.case_of(contact, org)

    def case_of(self, contact: str, org: str = PLAZA) -> Case:
        found = self.cases.of_contact(contact, org)
        assert found is not None
        return found

    def case(self, case_id: str) -> Case:
        return self.cases.get_many([case_id])[case_id]

    def do(
        self,
        method: str,
        case: Case | str,
        *,
        org: str | None = None,
        key: str | None = None,
        roles: Collection[str] = EVERY_ROLE,
        actor: str = "stf_test",
        **arguments: Any,
    ) -> dict[str, Any]:
        """Send a command as RPC would: through its schema, under a key of its own unless one is given."""
        self.calls += 1
        case_id = case if isinstance(case, str) else case.id
        owner = org or (PLAZA if isinstance(case, str) else case.org)
        data = _SCHEMAS[method](unknown=RAISE).load({"id": case_id, **arguments})
        call = FakeCall(owner, key or f"{owner}/{method}/key-{self.calls}", frozenset(roles), actor)
        owner_of = self.steps if method == "take_step" else self.handle
        answer: dict[str, Any] = getattr(owner_of, method)(call, data)
        return answer

    def next_steps(
        self, case: Case, *, roles: Collection[str] = EVERY_ROLE, actor: str = "stf_test"
    ) -> dict[str, Any]:
        """Ask what may be done on a case."""
        return self.look_at_steps.next_steps(FakeCall(case.org, "", frozenset(roles), actor), {"id": case.id})

    def walk(self, case: Case, *, until: str | None = None, **given: Mapping[str, Any]) -> Case:
        """Take what mandatory steps of the path can be taken, in their order, each by somebody of its role.

        ``given`` lays values over what a step is filled with, by step. The steps with commands of their
        own are left to the test; ``until`` is the first step not to take.
        """
        while True:
            rows = [
                row
                for row in self.next_steps(case)["steps"]
                if row["mandatory"] and not row["waits_for"] and row["command"] == "take_step"
            ]
            if not rows or rows[0]["step"] == until:
                return self.case(case.id)
            row = rows[0]
            values = {**filled(row), **given.get(row["step"], {})}
            self.do("take_step", case, step=row["step"], filled=values, **somebody(row))

    def accept(self, case: Case, **given: Any) -> Case:
        """Find the complaint valid."""
        self.walk(case)
        listed = rules_of(case.org).grounds
        ground = listed[0].code if listed else None
        self.do(
            "decide_validity", case, **{"valid": True, "ground": ground, "reason": "现场核实属实"} | given
        )
        return self.case(case.id)

    def answer(self, case: Case, **given: Any) -> Case:
        """Give the customer a reply."""
        if given.get("final", True):
            self.walk(case)
        self.do("reply", case, **{"text": "已修复并说明原因", "prevention": "每月检修一次"} | given)
        return self.walk(case) if given.get("final", True) else self.case(case.id)

    def file(self, case: Case, unit: str) -> None:
        """File a case with a unit, as its level wants it before it closes."""
        kept = self.case(case.id)
        since, timing = kept.history.next_seq, self.rules.timing(kept.org, kept.regulation)
        at, cause = self.clock.now(), Cause(f"filing-{unit}", "stf_test")
        kept.record_filing(timing, unit, Way.PAPER, None, roles=EVERY_ROLE, at=at, cause=cause)
        self.cases.save(kept, since_seq=since)

    def numbers(self, org: str = PLAZA, *, actor: str = "stf_test", **wanted: Any) -> list[str]:
        """Return the numbers of the cases that a list shows to ``actor``."""
        data = schemas.ListCases(unknown=RAISE).load(wanted)
        rows = self.look.cases(FakeCall(org, "", frozenset(EVERY_ROLE), actor), data)
        return [row["number"] for row in rows]

    def tick(self) -> None:
        """Let the timer run until nothing is due."""
        while self.ticker():
            pass


def somebody(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return who takes a step that ``next_steps`` tells of: somebody of a role it is for, and nothing else."""
    name = "".join(row["remaining"][:1])
    return {"roles": {row["roles"][0]}, "actor": f"stf_{row['roles'][0]}{name}"}


def delivery(event: Document | bytes, content_type: str | None = CONTENT_TYPE) -> Delivery:
    """Return a delivery of ``event`` as the broker hands it over."""
    body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    return Delivery(body, "any", content_type, "intake", redelivered=False, tag=1)


def routed(
    org: str = PLAZA,
    contact: str = "ct_1",
    *,
    customer: str | None = None,
    unit: str | None = None,
    problem: str = "lift-stuck",
    channel: str = "phone",
    received_at: datetime | None = None,
    **claim: Any,
) -> Document:
    """Return the ``contact_routed`` event of a complaint; ``claim`` lays values over what the customer says."""
    complaint = {
        "problem": problem,
        "complainant_type": None,
        "ground": None,
        "demand": None,
        "amount": None,
        "media": False,
        "lawsuit": False,
    }
    data = {
        "contact_id": contact,
        "number": f"NO-{contact}",
        "customer_id": customer or f"cu_{contact}",
        "unit_id": unit,
        "category": "complaint",
        "channel": channel,
        "received_at": timestamp(received_at or beijing("2026-03-02 09:00")),
        "first_responsible": {"staff": None, "role": "service_desk"},
        "routed_to": "complaints",
        "target": "complaint_handler",
        "complaint": complaint | claim,
    }
    return envelope("intake", "contact_routed", org, f"{contact}.2", data)


def called_back(
    case: Case, callback: str = "cb_1", *, satisfied: bool, round_number: int | None = None
) -> Document:
    """Return the event that ends a callback."""
    data = {
        "callback_id": callback,
        "case_id": case.id,
        "outcome": "satisfied" if satisfied else "dissatisfied",
        "effect": "close" if satisfied else "reopen",
        "round": case.rounds if round_number is None else round_number,
        "by": "stf_caller",
        "completed_at": timestamp(case.opened_at),
        "on_time": True,
    }
    kind = "callback_completed" if satisfied else "callback_unsatisfied"
    return envelope("followup", kind, case.org, f"{callback}.9", data)


def envelope(service: str, kind: str, org: str, event_id: str, data: Mapping[str, Any]) -> Document:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/kefu/{service}",
        "type": kind,
        "org": org,
        "data": dict(data),
    }


def types(case: Case) -> list[str]:
    """Return the types of a case's history entries in order."""
    return [entry.type for entry in case.history]


def entries(case: Case, kind: str) -> list[Entry]:
    return [entry for entry in case.history if entry.type == kind]


def clock(case: Case, name: str) -> Any:
    """Return the deadline called ``name`` begun last."""
    return next(deadline for deadline in reversed(case.deadlines) if deadline.name == name)


def yuan(text: str) -> Decimal:
    return Decimal(text)
