"""What a housing estate writes down: dangerous goods, permits, releases, tickets, deposits, diaries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ValidationFailed
from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import Office, refused
from tests.unit.intake.register_world import office_of

DRAW: dict[str, Any] = {
    "item": "alcohol",
    "quantity": "500",
    "purpose": "擦洗扶手",
    "isolated": True,
    "locked": True,
}
LEADER = ("team_leader",)


@pytest.fixture
def office() -> Office:
    return Office()


def stored(office: Office, quantity: str = "800") -> None:
    office.open(
        "dangerous_goods_store",
        office.by("u-9", "cleaning_leader"),
        item="alcohol",
        quantity=quantity,
        key_holder="cleaning_leader",
    )


def drawn(office: Office) -> str:
    stored(office)
    record = office.open("dangerous_goods_use", office.by("u-1", *LEADER), **DRAW)
    office.act(record, "approve", office.by("u-2", *LEADER))
    office.act(record, "hand_out", office.by("u-2", *LEADER))
    return record


@pytest.mark.rule("B-HAZ-01")
def test_only_the_five_goods_listed_are_dangerous_goods(office: Office) -> None:
    """Promise: what is not on the list cannot be drawn or stored; a sixth needs another rulebook."""
    draw = DRAW | {"item": "petrol"}
    store = {"item": "petrol", "quantity": "1", "key_holder": "cleaning_leader"}
    loan = {"item": "petrol", "quantity": "1", "borrower": "邻近项目"}
    forms = {
        "dangerous_goods_use": (office.by("u-1", *LEADER), draw),
        "dangerous_goods_store": (office.by("u-9", "cleaning_leader"), store),
        "dangerous_goods_loan": (office.by("u-1", *LEADER), loan),
    }
    for register, (call, form) in forms.items():
        assert refused(register, call, step=office.open, **form).rule == "B-HAZ-01"
        assert refused(register, call, step=office.open, **form | {"item": None}).rule == "B-HAZ-01"
        (shown,) = office.app.read_registers.describe_register(office.by("u-1"), {"register": register})
        item = next(field for field in shown["fields"] if field["field"] == "item")
        assert [option["name"] for option in item["options"]] == ["鼠药", "敌敌畏", "灭螂药", "酒精", "稀料"]
        for option in item["options"]:
            again = office.by(call.actor, *call.roles)
            assert office.open(register, again, **form | {"item": option["code"]})


@pytest.mark.rule("B-HAZ-01")
def test_a_sixth_is_added_by_whoever_keeps_the_rulebook_and_by_nobody_at_the_desk(tmp_path: Path) -> None:
    """Promise: it takes a change of the organisation's file; from then on it is drawn like the others."""
    options = "{alcohol: 酒精, thinner: 稀料, petrol: 汽油}"
    sixth = f"""
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        dangerous_goods_use:
          fields:
            item: {{name: 品名, type: choice, options: {options}, required: true, source: organisation}}
"""
    other = office_of(tmp_path, "property", sixth)
    assert other.open("dangerous_goods_use", other.by("u-1", *LEADER), **DRAW | {"item": "petrol"})
    unknown = refused(
        "dangerous_goods_use", other.by("u-1", *LEADER), step=other.open, **DRAW | {"item": "kerosene"}
    )
    assert unknown.rule == "organisation"


@pytest.mark.rule("B-HAZ-02")
def test_a_clerk_draws_nothing_and_a_team_leader_does(office: Office) -> None:
    """Promise: the draw is refused by rank, and recorded for a leader."""
    wrong = refused("dangerous_goods_use", office.by("u-1"), step=office.open, **DRAW)
    assert wrong.rule == "B-HAZ-02"
    record = office.open("dangerous_goods_use", office.by("u-1", *LEADER), **DRAW)
    assert office.get(record)["opened_by"] == "u-1"


@pytest.mark.rule("B-HAZ-03")
def test_a_draw_says_when_and_how_much(office: Office) -> None:
    """Promise: a row without quantity is refused; the time is written by itself."""
    draw = {key: value for key, value in DRAW.items() if key != "quantity"}
    assert (
        refused("dangerous_goods_use", office.by("u-1", *LEADER), step=office.open, **draw).rule == "B-HAZ-03"
    )
    assert (
        refused(
            "dangerous_goods_use", office.by("u-1", *LEADER), step=office.open, **DRAW | {"quantity": "0"}
        ).rule
        == "B-HAZ-03"
    )
    record = office.get(office.open("dangerous_goods_use", office.by("u-1", *LEADER), **DRAW))
    assert record["values"]["drawn_at"] == "2026-03-02T01:00:00.000Z"
    assert record["number"] == "PRO-HG-202603-0001"


@pytest.mark.rule("B-HAZ-04")
@pytest.mark.parametrize("where", ["isolated", "locked"])
def test_what_is_drawn_lies_apart_and_under_lock(office: Office, where: str) -> None:
    """Promise: a store that is not isolated, or not locked, gets nothing."""
    draw = DRAW | {where: False}
    wrong = refused("dangerous_goods_use", office.by("u-1", *LEADER), step=office.open, **draw)
    assert wrong.rule == "B-HAZ-04"


@pytest.mark.rule("B-HAZ-05")
def test_the_cleaning_team_leader_keeps_the_key(office: Office) -> None:
    """Promise: no other key holder can be written down, and nobody else opens the store's book."""
    wrong = refused(
        "dangerous_goods_store",
        office.by("u-9", "cleaning_leader"),
        step=office.open,
        item="alcohol",
        quantity="1",
        key_holder="clerk",
    )
    assert wrong.rule == "B-HAZ-05"
    other = refused(
        "dangerous_goods_store",
        office.by("u-1", *LEADER),
        step=office.open,
        item="alcohol",
        quantity="1",
        key_holder="cleaning_leader",
    )
    assert other.rule == "B-HAZ-05"


@pytest.mark.rule("B-HAZ-06")
def test_whoever_approves_a_use_hands_the_goods_out(office: Office) -> None:
    """Promise: not without approval, and not by another hand than the approver's."""
    stored(office)
    record = office.open("dangerous_goods_use", office.by("u-1", *LEADER), **DRAW)
    assert refused(record, "hand_out", office.by("u-2", *LEADER), step=office.act).rule == "B-HAZ-06"
    assert refused(record, "approve", office.by("u-2"), step=office.act).rule == "B-HAZ-06"
    office.act(record, "approve", office.by("u-2", *LEADER))
    assert refused(record, "hand_out", office.by("u-3", *LEADER), step=office.act).rule == "B-HAZ-06"
    office.act(record, "hand_out", office.by("u-2", *LEADER))
    acts = office.get(record)["acts"]
    assert [(act["action"], act["by"]) for act in acts] == [("approve", "u-2"), ("hand_out", "u-2")]


@pytest.mark.rule("B-HAZ-07")
def test_the_unused_remainder_is_back_before_the_record_closes(office: Office) -> None:
    """Promise: of 500 drawn and 300 used, exactly 200 come back; the store's book follows."""
    record = drawn(office)
    assert office.stock("dangerous_goods") == {"alcohol": "300"}
    wrong = refused(record, "return", office.by("u-2", *LEADER), step=office.act, used="300", returned="100")
    assert (wrong.rule, wrong.details["difference"]) == ("B-HAZ-07", "-100.000")
    missing = refused(record, "return", office.by("u-2", *LEADER), step=office.act, used="300")
    assert missing.rule == "B-HAZ-07"
    assert office.get(record)["open"]
    office.act(record, "return", office.by("u-2", *LEADER), used="300", returned="200")
    assert not office.get(record)["open"]
    assert office.stock("dangerous_goods") == {"alcohol": "500"}


@pytest.mark.rule("B-HAZ-08")
def test_an_incident_is_told_to_the_leader_and_the_supervisor(office: Office) -> None:
    """Promise: both hear at once, whoever of the staff reports it, and without the words of the report."""
    record = drawn(office)
    office.act(record, "report_incident", office.by("u-7"), incident="打翻一瓶")
    notices = office.told(record, "record_noticed")
    assert [(each["to"], each["source"]) for each in notices] == [
        ("team_leader", "B-HAZ-08"),
        ("supervisor", "B-HAZ-08"),
    ]
    assert "打翻" not in str([each.entry.data for each in office.sent])


@pytest.mark.rule("B-HAZ-09")
def test_nothing_is_lent_without_permission(office: Office) -> None:
    """Promise: a loan without approval is refused, also where the borrower would approve it."""
    stored(office)
    loan = {"item": "alcohol", "quantity": "10", "borrower": "邻近项目"}
    record = office.open("dangerous_goods_loan", office.by("u-1", "supervisor"), **loan)
    assert refused(record, "lend", office.by("u-2", *LEADER), step=office.act).rule == "B-HAZ-09"
    assert refused(record, "approve", office.by("u-1", "supervisor"), step=office.act).rule == "B-HAZ-09"
    office.act(record, "approve", office.by("u-3", "supervisor"))
    office.act(record, "lend", office.by("u-2", *LEADER))
    assert office.stock("dangerous_goods") == {"alcohol": "790"}


@pytest.mark.rule("B-DUT-29")
def test_a_parking_permit_ties_a_plate_to_a_unit(office: Office) -> None:
    """Promise: one plate has one permit at a time; it is found by plate, and the plate shows only to a few."""
    duty = ("duty_staff",)
    permit: dict[str, Any] = {"plate": "沪A12345", "unit": "3-1201", "valid_until": "2027-03-01"}
    record = office.open("parking_permit", office.by("u-1", *duty), **permit)
    twice = refused("parking_permit", office.by("u-1", *duty), step=office.open, **permit | {"unit": "5-101"})
    assert (twice.rule, twice.details["record_id"]) == ("B-DUT-29", record)
    missing = refused("parking_permit", office.by("u-1", *duty), step=office.open, **permit | {"unit": None})
    assert missing.rule == "B-DUT-29"
    assert office.find(register="parking_permit", where={"plate": "沪A12345"}) == [record]
    office.act(record, "renew", office.by("u-1", *duty), valid_until="2028-03-01")
    office.correct(record, office.by("u-1", *duty), "登记时抄错", unit="3-1202")
    shown = office.get(record)
    assert (shown["values"]["plate"], shown["values"]["unit"]) == ("***", "3-1202")
    assert (shown["corrections"][0]["before"], shown["corrections"][0]["after"]) == ("3-1201", "3-1202")
    assert office.get(record, "personal_data")["values"]["plate"] == "沪A12345"
    office.act(record, "cancel", office.by("u-1", *duty))
    assert office.open("parking_permit", office.by("u-1", *duty), **permit) != record


@pytest.mark.rule("B-PRO-01")
def test_goods_leave_on_a_slip_that_is_filled_signed_and_stamped(office: Office) -> None:
    """Promise: no blank list, no owner unconfirmed, no release without signature and stamp."""
    duty = ("duty_staff",)
    slip: dict[str, Any] = {
        "identity_confirmed": True,
        "unit": "3-1201",
        "owner": "测试甲",
        "items": [{"name": "沙发", "quantity": 1}],
    }
    faults: list[dict[str, Any]] = [
        {"items": []},
        {"identity_confirmed": False},
        {"items": [{"name": "沙发"}]},
    ]
    for wrong in faults:
        refusal = refused("goods_release", office.by("u-1", *duty), step=office.open, **slip | wrong)
        assert refusal.rule == "B-PRO-01"
    record = office.open("goods_release", office.by("u-1", *duty), **slip)
    assert refused(record, "release", office.by("u-1", *duty), step=office.act).rule == "B-PRO-01"
    assert refused(record, "release", office.by("u-2"), step=office.act, stamped=True).rule == "B-PRO-01"
    office.act(record, "release", office.by("u-2", *duty), stamped=True)
    (signature,) = office.get(record)["acts"]
    assert (signature["by"], signature["role"], signature["sets"]) == ("u-2", "duty_staff", {"stamped": True})


def tickets(office: Office, closing: int) -> dict[str, Any]:
    desk = office.by("u-1", "service_desk")
    record = office.open("ticket_sales", desk, opening=50, price="40.00")
    office.act(record, "count", office.by("u-1", "service_desk"), sold=12, closing=closing)
    return office.get(record)


@pytest.mark.rule("B-TKT-02")
def test_the_book_of_tickets_equals_the_stock_or_says_by_how_much_not(office: Office) -> None:
    """Promise: 50 less 12 is 38; with 37 in the drawer the record is flagged with a difference of 1."""
    right = tickets(office, 38)
    assert (right["values"]["difference"], right["values"]["takings"], right["flags"]) == ("0", "480.00", [])
    other = Office()
    wrong = tickets(other, 37)
    assert (wrong["values"]["difference"], wrong["flags"]) == ("1", ["book_is_stock"])
    (flagged,) = other.told(wrong["record_id"], "record_flagged")
    assert flagged["source"] == "B-TKT-02"


@pytest.mark.rule("B-TKT-03")
def test_takings_not_handed_over_before_leaving_are_flagged(office: Office) -> None:
    """Promise: at 17:30 the day's record is late and the supervisor hears; handed over in time nothing happens."""
    record = tickets(office, 38)["record_id"]
    office.pass_time(beijing("2026-03-02 17:29"))
    assert office.get(record)["flags"] == []
    office.pass_time(timedelta(minutes=1))
    assert office.get(record)["flags"] == ["late:hand_over"]
    assert [each["source"] for each in office.told(record, "clock_breached")] == ["B-TKT-03"]
    assert [each["to"] for each in office.told(record, "record_noticed")] == ["supervisor"]
    other = Office()
    prompt = tickets(other, 38)["record_id"]
    other.act(prompt, "hand_over", other.by("u-1", "service_desk"), cash="480.00", cashier="u-30")
    other.pass_time(timedelta(days=1))
    assert other.get(prompt)["flags"] == []


@pytest.mark.rule("B-FDK-04")
def test_nothing_is_stored_or_passed_on_without_an_approver(office: Office) -> None:
    """Promise: the desk takes an article only after a supervisor or department manager approved."""
    article = {"article": "纸箱", "kind": "storing", "need": "业主晚间来取"}
    record = office.open("deposit", office.by("u-1"), **article)
    assert refused(record, "accept", office.by("u-1"), step=office.act).rule == "B-FDK-04"
    assert refused(record, "approve", office.by("u-1"), step=office.act).rule == "B-FDK-04"
    office.act(record, "approve", office.by("u-5", "department_manager"))
    assert office.act(record, "accept", office.by("u-1"))["state"] == "accepted"


@pytest.mark.rule("A-PRM-20")
def test_a_day_without_a_diary_is_listed_the_morning_after(office: Office) -> None:
    """Promise: until midnight nothing is missing, after it the day is, unless the diary was written."""
    office.pass_time(beijing("2026-05-06 23:59"))
    assert {row["first_day"] for row in office.missing("work_diary")} == {"2026-05-05"}
    office.pass_time(beijing("2026-05-07 00:00"))
    rows = office.missing("work_diary")
    assert [row["for"] for row in rows] == ["u-1001", "u-1002"]
    assert {(row["first_day"], row["source"]) for row in rows} == {("2026-05-06", "A-PRM-20")}
    office.open("work_diary", office.by("u-1001"), day="2026-05-06", work="巡楼")
    assert [row["for"] for row in office.missing("work_diary")] == ["u-1002"]


@pytest.mark.rule("A-PRM-29")
def test_an_incoming_document_is_signed_for_and_goes_where_its_nature_says(office: Office) -> None:
    """Promise: a contract goes to the one desk for contracts, which alone gives the receipt."""
    letter = {"title": "保洁合同", "sender": "某公司", "nature": "contract"}
    record = office.open("incoming_document", office.by("u-1"), **letter)
    assert office.get(record)["values"]["signed_by"] == "u-1"
    assert [each["to"] for each in office.told(record, "record_noticed")] == ["property_clerk"]
    assert refused(record, "receipt", office.by("u-2", "manager"), step=office.act).rule == "A-PRM-29"
    assert office.act(record, "receipt", office.by("u-3", "property_clerk"))["state"] == "read"


@pytest.mark.rule("A-PRM-30")
def test_minutes_name_who_was_there_and_who_does_what_by_when(office: Office) -> None:
    """Promise: six attendees and three actions are counted; an action without owner is refused."""
    meeting = {"held_at": "2026-03-03T10:00:00+08:00", "topic": "消防演练"}
    record = office.open("meeting", office.by("u-1"), **meeting)
    people = [{"person": f"u-{number}"} for number in range(6)]
    actions = [{"task": "检查", "owner": "u-2", "due": "2026-03-10"}] * 3
    half: dict[str, Any] = {"minutes": "同意", "attendees": people, "actions": [{"task": "检查"}]}
    assert refused(record, "write_minutes", office.by("u-1"), step=office.act, **half).rule == "A-PRM-30"
    office.act(record, "write_minutes", office.by("u-1"), **half | {"actions": actions})
    values = office.get(record)["values"]
    assert (values["attended"], values["agreed"]) == ("6", "3")


@pytest.mark.rule("A-PRM-32")
def test_goods_are_accepted_stored_and_issued_as_far_as_there_are_any(office: Office) -> None:
    """Promise: 10 in and 3 out leave 7; 8 out of 7 are refused and change nothing."""
    desk = ("service_desk",)
    goods: dict[str, Any] = {"item": "打印纸"}
    office.open("desk_goods", office.by("u-1", *desk), **goods, kind="receive", quantity=10, accepted=True)
    office.open("desk_goods", office.by("u-1", *desk), **goods, kind="issue", quantity=3, receiver="u-4")
    assert office.stock("desk_goods") == {"打印纸": "7.000"}
    over = {**goods, "kind": "issue", "quantity": 8, "receiver": "u-4"}
    assert refused("desk_goods", office.by("u-1", *desk), step=office.open, **over).rule == "A-PRM-32"
    unchecked = {**goods, "kind": "receive", "quantity": 1}
    assert refused("desk_goods", office.by("u-1", *desk), step=office.open, **unchecked).rule == "A-PRM-32"
    assert office.stock("desk_goods") == {"打印纸": "7.000"}
    with pytest.raises(ValidationFailed):
        office.open("desk_goods", office.by("u-1", *desk), item="打印纸", kind="receive", quantity="viele")
