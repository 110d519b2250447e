from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from amqp.exceptions import AccessRefused, ConnectionForced
from hypothesis import given
from hypothesis import strategies as st

from kefu_publisher import Event, NotRouted, Publisher, Refused, Retry, Unreachable
from kefu_publisher.link import Address, Fate, Message
from tests.unit.client.made import event

URL = "amqp://pub-hotline:secret@127.0.0.1:5672/kefu"
LOST = "lost"

#: What a connection does with one message: tell its fate, or be lost.
Step = Fate | Exception


@dataclass
class Broker:
    """Links whose messages meet ``script`` one after the other; afterwards every message is confirmed."""

    script: list[Step] = field(default_factory=list)
    unreachable: int = 0
    taken: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    def connect(self) -> Broker:
        if self.unreachable:
            self.unreachable -= 1
            raise ConnectionRefusedError("refused")
        self.opened += 1
        return self

    def publish(self, batch: Sequence[Message], settled: Callable[[int, Fate], None]) -> None:
        self.batches.append(len(batch))
        for place, message in enumerate(batch):
            step = self.script.pop(0) if self.script else Fate.CONFIRMED
            if isinstance(step, Exception):
                # The worst case: the message was taken, its confirm was lost.
                self.taken.append(message.message_id)
                raise step
            if step is Fate.CONFIRMED:
                self.taken.append(message.message_id)
            settled(place, step)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def read(self) -> float:
        return self.now


def publisher(broker: Broker, time: Time, retry: Retry | None = None, in_flight: int = 3) -> Publisher:
    return Publisher(
        URL, retry=retry, in_flight=in_flight, sleep=time.sleep, clock=time.read, connect=broker.connect
    )


def several(count: int) -> list[Event]:
    return [replace(event(), id=f"hl-{number}") for number in range(count)]


def lost() -> Exception:
    error: Exception = ConnectionForced("broker forced connection closure")
    return error


def test_after_a_lost_connection_the_same_event_is_sent_again_under_its_id() -> None:
    """The broker may have taken it: only the same id lets Kefu know the repeat."""
    broker, time = Broker([lost()]), Time()
    with publisher(broker, time) as sending:
        sending.publish(event())
    assert len(broker.taken) == 2
    assert len(set(broker.taken)) == 1
    assert (broker.opened, broker.closed) == (2, 2)
    assert time.slept == [0.1]


def test_only_what_was_not_confirmed_is_sent_again() -> None:
    """A repeat costs the broker and intake work; those confirmed are done."""
    broker, time = Broker([Fate.CONFIRMED, lost()]), Time()
    with publisher(broker, time) as sending:
        assert sending.publish_many(several(3)) == 3
    assert broker.batches == [3, 2]


def test_pauses_grow_up_to_the_longest_and_the_attempts_end() -> None:
    """A broker that comes back is not stormed, and a caller is not held for ever."""
    broker, time = Broker(unreachable=100), Time()
    retry = Retry(attempts=5, first_pause=1, factor=3, longest_pause=5)
    with pytest.raises(Unreachable) as told, publisher(broker, time, retry) as sending:
        sending.publish(event())
    assert time.slept == [1, 3, 5, 5]
    assert told.value.unpublished == ("hl-1",)
    assert "refused" in str(told.value)


def test_no_attempt_is_begun_after_the_time_given() -> None:
    """The bound in seconds holds also where attempts are left."""
    broker, time = Broker(unreachable=100), Time()
    retry = Retry(attempts=50, first_pause=4, factor=1, longest_pause=4, give_up_after=10)
    with pytest.raises(Unreachable), publisher(broker, time, retry) as sending:
        sending.publish(event())
    assert time.slept == [4, 4]


def test_a_full_queue_is_tried_again_and_then_told_as_refused() -> None:
    """A queue drains; if it does not, the caller hears what to do."""
    retry = Retry(attempts=2)
    broker, time = Broker([Fate.REFUSED]), Time()
    with publisher(broker, time, retry) as sending:
        sending.publish(event())
    assert len(broker.taken) == 1
    with (
        pytest.raises(Refused, match="full"),
        publisher(Broker([Fate.REFUSED] * 2), Time(), retry) as sending,
    ):
        sending.publish(event())


def test_what_nobody_takes_is_told_at_once() -> None:
    """No attempt mends a missing queue, and nothing is dropped in silence."""
    broker, time = Broker([Fate.CONFIRMED, Fate.RETURNED]), Time()
    with pytest.raises(NotRouted) as told, publisher(broker, time) as sending:
        sending.publish_many(several(3))
    assert told.value.unpublished == ("hl-1",)
    assert time.slept == []


def test_a_wrong_password_or_right_is_told_at_once_in_the_brokers_words() -> None:
    """Trying again would only lock the account."""
    broker, time = Broker([AccessRefused("no access to this vhost")]), Time()
    with pytest.raises(Refused, match="no access to this vhost"), publisher(broker, time) as sending:
        sending.publish(event())
    assert time.slept == []


def test_many_events_are_sent_in_batches_and_taken_only_as_they_are_needed() -> None:
    """A caller may hand over a generator as long as a table."""
    broker, time = Broker(), Time()
    with publisher(broker, time, in_flight=3) as sending:
        assert sending.publish_many(iter(several(8))) == 8
        assert sending.publish_many(()) == 0
    assert broker.batches == [3, 3, 2]
    assert broker.opened == 1


def test_an_event_that_is_interrupted_leaves_no_confirm_for_the_next() -> None:
    """Whoever stops in the middle and goes on is not told of another event's confirm."""

    class Interrupted(Broker):
        def publish(self, batch: Sequence[Message], settled: Callable[[int, Fate], None]) -> None:
            if self.opened == 1:
                raise KeyboardInterrupt
            super().publish(batch, settled)

    broker = Interrupted()
    sending = publisher(broker, Time())
    with pytest.raises(KeyboardInterrupt):
        sending.publish(event())
    sending.publish(event())
    assert (broker.opened, broker.closed) == (2, 1)


def test_a_connection_long_unused_is_opened_anew() -> None:
    """What stands between may have forgotten it, and would swallow the event until the confirm's time is up."""
    broker, time = Broker(), Time()
    with publisher(broker, time) as sending:
        sending.publish(event())
        time.now += 29
        sending.publish(event())
        time.now += 31
        sending.publish(event())
    assert broker.opened == 2


FATES = st.sampled_from([Fate.CONFIRMED, Fate.REFUSED, Fate.RETURNED, LOST])


@given(st.lists(FATES, max_size=12), st.integers(0, 6), st.integers(1, 4))
def test_every_event_is_either_taken_or_told(
    script: Iterable[str | Fate], count: int, in_flight: int
) -> None:
    """Whatever the broker does, an event that is not named as unpublished was taken."""
    steps: list[Step] = [step if isinstance(step, Fate) else lost() for step in script]
    broker, events = Broker(steps), several(count)
    asked = iter(events)
    unpublished: tuple[str, ...] = ()
    with publisher(broker, Time(), Retry(attempts=3), in_flight) as sending:
        try:
            assert sending.publish_many(asked) == count
        except (Refused, NotRouted, Unreachable) as error:
            unpublished = error.unpublished
            assert unpublished
    told = {*unpublished, *(each.id for each in asked)}
    taken = Broker()
    with publisher(taken, Time(), in_flight=100) as sending:
        sending.publish_many(each for each in events if each.id not in told)
    assert set(taken.taken) <= set(broker.taken)


def test_two_sources_may_use_the_same_id_in_one_batch() -> None:
    """Only id and source together make an event unique, also where the broker gives one back."""
    broker = Broker()
    with publisher(broker, Time()) as sending:
        sending.publish_many([event(), replace(event(), source="/crm")])
    assert len(set(broker.taken)) == 2


def test_a_url_is_read_with_its_escapes() -> None:
    """Passwords and virtual hosts may hold any character."""
    address = Address.of("amqps://pub-x:p%2Fw%40@broker.example/a%2Fb")
    assert address == Address("broker.example", 5671, "pub-x", "p/w@", "a/b", tls=True)


@pytest.mark.parametrize(
    "url", ["http://x:secret@h/v", "amqp://:secret@h", "amqp:///v", "amqp://x:secret#@h/v"]
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    """Errors end up in logs."""
    with pytest.raises(ValueError, match="form") as refused:
        Publisher(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("retry", [{"attempts": 0}, {"factor": 0.5}, {"first_pause": -1}])
def test_a_retry_that_makes_no_sense_is_refused(retry: dict[str, float]) -> None:
    """A mistake in a setting shows at the start, not when the broker is away."""
    with pytest.raises(ValueError, match="retry"):
        Retry(**retry)  # type: ignore[arg-type]
