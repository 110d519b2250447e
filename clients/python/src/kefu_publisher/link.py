"""One connection to the broker, on which many messages can wait for their confirms at once."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import amqp
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, NotFound, PreconditionFailed

from kefu_publisher.events import CONTENT_TYPE

_PERSISTENT = 2
_FORM = "the broker's URL must be of the form amqp[s]://user:password@host[:port]/virtual-host"
#: ``pyamqp`` is what kombu and nameko call amqp.
_PORTS = {"amqp": 5672, "pyamqp": 5672, "amqps": 5671}

#: What a broken, refused or silent connection raises.
LOST: tuple[type[Exception], ...] = (AMQPError, OSError, EOFError)
#: What of it no new attempt would mend: a wrong password, right, user, exchange or virtual host.
FORBIDDEN: tuple[type[Exception], ...] = (AccessRefused, NotAllowed, NotFound, PreconditionFailed)


class Fate(Enum):
    """What the broker said of a message."""

    CONFIRMED = "confirmed"
    #: No queue is bound for it; the broker gave it back.
    RETURNED = "returned"
    #: The broker could not take it, for example because its queue is full.
    REFUSED = "refused"


@dataclass(frozen=True)
class Message:
    """One message; ``message_id`` is the same for the same event."""

    message_id: str
    routing_key: str
    body: bytes


class Link(Protocol):
    """One open connection."""

    def publish(self, batch: Sequence[Message], settled: Callable[[int, Fate], None]) -> None:
        """Publish ``batch`` and tell each message's place and fate as the broker tells it.

        Returns once all are told; raises one of LOST where the connection broke or the broker stayed silent.
        """
        ...

    def close(self) -> None:
        """Close the connection; never raises what a broken one would."""
        ...


@dataclass(frozen=True)
class Address:
    """Where the broker is and as whom to connect."""

    host: str
    port: int
    user: str
    password: str
    virtual_host: str
    tls: bool

    @staticmethod
    def of(url: str) -> Address:
        """Read ``amqp[s]://user:password@host[:port]/virtual-host``; raises ValueError without repeating it."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            # The parser's own words would repeat a part of it, at worst of the password.
            raise ValueError(_FORM) from None
        if not parts.hostname or not parts.username:
            raise ValueError(_FORM)
        return Address(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username),
            password=unquote(parts.password or ""),
            virtual_host=unquote(parts.path[1:]) or "/",
            tls=parts.scheme == "amqps",
        )


class AmqpLink:
    """A connection in confirm mode; publishes persistent, mandatory messages under the user's own name."""

    def __init__(
        self,
        address: Address,
        exchange: str,
        *,
        confirm_timeout: float,
        clock: Callable[[], float],
        tls: Mapping[str, Any] | None = None,
    ) -> None:
        """Connect; raises one of LOST. ``confirm_timeout`` seconds bound a whole batch."""
        self._exchange = exchange
        self._user = address.user
        self._timeout = confirm_timeout
        self._clock = clock
        secured = {"server_hostname": address.host, "cert_reqs": ssl.CERT_REQUIRED} | dict(tls or {})
        self._connection: Any = amqp.Connection(
            host=f"[{address.host}]:{address.port}"
            if ":" in address.host
            else f"{address.host}:{address.port}",
            userid=address.user,
            password=address.password,
            virtual_host=address.virtual_host,
            ssl=secured if address.tls else False,
            connect_timeout=confirm_timeout,
            read_timeout=confirm_timeout,
            write_timeout=confirm_timeout,
        )
        try:
            self._connection.connect()
            self._channel: Any = self._connection.channel()
            self._channel.confirm_select()
        except BaseException:
            self.close()
            raise
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._tag = 0
        self._waiting: dict[int, tuple[int, Message]] = {}
        self._returned: set[str] = set()
        self._settled: Callable[[int, Fate], None] = _nobody

    def publish(self, batch: Sequence[Message], settled: Callable[[int, Fate], None]) -> None:
        """Publish ``batch``, all of it before the first confirm is waited for."""
        self._settled = settled
        self._returned.clear()
        deadline = self._clock() + self._timeout
        for place, message in enumerate(batch):
            self._send(place, message)
        while self._waiting:
            remaining = deadline - self._clock()
            if remaining <= 0:
                raise TimeoutError(f"{len(self._waiting)} confirms did not come in {self._timeout:g} s")
            self._connection.drain_events(timeout=remaining)

    def close(self) -> None:
        """Drop the connection at once: what matters on it is confirmed, or will be sent again."""
        with suppress(*LOST):
            self._connection.collect()

    def _send(self, place: int, message: Message) -> None:
        self._tag += 1
        self._waiting[self._tag] = (place, message)
        self._channel.basic_publish(
            amqp.Message(
                message.body,
                content_type=CONTENT_TYPE,
                delivery_mode=_PERSISTENT,
                message_id=message.message_id,
                type=message.routing_key,
                user_id=self._user,
            ),
            exchange=self._exchange,
            routing_key=message.routing_key,
            mandatory=True,
            timeout=self._timeout,
        )

    def _on_ack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - the broker's own signature
        self._settle(tag, Fate.CONFIRMED, all_before=multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - the broker's own signature
        self._settle(tag, Fate.REFUSED, all_before=multiple)

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        self._returned.add(message.properties["message_id"])

    def _settle(self, tag: int, fate: Fate, *, all_before: bool) -> None:
        tags = [waiting for waiting in self._waiting if waiting <= tag] if all_before else [tag]
        for each in tags:
            place, message = self._waiting.pop(each, (None, None))
            if place is not None and message is not None:
                # A returned message is confirmed as well; the return comes first and stands.
                returned = message.message_id in self._returned
                self._settled(place, Fate.RETURNED if returned else fate)


def _nobody(_place: int, _fate: Fate) -> None:
    """Nothing was published yet."""
