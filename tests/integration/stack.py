"""What the tests need of a running stack, whatever it runs on: plain processes or containers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol


class Stack(Protocol):
    """Broker, database and the four services; each can be killed and started again on the same ports."""

    @property
    def retry_delays_ms(self) -> tuple[int, ...]:
        """The delays before a message that failed for now is tried again."""
        ...

    def stop(self) -> None:
        """Take everything down and remove it."""
        ...

    def broker_url(self, user: str) -> str:
        """Return the URL by which the broker user ``user`` connects; it holds the password."""
        ...

    def database_url(self) -> str:
        """Return the URL of the database."""
        ...

    def http_port(self, service: str) -> int:
        """Return the port of the service's /healthz, /readyz and /metrics."""
        ...

    def token(
        self, org: str, roles: Collection[str], *, subject: str = ..., lifetime: timedelta = ...
    ) -> str:
        """Return a signed token for ``subject`` of ``org`` with ``roles``."""
        ...

    def kill(self, service: str) -> None:
        """Send SIGKILL to the service and return once it is gone."""
        ...

    def start_service(self, service: str, *, wait: bool = True) -> None:
        """Start the service again; unless ``wait`` is False, return once it is ready."""
        ...

    def wait_ready(self, service: str, timeout: float = ...) -> None:
        """Return once the service's /readyz answers 200."""
        ...

    def restart_broker(self) -> None:
        """Kill the broker, start it again on its data and return once it takes connections."""
        ...

    def restart_database(self) -> None:
        """Kill the database, start it again on its data and return once it answers."""
        ...

    def logs(self, service: str, lines: int = ...) -> str:
        """Return the end of what the service printed."""
        ...
