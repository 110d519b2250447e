"""The private broker and database, for real: they start, share a machine, and survive being killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymongo
import pytest
from kombu.connection import Connection

from kefu.local.broker import PrivateBroker
from kefu.local.database import PrivateDatabase
from kefu.local.errors import LocalStackError
from kefu.local.ports import is_free
from kefu.local.waiting import wait_until
from shared.mongo.bounds import at_most

DEFINITIONS = {
    "vhosts": [{"name": "kefu"}],
    "users": [{"name": "someone", "password": "p@ss/word", "tags": []}],
    "permissions": [{"user": "someone", "vhost": "kefu", "configure": ".*", "write": ".*", "read": ".*"}],
    "queues": [
        {
            "name": "kept",
            "vhost": "kefu",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "quorum"},
        }
    ],
}
PATIENCE = 30


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("definitions") / "definitions.json"
    path.write_text(json.dumps(DEFINITIONS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def brokers(definitions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[PrivateBroker]]:
    """Two brokers side by side, the first with definitions."""
    directory = tmp_path_factory.mktemp("brokers")
    both = [
        PrivateBroker(directory / "one", definitions=definitions),
        PrivateBroker(directory / "two", definitions=None),
    ]
    for broker in both:
        broker.launch()
    for broker in both:
        broker.wait_ready()
    yield both
    for broker in both:
        broker.kill()


def publish(broker: PrivateBroker, count: int) -> None:
    """Publish ``count`` persistent messages to the queue ``kept``, each confirmed."""
    with Connection(
        broker.url("someone", "p@ss/word"), transport_options={"confirm_publish": True}
    ) as connection:
        producer = connection.Producer()
        for number in range(count):
            producer.publish({"number": number}, routing_key="kept", delivery_mode=2, mandatory=True)


def waiting(broker: PrivateBroker) -> int:
    """The number of messages in the queue ``kept``."""
    with Connection(broker.url("someone", "p@ss/word")) as connection:
        return int(connection.channel().queue_declare("kept", passive=True).message_count)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broker_killed_keeps_what_it_confirmed(brokers: list[PrivateBroker]) -> None:
    """After SIGKILL it comes back on the same port, with its definitions and every confirmed message."""
    broker = brokers[0]
    port = broker.amqp_port
    broker.settle()
    before = waiting(broker)
    publish(broker, 200)
    broker.kill()
    assert not broker.running
    with pytest.raises(OSError):
        Connection(broker.url("someone", "p@ss/word")).connect()
    broker.start()
    assert broker.amqp_port == port
    # A quorum queue elects its leader anew after the start.
    assert wait_until(lambda: waiting(broker) == before + 200, PATIENCE)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_brokers_side_by_side_know_nothing_of_each_other(brokers: list[PrivateBroker]) -> None:
    """Each has its own ports, users and virtual hosts."""
    one, two = brokers
    ports = {
        port
        for broker in brokers
        for port in (broker.amqp_port, broker.management_port, broker.prometheus_port)
    }
    assert len(ports) == 6
    with Connection(two.url("guest", "guest", "/")) as connection:
        connection.connect()
        assert connection.connected
    for stranger in (two.url("someone", "p@ss/word"), one.url("guest", "guest", "/")):
        with pytest.raises(Exception, match=r"ACCESS_REFUSED|NOT_ALLOWED|AccessRefused"):
            Connection(stranger).connect()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_directory_serves_one_broker_at_a_time(brokers: list[PrivateBroker]) -> None:
    """A second one on the same data is refused with words, and the first is unharmed."""
    second = PrivateBroker(brokers[1].directory, definitions=None)
    with pytest.raises(LocalStackError, match="Another process runs"):
        second.start()
    assert brokers[1].running


def test_a_broker_whose_definitions_are_broken_is_not_started(tmp_path: Path) -> None:
    """The file is named, instead of a broker that dies a minute later."""
    broken = tmp_path / "definitions.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(LocalStackError, match=r"definitions\.json cannot be read"):
        PrivateBroker(tmp_path / "broker", definitions=broken).start()


@pytest.mark.timeout(300)
def test_a_broker_that_dies_while_starting_shows_its_log(tmp_path: Path) -> None:
    """What the server said last is part of the message, and nothing of it stays behind."""
    broker = PrivateBroker(tmp_path / "broker", definitions=None)
    (broker.directory / "mnesia").write_text("in the way of the data", encoding="utf-8")
    with pytest.raises(
        LocalStackError, match=r"(?s)message broker .* ended with status .*Kernel pid terminated"
    ):
        broker.start()
    assert not broker.running
    assert is_free(broker.amqp_port)


@pytest.mark.timeout(300)
def test_a_database_killed_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """After SIGKILL it comes back on the same port with every document, also for another object."""
    database = PrivateDatabase(tmp_path / "database")
    database.start()
    with pymongo.MongoClient[dict[str, int]](database.url()) as client:
        client.some.kept.insert_many([{"_id": number} for number in range(500)])
    database.kill()
    assert not database.running

    again = PrivateDatabase(tmp_path / "database")
    assert again.url() == database.url()
    with again, pymongo.MongoClient[dict[str, int]](again.url()) as client:
        assert client.some.kept.count_documents({}) == 500
    assert not again.running


@pytest.mark.parametrize("behind", [[], ["_id"]])
def test_what_lies_at_the_end_of_a_range_is_found_whatever_index_answers(
    tmp_path: Path, behind: list[str]
) -> None:
    """Guards ``at_most``: the embedded database drops the bound of ``$lte`` where the index has fields behind it."""
    with (
        PrivateDatabase(tmp_path) as database,
        pymongo.MongoClient[dict[str, object]](database.url(), tz_aware=True) as client,
    ):
        kept = client["kefu"]["ranges"]
        kept.create_index([(name, 1) for name in ("org", "at", *behind)])
        first = datetime(2025, 3, 10, 16, tzinfo=UTC)
        days = [first + timedelta(days=number) for number in range(5)]
        kept.insert_many([{"_id": f"x{number}", "org": "o", "at": day} for number, day in enumerate(days)])
        found = kept.find({"org": "o", "at": {"$gt": days[0], **at_most(days[3])}})
        assert sorted(str(row["_id"]) for row in found) == ["x1", "x2", "x3"]
