"""The entry point for events: takes batches from a quorum queue and settles every message exactly as handled."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import amqp
import eventlet
from eventlet.event import Event
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint

from shared import metrics
from shared.errors import KefuError, Unavailable
from shared.health import Health
from shared.logging import get_logger
from shared.messaging.delivery import Delivery
from shared.messaging.publisher import CONNECTION_ERRORS, PipelinedPublisher
from shared.messaging.settlement import forward_failures, judge_failure, safe_text
from shared.messaging.topology import Subscription, events_queue
from shared.settings import ServiceSettings

log = get_logger(__name__)

_LOST: tuple[type[Exception], ...] = (*CONNECTION_ERRORS, OperationalError)
_IDLE_SECONDS = 0.5
_BUSY_SECONDS = 0.01
#: Longest pause before a batch is tried again while the database or broker is away.
_LONGEST_HOLD = 5.0
#: Broker users whose word on a copied message's sender is taken, beside the service's own.
_REPLAYERS = frozenset({"operator"})


def _clock() -> float:
    """Return the event loop's own monotonic time in seconds."""
    return float(eventlet.hubs.get_hub().clock())


class EventBatches(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """Calls the method with a list of ``Delivery``, oldest first, one batch at a time.

    A batch whose handler raises is handled again message by message, so that only the one at fault
    suffers: permanent errors (see shared.errors) become dead letters, others are retried after the
    configured delays and become dead letters after the last. ``Unavailable`` holds the queue: nothing
    is acknowledged, nothing counts as an attempt, and the batch is tried again until it goes through.
    A message is acknowledged only after its handler returned and its failure, if any, was confirmed
    in its new place.
    """

    def __init__(self, source: str, types: tuple[str, ...]) -> None:
        """Consume the events of ``source`` whose type matches ``types``."""
        self.source = source
        self.types = types
        self.consuming = False
        self._stopping = False
        self._stopped = Event()
        self._pending: deque[list[Delivery]] = deque()
        self._buffer: list[Delivery] = []
        self._running: list[Delivery] | None = None
        self._busy = False
        self._ripe_at = 0.0
        self._began_at = 0.0
        self._finished: deque[tuple[list[Delivery], BaseException | None]] = deque()
        self._hold = 0.0
        self._held_until = 0.0
        super().__init__()

    @property
    def subscription(self) -> Subscription:
        """Return what this entry point wants from the broker; valid once bound."""
        return Subscription(self.container.service_name, self.source, self.types)

    def setup(self) -> None:
        """Read the settings and announce the readiness check."""
        self._settings: ServiceSettings = self.container.config["settings"]
        self._own_user = Connection(self._settings.broker_url).userid or ""
        self._vouching = _REPLAYERS | {self._own_user}
        self._queue_name = events_queue(self.source, self.container.service_name)
        self._publisher = PipelinedPublisher(self._settings.broker_url)
        health: Health = self.container.config["health"]
        health.add_check(f"consuming {self._queue_name}", lambda: self.consuming)

    def start(self) -> None:
        """Start consuming in a thread of its own."""
        self.container.spawn_managed_thread(self._run, identifier=f"consumer {self._queue_name}")

    def stop(self) -> None:
        """Stop taking messages, finish the batch in hand, give the rest back."""
        self._stopping = True
        self._stopped.wait()

    def kill(self) -> None:
        """Stop at once; what is not acknowledged comes again."""
        self._stopping = True

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._connected()
            except _LOST as error:
                log.warning("broker connection lost", queue=self._queue_name, error=str(error))
                self._pause(1.0)
        self._publisher.close()
        self._stopped.send(None)

    def _connected(self) -> None:
        try:
            with Connection(self._settings.broker_url, heartbeat=20, connect_timeout=5) as connection:
                self._consume(connection)
        finally:
            self.consuming = False
            self._forget()

    def _forget(self) -> None:
        # The broker gives all of it to somebody again, so what a worker still finishes is not acknowledged.
        self._pending.clear()
        self._buffer.clear()
        self._finished.clear()
        self._running = None

    def _pause(self, seconds: float) -> None:
        waited = 0.0
        while waited < seconds and not self._stopping:
            eventlet.sleep(0.1)
            waited += 0.1

    def _consume(self, connection: Connection) -> None:
        connection.connect()
        channel = connection.channel()
        # Bodies stay as they were sent. kombu's own consumer would unpack them on the word of a header, and a
        # body that cannot be unpacked would end the process, again and again.
        channel.auto_decode = False
        channel.basic_qos(0, 2 * self._settings.batch_size, False)
        consumer_tag = channel.basic_consume(self._queue_name, callback=self._receive)
        self.consuming = True
        log.info("consuming", queue=self._queue_name)
        beat = _clock() + 5
        while not self._stopping or self._running is not None:
            quiet = self._drain(connection)
            self._settle_finished(channel)
            self._dispatch(quiet=quiet)
            now = _clock()
            if now >= beat:
                connection.heartbeat_check()
                self._publisher.heartbeat()
                beat = now + 5
        channel.basic_cancel(consumer_tag)

    def _drain(self, connection: Connection) -> bool:
        """Take what the broker has; return whether nothing more came within the waiting time.

        A message that the library cannot read counts as a lost connection: it is given out again until the
        queue's delivery limit makes it a dead letter, and neither the process nor the queue ends with it.
        """
        if self._running is not None or self._pending:
            wait = _BUSY_SECONDS
        else:
            wait = max(_BUSY_SECONDS / 10, self._ripe_at - _clock()) if self._buffer else _IDLE_SECONDS
        try:
            connection.drain_events(timeout=wait)
        except TimeoutError:
            return True
        except _LOST:
            raise
        except Exception as error:
            log.exception("message cannot be read", queue=self._queue_name)
            message = f"a message cannot be read ({type(error).__name__})"
            raise ConnectionError(message) from error
        return False

    def _receive(self, message: amqp.Message) -> None:
        # The library leaves an empty body as the text it starts with.
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
        properties, info = message.properties, message.delivery_info
        if not self._buffer:
            self._ripe_at = _clock() + self._settings.batch_wait
        self._buffer.append(Delivery.from_broker(body, properties, info, vouching=self._vouching))

    def _dispatch(self, *, quiet: bool) -> None:
        # A worker left over from a lost connection may have the same messages in hand: wait for it.
        if self._busy or self._running is not None or _clock() < self._held_until:
            return
        if not self._pending and self._buffer and not self._stopping:
            size = self._settings.batch_size
            # Never later than ``batch_wait`` after the oldest came, however steadily others follow it.
            if quiet or len(self._buffer) >= size or _clock() >= self._ripe_at:
                self._pending.append(self._buffer[:size])
                del self._buffer[:size]
        if self._pending:
            batch = self._pending.popleft()
            for delivery in batch:
                delivery.reset()
            self._running, self._busy = batch, True
            self._began_at = _clock()
            metrics.EVENT_BATCH_SIZE.labels(source=self.source).observe(len(batch))
            try:
                self.container.spawn_worker(self, (batch,), {}, handle_result=partial(self._handled, batch))
            except ContainerBeingKilled:
                self._running, self._busy = None, False

    def _handled(self, batch: list[Delivery], _worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        self._busy = False
        metrics.EVENT_HANDLE_SECONDS.labels(source=self.source).observe(max(0.0, _clock() - self._began_at))
        if batch is self._running:
            self._finished.append((batch, exc_info[1] if exc_info else None))
        # The error is dealt with here; nameko need not log it a second time.
        return result, None

    def _settle_finished(self, channel: Any) -> None:
        while self._finished:
            batch, error = self._finished.popleft()
            self._running = None
            try:
                self._settle(channel, batch, error)
            except Unavailable as away:
                self._hold_back(batch, away)

    def _settle(self, channel: Any, batch: list[Delivery], error: BaseException | None) -> None:
        if isinstance(error, Unavailable):
            raise error
        if error is not None and len(batch) > 1:
            log.warning(
                "batch failed, handling one by one",
                queue=self._queue_name,
                error=safe_text(error),
                size=len(batch),
            )
            self._pending.extendleft([delivery] for delivery in reversed(batch))
            return
        if error is not None:
            judge_failure(batch[0], error)
            _log_failure(self._queue_name, batch[0], error)
        forward_failures(
            batch,
            queue=self._queue_name,
            source=self.source,
            publisher=self._publisher,
            retry_delays_ms=self._settings.retry_delays_ms,
            own_user=self._own_user,
        )
        self._hold = 0.0
        self._measure_age(batch)
        # Batches are settled in the order they arrived, so the last tag covers all before it.
        channel.basic_ack(batch[-1].tag, multiple=True)

    def _measure_age(self, batch: Sequence[Delivery]) -> None:
        now, age = time.time(), metrics.EVENT_AGE_SECONDS.labels(source=self.source)
        for delivery in batch:
            if delivery.happened_at is not None:
                age.observe(max(0.0, now - delivery.happened_at))

    def _hold_back(self, batch: list[Delivery], away: Unavailable) -> None:
        self._hold = min(max(0.1, self._hold * 2), _LONGEST_HOLD)
        self._held_until = _clock() + self._hold
        metrics.EVENT_HOLDS.labels(source=self.source).inc()
        log.warning("holding", queue=self._queue_name, error=away.message, seconds=self._hold)
        if self._stopping:
            return
        self._pending.appendleft(batch)


def event_batches(source: str, types: Sequence[str]) -> Callable[..., Any]:
    """Mark a service method as the handler of the events of ``source``; see EventBatches."""

    def decorate(method: Callable[..., Any]) -> Any:
        method.subscription = (source, tuple(types))  # type: ignore[attr-defined]  # read by subscriptions_of
        return EventBatches.decorator(source, tuple(types))(method)

    return decorate


def subscriptions_of(service: Any) -> tuple[Subscription, ...]:
    """Return what a service class subscribes to, in order of source."""
    declared = (getattr(getattr(service, name), "subscription", None) for name in dir(service))
    wanted = (Subscription(service.name, *found) for found in declared if isinstance(found, tuple))
    return tuple(sorted(wanted, key=lambda subscription: subscription.source))


def _log_failure(queue: str, delivery: Delivery, error: BaseException) -> None:
    log.error(
        "message failed",
        queue=queue,
        attempt=delivery.attempt,
        outcome=delivery.outcome.value,
        error=safe_text(error),
        exc_info=error if not isinstance(error, KefuError) else None,
    )
