"""Publishers and callers whose way to the broker fails: bounded waits, honest answers, and work when it heals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import pytest

from kefu.local.ports import HOST, free_port
from shared.errors import DeadlineExceeded, Unavailable
from shared.messaging.publisher import Fate, PipelinedPublisher
from shared.messaging.rpc_client import RpcClient
from shared.testing.proxy import FaultProxy
from tests.integration.bus import EVERY_ROLE, Bus, eventually
from tests.integration.events import as_message, enquiry
from tests.integration.process_stack import ProcessStack
from tests.reliability.conftest import Trial
from tests.reliability.test_killed_services import passing

PLAZA = "plaza-demo"
USER = "pub-hotline"
#: What a wait may take longer than it was bounded to, on a machine with other things to do.
SLACK = 15.0


@pytest.fixture
def way(stack: ProcessStack) -> Iterator[FaultProxy]:
    """A way of one's own to the broker."""
    port = urlsplit(stack.broker_url(USER)).port
    assert port is not None
    with FaultProxy(port, port=free_port()) as proxy:
        yield proxy


def through(way: FaultProxy, url: str) -> str:
    """Return the broker's URL by way of the proxy."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@{HOST}:{way.port}"))


def test_a_publisher_without_confirmation_gives_up_in_time_and_works_again_later(
    stack: ProcessStack, way: FaultProxy
) -> None:
    """No publisher waits for ever for a broker that went silent, and none believes it was heard."""
    publisher = PipelinedPublisher(through(way, stack.broker_url(USER)), confirm_timeout=1.0)
    message = replace(as_message(enquiry(PLAZA)), user_id=USER)
    assert publisher.publish([message]) == [Fate.CONFIRMED]
    way.blackhole(to_server=False)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        publisher.publish([message])
    assert time.monotonic() - began < 1 + SLACK
    way.heal()
    assert publisher.publish([message]) == [Fate.CONFIRMED]
    way.down()
    with pytest.raises(Unavailable):
        publisher.publish([message])
    way.heal()
    assert publisher.publish([message]) == [Fate.CONFIRMED]
    publisher.close()


def test_a_caller_without_answer_gives_up_at_its_deadline_and_works_again_later(
    stack: ProcessStack, way: FaultProxy
) -> None:
    """A call ends with an answer, or with the word that nobody knows; never with waiting."""
    token = stack.token(PLAZA, EVERY_ROLE)
    with RpcClient(through(way, stack.broker_url("operator")), name="operator", token=token) as client:
        assert client.call("intake.count_contacts") is not None
        way.blackhole()
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            client.call("intake.count_contacts", timeout=1.0)
        assert time.monotonic() - began < 1 + SLACK
        way.heal()
        with pytest.raises(Unavailable):
            # The connection that lost bytes is cut; a query is not repeated behind its caller's back.
            client.call("intake.count_contacts")
        assert client.call("intake.count_contacts") is not None


def test_a_command_is_repeated_over_a_new_connection_and_done_once(
    stack: ProcessStack, way: FaultProxy
) -> None:
    """With its key a command may be repeated by the client itself: the answer comes, the effect is one."""
    url = through(way, stack.broker_url("operator"))
    token = stack.token(PLAZA, EVERY_ROLE)
    data = enquiry(PLAZA)["data"]
    with RpcClient(url, name="operator", token=token, timeout=20.0) as client, Bus(stack) as bus:
        first = client.call("intake.register_contact", idempotency_key=data["customer"]["phone"], **data)
        way.reset()
        again = client.call("intake.register_contact", idempotency_key=data["customer"]["phone"], **data)
        assert again == first
        bus.desk(PLAZA).happened(first["contact_id"], "contact_registered")


def test_a_broker_that_blocks_its_publishers_for_want_of_memory_loses_nothing(
    trial: Trial, stack: ProcessStack
) -> None:
    """Nobody hangs on a broker's alarm: whoever publishes waits, gives up in time and tries again."""
    with trial(701) as supervisor:
        passing(1)
        stack.control_broker("set_vm_memory_high_watermark", "0")
        try:
            with Bus(stack) as bus:

                def noticed() -> None:
                    assert bus.metric("intake", "kefu_outbox_open_tickets") > 0

                eventually(noticed)
                passing(2)
        finally:
            stack.control_broker("set_vm_memory_high_watermark", "0.4")
        supervisor.wait_ready()
        passing(1)
    assert supervisor.crashes == []
