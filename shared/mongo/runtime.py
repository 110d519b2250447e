"""What a service's composition root builds its handlers from, and the stores it builds them on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pymongo.database import Database

from shared.clock import Clock
from shared.ids import IdSource
from shared.mongo.client import Document
from shared.mongo.store import AggregateStore, MongoTickets
from shared.outbox import Sender
from shared.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Runtime:
    """A running service's means: settings, time, ids, database, and the way out for its events."""

    settings: ServiceSettings
    clock: Clock
    ids: IdSource
    database: Database[Document]
    tickets: MongoTickets
    relay: Sender


def aggregate_store(runtime: Runtime, kind: str) -> AggregateStore:
    """Return the store of the aggregates kept in the collection ``kind``."""
    return AggregateStore(
        runtime.database,
        kind,
        tickets=runtime.tickets,
        relay=runtime.relay,
        clock=runtime.clock,
        ids=runtime.ids,
        grace=timedelta(seconds=runtime.settings.outbox_grace),
    )
