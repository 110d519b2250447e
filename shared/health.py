"""The three pages by which a process is watched: /healthz, /readyz and /metrics.

/healthz answers 200 while the process lives and its event loop turns: a loop that is stuck answers nothing.
/readyz answers 200 only if every check passes, else 503, and names each check and its state in JSON; a
process that has not registered a single check is still starting and not ready.
/metrics is the Prometheus exposition.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eventlet
import eventlet.wsgi
from prometheus_client import CollectorRegistry, make_wsgi_app

from shared.errors import Unavailable
from shared.metrics import REGISTRY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Returns True if all is well; False or the reason in plain words if not. Raising counts as not well.
Check = Callable[[], "bool | str"]

_JSON = "application/json; charset=utf-8"
_LARGEST_POOL = 32


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found: its name, whether it passes, and the reason if it does not."""

    name: str
    passes: bool
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape ``{"name": …, "state": "ok" | "failing", "reason": …}``."""
        shape = {"name": self.name, "state": "ok" if self.passes else "failing"}
        return shape if self.passes else {**shape, "reason": self.reason}


class Health:
    """The checks of one process and the pages that show them."""

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, patience: float = 2.0) -> None:
        """``patience`` is how many seconds one check may take before it counts as failing."""
        self._checks: dict[str, Check] = {}
        self._patience = patience
        self._metrics: WSGIApplication = make_wsgi_app(registry)

    def add_check(self, name: str, check: Check) -> None:
        """Make ``check`` a condition of being ready; a second check of the same name replaces the first."""
        self._checks[name] = check

    def results(self) -> list[CheckResult]:
        """Run every check and return what each found, in the order they were added; never raises."""
        return [self._run(name, check) for name, check in list(self._checks.items())]

    def ready(self) -> bool:
        """Tell whether there are checks and every one passes now."""
        return _all_pass(self.results())

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request for one of the three pages; anything else is 404, any other method 405."""
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return _answer(start_response, "405 Method Not Allowed", {"error": "only GET and HEAD"})
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            return self._metrics(environ, start_response)
        if path == "/healthz":
            return _answer(start_response, "200 OK", {"status": "alive"})
        if path == "/readyz":
            return self._readyz(start_response)
        pages = ["/healthz", "/readyz", "/metrics"]
        return _answer(start_response, "404 Not Found", {"error": "no such page", "pages": pages})

    def _readyz(self, start_response: StartResponse) -> Iterable[bytes]:
        results = self.results()
        ready = _all_pass(results)
        checks = [result.as_dict() for result in results]
        body = {"status": "ready" if ready else "not ready", "checks": checks}
        return _answer(start_response, "200 OK" if ready else "503 Service Unavailable", body)

    def _run(self, name: str, check: Check) -> CheckResult:
        timeout = eventlet.Timeout(self._patience)
        try:
            found = check()
        except eventlet.Timeout as late:
            if late is not timeout:
                return CheckResult(name, passes=False, reason="timed out")
            return CheckResult(name, passes=False, reason=f"no answer within {self._patience:g} s")
        except Exception as error:  # noqa: BLE001 - whatever a check raises, the page must still answer
            # The class only: a message may quote what the check was looking at.
            return CheckResult(name, passes=False, reason=f"the check failed with {type(error).__name__}")
        finally:
            timeout.cancel()
        if found is True:
            return CheckResult(name, passes=True)
        reason = found if isinstance(found, str) and found else "not ready"
        return CheckResult(name, passes=False, reason=reason)


class Server:
    """A running health server; calling it stops it. ``port`` is where it listens."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """Listen on ``host``:``port`` (0 picks a free port) and start answering; see ``serve``."""
        try:
            self._socket = eventlet.listen((host, port))
        except OSError as error:
            why = error.strerror or type(error).__name__
            message = f"cannot listen on {host}:{port} for health and metrics ({why}); set KEFU_HTTP_PORT"
            raise Unavailable(message) from error
        self.port: int = self._socket.getsockname()[1]
        self._thread = eventlet.spawn(
            eventlet.wsgi.server,
            self._socket,
            health.wsgi_app,
            log=_silent_log(),
            log_output=False,
            max_size=_LARGEST_POOL,
            keepalive=False,
            socket_timeout=10,
            debug=False,
        )

    def __call__(self) -> None:
        """Stop answering and free the port; requests under way are finished. Stopping twice is harmless."""
        self._thread.kill()
        self._socket.close()


def serve(health: Health, host: str, port: int) -> Server:
    """Serve ``health`` in a green thread and return the function that stops it (``.port`` says where).

    The process must be monkey-patched, or at least run its loop. Raises ``Unavailable`` if the port is taken.
    """
    return Server(health, host, port)


def _all_pass(results: list[CheckResult]) -> bool:
    # The server runs before the parts of the process do: no checks yet means nothing works yet.
    return bool(results) and all(result.passes for result in results)


def _answer(start_response: StartResponse, status: str, body: dict[str, Any]) -> Iterable[bytes]:
    content = json.dumps(body, ensure_ascii=False).encode() + b"\n"
    headers = [("Content-Type", _JSON), ("Content-Length", str(len(content))), ("Cache-Control", "no-store")]
    start_response(status, headers)
    return [content]


def _silent_log() -> logging.Logger:
    """Return the logger for the server's own remarks: only its errors are worth a line."""
    log = logging.getLogger("kefu.health.server")
    log.setLevel(logging.ERROR)
    return log
