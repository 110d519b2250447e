"""Requests as only a broken or hostile client sends them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import amqp
from kombu.connection import Connection

from shared.messaging.topology import RPC_EXCHANGE


class RawRpc:
    """Sends any bytes with any headers to the RPC exchange, and takes the answers."""

    def __init__(self, url: str) -> None:
        """Connect with ``url``, which must be the operator's."""
        self._url = url
        self._answers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Connect and open a place for answers."""
        self._connection = Connection(self._url, connect_timeout=5)
        self._connection.connect()
        self._channel = self._connection.channel()
        self._channel.confirm_select()
        self._address = str(uuid.uuid4())
        queue = f"rpc.reply-operator-{self._address}"
        self._channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True)
        self._channel.queue_bind(queue, RPC_EXCHANGE, self._address)
        self._channel.basic_consume(queue, no_ack=True, callback=self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self._connection.release()

    def send(
        self,
        method: str,
        body: bytes,
        *,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = "application/json",
        content_encoding: str | None = "utf-8",
        reply_to: str | None = None,
    ) -> None:
        """Send ``body`` to whoever serves ``method``; there is no answer unless ``reply_to`` names a place."""
        properties: dict[str, Any] = {"application_headers": dict(headers or {})}
        if content_type is not None:
            properties["content_type"] = content_type
        if content_encoding is not None:
            properties["content_encoding"] = content_encoding
        if reply_to is not None:
            properties["reply_to"] = reply_to
        message = amqp.Message(body, **properties)
        self._channel.basic_publish_confirm(message, RPC_EXCHANGE, method)

    def answer(
        self, method: str, request: object, *, headers: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the raw answer to a request of any JSON shape."""
        correlation = uuid.uuid4().hex
        message = amqp.Message(
            json.dumps(request).encode(),
            content_type="application/json",
            content_encoding="utf-8",
            application_headers=dict(headers or {}),
            reply_to=self._address,
            correlation_id=correlation,
        )
        self._channel.basic_publish_confirm(message, RPC_EXCHANGE, method)
        deadline = time.monotonic() + 20
        while correlation not in self._answers:
            left = deadline - time.monotonic()
            assert left > 0, f"{method} did not answer"
            try:
                self._connection.drain_events(timeout=left)
            except TimeoutError:
                continue
        answer: dict[str, Any] = self._answers.pop(correlation)
        return answer

    def _take(self, message: Any) -> None:
        self._answers[message.properties["correlation_id"]] = json.loads(message.body)
