"""Connecting to MongoDB, and telling its failures in the system's own words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from pymongo.write_concern import WriteConcern

from shared import metrics
from shared.errors import Unavailable

Document = dict[str, Any]

_AWAY = (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
#: Server errors that say "not now": shutting down, stepping down, interrupted.
_AWAY_CODES = frozenset({6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})


class _Timer(CommandListener):
    """Feeds the duration of every command into the metrics."""

    def started(self, event: CommandStartedEvent) -> None:
        """Nothing to do: the end carries the duration."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Count a command that the server carried out."""
        seconds = event.duration_micros / 1e6
        metrics.MONGO_COMMAND_SECONDS.labels(command=event.command_name, outcome="ok").observe(seconds)

    def failed(self, event: CommandFailedEvent) -> None:
        """Count a command that failed."""
        seconds = event.duration_micros / 1e6
        metrics.MONGO_COMMAND_SECONDS.labels(command=event.command_name, outcome="error").observe(seconds)


def connect(url: str, database: str, *, max_pool_size: int = 20) -> Database[Document]:
    """Return the database; every write is acknowledged by a majority and journalled, whatever ``url`` says.

    The connection opens at the first command. Datetimes come back aware, in UTC. A server that does
    not answer is given up after 5 s, a command after 20 s.
    """
    client: MongoClient[Document] = MongoClient(
        url,
        tz_aware=True,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=20_000,
        maxPoolSize=max_pool_size,
        event_listeners=[_Timer()],
        appname="kefu",
    )
    options: CodecOptions[Document] = CodecOptions(tz_aware=True)
    return client.get_database(
        database, codec_options=options, write_concern=WriteConcern("majority", j=True)
    )


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn every failure that may pass by itself into Unavailable; let the others through."""
    try:
        yield
    except PyMongoError as error:
        if isinstance(error, _AWAY) or getattr(error, "code", None) in _AWAY_CODES or _bulk_is_away(error):
            # The server's own text may quote documents; the kind of failure is enough.
            message = f"the database is away ({type(error).__name__})"
            raise Unavailable(message) from error
        raise


def _bulk_is_away(error: PyMongoError) -> bool:
    """Return whether a bulk write failed for the server's sake, or is not known to be safe on a majority."""
    if not isinstance(error, BulkWriteError):
        return False
    codes = {failure.get("code") for failure in error.details.get("writeErrors", ())}
    return bool(error.details.get("writeConcernErrors")) or not codes.isdisjoint(_AWAY_CODES)


def ping(database: Database[Document]) -> bool:
    """Return whether the server answers."""
    try:
        database.client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def wait_for_database(database: Database[Document], seconds: float) -> None:
    """Return once the server answers; raises Unavailable after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not ping(database):
        if time.monotonic() > deadline:
            message = f"the database does not answer after {seconds:g} s: check KEFU_MONGO_URL and that it is running"
            raise Unavailable(message)
        time.sleep(0.2)
