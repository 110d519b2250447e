"""Events as external systems publish them, of customers and problems that no other test has."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.ids import derived_id
from shared.messaging.envelope import CONTENT_TYPE
from shared.messaging.publisher import Outgoing
from shared.messaging.topology import EXTERNAL_EXCHANGE

_numbers = itertools.count(1)


def new_phone() -> str:
    """Return a made-up phone number that no other test of this run has."""
    return f"138{next(_numbers):08d}"


def new_problem() -> str:
    """Return a problem nobody complained of before."""
    return f"problem-{uuid.uuid4().hex[:12]}"


def enquiry(org: str, **changes: Any) -> dict[str, Any]:
    """Return a valid ``contact.received`` of a new customer; ``changes`` are laid over its data."""
    data = {
        "channel": "phone",
        "category": "enquiry",
        "received_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "customer": {"kind": "person", "name": "测试甲", "phone": new_phone()},
        "text": "请问营业时间？",
    }
    return {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/tests",
        "type": "contact.received",
        "org": org,
        "data": data | changes,
    }


def complaint(
    org: str, problem: str | None = None, *, claim: Mapping[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a valid complaint of a new customer about ``problem``, a new one unless given."""
    body = {"problem": problem or new_problem(), **(claim or {})}
    return enquiry(org, **{"category": "complaint", "text": "地下车库漏水", "complaint": body} | changes)


def household(number: int) -> dict[str, Any]:
    """Return a customer of the ``number``-th flat of a made-up building."""
    return {"kind": "household", "name": f"测试{number}户", "phone": new_phone(), "unit": f"T1-{number:03d}"}


def contact_id_of(event: Mapping[str, Any]) -> str:
    """Return the id under which intake registers the contact of ``event``: the same event, the same contact."""
    return derived_id("ct", event["source"], event["id"])


def as_message(event: Mapping[str, Any], *, routing_key: str | None = None) -> Outgoing:
    """Return the message that carries ``event`` to ``external.events``."""
    body = json.dumps(event, ensure_ascii=False).encode()
    return raw_message(body, routing_key=routing_key or str(event["type"]))


def raw_message(
    body: bytes,
    *,
    routing_key: str = "contact.received",
    content_type: str = CONTENT_TYPE,
    exchange: str = EXTERNAL_EXCHANGE,
    headers: Mapping[str, Any] | None = None,
    user_id: str | None = None,
) -> Outgoing:
    """Return a message of any content."""
    return Outgoing(
        exchange,
        routing_key,
        body,
        uuid.uuid4().hex,
        content_type=content_type,
        headers=dict(headers or {}),
        user_id=user_id,
    )
