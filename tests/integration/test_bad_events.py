"""Bad input from outside: refused with field and reason, kept whole, and no service minds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import amqp
import pytest
from kombu.connection import Connection

from services.names import SERVICES
from shared.errors import NotFound
from shared.messaging.publisher import Outgoing
from tests.integration.bus import Bus, Desk
from tests.integration.ear import Ear, rejected_id_of
from tests.integration.events import as_message, complaint, contact_id_of, enquiry, raw_message

PLAZA = "plaza-demo"
RETAIL = "retail-demo"
Event = dict[str, Any]


@pytest.fixture
def ear(bus: Bus) -> Iterator[Ear]:
    """What the hotline hears back."""
    with Ear(bus.stack.broker_url("pub-hotline"), "hotline") as listening:
        yield listening


@pytest.fixture(autouse=True, scope="module")
def unmoved(bus: Bus) -> Iterator[None]:
    """After all of these tests every service is the process it was, and ready."""
    before = bus.born()
    yield
    assert bus.born() == before
    assert all(bus.ready(service) for service in SERVICES)


def at(path: str, value: object) -> Callable[[Event], None]:
    """Return what sets the field at the dotted ``path`` of an event."""

    def change(event: Event) -> None:
        *parents, name = path.split(".")
        place = event
        for parent in parents:
            place = place[parent]
        place[name] = value

    return change


def added(path: str, name: str, value: object) -> Callable[[Event], None]:
    """Return what adds the field ``name`` to the object at ``path`` of an event."""

    def change(event: Event) -> None:
        place = event
        for parent in path.split("."):
            place = place[parent]
        place[name] = value

    return change


def without(path: str) -> Callable[[Event], None]:
    """Return what takes the field at the dotted ``path`` out of an event."""

    def change(event: Event) -> None:
        *parents, name = path.split(".")
        place = event
        for parent in parents:
            place = place[parent]
        del place[name]

    return change


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def claim_of_everything() -> Event:
    """Return a valid complaint with every field there is."""
    event = complaint(
        PLAZA,
        claim={
            "complainant_type": "owner",
            "ground": "leak",
            "demand": "repair",
            "amount": "120.00",
            "media": False,
            "lawsuit": False,
        },
        taken_by="stf_test",
    )
    event["data"]["customer"]["unit"] = "A-101"
    event |= {
        "subject": "order/1",
        "time": "2026-11-20T10:00:00+08:00",
        "dataschema": "urn:kefu:contact.received:1",
        "datacontenttype": "application/json",
        "sequence": "1",
    }
    return event


def assert_refused(bus: Bus, ear: Ear, message: Outgoing, field: str, reason: str) -> None:
    """Publish ``message`` as the hotline and assert that it is refused for ``field`` and kept as it was."""
    bus.send("hotline", message)
    heard = ear.rejection_of(message.body)
    fields = {problem["field"]: problem["reason"] for problem in heard["reasons"]}
    assert field in fields, fields
    assert reason in fields[field], fields
    assert heard["publisher"] == "hotline"


FAULTS: dict[str, tuple[Callable[[Event], None], str, str]] = {
    "unknown type": (at("type", "contact.deleted"), "type", "not known"),
    "no type": (without("type"), "type", "missing"),
    "other version": (at("specversion", "0.3"), "specversion", "1.0"),
    "no id": (without("id"), "id", "missing"),
    "empty id": (at("id", "  "), "id", "not empty"),
    "id too long": (at("id", "x" * 300), "id", "longer"),
    "id that is a number": (at("id", 7), "id", "text"),
    "id that is an operator": (at("id", {"$ne": None}), "id", "text"),
    "no source": (without("source"), "source", "missing"),
    "no organisation": (without("org"), "org", "missing"),
    "unknown organisation": (at("org", "harbour-demo"), "org", "no organisation"),
    "organisation that is an operator": (at("org", {"$gt": ""}), "org", "text"),
    "time without offset": (at("time", "2026-11-20T10:00:00"), "time", "offset"),
    "time that is none": (at("time", "soon"), "time", "RFC 3339"),
    "time that is a number": (at("time", 20261120), "time", "RFC 3339"),
    "sequence that is none": (at("sequence", "first"), "sequence", "number"),
    "sequence of 5,000 digits": (at("sequence", "9" * 5000), "sequence", "18 digits"),
    "no data": (without("data"), "data", "object"),
    "data that is text": (at("data", "漏水"), "data", "object"),
    "data that is a list": (at("data", []), "data", "object"),
    "no channel": (without("data.channel"), "data.channel", "Missing"),
    "unknown channel": (at("data.channel", "pager"), "data.channel", "not one of"),
    "unknown category": (at("data.category", "gossip"), "data.category", "not one of"),
    "no text": (without("data.text"), "data.text", "Missing"),
    "blank text": (at("data.text", " \n "), "data.text", "blank"),
    "text too long": (at("data.text", "投" * 4001), "data.text", "4000"),
    "text that is a number": (at("data.text", 5), "data.text", "string"),
    "no moment": (without("data.received_at"), "data.received_at", "Missing"),
    "moment without offset": (at("data.received_at", "2026-11-20T10:00:00"), "data.received_at", "aware"),
    "moment to come": (at("data.received_at", tomorrow()), "data.received_at", "future"),
    "moment before any rulebook": (
        at("data.received_at", "1987-01-01T00:00:00+08:00"),
        "data.received_at",
        "rulebook",
    ),
    "no customer": (without("data.customer"), "data.customer", "Missing"),
    "customer that is text": (at("data.customer", "王示例"), "data.customer", "Invalid"),
    "customer that is null": (at("data.customer", None), "data.customer", "null"),
    "unknown kind": (at("data.customer.kind", "robot"), "data.customer.kind", "one of"),
    "bad phone": (at("data.customer.phone", "138"), "data.customer.phone", "phone"),
    "nobody to recognise": (at("data.customer.phone", None), "data.customer.phone", "unit"),
    "extra field": (added("data", "priority", "high"), "data.priority", "Unknown"),
    "extra field of the customer": (added("data.customer", "age", 7), "data.customer.age", "Unknown"),
    "operator key": (added("data", "$where", "sleep(1000)"), "data.$where", "Unknown"),
    "operator key in the customer": (
        added("data.customer", "$set", {"name": "x"}),
        "data.customer.$set",
        "Unknown",
    ),
    "dotted key": (added("data", "customer.phone", "1"), "data.customer.phone", "Unknown"),
    "claim on an enquiry": (added("data", "complaint", {"problem": "leak"}), "data.complaint", "belongs"),
    "complaint without its claim": (at("data.category", "complaint"), "data.complaint", "missing"),
}

CLAIM_FAULTS: dict[str, tuple[Callable[[Event], None], str, str]] = {
    "no problem": (without("data.complaint.problem"), "data.complaint.problem", "Missing"),
    "problem with an operator": (at("data.complaint.problem", "$ne"), "data.complaint.problem", "must be"),
    "amount as a number": (at("data.complaint.amount", 5000.5), "data.complaint.amount", "text"),
    "amount with three decimals": (
        at("data.complaint.amount", "5000.001"),
        "data.complaint.amount",
        "two decimals",
    ),
    "negative amount": (at("data.complaint.amount", "-1.00"), "data.complaint.amount", "amount"),
    "amount beyond reason": (
        at("data.complaint.amount", "999999999999999"),
        "data.complaint.amount",
        "at most",
    ),
    "amount that is no number": (at("data.complaint.amount", "NaN"), "data.complaint.amount", "amount"),
    "flag that is text": (at("data.complaint.media", "yes"), "data.complaint.media", "boolean"),
    "extra field of the claim": (
        added("data.complaint", "$inc", {"x": 1}),
        "data.complaint.$inc",
        "Unknown",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_event_that_fails_validation_is_refused_with_field_and_reason(
    bus: Bus, ear: Ear, name: str
) -> None:
    """The sender hears what to mend; nothing of the event takes effect."""
    spoil, field, reason = FAULTS[name]
    event = enquiry(PLAZA)
    contact_id = contact_id_of(event)
    spoil(event)
    assert_refused(bus, ear, as_message(event, routing_key="contact.received"), field, reason)
    with pytest.raises(NotFound):
        bus.desk(PLAZA).ask("intake.get_contact", id=contact_id)


@pytest.mark.parametrize("name", CLAIM_FAULTS)
def test_a_complaint_whose_claim_is_wrong_is_refused_with_field_and_reason(
    bus: Bus, ear: Ear, name: str
) -> None:
    """What decides about levels and money is never guessed."""
    spoil, field, reason = CLAIM_FAULTS[name]
    event = complaint(PLAZA)
    spoil(event)
    assert_refused(bus, ear, as_message(event), field, reason)


def test_several_faults_are_named_all_at_once(bus: Bus, ear: Ear) -> None:
    """A sender mends an event once, not once for every fault."""
    event = enquiry(PLAZA)
    for spoil in (without("data.text"), at("data.channel", "X"), added("data", "$x", 1)):
        spoil(event)
    message = as_message(event)
    bus.send("hotline", message)
    fields = {problem["field"] for problem in ear.rejection_of(message.body)["reasons"]}
    assert fields == {"data.text", "data.channel", "data.$x"}


TEXT_FIELDS = (
    *("id", "source", "type", "org", "subject", "time", "dataschema", "datacontenttype", "sequence"),
    *("data.channel", "data.category", "data.text", "data.taken_by", "data.received_at"),
    *(f"data.customer.{name}" for name in ("kind", "name", "phone", "unit")),
    *(f"data.complaint.{name}" for name in ("problem", "complainant_type", "ground", "demand", "amount")),
)


@pytest.mark.parametrize("path", TEXT_FIELDS)
def test_control_characters_are_refused_in_every_text_field(bus: Bus, ear: Ear, path: str) -> None:
    """No text field lets through what could fool a terminal, a log or a table; each refusal names the field."""
    good = claim_of_everything()
    value: Any = good
    for name in path.split("."):
        value = value[name]
    # A line break at the end is what a pattern with a dollar sign lets slip.
    characters = ["\x00", "\x1b[31m", "\x7f", "\u2028"] + ([] if path == "data.text" else ["\n"])
    messages = []
    for character in characters:
        event = deepcopy(good)
        at(path, f"{value}{character}")(event)
        body = json.dumps(event).encode()
        messages.append(raw_message(body))
    bus.send("hotline", *messages)
    for character, message in zip(characters, messages, strict=True):
        fields = {problem["field"] for problem in ear.rejection_of(message.body)["reasons"]}
        assert path in fields, (character, fields)


def test_text_that_looks_like_an_operator_is_only_text(bus: Bus) -> None:
    """Dollar signs and dots in the customer's words are kept as they are."""
    words = "$where: {$gt: ''} a.b.c ${jndi:x} '; drop table -- \\ \" 😀 第一行\n第二行"
    event = enquiry(PLAZA, text=words)
    event["data"]["customer"]["name"] = "$set.name"
    event["$where"] = {"$ne": 1}  # an attribute of the envelope that nobody here knows
    bus.publish("hotline", event)
    contact = bus.desk(PLAZA).contact_of(event)
    assert contact["text"] == words
    seen = bus.desk(PLAZA, ("staff", "personal_data")).ask("intake.get_customer", id=contact["customer_id"])
    assert seen["name"] == "$set.name"


UNDECODABLE: dict[str, tuple[Mapping[str, Any], str]] = {
    "broken JSON": ({"body": b'{"id": "%s", '}, "JSON"),
    "wrong content type": ({"body": b'{"id": "%s"}', "content_type": "text/plain"}, "content type"),
    "no content type": ({"body": b'{"id": "%s"}', "content_type": ""}, "content type"),
    "not UTF-8": ({"body": '{"id": "%s", "text": "电梯"}'.encode("gb18030")}, "JSON"),
    "half a character": ({"body": b'{"id": "%s", "text": "\\ud800"}'}, "surrogates"),
    "a list": ({"body": b'["%s"]'}, "object"),
    "a number": ({"body": b"1%s"}, "JSON"),
    "nested too deep": ({"body": b"[" * 100_000 + b"%s"}, "JSON"),
    "a number of 5,000 digits": ({"body": b'{"id": "%s", "n": ' + b"9" * 5000 + b"}"}, "JSON"),
}


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_cannot_be_decoded_becomes_a_dead_letter_with_the_reason(bus: Bus, name: str) -> None:
    """Nobody can be told, so an operator finds it: the bytes as they came, and why they could not be read."""
    arguments, reason = UNDECODABLE[name]
    mark = enquiry(PLAZA)["id"]
    body = arguments["body"].replace(b"%s", mark.encode())
    bus.send("hotline", raw_message(**{**arguments, "body": body}))
    letter = bus.dead_letter("evt-external--intake", mark)
    assert letter.body == body
    assert reason in letter.reason
    assert letter.sender == "pub-hotline"


def test_a_body_of_five_megabytes_is_refused_by_its_size_and_kept(bus: Bus, ear: Ear) -> None:
    """A body is judged by its size before anybody reads it; the operator still finds all of it."""
    event = enquiry(PLAZA, text="大" * (5 * 1024 * 1024 // 3))
    message = as_message(event)
    assert len(message.body) > 5_000_000
    assert_refused(bus, ear, message, "(body)", f"{len(message.body)} bytes")
    bus.publish("hotline", after := enquiry(PLAZA))
    bus.desk(PLAZA).contact_of(after)


def test_a_refused_event_is_kept_whole_for_those_who_may_see_it(bus: Bus, ear: Ear) -> None:
    """Refusing loses nothing: reasons for the operator, the body only for those who may see personal data."""
    message = as_message(enquiry(PLAZA, priority="high"))
    assert_refused(bus, ear, message, "data.priority", "Unknown")
    rejected_id = rejected_id_of("pub-hotline", message.body)
    shown = bus.desk(PLAZA, ("supervisor",)).ask("intake.get_rejected", id=rejected_id)
    assert shown["reasons"] == [{"field": "data.priority", "reason": "Unknown field."}]
    assert "body" not in shown
    full = bus.desk(PLAZA, ("supervisor", "personal_data")).ask("intake.get_rejected", id=rejected_id)
    assert full["body"].encode() == message.body
    with pytest.raises(NotFound):
        bus.desk(RETAIL, ("supervisor",)).ask("intake.get_rejected", id=rejected_id)


def test_a_refused_event_sent_again_is_one_refusal(bus: Bus, ear: Ear) -> None:
    """A sender that repeats itself does not fill the list of the refused."""
    message = as_message(enquiry(PLAZA, priority="high"))
    for _ in range(3):
        assert_refused(bus, ear, message, "data.priority", "Unknown")
    rejected_id = rejected_id_of("pub-hotline", message.body)
    bus.desk(PLAZA).happened(rejected_id, "contact_rejected")
    mended = enquiry(PLAZA)
    bus.publish("hotline", mended)
    bus.desk(PLAZA).contact_of(mended)


def test_a_type_that_differs_from_the_routing_key_is_refused(bus: Bus, ear: Ear) -> None:
    """Routing and content must tell the same story, or subscriptions by routing key would miss events."""
    message = as_message(enquiry(PLAZA), routing_key="contact.urgent")
    assert_refused(bus, ear, message, "type", "routing key")


def test_a_publisher_that_may_not_send_for_an_organisation_is_refused(bus: Bus) -> None:
    """Each organisation names its publishers; another's event is refused and shows in nobody's list."""
    event = complaint(RETAIL)
    # A header that claims another sender is only believed of the services' own copies.
    message = as_message(event)
    message.headers["x-kefu-user"] = "pub-shop"
    with Ear(bus.stack.broker_url("pub-crm"), "crm") as ear:
        bus.send("crm", message)
        reasons = ear.rejection_of(message.body)["reasons"]
    assert reasons == [
        {"field": "user_id", "reason": "names a publisher that may not send for this organisation"}
    ]
    listed = _rejected_ids(bus.desk(RETAIL))
    assert rejected_id_of("pub-crm", message.body) not in listed


def _rejected_ids(desk: Desk) -> set[str]:
    return {row["rejected_id"] for row in desk.ask("intake.list_rejected", limit=200)}


def test_an_event_that_does_not_say_who_sent_it_is_refused(bus: Bus) -> None:
    """Without the broker's word on the sender nobody knows whose event it is."""
    body = as_message(complaint(PLAZA)).body
    # Nobody's broker user vouches for it, so it is kept under nobody.
    with (
        Ear(bus.stack.broker_url("pub-hotline"), "hotline") as ear,
        Connection(bus.stack.broker_url("pub-hotline"), connect_timeout=5) as connection,
    ):
        channel = connection.channel()
        channel.confirm_select()
        message = amqp.Message(body, content_type="application/json", delivery_mode=2)
        channel.basic_publish_confirm(message, "external.events", "contact.received")
        heard = ear.heard(rejected_id_of("", body))
    assert heard["reasons"] == [
        {"field": "user_id", "reason": "must be set to the publisher's own broker user"}
    ]


@pytest.mark.parametrize(
    ("exchange", "user_id", "error"),
    [
        ("external.events", "pub-shop", amqp.exceptions.PreconditionFailed),
        ("intake.events", "pub-hotline", amqp.exceptions.AccessRefused),
        ("complaints.events", "pub-hotline", amqp.exceptions.AccessRefused),
        ("nameko-rpc", "pub-hotline", amqp.exceptions.AccessRefused),
        ("dead-letters", "pub-hotline", amqp.exceptions.AccessRefused),
        ("", "pub-hotline", amqp.exceptions.AccessRefused),
    ],
)
def test_the_broker_refuses_a_publisher_that_forges_its_name_or_speaks_where_it_may_not(
    bus: Bus, exchange: str, user_id: str, error: type[Exception]
) -> None:
    """A publisher can send contacts under its own name, and nothing else."""
    with Connection(bus.stack.broker_url("pub-hotline"), connect_timeout=5) as connection:
        channel = connection.channel()
        channel.confirm_select()
        message = amqp.Message(as_message(enquiry(PLAZA)).body, user_id=user_id)
        with pytest.raises(error):
            channel.basic_publish_confirm(message, exchange, "evt-external--intake")


def test_one_bad_event_among_many_good_ones_harms_none_of_them(bus: Bus, ear: Ear) -> None:
    """A batch is refused by the message, not by the batch."""
    good = [enquiry(PLAZA) for _ in range(30)]
    bad = as_message(enquiry(PLAZA, text=""))
    garbage = raw_message(f"{{{good[0]['id']}-garbage".encode())
    messages = [as_message(event) for event in good]
    bus.send("hotline", *messages[:10], bad, *messages[10:20], garbage, *messages[20:])
    desk = bus.desk(PLAZA)
    numbers = {desk.contact_of(event)["number"] for event in good}
    assert len(numbers) == 30
    assert ear.rejection_of(bad.body)
    assert bus.dead_letter("evt-external--intake", f"{good[0]['id']}-garbage").body == garbage.body
