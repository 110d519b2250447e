"""Messages that must not get in: events that fail validation, and bodies nobody can decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from kefu.demo.arrivals import LOCAL
from kefu.demo.messages import CONTENT_TYPE
from kefu.demo.model import Item

Event = dict[str, Any]

_LONGEST_TEXT = 4000
_AHEAD = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which an event is wrong: ``spoil`` makes it so, ``hint`` stands in the field or the reason.

    ``spoil`` takes a valid enquiry and the current moment.
    """

    name: str
    hint: str
    spoil: Callable[[Event, datetime], None]


def _unknown_organisation(event: Event, _now: datetime) -> None:
    event["org"] = "harbour-demo"
    event["source"] = "/hotline/harbour-demo"


def _operator_key(event: Event, _now: datetime) -> None:
    event["data"]["$where"] = "sleep(1000)"


def _future(event: Event, now: datetime) -> None:
    event["data"]["received_at"] = (now.astimezone(LOCAL) + _AHEAD).isoformat(timespec="seconds")


def _no_offset(event: Event, now: datetime) -> None:
    event["data"]["received_at"] = now.astimezone(LOCAL).replace(tzinfo=None).isoformat(timespec="seconds")


def _attribute(name: str, value: object) -> Callable[[Event, datetime], None]:
    def spoil(event: Event, _now: datetime) -> None:
        event[name] = value

    return spoil


def _data(name: str, value: object) -> Callable[[Event, datetime], None]:
    def spoil(event: Event, _now: datetime) -> None:
        event["data"][name] = value

    return spoil


def _customer(name: str, value: object) -> Callable[[Event, datetime], None]:
    def spoil(event: Event, _now: datetime) -> None:
        event["data"]["customer"][name] = value

    return spoil


def _without(name: str) -> Callable[[Event, datetime], None]:
    def spoil(event: Event, _now: datetime) -> None:
        del event["data"][name]

    return spoil


def _complaint(**fields: object) -> Callable[[Event, datetime], None]:
    def spoil(event: Event, _now: datetime) -> None:
        event["data"]["category"] = "complaint"
        who = {"problem": "spoilt-demand", "complainant_type": "end_consumer"}
        event["data"]["complaint"] = {**who, **fields}

    return spoil


FAULTS: tuple[Fault, ...] = (
    Fault("unknown organisation", "org", _unknown_organisation),
    Fault("unknown event type", "type", _attribute("type", "contact.deleted")),
    Fault("other version of CloudEvents", "specversion", _attribute("specversion", "0.3")),
    Fault("data that is no object", "data", _attribute("data", "楼道灯坏了")),
    Fault("missing field", "text", _without("text")),
    Fault("extra field", "priority", _data("priority", "high")),
    Fault("wrong type", "customer", _data("customer", "王示例")),
    Fault("bad phone", "phone", _customer("phone", "138")),
    Fault("operator key", "$where", _operator_key),
    Fault("dotted key", "customer.phone", _data("customer.phone", "no")),
    Fault("control characters", "text", _data("text", "电梯坏了\x00\x07请处理")),
    Fault("empty text", "text", _data("text", "")),
    Fault("text too long", "text", _data("text", "投" * (_LONGEST_TEXT + 1))),
    Fault("unknown channel", "channel", _data("channel", "pager")),
    Fault("unknown category", "category", _data("category", "gossip")),
    Fault("received in the future", "received_at", _future),
    Fault("no offset from UTC", "received_at", _no_offset),
    Fault("amount with three decimals", "amount", _complaint(demand="damages", amount="5000.001")),
    Fault("amount as a number", "amount", _complaint(demand="damages", amount=5000.5)),
    Fault("negative amount", "amount", _complaint(demand="damages", amount="-1.00")),
    Fault("flag that is no flag", "media", _complaint(media="yes")),
    Fault("complaint on an enquiry", "complaint", _data("complaint", {"problem": "not-asked-for"})),
)


def undecodable(sound: Item) -> list[Item]:
    """Return messages made of ``sound`` that hold no JSON object of an accepted content type."""
    text = sound.body.decode()
    dead = replace(sound, content_type=CONTENT_TYPE, expected="dead", org=None, event_id=None)
    return [
        replace(dead, body=sound.body[: len(sound.body) // 2], reason_hint="json"),
        replace(dead, content_type="text/plain", reason_hint="content type"),
        # What a system sends that was never told about UTF-8.
        replace(dead, body=text.encode("gb18030"), reason_hint="json"),
        replace(dead, body=b"[" + sound.body + b"]", reason_hint="object"),
    ]


def spoilt(event: Event, fault: Fault, now: datetime) -> Event:
    """Return ``event``, a valid enquiry, with ``fault`` in it; ``event`` itself is left as it was."""
    data: dict[str, Any] = {**event["data"], "customer": dict(event["data"]["customer"])}
    copy = {**event, "data": data}
    fault.spoil(copy, now)
    return copy
