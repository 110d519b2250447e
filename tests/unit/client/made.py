"""Events of a publishing system, made with the client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kefu_publisher import ContactReceived, Customer, Event

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PERSON = Customer("person", "测试甲", phone="13800000001")


def contact(**changes: Any) -> ContactReceived:
    """Return a valid enquiry with ``changes``."""
    values: dict[str, Any] = {
        "channel": "phone",
        "category": "enquiry",
        "received_at": NOW - timedelta(hours=1),
        "customer": PERSON,
        "text": "请问营业时间？",
    }
    return ContactReceived(**(values | changes))


def event(**changes: Any) -> Event:
    """Return a valid event with ``changes``."""
    values: dict[str, Any] = {"id": "hl-1", "source": "/hotline", "org": "plaza-demo", "data": contact()}
    return Event(**(values | changes))
