"""Metrics of the reporting service."""

from __future__ import annotations

from shared.metrics import Metric, counter

EVENTS_ARCHIVED = counter(
    Metric(
        "kefu_events_archived_total",
        "counter",
        ("source",),
        "Events added to the archive, by the service that published them; repetitions are not counted.",
    )
)
FACTS_REBUILT = counter(
    Metric(
        "kefu_facts_rebuilt_total",
        "counter",
        ("kind",),
        "Facts written from archived events; kind is case, contact or rejection.",
    )
)
REPORTS_PUBLISHED = counter(
    Metric("kefu_reports_published_total", "counter", ("kind",), "Reports published, by kind.")
)
UNCOUNTED = counter(
    Metric(
        "kefu_matters_uncounted_total",
        "counter",
        ("kind",),
        "Times that what is archived of a matter could not be read for the figures, by the kind of matter.",
    )
)
