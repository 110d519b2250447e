"""Stand-ins for what the intake use cases need: a repository in memory, the world around it, events."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import RAISE

from services.intake.customers_kept import CustomerDocuments
from services.intake.domain.contact import Contact, Origin
from services.intake.domain.customer import Customer
from services.intake.domain.files.blind import BlindIndex
from services.intake.domain.rejection import Rejection
from services.intake.domain.rulebook import IntakeRules
from services.intake.handlers.desk import Desk
from services.intake.handlers.receive import ReceiveEvents
from services.intake.handlers.registering import Registrar
from services.intake.repository import (
    IntakeRepository,
    _contact,
    _contact_document,
    _rejection,
    _rejection_document,
)
from services.intake.rulebook import load_rulebooks
from services.intake.schemas import ContactSchema
from shared.clock import FixedClock
from shared.errors import Conflict
from shared.history import Entry
from shared.ids import CountingIds
from shared.messaging.delivery import Delivery
from shared.mongo.store import Inserted
from shared.regulations import Rulebooks
from tests.memory import PHONE_KEY

FILES = CustomerDocuments(BlindIndex([PHONE_KEY]))
ORGANISATIONS = Path(__file__).parents[3] / "organisations"
PLAZA, RETAIL, PROPERTY, SHOP, IT = "plaza-demo", "retail-demo", "property-demo", "shop-demo", "it-demo"
CONTENT_TYPE = "application/cloudevents+json"
CONTACT_RECEIVED = "contact.received"

Document = dict[str, Any]


def beijing(text: str) -> datetime:
    """Return the aware instant of a wall clock in China, for example ``2026-03-02 09:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@lru_cache(maxsize=1)
def rulebooks() -> Rulebooks[IntakeRules]:
    return load_rulebooks(ORGANISATIONS)


class MemoryIntake(IntakeRepository):
    """Keeps documents as the database would: keys unique; ``between`` runs once, before the step it names."""

    def __init__(self) -> None:
        self.customers_kept: dict[str, Document] = {}
        self.contacts_kept: dict[str, Document] = {}
        self.rejections_kept: dict[str, Document] = {}
        self.serials: dict[str, int] = defaultdict(lambda: 1)
        self.between: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []

    def _step(self, name: str) -> None:
        self.calls.append(name)
        hook = self.between.pop(name, None)
        if hook:
            hook()

    def customers_by_key(self, keys: Sequence[str]) -> dict[str, str]:
        self._step("customers_by_key")
        lookup = FILES.blind.lookup(keys)
        rows = self.customers_kept.values()
        return {lookup[key]: row["_id"] for row in rows for key in row["keys"] if key in lookup}

    def known_contacts(self, contact_ids: Sequence[str]) -> set[str]:
        self._step("known_contacts")
        return set(contact_ids) & self.contacts_kept.keys()

    def origins(self, contact_ids: Sequence[str]) -> dict[str, Origin]:
        self._step("origins")
        rows = [self.contacts_kept[key] for key in contact_ids if key in self.contacts_kept]
        return {row["_id"]: Origin(row["org"], row["publisher"]) for row in rows}

    def register(
        self, contacts: Sequence[Contact], customers: Sequence[Customer] = (), also: Sequence[Any] = ()
    ) -> Inserted:
        assert not also
        self._step("register")
        files = [FILES.to(customer) for customer in customers]
        opened = _insert(
            self.customers_kept, files, lambda one, other: bool(set(one["keys"]) & set(other["keys"]))
        )
        if opened.known:
            raise Conflict("another replica opened the file")
        self._step("files_opened")
        documents = [_contact_document(contact) for contact in contacts]
        return _insert(
            self.contacts_kept,
            documents,
            lambda one, other: (one["org"], one["number"]) == (other["org"], other["number"]),
        )

    def reject(self, rejections: Sequence[Rejection]) -> Inserted:
        self._step("reject")
        documents = [_rejection_document(rejection) for rejection in rejections]
        return _insert(self.rejections_kept, documents, lambda _one, _other: False)

    def reserve_serials(self, series: str, count: int) -> int:
        self._step("reserve_serials")
        first = self.serials[series]
        self.serials[series] += count
        return first

    def contact(self, contact_id: str, org: str) -> Contact | None:
        row = self.contacts_kept.get(contact_id)
        return _contact(copy.deepcopy(row)) if row and row["org"] == org else None

    def contacts(
        self,
        org: str,
        *,
        category: str | None,
        received_from: datetime | None,
        limit: int,
        skip: int,
        phase: str | None = None,
        late: bool = False,
        categories: Sequence[str] | None = None,
        taken_by: Sequence[str] | None = None,
    ) -> list[Contact]:
        found = [
            contact
            for contact in self.all_contacts()
            if contact.org == org
            and category in (None, contact.category)
            and phase in (None, contact.phase)
            and (contact.recorded_late is not None or not late)
            and (categories is None or contact.category in categories)
            and (taken_by is None or contact.first_responsible.staff in taken_by)
            and (received_from is None or contact.received_at >= received_from)
        ]
        return sorted(found, key=lambda contact: contact.received_at, reverse=True)[skip : skip + limit]

    def count_by_category(
        self, org: str, received_from: datetime | None, received_before: datetime | None
    ) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for contact in self.contacts(org, category=None, received_from=received_from, limit=10_000, skip=0):
            if received_before is None or contact.received_at < received_before:
                counts[contact.category] += 1
        return dict(counts)

    def customer(self, customer_id: str, org: str) -> Customer | None:
        row = self.customers_kept.get(customer_id)
        return FILES.of(copy.deepcopy(row)) if row and row["org"] == org else None

    def rejection(self, rejected_id: str, org: str) -> Rejection | None:
        row = self.rejections_kept.get(rejected_id)
        return _rejection(copy.deepcopy(row)) if row and row["org"] == org else None

    def rejections(self, org: str, *, limit: int, skip: int) -> list[Rejection]:
        found = [rejection for rejection in self.all_rejections() if rejection.org == org]
        return sorted(found, key=lambda rejection: rejection.rejected_at, reverse=True)[skip : skip + limit]

    def all_contacts(self) -> list[Contact]:
        return [_contact(copy.deepcopy(row)) for row in self.contacts_kept.values()]

    def all_customers(self) -> list[Customer]:
        return [FILES.of(copy.deepcopy(row)) for row in self.customers_kept.values()]

    def all_rejections(self) -> list[Rejection]:
        return [_rejection(copy.deepcopy(row)) for row in self.rejections_kept.values()]

    def recorded(self) -> list[Entry]:
        """Return every event there is to publish."""
        return [
            entry
            for aggregate in (*self.all_customers(), *self.all_contacts(), *self.all_rejections())
            for entry in aggregate.history
        ]


def _insert(
    kept: dict[str, Document], documents: Sequence[Document], clash: Callable[[Document, Document], bool]
) -> Inserted:
    new, known = [], []
    for document in documents:
        if document["_id"] in kept or any(clash(document, other) for other in kept.values()):
            known.append(document["_id"])
        else:
            kept[document["_id"]] = copy.deepcopy(document)
            new.append(document["_id"])
    return Inserted(tuple(new), tuple(known))


@dataclass(frozen=True)
class FakeCall:
    org: str
    key: str
    actor: str = "stf_a3"
    traceparent: str | None = None


@dataclass
class World:
    """The intake service without broker and database."""

    clock: FixedClock
    kept: MemoryIntake = field(default_factory=MemoryIntake)
    ids: CountingIds = field(default_factory=CountingIds)
    calls: int = 0

    def __post_init__(self) -> None:
        registrar = Registrar(self.kept, self.clock, self.ids)
        self.receive = ReceiveEvents(self.kept, registrar, rulebooks(), self.clock)
        self.desk = Desk(self.kept, registrar, rulebooks(), self.clock)

    def take(self, *events: Document, **properties: Any) -> list[Delivery]:
        """Deliver events as one batch; ``properties`` are those of the messages."""
        deliveries = [delivery(event, **properties) for event in events]
        self.receive(deliveries)
        return deliveries

    def contact_of(self, event: Document) -> Contact:
        """Return the contact registered for ``event``."""
        cause = f"{event['source']}#{event['id']}"
        (contact,) = [c for c in self.kept.all_contacts() if c.org == event["org"] and cause in c.processed]
        return contact

    def rejected(self) -> Rejection:
        """Return the one rejection there is."""
        (rejection,) = self.kept.all_rejections()
        return rejection

    def reasons(self) -> dict[str, str]:
        """Return field and reason of everything wrong with the one rejected event."""
        return {problem.field: problem.reason for problem in self.rejected().reasons}

    def register(
        self, org: str = PLAZA, *, key: str | None = None, actor: str = "stf_a3", **changes: Any
    ) -> dict[str, Any]:
        """Register a contact by hand as RPC would: through the schema, under a key of its own unless given."""
        self.calls += 1
        arguments = contact_data(**{"received_at": self.clock.now().isoformat()} | changes)
        data = ContactSchema(unknown=RAISE).load(arguments)
        return self.desk.register(FakeCall(org, key or f"{org}/register_contact/{self.calls}", actor), data)


def delivery(
    event: Document | bytes,
    *,
    user: str | None = "pub-hotline",
    routing_key: str = CONTACT_RECEIVED,
    content_type: str | None = CONTENT_TYPE,
) -> Delivery:
    """Return a delivery of ``event`` as the broker hands it over."""
    body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    return Delivery(body, routing_key, content_type, user, redelivered=False, tag=1)


def contact_data(**changes: Any) -> Document:
    """Return the data of a sound contact; ``changes`` are laid over it."""
    data: Document = {
        "channel": "phone",
        "category": "enquiry",
        "received_at": "2026-03-02T08:55:00+08:00",
        "customer": {"kind": "person", "name": "测试甲", "phone": "13800000001"},
        "text": "请问几点关门？",
    }
    return data | changes


def received(org: str = PLAZA, event_id: str = "1", *, source: str = "/hotline", **changes: Any) -> Document:
    """Return a sound ``contact.received`` event; ``changes`` are laid over its data."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": CONTACT_RECEIVED,
        "org": org,
        "time": "2026-03-02T08:55:01+08:00",
        "data": contact_data(**changes),
    }


def complaint(org: str = PLAZA, event_id: str = "1", *, claim: Mapping[str, Any], **changes: Any) -> Document:
    """Return a sound complaint; ``claim`` is laid over what it says."""
    said = {"problem": "lift-stuck"} | dict(claim)
    return received(org, event_id, **{"category": "complaint", "complaint": said} | changes)


def customer(number: int, **changes: Any) -> Document:
    """Return the ``number``-th made-up customer."""
    person: Document = {"kind": "person", "name": f"测试{number}", "phone": f"138{number:08d}"}
    return person | changes
