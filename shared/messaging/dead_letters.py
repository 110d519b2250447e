"""Dead letters by hand: count them, look at them without taking them away, send them back where they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import amqp
from amqp.exceptions import AccessRefused
from amqp.exceptions import NotFound as NoSuchQueue
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from shared.errors import Forbidden, NotFound, Unavailable
from shared.messaging.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    ROUTING_KEY_HEADER,
    SENDER_HEADER,
    headers_to_copy,
)
from shared.messaging.publisher import CONNECTION_ERRORS, Fate, Outgoing, PipelinedPublisher

_LOST: tuple[type[Exception], ...] = (*CONNECTION_ERRORS, OperationalError)
_BATCH = 100
_PREFIX = "dlq."
#: The broker user of the command line, which makes the copies of a replay.
_OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that could not be handled: why, after how many attempts, sent by whom under which key."""

    reason: str
    attempts: int
    sender: str | None
    routing_key: str
    content_type: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many messages went back to their queue, and how many stayed because the broker did not take them."""

    done: int
    kept: int


class DeadLetters:
    """Works on the dead-letter queues over one connection of its own; not to be shared between threads.

    Every method raises Unavailable when the broker is away, NotFound for a queue it does not hold, Forbidden
    when this user may not do it.
    """

    def __init__(self, url: str) -> None:
        """``url`` names the broker user; it needs read on the queues and, to replay, write on ``amq.default``."""
        self._url = url
        self._connection: Connection | None = None

    def depth(self, queue: str) -> int:
        """Return how many messages wait in ``queue``, of whatever kind it is."""
        with self._channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)

    def peek(self, queue: str, limit: int) -> list[DeadLetter]:
        """Return up to ``limit`` messages of ``queue``, the oldest first; all of them stay in it.

        They are taken unacknowledged and given back at once; if this process dies meanwhile, the broker
        gives them back.
        """
        with self._channel() as channel:
            taken = list(_take(channel, queue, limit))
            for message in taken:
                channel.basic_reject(message.delivery_info["delivery_tag"], requeue=True)
        return [_letter(message, queue) for message in taken]

    def replay(self, queue: str, limit: int) -> Replayed:
        """Send up to ``limit`` messages of ``queue`` back to the queue they died in, the oldest first.

        A message is acknowledged only after the broker has confirmed its copy, so a failure in between
        repeats it and loses none; consumers know repeats by id. Messages that die again meanwhile are not
        taken a second time.
        """
        target, user = queue.removeprefix(_PREFIX), Connection(self._url).userid or ""
        publisher = PipelinedPublisher(self._url)
        done = kept = 0
        try:
            with self._channel() as channel:
                left = min(limit, int(channel.queue_declare(queue, passive=True).message_count))
                while left > 0:
                    taken = list(_take(channel, queue, min(left, _BATCH)))
                    if not taken:
                        break
                    left -= len(taken)
                    fates = publisher.publish([_copy(message, queue, target, user) for message in taken])
                    for message, fate in zip(taken, fates, strict=True):
                        tag = message.delivery_info["delivery_tag"]
                        if fate is Fate.CONFIRMED:
                            channel.basic_ack(tag)
                            done += 1
                        else:
                            channel.basic_reject(tag, requeue=True)
                            kept += 1
                    if kept:
                        break
        finally:
            publisher.close()
        return Replayed(done, kept)

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.collect()
            except CONNECTION_ERRORS:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        """Give a channel of its own to one task: the broker closes it when it refuses something."""
        try:
            if self._connection is None:
                connection = Connection(self._url, connect_timeout=5)
                connection.connect()
                self._connection = connection
            channel = self._connection.channel()
            # A copy is to have the body that was sent, not what some encoding makes of it.
            channel.auto_decode = False
            try:
                yield channel
            finally:
                if channel.is_open:
                    channel.close()
        except NoSuchQueue as error:
            message = "the broker has no such queue; is the name right, and was the topology declared?"
            raise NotFound(message) from error
        except AccessRefused as error:
            self.close()
            message = f"the broker refuses this to its user: {error.message or 'access refused'}"
            raise Forbidden(message) from error
        except _LOST as error:
            self.close()
            message = f"the broker is away ({type(error).__name__})"
            raise Unavailable(message) from error


def check_login(url: str) -> None:
    """Raise Forbidden when the broker refuses this user and password, Unavailable when nobody answers."""
    connection = Connection(url, connect_timeout=5)
    try:
        connection.connect()
    except AccessRefused as error:
        message = f"the broker refuses the user {connection.userid!r}: unknown there, or the password differs"
        raise Forbidden(message) from error
    except _LOST as error:
        # A virtual host that is not there or not this user's is told in the same way.
        message = f"nobody answers at the broker's address ({str(error) or type(error).__name__})"
        raise Unavailable(message) from error
    finally:
        connection.release()


def _take(channel: Any, queue: str, limit: int) -> Iterator[amqp.Message]:
    for _ in range(limit):
        message = channel.basic_get(queue, no_ack=False)
        if message is None:
            return
        yield message


def _letter(message: amqp.Message, queue: str) -> DeadLetter:
    headers = _headers(message)
    sender, routing_key = _origin(message, queue)
    ours = headers if _is_copy(message, queue) else {}
    attempts = ours.get(ATTEMPT_HEADER)
    return DeadLetter(
        reason=str(ours.get(REASON_HEADER) or _brokers_reason(headers)),
        attempts=attempts if isinstance(attempts, int) else 0,
        sender=sender,
        routing_key=routing_key,
        content_type=message.properties.get("content_type") or "",
        body=_body(message),
        headers=headers,
    )


def _copy(message: amqp.Message, queue: str, target: str, user: str) -> Outgoing:
    sender, routing_key = _origin(message, queue)
    kept = headers_to_copy(_headers(message)) | {ROUTING_KEY_HEADER: routing_key}
    if sender is not None:
        kept[SENDER_HEADER] = sender
    return Outgoing(
        exchange="",
        routing_key=target,
        body=_body(message),
        message_id=f"replay-{message.delivery_info['delivery_tag']}",
        content_type=message.properties.get("content_type") or "application/octet-stream",
        headers=kept,
        user_id=user,
    )


def _origin(message: amqp.Message, queue: str) -> tuple[str | None, str]:
    """Return who sent the original and under which routing key.

    The headers are believed only of a copy. Anybody else's message died by the broker's own hand (too many
    deliveries), once: it was sent by whom the broker vouches for, and but for the newest death its headers
    may say anything.
    """
    headers = _headers(message)
    if _is_copy(message, queue):
        return headers.get(SENDER_HEADER), str(headers.get(ROUTING_KEY_HEADER, ""))
    deaths = headers.get("x-death")
    newest = deaths[0] if isinstance(deaths, list) and deaths else None
    keys = newest.get("routing-keys") if isinstance(newest, dict) else None
    return message.properties.get("user_id"), str(keys[0]) if isinstance(keys, list) and keys else ""


def _is_copy(message: amqp.Message, queue: str) -> bool:
    """Return whether the queue's own service or an earlier replay made this message."""
    return message.properties.get("user_id") in {queue.rpartition("--")[2], _OPERATOR}


def _brokers_reason(headers: Mapping[str, Any]) -> str:
    reason = headers.get("x-first-death-reason") or headers.get("x-last-death-reason")
    return f"dead-lettered by the broker: {reason}" if reason else "no reason was noted"


def _headers(message: amqp.Message) -> dict[str, Any]:
    return dict(message.properties.get("application_headers") or {})


def _body(message: amqp.Message) -> bytes:
    body = message.body
    return body if isinstance(body, bytes) else str(body).encode()
