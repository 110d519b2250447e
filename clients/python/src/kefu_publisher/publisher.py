"""Publishes events so that none is lost and none takes effect twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, final

from kefu_publisher.errors import NotPublished, NotRouted, Refused, Unreachable
from kefu_publisher.events import Event, event_id
from kefu_publisher.link import FORBIDDEN, LOST, Address, AmqpLink, Fate, Link, Message

#: The exchange where Kefu takes what other systems publish.
EXCHANGE = "external.events"
#: A connection unused for so many seconds is opened anew: whatever is between may have forgotten it.
_IDLE = 30.0


@dataclass(frozen=True)
class Retry:
    """How often and how long to try: bounded by ``attempts``, and by ``give_up_after`` seconds for starting one.

    The pauses between attempts grow from ``first_pause`` seconds by ``factor`` up to ``longest_pause``.
    """

    attempts: int = 8
    first_pause: float = 0.1
    factor: float = 2.0
    longest_pause: float = 5.0
    give_up_after: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what would never try or never pause for longer."""
        if self.attempts < 1 or self.first_pause < 0 or self.factor < 1 or self.longest_pause < 0:
            raise ValueError(
                "a retry needs at least one attempt, pauses of 0 s or more, and a factor of 1 or more"
            )

    def pauses(self) -> Iterator[float]:
        """Yield the pause after each attempt but the last."""
        pause = self.first_pause
        for _ in range(self.attempts - 1):
            yield min(pause, self.longest_pause)
            pause = min(pause * self.factor, self.longest_pause)


@final
class Publisher:
    """Publishes events as one broker user; a context manager, not to be shared between threads.

    Connects at the first event. After a lost connection or a missing confirm the same events are sent again
    under the same ids, by which Kefu knows the repeat.
    """

    def __init__(
        self,
        url: str,
        *,
        retry: Retry | None = None,
        confirm_timeout: float = 10.0,
        in_flight: int = 500,
        tls: Mapping[str, Any] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[], Link] | None = None,
    ) -> None:
        """Publish to the broker at ``url``, ``amqp[s]://pub-<name>:password@host[:port]/kefu``.

        ``confirm_timeout`` seconds bound a connection's opening and each batch of at most ``in_flight``
        events. ``tls`` adds to py-amqp's options of an amqps connection, for example ``ca_certs``. ``sleep``,
        ``clock`` (seconds, never going back) and ``connect`` stand in for the real ones in tests.
        """
        if in_flight < 1:
            raise ValueError("at least one event must be in flight")
        address = Address.of(url)
        self._connect = connect or (
            lambda: AmqpLink(address, EXCHANGE, confirm_timeout=confirm_timeout, clock=clock, tls=tls)
        )
        self._retry = retry or Retry()
        self._in_flight = in_flight
        self._sleep = sleep
        self._clock = clock
        self._link: Link | None = None
        self._used = clock()

    def __enter__(self) -> Publisher:
        """Return this; nothing is open yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next event opens a new one."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def publish(self, event: Event) -> None:
        """Return once the broker has ``event`` for good; raises Refused, NotRouted or Unreachable."""
        self._publish((event,))

    def publish_many(self, events: Iterable[Event]) -> int:
        """Publish ``events`` in order, many at a time, and return how many, all confirmed.

        Raises Refused, NotRouted or Unreachable with the ids of those that were not confirmed; events after
        the batch that failed were not taken from ``events``.
        """
        remaining = iter(events)
        count = 0
        while batch := tuple(islice(remaining, self._in_flight)):
            self._publish(batch)
            count += len(batch)
        return count

    def _publish(self, events: tuple[Event, ...]) -> None:
        started = self._clock()
        pauses = self._retry.pauses()
        left = events
        while True:
            left, failure = self._attempt(left)
            if failure is None:
                return
            pause = next(pauses, None) if _may_pass(failure) else None
            if pause is None or self._clock() + pause - started > self._retry.give_up_after:
                raise failure
            self._sleep(pause)

    def _attempt(self, events: tuple[Event, ...]) -> tuple[tuple[Event, ...], NotPublished | None]:
        """Publish ``events`` once; return those not confirmed, and why the worst of them is not."""
        messages = [_message(event) for event in events]
        fates: dict[int, Fate] = {}
        lost: Exception | None = None
        try:
            self._open().publish(messages, fates.__setitem__)
            self._used = self._clock()
        except LOST as error:
            self.close()
            lost = error
        except BaseException:
            # Confirms of this batch may still come: on a connection of its own the next is not taken for it.
            self.close()
            raise
        places = [place for place in range(len(events)) if fates.get(place) is not Fate.CONFIRMED]
        left = tuple(events[place] for place in places)
        return left, _failure(left, {fates.get(place) for place in places}, lost)

    def _open(self) -> Link:
        if self._link is not None and self._clock() - self._used > _IDLE:
            self.close()
        if self._link is None:
            self._link = self._connect()
        return self._link


def _message(event: Event) -> Message:
    return Message(event_id(event.source, event.id), event.type, event.body())


def _may_pass(failure: NotPublished) -> bool:
    """Whether another attempt could end otherwise: not where a queue, a right or a setting is missing."""
    return not isinstance(failure, NotRouted) and not isinstance(failure.__cause__, FORBIDDEN)


def _failure(left: tuple[Event, ...], fates: set[Fate | None], lost: Exception | None) -> NotPublished | None:
    if not left:
        return None
    ids = tuple(event.id for event in left)
    count = f"{len(ids)} event" if len(ids) == 1 else f"{len(ids)} events"
    failure: NotPublished
    if Fate.RETURNED in fates:
        failure = NotRouted(
            f"the broker has no queue for {count}: is this Kefu's broker and virtual host, and is its topology "
            "declared?",
            ids,
        )
    elif isinstance(lost, FORBIDDEN):
        failure = Refused(
            f"the broker will not take {count} from this user: {_words(lost)}; check the user's name, password "
            "and rights, and the virtual host",
            ids,
        )
    elif lost is not None:
        failure = Unreachable(
            f"the broker did not confirm {count}: {_words(lost)}; publish again later under the same ids", ids
        )
    else:
        failure = Refused(f"the broker could not take {count}: its queue is full; publish again later", ids)
    failure.__cause__ = lost
    return failure


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
