"""Reading external events: whatever is wrong is named by field and reason, kept, and tells nobody's secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.domain.rejection import NOBODY
from services.intake.settings import KEPT_BODY, MAX_BODY
from shared.clock import FixedClock
from shared.messaging.delivery import Outcome
from tests.unit.intake.fakes import (
    PLAZA,
    PROPERTY,
    RETAIL,
    Document,
    World,
    beijing,
    complaint,
    contact_data,
    delivery,
    received,
)

Spoil = Callable[[Document], object]


def _data(**changes: Any) -> Spoil:
    return lambda event: event["data"].update(changes)


def _customer(**changes: Any) -> Spoil:
    return lambda event: event["data"]["customer"].update(changes)


def _claim(**changes: Any) -> Spoil:
    return lambda event: event["data"].update(
        category="complaint", complaint={"problem": "lift-stuck", **changes}
    )


def _without(name: str) -> Spoil:
    return lambda event: event["data"].pop(name)


BAD: list[tuple[str, Spoil, str, str]] = [
    # what is wrong, how it is done, the field named, a part of the reason
    ("other version", lambda e: e.update(specversion="0.3"), "specversion", "1.0"),
    ("no id", lambda e: e.pop("id"), "id", "missing"),
    ("empty id", lambda e: e.update(id=" "), "id", "not empty"),
    ("number as id", lambda e: e.update(id=7), "id", "must be text"),
    ("long id", lambda e: e.update(id="x" * 257), "id", "longer"),
    ("no source", lambda e: e.pop("source"), "source", "missing"),
    ("control characters in source", lambda e: e.update(source="/a\x00"), "source", "control"),
    ("no type", lambda e: e.pop("type"), "type", "missing"),
    ("unknown type", lambda e: e.update(type="contact.deleted"), "type", "not known"),
    ("no organisation", lambda e: e.pop("org"), "org", "missing"),
    ("unknown organisation", lambda e: e.update(org="nobody"), "org", "no organisation"),
    ("operator as organisation", lambda e: e.update(org={"$ne": ""}), "org", "must be text"),
    ("a profile is no organisation", lambda e: e.update(org="property"), "org", "no organisation"),
    ("time without offset", lambda e: e.update(time="2026-03-02T09:00:00"), "time", "offset"),
    ("sequence as number", lambda e: e.update(sequence=1), "sequence", "written as text"),
    ("no data", lambda e: e.pop("data"), "data", "object"),
    ("data as list", lambda e: e.update(data=[]), "data", "object"),
    *((f"no {name}", _without(name), f"data.{name}", "issing") for name in contact_data()),
    ("extra field", _data(priority="high"), "data.priority", "Unknown"),
    ("operator key", _data(**{"$where": "1"}), "data.$where", "Unknown"),
    ("dotted key", _data(**{"customer.phone": "x"}), "data.customer.phone", "Unknown"),
    ("extra field in customer", _customer(vip=True), "data.customer.vip", "Unknown"),
    ("extra field in complaint", _claim(colour="red"), "data.complaint.colour", "Unknown"),
    ("operator as text", _data(text={"$gt": ""}), "data.text", "string"),
    ("empty text", _data(text=""), "data.text", "blank"),
    ("blank text", _data(text=" 　\n"), "data.text", "blank"),
    ("long text", _data(text="投" * 4001), "data.text", "ength"),
    ("unknown channel", _data(channel="smoke"), "data.channel", "is not one of"),
    ("channel of another trade", _data(channel="wangwang"), "data.channel", "is not one of"),
    ("unknown category", _data(category="gossip"), "data.category", "is not one of"),
    ("capital letters in a code", _data(category="Enquiry"), "data.category", "a-z"),
    ("no offset", _data(received_at="2026-03-02T08:00:00"), "data.received_at", "datetime"),
    ("no time", _data(received_at="gestern"), "data.received_at", "datetime"),
    ("number as time", _data(received_at=1772413200), "data.received_at", "datetime"),
    ("in the future", _data(received_at="2026-03-02T09:05:01+08:00"), "data.received_at", "future"),
    ("before the rulebook", _data(received_at="2019-12-31T23:59:59+08:00"), "data.received_at", "before"),
    ("first instant", _data(received_at="0001-01-01T00:00:00+08:00"), "data.received_at", ""),
    ("last instant", _data(received_at="9999-12-31T23:59:59-12:00"), "data.received_at", ""),
    ("customer as text", _data(customer="测试甲"), "data.customer", "nput type"),
    ("unknown kind", _customer(kind="robot"), "data.customer.kind", "one of"),
    ("empty name", _customer(name=""), "data.customer.name", "blank"),
    ("blank name", _customer(name="　"), "data.customer.name", "blank"),
    ("long name", _customer(name="甲" * 101), "data.customer.name", "ength"),
    ("name of two lines", _customer(name="测试\n甲"), "data.customer.name", "one line"),
    ("bad phone", _customer(phone="138"), "data.customer.phone", "no valid phone"),
    ("words as phone", _customer(phone="call me"), "data.customer.phone", "no valid phone"),
    ("number as phone", _customer(phone=13800000001), "data.customer.phone", "string"),
    ("neither phone nor unit", _customer(phone=None), "data.customer.phone", "unit is needed"),
    ("staff id with blanks", _data(taken_by="a 3"), "data.taken_by", "staff id"),
    ("complaint without claim", _data(category="complaint"), "data.complaint", "missing"),
    ("claim without complaint", _data(complaint={"problem": "p"}), "data.complaint", "belongs only"),
    ("claim as text", _data(category="complaint", complaint="lift"), "data.complaint", "nput type"),
    ("no problem", _data(category="complaint", complaint={}), "data.complaint.problem", "issing"),
    ("free text as problem", _claim(problem="the lift!"), "data.complaint.problem", "a-z"),
    ("amount as number", _claim(amount=5000.5), "data.complaint.amount", "as text"),
    ("three decimals", _claim(amount="1.001"), "data.complaint.amount", "two decimals"),
    ("negative amount", _claim(amount="-1.00"), "data.complaint.amount", "as text"),
    ("not a number", _claim(amount="NaN"), "data.complaint.amount", "as text"),
    ("exponent", _claim(amount="1e9"), "data.complaint.amount", "as text"),
    ("full-width digits", _claim(amount="５０００"), "data.complaint.amount", "as text"),
    ("absurd amount", _claim(amount="1000000000000.00"), "data.complaint.amount", "at most"),
    ("flag as text", _claim(media="yes"), "data.complaint.media", "boolean"),
]


@pytest.mark.parametrize(("spoil", "field", "reason"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_rejected_with_field_and_reason_and_nothing_is_registered(
    world: World, spoil: Spoil, field: str, reason: str
) -> None:
    """Guards every kind of bad input: kept whole, answered with an event, acknowledged, without effect."""
    event = received()
    spoil(event)
    (item,) = world.take(event)
    assert item.outcome is Outcome.DONE
    assert field in world.reasons()
    assert reason in world.reasons()[field]
    rejection = world.rejected()
    assert json.loads(rejection.body) == event
    (told,) = rejection.history
    assert told.type == "contact_rejected"
    assert {"field": field, "reason": world.reasons()[field]} in told.data["reasons"]
    assert (world.kept.contacts_kept, world.kept.customers_kept) == ({}, {})


def test_everything_that_is_wrong_is_told_at_once(world: World) -> None:
    """Guards senders from mending one field at a time."""
    world.take(received(channel=7, text="", customer={"kind": "robot", "name": "甲", "phone": "138"}))
    assert {"data.channel", "data.text", "data.customer.kind"} <= world.reasons().keys()


TEXTS: list[tuple[str, Callable[[str], Document]]] = [
    *((name, lambda text, name=name: received(**{name: text})) for name in ("channel", "category", "text")),
    *(
        (f"customer.{name}", lambda text, name=name: received(customer=_person(name, text)))
        for name in ("kind", "name", "phone", "unit")
    ),
    ("taken_by", lambda text: received(taken_by=text)),
    ("received_at", lambda text: received(received_at=text)),
    *(
        (f"complaint.{name}", lambda text, name=name: complaint(claim={name: text}))
        for name in ("problem", "complainant_type", "ground", "demand", "amount")
    ),
]

_SOUND = {
    "channel": "phone",
    "category": "enquiry",
    "text": "请问",
    "customer.kind": "person",
    "customer.name": "测试甲",
    "customer.phone": "13800000001",
    "customer.unit": "3-201",
    "taken_by": "A3",
    "received_at": "2026-03-02T08:55:00+08:00",
    "complaint.problem": "lift",
    "complaint.complainant_type": "tenant",
    "complaint.ground": "noise",
    "complaint.demand": "damages",
    "complaint.amount": "10.00",
}


def _person(name: str, text: str) -> Document:
    return {"kind": "person", "name": "测试甲", "phone": "13800000001", "unit": "3-201"} | {name: text}


@pytest.mark.parametrize(("name", "build"), TEXTS, ids=[row[0] for row in TEXTS])
@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x9f", "\u2028", "\uffff"])
def test_control_characters_are_refused_in_every_text(
    world: World, name: str, build: Callable[[str], Document], character: str
) -> None:
    """Guards terminals, logs and the database; the same text without the character is taken."""
    world.take(build(_SOUND[name]))
    assert world.kept.rejections_kept == {}
    for text in (_SOUND[name] + character, character + _SOUND[name]):
        body = json.dumps(build(text)).encode()
        world.receive([delivery(body)])
        rejection = world.kept.all_rejections()[-1]
        assert f"data.{name}" in {problem.field for problem in rejection.reasons}
    assert len(world.kept.rejections_kept) == 2
    recorded = repr([entry.data for entry in world.kept.recorded()])
    assert character not in recorded


@pytest.mark.parametrize(("name", "build"), TEXTS, ids=[row[0] for row in TEXTS])
def test_no_code_ends_in_a_line_break(world: World, name: str, build: Callable[[str], Document]) -> None:
    """Guards codes that look the same and are not; only the customer's words may end in one."""
    world.take(build(_SOUND[name] + "\n"))
    if name == "text":
        assert world.kept.rejections_kept == {}
    else:
        assert f"data.{name}" in world.reasons()


@pytest.mark.parametrize(
    "text", ["　　您好：\n请问几点关门？\t谢谢", "谢谢👨‍👩‍👧", "A\u00a0B", "“引号”—…", "𠮷野家"]
)
def test_text_as_people_write_it_is_kept_to_the_letter(world: World, text: str) -> None:
    """Guards Chinese paragraphs, rare characters and symbols."""
    event = received(text=text)
    world.take(event)
    assert world.contact_of(event).text == text


def test_a_body_that_is_too_large_is_kept_and_refused_without_being_read(world: World) -> None:
    """Guards memory and time: 5 MB are neither parsed nor lost, and count for no organisation."""
    body = json.dumps(received(text="投" * 2_000_000), ensure_ascii=False).encode()
    assert len(body) > 5_000_000
    item = delivery(body)
    world.receive([item])
    assert item.outcome is Outcome.DONE
    assert world.reasons() == {"(body)": f"is {len(body)} bytes, more than the {MAX_BODY} allowed"}
    rejection = world.rejected()
    assert (rejection.org, rejection.event_id, rejection.size) == (NOBODY, None, len(body))
    assert rejection.body == body[:KEPT_BODY]


def test_the_largest_body_allowed_is_taken(world: World) -> None:
    """Guards the border: what is just small enough is read."""
    body = json.dumps(received()).encode()
    body += b" " * (MAX_BODY - len(body))
    world.receive([delivery(body)])
    assert len(world.kept.contacts_kept) == 1
    world.receive([delivery(body + b" ")])
    assert "(body)" in world.reasons()


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"{", "application/json", "not valid JSON"),
        (b"", "application/json", "not valid JSON"),
        ("你好".encode("gb18030"), "application/json", "not valid JSON"),
        (b"[1]", "application/json", "JSON list"),
        (b'"text"', "application/cloudevents+json", "JSON str"),
        (b"[" * 100_000, "application/json", "not valid JSON"),
        (b'{"a":' + b"1" * 5000 + b"}", "application/json", "not valid JSON"),
        (json.dumps(received(text="\ud800")).encode(), "application/json", "not valid JSON"),
        (b"{}", "text/plain", "content type"),
        (b"{}", None, "content type"),
    ],
)
def test_what_cannot_be_decoded_goes_to_the_dead_letters_with_the_reason(
    world: World, body: bytes, content_type: str | None, reason: str
) -> None:
    """Guards that garbage stops nothing: it is set aside, and its neighbour in the batch is registered."""
    dead = delivery(body, content_type=content_type)
    good = delivery(received())
    world.receive([dead, good])
    assert dead.outcome is Outcome.DEAD
    assert reason in (dead.reason or "")
    assert good.outcome is Outcome.DONE
    assert len(world.kept.contacts_kept) == 1
    assert world.kept.rejections_kept == {}


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (None, "must be set"),
        ("", "must be set"),
        ("intake", "must be set"),
        ("hotline", "must be set"),
        ("pub-", "may not send"),
        ("pub-shop", "may not send"),
        ("pub-HOTLINE", "may not send"),
    ],
)
def test_a_publisher_that_may_not_send_for_the_organisation_is_refused(
    world: World, user: str | None, reason: str
) -> None:
    """Guards that nobody sends in another's name, and that nobody fills another organisation's list."""
    world.take(received(PLAZA), user=user)
    assert reason in world.reasons()["user_id"]
    assert world.rejected().org == NOBODY
    assert world.rejected().history.entries[0].data["claimed_org"] == PLAZA


def test_a_publisher_may_send_for_exactly_the_organisations_that_name_it(world: World) -> None:
    """Guards the list of publishers of each organisation."""
    world.take(received(RETAIL, "1", channel="counter"), user="pub-shop")
    world.take(received(PROPERTY, "2"), user="pub-shop")
    (contact,) = world.kept.all_contacts()
    assert (contact.org, contact.publisher) == (RETAIL, "shop")


@pytest.mark.parametrize(
    ("event", "org"),
    [
        (received(PLAZA, text=""), PLAZA),
        (received("nobody"), NOBODY),
        (received(PLAZA) | {"org": ["plaza-demo"]}, NOBODY),
        (received(PLAZA) | {"type": "contact.deleted"}, PLAZA),
    ],
)
def test_a_rejection_belongs_to_the_claimed_organisation_only_if_the_sender_may_send_for_it(
    world: World, event: Document, org: str
) -> None:
    """Guards the fallback "-": what names no organisation of ours is kept for the operators alone."""
    world.take(event)
    assert world.rejected().org == org


def test_an_event_under_another_routing_key_is_refused(world: World) -> None:
    """Guards that broker permissions by routing key cannot be walked around."""
    world.take(received(), routing_key="contact.other")
    assert world.reasons() == {"type": "differs from the routing key"}
    assert world.rejected().event_type == "contact.other"


def test_what_the_sender_claims_is_cut_and_cleaned_before_it_is_sent_back(world: World) -> None:
    """Guards the answer: no control characters and no endless ids in it."""
    world.take(received() | {"id": "a\x00" * 200, "org": "\x1b[31m"}, routing_key="k\x07")
    told = world.rejected().history.entries[0].data
    assert told["event_id"] == "a?" * 64
    assert told["claimed_org"] == "?[31m"
    assert told["event_type"] == "k?"


def test_clocks_that_run_a_little_ahead_are_forgiven(world: World) -> None:
    """Guards the border of five minutes."""
    world.take(received(received_at="2026-03-02T09:05:00+08:00"))
    assert len(world.kept.contacts_kept) == 1


@pytest.mark.rule("B-SVN-01")
def test_a_letter_is_taken_and_a_smoke_signal_is_not(world: World) -> None:
    """Guards the ways in: phone, online and letter."""
    for number, channel in enumerate(("phone", "online", "letter")):
        world.take(received(event_id=f"{number}", channel=channel))
    assert len(world.kept.contacts_kept) == 3
    world.take(received(event_id="9", channel="smoke"))
    assert list(world.reasons()) == ["data.channel"]


@pytest.mark.rule("B-ITS-04")
def test_a_contact_without_the_recorded_problem_is_not_saved(world: World) -> None:
    """Guards that the first responsible person records what the customer said."""
    for event_id, text in (("1", ""), ("2", "  ")):
        world.take(received("it-demo", event_id, text=text))
    assert world.kept.contacts_kept == {}
    assert all(rejection.reasons[0].field == "data.text" for rejection in world.kept.all_rejections())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
_PLACES = [
    (),
    ("data",),
    ("data", "customer"),
    ("data", "complaint"),
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_sent_is_registered_or_rejected_with_reasons_or_dead(data: st.DataObject) -> None:
    """Guards the batch: no content whatever raises, so that no message ever holds up its neighbours."""
    event = complaint(claim={"amount": "10.00"}, taken_by="A3")
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = event
        for name in data.draw(st.sampled_from(_PLACES)):
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict):
            key = data.draw(st.sampled_from([*place]) | st.text(max_size=12)) if place else "x"
            place[key] = data.draw(JSON)
    world = World(FixedClock(beijing("2026-03-02 09:00")))
    item = delivery(json.dumps(event).encode())
    world.receive([item])
    contacts, rejections = world.kept.all_contacts(), world.kept.all_rejections()
    assert len(contacts) + len(rejections) + (item.outcome is Outcome.DEAD) == 1
    for rejection in rejections:
        assert rejection.reasons
        assert all(problem.field and problem.reason for problem in rejection.reasons)


@settings(max_examples=100)
@given(body=st.binary(max_size=200), user=st.none() | st.text(max_size=10), key=st.text(max_size=20))
def test_no_bytes_whatever_stop_the_service(body: bytes, user: str | None, key: str) -> None:
    """Guards the consumer from garbage, whoever sends it under whatever key."""
    world = World(FixedClock(beijing("2026-03-02 09:00")))
    item = delivery(body, user=user, routing_key=key)
    world.receive([item])
    assert item.outcome is Outcome.DEAD or world.kept.rejections_kept
