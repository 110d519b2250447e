"""What comes twice, late, out of order or not at all: one effect each, and nothing lost on the way."""

from __future__ import annotations

import json
import random
import time
import uuid
from typing import Any

import pytest
from kombu.connection import Connection

from kefu.topology import topology
from shared.clock import SystemClock
from shared.history import timestamp
from shared.ids import derived_id
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.publisher import Fate, Outgoing
from shared.messaging.topology import events_exchange, events_queue
from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import as_message, complaint, contact_id_of, enquiry, raw_message

PLAZA = "plaza-demo"
#: Above this, waiting for a message to be given up is not for a test.
_LONGEST_WAIT_MS = 10_000


def case_id_of(event: dict[str, Any]) -> str:
    """Return the id of the case that the complaint ``event`` opens."""
    return derived_id("cs", contact_id_of(event))


def as_published(archived: dict[str, Any]) -> Outgoing:
    """Return the message by which a service published an event that is in the archive."""
    service, _, event_id = archived["key"].removeprefix("/kefu/").partition("#")
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/kefu/{service}",
        "type": archived["type"],
        "subject": archived["subject"],
        "time": archived["time"],
        "org": PLAZA,
        "sequence": str(archived["sequence"]),
        "data": archived["data"],
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    return raw_message(body, exchange=events_exchange(service), routing_key=archived["type"])


def satisfied(case_id: str) -> Outgoing:
    """Return followup's word that the customer of a case is satisfied with the first reply."""
    callback_id = f"cb_{uuid.uuid4().hex}"
    return as_published(
        {
            "key": f"/kefu/followup#{callback_id}.2",
            "type": "callback_completed",
            "subject": callback_id,
            "time": timestamp_now(),
            "sequence": 2,
            "data": {
                "callback_id": callback_id,
                "case_id": case_id,
                "outcome": "satisfied",
                "effect": "close",
                "round": 1,
                "by": "stf_caller",
                "completed_at": timestamp_now(),
                "on_time": True,
            },
        }
    )


def timestamp_now() -> str:
    return timestamp(SystemClock().now())


def replied(desk: Desk, event: dict[str, Any]) -> str:
    """Take the case of ``event`` to its first final reply; return its id."""
    case_id = str(desk.case_of(event)["case_id"])
    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="属实")
    desk.do("complaints.reply", id=case_id, text="已处理")
    return case_id


def settled(bus: Bus, service: str) -> None:
    """Return once no message waits in a queue of the service."""
    with DeadLetters(bus.stack.broker_url("admin")) as queues:

        def empty() -> None:
            for subscription in topology().subscriptions:
                if subscription.service == service:
                    assert queues.depth(subscription.queue) == 0

        eventually(empty)


def test_the_same_event_many_times_at_once_and_later_is_one_contact_and_one_case(bus: Bus) -> None:
    """Publishers may repeat themselves as often as they like: source and id together make the event."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", *([event] * 25))
    contact = desk.contact_of(event)
    case = desk.case_of(event)
    bus.publish("crm", *([event] * 25))
    bus.publish("hotline", after := enquiry(PLAZA))
    desk.contact_of(after)
    desk.happened(contact["contact_id"], "contact_registered")
    desk.happened(case["case_id"], "case_opened")
    assert desk.contact_of(event) == contact
    assert desk.case_of(event)["repeats"] == 0


def test_the_same_id_from_another_source_is_another_event(bus: Bus) -> None:
    """CloudEvents promise that source and id together are unique, not the id alone."""
    first, second = enquiry(PLAZA), enquiry(PLAZA)
    second |= {"id": first["id"], "source": "/tests/other"}
    bus.publish("hotline", first, second)
    desk = bus.desk(PLAZA)
    assert desk.contact_of(first)["number"] != desk.contact_of(second)["number"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_event_of_a_finished_case_again_in_any_order_changes_nothing(bus: Bus, seed: int) -> None:
    """The broker may hand out again what was handled long ago: histories, callbacks and figures stay."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    case_id = replied(desk, event)
    (callback,) = desk.callbacks_of(case_id, 1)
    desk.do("followup.complete_callback", id=callback["callback_id"], outcome="satisfied")
    desk.case_of(event, state="closed")
    kinds = ("case_opened", "case_accepted", "case_replied", "case_closed", "clock_met")
    asked = ("callback_scheduled", "callback_completed", "survey_invited")
    archived = desk.archived(case_id, *kinds, *asked)
    archived += desk.archived(contact_id_of(event), "contact_registered", "contact_routed")

    def state() -> dict[str, Any]:
        return {
            "case": desk.ask("complaints.get_case", id=case_id),
            "history": desk.ask("complaints.get_case_history", id=case_id),
            "callbacks": desk.ask("followup.list_callbacks", case_id=case_id),
            "calls": desk.ask("followup.get_callback", id=callback["callback_id"])["calls"],
            "archive": desk.ask("reporting.list_archive", about=case_id, limit=200),
        }

    before = state()
    again = archived * 2
    random.Random(seed).shuffle(again)
    for message in map(as_published, again):
        user = message.exchange.removesuffix(".events")
        assert bus.publish_as(user, message) == [Fate.CONFIRMED]
    # An event sent after all of them has to pass through the same queues.
    last = complaint(PLAZA)
    bus.publish("hotline", last)
    desk.archived(desk.case_of(last)["case_id"], "case_opened")
    for service in ("intake", "complaints", "followup", "reporting"):
        settled(bus, service)
    assert state() == before


def test_an_event_that_comes_before_what_it_is_about_is_tried_again_until_it_fits(bus: Bus) -> None:
    """Nobody promises order between services: what comes too early waits in a delay queue and then counts."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    retried = bus.metric("complaints", "kefu_events_handled_total", source="followup", outcome="retry")
    message = satisfied(case_id_of(event))
    bus.publish_as("followup", message)

    def held_back() -> None:
        now = bus.metric("complaints", "kefu_events_handled_total", source="followup", outcome="retry")
        assert now > retried

    eventually(held_back)
    bus.publish("hotline", event)
    case_id = desk.case_of(event)["case_id"]

    def taken() -> None:
        # On a case that was not replied to yet it has no effect, but it is remembered as taken.
        document = bus.database("complaints")["cases"].find_one({"_id": case_id})
        assert document is not None
        assert f"/kefu/followup#{json.loads(message.body)['id']}" in document["processed"]

    eventually(taken)
    bodies = [letter.body for letter in bus.dead_letters("evt-followup--complaints")]
    assert message.body not in bodies
    assert desk.ask("complaints.get_case", id=case_id)["state"] == "received"


def test_what_never_fits_is_tried_after_each_delay_and_then_becomes_a_dead_letter(bus: Bus) -> None:
    """Retries are bounded and really wait; in the end an operator finds the message and the last reason."""
    delays = bus.stack.retry_delays_ms
    if sum(delays) > _LONGEST_WAIT_MS:
        pytest.skip("the stack's delays are too long to wait for")
    missing = derived_id("cs", uuid.uuid4().hex)
    started = time.monotonic()
    bus.publish_as("followup", satisfied(missing))
    letter = bus.dead_letter("evt-followup--complaints", missing)
    assert time.monotonic() - started >= sum(delays) / 1000
    assert letter.attempts == len(delays) + 1
    assert "not known yet" in letter.reason
    assert letter.sender == "followup"
    assert letter.routing_key == "callback_completed"


def test_a_replayed_dead_letter_ends_in_the_state_it_would_have_made_at_once(bus: Bus) -> None:
    """An operator who mends the cause and replays gets the same end: the case closed, once."""
    if sum(bus.stack.retry_delays_ms) > _LONGEST_WAIT_MS:
        pytest.skip("the stack's delays are too long to wait for")
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    case_id = case_id_of(event)
    bus.publish_as("followup", satisfied(case_id))
    bus.dead_letter("evt-followup--complaints", case_id)
    bus.publish("hotline", event)
    assert replied(desk, event) == case_id
    assert bus.replay("evt-followup--complaints") >= 1
    closed = desk.case_of(event, state="closed")
    assert closed["rounds"] == 1
    desk.happened(case_id, "case_closed")
    letters = bus.dead_letters("evt-followup--complaints")
    assert not [letter for letter in letters if case_id.encode() in letter.body]


def test_poison_from_inside_dies_at_once_with_its_reason_and_holds_nobody_up(bus: Bus) -> None:
    """A message no retry can mend is not retried, and those behind it in the queue are handled."""
    desk = bus.desk(PLAZA)
    mark = uuid.uuid4().hex
    envelope = {
        "specversion": "1.0",
        "id": mark,
        "source": "/kefu/intake",
        "type": "contact_routed",
        "org": PLAZA,
        "subject": mark,
        "sequence": "1",
        "time": timestamp_now(),
    }
    poison = {
        "no data": {**envelope, "data": {}},
        "no such moment": {**envelope, "data": _routed(mark) | {"received_at": "soon"}},
        "no such sum": {
            **envelope,
            "data": _routed(mark) | {"complaint": {"problem": "p", "amount": "much"}},
        },
        "fields of wrong kinds": {
            **envelope,
            "data": _routed(mark) | {"contact_id": {"$ne": 1}, "customer_id": 5},
        },
        "no such organisation": {**envelope, "org": "harbour-demo", "data": _routed(mark)},
    }
    for event in poison.values():
        body = json.dumps(event).encode()
        message = raw_message(body, exchange="intake.events", routing_key="contact_routed")
        assert bus.publish_as("intake", message) == [Fate.CONFIRMED]
    bus.publish("hotline", after := complaint(PLAZA))
    desk.case_of(after)

    def all_dead() -> None:
        letters = [one for one in bus.dead_letters("evt-intake--complaints") if mark.encode() in one.body]
        assert len(letters) == len(poison), [letter.reason for letter in letters]
        assert all(letter.reason for letter in letters)
        assert {letter.attempts for letter in letters} == {1}, [(one.attempts, one.reason) for one in letters]

    eventually(all_dead)


def _routed(mark: str) -> dict[str, Any]:
    return {
        "contact_id": f"ct_{mark}",
        "number": "PLZ-1",
        "customer_id": "cu_1",
        "unit_id": None,
        "category": "complaint",
        "channel": "phone",
        "received_at": timestamp_now(),
        "first_responsible": {"staff": None, "role": "service_desk"},
        "routed_to": "complaints",
        "target": "complaint_handler",
        "complaint": {"problem": f"problem-{mark}"},
    }


def test_an_event_nobody_is_bound_for_waits_in_the_outbox_until_somebody_is(bus: Bus) -> None:
    """A missing binding loses nothing: the broker gives the event back, and the relay keeps its ticket."""
    desk = bus.desk(PLAZA)
    returned = bus.metric("intake", "kefu_outbox_returned_total", event="contact_registered")
    exchange, kind = events_exchange("intake"), "contact_registered"
    bound = [(events_queue("intake", "reporting"), "#"), (events_queue("intake", "followup"), kind)]
    with Connection(bus.stack.broker_url("admin"), connect_timeout=5) as connection:
        channel = connection.channel()
        for queue, key in bound:
            channel.queue_unbind(queue, exchange, key)
        try:
            event = enquiry(PLAZA)
            bus.publish("hotline", event)
            contact_id = desk.contact_of(event)["contact_id"]

            def given_back() -> None:
                count = bus.metric("intake", "kefu_outbox_returned_total", event="contact_registered")
                assert count > returned

            eventually(given_back)
            assert desk.ask("reporting.list_archive", about=contact_id) == []
        finally:
            for queue, key in bound:
                channel.queue_bind(queue, exchange, key)
    desk.archived(contact_id, "contact_registered", "contact_routed")
    desk.happened(contact_id, "contact_registered")


def test_a_message_for_an_exchange_that_is_not_there_is_refused_not_swallowed(bus: Bus) -> None:
    """A publisher with a wrong name learns it at once."""
    with Connection(bus.stack.broker_url("admin"), connect_timeout=5) as connection:
        channel = connection.channel()
        channel.confirm_select()
        with pytest.raises(connection.channel_errors, match="no exchange"):
            channel.basic_publish_confirm(
                channel.prepare_message(as_message(enquiry(PLAZA)).body), "no.such.exchange", "x"
            )
