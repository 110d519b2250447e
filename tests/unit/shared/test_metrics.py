"""Metrics: every one declared once, named by the conventions, with few and harmless labels."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shared import metrics
from shared.identity.masking import is_personal_key
from shared.metrics import METRICS, REGISTRY, Metric, MetricMisdeclared, counter, declare, gauge, histogram

PROMISED = {
    "kefu_rpc_requests_total": {"method", "outcome"},
    "kefu_rpc_duration_seconds": {"method"},
    "kefu_rpc_client_requests_total": {"method", "outcome"},
    "kefu_rpc_client_duration_seconds": {"method"},
    "kefu_events_handled_total": {"source", "outcome"},
    "kefu_event_batch_size": {"source"},
    "kefu_event_handle_seconds": {"source"},
    "kefu_event_age_seconds": {"source"},
    "kefu_event_holds_total": {"source"},
    "kefu_outbox_published_total": {"event"},
    "kefu_outbox_returned_total": {"event"},
    "kefu_outbox_open_tickets": set(),
    "kefu_outbox_oldest_ticket_seconds": set(),
    "kefu_outbox_recovered_total": set(),
    "kefu_publish_confirm_seconds": set(),
    "kefu_clocks_fired_total": {"clock", "kind"},
    "kefu_clock_lateness_seconds": set(),
    "kefu_mongo_command_seconds": {"command", "outcome"},
    "kefu_worker_pool_size": set(),
    "kefu_worker_pool_busy": set(),
    "kefu_build_info": {"service", "version"},
}


def unique_name(ending: str = "") -> str:
    """A name no other test has declared."""
    return f"kefu_test_x{uuid4().hex}{ending}"


def test_the_metrics_dashboards_and_alerts_rely_on_are_there() -> None:
    """A metric renamed or relabelled here would blind a dashboard without any error."""
    declared = {metric.name: set(metric.labels) for metric in METRICS}
    assert {name: declared.get(name) for name in PROMISED} == PROMISED


def test_every_declaration_follows_the_naming_conventions() -> None:
    """Prefix, base units, _total on counters only, buckets on histograms only, a meaning, each once."""
    for metric in METRICS:
        assert metrics.problems_of(metric) == [], metric.name
        assert metric.meaning[0].isupper()
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))


def test_no_label_is_personal_or_grows_with_use() -> None:
    """Label values are stored for ever and shown to everyone who may see a dashboard."""
    for metric in METRICS:
        for label in metric.labels:
            assert not is_personal_key(label)
            assert label not in {"org", "id", "subject", "trace_id", "correlation_id"}


def test_every_object_to_use_is_a_declared_metric_of_that_kind_and_those_labels() -> None:
    """What the code counts with is what the declarations say, and what /metrics shows."""
    objects = {
        thing._name: thing
        for thing in vars(metrics).values()
        if isinstance(thing, Counter | Gauge | Histogram)
    }
    kinds: dict[str, type] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
    shown = {
        family.name: family for family in text_string_to_metric_families(generate_latest(REGISTRY).decode())
    }
    for name in PROMISED:
        declaration = next(metric for metric in METRICS if metric.name == name)
        stem = name.removesuffix("_total")
        assert type(objects[stem]) is kinds[declaration.kind]
        assert objects[stem]._labelnames == declaration.labels
        assert shown[stem].type == declaration.kind
        assert shown[stem].documentation == declaration.meaning


def test_the_unit_is_read_from_the_name() -> None:
    """A catalogue of metrics names the unit of each."""
    units = {metric.name: metric.unit for metric in METRICS}
    assert units["kefu_rpc_duration_seconds"] == "seconds"
    assert units["kefu_rpc_requests_total"] == "count"
    assert Metric("kefu_sent_bytes_total", "counter", (), "x.").unit == "bytes"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": "test_requests_total"}, "begin with kefu_"),
        ({"name": "kefu_Requests_total"}, "snake case"),
        ({"name": "kefu_requests"}, "_total"),
        ({"kind": "gauge"}, "_total"),
        ({"kind": "histogram", "name": "kefu_wait_seconds"}, "buckets"),
        ({"buckets": (1.0,)}, "buckets"),
        ({"kind": "histogram", "name": "kefu_wait_seconds", "buckets": (2.0, 1.0)}, "ascend"),
        ({"kind": "gauge", "name": "kefu_wait_ms"}, "base units"),
        ({"kind": "gauge", "name": "kefu_requests_count"}, "may not end"),
        ({"meaning": ""}, "sentence"),
        ({"labels": ("phone",)}, "personal"),
        ({"labels": ("caller_name",)}, "personal"),
        ({"labels": ("org",)}, "no small, known set"),
        ({"labels": ("message_id",)}, "no small, known set"),
        ({"labels": ("le",)}, "Prometheus itself"),
        ({"labels": ("Outcome",)}, "snake case"),
    ],
)
def test_a_declaration_that_breaks_a_convention_is_refused(changed: dict[str, Any], reason: str) -> None:
    """A service that declares a bad metric does not start, so none reaches a dashboard."""
    good: dict[str, Any] = {
        "name": "kefu_things_total",
        "kind": "counter",
        "labels": ("outcome",),
        "meaning": "Things done.",
    }
    assert metrics.problems_of(Metric(**good)) == []
    with pytest.raises(MetricMisdeclared, match=reason):
        declare(Metric(**{**good, **changed}))


def test_a_service_declares_its_own_metrics_and_uses_them() -> None:
    """What a service declares is listed with the rest and shown on /metrics."""
    waits = Metric(unique_name("_seconds"), "histogram", ("step",), "Time a step waited.", (1.0, 2.0))
    histogram(waits).labels(step="first").observe(1.5)
    assert waits in METRICS
    assert REGISTRY.get_sample_value(f"{waits.name}_bucket", {"step": "first", "le": "2.0"}) == 1.0
    level = gauge(Metric(unique_name(), "gauge", (), "How many there are."))
    level.set(3)
    assert REGISTRY.get_sample_value(level._name) == 3.0


def test_the_same_declaration_twice_is_one_metric_and_a_different_one_is_refused() -> None:
    """Two modules may share a metric, but not a name for two things."""
    name = unique_name("_total")
    first = counter(Metric(name, "counter", ("kind",), "Things."))
    assert counter(Metric(name, "counter", ("kind",), "Things.")) is first
    with pytest.raises(MetricMisdeclared, match="declared differently"):
        counter(Metric(name, "counter", ("outcome",), "Things."))
    with pytest.raises(MetricMisdeclared, match="is a counter"):
        gauge(Metric(name, "counter", ("kind",), "Things."))


def test_series_that_are_known_can_be_shown_at_zero() -> None:
    """An alert on a rise misses the first event of a series that did not exist before."""
    made = counter(Metric(unique_name("_total"), "counter", ("outcome",), "Things."))
    metrics.preset(made, {"outcome": "done"}, {"outcome": "dead"})
    assert REGISTRY.get_sample_value(f"{made._name}_total", {"outcome": "dead"}) == 0.0


def test_the_process_is_measured_too() -> None:
    """Memory and processor time of each service are on the same page."""
    assert (REGISTRY.get_sample_value("process_resident_memory_bytes") or 0) > 1_000_000
    assert b"_created" not in generate_latest(REGISTRY)
