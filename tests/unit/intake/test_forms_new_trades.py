"""What franchised hotels, cable stations, sellers of terminals and deliverers of projects write down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import Office, refused
from tests.unit.intake.register_world import office_of

DESK = ("u-1", "service_desk")


@pytest.fixture
def hotels(tmp_path: Path) -> Office:
    return office_of(tmp_path, "hotel-franchise")


@pytest.fixture
def station(tmp_path: Path) -> Office:
    return office_of(tmp_path, "cable-tv")


@pytest.fixture
def seller(tmp_path: Path) -> Office:
    return office_of(tmp_path, "terminal-services")


@pytest.fixture
def projects(tmp_path: Path) -> Office:
    return office_of(tmp_path, "project-delivery")


@pytest.mark.rule("A-HTL-22")
def test_a_hotel_asks_for_the_four_kinds_of_things_in_the_brands_image(hotels: Office) -> None:
    """Promise: each kind with its quantity; a fifth kind, or a kind without a quantity, is refused."""
    kinds = ("shop_sign", "billboard", "publicity", "guest_supplies")
    items = [{"item": kind, "quantity": number} for number, kind in enumerate(kinds, 1)]
    record = hotels.open("vi_material_request", hotels.by("u-1"), hotel="H1", items=items)
    assert hotels.get(record)["values"]["pieces"] == "10"
    for wrong in ({"item": "uniform", "quantity": 1}, {"item": "shop_sign"}):
        refusal = refused(
            "vi_material_request", hotels.by("u-1"), step=hotels.open, hotel="H1", items=[wrong]
        )
        assert refusal.rule == "A-HTL-22"


@pytest.mark.rule("A-HTL-25")
def test_a_front_desk_system_missing_twenty_days_before_opening_is_told(hotels: Office) -> None:
    """Promise: what is installed before is not told; what is not is told that day, and late at the opening."""
    plan = {"planned_on": "2026-06-01", "opens_on": "2026-08-01"}
    open_still = hotels.open("front_desk_system", hotels.by("u-1"), hotel="H1", **plan)
    done = hotels.open("front_desk_system", hotels.by("u-1"), hotel="H2", **plan)
    assert refused(done, "install", hotels.by("u-1"), step=hotels.act).rule == "A-HTL-25"
    hotels.act(done, "install", hotels.by("u-1"), installed_on="2026-07-01")
    assert hotels.get(done)["values"]["installed_on"] == "2026-07-01"
    hotels.pass_time(beijing("2026-07-11 23:59"))
    assert hotels.told(open_still, "record_noticed") == []
    hotels.pass_time(beijing("2026-07-12 00:00"))
    (notice,) = hotels.told(open_still, "record_noticed")
    assert (notice["staff"], notice["source"]) == ("u-1", "A-HTL-25")
    hotels.pass_time(beijing("2026-08-01 00:00"))
    assert hotels.get(open_still)["flags"] == ["late:before_opening"]
    assert hotels.told(done, "record_noticed") == []


@pytest.mark.rule("A-CAT-11")
def test_what_is_paid_in_the_fee_hall_is_booked_to_headquarters(station: Office) -> None:
    """Promise: by itself, and never to a station."""
    paid = {"customer": "cu_3", "paid": "24"}
    record = station.open("fee_hall_payment", station.by(*DESK), **paid)
    assert station.get(record)["values"]["booked_to"] == "headquarters"
    wrong = refused("fee_hall_payment", station.by(*DESK), step=station.open, **paid, booked_to="station")
    assert wrong.rule == "A-CAT-11"


@pytest.mark.rule("A-CAT-13")
def test_who_has_not_paid_is_switched_off_and_on_again_after_paying(station: Office) -> None:
    """Promise: the task to suspend is there at once, that to restore only when all is paid."""
    record = station.open("signal_control", station.by(*DESK), customer="cu_4", unpaid="48")
    assert station.get(record)["state"] == "to_suspend"
    assert refused(record, "restore", station.by(*DESK), step=station.act).rule == "A-CAT-13"
    station.act(record, "suspend", station.by(*DESK))
    short = refused(record, "pay", station.by(*DESK), step=station.act, paid="24")
    assert short.rule == "A-CAT-13"
    assert station.act(record, "pay", station.by(*DESK), paid="48")["state"] == "to_restore"
    told = [(each["why"], each["to"], each["source"]) for each in station.told(record, "record_noticed")]
    assert told == [("停机", "service_desk", "A-CAT-13"), ("恢复", "service_desk", "A-CAT-13")]
    assert station.act(record, "restore", station.by(*DESK))["state"] == "restored"


@pytest.mark.rule("A-CAT-13")
def test_a_signal_follows_what_is_owed_and_nothing_else(station: Office) -> None:
    """Promise: nobody is switched off who owes nothing, twice, by anybody, or after paying in time."""
    owes = {"customer": "cu_4", "unpaid": "48"}
    for wrong in ({"unpaid": "0"}, {"unpaid": None}, {"customer": None}):
        refusal = refused("signal_control", station.by(*DESK), step=station.open, **owes | wrong)
        assert refusal.rule == "A-CAT-13"
    assert refused("signal_control", station.by("u-2"), step=station.open, **owes).rule == "A-CAT-13"
    record = station.open("signal_control", station.by(*DESK), **owes)
    assert refused("signal_control", station.by(*DESK), step=station.open, **owes).rule == "A-CAT-13"
    assert refused(record, "suspend", station.by("u-2"), step=station.act).rule == "A-CAT-13"
    assert refused(record, "pay_before", station.by(*DESK), step=station.act).rule == "A-CAT-13"
    part = refused(record, "pay_before", station.by(*DESK), step=station.act, paid="47.99")
    assert (part.rule, part.details["check"]) == ("A-CAT-13", "all_paid")
    assert station.act(record, "pay_before", station.by(*DESK), paid="48")["state"] == "not_suspended"
    assert refused(record, "suspend", station.by(*DESK), step=station.act).rule == "A-CAT-13"
    again = station.open("signal_control", station.by(*DESK), **owes)
    station.act(again, "suspend", station.by(*DESK))
    assert refused(again, "pay", station.by(*DESK), step=station.act).rule == "A-CAT-13"
    station.act(again, "pay", station.by(*DESK), paid="50")
    assert refused(again, "restore", station.by("u-2"), step=station.act).rule == "A-CAT-13"


@pytest.mark.rule("A-CAT-15")
def test_a_station_confirms_how_many_rows_were_entered_for_it(station: Office) -> None:
    """Promise: 120 rows are confirmed as 120 by the station, not by whoever entered them."""
    rows = [{"customer": f"cu_{number}", "paid": "24"} for number in range(120)]
    batch: dict[str, Any] = {"station": "城南", "month": "2026-03", "entries": rows}
    assert refused("fee_batch", station.by("u-2"), step=station.open, **batch).rule == "A-CAT-15"
    record = station.open("fee_batch", station.by(*DESK), **batch)
    values = station.get(record)["values"]
    assert (values["entered_rows"], values["total"]) == ("120", "2880.00")
    own = refused(record, "confirm", station.by(*DESK), step=station.act, confirmed_rows=120)
    assert own.rule == "A-CAT-15"
    chief = ("u-7", "station_staff")
    wrong = refused(record, "confirm", station.by(*chief), step=station.act, confirmed_rows=119)
    assert (wrong.rule, wrong.details["difference"]) == ("A-CAT-15", "-1")
    assert station.act(record, "confirm", station.by(*chief), confirmed_rows=120)["state"] == "confirmed"


@pytest.mark.rule("B-TRM-01")
def test_calls_and_help_for_sales_have_their_kinds(seller: Office) -> None:
    """Promise: a call is an inquiry or a complaint; help is a test, a top-up or money brought in."""
    seller.open("work_log", seller.by("u-1"), kind="inquiry", contact="ct_1")
    seller.open("work_log", seller.by("u-1"), kind="complaint", contact="ct_2")
    wrong = refused("work_log", seller.by("u-1"), step=seller.open, kind="chat", contact="ct_3")
    assert wrong.rule == "B-TRM-01"
    for work in ("device_test", "top_up", "money_recovery"):
        record = seller.open("sales_support", seller.by("u-1"), work=work, customer="cu_1")
        assert refused(record, "finish", seller.by("u-1"), step=seller.act).rule == "B-TRM-01"
    other = refused("sales_support", seller.by("u-1"), step=seller.open, work="repair", customer="cu_1")
    assert other.rule == "B-TRM-01"


@pytest.mark.rule("B-TRM-02")
def test_calls_count_by_their_record_and_once(seller: Office) -> None:
    """Promise: of two calls taken the one without a record is not counted until it has one, and none has two."""
    seller.open("work_log", seller.by("u-1"), kind="inquiry", contact="ct_1")
    assert seller.figures("work_log", by="kind")["by_field"] == {"inquiry": 1}
    seller.open("work_log", seller.by("u-2"), kind="complaint", contact="ct_2")
    assert seller.figures("work_log", by="kind")["by_field"] == {"inquiry": 1, "complaint": 1}
    twice = refused("work_log", seller.by("u-2"), step=seller.open, kind="inquiry", contact="ct_1")
    assert twice.rule == "B-TRM-02"
    nothing = refused("work_log", seller.by("u-2"), step=seller.open, kind="inquiry")
    assert nothing.rule == "B-TRM-02"
    assert seller.figures("work_log")["total"] == 2
    (first,) = seller.find(register="work_log", where={"contact": "ct_1"})
    seller.act(first, "solve", seller.by("u-1"), situation="充值未到账", solution="补充值")
    after = refused("work_log", seller.by("u-2"), step=seller.open, kind="inquiry", contact="ct_1")
    assert after.rule == "B-TRM-02"


@pytest.mark.rule("B-TRM-03")
def test_a_call_whose_situation_is_not_known_is_incomplete(seller: Office) -> None:
    """Promise: it is flagged until it is, and cannot be solved before."""
    record = seller.open("work_log", seller.by("u-1"), kind="inquiry", contact="ct_1")
    assert seller.get(record)["flags"] == ["situation_known"]
    (flag,) = seller.told(record, "record_flagged")
    assert flag["source"] == "B-TRM-03"
    early = refused(record, "solve", seller.by("u-1"), step=seller.act, solution="重启")
    assert early.rule == "B-TRM-03"
    seller.act(record, "learn", seller.by("u-1"), situation="充值未到账")
    assert seller.get(record)["flags"] == []
    assert seller.act(record, "solve", seller.by("u-1"), solution="补充值")["state"] == "solved"


@pytest.mark.rule("B-GEN-02")
def test_whatever_was_asked_for_has_an_outcome_before_it_closes(seller: Office) -> None:
    """Promise: a superior's task and a colleague's request close with what came of them."""
    for asked_by in ("superior", "colleague"):
        record = seller.open("task", seller.by("u-1"), asked_by=asked_by, task="核对台账")
        assert refused(record, "finish", seller.by("u-1"), step=seller.act).rule == "B-GEN-02"
        assert seller.act(record, "finish", seller.by("u-1"), outcome="已核对")["state"] == "closed"


@pytest.mark.rule("B-GEN-05")
def test_each_call_is_registered_with_its_handling(seller: Office) -> None:
    """Promise: one call, one entry, and none without what was done."""
    bare = refused("call_register", seller.by("u-1"), step=seller.open, contact="ct_1")
    assert bare.rule == "B-GEN-05"
    seller.open("call_register", seller.by("u-1"), contact="ct_1", handling="转技术")
    again = refused("call_register", seller.by("u-1"), step=seller.open, contact="ct_1", handling="x")
    assert again.rule == "B-GEN-05"


@pytest.mark.rule("B-GEN-08")
def test_the_day_is_cleared_or_what_is_left_has_a_reason(seller: Office) -> None:
    """Promise: at the day's end an open item without a reason is late and its keeper told; others are not."""
    form = {"asked_by": "customer", "task": "查询余额"}
    left, carried, done = (seller.open("task", seller.by("u-1"), **form) for _ in range(3))
    assert refused(carried, "carry_over", seller.by("u-1"), step=seller.act).rule == "B-GEN-08"
    seller.act(carried, "carry_over", seller.by("u-1"), carried_over="等待运营商")
    seller.act(done, "finish", seller.by("u-1"), outcome="已答复")
    seller.pass_time(beijing("2026-03-02 23:59"))
    assert seller.get(left)["flags"] == []
    seller.pass_time(beijing("2026-03-03 00:00"))
    assert seller.find(register="task", flag="late:daily_clearing") == [left]
    (notice,) = seller.told(left, "record_noticed")
    assert (notice["staff"], notice["source"]) == ("u-1", "B-GEN-08")


def document(projects: Office, title: str) -> str:
    return projects.open("delivery_document", projects.by("u-1"), title=title, edition="1", attachment="at_1")


@pytest.mark.rule("B-DEL-01")
def test_every_delivery_shows_its_step_its_owner_and_its_next_date(projects: Office) -> None:
    """Promise: none goes on without the next date; one that has passed is late, and its owner told."""
    form = {"project": "X", "owner": "u-5", "next_date": "2026-03-10"}
    for left_out in ("owner", "next_date"):
        short = {key: value for key, value in form.items() if key != left_out}
        assert refused("delivery", projects.by("u-1"), step=projects.open, **short).rule == "B-DEL-01"
    record = projects.open("delivery", projects.by("u-1"), **form)
    needs = document(projects, "需求")
    steps = {"analyse": "analysis", "design": "design", "build": "building", "test": "acceptance"}
    owner = "u-5"
    for number, (step, state) in enumerate(steps.items(), start=1):
        more = {"requirements": needs} if step == "design" else {}
        undated = refused(record, step, projects.by(owner), step=projects.act, **more, next_date=None)
        assert undated.rule in {"B-DEL-01", "B-DEL-06"}
        assert refused(record, step, projects.by("u-1"), step=projects.act).rule in {"B-DEL-01", "B-DEL-06"}
        day = f"2026-03-{10 + number}"
        projects.act(record, step, projects.by(owner), **more, next_date=day, owner=f"u-{5 + number}")
        owner = f"u-{5 + number}"
        shown = projects.get(record)
        assert (shown["state"], shown["values"]["owner"], shown["values"]["next_date"], shown["due_at"]) == (
            state,
            owner,
            day,
            f"{day}T16:00:00.000Z",
        )
    assert {clock["source"] for clock in projects.get(record)["clocks"]} == {"B-DEL-01"}
    projects.pass_time(beijing("2026-03-14 23:59"))
    assert projects.find(register="delivery", overdue=True) == []
    projects.pass_time(beijing("2026-03-15 00:00"))
    assert projects.find(register="delivery", overdue=True) == [record]
    (notice,) = projects.told(record, "record_noticed")
    assert (notice["staff"], notice["source"]) == (owner, "B-DEL-01")


@pytest.mark.rule("B-DEL-02")
@pytest.mark.parametrize("left_out", ["measure", "owner"])
def test_a_risk_has_a_measure_and_an_owner(projects: Office, left_out: str) -> None:
    """Promise: a risk nobody answers for, or nobody meets, is not taken as written down."""
    delivery = projects.open("delivery", projects.by("u-1"), project="X", owner="u-5", next_date="2026-03-10")
    form = {"delivery": delivery, "risk": "接口延期", "measure": "并行开发", "owner": "u-5"}
    short = {key: value for key, value in form.items() if key != left_out}
    assert refused("delivery_risk", projects.by("u-1"), step=projects.open, **short).rule == "B-DEL-02"
    record = projects.open("delivery_risk", projects.by("u-1"), **form)
    assert projects.act(record, "settle", projects.by("u-5"))["state"] == "settled"


@pytest.mark.rule("B-DEL-06")
def test_a_delivery_does_not_end_without_its_documents(projects: Office) -> None:
    """Promise: design waits for the requirements, the release for the acceptance; each can be traced."""
    record = projects.open("delivery", projects.by("u-1"), project="X", owner="u-5", next_date="2026-03-10")
    day = {"next_date": "2026-04-01"}
    owner = ("u-5",)
    projects.act(record, "analyse", projects.by(*owner), **day)
    assert refused(record, "design", projects.by(*owner), step=projects.act, **day).rule == "B-DEL-06"
    needs = document(projects, "需求")
    projects.act(record, "design", projects.by(*owner), **day, requirements=needs)
    for step in ("build", "test"):
        projects.act(record, step, projects.by(*owner), **day)
    assert refused(record, "release", projects.by(*owner), step=projects.act).rule == "B-DEL-06"
    accepted = document(projects, "验收")
    assert projects.act(record, "release", projects.by(*owner), acceptance=accepted)["state"] == "released"
    unnamed = refused("delivery_document", projects.by("u-1"), step=projects.open, title="x")
    assert unnamed.rule == "B-DEL-06"


@pytest.mark.rule("B-DEL-07")
def test_documents_of_a_delivery_are_read_by_those_they_are_for(projects: Office) -> None:
    """Promise: without the role nobody gets at the attachment, and every reading is written down."""
    record = document(projects, "需求")
    assert refused(record, step=projects.get).rule == "B-DEL-07"
    assert projects.get(record, "document_keeper")["values"]["attachment"] == "at_1"
    assert [each["role"] for each in projects.told(record, "record_read")] == ["document_keeper"]
    ways: list[tuple[Any, dict[str, Any]]] = [
        (projects.export, {}),
        (projects.figures, {"by": "title"}),
        (projects.find, {"where": {"attachment": "at_1"}}),
    ]
    for ask, wanted in ways:
        positional = () if ask == projects.find else ("delivery_document",)
        named = {"register": "delivery_document"} if ask == projects.find else {}
        assert refused(*positional, step=ask, **named, **wanted).rule == "B-DEL-07"
    assert "at_1" not in str([each.entry.data for each in projects.sent])
    assert "at_1" in projects.export("delivery_document", "manager")["file"]
