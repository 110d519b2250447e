"""What use cases see of calls and messages: no framework, so that tests can stand in for either."""

from __future__ import annotations

from typing import Protocol


class Calling(Protocol):
    """One call of a command: for whom, by whom, under which key."""

    @property
    def org(self) -> str:
        """The caller's organisation; every read and write is scoped to it."""
        ...

    @property
    def actor(self) -> str:
        """The id of the member of staff or system that calls."""
        ...

    @property
    def key(self) -> str:
        """The command's idempotency key, unique over organisations and methods."""
        ...

    @property
    def traceparent(self) -> str | None:
        """The trace the call belongs to."""
        ...


class Incoming(Protocol):
    """One message; left alone it counts as done."""

    body: bytes
    content_type: str | None

    def duplicate(self) -> None:
        """Say that the message's effect was there already."""
        ...

    def retry(self, reason: str) -> None:
        """Ask for the message again later."""
        ...

    def dead(self, reason: str) -> None:
        """Say that no retry can help."""
        ...
