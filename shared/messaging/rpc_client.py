"""Calling a service's RPC with a deadline, a token and an idempotency key; errors come back as they were raised."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, Self

import amqp
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from shared import metrics
from shared.errors import (
    DeadlineExceeded,
    KefuError,
    NotFound,
    Unavailable,
    ValidationFailed,
    error_from_dict,
)
from shared.messaging.publisher import CONNECTION_ERRORS
from shared.messaging.rpc_names import IDEMPOTENCY_KEY
from shared.messaging.topology import RPC_EXCHANGE

_LOST: tuple[type[Exception], ...] = (*CONNECTION_ERRORS, OperationalError)


class RpcClient:
    """Calls methods one at a time over a connection of its own; not to be shared between threads."""

    def __init__(self, url: str, *, name: str, token: str | None = None, timeout: float = 10.0) -> None:
        """``name`` is the broker user's own name (it owns the reply queue); ``timeout`` in seconds."""
        self._url = url
        self._name = name
        self._token = token
        self._timeout = timeout
        self._connection: Connection | None = None
        self._channel: Any = None
        self._reply_to = ""
        self._replies: dict[str, dict[str, Any]] = {}

    def call(
        self,
        method: str,
        /,
        *,
        timeout: float | None = None,
        token: str | None = None,
        idempotency_key: str | None = None,
        data: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Call ``<service>.<method>`` and return its result.

        ``data`` are arguments as well, for a method that has some of the names this one takes itself.

        With ``idempotency_key`` a call whose answer got lost is repeated within the deadline; without
        one it is sent once. Raises the error the service raised, DeadlineExceeded when no answer came
        in time (a command may have been carried out), Unavailable when the broker is away.
        """
        deadline = time.time() + (timeout or self._timeout)
        arguments |= data or {}
        if idempotency_key is not None:
            arguments[IDEMPOTENCY_KEY] = idempotency_key
        started = time.perf_counter()
        outcome = "ok"
        try:
            while True:
                try:
                    return self._once(method, arguments, token or self._token, deadline)
                except _LOST as error:
                    self.close()
                    if idempotency_key is None or time.time() >= deadline:
                        message = (
                            f"the broker is away ({type(error).__name__}); {method} may not have been called"
                        )
                        raise Unavailable(message) from error
                    time.sleep(min(0.2, max(0.0, deadline - time.time())))
        except KefuError as error:
            outcome = error.code
            raise
        finally:
            metrics.RPC_CLIENT_REQUESTS.labels(method=method, outcome=outcome).inc()
            metrics.RPC_CLIENT_DURATION.labels(method=method).observe(time.perf_counter() - started)

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        connection, self._connection, self._channel = self._connection, None, None
        self._replies.clear()
        if connection is not None:
            try:
                connection.collect()
            except CONNECTION_ERRORS:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> Any:
        if self._channel is None:
            self._connection = Connection(self._url, connect_timeout=5)
            self._connection.connect()
            channel = self._connection.channel()
            self._reply_to = str(uuid.uuid4())
            queue = f"rpc.reply-{self._name}-{self._reply_to}"
            channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True)
            channel.queue_bind(queue, RPC_EXCHANGE, self._reply_to)
            channel.basic_consume(queue, no_ack=True, callback=self._on_reply)
            channel.events["basic_return"].add(self._on_return)
            self._channel = channel
        return self._channel

    def _once(self, method: str, arguments: dict[str, Any], token: str | None, deadline: float) -> Any:
        channel = self._open()
        correlation = uuid.uuid4().hex
        headers = {"nameko.deadline": deadline}
        if token:
            headers["nameko.auth_token"] = token  # type: ignore[assignment]  # headers mix types
        remaining = deadline - time.time()
        channel.basic_publish(
            amqp.Message(
                json.dumps({"args": [], "kwargs": arguments}, ensure_ascii=False, default=str),
                content_type="application/json",
                content_encoding="utf-8",
                reply_to=self._reply_to,
                correlation_id=correlation,
                application_headers=headers,
                # The broker drops the request itself once nobody waits for the answer any more.
                expiration=str(max(1, int(remaining * 1000))),
            ),
            exchange=RPC_EXCHANGE,
            routing_key=method,
            mandatory=True,
        )
        return _unwrap(method, self._wait(method, correlation, deadline))

    def _wait(self, method: str, correlation: str, deadline: float) -> dict[str, Any]:
        while correlation not in self._replies:
            remaining = deadline - time.time()
            if remaining <= 0:
                message = (
                    f"no answer from {method} within the deadline; repeat it with the same idempotency key"
                )
                raise DeadlineExceeded(message)
            try:
                self._drain(remaining)
            except TimeoutError:
                continue
        return self._replies.pop(correlation)

    def _drain(self, seconds: float) -> None:
        if self._connection is None:
            message = "the connection is closed"
            raise ConnectionError(message)
        self._connection.drain_events(timeout=seconds)

    def _on_reply(self, message: Any) -> None:
        correlation = message.properties.get("correlation_id")
        if correlation:
            self._replies = {correlation: _read(message.body)}

    def _on_return(self, _error: Exception, _exchange: str, routing_key: str, message: Any) -> None:
        shape = NotFound(
            f"no service answers to {routing_key!r}: is it running, and is the name right?"
        ).as_dict()
        error = {"exc_type": "NotFound", "exc_args": [shape], "value": ""}
        self._replies[message.properties["correlation_id"]] = {"result": None, "error": error}


def _read(body: bytes | str) -> dict[str, Any]:
    """Return the answer in ``body``; one that cannot be read is an error like any other."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    if isinstance(reply, dict) and isinstance(reply.get("error"), dict | None):
        return reply
    return {"error": {"exc_type": "UnreadableAnswer", "value": "the service's answer cannot be read"}}


def _unwrap(method: str, reply: dict[str, Any]) -> Any:
    error = reply.get("error")
    if error is None:
        return reply.get("result")
    arguments = error.get("exc_args") or []
    if arguments and isinstance(arguments[0], dict):
        raise error_from_dict(arguments[0])
    if error.get("exc_type") == "MethodNotFound":
        message = f"{method} does not exist"
        raise NotFound(message)
    if error.get("exc_type") in {"MalformedRequest", "IncorrectSignature"}:
        raise ValidationFailed(str(error.get("value")))
    raise KefuError(f"{method} failed: {error.get('exc_type')}: {error.get('value')}")
