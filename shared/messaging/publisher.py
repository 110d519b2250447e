"""Publishing with pipelined confirms: many messages in flight, each one's fate known before anybody relies on it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import amqp
from amqp.exceptions import AMQPError
from kombu.connection import Connection

from shared import metrics
from shared.errors import Unavailable
from shared.messaging.envelope import CONTENT_TYPE

#: What a broken, refused or silent broker connection raises.
CONNECTION_ERRORS: tuple[type[Exception], ...] = (AMQPError, OSError, EOFError)
#: Seconds to look for what the broker sent while nothing is being published.
_GLANCE = 0.001


class Fate(Enum):
    """What became of a published message."""

    CONFIRMED = "confirmed"
    #: No queue is bound for it; the broker gave it back.
    RETURNED = "returned"
    #: The broker could not take it (for example a full queue).
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish, persistent and mandatory; ``message_id`` must be unique within a batch."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    content_type: str = CONTENT_TYPE
    headers: dict[str, Any] = field(default_factory=dict)
    user_id: str | None = None
    type: str | None = None


class PipelinedPublisher:
    """Publishes batches over one connection of its own; not to be shared between threads.

    A lost connection is opened again at the next call.
    """

    def __init__(self, url: str, *, confirm_timeout: float = 10.0) -> None:
        """``confirm_timeout`` in seconds bounds a whole batch, also while the broker blocks publishers."""
        self._url = url
        self._confirm_timeout = confirm_timeout
        self._connection: Connection | None = None
        self._channel: Any = None
        self._waiting: dict[int, str] = {}
        self._fates: dict[str, Fate] = {}
        self._tag = 0

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        """Publish ``batch`` in order and return each message's fate.

        Raises Unavailable if the connection broke or the broker stayed silent: then any part of the
        batch may have been taken, and the caller publishes it again (consumers know repeats by id).
        """
        if not batch:
            return []
        started = time.perf_counter()
        try:
            channel = self._open()
            for message in batch:
                self._send(channel, message)
            self._drain(started)
        except CONNECTION_ERRORS as error:
            self.close()
            message_text = (
                f"the broker did not confirm {len(batch)} messages: {str(error) or type(error).__name__}"
            )
            raise Unavailable(message_text) from error
        except BaseException:
            # Half a batch is out and its confirms will still come: on a connection of its own the next
            # batch is not taken for this one.
            self.close()
            raise
        metrics.PUBLISH_CONFIRM_SECONDS.observe(time.perf_counter() - started)
        fates, self._fates = self._fates, {}
        return [fates[message.message_id] for message in batch]

    def heartbeat(self) -> None:
        """Keep an idle connection alive; call every few seconds. A broken one is dropped quietly."""
        if self._connection is None:
            return
        try:
            # The broker's own heartbeats count as missed if nobody reads them.
            with suppress(TimeoutError):
                self._connection.drain_events(timeout=_GLANCE)
            self._connection.heartbeat_check()
        except CONNECTION_ERRORS:
            self.close()

    def close(self) -> None:
        """Close the connection; the next ``publish`` opens a new one."""
        connection, self._connection, self._channel = self._connection, None, None
        self._waiting.clear()
        self._fates.clear()
        if connection is not None:
            try:
                connection.collect()
            except CONNECTION_ERRORS:
                return

    def _open(self) -> Any:
        if self._channel is None:
            connection = Connection(self._url, heartbeat=30, connect_timeout=5)
            connection.connect()
            self._connection = connection
            channel = connection.channel()
            channel.confirm_select()
            channel.events["basic_ack"].add(self._on_ack)
            channel.events["basic_nack"].add(self._on_nack)
            channel.events["basic_return"].add(self._on_return)
            self._channel, self._tag = channel, 0
        return self._channel

    def _send(self, channel: Any, message: Outgoing) -> None:
        properties: dict[str, Any] = {
            "content_type": message.content_type,
            "delivery_mode": 2,
            "message_id": message.message_id,
            "application_headers": message.headers,
        }
        if message.user_id is not None:
            properties["user_id"] = message.user_id
        if message.type is not None:
            properties["type"] = message.type
        self._tag += 1
        self._waiting[self._tag] = message.message_id
        # basic_publish would wait for each confirm on its own if the connection asked for it; the
        # plain form is the one that can be pipelined.
        channel._basic_publish(  # noqa: SLF001 - see above
            amqp.Message(message.body, **properties),
            exchange=message.exchange,
            routing_key=message.routing_key,
            mandatory=True,
            timeout=self._confirm_timeout,
        )

    def _drain(self, started: float) -> None:
        connection = self._connection
        deadline = started + self._confirm_timeout
        while self._waiting and connection is not None:
            remaining = deadline - time.perf_counter()
            if remaining <= 0:
                message = f"{len(self._waiting)} messages unconfirmed after {self._confirm_timeout:g} s"
                raise TimeoutError(message)
            connection.drain_events(timeout=remaining)

    def _settle(self, tags: Iterable[int], fate: Fate) -> None:
        for tag in tags:
            message_id = self._waiting.pop(tag, None)
            if message_id is not None:
                # A returned message is confirmed as well; the return came first and stands.
                self._fates.setdefault(message_id, fate)

    def _tags(self, tag: int, multiple: bool) -> list[int]:  # noqa: FBT001 - the broker's own signature
        return [waiting for waiting in self._waiting if waiting <= tag] if multiple else [tag]

    def _on_ack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - the broker's own signature
        self._settle(self._tags(tag, multiple), Fate.CONFIRMED)

    def _on_nack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - the broker's own signature
        self._settle(self._tags(tag, multiple), Fate.REFUSED)

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        self._fates[message.properties["message_id"]] = Fate.RETURNED
