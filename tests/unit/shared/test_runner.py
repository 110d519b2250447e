from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Self
from unittest.mock import Mock

import eventlet
import pytest
from amqp.exceptions import AccessRefused

from shared import metrics, runner
from shared.clock import SystemClock
from shared.errors import Unavailable, ValidationFailed
from shared.health import Health
from shared.mongo.runtime import Runtime
from shared.runner import EXIT_CONFIGURATION, EXIT_CRASH, FromRuntime, run
from shared.settings import SettingsInvalid
from tests.unit.shared.messaging.stage import service_settings


class Service:
    name = "desk"


class Process:
    """Everything around a service, played: broker, database, container, pages and signals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.journal: list[str] = []
        self.health: Health | None = None
        self.config: dict[str, Any] = {}
        self.handlers: dict[int, Callable[[int, object], None]] = {}
        self.broker_refuses: list[Exception] = []
        self.on_start: Callable[[], object] = lambda: None
        self.on_wait: Callable[[], object] = lambda: None
        self.on_stop: Callable[[], object] = lambda: None
        self.now = 0.0
        self.settings = service_settings(worker_pool=3, stop_timeout=0.01)
        played: dict[str, Any] = {
            "load_settings": lambda _name, **_kind: self.settings,
            "configure_logging": lambda name, level: self.journal.append(f"logging as {name} at {level}"),
            "serve": self._serve,
            "connect": lambda _url, name, **options: self._note(f"database {name} {options}"),
            "wait_for_database": lambda _database, _seconds: self._note("database is there"),
            "MongoTickets": lambda _database: SimpleNamespace(ensure_indexes=lambda: self._note("indexes")),
            "build_relay": lambda *_: "relay",
            "TokenVerifier": lambda _keys, _clock: "verifier",
            "key_source": lambda **_: "keys",
            "ping": lambda _database: True,
            "Connection": lambda _url, **_: self,
            "ServiceContainer": self._container,
            "signal": SimpleNamespace(
                SIGTERM=signal.SIGTERM, SIGINT=signal.SIGINT, signal=self.handlers.__setitem__
            ),
            "time": SimpleNamespace(monotonic=lambda: self.now),
        }
        for name, player in played.items():
            monkeypatch.setattr(runner, name, player)
        monkeypatch.setattr(eventlet, "sleep", self._sleep)
        self._worker_threads = {1: "a", 2: "b"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def connect(self) -> None:
        if self.broker_refuses:
            raise self.broker_refuses.pop(0)
        self._note("broker is there")

    def start(self) -> None:
        self.on_start()
        self._note("started")

    def wait(self) -> None:
        self.on_wait()

    def stop(self) -> None:
        self._note("stopping")
        self.on_stop()
        self._note("stopped")

    def kill(self) -> None:
        self._note("killed")

    def ready(self) -> bool:
        assert self.health is not None
        return self.health.ready()

    def _serve(self, health: Health, _host: str, _port: int) -> Callable[[], None]:
        self.health = health
        self._note("pages up")
        return lambda: self._note("pages down")

    def _container(self, service: type, config: dict[str, Any]) -> Process:
        assert service is Service
        self.config = config
        return self

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _note(self, what: str) -> None:
        self.journal.append(what)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    """A process in which nothing is real."""
    return Process(monkeypatch)


@pytest.fixture(autouse=True)
def _metrics_as_before() -> Iterator[None]:
    """The pool's gauge must not keep a played container."""
    yield
    metrics.WORKER_POOL_BUSY.set_function(lambda: 0.0)


def test_a_service_starts_only_when_broker_and_database_are_there_and_stops_in_good_order(
    process: Process,
) -> None:
    """The pages answer from the first moment to the last."""
    assert run(Service, lambda _runtime: "application") == 0
    assert process.journal == [
        "logging as desk at INFO",
        "pages up",
        "database desk {'max_pool_size': 6}",
        "broker is there",
        "database is there",
        "indexes",
        "started",
        "pages down",
    ]


def test_it_is_ready_only_after_everything_has_started(process: Process) -> None:
    """A load balancer that came earlier would find nobody at home."""
    seen: list[bool] = []

    def build(_runtime: Runtime) -> str:
        seen.append(process.ready())
        return "application"

    process.on_start = lambda: seen.append(process.ready())
    process.on_wait = lambda: seen.append(process.ready())
    assert run(Service, build) == 0
    assert seen == [False, False, True]


def test_entry_points_find_what_the_service_was_built_with(process: Process) -> None:
    """Settings, health, relay, verifier and the application of handlers."""
    built: list[Runtime] = []

    def build(runtime: Runtime) -> str:
        built.append(runtime)
        return "application"

    run(Service, build)
    (runtime,) = built
    assert [runtime.settings, runtime.relay] == [process.settings, "relay"]
    assert isinstance(runtime.clock, SystemClock)
    config = process.config
    assert (config["settings"], config["relay"], config["verifier"]) == (
        process.settings,
        "relay",
        "verifier",
    )
    assert (config["application"], config["health"]) == ("application", process.health)
    assert (config["max_workers"], config["serializer"], config["ACCEPT"]) == (3, "json", ["json"])
    assert config["HEARTBEAT"] == 20
    provider: Any = FromRuntime()
    provider.container = SimpleNamespace(config=config)
    assert provider.get_dependency(None) == "application"


def test_a_wrong_environment_is_told_in_plain_words_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Restarting does not mend it, so the exit code says so; nothing was opened."""
    monkeypatch.setattr(
        runner, "load_settings", Mock(side_effect=SettingsInvalid("KEFU_BROKER_URL: missing"))
    )
    monkeypatch.setattr(runner, "serve", Mock(side_effect=AssertionError("nothing is served")))
    assert run(Service, Mock()) == EXIT_CONFIGURATION
    assert capsys.readouterr().err == "desk: KEFU_BROKER_URL: missing\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValidationFailed("standard.yaml: clocks.0.amount: must be at least 1"), EXIT_CONFIGURATION),
        (ValueError("no organisation"), EXIT_CONFIGURATION),
        (Unavailable("the database is away"), EXIT_CRASH),
    ],
    ids=lambda value: str(value)[:10],
)
def test_what_fails_while_building_decides_whether_a_restart_may_help(
    error: Exception, code: int, process: Process
) -> None:
    """A bad rulebook stays bad; a database that was away may be back."""
    assert run(Service, Mock(side_effect=error)) == code
    assert "started" not in process.journal
    assert process.journal[-1] == "pages down"


def test_a_broker_that_starts_later_is_waited_for(process: Process) -> None:
    """All start together and in any order."""
    process.broker_refuses = [ConnectionRefusedError(), OSError(), AccessRefused("not yet")]
    assert run(Service, lambda _: "application") == 0
    assert process.now == pytest.approx(1.5)


def test_a_broker_that_does_not_come_ends_the_start_with_advice(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    """Address, password, or not running; the password itself is not shown."""
    process.broker_refuses = [ConnectionRefusedError() for _ in range(1_000)]
    assert run(Service, lambda _: "application") == EXIT_CRASH
    assert process.now == pytest.approx(120.5, abs=0.6)
    assert "check KEFU_BROKER_URL" in caplog.text
    assert "secret" not in caplog.text
    assert process.journal[-1] == "pages down"


def test_a_service_that_dies_exits_as_a_crash(process: Process) -> None:
    """Whoever watches the process starts it again."""
    process.on_wait = Mock(side_effect=RuntimeError("a worker's thread died"))
    assert run(Service, lambda _: "application") == EXIT_CRASH
    assert process.journal[-1] == "pages down"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_service_once_what_runs_is_finished(number: int, process: Process) -> None:
    """The handler itself does not block: it may run in any green thread."""

    def send() -> None:
        process.handlers[number](number, None)
        assert "stopping" not in process.journal
        _let_others_run()

    process.on_wait = send
    assert run(Service, lambda _: "application") == 0
    assert process.journal[-3:] == ["stopping", "stopped", "pages down"]


def test_what_does_not_finish_in_time_is_given_back(process: Process) -> None:
    """The broker hands it to another replica; the process ends before it would be shot."""
    process.on_stop = lambda: eventlet.event.Event().wait()

    def send() -> None:
        process.handlers[signal.SIGTERM](signal.SIGTERM, None)
        with eventlet.Timeout(30):
            while "killed" not in process.journal:
                _let_others_run()

    process.on_wait = send
    assert run(Service, lambda _: "application") == 0
    assert process.journal[-3:] == ["stopping", "killed", "pages down"]


def _let_others_run() -> None:
    """Give the hub a turn; sleeping itself is played here."""
    hub = eventlet.hubs.get_hub()
    hub.schedule_call_global(0, eventlet.getcurrent().switch)
    hub.switch()


def test_what_is_running_shows_in_the_metrics(process: Process) -> None:
    """After an upgrade an operator sees which processes are still the old ones."""
    run(Service, lambda _runtime: "application")
    samples = [sample for metric in metrics.BUILD_INFO.collect() for sample in metric.samples]
    (sample,) = [sample for sample in samples if sample.labels["service"] == "desk"]
    assert sample.value == 1
    assert re.match(r"\d+\.\d+|unreleased", sample.labels["version"])


def test_how_busy_the_pool_is_shows_in_the_metrics(process: Process) -> None:
    """A full pool is the first thing to look for when calls are slow."""
    seen: list[float | None] = []
    process.on_wait = lambda: seen.extend(
        metrics.REGISTRY.get_sample_value(f"kefu_worker_pool_{name}") for name in ("size", "busy")
    )
    run(Service, lambda _: "application")
    assert seen == [3.0, 2.0]
