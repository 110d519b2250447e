from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.callback import State
from shared.errors import Unavailable
from tests.unit.followup.fakes import FakeDelivery, World, attempted, closed, event, reopened, replied


@pytest.mark.rule("B-PRO-12")
def test_every_valid_complaint_of_an_estate_gets_its_callback(world: World) -> None:
    """100 % of valid complaints are called back, whatever the case itself needs to close."""
    world.tell(
        *(replied(f"cs_{number}", needs_callback=bool(number % 2)) for number in range(41)),
        *(replied(f"invalid_{number}", valid=False, needs_callback=False) for number in range(3)),
    )
    called = {callback.case_id for callback in world.repository.all_callbacks()}
    assert called == {f"cs_{number}" for number in range(41)}


@pytest.mark.rule("B-MBY-18")
def test_an_online_store_calls_every_complainant_back_whether_or_not_the_complaint_stands(
    world: World,
) -> None:
    """The handbook says complainants, not valid complaints."""
    world.tell(replied(org="shop-demo", valid=False, needs_callback=False))
    assert [callback.rule for callback in world.repository.all_callbacks()] == ["complaint"]


def test_the_time_to_call_back_is_counted_in_the_organisations_working_days(world: World) -> None:
    """Two working days from the next day, to the end of the day: a Monday's reply is due by Wednesday's end."""
    world.tell(replied())
    (callback,) = world.repository.all_callbacks()
    assert callback.due_at == datetime(2026, 11, 18, 16, 0, tzinfo=UTC)
    assert callback.deadline is not None
    assert callback.deadline.source == "organisation"
    (entry,) = callback.history
    assert entry.type == "callback_scheduled"
    assert entry.data == {
        "callback_id": callback.id,
        "case_id": "cs_1",
        "customer_id": "cu_cs_1",
        "rule": "complaint",
        "round": 1,
        "due_at": "2026-11-18T16:00:00.000Z",
        "provisional": False,
        "about": "case",
        "reference": "cs_1",
        "occasion": None,
        "level": 1,
        "permitted_from": "2026-11-16T02:00:00.000Z",
    }


def test_where_no_rule_gives_a_time_the_callback_has_none(world: World) -> None:
    """A value the source does not give stays empty: nothing is borrowed from another profile."""
    world.tell(replied(org="retail-demo", needs_callback=False))
    (callback,) = world.repository.all_callbacks()
    assert callback.deadline is None
    assert next(iter(callback.history)).data["due_at"] is None


def test_a_case_that_cannot_close_without_a_callback_gets_one_even_where_no_rule_demands_it(
    world: World,
) -> None:
    """Otherwise it would wait for ever; the time given for other cases is not lent to it."""
    world.tell(replied(valid=False, needs_callback=True))
    (callback,) = world.repository.all_callbacks()
    assert (callback.rule, callback.deadline) == ("complaint", None)


def test_a_repeat_of_the_same_event_changes_nothing(world: World) -> None:
    """At-least-once transport, effectively-once effect, within a batch and across batches."""
    first = world.tell(replied(), replied())
    writes = world.repository.writes
    again = world.tell(replied())
    assert [delivery.outcome for delivery in [*first, *again]] == ["done", "duplicate", "duplicate"]
    assert world.repository.writes == writes
    assert len(world.repository.all_callbacks()) == 1


@pytest.mark.rule("B-JKC-52")
def test_an_unreachable_customer_is_sent_the_message_at_once_and_only_once(world: World) -> None:
    """The greeting SMS goes out when the call was not answered; a repeat of the event sends no second one."""
    outcomes = [delivery.outcome for delivery in world.tell(attempted(), attempted())]
    world.tell(attempted(number=2, message=None, outcome="reached"))
    assert outcomes == ["done", "duplicate"]
    (message,) = world.repository.all_messages()
    (entry,) = message.history
    assert entry.type == "message_requested"
    assert entry.data == {
        "message_id": message.id,
        "template": "first_contact_sms",
        "template_source": "B-JKC-53",
        "case_id": "cs_1",
        "contact_id": "ct_cs_1",
        "customer_id": "cu_cs_1",
        "variables": {"sender": "云桥商业广场（演示）"},
        "campaign_id": None,
        "channel": None,
        "purpose": None,
    }


def test_a_case_closed_by_its_callback_wants_no_other(world: World) -> None:
    """An open callback of a closed case is cancelled, with an entry in its history and nothing to fire."""
    world.tell(replied(), closed())
    (callback,) = world.repository.all_callbacks()
    assert (callback.state, callback.next_due) == (State.SUPERSEDED, None)
    assert [entry.type for entry in callback.history] == ["callback_scheduled", "callback_superseded"]
    assert callback.history.verify() == []


@pytest.mark.rule("B-SVN-07")
def test_a_case_closed_by_its_reply_is_still_called_back(world: World) -> None:
    """After the problem is solved the customer is asked whether it is, even where the case needs no word of his."""
    world.tell(
        replied(org="retail-demo", needs_callback=False),
        closed(because="reply", org="retail-demo"),
    )
    (callback,) = world.repository.all_callbacks()
    assert callback.state is State.OPEN


def test_a_new_round_makes_the_callback_of_the_round_before_void(world: World) -> None:
    """Nobody is asked about a reply that another has replaced."""
    world.tell(replied(number=1), replied(number=2))
    states = {callback.round: callback.state for callback in world.repository.all_callbacks()}
    assert states == {1: State.SUPERSEDED, 2: State.OPEN}


def test_a_closing_that_comes_before_the_reply_is_remembered(world: World) -> None:
    """Events of one case may arrive in any order."""
    world.tell(closed())
    world.tell(replied())
    assert [callback.state for callback in world.repository.all_callbacks()] == [State.SUPERSEDED]


@pytest.mark.parametrize("step", ["schedule", "endings"])
def test_a_closing_handled_by_another_replica_in_between_is_not_missed(world: World, step: str) -> None:
    """The callback is written before endings are read, so one of the two replicas sees the other's write."""
    other = world.replica()
    world.repository.between[step] = lambda: other.follow([FakeDelivery(closed())])
    world.tell(replied())
    assert [callback.state for callback in world.repository.all_callbacks()] == [State.SUPERSEDED]


def test_a_reply_handled_by_another_replica_in_between_is_not_missed(world: World) -> None:
    """The ending is written before callbacks are read."""
    other = world.replica()
    world.repository.between["end"] = lambda: other.follow([FakeDelivery(replied())])
    world.tell(closed())
    assert [callback.state for callback in world.repository.all_callbacks()] == [State.SUPERSEDED]


def test_a_callback_made_while_its_case_closes_stays_made(world: World) -> None:
    """The version check lets only one of the two win; the loser reads again and leaves it alone."""
    world.tell(replied())
    (callback,) = world.repository.all_callbacks()
    world.repository.between["open_callbacks"] = lambda: _ignore(
        world.complete("k", callback.id, "satisfied")
    )
    world.tell(closed())
    (after,) = world.repository.all_callbacks()
    assert (after.state, after.outcome) == (State.DONE, "satisfied")


def test_work_cut_off_by_a_lost_database_is_finished_when_the_batch_comes_again(world: World) -> None:
    """Nothing half done: the callback was written, its cancelling was not; the repeat cancels it."""
    world.tell(closed())

    def away() -> None:
        raise Unavailable("the database is away")

    world.repository.between["endings"] = away
    with pytest.raises(Unavailable):
        world.tell(replied())
    world.tell(replied())
    assert [callback.state for callback in world.repository.all_callbacks()] == [State.SUPERSEDED]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{broken", "not valid JSON"),
        (b"[]", "not an object"),
        (event("case_replied", {"case_id": "cs_1"}, "x"), "data.customer_id"),
        (replied(round=0), "data.round"),
        (replied(valid="yes"), "data.valid"),
        (replied(replied_at="2026-11-16 02:00"), "data.replied_at"),
        (replied(replied_at="0001-01-02T00:00:00+00:00"), "in force"),
        (replied(customer_id="a\u0000b"), "control characters"),
        (replied(org="nobody"), "does not exist"),
        (attempted(message="no_such_template"), "no_such_template"),
    ],
)
def test_an_event_that_cannot_be_taken_is_given_up_with_the_reason_and_hurts_no_other(
    world: World, body: bytes, reason: str
) -> None:
    """Poison goes to the dead letters; the good events of the same batch take effect."""
    bad, good = world.tell(body, replied("cs_good"))
    assert bad.outcome == "dead"
    assert reason in (bad.reason or "")
    assert good.outcome == "done"
    assert [callback.case_id for callback in world.repository.all_callbacks()] == ["cs_good"]


def test_events_of_no_meaning_here_and_fields_of_a_newer_publisher_are_left_alone(world: World) -> None:
    """The complaints service may grow without followup being touched."""
    newer = json.loads(replied())
    newer["data"]["mood"] = "calm"
    deliveries = world.tell(event("case_progressed", {"case_id": "cs_1"}, "x"), json.dumps(newer).encode())
    assert [delivery.outcome for delivery in deliveries] == ["done", "done"]
    assert len(world.repository.all_callbacks()) == 1


def _ignore(_: object) -> None:
    return


def _story(rounds: int, ending: str, org: str) -> list[bytes]:
    """Return all that the complaints service tells of one case."""
    told = [attempted("cs_1", org=org, message=None)]
    for number in range(1, rounds + 1):
        if number > 1:
            told.append(reopened(number=number, org=org))
        told.append(replied(number=number, org=org))
    if ending:
        told.append(closed(rounds=rounds, because=ending, org=org))
    return told


def _end_state(world: World) -> Any:
    callbacks = {
        callback.id: (
            callback.round,
            callback.state,
            callback.due_at,
            callback.next_due,
            [entry.type for entry in callback.history],
            callback.history.verify(),
        )
        for callback in world.repository.all_callbacks()
    }
    return callbacks, sorted(message.id for message in world.repository.all_messages())


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    rounds=st.integers(1, 4),
    ending=st.sampled_from(["", "callback", "reply", "refused"]),
    org=st.sampled_from(["property-demo", "plaza-demo", "shop-demo", "retail-demo", "it-demo"]),
)
def test_any_order_and_any_repetition_of_a_cases_events_ends_in_the_same_state(
    data: st.DataObject, rounds: int, ending: str, org: str
) -> None:
    """The promise that makes at-least-once, unordered transport harmless."""
    told = [*_story(rounds, ending, org), attempted("cs_1", org="plaza-demo", number=7)]
    in_order = World()
    in_order.tell(*told)

    repeats = data.draw(st.lists(st.sampled_from(told), max_size=6))
    shuffled = data.draw(st.permutations([*told, *repeats]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(shuffled)), max_size=4)))
    other = World()
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        other.tell(*shuffled[start:end])

    assert _end_state(other) == _end_state(in_order)
