"""One of the four services as a child process."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Mapping
from pathlib import Path

from kefu.local.children import Child, tail
from kefu.local.errors import LocalStackError
from kefu.local.install import REPOSITORY
from kefu.local.ports import HOST
from kefu.local.server import inherited_environment
from kefu.local.waiting import wait_until

_PROBE_TIMEOUT = 2.0
_OK = 200


class ServiceProcess:
    """Runs ``python -m services.<name>``; may be started again after it has ended."""

    def __init__(self, name: str, env: Mapping[str, str], directory: Path) -> None:
        """Prepare the service ``name`` with the settings ``env``; its log is ``directory``/``name``.log.

        ``env`` is laid over this process's environment without its own ``KEFU_`` variables, so that a
        developer's shell steers no test. ``KEFU_HTTP_PORT`` must be among it for ``wait_ready``.
        """
        self.name = name
        self.log_path = directory.resolve() / f"{name}.log"
        self._env = dict(env)
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there; it may not be ready yet."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        """The process id, None when it is not running."""
        return self._child.pid if self._child is not None and self._child.running else None

    def start(self) -> None:
        """Start the process and return at once; does nothing while it runs."""
        if self.running:
            return
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._child = Child(
            self.name,
            [sys.executable, "-m", f"services.{self.name}"],
            env=inherited_environment("KEFU_") | {"PYTHONUNBUFFERED": "1"} | self._env,
            cwd=REPOSITORY,
            log_path=self.log_path,
        )

    def wait_ready(self, timeout: float = 60) -> None:
        """Return when the service says it is ready (HTTP 200 from /readyz).

        Raises LocalStackError, with the end of its log, when it ends or is not ready in ``timeout`` seconds;
        one that is merely slow is left running.
        """
        if wait_until(lambda: not self.running or self._is_ready(), timeout) and self.running:
            return
        ended = self._child.exit_code if self._child is not None else None
        what = f"was not ready within {timeout:g} s" if self.running else f"is not running (status {ended})"
        raise LocalStackError(
            f"The service {self.name} {what}. The end of {self.log_path}:\n{tail(self.log_path)}"
        )

    def terminate(self, timeout: float = 30) -> int | None:
        """Ask the service to finish what it does and stop; kill it after ``timeout`` seconds.

        Returns its exit code, negative for the signal that ended it, None when it never ran.
        """
        return self._child.terminate(timeout) if self._child is not None else None

    def kill(self) -> None:
        """Kill the service with SIGKILL, as a crash would."""
        if self._child is not None:
            self._child.kill()

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(
            HOST, int(self._env["KEFU_HTTP_PORT"]), timeout=_PROBE_TIMEOUT
        )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
