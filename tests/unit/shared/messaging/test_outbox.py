"""The relay step by step; every place where a process may die is tried in test_outbox_crash_points."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import eventlet
import pytest

from shared import metrics
from shared.clock import FixedClock
from shared.clocks.digest import pack
from shared.errors import Conflict, Unavailable
from shared.history import Cause, Entry, History
from shared.messaging import outbox
from shared.messaging.outbox import OutboxRelay, Relay, build_relay
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.outbox import Ref, Ticket, Unsent
from tests.unit.shared.messaging.stage import service_settings

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GRACE = timedelta(seconds=10)


class Tickets:
    """Tickets and entries in memory; ``away`` calls fail first."""

    def __init__(self) -> None:
        self.open: dict[str, Ticket] = {}
        self.entries: list[Unsent] = []
        self.away = 0

    def close(self, ticket_ids: Sequence[str]) -> None:
        self._fail()
        for ticket_id in ticket_ids:
            self.open.pop(ticket_id, None)

    def narrow(self, ticket_id: str, refs: Sequence[Ref]) -> None:
        self.open[ticket_id] = Ticket(ticket_id, self.open[ticket_id].opened_at, tuple(refs))

    def overdue(self, before: datetime, limit: int, skip: int = 0) -> list[Ticket]:
        self._fail()
        found = sorted(
            (t for t in self.open.values() if t.opened_at < before), key=lambda ticket: ticket.opened_at
        )
        return found[skip : skip + limit]

    def unsent(self, refs: Sequence[Ref]) -> list[Unsent]:
        wanted = {ref.id: ref.from_seq for ref in refs}
        return [u for u in self.entries if u.subject in wanted and u.entry.seq >= wanted[u.subject]]

    def backlog(self) -> tuple[int, datetime | None]:
        self._fail()
        return len(self.open), min((ticket.opened_at for ticket in self.open.values()), default=None)

    def _fail(self) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("the database is away")


class Publisher:
    """Takes batches; ``fates`` by message id, confirmed unless said otherwise; ``away`` calls fail first."""

    def __init__(self) -> None:
        self.batches: list[list[Outgoing]] = []
        self.fates: dict[str, Fate] = {}
        self.away = 0
        self.beats = 0
        self.while_publishing: Callable[[], object] = lambda: None

    @property
    def ids(self) -> list[str]:
        return [message.message_id for batch in self.batches for message in batch]

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        if self.away:
            self.away -= 1
            raise Unavailable("the broker is away")
        self.while_publishing()
        self.batches.append(list(batch))
        return [self.fates.get(message.message_id, Fate.CONFIRMED) for message in batch]

    def heartbeat(self) -> None:
        self.beats += 1


class Desk:
    """A relay between tickets and a publisher, all in memory."""

    def __init__(self) -> None:
        self.tickets, self.publisher, self.clock = Tickets(), Publisher(), FixedClock(START)
        self.relay = Relay(
            "desk", self.tickets, cast("PipelinedPublisher", self.publisher), self.clock, grace=GRACE
        )

    def write(self, ticket_id: str, *names: str, entries: int = 1, hand_over: bool = True) -> list[Unsent]:
        """Open a ticket for these aggregates, record so many entries in each, and hand them over."""
        recorded = [unsent for name in names for unsent in unsent_of(name, entries)]
        refs = tuple(Ref("things", name, 1) for name in names)
        self.tickets.open[ticket_id] = Ticket(ticket_id, self.clock.now(), refs)
        self.tickets.entries += recorded
        if hand_over:
            self.relay.hand_over(ticket_id, recorded)
        return recorded


def unsent_of(name: str, entries: int = 1) -> list[Unsent]:
    history = History(name)
    for number in range(entries):
        history.append("order_placed", {"n": number}, at=START, cause=Cause("m", "a"))
    return [Unsent("plaza", name, entry) for entry in history]


@pytest.fixture
def desk() -> Desk:
    """A relay with nothing in hand."""
    return Desk()


def _value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_what_one_round_fired_goes_out_in_one_digest_and_again_as_the_same_from_a_replica(desk: Desk) -> None:
    """A storm is one message, confirmed as one; a process that dies before closing its ticket doubles none."""
    recorded = desk.write("t1", "a", "b", "c", hand_over=False)
    digested = [
        Unsent(unsent.org, unsent.subject, replace(unsent.entry, digested=True)) for unsent in recorded
    ]
    desk.tickets.entries = digested[::-1]
    desk.relay.hand_over("t1", digested)
    assert desk.relay.pump() == 3
    ((message,),) = desk.publisher.batches
    assert (message.routing_key, message.type) == ("clocks_digested", "clocks_digested")
    events = json.loads(message.body)["data"]["events"]
    assert [event["id"] for event in events] == ["a.1", "b.1", "c.1"]
    # The ticket is still open, as if the process had died here.
    desk.clock.advance(2 * GRACE)
    publisher = cast("PipelinedPublisher", desk.publisher)
    Relay("desk", desk.tickets, publisher, desk.clock, grace=GRACE).recover()
    assert desk.publisher.ids == [message.message_id] * 2
    assert desk.tickets.open == {}


def test_a_digest_no_queue_takes_keeps_its_ticket(desk: Desk) -> None:
    """All its events stay unsent until there is somebody to take them."""
    (unsent, other) = desk.write("t1", "a", "b", hand_over=False)
    digested = [
        Unsent(each.org, each.subject, replace(each.entry, digested=True)) for each in (unsent, other)
    ]
    (packed,) = pack(digested)
    desk.publisher.fates = {packed.entry.id: Fate.RETURNED}
    desk.relay.hand_over("t1", digested)
    desk.relay.pump()
    desk.relay.close_tickets()
    assert "t1" in desk.tickets.open


def test_what_is_handed_over_is_published_in_order_and_its_tickets_closed(desk: Desk) -> None:
    """Entries travel as events of the service, named by their type, with ids that never change."""
    desk.write("t1", "a", "b", entries=2)
    desk.write("t2", "c")
    assert desk.relay.pump() == 5
    assert desk.publisher.ids == ["a.1", "a.2", "b.1", "b.2", "c.1"]
    first = desk.publisher.batches[0][0]
    assert (first.exchange, first.routing_key, first.type) == ("desk.events", "order_placed", "order_placed")
    assert json.loads(first.body)["subject"] == "a"
    desk.relay.close_tickets()
    assert desk.tickets.open == {}
    assert desk.relay.idle
    assert desk.relay.pump() == 0


def test_a_batch_is_bounded_and_a_tickets_entries_stay_together(desk: Desk) -> None:
    """A ticket is closed by what one batch confirmed; a large one gets a batch of its own."""
    desk.write("t1", "a", entries=300)
    desk.write("t2", "b", entries=300)
    desk.write("t3", "c", entries=900)
    assert [desk.relay.pump() for _ in range(4)] == [300, 300, 900, 0]
    desk.relay.close_tickets()
    assert desk.tickets.open == {}


def test_small_tickets_share_a_batch(desk: Desk) -> None:
    """Many single writes cost few confirms."""
    for number in range(450):
        desk.write(f"t{number}", f"a{number}")
    assert [desk.relay.pump() for _ in range(3)] == [400, 50, 0]


def test_a_broker_that_is_away_leaves_everything_in_hand(desk: Desk) -> None:
    """Tried again, the same entries go out in the same order, once."""
    desk.write("t1", "a")
    desk.publisher.away = 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            desk.relay.pump()
    assert set(desk.tickets.open) == {"t1"}
    desk.write("t2", "b")
    assert desk.relay.pump() == 2
    assert desk.publisher.ids == ["a.1", "b.1"]


def test_tickets_of_what_was_sent_are_closed_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of the database for many; when there are many, without being asked."""
    monkeypatch.setattr(outbox, "_CLOSE_AT", 3)
    for number in (1, 2):
        desk.write(f"t{number}", f"a{number}")
        desk.relay.pump()
    assert set(desk.tickets.open) == {"t1", "t2"}
    desk.write("t3", "a3")
    desk.relay.pump()
    assert desk.tickets.open == {}


def test_a_ticket_that_could_not_be_closed_is_closed_later_and_nothing_sent_again(desk: Desk) -> None:
    """The process that sent it knows; only one that never heard of it has to send it again."""
    desk.write("t1", "a")
    desk.relay.pump()
    desk.tickets.away = 1
    with pytest.raises(Unavailable):
        desk.relay.close_tickets()
    desk.clock.advance(2 * GRACE)
    assert desk.relay.recover() == 0
    desk.relay.close_tickets()
    assert desk.publisher.ids == ["a.1"]
    assert desk.tickets.open == {}


@pytest.mark.parametrize("fate", [Fate.RETURNED, Fate.REFUSED])
def test_an_entry_the_broker_did_not_take_keeps_its_ticket_and_no_other(fate: Fate, desk: Desk) -> None:
    """It is counted, and tried again after the grace until somebody takes it."""
    before = _value("kefu_outbox_returned_total", event="order_placed")
    desk.write("t1", "a", "b")
    desk.write("t2", "c")
    desk.publisher.fates["b.1"] = fate
    desk.relay.pump()
    desk.relay.close_tickets()
    assert set(desk.tickets.open) == {"t1"}
    assert desk.relay.idle
    assert _value("kefu_outbox_returned_total", event="order_placed") == before + 1
    desk.clock.advance(2 * GRACE)
    recovered = _value("kefu_outbox_recovered_total")
    assert desk.relay.recover() == 0
    assert _value("kefu_outbox_recovered_total") == recovered
    desk.publisher.fates.clear()
    assert desk.relay.recover() == 2
    assert desk.tickets.open == {}


def test_what_was_confirmed_is_counted_by_its_type(desk: Desk) -> None:
    """Returned entries are no published ones."""
    before = _value("kefu_outbox_published_total", event="order_placed")
    desk.write("t1", "a", "b")
    desk.publisher.fates["b.1"] = Fate.RETURNED
    desk.relay.pump()
    assert _value("kefu_outbox_published_total", event="order_placed") == before + 1


def test_what_does_not_fit_into_memory_is_left_to_its_ticket(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is away for hours must not fill the process; nothing is lost by it."""
    monkeypatch.setattr(outbox, "_MAX_WAITING", 20)
    desk.relay.hand_over("t1", unsent_of("a") * 19)
    desk.write("t2", "b", "c")
    desk.write("t3", "d")
    assert desk.relay.pump() == 20
    assert desk.relay.idle
    desk.relay.close_tickets()
    assert set(desk.tickets.open) == {"t2"}
    desk.clock.advance(2 * GRACE)
    desk.relay.recover()
    assert {"b.1", "c.1"} <= set(desk.publisher.ids)
    assert desk.tickets.open == {}


def test_room_in_memory_is_free_again_once_entries_are_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on what waits, not on what ever passed."""
    monkeypatch.setattr(outbox, "_MAX_WAITING", 20)
    for number in range(3):
        desk.relay.hand_over(f"t{number}", unsent_of("a") * 15)
        assert desk.relay.pump() == 15


def test_a_ticket_in_hand_is_not_recovered_meanwhile(desk: Desk) -> None:
    """While the broker is away tickets grow old in the hands of a relay that lives: no need to do it twice."""
    desk.write("t1", "a")
    desk.clock.advance(2 * GRACE)
    assert desk.relay.recover() == 0
    assert desk.publisher.ids == []
    assert desk.relay.pump() == 1
    assert desk.publisher.ids == ["a.1"]


def test_only_tickets_older_than_the_grace_are_recovered(desk: Desk) -> None:
    """Younger ones are still their writer's."""
    desk.write("t1", "a", hand_over=False)
    desk.clock.advance(GRACE)
    assert desk.relay.recover() == 0
    desk.clock.advance(timedelta(milliseconds=1))
    assert desk.relay.recover() == 1
    assert desk.tickets.open == {}


def test_a_large_ticket_is_recovered_in_parts_and_closed_only_after_the_last(desk: Desk) -> None:
    """A part the broker did not take leaves the whole ticket."""
    desk.write("t1", "a", entries=900, hand_over=False)
    desk.clock.advance(2 * GRACE)
    desk.publisher.fates["a.850"] = Fate.REFUSED
    desk.relay.recover()
    assert [len(batch) for batch in desk.publisher.batches] == [400, 400, 100]
    assert set(desk.tickets.open) == {"t1"}
    desk.publisher.fates.clear()
    desk.relay.recover()
    assert desk.tickets.open == {}


def test_a_ticket_that_is_only_half_written_waits_for_its_other_half(desk: Desk) -> None:
    """Its writer may be slow rather than dead; what is there goes out once, the rest when it comes."""
    desk.write("t1", "a", hand_over=False)
    desk.tickets.open["t1"] = Ticket("t1", START, (Ref("things", "a", 1), Ref("things", "b", 1)))
    desk.clock.advance(2 * GRACE)
    desk.relay.recover()
    desk.relay.recover()
    assert desk.publisher.ids == ["a.1"]
    assert set(desk.tickets.open) == {"t1"}
    desk.tickets.entries += unsent_of("b")
    desk.relay.recover()
    assert desk.publisher.ids == ["a.1", "b.1"]
    assert desk.tickets.open == {}


def test_a_ticket_whose_write_never_came_is_given_up_after_an_hour_and_not_before(desk: Desk) -> None:
    """Its writer may have been stopped between ticket and write, and may wake up."""
    desk.tickets.open["t1"] = Ticket("t1", START, (Ref("things", "never", 1),))
    desk.clock.advance(timedelta(hours=1))
    desk.relay.recover()
    assert set(desk.tickets.open) == {"t1"}
    desk.clock.advance(timedelta(milliseconds=1))
    desk.relay.recover()
    assert desk.tickets.open == {}
    assert desk.publisher.ids == []


def test_the_same_entry_under_two_tickets_is_published_once_and_closes_both(desk: Desk) -> None:
    """A slow writer opens its ticket again; one confirmation speaks for both."""
    entries = desk.write("t1", "a")
    desk.write("t2", "b")
    desk.relay.hand_over("t2", entries)
    desk.relay.pump()
    desk.relay.close_tickets()
    assert desk.publisher.ids == ["a.1", "b.1"]
    assert desk.tickets.open == {}


def test_what_is_handed_over_while_publishing_waits_for_the_next_round(desk: Desk) -> None:
    """Workers write on while the relay waits for the broker."""
    desk.write("t1", "a")

    def meanwhile() -> None:
        desk.publisher.while_publishing = lambda: None
        desk.write("t2", "b")

    desk.publisher.while_publishing = meanwhile
    assert [desk.relay.pump(), desk.relay.pump()] == [1, 1]
    assert desk.publisher.ids == ["a.1", "b.1"]


def test_handing_over_wakes_the_relay(desk: Desk) -> None:
    """An event goes out at once, not at the next look."""
    eventlet.spawn_n(desk.write, "t1", "a")
    desk.relay.wait(60.0)
    assert not desk.relay.idle
    desk.relay.wait(60.0)
    assert desk.relay.pump() == 1
    desk.relay.wait(0.001)
    assert desk.relay.idle


def test_the_backlog_is_shown_by_number_and_age(desk: Desk) -> None:
    """That is how somebody notices that nothing gets out."""
    desk.relay.measure()
    assert _value("kefu_outbox_open_tickets") == 0
    assert _value("kefu_outbox_oldest_ticket_seconds") == 0
    desk.write("t1", "a")
    desk.clock.advance(timedelta(seconds=90))
    desk.relay.measure()
    assert _value("kefu_outbox_open_tickets") == 1
    assert _value("kefu_outbox_oldest_ticket_seconds") == 90
    desk.clock.set(START - timedelta(seconds=5))
    desk.relay.measure()
    assert _value("kefu_outbox_oldest_ticket_seconds") == 0


class Stage:
    """The relay's thread with time of its own: sleeping and waiting pass it on; ``at`` does things then."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk, self.now, self.slept = desk, 0.0, list[float]()
        self.stop_at = 60.0
        self.at: list[tuple[float, Callable[[], object]]] = []
        monkeypatch.setattr(desk.relay, "wait", self._pass)
        hub = SimpleNamespace(clock=lambda: self.now)
        fake = SimpleNamespace(hubs=SimpleNamespace(get_hub=lambda: hub), sleep=self._sleep)
        monkeypatch.setattr(outbox, "eventlet", fake)
        container = SimpleNamespace(
            config={"settings": service_settings(outbox_grace=10.0), "relay": desk.relay},
            shared_extensions={},
            spawn_managed_thread=lambda run, **_: run(),
        )
        self.provider: Any = OutboxRelay()
        self.provider.container = container

    def run(self) -> None:
        self.provider.setup()
        assert self.provider.get_dependency(None) is self.desk.relay
        self.provider.start()
        assert self.provider._stopped.ready()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.desk.clock.advance(timedelta(seconds=seconds))
        due = [step for step in self.at if step[0] <= self.now]
        self.at = [step for step in self.at if step[0] > self.now]
        for _, do in due:
            do()
        if self.now >= self.stop_at:
            self.provider.kill()


def test_the_thread_publishes_what_comes_and_recovers_what_was_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both without anybody's doing, for as long as the service lives."""
    stage = Stage(desk, monkeypatch)
    desk.write("left", "a", hand_over=False)
    stage.at = [(30.0, lambda: desk.write("new", "b"))]
    stage.run()
    assert desk.publisher.ids == ["a.1", "b.1"]
    assert desk.tickets.open == {}


def test_while_the_broker_is_away_the_age_of_the_backlog_is_still_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert on it is the way to learn that nothing gets out, so it must not stand still just then."""
    stage = Stage(desk, monkeypatch)
    desk.write("t1", "a")
    desk.publisher.away = 1_000
    stage.run()
    assert stage.slept
    assert _value("kefu_outbox_oldest_ticket_seconds") >= 50
    assert set(desk.tickets.open) == {"t1"}


def test_a_database_that_is_away_does_not_keep_entries_in_hand_from_going_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were written; whoever waits for them need not wait for the database."""
    stage = Stage(desk, monkeypatch)
    desk.tickets.away = 1_000
    desk.relay.hand_over("t1", unsent_of("a"))
    stage.run()
    assert desk.publisher.ids[0] == "a.1"


def test_the_connection_is_kept_alive_while_nothing_happens(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a quiet night the first event goes out at once instead of into a dead connection."""
    Stage(desk, monkeypatch).run()
    assert 10 <= desk.publisher.beats <= 15


def test_stopping_sends_what_is_in_hand(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of the last writes go out before the process ends."""
    stage = Stage(desk, monkeypatch)
    stage.stop_at = 10.0
    stage.at = [(10.0, lambda: desk.write("t1", "a"))]
    stage.run()
    assert desk.publisher.ids == ["a.1"]
    assert desk.tickets.open == {}


def test_stopping_does_not_wait_for_a_broker_that_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be sent stays with its ticket, for whoever starts next."""
    stage = Stage(desk, monkeypatch)
    stage.stop_at = 10.0
    desk.write("t1", "a")
    desk.publisher.away = 1_000
    stage.run()
    assert stage.now < 15.0
    assert set(desk.tickets.open) == {"t1"}


def test_an_error_of_our_own_does_not_end_the_thread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the relay goes on."""
    stage = Stage(desk, monkeypatch)
    failures = iter([Conflict("odd")])
    original = desk.relay.pump

    def pump() -> int:
        for failure in failures:
            raise failure
        return original()

    monkeypatch.setattr(desk.relay, "pump", pump)
    desk.write("t1", "a")
    stage.run()
    assert desk.publisher.ids == ["a.1"]


def test_a_services_relay_is_built_from_its_settings() -> None:
    """Exchange, broker and grace are the settings', not constants."""
    relay = build_relay(service_settings(outbox_grace=3.0), Tickets(), FixedClock(START))
    assert (relay._exchange, relay._grace) == ("desk.events", timedelta(seconds=3))
    assert isinstance(relay._publisher, PipelinedPublisher)


def test_an_entry_reads_back_as_it_was_written() -> None:
    """What is recovered from the database is published exactly as it would have been."""
    (unsent,) = unsent_of("a")
    assert Entry.from_document(unsent.entry.as_document()) == unsent.entry
