"""A broker, a container and a clock that play their parts exactly as told, for the consumer's tests."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import amqp
import pytest

from shared.errors import Unavailable
from shared.health import Health
from shared.messaging import consumer
from shared.messaging.consumer import EventBatches
from shared.messaging.delivery import Delivery
from shared.messaging.publisher import Fate, Outgoing
from shared.settings import ServiceSettings

DELAYS = (1_000, 5_000)
#: More rounds than any of these stories needs: one that never ends fails instead.
_PATIENCE = 20_000


def service_settings(**changes: Any) -> ServiceSettings:
    """Return settings that point nowhere."""
    given: dict[str, Any] = {
        "service": "desk",
        "broker_url": "pyamqp://desk:secret@nowhere/kefu",
        "mongo_url": "mongodb://nowhere",
        "mongo_database": "desk",
        "organisations_dir": Path(),
        "retry_delays_ms": DELAYS,
        **changes,
    }
    return ServiceSettings(**given)


@dataclass(eq=False)
class Message:
    """One message in the queue; ``name`` is also its body unless another is given."""

    name: str
    body: bytes | str | None = None
    properties: dict[str, Any] = field(default_factory=dict)

    def delivered(self, tag: int) -> amqp.Message:
        """Return the message as the library hands it over."""
        body = self.name.encode() if self.body is None else self.body
        given = {"content_type": "application/json", "user_id": "pub-shop", **self.properties}
        message = amqp.Message(body, **{name: value for name, value in given.items() if value is not None})
        message.delivery_info = {
            "consumer_tag": "c",
            "delivery_tag": tag,
            "redelivered": False,
            "exchange": "shop.events",
            "routing_key": "order.placed",
        }
        return message


class Stage:
    """One queue on one broker, one consumer on it, and what happens, in order, in ``journal``.

    ``handler`` is the service's method. Each time the consumer looks at its connection, one message is
    delivered if the prefetch allows; if not, the worker in hand comes to its end; if there is none, time
    passes. With nothing left to do the consumer is told to stop. ``at`` maps the number of a look (from 1)
    to something else that happens there; an exception it raises comes out of the connection.
    """

    def __init__(
        self, messages: Sequence[Message], handler: Callable[[list[Delivery]], None], **settings: Any
    ) -> None:
        self.ready = deque(messages)
        self.unacked: OrderedDict[int, Message] = OrderedDict()
        self.journal: list[tuple[Any, ...]] = []
        self.copies: list[Outgoing] = []
        self.handler = handler
        self.at: dict[int, Callable[[], object]] = {}
        self.publisher_away = 0
        self.fates: dict[str, Fate] = {}
        self.connections_refused = 0
        self.acks_broken = 0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], object] = lambda: None
        self.now = 100.0
        self.looks = 0
        self.tag = 0
        self.prefetch = 0
        self.callback: Callable[[amqp.Message], None] | None = None
        self.worker: Callable[[], None] | None = None
        self.auto_decode = True
        self.heartbeats = 0
        self.health = Health()
        self.container = _Container(self, service_settings(**{"batch_size": 3, **settings}))
        self.entry: EventBatches = EventBatches("shop", ("order.placed",)).bind(self.container, "take")

    def run(self, monkeypatch: pytest.MonkeyPatch) -> Self:
        """Let the consumer run until it stops."""
        monkeypatch.setattr(consumer, "Connection", partial(_Connection, self))
        monkeypatch.setattr(consumer, "PipelinedPublisher", partial(_Publisher, self))
        hub = SimpleNamespace(clock=lambda: self.now)
        hubs = SimpleNamespace(get_hub=lambda: hub)
        monkeypatch.setattr(consumer, "eventlet", SimpleNamespace(hubs=hubs, sleep=self._sleep))
        self.entry.setup()
        self.entry.start()
        assert self.entry._stopped.ready()
        return self

    def stop(self) -> None:
        """Tell the consumer to stop, as the container does, without waiting for it."""
        self.entry.kill()

    def acknowledged(self) -> list[str]:
        """Return the names of the messages acknowledged, in order."""
        return [name for what, *names in self.journal if what == "ack" for name in names]

    def handled(self) -> list[list[str]]:
        """Return the batches the handler was called with."""
        return [list(names) for what, *names in self.journal if what == "handle"]

    def look(self, timeout: float) -> None:
        """Do the next thing that happens on the connection."""
        self.looks += 1
        if self.looks > _PATIENCE:
            pytest.fail("the consumer never comes to an end")
        if self.looks in self.at:
            self.at.pop(self.looks)()
        elif self.ready and len(self.unacked) < self.prefetch and self.callback:
            self.tag += 1
            self.unacked[self.tag] = message = self.ready.popleft()
            self.callback(message.delivered(self.tag))
        elif self.worker:
            self.finish_worker()
        else:
            if not self.ready and not self.unacked:
                self.stop()
            self.now += timeout
            raise TimeoutError

    def finish_worker(self) -> None:
        """Let the worker in hand come to its end."""
        if self.worker:
            worker, self.worker = self.worker, None
            worker()

    def disconnected(self) -> None:
        """Do what the broker does when a connection is gone: give back what was not acknowledged."""
        self.ready.extendleft(reversed(self.unacked.values()))
        self.unacked.clear()
        self.tag, self.callback = 0, None

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()


class _Container:
    service_name = "desk"

    def __init__(self, stage: Stage, settings: ServiceSettings) -> None:
        self.stage = stage
        self.shared_extensions: dict[Any, Any] = {}
        self.config: dict[str, Any] = {"settings": settings, "health": stage.health}
        self.refuse: type[Exception] | None = None

    def spawn_managed_thread(self, run: Callable[[], None], identifier: str) -> None:
        assert "evt-shop--desk" in identifier
        run()

    def spawn_worker(
        self, entrypoint: EventBatches, args: Any, kwargs: Any, handle_result: Callable[..., Any]
    ) -> None:
        if self.refuse is not None:
            raise self.refuse
        assert self.stage.worker is None, "one batch at a time"
        self.stage.worker = partial(self._work, entrypoint, args, kwargs, handle_result)

    def _work(
        self, entrypoint: EventBatches, args: Any, kwargs: Any, handle_result: Callable[..., Any]
    ) -> None:
        (batch,), error = args, None
        self.stage.journal.append(("handle", *(name_of(delivery) for delivery in batch)))
        try:
            self.stage.handler(batch, **kwargs)
        except Exception as raised:  # noqa: BLE001 - nameko catches as much
            error = raised
        result = handle_result(entrypoint, None, (type(error), error, None) if error else None)
        assert result == (None, None), "the error is dealt with; nameko need not log it again"


def name_of(delivery: Delivery) -> str:
    """Return the name of the message a delivery brings."""
    return delivery.body.decode(errors="replace")


class _Connection:
    userid = "desk"

    def __init__(self, stage: Stage, _url: str, **_options: Any) -> None:
        self.stage = stage

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stage.disconnected()

    def connect(self) -> None:
        if self.stage.connections_refused:
            self.stage.connections_refused -= 1
            raise ConnectionRefusedError

    def channel(self) -> _Channel:
        return _Channel(self.stage)

    def drain_events(self, timeout: float) -> None:
        self.stage.look(timeout)

    def heartbeat_check(self) -> None:
        self.stage.heartbeats += 1


class _Channel:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def auto_decode(self) -> bool:
        return self.stage.auto_decode

    @auto_decode.setter
    def auto_decode(self, value: bool) -> None:
        self.stage.auto_decode = value

    def basic_qos(self, prefetch_size: int, prefetch_count: int, a_global: bool) -> None:  # noqa: FBT001 - AMQP's own signature
        assert (prefetch_size, a_global) == (0, False)
        self.stage.prefetch = prefetch_count

    def basic_consume(self, queue: str, callback: Callable[[amqp.Message], None]) -> str:
        assert queue == "evt-shop--desk"
        self.stage.callback = callback
        return "c"

    def basic_cancel(self, consumer_tag: str) -> None:
        assert consumer_tag == "c"
        self.stage.callback = None

    def basic_ack(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - AMQP's own signature
        if self.stage.acks_broken:
            self.stage.acks_broken -= 1
            raise ConnectionResetError
        if delivery_tag not in self.stage.unacked:
            raise amqp.exceptions.PreconditionFailed(f"unknown delivery tag {delivery_tag}")
        tags = [tag for tag in self.stage.unacked if tag <= delivery_tag] if multiple else [delivery_tag]
        self.stage.journal.append(("ack", *(self.stage.unacked.pop(tag).name for tag in tags)))


class _Publisher:
    def __init__(self, stage: Stage, _url: str) -> None:
        self.stage = stage

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        if self.stage.publisher_away:
            self.stage.publisher_away -= 1
            raise Unavailable("the broker is away")
        self.stage.copies += batch
        names = [message.body.decode(errors="replace") for message in batch]
        self.stage.journal.append(("copy", *names))
        return [self.stage.fates.pop(name, Fate.CONFIRMED) for name in names]

    def heartbeat(self) -> None:
        self.stage.journal.append(("publisher heartbeat",))

    def close(self) -> None:
        self.stage.journal.append(("publisher closed",))
