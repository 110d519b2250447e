"""Erasing a customer: two people, nothing left of the person anywhere, the history whole, whatever dies when."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import RuleRefused, Unavailable
from shared.forgetting import ERASED
from shared.history import History
from tests.unit.intake.fakes import ORGANISATIONS, received
from tests.unit.intake.privacy_world import PLAZA, RETAIL, As, PrivacyWorld, agent, only

NAME, PHONE, UNIT, WORDS = "测试甲", "13800000001", "A-1234", "我的电话是13800000001，住A-1234。"
PERSON = {"kind": "person", "name": NAME, "phone": PHONE, "unit": UNIT}
#: Steps of an erasure between which a process may die, by the method of the repository that takes them.
STEPS = ("save_rejections", "save_customer", "save_contacts")


@pytest.fixture
def world() -> PrivacyWorld:
    return PrivacyWorld(ORGANISATIONS)


def boss() -> As:
    return agent(PLAZA, "supervisor", actor="u-2")


def clerk() -> As:
    return agent(PLAZA, "service_desk")


def filled(world: PrivacyWorld) -> str:
    """Return a customer with three contacts and two refused events; another customer is left alone."""
    contacts = [world.contact(customer=PERSON, text=WORDS) for _ in range(3)]
    world.contact(customer=PERSON | {"name": "测试乙", "phone": "13800000002"}, text="别的事")
    spoilt = received(event_id="bad", channel="pager", customer=PERSON | {"phone": "138-0000-0001"})
    escaped = json.loads(json.dumps(received(event_id="esc", channel="pager", customer=PERSON)))
    escaped["data"]["customer"] |= {"phone": None}
    other = received(
        event_id="other", channel="pager", customer=PERSON | {"phone": "13800000002", "unit": "B-9"}
    )
    world.take(spoilt, escaped, other)
    return str(contacts[0]["customer_id"])


def kept(world: PrivacyWorld) -> dict[str, list[dict[str, Any]]]:
    database = world.runtime.database
    return {name: list(database[name].find()) for name in ("customers", "contacts", "rejected_events")}


def erase(world: PrivacyWorld, customer: str) -> None:
    world.decide(boss(), world.ask(clerk(), "erase", customer))


def assert_gone(world: PrivacyWorld, customer: str) -> None:
    """Assert that nothing of the customer is left, and that others' data and all histories are whole."""
    documents = kept(world)
    file = only([row for row in documents["customers"] if row["_id"] == customer])
    assert (file["name"], file["phone"], file["unit"], file["keys"]) == (
        ERASED,
        None,
        None,
        [f"erased|{customer}"],
    )
    mine = [row for row in documents["contacts"] if row["customer_id"] == customer]
    assert [(row["text"], row["unit_id"]) for row in mine] == [(ERASED, None)] * len(mine)
    bodies = [row["body"].decode() for row in documents["rejected_events"]]
    assert bodies.count(ERASED) == 2
    assert "别的事" in repr(documents)
    assert sum("13800000002" in body for body in bodies) == 1
    for row in (*documents["customers"], *documents["contacts"], *documents["rejected_events"]):
        assert History.from_documents(row["_id"], row["history"]).verify() == []
    for trace in (PHONE, "138-0000-0001", WORDS):
        assert trace not in repr(documents)
        assert trace not in world.all_events()


@pytest.mark.rule("B-OPF-05")
def test_erasing_waits_for_a_second_user_who_is_not_the_first(world: PrivacyWorld) -> None:
    """Guards the re-check (操作复核): the deletion of a file by one person alone does not happen."""
    customer = filled(world)
    before = kept(world)
    request = world.ask(agent(PLAZA, "service_desk", "supervisor", actor="A12"), "erase", customer)
    with pytest.raises(RuleRefused) as own:
        world.decide(agent(PLAZA, "service_desk", "supervisor", actor="A12"), request)
    assert own.value.rule == "B-OPF-05"
    assert not world.app.eraser()
    assert kept(world) == before
    world.decide(boss(), request)
    assert_gone(world, customer)
    with pytest.raises(RuleRefused) as unasked:
        world.ask(agent(), "erase", customer)
    assert unasked.value.rule == "B-OPF-05"


def test_nothing_of_an_erased_customer_is_left_and_the_next_contact_opens_a_new_file(
    world: PrivacyWorld,
) -> None:
    """Guards erasure: name, phone, unit, words and keys are gone, and nobody is recognised by them."""
    customer = filled(world)
    numbers = [row["number"] for row in kept(world)["contacts"]]
    erase(world, customer)
    assert_gone(world, customer)
    assert [row["number"] for row in kept(world)["contacts"]] == numbers
    done = only(world.events("data_request_done"))
    assert done["erased"] == 1 + 3 + 2
    kinds = sorted(row["subject"] for row in world.events("personal_data_erased"))
    assert kinds == ["contact"] * 3 + ["customer"] + ["rejected_event"] * 2
    again = world.contact(customer=PERSON, text="又来了")
    assert again["customer_id"] != customer


def test_two_customers_may_be_erased(world: PrivacyWorld) -> None:
    """Guards the index of keys: an erased file has a key of its own, which no other has."""
    first, second = world.customer(), world.customer(kind="person", name="测试乙", phone="13800000002")
    erase(world, first)
    erase(world, second)
    assert [row["name"] for row in kept(world)["customers"]] == [ERASED, ERASED]


def test_erasing_twice_changes_nothing(world: PrivacyWorld) -> None:
    """Guards idempotency: a second request, and each later round, finds nothing left to do."""
    customer = filled(world)
    erase(world, customer)
    before = kept(world)
    erase(world, customer)
    world.clock.advance(timedelta(minutes=10))
    for _ in range(3):
        assert not world.app.eraser()
    assert kept(world) == before
    assert [row["erased"] for row in world.events("data_request_done")] == [6, 0]


@pytest.mark.parametrize("after_it", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_between_steps_is_caught_up(
    world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch, step: str, *, after_it: bool
) -> None:
    """Guards a process that dies before or after any step: the next round finishes what was begun."""
    customer = filled(world)
    request = world.ask(clerk(), "erase", customer)
    files = world.app.eraser._files
    real: Callable[..., Any] = getattr(files, step)

    def dies(*arguments: Any, **named: Any) -> Any:
        if after_it:
            real(*arguments, **named)
        raise Unavailable("the process died")

    with monkeypatch.context() as patched:
        patched.setattr(files, step, dies)
        with pytest.raises(Unavailable):
            world.decide(boss(), request)
    assert world.events("data_request_done") == []
    world.app.eraser()
    assert_gone(world, customer)
    only(world.events("data_request_done"))
    kinds = [row["subject_id"] for row in world.events("personal_data_erased")]
    assert len(kinds) == len(set(kinds)) == 6


def test_a_contact_that_was_being_registered_meanwhile_is_swept_later(world: PrivacyWorld) -> None:
    """Guards a race: who was recognised just before the erasure leaves no words behind either."""
    customer = world.customer()
    late = world.contact(text="刚才又打了电话")
    erase(world, customer)
    # As it stands when its writer had looked the file up before the erasure and wrote after it.
    contacts = world.runtime.database["contacts"]
    contacts.update_one({"_id": late["contact_id"]}, {"$set": {"text": "刚才又打了电话"}})
    world.app.eraser()
    assert only(list(contacts.find({"_id": late["contact_id"]})))["text"] == "刚才又打了电话"
    world.clock.advance(timedelta(minutes=5))
    world.app.eraser()
    assert only(list(contacts.find({"_id": late["contact_id"]})))["text"] == ERASED


def test_another_organisations_file_of_the_same_person_stays(world: PrivacyWorld) -> None:
    """Guards the border between organisations: each erases what is its own."""
    customer = filled(world)
    other = world.customer(RETAIL, **PERSON)
    erase(world, customer)
    assert world.app.desk.customer(RETAIL, other, actor="u-1", full=True)["name"] == NAME
