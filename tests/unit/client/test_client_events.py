from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kefu_publisher import (
    CONTENT_TYPE,
    Complaint,
    ContactReceived,
    Customer,
    Event,
    InvalidEvent,
    event_id,
)
from services.intake.handlers.reading import ContactReader
from services.intake.rulebook import load_rulebooks
from services.intake.schemas import ContactSchema
from tests.unit.client.made import NOW, contact, event

ROOT = Path(__file__).resolve().parents[3]
READER = ContactReader(load_rulebooks(ROOT / "organisations"), timedelta(minutes=5))


#: Mostly what people and systems write, and now and then what must be refused.
_USUAL = st.sampled_from("甲乙丙，。aZ09 -_/.#é😀")
_WILD = st.characters(codec="utf-8") | st.sampled_from("\n\t\u3000\u2028\x7f")


def words(longest: int) -> st.SearchStrategy[str]:
    """Text, at times too long by a few characters or made of anything."""
    usual = st.text(_USUAL, min_size=1, max_size=longest).map(lambda text: f"字{text}"[:longest])
    return st.one_of(*[usual] * 19, st.text(_USUAL | _WILD, min_size=1, max_size=longest + 5))


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


CODES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,63}", fullmatch=True)
PHONES = st.sampled_from(["13800000001", "+86 138 0000 0002", "010-6552 9988", "（021）62345678"])
CUSTOMERS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["household", "company", "person"]),
        "name": words(100),
        "phone": st.one_of(*[PHONES] * 4, st.none()),
        "unit": sometimes(words(50)),
    }
)
_CENTS = st.integers(0, 10**12).map(lambda cents: Decimal(cents).scaleb(-2))
AMOUNTS = st.one_of(*[_CENTS] * 9, st.decimals())
CLAIMS = st.fixed_dictionaries(
    {
        "problem": CODES,
        "complainant_type": sometimes(CODES),
        "ground": sometimes(CODES),
        "demand": sometimes(CODES),
        "amount": sometimes(AMOUNTS),
        "media": st.booleans(),
        "lawsuit": st.booleans(),
    }
)
MOMENTS = st.datetimes(
    min_value=datetime(2021, 1, 1),  # noqa: DTZ001 - Hypothesis wants the bounds without a zone
    max_value=datetime(2026, 11, 20),  # noqa: DTZ001 - the same
    timezones=st.timezones() | st.just(timezone(timedelta(hours=8))),
)
CONTACTS = st.fixed_dictionaries(
    {
        "channel": st.just("phone"),
        "received_at": MOMENTS,
        "text": words(4000),
        "taken_by": sometimes(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", fullmatch=True)),
    }
)
ENVELOPES = st.fixed_dictionaries(
    {
        "id": words(256),
        "source": words(256),
        "time": sometimes(MOMENTS),
        "subject": sometimes(words(256)),
        "traceparent": sometimes(st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
    }
)


def built(
    customer: dict[str, Any], claim: dict[str, Any] | None, said: dict[str, Any], about: dict[str, Any]
) -> Event | None:
    """Return the event, or None where the client refuses it."""
    try:
        data = ContactReceived(
            category="enquiry" if claim is None else "complaint",
            customer=Customer(**customer),
            complaint=None if claim is None else Complaint(**claim),
            **said,
        )
        return Event(org="plaza-demo", data=data, **about)
    except InvalidEvent:
        return None


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # what is refused proves nothing here
@given(CUSTOMERS, st.none() | CLAIMS, CONTACTS, ENVELOPES)
def test_what_the_client_renders_is_taken_by_intake_as_it_was_meant(
    customer: dict[str, Any], claim: dict[str, Any] | None, said: dict[str, Any], about: dict[str, Any]
) -> None:
    """Whatever the client lets through, the real reader reads, and reads the same facts."""
    made = built(customer, claim, said, about)
    assume(made is not None)
    assert made is not None
    reading = READER.read(made.body(), CONTENT_TYPE, made.type, "pub-hotline", NOW)
    assert (reading.event.key, reading.event.org) == (made.key, made.org)
    assert (reading.event.time, reading.event.subject) == (made.time, made.subject)
    assert reading.event.traceparent == made.traceparent
    intent = reading.intent
    assert intent.received_at == made.data.received_at
    assert (intent.text, intent.taken_by) == (made.data.text, made.data.taken_by)
    assert intent.customer.name == made.data.customer.name.strip()
    if claim is None:
        assert intent.complaint is None
    else:
        assert intent.complaint is not None
        assert vars_of(intent.complaint) == claim


def vars_of(claim: Any) -> dict[str, Any]:
    names = ("problem", "complainant_type", "ground", "demand", "amount", "media", "lawsuit")
    return {name: getattr(claim, name) for name in names}


def accepted_by_intake(data: dict[str, Any]) -> bool:
    return not ContactSchema().validate(data)


@given(CUSTOMERS, st.none() | CLAIMS, CONTACTS)
def test_the_client_refuses_only_what_intake_refuses(
    customer: dict[str, Any], claim: dict[str, Any] | None, said: dict[str, Any]
) -> None:
    """A good contact is never kept from Kefu by the client's own checks."""
    if built(customer, claim, said, {"id": "1", "source": "/s"}) is not None:
        return
    amount = None if claim is None else claim["amount"]
    data = said | {
        "received_at": said["received_at"].astimezone(UTC).isoformat(),
        "category": "enquiry" if claim is None else "complaint",
        "customer": customer,
        "complaint": claim and claim | {"amount": None if amount is None else f"{amount:f}"},
    }
    assert not accepted_by_intake(data)


WRONG: dict[str, tuple[Callable[[], object], str, str]] = {
    "no time zone": (lambda: contact(received_at=datetime(2026, 1, 1)), "received_at", "time zone"),  # noqa: DTZ001 - the point
    "a moment that is text": (lambda: contact(received_at="2026-01-01"), "received_at", "datetime"),
    "a moment beyond the calendar": (
        lambda: contact(received_at=datetime.min.replace(tzinfo=timezone(timedelta(hours=8)))),
        "received_at",
        "calendar",
    ),
    "text too long": (lambda: contact(text="投" * 4001), "text", "4000"),
    "blank text": (lambda: contact(text=" \n"), "text", "blank"),
    "half a character": (lambda: contact(text="\ud800"), "text", "control"),
    "a channel with capitals": (lambda: contact(channel="Phone"), "channel", "code"),
    "a code with a line break": (lambda: contact(category="enquiry\n"), "category", "code"),
    "a phase that is no code": (lambda: contact(phase="After Sales"), "phase", "code"),
    "a name for an id": (lambda: contact(taken_by="王 示例"), "taken_by", "staff id"),
    "a customer that is a mapping": (lambda: contact(customer={}), "customer", "Customer"),
    "a complaint without its claim": (lambda: contact(category="complaint"), "complaint", "missing"),
    "a claim on an enquiry": (lambda: contact(complaint=Complaint("leak")), "complaint", "only"),
    "a claim that is a mapping": (lambda: contact(category="complaint", complaint={}), "complaint", "type"),
    "an unknown kind": (lambda: Customer("robot", "测试", phone="1"), "customer.kind", "household"),
    "a name of two lines": (lambda: Customer("person", "甲\n乙", phone="1"), "customer.name", "one line"),
    "a name too long": (lambda: Customer("person", "甲" * 101, phone="1"), "customer.name", "100"),
    "nobody to recognise": (lambda: Customer("person", "测试甲"), "customer.phone", "unit"),
    "a float": (lambda: Complaint("leak", amount=5.0), "complaint.amount", "Decimal"),  # type: ignore[arg-type]
    "three decimals": (lambda: Complaint("leak", amount=Decimal("1.001")), "complaint.amount", "two"),
    "a negative amount": (lambda: Complaint("leak", amount=Decimal("-0.01")), "complaint.amount", "negative"),
    "too much": (lambda: Complaint("leak", amount=Decimal("1e12")), "complaint.amount", "at most"),
    "no number": (lambda: Complaint("leak", amount=Decimal("sNaN")), "complaint.amount", "Decimal"),
    "a flag that is text": (lambda: Complaint("leak", media="yes"), "complaint.media", "bool"),  # type: ignore[arg-type]
    "an empty id": (lambda: event(id=" "), "id", "empty"),
    "an id too long": (lambda: event(id="x" * 257), "id", "256"),
    "a source with an escape": (lambda: event(source="/x\x1b"), "source", "control"),
    "a trace that is none": (lambda: event(traceparent="00-abc"), "traceparent", "traceparent"),
    "data that is a mapping": (lambda: event(data={}), "data", "ContactReceived"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_organisation_takes_is_refused_before_it_is_sent(name: str) -> None:
    """The programmer hears field and reason at once, not from a refusal on another queue."""
    make, field, reason = WRONG[name]
    with pytest.raises(InvalidEvent) as refused:
        make()
    assert {problem.field for problem in refused.value.problems} == {field}
    assert reason in str(refused.value)


def test_every_fault_is_named_at_once_and_no_value_is_repeated() -> None:
    """An event is mended once; a log of the message holds nothing of the customer."""
    with pytest.raises(InvalidEvent) as refused:
        Customer("机器人", "甲\n乙", phone="13800000001" * 4)
    assert {problem.field for problem in refused.value.problems} == {
        "customer.kind",
        "customer.name",
        "customer.phone",
    }
    assert not [value for value in ("机器人", "甲", "1380000") if value in str(refused.value)]


def test_an_amount_is_written_with_two_decimals_whatever_way_it_was_counted() -> None:
    """Intake reads money as text; powers of ten and a minus before nothing are no text for it."""
    for amount, text in (("5E+3", "5000.00"), ("0.5", "0.50"), ("-0", "0.00"), ("7.100", "7.10")):
        assert Complaint("leak", amount=Decimal(amount)).as_data()["amount"] == text


def test_an_old_zone_with_seconds_in_its_offset_is_written_as_rfc_3339() -> None:
    """Such an offset cannot be written; the instant can."""
    moment = datetime(1900, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert contact(received_at=moment).as_data()["received_at"] == "1899-12-31T15:54:17+00:00"


def test_the_same_event_is_the_same_bytes() -> None:
    """A repeat is the same message in every way."""
    assert event().body() == event().body()
    document = json.loads(event().body())
    assert document["type"] == "contact.received"
    assert document["dataschema"] == "urn:kefu:contact.received:1"


KEYS = st.lists(st.text(min_size=0, max_size=5), min_size=1, max_size=3)


@given(KEYS, KEYS)
def test_the_id_of_a_key_is_the_same_for_the_same_key_only(one: list[str], other: list[str]) -> None:
    """A process that starts again and knows only its own key finds the id it used before."""
    assert (event_id(*one) == event_id(*other)) == (one == other)


def test_the_id_of_a_key_stays_the_same_from_release_to_release() -> None:
    """An id sent by an older release is still known as a repeat."""
    assert event_id("ticket", "4711") == "c0a44b43012d376ccc1171309fe362b4"


def test_no_key_has_no_id() -> None:
    """All events without a key would otherwise be one."""
    with pytest.raises(InvalidEvent):
        event_id()
