"""Runs one service as a process: waits for broker and database, starts, reports ready, stops within a deadline."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import eventlet
from eventlet.event import Event
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from nameko.containers import ServiceContainer
from nameko.extensions import DependencyProvider

from shared import metrics
from shared.clock import SystemClock
from shared.errors import KefuError, Unavailable
from shared.health import Health, serve
from shared.identity import TokenVerifier, key_source
from shared.ids import TimeOrderedIds
from shared.logging import configure_logging, get_logger
from shared.messaging.outbox import build_relay
from shared.messaging.publisher import CONNECTION_ERRORS
from shared.mongo.client import connect, ping, wait_for_database
from shared.mongo.runtime import Runtime
from shared.mongo.store import MongoTickets
from shared.regulations import RegulationError
from shared.settings import ServiceSettings, describe, load_settings
from shared.worktime import WorktimeError

log = get_logger(__name__)

_LOST: tuple[type[Exception], ...] = (*CONNECTION_ERRORS, OperationalError)

_START_PATIENCE = 120.0
#: Exit codes: a wrong configuration will not mend itself by restarting, a crash may.
EXIT_CONFIGURATION = 2
EXIT_CRASH = 1


class FromRuntime(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Injects what the composition root built: the service's application of handlers."""

    def get_dependency(self, worker_ctx: Any) -> Any:
        """Return the application."""
        del worker_ctx
        return self.container.config["application"]


def run(
    service_class: type,
    build: Callable[[Runtime], Any],
    settings_kind: type[ServiceSettings] = ServiceSettings,
) -> int:
    """Run ``service_class`` until a signal stops it; return the process's exit code.

    ``build`` makes the service's handlers from a Runtime: it loads rulebooks and ensures indexes,
    raising KefuError (or ValueError) when the configuration is wrong. SIGTERM and SIGINT stop the
    service: no new work, what runs is finished, within ``stop_timeout``; then the rest is given back
    to the broker.
    """
    name = service_class.name  # type: ignore[attr-defined]  # nameko's convention
    try:
        settings = load_settings(name, kind=settings_kind)
    except KefuError as error:
        print(f"{name}: {error.message}", file=sys.stderr)  # noqa: T201 - logging is not configured yet
        return EXIT_CONFIGURATION
    configure_logging(name, settings.log_level)
    log.info("starting", **describe(settings))
    metrics.BUILD_INFO.labels(service=name, version=_own_version()).set(1)
    health = Health()
    started = Event()
    health.add_check("started", started.ready)
    stop_http = serve(health, settings.http_host, settings.http_port)
    try:
        return _run(service_class, build, settings, health, started)
    except Unavailable as error:
        log.error("cannot start", error=error.message)  # noqa: TRY400 - the message says it all
        return EXIT_CRASH
    except (KefuError, ValueError, RegulationError, WorktimeError) as error:
        log.error("configuration refused", error=str(error))  # noqa: TRY400 - the message says it all
        return EXIT_CONFIGURATION
    finally:
        stop_http()


def _run(
    service_class: type,
    build: Callable[[Runtime], Any],
    settings: ServiceSettings,
    health: Health,
    started: Event,
) -> int:
    runtime = _runtime(settings, health)
    _wait_for_broker(settings.broker_url)
    wait_for_database(runtime.database, _START_PATIENCE)
    runtime.tickets.ensure_indexes()
    config = _nameko_config(settings) | {
        "settings": settings,
        "health": health,
        "relay": runtime.relay,
        "verifier": TokenVerifier(key_source(file=settings.jwks_file, url=settings.jwks_url), runtime.clock),
        "application": build(runtime),
    }
    container = ServiceContainer(service_class, config=config)
    _watch_pool(container, settings)
    _stop_on_signals(container, settings.stop_timeout)
    container.start()
    started.send(None)
    log.info("started")
    try:
        container.wait()
    except Exception:
        log.exception("service died")
        return EXIT_CRASH
    log.info("stopped")
    return 0


def _own_version() -> str:
    try:
        return version("kefu")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unreleased"


def _runtime(settings: ServiceSettings, health: Health) -> Runtime:
    clock = SystemClock()
    database = connect(settings.mongo_url, settings.mongo_database, max_pool_size=2 * settings.worker_pool)
    tickets = MongoTickets(database)
    health.add_check("database", lambda: ping(database))
    return Runtime(
        settings, clock, TimeOrderedIds(), database, tickets, build_relay(settings, tickets, clock)
    )


def _nameko_config(settings: ServiceSettings) -> dict[str, Any]:
    return {
        "AMQP_URI": settings.broker_url,
        "HEARTBEAT": 20,
        "max_workers": settings.worker_pool,
        "serializer": "json",
        "ACCEPT": ["json"],
    }


def _wait_for_broker(url: str) -> None:
    deadline = time.monotonic() + _START_PATIENCE
    while True:
        try:
            with Connection(url, connect_timeout=5) as connection:
                connection.connect()
                return
        except _LOST as error:
            if time.monotonic() > deadline:
                message = (
                    f"the broker does not answer after {_START_PATIENCE:g} s ({type(error).__name__}): "
                    "check KEFU_BROKER_URL, the user's password, and that it is running"
                )
                raise Unavailable(message) from error
            eventlet.sleep(0.5)


def _watch_pool(container: ServiceContainer, settings: ServiceSettings) -> None:
    metrics.WORKER_POOL_SIZE.set(settings.worker_pool)
    metrics.WORKER_POOL_BUSY.set_function(lambda: float(len(container._worker_threads)))  # noqa: SLF001 - nameko shows it nowhere else


def _stop_on_signals(container: ServiceContainer, seconds: float) -> None:
    def stop() -> None:
        log.info("stopping", within_seconds=seconds)
        stopped = False
        with eventlet.Timeout(seconds, False):
            container.stop()
            stopped = True
        if not stopped:
            log.warning("not stopped in time; giving unfinished work back to the broker")
            container.kill()

    def handle(_signal: int, _frame: object) -> None:
        # The handler runs in whatever greenlet is current; stopping must not block that one.
        eventlet.spawn_n(stop)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
