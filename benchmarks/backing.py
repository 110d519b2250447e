"""A broker and a database of the benchmark's own, and the services on them, measured and then thrown away."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from kefu.local.broker import PrivateBroker
from kefu.local.database import PrivateDatabase
from kefu.local.ports import free_port
from kefu.local.processes import ServiceProcess
from kefu.secrets import Secrets, prepare
from kefu.topology import topology
from shared.messaging.rpc_client import RpcClient

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICES = ("intake", "complaints", "followup", "reporting")


@dataclass
class Backing:
    """Running servers, and the means to reach them."""

    directory: Path
    secrets: Secrets
    broker: PrivateBroker
    database: PrivateDatabase
    services: dict[str, ServiceProcess] = field(default_factory=dict)

    def broker_url(self, user: str) -> str:
        """Return the URL of one broker user."""
        return self.secrets.broker_url(user, "127.0.0.1", self.broker.amqp_port)

    def mongo(self, name: str) -> Any:
        """Return one database, with the write concern every service uses."""
        return MongoClient(self.database.url(), tz_aware=True)[name]

    def start(self, *names: str, **settings: str) -> None:
        """Start services and wait until they are ready."""
        for name in names:
            environment = {
                "KEFU_BROKER_URL": self.broker_url(name),
                "KEFU_MONGO_URL": self.database.url(),
                "KEFU_HTTP_PORT": str(free_port()),
                "KEFU_HTTP_HOST": "127.0.0.1",
                "KEFU_JWKS_FILE": str(self.secrets.jwks_file),
                "KEFU_PHONE_KEY_FILE": str(self.secrets.phone_key_file),
                "KEFU_SURVEY_KEY_FILE": str(self.secrets.survey_key_file),
                "KEFU_ORGANISATIONS_DIR": str(REPOSITORY / "organisations"),
                "KEFU_LOG_LEVEL": "WARNING",
                **settings,
            }
            self.services[name] = ServiceProcess(name, environment, self.directory / "log")
            self.services[name].start()
        for name in names:
            self.services[name].wait_ready(60)

    def stop(self, *names: str) -> None:
        """Stop services gracefully."""
        for name in names:
            self.services.pop(name).terminate(30)

    def client(self, org: str) -> RpcClient:
        """Return a client that may do everything in ``org``."""
        roles = ["staff", "complaint_handler", "cs_head", "manager", "supervisor", "system"]
        token = self.secrets.issuer().issue("bench", org, roles, timedelta(hours=4))
        return RpcClient(self.broker_url("operator"), name="operator", token=token)

    def purge(self) -> None:
        """Empty every event queue."""
        from kombu.connection import Connection  # noqa: PLC0415 - only here

        with Connection(self.broker_url("admin")) as connection:
            channel = connection.channel()
            for queue, _ in topology().queues():
                channel.queue_purge(queue)


@contextmanager
def backing() -> Iterator[Backing]:
    """Start broker and database on free ports in a folder of their own, and remove all of it afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="kefu-bench-"))
    secrets = prepare(directory / "secrets")
    definitions = directory / "definitions.json"
    definitions.write_text(topology().definitions(secrets.password_hash), encoding="utf-8")
    broker = PrivateBroker(directory / "broker", definitions=definitions)
    database = PrivateDatabase(directory / "database")
    running = Backing(directory, secrets, broker, database)
    try:
        database.start()
        broker.start()
        yield running
    finally:
        for service in running.services.values():
            service.kill()
        broker.stop()
        database.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def read_only(running: Backing) -> Iterator[Backing]:
    """Lend the same servers with a database of its own whose contents need not outlive it: for measuring reads."""
    database = PrivateDatabase(running.directory / "read", durable=False)
    database.start()
    try:
        yield replace(running, database=database)
    finally:
        database.stop()


@contextmanager
def indexed_afterwards(*collections: Any) -> Iterator[None]:
    """Make the indexes of collections over what was written meanwhile, which takes half as long as beside it.

    The collections must be those of a client that waits as long as it takes.
    """
    indexes = [(collection, collection.index_information()) for collection in collections]
    for collection in collections:
        collection.drop_indexes()
    yield
    for collection, kept in indexes:
        for name, index in kept.items():
            if name != "_id_":
                options = {key: value for key, value in index.items() if key not in ("key", "v", "ns")}
                collection.create_index(index["key"], name=name, **options)


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
    """Return once ``condition`` holds; raises TimeoutError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            message = f"not reached within {seconds:g} s"
            raise TimeoutError(message)
        time.sleep(every)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
