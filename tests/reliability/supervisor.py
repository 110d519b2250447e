"""Keeps the services running while a test kills them, as a container platform would."""

from __future__ import annotations

import threading
import time
from random import Random
from types import TracebackType
from typing import Self

from services.names import SERVICES
from tests.integration.process_stack import ProcessStack

_LOOK = 0.05


class Supervisor:
    """Starts every service that has ended again at once; kills those it is told to."""

    def __init__(self, stack: ProcessStack) -> None:
        """Watch the services of ``stack``, all of which run."""
        self._stack = stack
        self._locks = {service: threading.Lock() for service in SERVICES}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")
        self.kills = 0
        #: Services that ended although nobody killed them.
        self.crashes: list[str] = []

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching; return with every service started and ready."""
        self._stop.set()
        self._thread.join()
        for service in SERVICES:
            self._stack.start_service(service, wait=False)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return once every service is ready again."""
        for service in SERVICES:
            self._stack.wait_ready(service)

    def kill(self, service: str) -> None:
        """Send SIGKILL to the service, wherever it stands; it is started again at once."""
        with self._locks[service]:
            self._stack.kill(service)
            self._restart(service)

    def terminate(self, service: str) -> int | None:
        """Ask the service to stop, start it again when it has, and return its exit code."""
        with self._locks[service]:
            code = self._stack.terminate(service)
            self._restart(service)
        return code

    def kill_each(self, rng: Random, *, within: float) -> None:
        """Kill each service once, in any order, at moments of ``rng`` within so many seconds."""
        order = rng.sample(SERVICES, len(SERVICES))
        moments = sorted(rng.uniform(0, within) for _ in order)
        began = time.monotonic()
        for service, moment in zip(order, moments, strict=True):
            self._stop.wait(max(0.0, began + moment - time.monotonic()))
            self.kill(service)

    def _restart(self, service: str) -> None:
        self.kills += 1
        self._stack.start_service(service, wait=False)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK):
            for service in SERVICES:
                with self._locks[service]:
                    if not self._stack.running(service):
                        self.crashes.append(service)
                        self._stack.start_service(service, wait=False)
