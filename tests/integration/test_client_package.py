"""The client package of other systems, over the real broker and the real intake."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import pytest

from kefu.local.ports import HOST, free_port
from kefu_publisher import (
    Complaint,
    ContactReceived,
    Customer,
    Event,
    NotRouted,
    Publisher,
    Refused,
    event_id,
)
from kefu_publisher.link import Address, AmqpLink
from shared.testing.proxy import FaultProxy
from tests.integration.bus import Bus
from tests.integration.events import new_phone, new_problem

PLAZA = "plaza-demo"


def made(*, text: str = "请问营业时间？", complaint: Complaint | None = None) -> Event:
    """Return an event of a new customer."""
    contact = ContactReceived(
        channel="phone",
        category="enquiry" if complaint is None else "complaint",
        received_at=datetime.now(UTC),
        customer=Customer("person", "测试甲", phone=new_phone()),
        text=text,
        complaint=complaint,
    )
    return Event(id=event_id("test", uuid.uuid4().hex), source="/tests", org=PLAZA, data=contact)


def as_intake_sees(event: Event) -> dict[str, str]:
    return {"id": event.id, "source": event.source}


def url_of(bus: Bus, port: int | None = None) -> str:
    """Return the hotline's URL, by way of the local ``port`` if one is given."""
    url = bus.stack.broker_url("pub-hotline")
    if port is None:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{HOST}:{port}"))


def assert_one_contact(bus: Bus, event: Event) -> None:
    """Assert that ``event`` is registered once, and stays so after everything published before now was handled."""
    desk = bus.desk(PLAZA)
    contact = desk.contact_of(as_intake_sees(event))
    with Publisher(url_of(bus)) as publisher:
        publisher.publish(after := made())
    desk.contact_of(as_intake_sees(after))
    desk.happened(contact["contact_id"], "contact_registered")
    registered = bus.database("intake")["contacts"].count_documents({"customer_id": contact["customer_id"]})
    assert registered == 1


@pytest.fixture
def way(bus: Bus) -> Iterator[FaultProxy]:
    """A way to the broker that can lose what the broker says."""
    port = urlsplit(bus.stack.broker_url("pub-hotline")).port
    assert port is not None
    with FaultProxy(port, port=free_port()) as proxy:
        yield proxy


def test_an_event_published_twice_registers_one_contact(bus: Bus) -> None:
    """A system that starts again and sends its work anew makes no second contact."""
    event = made()
    with Publisher(url_of(bus)) as publisher:
        publisher.publish(event)
    with Publisher(url_of(bus)) as publisher:
        publisher.publish(event)
        assert publisher.publish_many([event, event]) == 2
    assert_one_contact(bus, event)


def test_a_connection_killed_between_publishing_and_the_confirm_ends_with_one_contact(
    bus: Bus, way: FaultProxy
) -> None:
    """The broker has the event and the publisher cannot know: it sends again, and Kefu knows the repeat."""
    event = made()
    pauses: list[float] = []
    with Publisher(url_of(bus, way.port), sleep=pauses.append) as publisher:
        publisher.publish(made())
        way.blackhole(to_server=False, only_old=True)
        with ThreadPoolExecutor(1) as beside:
            publishing = beside.submit(publisher.publish, event)
            # That it is registered proves the broker took it; the confirm is lost.
            bus.desk(PLAZA).contact_of(as_intake_sees(event))
            assert not publishing.done()
            way.reset()
            publishing.result(timeout=30)
    assert len(pauses) == 1
    assert_one_contact(bus, event)


def test_a_whole_complaint_arrives_as_it_was_meant(bus: Bus) -> None:
    """What the client renders is what the case is opened with."""
    event = made(text="地下车库漏水", complaint=Complaint(new_problem()))
    with Publisher(url_of(bus)) as publisher:
        publisher.publish(event)
    desk = bus.desk(PLAZA)
    assert desk.contact_of(as_intake_sees(event))["text"] == "地下车库漏水"
    assert desk.case_of(as_intake_sees(event))


def test_many_events_are_all_taken(bus: Bus) -> None:
    """Confirms that come many at a time are counted right."""
    events = [made() for _ in range(60)]
    with Publisher(url_of(bus), in_flight=25) as publisher:
        assert publisher.publish_many(events) == 60
    for event in events:
        bus.desk(PLAZA).contact_of(as_intake_sees(event))


def test_a_wrong_password_is_told_in_the_brokers_words(bus: Bus) -> None:
    """Whoever sets a system up hears at once what to mend."""
    parts = urlsplit(url_of(bus))
    wrong = urlunsplit(parts._replace(netloc=f"pub-hotline:wrong@{parts.hostname}:{parts.port}"))
    with Publisher(wrong) as publisher, pytest.raises(Refused, match="ACCESS_REFUSED"):
        publisher.publish(made())


@pytest.mark.parametrize(
    ("exchange", "told"), [("amq.topic", NotRouted), ("not.there", Refused), ("intake.events", Refused)]
)
def test_an_event_without_a_queue_exchange_or_right_is_told(
    bus: Bus, exchange: str, told: type[Exception]
) -> None:
    """Nothing is dropped in silence: the real broker's answers are told apart."""
    user = "admin" if exchange != "intake.events" else "pub-hotline"
    address = Address.of(bus.stack.broker_url(user))

    def connect() -> AmqpLink:
        return AmqpLink(address, exchange, confirm_timeout=10, clock=time.monotonic)

    with Publisher(url_of(bus), connect=connect) as publisher, pytest.raises(told):
        publisher.publish(made())
