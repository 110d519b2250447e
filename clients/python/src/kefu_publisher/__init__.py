"""Publishes customer contacts to Kefu: typed events, and a publisher that sends each of them once in effect."""

from __future__ import annotations

from kefu_publisher.errors import InvalidEvent, KefuPublisherError, NotRouted, Problem, Refused, Unreachable
from kefu_publisher.events import (
    CONTACT_RECEIVED,
    CONTENT_TYPE,
    Complaint,
    ContactReceived,
    Customer,
    Event,
    event_id,
)
from kefu_publisher.publisher import Publisher, Retry

__all__ = [
    "CONTACT_RECEIVED",
    "CONTENT_TYPE",
    "Complaint",
    "ContactReceived",
    "Customer",
    "Event",
    "InvalidEvent",
    "KefuPublisherError",
    "NotRouted",
    "Problem",
    "Publisher",
    "Refused",
    "Retry",
    "Unreachable",
    "event_id",
]
