"""Every metric of the shared mechanisms, declared once with its kind, unit, labels and meaning.

A service declares its own in the same way, in its ``metrics.py``: ``counter(Metric(...))`` and so on. One
process is one replica: there is one registry and no service name in a metric's name. The label values of a
metric are few and known in advance; ids and personal data are refused as labels, organisations but on gauges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.identity.masking import is_personal_key

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["counter", "gauge", "histogram"]

#: Seconds of one call: the edges Prometheus and OpenTelemetry both use.
CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
#: Seconds of something quick, such as one database command or one confirmation.
QUICK_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
#: Seconds something has waited: from the target of half a second to an hour behind.
AGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
#: How many were taken together.
SIZE_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

_NAME = re.compile(r"kefu(?:_[a-z][a-z0-9]*)+")
_LABEL = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_RESERVED_ENDINGS = ("_sum", "_count", "_bucket", "_created")
_UNITS = ("seconds", "bytes", "ratio")
#: Labels whose values grow with use: every new value is a new time series for ever. An ``organisation`` is no such
#: label: each is a file that is there at the start, and only gauges of what there is now are apart by it.
_UNBOUNDED = frozenset({"id", "ids", "org", "subject", "caller", "key", "number", "time", "date"})


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's declaration: full name, kind, label names, one-sentence meaning, histogram buckets."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of a value, read from the name as the conventions want: seconds, bytes, ratio, count."""
        stem = self.name.removesuffix("_total")
        return next((unit for unit in _UNITS if stem.endswith(f"_{unit}")), "count")


class MetricMisdeclared(ValueError):
    """A declaration breaks the naming conventions or contradicts an earlier one of the same name."""


#: The registry that /metrics shows.
REGISTRY = CollectorRegistry(auto_describe=True)
#: Every metric declared in this process, mechanisms first, in order of declaration.
METRICS: list[Metric] = []

_objects: dict[str, Counter | Gauge | Histogram] = {}
_lock = Lock()

# A creation-time series beside every counter and bucket doubles what is scraped and nothing here reads it.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
prometheus_client.ProcessCollector(registry=REGISTRY)
prometheus_client.PlatformCollector(registry=REGISTRY)


def problems_of(metric: Metric) -> list[str]:
    """Return in plain words what is wrong with a declaration; empty if nothing is."""
    found = []
    if not _NAME.fullmatch(metric.name):
        found.append("the name must be snake case and begin with kefu_")
    if metric.name.endswith(_RESERVED_ENDINGS):
        found.append(f"a name may not end in any of {', '.join(_RESERVED_ENDINGS)}")
    if (metric.kind == "counter") != metric.name.endswith("_total"):
        found.append("the name of a counter, and of nothing else, ends in _total")
    if (metric.kind == "histogram") != bool(metric.buckets):
        found.append("a histogram, and nothing else, has buckets")
    if list(metric.buckets) != sorted(set(metric.buckets)):
        found.append("buckets must ascend")
    if re.search(r"_(?:ms|milliseconds|minutes|hours|kb|percent)(?:_|$)", metric.name):
        found.append("values are in base units: seconds, bytes, ratio")
    if not metric.meaning.endswith("."):
        found.append("the meaning must be a sentence")
    for label in metric.labels:
        found.extend(_problems_of_label(label))
    if "organisation" in metric.labels and metric.kind != "gauge":
        found.append("only a gauge may be apart by organisation")
    return found


def _problems_of_label(label: str) -> list[str]:
    found = []
    if not _LABEL.fullmatch(label) or label in ("le", "quantile", "job", "instance"):
        found.append(f"the label {label!r} must be snake case and not one Prometheus itself gives")
    if is_personal_key(label):
        found.append(f"the label {label!r} would hold personal data")
    if _UNBOUNDED.intersection(label.split("_")):
        found.append(f"the label {label!r} has no small, known set of values")
    return found


M = TypeVar("M", Counter, Gauge, Histogram)


def counter(metric: Metric) -> Counter:
    """Declare ``metric`` and return its counter; the same declaration again returns the same counter."""
    return _declared(metric, Counter)


def gauge(metric: Metric) -> Gauge:
    """Declare ``metric`` and return its gauge; the same declaration again returns the same gauge."""
    return _declared(metric, Gauge)


def histogram(metric: Metric) -> Histogram:
    """Declare ``metric`` and return its histogram; the same declaration again returns the same histogram."""
    return _declared(metric, Histogram)


def declare(metric: Metric) -> Counter | Gauge | Histogram:
    """Declare ``metric`` and return the object of its kind.

    Raises ``MetricMisdeclared`` if the declaration breaks a convention, or differs from an earlier one of the
    same name.
    """
    with _lock:
        earlier = next((known for known in METRICS if known.name == metric.name), None)
        if earlier is not None:
            if earlier != metric:
                raise MetricMisdeclared(f"the metric {metric.name} is already declared differently")
            return _objects[metric.name]
        problems = problems_of(metric)
        if problems:
            raise MetricMisdeclared(f"the metric {metric.name} is declared wrongly: {'; '.join(problems)}")
        made = _make(metric)
        METRICS.append(metric)
        _objects[metric.name] = made
        return made


def preset(metric: Counter | Histogram | Gauge, *combinations: Mapping[str, str]) -> None:
    """Make the series of ``combinations`` exist at zero, so that a first event is seen as a rise."""
    for labels in combinations:
        metric.labels(**labels)


def _declared(metric: Metric, kind: type[M]) -> M:
    made = declare(metric)
    if not isinstance(made, kind):
        raise MetricMisdeclared(f"the metric {metric.name} is a {metric.kind}")
    return made


def _make(metric: Metric) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(metric.name, metric.meaning, metric.labels, registry=REGISTRY)
    if metric.kind == "gauge":
        return Gauge(metric.name, metric.meaning, metric.labels, registry=REGISTRY)
    return Histogram(metric.name, metric.meaning, metric.labels, registry=REGISTRY, buckets=metric.buckets)


def _counter(name: str, labels: tuple[str, ...], meaning: str) -> Counter:
    return counter(Metric(name, "counter", labels, meaning))


def _gauge(name: str, labels: tuple[str, ...], meaning: str) -> Gauge:
    return gauge(Metric(name, "gauge", labels, meaning))


def _histogram(name: str, labels: tuple[str, ...], meaning: str, buckets: tuple[float, ...]) -> Histogram:
    return histogram(Metric(name, "histogram", labels, meaning, buckets))


# --- questions and commands ---------------------------------------------------------------------------------

RPC_REQUESTS = _counter(
    "kefu_rpc_requests_total",
    ("method", "outcome"),
    "Calls answered by this process; outcome is 'ok' or the code of the error.",
)
RPC_DURATION = _histogram(
    "kefu_rpc_duration_seconds", ("method",), "Time from receiving a call to its answer.", CALL_BUCKETS
)
RPC_CLIENT_REQUESTS = _counter(
    "kefu_rpc_client_requests_total",
    ("method", "outcome"),
    "Calls made by this process that ended; outcome is 'ok' or the code of the error.",
)
RPC_CLIENT_DURATION = _histogram(
    "kefu_rpc_client_duration_seconds",
    ("method",),
    "Time from making a call to its answer or deadline.",
    CALL_BUCKETS,
)

# --- events -------------------------------------------------------------------------------------------------

EVENTS_HANDLED = _counter(
    "kefu_events_handled_total",
    ("source", "outcome"),
    "Events settled; outcome is done, duplicate (already applied), retry (delayed) or dead (given up).",
)
EVENT_BATCH_SIZE = _histogram(
    "kefu_event_batch_size", ("source",), "Events taken from the queue together.", SIZE_BUCKETS
)
EVENT_HANDLE_SECONDS = _histogram(
    "kefu_event_handle_seconds", ("source",), "Time one batch of events took to handle.", CALL_BUCKETS
)
EVENT_AGE_SECONDS = _histogram(
    "kefu_event_age_seconds", ("source",), "Time from an event's happening to its being handled.", AGE_BUCKETS
)
EVENT_HOLDS = _counter(
    "kefu_event_holds_total",
    ("source",),
    "Times handling stopped and waited because the database or the broker was away.",
)

# --- outbox -------------------------------------------------------------------------------------------------

OUTBOX_PUBLISHED = _counter(
    "kefu_outbox_published_total", ("event",), "Events published from the outbox and confirmed by the broker."
)
OUTBOX_RETURNED = _counter(
    "kefu_outbox_returned_total", ("event",), "Events the broker returned because no queue takes them."
)
OUTBOX_OPEN_TICKETS = _gauge(
    "kefu_outbox_open_tickets", (), "Outbox tickets whose events are not yet confirmed."
)
OUTBOX_OLDEST_TICKET_SECONDS = _gauge(
    "kefu_outbox_oldest_ticket_seconds", (), "Age of the oldest open outbox ticket, 0 if there is none."
)
OUTBOX_RECOVERED = _counter(
    "kefu_outbox_recovered_total", (), "Outbox tickets of a stopped process that this one finished."
)
PUBLISH_CONFIRM_SECONDS = _histogram(
    "kefu_publish_confirm_seconds",
    (),
    "Time from publishing a batch to the broker's last confirmation of it.",
    QUICK_BUCKETS,
)

# --- clocks, database, process ------------------------------------------------------------------------------

CLOCKS_FIRED = _counter(
    "kefu_clocks_fired_total", ("clock", "kind"), "Deadlines fired; kind is the warning point or the breach."
)
CLOCK_LATENESS_SECONDS = _histogram(
    "kefu_clock_lateness_seconds", (), "Time from a deadline's due moment to its firing.", AGE_BUCKETS
)
CLOCKS_RECOMPUTED = _counter(
    "kefu_clocks_recomputed_total", (), "Open clocks computed again with a newer calendar."
)
MONGO_COMMAND_SECONDS = _histogram(
    "kefu_mongo_command_seconds",
    ("command", "outcome"),
    "Time one database command took; outcome is ok or failed.",
    QUICK_BUCKETS,
)
WORKER_POOL_SIZE = _gauge("kefu_worker_pool_size", (), "Workers this process may run at once.")
WORKER_POOL_BUSY = _gauge("kefu_worker_pool_busy", (), "Workers running now.")
BUILD_INFO = _gauge("kefu_build_info", ("service", "version"), "Always 1; says what is running.")
