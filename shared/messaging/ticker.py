"""Runs a function at an interval for as long as the service lives; the heartbeat of its clocks."""

from __future__ import annotations

from collections.abc import Callable

import eventlet
from eventlet.event import Event
from nameko.extensions import Entrypoint

from shared.errors import KefuError
from shared.logging import get_logger
from shared.settings import ServiceSettings

log = get_logger(__name__)


class Ticker(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """Calls the method every ``clock_interval`` seconds, one call at a time.

    The method returns whether there is more to do at once. A failing call is logged and tried again
    at the next interval; it must be safe to repeat.
    """

    def setup(self) -> None:
        """Read the interval."""
        settings: ServiceSettings = self.container.config["settings"]
        self._interval = settings.clock_interval
        self._stopping = Event()
        self._stopped = Event()

    def start(self) -> None:
        """Start ticking."""
        self.container.spawn_managed_thread(self._run, identifier=f"ticker {self.method_name}")

    def stop(self) -> None:
        """Stop after the call in hand."""
        if not self._stopping.ready():
            self._stopping.send(None)
        self._stopped.wait()

    def kill(self) -> None:
        """Stop at once."""
        if not self._stopping.ready():
            self._stopping.send(None)

    def _run(self) -> None:
        while not self._stopping.ready():
            more = self._tick()
            if not more:
                with eventlet.Timeout(self._interval, False):
                    self._stopping.wait()
        self._stopped.send(None)

    def _tick(self) -> bool:
        finished = Event()

        def handle(
            _worker: object, result: object, exc_info: tuple[object, BaseException, object] | None
        ) -> tuple[object, None]:
            finished.send((result, exc_info[1] if exc_info else None))
            return result, None

        self.container.spawn_worker(self, (), {}, handle_result=handle)
        result, error = finished.wait()
        if error is not None:
            reason = str(error) if isinstance(error, KefuError) else None
            log.error(
                "tick failed", method=self.method_name, reason=reason, exc_info=None if reason else error
            )
            return False
        return bool(result)


def every_tick(method: Callable[..., bool]) -> Callable[..., bool]:
    """Mark a service method to be called at every tick; see Ticker."""
    marked: Callable[..., bool] = Ticker.decorator(method)
    return marked
