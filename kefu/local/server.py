"""What a private broker and a private database have in common: a directory, child processes, readiness."""

from __future__ import annotations

import fcntl
import json
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, ClassVar, Self

from kefu.local.children import Child
from kefu.local.errors import LocalStackError
from kefu.local.ports import free_port, is_free
from kefu.local.waiting import wait_until

STOP_TIMEOUT = 30.0


class BackingServer(ABC):
    """A server on the loopback address whose data, ports and log live in one directory.

    Started again in the same directory, also by another process after this one was killed, it comes back on
    the same ports with the same data. One directory serves one server at a time.
    """

    #: What messages call it.
    title: ClassVar[str]
    #: The names under which its ports are remembered.
    port_names: ClassVar[tuple[str, ...]]
    #: Seconds to wait for its ports: a predecessor killed a moment ago may still be on its way out.
    port_patience: ClassVar[float] = 5.0

    def __init__(self, directory: Path, *, ports: dict[str, int | None]) -> None:
        """Choose the ports: those in ``ports`` as given, else the last run's if free, else new ones."""
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        remembered = self._remembered_ports()
        self._ports = {
            name: ports.get(name) or _still_free(remembered.get(name)) or free_port()
            for name in self.port_names
        }
        self._lock: IO[bytes] | None = None
        self._main: Child | None = None

    @property
    def log_path(self) -> Path:
        """The file that collects what the server prints."""
        return self.directory / "server.log"

    @property
    def running(self) -> bool:
        """Whether the server's process is there; it may not accept connections yet."""
        return self._main is not None and self._main.running

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it is not running."""
        return self._main.pid if self._main is not None and self._main.running else None

    def start(self, timeout: float = 120) -> None:
        """Start the server and return when it accepts connections.

        Raises LocalStackError, with the end of the server's log, when it dies or is not ready in ``timeout``
        seconds; it is stopped then.
        """
        self.launch()
        self.wait_ready(timeout)

    def launch(self) -> None:
        """Start the server's process and return at once, for starting several servers side by side.

        Does nothing while it runs. Raises LocalStackError when another process uses the directory or a port.
        """
        if self.running:
            return
        self._release()  # after a death of its own
        self._take_directory()
        try:
            self._check_ports()
            self._remember_ports()
            self._main = self._spawn()
        except BaseException:
            self._release()
            raise

    def wait_ready(self, timeout: float = 120) -> None:
        """Return when the launched server accepts connections; raises as ``start`` does."""
        if wait_until(lambda: not self.running or self._answers(), timeout) and self.running:
            return
        ended = self._main.exit_code if self._main is not None else None
        self.kill()
        what = (
            f"did not accept connections within {timeout:g} s"
            if ended is None
            else f"ended with status {ended}"
        )
        raise LocalStackError(
            f"The private {self.title} in {self.directory} {what}. "
            f"The end of {self.log_path}:\n{self.last_words()}"
        )

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Stop the server in order; kill it when that takes longer than ``timeout`` seconds."""
        if self._main is not None:
            self._main.terminate(timeout)
        self._release()

    def kill(self) -> None:
        """Kill the server with SIGKILL, as a crash would; what it confirmed is on disk.

        Also the quickest way to be rid of a server whose directory is thrown away.
        """
        if self._main is not None:
            self._main.kill()
        self._release()

    def last_words(self) -> str:
        """Return the end of the server's log."""
        return self._main.last_words() if self._main is not None else ""

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    @abstractmethod
    def _spawn(self) -> Child:
        """Write what the server reads at its start, then start it."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server is ready for its clients."""

    def _release(self) -> None:
        """Let go of everything a run holds."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_directory(self) -> None:
        lock = (self.directory / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise LocalStackError(
                f"Another process runs a private {self.title} in {self.directory}. "
                "Stop that one first, or use another directory."
            ) from error
        self._lock = lock

    def _check_ports(self) -> None:
        wait_until(lambda: all(map(is_free, self._ports.values())), self.port_patience)
        for name, port in self._ports.items():
            if not is_free(port):
                raise LocalStackError(
                    f"The private {self.title} cannot have port {port} ({name}): another program listens "
                    "there. End that program or choose another port."
                )

    @property
    def _port_file(self) -> Path:
        return self.directory / "ports.json"

    def _remembered_ports(self) -> dict[str, int]:
        try:
            found = json.loads(self._port_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {name: port for name, port in found.items() if isinstance(port, int)}

    def _remember_ports(self) -> None:
        self._port_file.write_text(json.dumps(self._ports), encoding="utf-8")


def inherited_environment(*hidden_prefixes: str) -> dict[str, str]:
    """Return this process's environment without the variables that would steer a private server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden_prefixes)}


def _still_free(port: int | None) -> int | None:
    return port if port is not None and is_free(port) else None
