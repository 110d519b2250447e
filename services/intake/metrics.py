"""Metrics of the intake service."""

from __future__ import annotations

from shared.metrics import Metric, counter

CONTACTS_REGISTERED = counter(
    Metric(
        "kefu_contacts_registered_total",
        "counter",
        ("category", "channel"),
        "Contacts registered under a number, by category and channel.",
    )
)
EVENTS_REJECTED = counter(
    Metric(
        "kefu_external_events_rejected_total",
        "counter",
        ("publisher",),
        "External events kept as rejected, by the publisher that sent them.",
    )
)
EVENTS_THROTTLED = counter(
    Metric(
        "kefu_external_events_throttled_total",
        "counter",
        ("publisher",),
        "External events beyond the hour's limit of rejected ones, counted and not kept, by publisher.",
    )
)
