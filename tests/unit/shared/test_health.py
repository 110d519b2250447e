"""Health: alive while it turns, ready only when everything is, and quiet about it."""

from __future__ import annotations

import io
import json
import logging
from typing import Any
from wsgiref.util import setup_testing_defaults

import eventlet
import pytest
from eventlet.green.http import client as green_client
from prometheus_client import CollectorRegistry, Counter

from shared.errors import Unavailable
from shared.health import Health, serve


def ask(health: Health, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Answer one request without a socket: status, headers by lower-case name, body."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ.update(PATH_INFO=path, REQUEST_METHOD=method)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
        started.append((status, headers))

    body = b"".join(health.wsgi_app(environ, start_response))
    ((status, headers),) = started
    return int(status.split()[0]), {name.lower(): value for name, value in headers}, body


def readiness(health: Health) -> tuple[int, dict[str, Any]]:
    status, _, body = ask(health, "/readyz")
    return status, json.loads(body)


def test_ready_follows_the_checks_as_they_change() -> None:
    """Traffic and deployments follow this page: it turns with the state, both ways, naming what fails."""
    health = Health()
    state: dict[str, bool | str] = {"database": True, "consumers": "none consuming yet"}
    health.add_check("database", lambda: state["database"])
    health.add_check("consumers", lambda: state["consumers"])
    assert readiness(health) == (
        503,
        {
            "status": "not ready",
            "checks": [
                {"name": "database", "state": "ok"},
                {"name": "consumers", "state": "failing", "reason": "none consuming yet"},
            ],
        },
    )
    assert not health.ready()
    state["consumers"] = True
    status, body = readiness(health)
    assert (status, body["status"]) == (200, "ready")
    assert health.ready()
    state["database"] = False
    assert readiness(health)[0] == 503
    assert readiness(health)[1]["checks"][0] == {
        "name": "database",
        "state": "failing",
        "reason": "not ready",
    }


def test_a_process_that_has_registered_no_check_yet_is_not_ready() -> None:
    """The page is up before the broker is reached; traffic must not come because nobody has said no."""
    health = Health()
    assert readiness(health) == (503, {"status": "not ready", "checks": []})
    assert not health.ready()


def test_a_check_that_raises_fails_by_its_class_and_tells_no_more() -> None:
    """A broken check must not take the page down, nor put what it was looking at on it."""
    health = Health()

    def check() -> bool:
        raise ConnectionError("mongodb://alpha:s3cret@localhost")

    health.add_check("database", check)
    status, body = readiness(health)
    assert status == 503
    assert "ConnectionError" in body["checks"][0]["reason"]
    assert "s3cret" not in str(body)


def test_a_check_that_hangs_fails_after_its_patience() -> None:
    """A database that neither answers nor refuses makes the process not ready, not silent."""
    health = Health(patience=0.02)
    health.add_check("database", lambda: bool(eventlet.sleep(30)))
    status, body = readiness(health)
    assert status == 503
    assert body["checks"][0]["reason"] == "no answer within 0.02 s"


def test_the_process_is_alive_even_while_it_is_not_ready() -> None:
    """A database outage must not get the process restarted."""
    health = Health()
    health.add_check("database", lambda: False)
    assert ask(health, "/healthz")[0] == 200


def test_metrics_are_shown_in_the_exposition_format() -> None:
    """Prometheus reads the page, and it shows the registry it was given."""
    registry = CollectorRegistry()
    Counter("kefu_things_total", "Things.", registry=registry).inc(3)
    status, headers, body = ask(Health(registry), "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    assert b"kefu_things_total 3.0" in body


def test_the_metrics_of_the_process_are_shown_unless_told_otherwise() -> None:
    """Without further ado the page shows every metric declared."""
    assert b"# TYPE kefu_events_handled_total counter" in ask(Health(), "/metrics")[2]


@pytest.mark.parametrize(("path", "method", "status"), [("/", "GET", 404), ("/readyz", "POST", 405)])
def test_anything_else_is_refused(path: str, method: str, status: int) -> None:
    """Three pages to read and nothing to do."""
    found, headers, body = ask(Health(), path, method)
    assert found == status
    assert "error" in json.loads(body)
    assert headers["content-length"] == str(len(body))


def fetch(port: int, path: str) -> tuple[int, bytes]:
    connection = green_client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_the_server_answers_over_http_until_it_is_stopped_and_logs_no_access(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Probes come every few seconds for ever: they leave no line, and stopping frees the port."""
    said = io.StringIO()
    listener = logging.StreamHandler(said)
    root = logging.getLogger()
    root.addHandler(listener)
    try:
        health = Health()
        health.add_check("database", lambda: True)
        stop = serve(health, "127.0.0.1", 0)
        port = stop.port
        assert fetch(port, "/healthz")[0] == 200
        assert fetch(port, "/readyz")[0] == 200
        assert fetch(port, "/metrics")[0] == 200
        assert fetch(port, "/nothing")[0] == 404
        with pytest.raises(Unavailable, match="KEFU_HTTP_PORT"):
            serve(health, "127.0.0.1", port)
        stop()
        stop()
        with pytest.raises(OSError):
            fetch(port, "/healthz")
        serve(health, "127.0.0.1", port)()
    finally:
        root.removeHandler(listener)
    assert said.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_a_failing_page_answers_without_showing_a_trace() -> None:
    """Whoever may reach the port learns nothing about the inside."""
    health = Health()

    def broken() -> Any:
        raise RuntimeError("s3cret")

    health.results = broken  # type: ignore[method-assign]
    stop = serve(health, "127.0.0.1", 0)
    status, body = fetch(stop.port, "/readyz")
    stop()
    assert status == 500
    assert b"s3cret" not in body


def test_a_client_that_says_nothing_does_not_keep_others_waiting() -> None:
    """One half-open connection must not make the process look dead."""
    stop = serve(Health(), "127.0.0.1", 0)
    silent = eventlet.connect(("127.0.0.1", stop.port))
    assert fetch(stop.port, "/healthz")[0] == 200
    silent.close()
    stop()
