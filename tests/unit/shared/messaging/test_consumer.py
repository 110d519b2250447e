from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nameko.exceptions import ContainerBeingKilled

from shared import metrics
from shared.errors import Conflict, NotFound, Unavailable, ValidationFailed
from shared.messaging import consumer
from shared.messaging.consumer import EventBatches, event_batches, subscriptions_of
from shared.messaging.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    SENDER_HEADER,
    TIME_HEADER,
    Delivery,
    Outcome,
)
from shared.messaging.publisher import Fate
from shared.messaging.topology import Subscription
from tests.unit.shared.messaging.stage import Message, Stage, name_of


def _messages(names: str) -> list[Message]:
    return [Message(name) for name in names]


def _nothing(_batch: list[Delivery]) -> None:
    """Handle everything without a word."""


def _raising(**faults: Exception) -> Callable[[list[Delivery]], None]:
    """Return a handler that raises for the first message of these names in its batch."""

    def handle(batch: list[Delivery]) -> None:
        for delivery in batch:
            if name_of(delivery) in faults:
                raise faults[name_of(delivery)]

    return handle


def _away(times: int) -> Callable[[list[Delivery]], None]:
    """Return a handler whose database is away for its first calls."""
    left = iter(range(times))

    def handle(_batch: list[Delivery]) -> None:
        if next(left, None) is not None:
            raise Unavailable("the database is away")

    return handle


def test_a_batch_that_goes_well_is_handled_once_and_acknowledged_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One call, one acknowledgement; nothing is published."""
    stage = Stage(_messages("abc"), _nothing).run(monkeypatch)
    assert stage.journal[:2] == [("handle", "a", "b", "c"), ("ack", "a", "b", "c")]
    assert stage.copies == []


def test_a_batch_holds_no_more_than_its_size_and_no_fewer_than_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Full batches while there is much, small ones at once when it is quiet; order is kept."""
    stage = Stage(_messages("abcdefgh"), _nothing).run(monkeypatch)
    assert stage.handled() == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]
    assert stage.acknowledged() == [*"abcdefgh"]
    assert stage.prefetch == 6


def test_how_old_events_are_when_they_have_been_handled_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator is woken by: not how many wait, but how long. Without a word of when, nothing is guessed."""

    def value(kind: str) -> float:
        labels = {"source": "shop"}
        return metrics.REGISTRY.get_sample_value(f"kefu_event_{kind}", labels) or 0.0

    before = {kind: value(kind) for kind in ("age_seconds_count", "age_seconds_sum", "handle_seconds_count")}
    hour_old = {"application_headers": {TIME_HEADER: time.time() - 3600}}
    Stage([Message("a", properties=hour_old), Message("b")], _nothing).run(monkeypatch)
    assert value("age_seconds_count") - before["age_seconds_count"] == 1
    assert 3600 <= value("age_seconds_sum") - before["age_seconds_sum"] < 3700
    assert value("handle_seconds_count") - before["handle_seconds_count"] == 1


def test_a_batch_that_fails_is_split_and_only_the_message_at_fault_suffers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its neighbours are handled as if it had not been there; every tag is acknowledged once, in order."""
    stage = Stage(_messages("abc"), _raising(b=ValueError())).run(monkeypatch)
    assert stage.handled() == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert [(copy.body, copy.exchange) for copy in stage.copies] == [(b"b", "retry.1000")]
    assert stage.acknowledged() == ["a", "b", "c"]


def test_what_arrived_meanwhile_waits_until_the_split_batch_is_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One acknowledgement covers all before it, so nobody may overtake."""
    stage = Stage(_messages("abcdef"), _raising(c=ValueError())).run(monkeypatch)
    assert stage.handled() == [["a", "b", "c"], ["a"], ["b"], ["c"], ["d", "e", "f"]]
    assert stage.acknowledged() == [*"abcdef"]


@pytest.mark.parametrize(
    ("error", "exchange", "reason"),
    [
        (NotFound("no such order"), "dead-letters", "NotFound: no such order"),
        (ValidationFailed("wrong"), "dead-letters", "ValidationFailed: wrong"),
        (Conflict("changed"), "retry.1000", None),
        (KeyError("13800000001"), "retry.1000", None),
    ],
)
def test_a_permanent_error_makes_a_dead_letter_at_once_and_a_transient_one_waits(
    error: Exception, exchange: str, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind of the error decides; a foreign error's text is never copied."""
    stage = Stage(_messages("a"), _raising(a=error)).run(monkeypatch)
    (copy,) = stage.copies
    assert (copy.exchange, copy.routing_key, copy.headers.get(REASON_HEADER)) == (
        exchange,
        "evt-shop--desk",
        reason,
    )
    assert "13800000001" not in str(copy.headers)


def test_nothing_is_acknowledged_before_its_failure_is_safe_in_its_new_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A crash between the two repeats the message; the other way round would lose it."""

    def handle(batch: list[Delivery]) -> None:
        batch[1].dead("never")
        batch[2].retry("not yet")

    stage = Stage(_messages("abc"), handle).run(monkeypatch)
    assert stage.journal[:3] == [("handle", "a", "b", "c"), ("copy", "b", "c"), ("ack", "a", "b", "c")]


@pytest.mark.parametrize("fate", [Fate.RETURNED, Fate.REFUSED])
def test_a_copy_that_was_not_taken_holds_the_whole_batch(fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the messages that went well: one acknowledgement covers all."""
    stage = Stage(_messages("ab"), lambda batch: batch[0].dead("never"))
    stage.fates["a"] = fate
    stage.run(monkeypatch)
    assert [step for step in stage.journal if step[0] in {"copy", "ack", "handle"}] == [
        ("handle", "a", "b"),
        ("copy", "a"),
        ("handle", "a", "b"),
        ("copy", "a"),
        ("ack", "a", "b"),
    ]


def test_a_database_that_is_away_holds_the_queue_and_counts_as_no_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same whole batch again and again, nothing acknowledged, nothing published, until it goes through."""
    stage = Stage(_messages("abcd"), _away(9)).run(monkeypatch)
    assert stage.handled() == [["a", "b", "c"]] * 10 + [["d"]]
    assert stage.copies == []
    assert stage.acknowledged() == [*"abcd"]


def test_the_pause_while_something_is_away_grows_to_a_bound_and_starts_small_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither a hot loop nor minutes of standing still after all is well again."""
    moments: dict[str, list[float]] = {"a": [], "b": []}

    def handle(batch: list[Delivery]) -> None:
        tries = moments[name_of(batch[0])]
        tries.append(stage.now)
        if len(tries) <= 8:
            raise Unavailable("the database is away")

    stage = Stage(_messages("ab"), handle, batch_size=1)
    stage.run(monkeypatch)
    for tries in moments.values():
        pauses = [after - before for before, after in pairwise(tries)]
        assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], abs=0.05)


def test_a_broker_that_does_not_take_copies_counts_as_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is back the message is tried once more, and its copy says attempt one."""
    stage = Stage(_messages("a"), _raising(a=ValueError()))
    stage.publisher_away = 3
    stage.run(monkeypatch)
    assert stage.handled() == [["a"]] * 4
    assert [copy.headers[ATTEMPT_HEADER] for copy in stage.copies] == [1]


def test_what_a_handler_said_of_a_batch_that_then_failed_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Handled alone, each message is judged afresh."""

    def handle(batch: list[Delivery]) -> None:
        assert all(delivery.outcome is Outcome.DONE for delivery in batch)
        if len(batch) > 1:
            batch[0].dead("wrongly")
            raise ValueError

    stage = Stage(_messages("ab"), handle).run(monkeypatch)
    assert stage.copies == []
    assert stage.acknowledged() == ["a", "b"]


def test_a_lost_connection_forgets_the_batch_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker gives it to somebody again, so what the worker still finishes is not acknowledged here."""
    stage = Stage(_messages("ab"), _nothing)

    def lose_while_working() -> None:
        assert stage.worker is not None
        raise ConnectionResetError

    stage.at[4] = lose_while_working
    stage.on_sleep = stage.finish_worker
    stage.run(monkeypatch)
    assert stage.handled() == [["a", "b"], ["a", "b"]]
    assert stage.acknowledged() == ["a", "b"]


def test_a_worker_left_over_from_a_lost_connection_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same messages are never in two hands of one process: the two would only fight over versions."""
    stage = Stage(_messages("a"), _nothing, batch_size=1)
    stage.at[2] = _lose
    stage.run(monkeypatch)
    assert stage.handled() == [["a"], ["a"]]
    assert stage.acknowledged() == ["a"]


def test_a_lost_connection_forgets_what_was_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags of a lost connection mean other messages on the next: acknowledging by them would lose some."""
    stage = Stage(_messages("abcdef"), _raising(b=ValueError()))
    stage.at[8] = _lose
    stage.run(monkeypatch)
    assert stage.acknowledged() == [*"abcdef"]


def test_a_failure_that_was_copied_just_before_the_connection_broke_is_copied_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twice rather than not at all: consumers know repeats."""
    stage = Stage(_messages("a"), _raising(a=NotFound("no such order")))
    stage.acks_broken = 1
    stage.run(monkeypatch)
    assert [copy.exchange for copy in stage.copies] == ["dead-letters", "dead-letters"]
    assert stage.acknowledged() == ["a"]


def test_a_broker_that_is_away_is_asked_again_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness says so meanwhile, from the first moment on."""
    stage = Stage(_messages("a"), _nothing)
    stage.connections_refused = 3
    stage.at[5] = _lose
    seen: list[bool] = []
    stage.on_sleep = lambda: seen.append(stage.health.ready())
    ready_while_looking: list[bool] = []
    stage.at[1] = lambda: ready_while_looking.append(stage.health.ready())
    stage.run(monkeypatch)
    assert ready_while_looking == [True]
    assert seen
    assert not any(seen)
    assert not stage.health.ready()
    assert stage.acknowledged() == ["a"]


def _lose() -> None:
    raise ConnectionResetError


def test_stopping_finishes_the_batch_in_hand_and_gives_the_rest_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handled is acknowledged; what was only fetched goes to another replica."""
    stage = Stage(_messages("abcdef"), _nothing)

    def stop_while_working() -> None:
        assert stage.worker is not None
        stage.stop()

    stage.at[4] = stop_while_working
    stage.run(monkeypatch)
    assert stage.handled() == [["a", "b", "c"]]
    assert stage.acknowledged() == ["a", "b", "c"]
    assert [message.name for message in stage.ready] == ["d", "e", "f"]
    assert stage.journal[-1] == ("publisher closed",)


def test_stopping_finishes_a_split_batch_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch in hand is still in hand when it is handled message by message."""
    stage = Stage(_messages("abcdef"), _raising(b=NotFound("no such order")))

    def stop_while_working() -> None:
        assert stage.worker is not None
        stage.stop()

    stage.at[4] = stop_while_working
    stage.run(monkeypatch)
    assert stage.handled() == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert [copy.body for copy in stage.copies] == [b"b"]
    assert stage.acknowledged() == ["a", "b", "c"]


def test_stopping_does_not_wait_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be finished goes back to the broker."""
    stage = Stage(_messages("ab"), _away(1_000_000))
    stage.at[40] = stage.stop
    stage.run(monkeypatch)
    assert stage.looks < 60
    assert stage.acknowledged() == []
    assert [message.name for message in stage.ready] == ["a", "b"]


def test_a_container_that_is_being_killed_takes_nothing_and_acknowledges_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it fetched comes again elsewhere."""
    stage = Stage(_messages("abcdef"), _nothing)
    stage.container.refuse = ContainerBeingKilled
    stage.at[20] = stage.stop
    stage.run(monkeypatch)
    assert stage.acknowledged() == []
    assert len(stage.ready) == 6


def test_what_a_publisher_writes_into_our_headers_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler sees the user the broker vouches for; a copy of our own tells the original's."""
    seen: dict[str, tuple[str | None, int]] = {}

    def handle(batch: list[Delivery]) -> None:
        seen.update({name_of(delivery): (delivery.user_id, delivery.attempt) for delivery in batch})

    headers = {SENDER_HEADER: "pub-bank", ATTEMPT_HEADER: 1, "x-kefu-routing-key": "order.placed"}
    stage = Stage(
        [
            Message("forged", properties={"application_headers": headers}),
            Message("nameless", properties={"application_headers": headers, "user_id": None}),
            Message("copy", properties={"application_headers": headers, "user_id": "desk"}),
            Message("replayed", properties={"application_headers": headers, "user_id": "operator"}),
        ],
        handle,
    )
    stage.run(monkeypatch)
    assert seen == {
        "forged": ("pub-shop", 1),
        "nameless": (None, 1),
        "copy": ("pub-bank", 2),
        "replayed": ("pub-bank", 2),
    }


@pytest.mark.parametrize(
    "properties",
    [
        {"application_headers": {"compression": "application/x-gzip"}},
        {"application_headers": {"compression": "no such thing"}},
        {"content_encoding": "no-such-encoding"},
        {"content_encoding": "utf-16"},
        {"content_type": None},
        {"application_headers": {ATTEMPT_HEADER: -5}},
    ],
    ids=str,
)
def test_a_body_arrives_as_it_was_sent_whatever_its_properties_claim(
    properties: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is unpacked or decoded on anybody's word, so nobody's claim can end the process."""
    seen: list[bytes] = []

    def handle(batch: list[Delivery]) -> None:
        seen.extend(delivery.body for delivery in batch)
        raise ValueError

    stage = Stage([Message("a", b"\xff\xfe{}", properties), Message("b", "", properties)], handle)
    stage.run(monkeypatch)
    assert set(seen) == {b"\xff\xfe{}", b""}
    assert [copy.body for copy in stage.copies] == [b"\xff\xfe{}", b""]
    assert stage.auto_decode is False


def test_a_message_the_library_cannot_read_costs_a_connection_and_not_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given out again and again it reaches the broker's delivery limit and becomes a dead letter there."""
    stage = Stage(_messages("ab"), _nothing)

    def unreadable() -> None:
        raise ValueError("year 292277026596 is out of range")

    stage.at[2] = unreadable
    stage.run(monkeypatch)
    assert stage.acknowledged() == ["a", "b"]
    assert sum(stage.slept) == pytest.approx(1.0, abs=0.15)


def test_both_connections_are_kept_alive_while_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection nobody speaks on is closed by the broker, and the next failure would find it dead."""
    stage = Stage([], _nothing)
    stage.at = {look: lambda: setattr(stage, "now", stage.now + 1.0) for look in range(1, 31)}
    stage.run(monkeypatch)
    assert stage.heartbeats == stage.journal.count(("publisher heartbeat",)) == 6


def test_a_service_is_asked_what_it_subscribes_to() -> None:
    """The topology is made from the entry points, so the two cannot differ."""

    class Service:
        name = "desk"

        @event_batches("shop", types=("order.placed", "order.paid"))
        def take_orders(self, batch: list[Delivery]) -> None: ...

        @event_batches("crm", types=["#"])
        def take_customers(self, batch: list[Delivery]) -> None: ...

        def other(self) -> None: ...

    assert subscriptions_of(Service) == (
        Subscription("desk", "crm", ("#",)),
        Subscription("desk", "shop", ("order.placed", "order.paid")),
    )
    stage = Stage([], _nothing)
    assert stage.entry.subscription == Subscription("desk", "shop", ("order.placed",))
    assert isinstance(stage.entry, EventBatches)


FATES = ["ok", "duplicate", "retry", "dead", "permanent", "conflict", "foreign"]
STORIES = st.fixed_dictionaries(
    {
        "fates": st.lists(st.sampled_from(FATES), min_size=1, max_size=9),
        "batch_size": st.integers(1, 4),
        "away": st.sets(st.integers(1, 15), max_size=3),
        "publisher_away": st.integers(0, 2),
        "lost": st.sets(st.integers(1, 25), max_size=2),
    }
)


class _Model:
    """A handler whose messages meet the fates of a story, and what must hold whenever one is acknowledged."""

    def __init__(self, story: dict[str, Any]) -> None:
        self.fates = {chr(ord("a") + number): fate for number, fate in enumerate(story["fates"])}
        self.away: set[int] = story["away"]
        self.calls = 0
        self.stage = Stage([Message(name) for name in self.fates], self, batch_size=story["batch_size"])
        self.stage.publisher_away = story["publisher_away"]
        self.stage.at = dict.fromkeys(story["lost"], _lose)
        self.applied: Counter[str] = Counter()

    def __call__(self, batch: list[Delivery]) -> None:
        self.calls += 1
        if self.calls in self.away:
            raise Unavailable("the database is away")
        assert all(delivery.outcome is Outcome.DONE and delivery.attempt == 1 for delivery in batch)
        errors = {"permanent": NotFound("x"), "conflict": Conflict("x"), "foreign": KeyError("x")}
        for delivery in batch:
            fate = self.fates[name_of(delivery)]
            if fate in errors:
                raise errors[fate]
            if fate != "ok":
                getattr(delivery, fate)(*(() if fate == "duplicate" else ("why",)))
        self.applied.update(name_of(delivery) for delivery in batch)

    def check(self) -> None:
        done: set[str] = set()
        copied: set[str] = set()
        for what, *names in self.stage.journal:
            if what == "copy":
                copied.update(names)
            if what == "ack":
                for name in names:
                    assert name not in done, "acknowledged twice"
                    if self.fates[name] in {"ok", "duplicate"}:
                        assert self.applied[name]
                    else:
                        assert name in copied, "acknowledged before its copy was safe"
                done.update(names)
        assert done == set(self.fates), "every message is acknowledged in the end"
        places = {"dead": "dead-letters", "permanent": "dead-letters"}
        for copy in self.stage.copies:
            fate = self.fates[copy.body.decode()]
            assert fate not in {"ok", "duplicate"}, "a message that went well was copied"
            assert copy.exchange == places.get(fate, "retry.1000")


@settings(max_examples=60)
@given(STORIES)
def test_in_any_story_each_message_is_acknowledged_once_and_only_when_it_is_safe(
    story: dict[str, Any],
) -> None:
    """Whatever fails in whatever order: handlers, database, broker, connection."""
    model = _Model(story)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consumer, "log", Mock())
        model.stage.run(patch)
    model.check()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test of this module may write a body or an address into the log."""
    yield
    assert "13800000001" not in caplog.text
