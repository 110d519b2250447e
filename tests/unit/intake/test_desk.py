"""The desk: contacts taken by hand, and what may be seen by whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.intake.handlers import desk
from shared.errors import Conflict, NotFound, ValidationFailed
from tests.unit.intake.fakes import PLAZA, PROPERTY, World, beijing, customer, received


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what the desk logs during the test."""
    lines: list[dict[str, Any]] = []

    class Log:
        def info(self, event: str, **values: Any) -> None:
            lines.append({"event": event, **values})

    monkeypatch.setattr(desk, "log", Log())
    return lines


def problems(error: ValidationFailed) -> list[str]:
    return [problem.field for problem in error.problems]


@pytest.mark.rule("B-ITS-02")
def test_a_contact_registered_by_hand_is_its_takers(world: World) -> None:
    """Guards the first responsible person: the caller, unless the caller enters it for a colleague."""
    mine = world.register("it-demo", actor="stf_a3")
    theirs = world.register("it-demo", actor="stf_a3", taken_by="stf_b7")
    for answer, staff in ((mine, "stf_a3"), (theirs, "stf_b7")):
        shown = world.desk.contact("it-demo", answer["contact_id"])
        assert shown["first_responsible"] == {"staff": staff, "role": None}
        assert (shown["number"], shown["customer_id"]) == (answer["number"], answer["customer_id"])
        assert shown["publisher"] == "desk"


def test_a_repeated_command_returns_the_same_contact_and_changes_nothing(world: World) -> None:
    """Guards idempotency: the same key gives the same number, and no second contact."""
    first = world.register(key="k")
    serials = dict(world.kept.serials)
    assert world.register(key="k") == first
    assert len(world.kept.contacts_kept) == 1
    assert world.kept.serials == serials


@pytest.mark.parametrize(
    "changes",
    [{"text": "别的事"}, {"customer": customer(2)}, {"category": "suggestion"}, {"taken_by": "stf_b7"}],
)
def test_a_key_used_for_another_contact_is_a_conflict(world: World, changes: dict[str, Any]) -> None:
    """Guards that the second contact is not silently dropped for the first one's answer."""
    world.register(key="k")
    with pytest.raises(Conflict, match="idempotency key"):
        world.register(key="k", **changes)
    assert len(world.kept.contacts_kept) == 1


def test_the_same_command_sent_twice_at_once_registers_one_contact(world: World) -> None:
    """Guards a caller that sends again while the first attempt still runs."""
    twin = World(world.clock, world.kept, world.ids)
    answers: list[Any] = []
    world.kept.between["register"] = lambda: answers.append(twin.register(key="k"))
    assert world.register(key="k") == answers[0]
    assert len(world.kept.contacts_kept) == 1


def test_a_number_given_to_another_contact_is_passed_over(world: World) -> None:
    """Guards against a count that was set back: the caller gets the next free number."""
    world.register()
    world.kept.serials.clear()
    assert world.register(customer=customer(2))["number"] == "PLZ-20260302-00002"


def test_a_count_set_far_back_is_a_conflict_and_no_wrong_answer(world: World) -> None:
    """Guards against an endless loop."""
    for number in range(6):
        world.register(customer=customer(number))
    world.kept.serials.clear()
    with pytest.raises(Conflict):
        world.register(customer=customer(9))
    assert len(world.kept.contacts_kept) == 6


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "wangwang"}, "channel"),
        ({"category": "gossip"}, "category"),
        ({"received_at": "2026-03-02T09:05:01+08:00"}, "received_at"),
        ({"received_at": "2019-12-31T23:59:59+08:00"}, "received_at"),
        ({"received_at": "0001-01-01T00:00:00+08:00"}, "received_at"),
        ({"received_at": "9999-12-31T23:59:59-12:00"}, "received_at"),
    ],
)
def test_what_the_rulebook_or_the_time_speaks_against_is_refused_at_its_field(
    world: World, changes: dict[str, Any], field: str
) -> None:
    """Guards that the caller is told which argument to mend, and that nothing is half done."""
    with pytest.raises(ValidationFailed) as refused:
        world.register(**changes)
    assert problems(refused.value) == [field]
    assert (world.kept.contacts_kept, world.kept.customers_kept, dict(world.kept.serials)) == ({}, {}, {})


def test_by_hand_and_by_event_the_same_customer_has_one_file(world: World) -> None:
    """Guards one file a customer, whichever way it comes."""
    event = received()
    world.take(event)
    assert world.register()["customer_id"] == world.contact_of(event).customer_id


@pytest.mark.rule("B-STD-03")
def test_a_customers_file_is_shown_masked_unless_the_reader_may_see_it(
    world: World, logged: list[Any]
) -> None:
    """Guards name, number and unit; a full look is logged, with ids only."""
    person = {"kind": "household", "name": "测试甲乙", "phone": "13800000001", "unit": "3-201"}
    world.take(received(customer=person))
    (file,) = world.kept.all_customers()
    masked = world.desk.customer(PLAZA, file.id, actor="stf_a3", full=False)
    assert masked["masked"] is True
    assert masked["unit"] is None
    assert not any(value in repr(masked) for value in ("测试甲乙", "13800000001", "00000001", "3-201"))
    assert logged == []
    shown = world.desk.customer(PLAZA, file.id, actor="stf_a3", full=True)
    assert (shown["name"], shown["phone"], shown["unit"]) == ("测试甲乙", "+8613800000001", "3-201")
    (line,) = logged
    assert (line["actor"], line["customer_id"]) == ("stf_a3", file.id)
    assert not any(value in repr(line) for value in ("测试甲乙", "13800000001", "3-201"))


@pytest.mark.rule("B-STD-03")
def test_a_rejected_events_body_is_shown_only_to_who_may_see_personal_data(
    world: World, logged: list[Any]
) -> None:
    """Guards bodies, which may hold anything; a full look is logged."""
    world.take(received(text="", customer=customer(7)))
    (row,) = world.desk.rejections(PLAZA, 10, 0)
    view = world.desk.rejection(PLAZA, row["rejected_id"], actor="stf_op", full=False)
    assert view == row
    assert "13800000007" not in repr(view)
    assert {reason["field"] for reason in view["reasons"]} == {"data.text"}
    full = world.desk.rejection(PLAZA, row["rejected_id"], actor="stf_op", full=True)
    assert "13800000007" in full["body"]
    assert [line["rejected_id"] for line in logged] == [row["rejected_id"]]


def test_a_list_shows_contacts_without_the_customers_words(world: World) -> None:
    """Guards what a list gives away, and its filters and pages."""
    for number, category in enumerate(("enquiry", "need", "enquiry")):
        world.take(
            received(
                event_id=f"{number}",
                category=category,
                customer=customer(number),
                received_at=f"2026-03-02T08:0{number}:00+08:00",
            )
        )
    query: dict[str, Any] = {"category": None, "received_from": None, "limit": 50, "skip": 0}
    rows = world.desk.contacts(PLAZA, query)
    assert [row["received_at"][14:16] for row in rows] == ["02", "01", "00"]
    assert all("text" not in row for row in rows)
    assert len(world.desk.contacts(PLAZA, query | {"category": "need"})) == 1
    assert len(world.desk.contacts(PLAZA, query | {"received_from": beijing("2026-03-02 08:01")})) == 2
    assert len(world.desk.contacts(PLAZA, query | {"limit": 1, "skip": 2})) == 1
    assert world.desk.count(PLAZA, None, None) == {"enquiry": 2, "need": 1}
    assert world.desk.count(PLAZA, None, beijing("2026-03-02 08:01")) == {"enquiry": 1}


def test_another_organisations_things_do_not_exist(world: World) -> None:
    """Guards the scope of every question."""
    world.take(received(event_id="1"), received(event_id="2", text=""))
    (contact,) = world.kept.all_contacts()
    (file,) = world.kept.all_customers()
    (rejection,) = world.kept.all_rejections()
    asked: tuple[Callable[[str], Any], ...] = (
        lambda org: world.desk.contact(org, contact.id),
        lambda org: world.desk.history(org, contact.id),
        lambda org: world.desk.customer(org, file.id, actor="stf", full=True),
        lambda org: world.desk.rejection(org, rejection.id, actor="stf", full=True),
    )
    for ask in asked:
        assert ask(PLAZA)
        with pytest.raises(NotFound):
            ask(PROPERTY)
    query = {"category": None, "received_from": None, "limit": 50, "skip": 0}
    assert world.desk.contacts(PROPERTY, query) == []
    assert world.desk.rejections(PROPERTY, 10, 0) == []


def test_the_history_tells_when_it_was_tampered_with(world: World) -> None:
    """Guards the chain of a contact."""
    world.take(received())
    (contact,) = world.kept.all_contacts()
    shown = world.desk.history(PLAZA, contact.id)
    assert [row["type"] for row in shown["entries"]] == ["contact_registered", "contact_routed"]
    assert shown["faults"] == []
    world.kept.contacts_kept[contact.id]["history"][0]["data"]["number"] = "PLZ-0"
    assert len(world.desk.history(PLAZA, contact.id)["faults"]) == 1


PERSONAL = ["测试丙丁", "13912345678", "12345678", "翠微里九号", "３-2077", "3-2077", "身份证丢了"]


@pytest.mark.rule("B-STD-03")
def test_no_event_of_this_service_carries_personal_data(world: World) -> None:
    """Guards the bus: names, numbers, units and words stay here, whatever happens to the contact."""
    person = {"kind": "household", "name": "测试丙丁", "phone": "139 1234 5678", "unit": "３-2077"}
    text = "我是测试丙丁，住翠微里九号，身份证丢了，电话13912345678"
    claim = {"problem": "lost-card", "amount": "12.00"}
    sound: dict[str, Any] = {"category": "complaint", "complaint": claim, "customer": person, "text": text}
    world.take(received(event_id="1", **sound))
    world.register(**sound)
    no_phone = {key: value for key, value in person.items() if key != "phone"}
    world.register(**sound | {"customer": no_phone})
    spoilt: list[dict[str, Any]] = [
        sound | {"customer": person | {"phone": "1391234567890123"}},
        sound | {"customer": person | {"kind": "测试丙丁"}},
        sound | {"customer": person | {"name": "测试丙丁\x00"}},
        sound | {"customer": person | {"unit": "３-2077\n"}},
        sound | {"text": text * 300},
        sound | {"channel": "13912345678x!"},
        sound | {"taken_by": "测试丙丁"},
        sound | {"received_at": "13912345678"},
        sound | {"complaint": claim | {"problem": "测试丙丁"}},
        sound | {"complaint": claim | {"amount": "13912345678.555"}},
        sound | {"customer": "测试丙丁 13912345678"},
    ]
    for number, changes in enumerate(spoilt):
        world.take(received(event_id=f"bad-{number}", **changes))
    world.take(received(PROPERTY, "1", **sound))
    assert len(world.kept.rejections_kept) == len(spoilt) + 1
    recorded = repr([entry.as_document() for entry in world.kept.recorded()])
    assert len(world.kept.recorded()) == 2 + 3 * 2 + len(spoilt) + 1
    assert [part for part in PERSONAL if part in recorded] == []
