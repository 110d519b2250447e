"""Opening cases: level by the written limits, one case for one customer's problem, households counted together."""

from __future__ import annotations

from typing import Any

import pytest

from services.complaints.domain.states import CaseState
from shared.errors import Conflict, NotFound
from shared.messaging.delivery import Outcome
from tests.unit.complaints.fakes import (
    IT,
    PLAZA,
    PROPERTY,
    RETAIL,
    SHOP,
    World,
    beijing,
    delivery,
    entries,
    routed,
    types,
)


@pytest.mark.rule("B-JKC-40")
@pytest.mark.parametrize("claim", [{}, {"amount": "0.00"}, {"amount": "5000.00"}])
def test_up_to_and_with_5000_yuan_a_complaint_is_general(world: World, claim: dict[str, str]) -> None:
    """Guards the border: exactly 5,000 yuan is still general."""
    assert world.open(**claim).level == "general"


def told(world: World) -> set[tuple[str, int]]:
    """Return level and number of households of every case, as whoever asks is told."""
    views = [world.look.case(case.org, case.id) for case in world.cases.all()]
    return {(view["level"], view["households"]) for view in views}


def test_households_that_lift_nothing_write_no_case_anew(world: World) -> None:
    """Guards a matter of thousands: only at a border of the rulebook is every case read, lifted and written."""
    for number in range(10):
        world.take(routed(contact=f"ct_{number}"))
    before = world.cases.writes
    world.take(routed(contact="ct_10"), routed(contact="ct_11"))
    # The two new ones know of the others when they are written; the ten before stay as they are.
    assert world.cases.writes - before == 2
    assert told(world) == {("major", 12)}


@pytest.mark.rule("B-JKC-41")
@pytest.mark.parametrize(
    ("claim", "because"),
    [
        ({"amount": "5000.01"}, ["amount"]),
        ({"amount": "5001"}, ["amount"]),
        ({"amount": "49999.99"}, ["amount"]),
        ({"media": True}, ["media"]),
        ({"lawsuit": True}, ["lawsuit"]),
        ({"media": True, "lawsuit": True, "amount": "6000.00"}, ["amount", "media", "lawsuit"]),
    ],
)
def test_media_a_lawsuit_or_more_than_5000_yuan_make_a_complaint_important(
    world: World, claim: dict[str, Any], because: list[str]
) -> None:
    """Guards the middle level, its borders, and that the event says why."""
    case = world.open(**claim)
    (opened,) = entries(case, "case_opened")
    assert (case.level, opened.data["level"], opened.data["level_because"]) == (
        "important",
        "important",
        because,
    )


@pytest.mark.rule("B-JKC-42")
@pytest.mark.parametrize("amount", ["50000", "50000.00", "50000.01", "999999.00"])
def test_from_50000_yuan_a_complaint_is_major(world: World, amount: str) -> None:
    """Guards the border: exactly 50,000 is left out of important, so it is major."""
    assert world.open(amount=amount).level == "major"


@pytest.mark.rule("B-JKC-41", "B-JKC-42")
@pytest.mark.parametrize(
    ("households", "level"),
    [(4, "general"), (5, "important"), (9, "important"), (10, "major"), (12, "major")],
)
def test_the_same_problem_in_more_households_lifts_the_cases_of_all_of_them(
    world: World, households: int, level: str
) -> None:
    """Guards the borders of 5 and 10 households, one event at a time."""
    for number in range(households):
        world.take(routed(contact=f"ct_{number}"))
    assert told(world) == {(level, households)}


@pytest.mark.rule("B-JKC-41")
def test_two_people_of_one_household_count_once(world: World) -> None:
    """Guards that households are counted, not people: only the fifth home lifts the cases."""
    for number in range(4):
        world.take(routed(contact=f"ct_{number}", unit=f"un_{number}"))
    world.take(routed(contact="ct_wife", unit="un_0"))
    assert {case.level for case in world.cases.all()} == {"general"}
    world.take(routed(contact="ct_4", unit="un_4"))
    assert {case.level for case in world.cases.all()} == {"important"}


def test_another_problem_or_another_organisation_does_not_count(world: World) -> None:
    """Guards that only the same problem of the same organisation is counted together."""
    for number in range(4):
        world.take(routed(contact=f"ct_{number}"))
    world.take(routed(contact="ct_other", problem="noise"))
    world.take(routed(PROPERTY, "ct_elsewhere"))
    assert {households for _, households in told(world)} == {1, 4}
    assert {case.level for case in world.cases.all()} == {"general", "standard"}


@pytest.mark.rule("B-JKC-42")
def test_complaints_found_not_valid_do_not_count_as_households(world: World) -> None:
    """Guards that nine homes and one that does not stand are no ten."""
    for number in range(9):
        world.take(routed(contact=f"ct_{number}"))
    refused = world.case_of("ct_0")
    world.do("decide_validity", refused, valid=False, reason="与事实不符")
    world.take(routed(contact="ct_9"))
    assert {case.level for case in world.cases.all()} == {"important"}
    world.take(routed(contact="ct_10"))
    levels = {case.id: case.level for case in world.cases.all()}
    assert levels.pop(refused.id) == "important"
    assert set(levels.values()) == {"major"}


@pytest.mark.rule("B-RET-16")
@pytest.mark.parametrize("org", [PLAZA, RETAIL, PROPERTY, SHOP, IT])
def test_a_case_carries_the_number_of_the_contact_that_opened_it(world: World, org: str) -> None:
    """Guards that the customer is told one number only, and that it is in the record and in the event."""
    case = world.open(org, "ct_77", demand="damages")
    (opened,) = entries(case, "case_opened")
    assert case.number == opened.data["number"] == "NO-ct_77"
    assert opened.data["customer_id"] == case.customer_id == "cu_ct_77"
    assert opened.data["demand"] == "damages"
    assert opened.data["received_at"] == "2026-03-02T01:00:00.000Z"


def test_a_case_keeps_the_rulebook_in_force_when_the_complaint_was_received(world: World) -> None:
    """Guards that a case names profile and version, so that later rulebooks leave it alone."""
    case = world.open()
    assert (case.profile, case.regulation) == (
        "commercial-plaza",
        "standard:2026.1,commercial-plaza:2026.1,plaza-demo:2026.1",
    )


def test_contacts_for_a_desk_and_unknown_events_are_acknowledged_without_effect(world: World) -> None:
    """Guards that only what intake routed here opens a case."""
    desk = routed()
    desk["data"] |= {"routed_to": "desk", "category": "enquiry", "complaint": None}
    other = routed() | {"type": "contact_registered"}
    assert [d.outcome for d in world.take(desk, other)] == [Outcome.DONE, Outcome.DONE]
    assert world.cases.documents == {}


@pytest.mark.rule("B-JKC-59")
@pytest.mark.parametrize("channel", ["audit", "call_centre", "club_website", "phone"])
def test_the_same_complaint_raised_again_is_an_escalation_and_no_second_case(
    world: World, channel: str
) -> None:
    """Guards that a repeat, by whatever way it comes, joins the open case and escalates it."""
    first = world.open(contact="ct_1", customer="cu_1")
    world.take(routed(contact="ct_2", customer="cu_1", channel=channel))
    (case,) = world.cases.all()
    assert (case.id, case.contacts, case.repeats) == (first.id, ["ct_1", "ct_2"], 1)
    (escalated,) = entries(case, "case_escalated")
    assert escalated.data == {
        "case_id": case.id,
        "cause": "repeat",
        "contact_id": "ct_2",
        "channel": channel,
        "repeats": 1,
    }


@pytest.mark.parametrize("org", [RETAIL, PROPERTY, SHOP, IT])
def test_where_no_rule_says_so_a_repeat_joins_its_case_and_escalates_nothing(world: World, org: str) -> None:
    """Guards that one trade's escalation is not borrowed by another, and that the history still tells the repeat."""
    world.open(org, "ct_1", customer="cu_1")
    world.take(routed(org, "ct_2", customer="cu_1"))
    (case,) = world.cases.all()
    assert (case.contacts, case.repeats) == (["ct_1", "ct_2"], 1)
    assert entries(case, "case_escalated") == []
    assert types(case)[-1] == "case_progressed"
    assert case.history.entries[-1].data["step"] == "repeat"


def test_a_repeat_in_the_batch_that_opens_the_case_joins_it(world: World) -> None:
    """Guards that the split into batches does not decide how many cases there are."""
    world.take(routed(contact="ct_1", customer="cu_1"), routed(contact="ct_2", customer="cu_1"))
    (case,) = world.cases.all()
    assert case.contacts == ["ct_1", "ct_2"]


def test_after_the_case_closed_the_same_complaint_opens_a_new_one(world: World) -> None:
    """Guards that a complaint which comes back is not lost in a closed case."""
    case = world.open(RETAIL, "ct_1", customer="cu_1")
    world.do("close", world.answer(world.accept(case)))
    world.take(routed(RETAIL, "ct_2", customer="cu_1"))
    assert sorted(case.state.value for case in world.cases.all()) == ["closed", "received"]


@pytest.mark.rule("B-JKC-41", "B-JKC-42")
def test_what_a_repeat_adds_to_the_complaint_lifts_the_level(world: World) -> None:
    """Guards that a customer who later asks for more, or goes to the press, is not left at the first level."""
    world.open(contact="ct_1", customer="cu_1", amount="100.00")
    world.take(routed(contact="ct_2", customer="cu_1", media=True))
    (case,) = world.cases.all()
    assert case.level == "important"
    (changed,) = entries(case, "case_level_changed")
    assert (changed.data["from"], changed.data["to"], changed.data["because"]) == (
        "general",
        "important",
        ["media"],
    )
    world.take(routed(contact="ct_3", customer="cu_1", amount="50000.00"))
    world.take(routed(contact="ct_4", customer="cu_1", amount="1.00"))
    (case,) = world.cases.all()
    assert (case.level, str(case.claim.amount), case.claim.media) == ("major", "50000.00", True)


def test_the_same_event_again_changes_nothing(world: World) -> None:
    """Guards exactly-once effects: repeats in one batch and in later ones leave the case as it was."""
    event = routed(contact="ct_1", customer="cu_1")
    assert [d.outcome for d in world.take(event, event)] == [Outcome.DONE, Outcome.DUPLICATE]
    join = routed(contact="ct_2", customer="cu_1")
    world.take(join)
    before, writes = world.cases.documents, world.cases.writes
    outcomes = [d.outcome for d in world.take(event, join, join)]
    assert outcomes == [Outcome.DUPLICATE] * 3
    assert (world.cases.documents, world.cases.writes) == (before, writes)


def test_a_crash_before_households_were_counted_is_made_good_by_the_redelivery(world: World) -> None:
    """Guards that cases written by a process that died then still reach their level."""
    for number in range(4):
        world.take(routed(contact=f"ct_{number}"))

    def die() -> None:
        raise KeyboardInterrupt

    world.cases.between["waiting"] = die
    fifth = routed(contact="ct_4")
    with pytest.raises(KeyboardInterrupt):
        world.take(fifth)
    # The fifth knows of the four that are there; they do not know of it yet.
    assert [case.level for case in world.cases.all()] == ["general"] * 4 + ["important"]
    (again,) = world.take(fifth)
    assert again.outcome is Outcome.DUPLICATE
    assert told(world) == {("important", 5)}


def test_a_case_opened_meanwhile_by_another_replica_takes_the_contact_in(world: World) -> None:
    """Guards the race of two replicas with two contacts of one customer: one case, nothing lost."""
    other = World(world.clock, world.cases)
    world.cases.between["insert"] = lambda: other.take(routed(contact="ct_2", customer="cu_1"))
    world.take(routed(contact="ct_1", customer="cu_1"))
    (case,) = world.cases.all()
    assert case.contacts == ["ct_2", "ct_1"]


def test_a_contact_written_before_a_conflict_is_no_repeat(world: World) -> None:
    """Guards the count of repeats: starting over after a race does not make a first delivery a second one."""
    other = World(world.clock, world.cases)
    world.cases.between["insert"] = lambda: other.take(routed(contact="ct_2", customer="cu_1"))
    deliveries = world.take(routed(contact="ct_alone"), routed(contact="ct_1", customer="cu_1"))
    assert [delivery.outcome for delivery in deliveries] == [Outcome.DONE, Outcome.DONE]
    assert len(world.cases.documents) == 2


@pytest.mark.parametrize("org", [PLAZA, PROPERTY])
def test_repeats_joined_by_two_replicas_at_once_are_both_kept(world: World, org: str) -> None:
    """Guards that no join is taken for the other's write; this holds for rulebooks without escalation too."""
    world.open(org, "ct_1", customer="cu_1")
    other = World(world.clock, world.cases)
    world.cases.between["save"] = lambda: other.take(routed(org, "ct_3", customer="cu_1"))
    world.take(routed(org, "ct_2", customer="cu_1"))
    (case,) = world.cases.all()
    assert sorted(case.contacts) == ["ct_1", "ct_2", "ct_3"]
    assert case.repeats == 2


@pytest.mark.parametrize("step", ["insert", "waiting"])
def test_two_replicas_counting_the_same_households_end_at_the_full_count(world: World, step: str) -> None:
    """Guards the race at the level's border: whoever writes last has seen all."""
    for number in range(8):
        world.take(routed(contact=f"ct_{number}"))
    other = World(world.clock, world.cases)
    world.cases.between[step] = lambda: other.take(routed(contact="ct_9"))
    world.take(routed(contact="ct_8"))
    assert not world.cases.between
    assert {case.level for case in world.cases.all()} == {"major"}


def test_a_batch_gives_up_after_a_few_conflicts_so_that_the_broker_delivers_it_again(world: World) -> None:
    """Guards against an endless loop and against a silent loss."""
    world.open(contact="ct_1", customer="cu_1")

    def conflict() -> None:
        world.cases.between["save"] = conflict
        raise Conflict("changed")

    world.cases.between["save"] = conflict
    with pytest.raises(Conflict):
        world.take(routed(contact="ct_2", customer="cu_1"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data.pop("number"), "lacks number"),
        (lambda data: data.pop("complaint"), "lacks complaint"),
        (lambda data: data.update(received_at="gestern"), "cannot be read: ValueError"),
        (lambda data: data.update(received_at=17), "cannot be read: TypeError"),
        (lambda data: data["complaint"].update(amount="viel"), "cannot be read: InvalidOperation"),
        (lambda data: data.update(complaint="kaputt"), "cannot be read: AttributeError"),
        (lambda data: data.update(contact_id=7), "cannot be read: TypeError"),
    ],
)
def test_an_event_that_cannot_be_read_is_dead_and_stops_nothing_else(
    world: World, spoil: object, reason: str
) -> None:
    """Guards that no retry is wasted on it and that its neighbours in the batch are handled."""
    bad = routed(contact="ct_bad")
    assert callable(spoil)
    spoil(bad["data"])
    dead, good = world.take(bad, routed(contact="ct_good"))
    assert dead.outcome is Outcome.DEAD
    assert dead.reason is not None
    assert dead.reason.startswith("contact_routed ")
    assert reason in dead.reason
    assert good.outcome is Outcome.DONE
    assert [case.contacts for case in world.cases.all()] == [["ct_good"]]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "text/plain"),
        (b"{}", "application/json"),
    ],
)
def test_what_is_no_event_at_all_is_dead(world: World, body: bytes, content_type: str) -> None:
    """Guards that garbage neither stops the queue nor comes back."""
    item = delivery(body, content_type)
    world.take_contacts([item])
    assert item.outcome is Outcome.DEAD


def test_a_complaint_of_an_organisation_nobody_serves_is_refused_for_good(world: World) -> None:
    """Guards that the failure is permanent and named, so that the consumer sets the message aside."""
    with pytest.raises(NotFound, match="nobody"):
        world.take(routed("nobody", "ct_1"))


def test_a_complaint_without_claim_opens_a_case_of_its_own(world: World) -> None:
    """Guards rulebooks that route another category here: its contacts have no problem code to share."""
    first, second = routed(contact="ct_1", customer="cu_1"), routed(contact="ct_2", customer="cu_1")
    for event in (first, second):
        event["data"]["complaint"] = None
    world.take(first, second)
    assert [case.claim.problem for case in world.cases.all()] == ["ct_1", "ct_2"]
    assert {case.state for case in world.cases.all()} == {CaseState.RECEIVED}


def test_the_clocks_of_a_complaint_that_lay_about_count_from_its_receipt(world: World) -> None:
    """Guards that a contact taken late is overdue at once instead of getting its time anew."""
    case = world.open(received_at=beijing("2026-02-27 09:00"))
    world.tick()
    case = world.case(case.id)
    assert case.overdue
    assert case.received_at == beijing("2026-02-27 09:00")
    assert case.opened_at == beijing("2026-03-02 09:00")
