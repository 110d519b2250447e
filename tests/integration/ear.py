"""A publisher that listens to what became of its events."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from types import TracebackType
from typing import Any, Self

from kombu.connection import Connection

from shared.ids import derived_id

_PATIENCE = 30.0


class Ear:
    """Hears ``contact_rejected`` on a queue of the publisher's own, as its rights allow."""

    def __init__(self, url: str, publisher: str) -> None:
        """Listen as ``publisher``, who connects with ``url``."""
        self._url = url
        self._user = f"pub-{publisher}"
        self._heard: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        """Start to listen: what is rejected from now on is heard."""
        self._connection = Connection(self._url, connect_timeout=5)
        self._connection.connect()
        channel = self._connection.channel()
        queue = f"{self._user}.{uuid.uuid4().hex}"
        channel.queue_declare(queue, exclusive=True, auto_delete=True)
        channel.queue_bind(queue, "intake.events", "contact_rejected")
        channel.basic_consume(queue, no_ack=True, callback=self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._connection.release()

    def rejection_of(self, body: bytes) -> dict[str, Any]:
        """Return the data of the ``contact_rejected`` that answers the message with ``body``."""
        return self.heard(rejected_id_of(self._user, body))

    def heard(self, rejected_id: str) -> dict[str, Any]:
        """Return the data of the ``contact_rejected`` of this id, once it was published."""
        deadline = time.monotonic() + _PATIENCE
        while rejected_id not in self._heard:
            left = deadline - time.monotonic()
            assert left > 0, f"nobody heard of {rejected_id}"
            try:
                self._connection.drain_events(timeout=left)
            except TimeoutError:
                continue
        return self._heard[rejected_id]

    def _hear(self, message: Any) -> None:
        data = json.loads(message.body)["data"]
        self._heard[data["rejected_id"]] = data


def rejected_id_of(user: str, body: bytes) -> str:
    """Return the id under which intake keeps a rejected message of the broker user: same bytes, same id."""
    return derived_id("rj", user, hashlib.sha256(body).hexdigest())
