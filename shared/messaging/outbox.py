"""The relay: publishes what aggregates recorded, and closes the tickets that say what is still to be sent.

A ticket is written before the aggregates it names and deleted after their entries were confirmed.
Usually the process that wrote them hands the entries straight to its relay. What a dead process
left behind is found by its ticket's age, by any replica. An entry may be published twice, never lost.
Entries so marked go out together, in a digest; see shared.clocks.digest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import eventlet
from eventlet.event import Event
from nameko.extensions import DependencyProvider

from shared import metrics
from shared.clock import Clock, SystemClock
from shared.clocks.digest import pack
from shared.errors import KefuError, Unavailable
from shared.logging import get_logger
from shared.messaging.delivery import TIME_HEADER
from shared.messaging.envelope import render
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.messaging.topology import events_exchange
from shared.outbox import Ticket, TicketStore, Unsent
from shared.settings import ServiceSettings

log = get_logger(__name__)

#: Entries published in one go.
_BATCH = 400
#: Entries waiting in memory; beyond that they are left to their tickets.
_MAX_WAITING = 20_000
_BEAT_SECONDS = 5.0
#: Tickets are closed together: after so many seconds, or as soon as there are so many. A process that dies
#: in between leaves entries that were sent to be sent again, as it always may.
_CLOSE_SECONDS = 0.25
_CLOSE_AT = 50
#: Overdue tickets looked at in one go.
_TICKETS = 50
#: A ticket that names something nobody recorded is kept this long: its writer may have died between
#: ticket and write, or may only be slow.
ABANDONED_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class _Handed:
    ticket_id: str
    entries: Sequence[Unsent]


class Relay:
    """Publishes handed-over entries in order and recovers tickets left behind; runs in one thread."""

    def __init__(
        self,
        service: str,
        store: TicketStore,
        publisher: PipelinedPublisher,
        clock: Clock,
        *,
        grace: timedelta,
    ) -> None:
        """``grace`` is how old a ticket must be before somebody else takes care of it."""
        self._service = service
        self._exchange = events_exchange(service)
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._grace = grace
        self._handed: deque[_Handed] = deque()
        self._waiting = 0
        self._sent: list[str] = []
        self._wake = eventlet.event.Event()

    @property
    def idle(self) -> bool:
        """Return whether nothing is waiting in memory."""
        return not self._handed

    def hand_over(self, ticket_id: str, entries: Sequence[Unsent]) -> None:
        """Queue the entries of a ticket for publishing now; past the memory bound they wait for recovery."""
        if self._waiting + len(entries) > _MAX_WAITING:
            return
        self._handed.append(_Handed(ticket_id, entries))
        self._waiting += len(entries)
        if not self._wake.ready():
            self._wake.send(None)

    def wait(self, seconds: float) -> None:
        """Sleep until something is handed over, at most ``seconds``."""
        if not self._handed:
            with eventlet.Timeout(seconds, False):
                self._wake.wait()
        self._wake = eventlet.event.Event()

    def pump(self) -> int:
        """Publish one batch of what was handed over; return how many entries went out.

        The tickets stay open until ``close_tickets``, or until there are many.

        Raises Unavailable if the broker or the database is away; what was in hand stays in hand.
        """
        taken: list[_Handed] = []
        size = 0
        for handed in self._handed:
            if taken and size + len(handed.entries) > _BATCH:
                break
            taken.append(handed)
            size += len(handed.entries)
        if not taken:
            return 0
        complete = self._publish([(handed.ticket_id, pack(handed.entries)) for handed in taken])
        for _ in taken:
            self._waiting -= len(self._handed.popleft().entries)
        self._sent += complete
        if len(self._sent) >= _CLOSE_AT:
            self.close_tickets()
        return size

    def close_tickets(self) -> None:
        """Close the tickets of all that was sent; raises Unavailable if the database is away."""
        if self._sent:
            closed, self._sent = self._sent, []
            try:
                self._store.close(closed)
            except BaseException:
                self._sent = closed + self._sent
                raise

    def recover(self) -> int:
        """Publish what tickets older than the grace period still hold; return how many entries went out."""
        now = self._clock.now()
        in_hand = {handed.ticket_id for handed in self._handed} | set(self._sent)
        sent = kept = 0
        while True:
            page = self._store.overdue(now - self._grace, _TICKETS, kept)
            for ticket in page:
                done, entries = (False, 0) if ticket.id in in_hand else self._recover_one(ticket, now)
                sent += entries
                kept += not done
            # Those kept stay in front of the list; what is behind them must not wait for them.
            if len(page) < _TICKETS:
                break
        if sent:
            metrics.OUTBOX_RECOVERED.inc(sent)
            log.info("recovered entries", entries=sent)
        return sent

    def _recover_one(self, ticket: Ticket, now: datetime) -> tuple[bool, int]:
        """Publish what ``ticket`` holds; return whether it is closed, and how many entries went out."""
        entries = self._store.unsent(ticket.refs)
        packed = pack(entries)
        for start in range(0, len(packed), _BATCH):
            if not self._publish([(ticket.id, packed[start : start + _BATCH])]):
                return False, start
        found = {unsent.subject for unsent in entries}
        # What a ticket names and nobody has recorded may still come: its writer may only be slow.
        missing = [ref for ref in ticket.refs if ref.id not in found]
        if not missing or ticket.opened_at < now - ABANDONED_AFTER:
            self._store.close([ticket.id])
            return True, len(entries)
        if found:
            self._store.narrow(ticket.id, missing)
        return False, len(entries)

    def keep_alive(self) -> None:
        """Keep the connection alive while there is nothing to publish; call every few seconds."""
        self._publisher.heartbeat()

    def measure(self) -> None:
        """Set the gauges of the backlog."""
        count, oldest = self._store.backlog()
        metrics.OUTBOX_OPEN_TICKETS.set(count)
        age = (self._clock.now() - oldest).total_seconds() if oldest else 0.0
        metrics.OUTBOX_OLDEST_TICKET_SECONDS.set(max(0.0, age))

    def _publish(self, tickets: Iterable[tuple[str, Sequence[Unsent]]]) -> list[str]:
        """Publish and return the ids of the tickets all of whose entries were confirmed."""
        tickets = list(tickets)
        batch = {unsent.entry.id: self._outgoing(unsent) for _, entries in tickets for unsent in entries}
        fates = dict(zip(batch, self._publisher.publish(list(batch.values())), strict=True))
        complete = []
        for ticket_id, entries in tickets:
            failed = [unsent.entry for unsent in entries if fates[unsent.entry.id] is not Fate.CONFIRMED]
            for entry in failed:
                metrics.OUTBOX_RETURNED.labels(event=entry.type).inc()
                log.error(
                    "event not taken by the broker",
                    event_type=entry.type,
                    event_id=entry.id,
                    fate=fates[entry.id].value,
                )
            if not failed:
                complete.append(ticket_id)
        for unsent_id, fate in fates.items():
            if fate is Fate.CONFIRMED:
                metrics.OUTBOX_PUBLISHED.labels(event=batch[unsent_id].routing_key).inc()
        return complete

    def _outgoing(self, unsent: Unsent) -> Outgoing:
        entry = unsent.entry
        return Outgoing(
            exchange=self._exchange,
            routing_key=entry.type,
            body=render(entry, service=self._service, org=unsent.org, subject=unsent.subject),
            message_id=entry.id,
            type=entry.type,
            headers={TIME_HEADER: datetime.fromisoformat(entry.time).timestamp()},
        )


class OutboxRelay(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Runs the service's relay for as long as the container lives; stops after what is in hand is sent."""

    def setup(self) -> None:
        """Take the relay that the service's start put into the configuration."""
        self._settings: ServiceSettings = self.container.config["settings"]
        self._relay: Relay = self.container.config["relay"]
        self._stopping = False
        self._stopped = Event()

    def start(self) -> None:
        """Start the relay's thread."""
        self.container.spawn_managed_thread(self._run, identifier="outbox relay")

    def stop(self) -> None:
        """Send what is in hand, then stop; what cannot be sent stays with its tickets."""
        self._stopping = True
        self._stopped.wait()

    def kill(self) -> None:
        """Stop at once; the tickets remain."""
        self._stopping = True

    def get_dependency(self, worker_ctx: Any) -> Relay:
        """Give workers the relay."""
        del worker_ctx
        return self._relay

    def _run(self) -> None:
        next_look = next_beat = next_close = 0.0
        hub = eventlet.hubs.get_hub()
        while not self._stopping or not self._relay.idle:
            try:
                look = hub.clock() >= next_look and not self._stopping
                if look:
                    next_look = hub.clock() + self._settings.outbox_grace / 2
                    # First, because the backlog is looked at most while nothing gets out.
                    self._relay.measure()
                self._relay.pump()
                if hub.clock() >= next_close:
                    next_close = hub.clock() + _CLOSE_SECONDS
                    self._relay.close_tickets()
                if look:
                    self._relay.recover()
                if hub.clock() >= next_beat:
                    next_beat = hub.clock() + _BEAT_SECONDS
                    self._relay.keep_alive()
            except Unavailable as away:
                log.warning("outbox waits", error=away.message)
                if self._stopping:
                    break
                eventlet.sleep(1.0)
            except KefuError as error:
                log.exception("outbox failed", error=error.message)
                eventlet.sleep(1.0)
            if self._relay.idle and not self._stopping:
                self._relay.wait(_CLOSE_SECONDS)
        # What cannot be closed now is closed by whoever recovers it.
        with suppress(Unavailable):
            self._relay.close_tickets()
        self._stopped.send(None)


def build_relay(settings: ServiceSettings, store: TicketStore, clock: Clock | None = None) -> Relay:
    """Return the relay of a service as its settings want it."""
    return Relay(
        settings.service,
        store,
        PipelinedPublisher(settings.broker_url),
        clock or SystemClock(),
        grace=timedelta(seconds=settings.outbox_grace),
    )
