"""Registering contacts: number, customer's file, first responsible person, and where the contact goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.errors import Conflict
from shared.ids import derived_id
from shared.messaging.delivery import Outcome
from shared.numbering import Numbering, Restart, number_of
from tests.unit.intake.fakes import (
    IT,
    PLAZA,
    PROPERTY,
    RETAIL,
    SHOP,
    Document,
    World,
    beijing,
    complaint,
    customer,
    received,
    rulebooks,
)


@pytest.mark.rule("B-RET-16")
def test_contacts_are_numbered_through_by_organisation_and_local_day(world: World) -> None:
    """Guards the serial number of the record card: prefix, the day in China, five digits from one."""
    world.clock.set(beijing("2026-03-02 23:59:59"))
    first, second = received(event_id="1"), received(event_id="2")
    world.take(first, second)
    world.take(received(PROPERTY, "3"))
    world.clock.set(beijing("2026-03-03 00:00"))
    world.take(received(event_id="4"))
    numbers = {event["id"]: world.contact_of(event).number for event in (first, second)}
    assert numbers == {"1": "PLZ-20260302-00001", "2": "PLZ-20260302-00002"}
    assert sorted(contact.number for contact in world.kept.all_contacts()) == [
        "PLZ-20260302-00001",
        "PLZ-20260302-00002",
        "PLZ-20260303-00001",
        "PRO-20260302-00001",
    ]


def test_a_serial_longer_than_its_width_is_written_out(world: World) -> None:
    """Guards uniqueness past the 99,999th contact of a day."""
    world.kept.serials["plaza-demo/20260302"] = 99_999
    world.take(received(event_id="1"), received(event_id="2"))
    assert {contact.number for contact in world.kept.all_contacts()} == {
        "PLZ-20260302-99999",
        "PLZ-20260302-100000",
    }


@given(
    serials=st.lists(st.integers(1, 10**9), unique=True, min_size=2, max_size=6),
    digits=st.integers(1, 12),
)
def test_no_two_serials_give_the_same_number(serials: list[int], digits: int) -> None:
    """Guards the writing of the number, whatever its width."""
    numbering = Numbering("{prefix}-{date}-{serial}", "%Y%m%d", digits, Restart.DAILY, "design")
    day = beijing("2026-03-02 09:00")
    numbers = {number_of(numbering, "PLZ", day, "Asia/Shanghai", serial) for serial in serials}
    assert len(numbers) == len(serials)


def test_a_number_given_to_another_contact_loses_nobody(world: World) -> None:
    """Guards against a count that was set back: the contact is not taken for a repeat but tried again."""
    world.take(received(event_id="1"))
    world.kept.serials.clear()
    late = received(event_id="2", customer=customer(2))
    with pytest.raises(Conflict):
        world.take(late)
    (item,) = world.take(late)
    assert item.outcome is Outcome.DONE
    assert world.contact_of(late).number == "PLZ-20260302-00002"


@pytest.mark.rule("B-ITS-02")
@pytest.mark.parametrize("org", [IT, PLAZA, RETAIL, PROPERTY, SHOP])
def test_who_took_the_contact_is_the_first_responsible_person(world: World, org: str) -> None:
    """Guards agent A3: named in the contact and in both events, and no role beside the person."""
    event = received(org, taken_by="A3")
    if org == RETAIL:
        event["data"]["channel"] = "counter"
    world.take(event)
    contact = world.contact_of(event)
    named = {"staff": "A3", "role": None}
    assert contact.first_responsible.as_data() == named
    assert [entry.data["first_responsible"] for entry in contact.history] == [named, named]


@pytest.mark.rule("B-ITS-02")
def test_a_contact_no_person_took_is_answered_for_by_the_role_the_rulebook_names(world: World) -> None:
    """Guards that nobody is never responsible."""
    event = received(IT)
    world.take(event)
    assert world.contact_of(event).first_responsible.as_data() == {"staff": None, "role": "service_desk"}


@pytest.mark.parametrize(
    ("org", "category", "routed_to", "target", "source"),
    [
        pytest.param(
            *(PLAZA, "complaint", "complaints", "complaint_handler", "B-JKC-06"),
            marks=pytest.mark.rule("B-JKC-06"),
        ),
        pytest.param(PLAZA, "need", "desk", "service_desk", "B-JKC-05", marks=pytest.mark.rule("B-JKC-05")),
        pytest.param(
            RETAIL, "complaint", "complaints", "ops_cs", "B-RET-05", marks=pytest.mark.rule("B-RET-18")
        ),
        (PROPERTY, "repair", "desk", "engineering", "B-DUT-20"),
        (PROPERTY, "complaint", "complaints", "complaint_handler", "B-DUT-23"),
        (SHOP, "enquiry", "desk", "presale", "B-ECM-05"),
        (SHOP, "order", "desk", "aftersale", "B-MBY-10"),
        (IT, "enquiry", "desk", "service_desk", "B-DET-01"),
        (IT, "praise", "desk", "service_desk", "design"),
    ],
)
def test_a_contact_goes_where_its_category_goes(
    world: World, org: str, category: str, routed_to: str, target: str, source: str
) -> None:
    """Guards that complaints become cases and everything else lands on the desk the rulebook names, and why."""
    claim = {"problem": "lift-stuck", "amount": "12.50", "media": True}
    channel = "direct_cs" if org == RETAIL else "phone"
    event = received(org, category=category, channel=channel)
    if category == "complaint":
        event["data"]["complaint"] = claim
    world.take(event)
    contact = world.contact_of(event)
    assert (contact.routed_to, contact.target) == (routed_to, target)
    rules = rulebooks().for_org(org, contact.received_at).sections
    assert [each.source for each in rules.categories if each.code == category] == [source]
    if org == RETAIL:
        assert [each.source for each in rules.channels if each.code == channel] == ["B-RET-18"]
    registered, routed = contact.history
    assert (registered.type, routed.type) == ("contact_registered", "contact_routed")
    assert (routed.data["routed_to"], routed.data["target"]) == (routed_to, target)
    if category == "complaint":
        assert routed.data["complaint"] == {
            "problem": "lift-stuck",
            "complainant_type": None,
            "ground": None,
            "demand": None,
            "amount": "12.50",
            "media": True,
            "lawsuit": False,
        }
    else:
        assert routed.data["complaint"] is None


@pytest.mark.rule("B-STD-08")
def test_the_first_contact_opens_the_customers_file_and_every_later_one_is_kept_with_it(world: World) -> None:
    """Guards one file a customer: opened once, announced once, named by every contact."""
    first, second = received(event_id="1"), received(event_id="2", text="又来了")
    world.take(first)
    world.take(second)
    (file,) = world.kept.all_customers()
    assert (file.name, file.phone, file.kind) == ("测试甲", "+8613800000001", "person")
    assert [entry.type for entry in file.history] == ["customer_registered"]
    assert {contact.customer_id for contact in world.kept.all_contacts()} == {file.id}
    flags = [world.contact_of(event).history.entries[0].data["customer_is_new"] for event in (first, second)]
    assert flags == [True, False]


@pytest.mark.rule("B-STD-08")
def test_two_contacts_of_a_new_customer_in_one_batch_open_one_file(world: World) -> None:
    """Guards the batch: the second contact finds the file the first one opens, and is not the new one."""
    first = received(event_id="1")
    second = received(event_id="2", customer={"kind": "company", "name": "甲", "phone": "+86 138 0000 0001"})
    world.take(first, second)
    (file,) = world.kept.all_customers()
    assert (file.name, file.kind) == ("测试甲", "person")
    assert {contact.customer_id for contact in world.kept.all_contacts()} == {file.id}
    flags = [world.contact_of(event).history.entries[0].data["customer_is_new"] for event in (first, second)]
    assert flags == [True, False]


@pytest.mark.parametrize(
    "phone",
    [
        "13800000001",
        "138 0000 0001",
        "138-0000-0001",
        "+8613800000001",
        "+86 138 0000 0001",
        "0086 13800000001",
        "１３８０００００００１",
        "(+86) 138-0000-0001",
    ],
)
def test_a_customer_is_recognised_however_the_number_is_written(world: World, phone: str) -> None:
    """Guards one file a customer against country codes, blanks, hyphens and full-width digits."""
    world.take(received(event_id="1"))
    world.take(received(event_id="2", customer={"kind": "person", "name": "甲先生", "phone": phone}))
    assert len(world.kept.customers_kept) == 1


@pytest.mark.parametrize(
    ("name", "unit", "same"),
    [
        ("测试甲", "3-201a", True),
        ("测试 甲", " 3-201A ", True),
        ("测试甲", "３－２０１Ａ", True),
        ("测 试甲", "3-201A", True),
        ("测试乙", "3-201A", False),
        ("测试甲", "3-202", False),
    ],
)
def test_without_a_number_name_and_unit_recognise_the_customer(
    world: World, name: str, unit: str, *, same: bool
) -> None:
    """Guards the second way of recognising, against blanks, case and full-width writing."""
    people = [{"kind": "household", "name": "测试甲", "unit": "3-201A"}]
    people.append({"kind": "household", "name": name, "unit": unit})
    for number, person in enumerate(people):
        world.take(received(PROPERTY, f"{number}", customer=person))
    assert (len(world.kept.customers_kept) == 1) is same


def test_a_name_in_letters_is_recognised_in_capitals_and_without_blanks(world: World) -> None:
    """Guards foreign customers' files the same way."""
    for number, name in enumerate(("Ceshi Jia", "CESHI JIA", "ceshijia", "Ｃｅｓｈｉ Ｊｉａ")):
        person = {"kind": "person", "name": name, "unit": "3-201"}
        world.take(received(PROPERTY, f"{number}", customer=person))
    assert len(world.kept.customers_kept) == 1


def test_the_same_person_is_another_customer_in_another_organisation(world: World) -> None:
    """Guards that no organisation learns whom another knows."""
    world.take(received(PLAZA, "1"), received(PROPERTY, "2"))
    assert {file.org for file in world.kept.all_customers()} == {PLAZA, PROPERTY}


def test_a_unit_is_told_by_an_id_that_is_the_same_for_the_same_unit_only(world: World) -> None:
    """Guards counting households without naming them: writing does not matter, the organisation does."""
    homes = [(PROPERTY, "3-201"), (PROPERTY, "３-201"), (PROPERTY, "3-202"), (PLAZA, "3-201")]
    for number, (org, unit) in enumerate(homes):
        world.take(received(org, f"{number}", customer=customer(number, unit=unit)))
    world.take(received(PLAZA, "none", customer=customer(9)))
    ids = [contact.unit_id for contact in world.kept.all_contacts()]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert ids[4] is None
    assert "201" not in repr(ids)


def test_a_file_opened_meanwhile_by_another_replica_is_used(world: World) -> None:
    """Guards the race between looking for a customer and opening the file: one file, both contacts with it."""
    other = World(world.clock, world.kept, world.ids)
    theirs, ours = received(event_id="1"), received(event_id="2")
    world.kept.between["register"] = lambda: other.take(theirs)
    world.take(ours, received(event_id="3", customer=customer(3)))
    assert len(world.kept.customers_kept) == 2
    assert world.contact_of(ours).customer_id == world.contact_of(theirs).customer_id
    assert world.contact_of(ours).history.entries[0].data["customer_is_new"] is False


def test_a_file_that_keeps_being_opened_and_removed_is_a_conflict(world: World) -> None:
    """Guards against a contact without a customer: nothing is registered and the batch is handled again."""
    other = World(world.clock, world.kept, world.ids)
    raced = 0

    def opened_again() -> None:
        nonlocal raced
        raced += 1
        world.kept.customers_kept.clear()
        other.take(received(event_id=f"other-{raced}"))
        world.kept.between["customers_by_key"] = forgotten

    def forgotten() -> None:
        world.kept.customers_kept.clear()
        world.kept.between["register"] = opened_again

    world.kept.between["register"] = opened_again
    with pytest.raises(Conflict):
        world.take(received(event_id="2"))
    assert derived_id("ct", "/hotline", "2") not in world.kept.contacts_kept
    assert raced > 1


def test_a_batch_costs_the_same_few_calls_whatever_its_size(world: World) -> None:
    """Guards the speed of batches: no call for each contact."""

    def calls_for(numbers: Sequence[int]) -> list[str]:
        world.kept.calls.clear()
        world.take(*(received(event_id=f"{n}", customer=customer(n)) for n in numbers))
        return list(world.kept.calls)

    assert calls_for(range(2)) == calls_for(range(10, 60))
    assert world.kept.calls == [
        "known_contacts",
        "customers_by_key",
        "reserve_serials",
        "register",
        "files_opened",
    ]


def _registered(world: World) -> list[Any]:
    """Return what must not depend on how contacts came in: every contact with its customer's file."""
    names = {file.id: (file.org, *file.keys) for file in world.kept.all_customers()}
    return sorted(
        (
            contact.id,
            names[contact.customer_id],
            contact.unit_id,
            contact.category,
            contact.channel,
            contact.text,
            contact.routed_to,
            contact.received_at,
            contact.publisher,
        )
        for contact in world.kept.all_contacts()
    )


@st.composite
def events(draw: st.DrawFn) -> list[Document]:
    """Return events of few customers of several organisations, some of them with faults."""
    made = []
    for number in range(draw(st.integers(1, 14))):
        org = draw(st.sampled_from([PLAZA, PROPERTY, IT]))
        person = customer(draw(st.integers(0, 3)), unit=draw(st.sampled_from([None, "3-201", "5-102"])))
        text = draw(st.sampled_from(["请问几点关门？", ""]))
        made.append(
            complaint(org, f"{number}", claim={}, customer=person, text=text)
            if draw(st.booleans())
            else received(org, f"{number}", customer=person, text=text)
        )
    return made


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_repetition_and_split_gives_the_same_contacts_files_and_rejections(
    data: st.DataObject,
) -> None:
    """Guards exactly-once effects and unique, gapless numbers against whatever the broker does."""
    made = data.draw(events())
    first = World(FixedClock(beijing("2026-03-02 09:00")))
    first.take(*made)
    shuffled = data.draw(st.permutations([*made, *data.draw(st.lists(st.sampled_from(made), max_size=5))]))
    second = World(FixedClock(beijing("2026-03-02 09:00")))
    while shuffled:
        size = data.draw(st.integers(1, 8))
        second.take(*shuffled[:size])
        shuffled = shuffled[size:]
    assert _registered(second) == _registered(first)
    assert second.kept.rejections_kept.keys() == first.kept.rejections_kept.keys()
    for world in (first, second):
        contacts = world.kept.all_contacts()
        for org in {contact.org for contact in contacts}:
            prefix = rulebooks().organisation(org).number_prefix
            numbers = sorted(contact.number for contact in contacts if contact.org == org)
            assert numbers == [f"{prefix}-20260302-{n:05d}" for n in range(1, len(numbers) + 1)]
        everything = [*contacts, *world.kept.all_customers(), *world.kept.all_rejections()]
        assert all(aggregate.history.verify() == [] for aggregate in everything)
        new = [
            entry.data["customer_id"]
            for c in contacts
            for entry in c.history
            if entry.data.get("customer_is_new")
        ]
        assert sorted(new) == sorted(world.kept.customers_kept)
