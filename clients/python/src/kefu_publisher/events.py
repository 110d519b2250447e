"""The events that Kefu takes from other systems, checked as far as the contract says without a rulebook.

Which channels, categories and phases there are, and whether a phone number can be one, is the organisation's
rulebook's to say: an event that breaks those is refused by Kefu, which answers with ``contact_rejected``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Context, Decimal
from typing import Any

from kefu_publisher.errors import InvalidEvent, Problem

CONTACT_RECEIVED = "contact.received"
CONTENT_TYPE = "application/cloudevents+json"
#: The largest sum a complaint may name, in yuan.
MAX_AMOUNT = Decimal("999999999999.99")

_COMPLAINT = "complaint"
_KINDS = ("household", "company", "person")
_MAX_ATTRIBUTE = 256
_MAX_TEXT = 4000
_MAX_NAME = 100
_MAX_PHONE = 32
_MAX_UNIT = 50
_CENT = Decimal("0.01")
#: The caller's own decimal context must not round or refuse a sum.
_ENOUGH = Context(prec=28)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")
_LINE_BREAKS = frozenset("\n\r\t")
_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_STAFF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def event_id(*key: str) -> str:
    """Return the same id for the same ``key``: what the caller's own system knows the occurrence by.

    For example ``event_id("ticket", "4711")``. Two different keys give two different ids; the id tells
    nothing of the key. 32 hexadecimal digits.
    """
    if not key:
        raise InvalidEvent((Problem("key", "is missing"),))
    _require(problem for part in key for problem in _instance("key", part, str))
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Customer:
    """Who contacts; without a phone number the unit is needed, so that the customer can be recognised.

    ``kind`` is household, company or person. ``phone`` may be written in any usual way; without a country
    code it is read as a Chinese number. ``unit`` is the door or shop number. Raises InvalidEvent.
    """

    kind: str
    name: str
    phone: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        _require(self._problems())

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape of the contract."""
        return {"kind": self.kind, "name": self.name, "phone": self.phone, "unit": self.unit}

    def _problems(self) -> Iterator[Problem]:
        if self.kind not in _KINDS:
            yield Problem("customer.kind", f"must be one of {', '.join(_KINDS)}")
        yield from _line("customer.name", self.name, _MAX_NAME)
        if self.phone is not None:
            yield from _line("customer.phone", self.phone, _MAX_PHONE)
        if self.unit is not None:
            yield from _line("customer.unit", self.unit, _MAX_UNIT)
        if not self.phone and not self.unit:
            yield Problem("customer.phone", "is missing: without a phone number the unit is needed")


@dataclass(frozen=True)
class Complaint:
    """What a complaint says beside its text.

    ``problem`` is a code that is the same for the same problem. ``amount`` is what the customer asks for, in
    yuan with at most two decimals. The other codes are those of the organisation's rulebook. Raises InvalidEvent.
    """

    problem: str
    complainant_type: str | None = None
    ground: str | None = None
    demand: str | None = None
    amount: Decimal | None = None
    media: bool = False
    lawsuit: bool = False

    def __post_init__(self) -> None:
        """Check every field."""
        _require(self._problems())

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape of the contract; what is not said is left out."""
        codes = {"complainant_type": self.complainant_type, "ground": self.ground, "demand": self.demand}
        data: dict[str, Any] = {"problem": self.problem}
        data |= {name: code for name, code in codes.items() if code is not None}
        if self.amount is not None:
            # Minus nothing is nothing.
            data["amount"] = f"{self.amount.copy_abs().quantize(_CENT, context=_ENOUGH):f}"
        return data | {"media": self.media, "lawsuit": self.lawsuit}

    def _problems(self) -> Iterator[Problem]:
        yield from _matching("complaint.problem", self.problem, _CODE, "a code")
        for name in ("complainant_type", "ground", "demand"):
            if getattr(self, name) is not None:
                yield from _matching(f"complaint.{name}", getattr(self, name), _CODE, "a code")
        if self.amount is not None:
            yield from _amount("complaint.amount", self.amount)
        for name in ("media", "lawsuit"):
            yield from _instance(f"complaint.{name}", getattr(self, name), bool)


@dataclass(frozen=True)
class ContactReceived:
    """A customer contacted the organisation: the data of ``contact.received``.

    ``received_at`` is when the customer spoke, with a time zone. ``text`` are the customer's own words, 1 to
    4,000 characters. ``taken_by`` is the id, not the name, of the member of staff who took the contact.
    ``complaint`` belongs to the category complaint and to no other. Raises InvalidEvent.
    """

    channel: str
    category: str
    received_at: datetime
    customer: Customer
    text: str
    taken_by: str | None = None
    complaint: Complaint | None = None
    phase: str | None = None

    def __post_init__(self) -> None:
        """Check every field, and that they fit one another."""
        _require(self._problems())

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape of the contract; what is not said is left out."""
        data: dict[str, Any] = {
            "channel": self.channel,
            "category": self.category,
            "received_at": _rendered(self.received_at),
            "customer": self.customer.as_data(),
            "text": self.text,
        }
        if self.taken_by is not None:
            data["taken_by"] = self.taken_by
        if self.complaint is not None:
            data["complaint"] = self.complaint.as_data()
        if self.phase is not None:
            data["phase"] = self.phase
        return data

    def _problems(self) -> Iterator[Problem]:
        yield from _matching("channel", self.channel, _CODE, "a code")
        yield from _matching("category", self.category, _CODE, "a code")
        yield from _moment("received_at", self.received_at)
        yield from _instance("customer", self.customer, Customer)
        yield from _text("text", self.text, _MAX_TEXT)
        if self.taken_by is not None:
            yield from _matching("taken_by", self.taken_by, _STAFF, "a staff id")
        if self.phase is not None:
            yield from _matching("phase", self.phase, _CODE, "a code")
        if self.complaint is None and self.category == _COMPLAINT:
            yield Problem("complaint", "is missing: a contact of category complaint needs it")
        if self.complaint is not None and self.category != _COMPLAINT:
            yield Problem("complaint", "belongs only to contacts of category complaint")
        if self.complaint is not None:
            yield from _instance("complaint", self.complaint, Complaint)


@dataclass(frozen=True)
class Event:
    """One CloudEvent for Kefu; ``id`` and ``source`` are the caller's and together make it unique.

    Published again with the same id and source, whatever else it says, it changes nothing: that is how a
    repeat is recognised. ``source`` is the sending system, for example ``/hotline/north``; ``org`` the
    organisation it is for; ``time`` when the event was made. Raises InvalidEvent.
    """

    id: str
    source: str
    org: str
    data: ContactReceived
    time: datetime | None = None
    subject: str | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        """Check every attribute."""
        _require(self._problems())

    @property
    def type(self) -> str:
        """Return the event's type, which is its routing key as well."""
        return CONTACT_RECEIVED

    @property
    def key(self) -> str:
        """Return what makes the event unique."""
        return f"{self.source}#{self.id}"

    def as_document(self) -> dict[str, Any]:
        """Return the CloudEvents 1.0 document."""
        document: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "org": self.org,
            "datacontenttype": "application/json",
            "dataschema": f"urn:kefu:{self.type}:1",
        }
        if self.time is not None:
            document["time"] = _rendered(self.time)
        if self.subject is not None:
            document["subject"] = self.subject
        if self.traceparent is not None:
            document["traceparent"] = self.traceparent
        return document | {"data": self.data.as_data()}

    def body(self) -> bytes:
        """Return the message body; the same event gives the same bytes."""
        return json.dumps(self.as_document(), ensure_ascii=False, separators=(",", ":")).encode()

    def _problems(self) -> Iterator[Problem]:
        for name in ("id", "source", "org"):
            yield from _attribute(name, getattr(self, name))
        if self.subject is not None:
            yield from _attribute("subject", self.subject)
        if self.time is not None:
            yield from _moment("time", self.time)
        if self.traceparent is not None:
            yield from _matching("traceparent", self.traceparent, _TRACEPARENT, "a W3C traceparent")
        yield from _instance("data", self.data, ContactReceived)


def _require(problems: Iterator[Problem]) -> None:
    found = tuple(problems)
    if found:
        raise InvalidEvent(found)


def _instance(name: str, value: object, kind: type) -> Iterator[Problem]:
    # Callers without a type checker are told here, not by a refusal from afar.
    if not isinstance(value, kind):
        yield Problem(name, f"must be of type {kind.__name__}")


def _text(name: str, value: object, longest: int) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(name, "must be text")
    elif not value.strip():
        yield Problem(name, "must not be blank")
    elif len(value) > longest:
        yield Problem(name, f"is longer than {longest} characters")
    elif _CONTROL.search(value):
        yield Problem(name, "holds control characters")


def _line(name: str, value: object, longest: int) -> Iterator[Problem]:
    yield from _text(name, value, longest)
    if isinstance(value, str) and not _LINE_BREAKS.isdisjoint(value):
        yield Problem(name, "must be one line")


def _attribute(name: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield Problem(name, "must be text that is not empty")
    elif len(value) > _MAX_ATTRIBUTE:
        yield Problem(name, f"is longer than {_MAX_ATTRIBUTE} characters")
    elif not value.isprintable():
        yield Problem(name, "holds control characters")


def _matching(name: str, value: object, pattern: re.Pattern[str], what: str) -> Iterator[Problem]:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        yield Problem(name, f"must be {what} of the form {pattern.pattern}")


def _moment(name: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        yield Problem(name, "must be a datetime with a time zone")
        return
    try:
        _rendered(value)
    except OverflowError:
        yield Problem(name, "is beyond the calendar in UTC")


def _rendered(moment: datetime) -> str:
    # In UTC: zones of long ago have offsets with seconds, which RFC 3339 has no way to write.
    return moment.astimezone(timezone.utc).isoformat()


def _amount(name: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, Decimal) or not value.is_finite():
        yield Problem(name, 'must be a Decimal in yuan, for example Decimal("5000.00")')
    elif value < 0:
        yield Problem(name, "must not be negative")
    elif value > MAX_AMOUNT:
        yield Problem(name, f"must be at most {MAX_AMOUNT}")
    elif value != value.quantize(_CENT, context=_ENOUGH):
        yield Problem(name, "must have at most two decimals")
