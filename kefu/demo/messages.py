"""Turning contacts into CloudEvents as an external system publishes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from kefu.demo.contacts import Contact
from kefu.demo.model import Expected, Item

CONTACT_RECEIVED = "contact.received"
CONTENT_TYPE = "application/cloudevents+json"
#: Both names and the parameter are allowed; systems in the field use all of them.
_CONTENT_TYPES = (
    CONTENT_TYPE,
    CONTENT_TYPE,
    CONTENT_TYPE,
    f"{CONTENT_TYPE}; charset=utf-8",
    "application/json",
)
#: Seconds from the moment of reception to the event.
_KEYING_IN = (2, 90)


class Messages:
    """Writes the events of one day; ``number`` of each system's events counts up from one."""

    def __init__(self, rng: Random) -> None:
        """Use ``rng`` for what the contact leaves open: delays, traces, which content type a system sends."""
        self._rng = rng
        self._numbers: dict[str, int] = {}

    def event(self, contact: Contact, event_id: str) -> dict[str, Any]:
        """Return the CloudEvent of ``contact`` as a JSON object."""
        system = contact.trade.system_of(contact.channel)
        source = f"/{system}/{contact.trade.org}"
        published = contact.received_at + timedelta(seconds=self._rng.randint(*_KEYING_IN))
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": CONTACT_RECEIVED,
            "time": _utc(published) if system == "crm" else published.isoformat(),
            "datacontenttype": "application/json",
            "dataschema": f"urn:kefu:{CONTACT_RECEIVED}:1",
            "org": contact.trade.org,
        }
        if contact.order is not None:
            event["subject"] = f"order/{contact.order}"
        if system != "hotline":
            event["traceparent"] = f"00-{self._rng.getrandbits(128):032x}-{self._rng.getrandbits(64):016x}-01"
        if system == "crm":
            event["sequence"] = str(self._next_number(source))
        event["data"] = _data(contact)
        return event

    def item(
        self,
        event: dict[str, Any],
        contact: Contact,
        expected: Expected = "accepted",
        reason_hint: str | None = None,
    ) -> Item:
        """Return the message that carries ``event``, published by the system that took ``contact``."""
        return Item(
            body=encode(event),
            content_type=self._rng.choice(_CONTENT_TYPES),
            routing_key=event["type"],
            publisher=f"pub-{contact.trade.system_of(contact.channel)}",
            expected=expected,
            reason_hint=reason_hint,
            org=event["org"],
            event_id=event["id"],
        )

    def _next_number(self, source: str) -> int:
        self._numbers[source] = self._numbers.get(source, 0) + 1
        return self._numbers[source]


def encode(event: dict[str, Any]) -> bytes:
    """Return ``event`` as compact JSON in UTF-8, keys in the order given."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _data(contact: Contact) -> dict[str, Any]:
    data: dict[str, Any] = {
        "channel": contact.channel,
        "category": contact.category,
        "received_at": contact.received_at.isoformat(),
        "customer": contact.person.as_data(),
        "text": contact.text,
    }
    if contact.taken_by is not None:
        data["taken_by"] = contact.taken_by
    if contact.complaint is not None:
        data["complaint"] = dict(contact.complaint)
    return data


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
