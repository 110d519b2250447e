"""What a customer's file promises: whole, found by anything, changed with the old value kept, opened once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.intake.files_world import file_room


@pytest.mark.rule("A-AUT-09")
def test_a_customer_is_found_by_plate_frame_phone_and_name_however_typed(tmp_path: Path) -> None:
    """Promise: the same record whichever way it is looked for."""
    room = file_room(tmp_path, "auto-dealer")
    values = {"plate": ["沪A12345", "沪B00001"], "frame_number": ["LSVAA4182E2123456"]}
    customer = room.register("王小明", "138 0000 0001", values=values)
    room.register("王大明", "13800000002", values={"plate": ["沪A99999"]})
    for by, text in (
        ("plate", "沪a12345"),
        ("plate", "沪 B00001"),
        ("frame_number", "lsvaa4182"),
        ("phone", "+86 138-0000-0001"),
        ("name", "王小明"),
        ("name", "wangxiao"),
        ("name", "WXM"),
    ):
        assert room.find(by, text) == [customer], (by, text)
    assert len(room.find("name", "王")) == 2
    assert room.find("plate", "沪C") == []
    with pytest.raises(ValidationFailed, match="plate"):
        room.find("shoe_size", "42")


@pytest.mark.rule("A-LOG-06")
def test_a_file_returns_every_field_that_was_stored(tmp_path: Path) -> None:
    """Promise: nothing entered is lost, and each value says where it comes from."""
    room = file_room(tmp_path, "logistics")
    stored = {"address": "某路1号", "goods": "冷链"}
    customer = room.register("华星物流", kind="company", values=stored, origin="third_party")
    file = room.file(customer)
    assert {code: held["value"] for code, held in file["fields"].items()} == stored
    assert {held["origin"] for held in file["fields"].values()} == {"third_party"}
    assert (file["name"], file["phone"], file["lacking"]) == ("华星物流", "+8613800000001", [])


@pytest.mark.rule("A-LOG-09")
def test_one_customer_has_one_file_for_all_departments(tmp_path: Path) -> None:
    """Promise: a second file with the same key is refused, and names the one there is."""
    room = file_room(tmp_path, "logistics")
    customer = room.register()
    with pytest.raises(Conflict) as refused:
        room.register("别的名字", actor="u-sales")
    assert refused.value.details == {"customer_id": customer}
    assert room.app.files.read.count("made-up", "class")["total"] == 1
    again = room.do("update", id=customer, values={"phone": "13800000009"}, reason="换号")
    assert again["customer_id"] == customer
    assert (room.find("phone", "13800000001"), room.find("phone", "13800000009")) == ([], [customer])
    other = room.register()
    with pytest.raises(Conflict):
        room.do("update", id=other, values={"phone": "13800000009"}, reason="换号")


@pytest.mark.rule("A-LOG-08", "B-DET-10")
def test_preferences_are_shown_with_every_new_request(tmp_path: Path) -> None:
    """Promise: whoever takes a request sees what the customer prefers."""
    room = file_room(tmp_path, "logistics")
    customer = room.register()
    room.do("update", id=customer, preferences=["夜间送货", "18点后来电"], reason="客户要求")
    contact = room.contact("enquiry")
    assert contact["customer_id"] == customer
    shown = room.app.desk.contact("made-up", contact["contact_id"])
    assert shown["preferences"] == ["夜间送货", "18点后来电"]


@pytest.mark.rule("A-LOG-01")
def test_a_request_belongs_to_one_of_three_phases(tmp_path: Path) -> None:
    """Promise: a phase that is none of the three is refused; the list by phase has those of it alone."""
    room = file_room(tmp_path, "logistics")
    made = room.contact("enquiry", phase="in_process")["contact_id"]
    room.contact("enquiry", phase="pre_service")
    asked = {"category": None, "received_from": None, "limit": 10, "skip": 0}
    rows = room.app.desk.contacts("made-up", asked | {"phase": "in_process"})
    assert [row["contact_id"] for row in rows] == [made]
    with pytest.raises(ValidationFailed, match="pre_service, in_process, post_service"):
        room.contact("enquiry", phase="other")
    with pytest.raises(RuleRefused) as refused:
        room.do("move", id=room.find("name", "王")[0], phase="other", reason="试")
    assert refused.value.rule == "A-LOG-01"


@pytest.mark.rule("A-LOG-04")
def test_the_timeline_shows_every_contact_with_handler_time_and_phase(tmp_path: Path) -> None:
    """Promise: what happened with a customer is read in one place, newest first."""
    room = file_room(tmp_path, "logistics")
    first = room.contact("reception", phase="in_process")
    timeline = room.app.files.read.timeline("made-up", first["customer_id"], 10, 0)
    assert [(row["category"], row["handler"]["staff"]) for row in timeline] == [("reception", "u-1")]
    assert timeline[0]["received_at"] == "2024-05-06T01:00:00.000Z"


@pytest.mark.rule("A-RES-09")
def test_a_developers_file_always_holds_a_way_to_reach_the_owner(tmp_path: Path) -> None:
    """Promise: the file shows when the owner was last in contact, and an owner without a telephone is listed."""
    room = file_room(tmp_path, "real-estate")
    (customer,) = {room.contact("enquiry")["customer_id"] for _ in range(3)}
    room.clock.advance(timedelta(days=1))
    room.contact("enquiry")
    assert room.file(customer)["contacts"] == {"count": 4, "last_at": "2024-05-07T01:00:00.000Z"}
    mute = room.register("李四", None, kind="household", unit="1-101")
    assert room.file(mute)["lacking"] == ["phone"]
    assert room.page(incomplete=True) == [mute]


@pytest.mark.rule("A-GEN-01")
def test_the_timeline_covers_first_contact_problem_solving_and_after_sales(tmp_path: Path) -> None:
    """Promise: the three stages every trade has are kept with each contact; the file counts them."""
    room = file_room(tmp_path, "real-estate")
    made = room.contact("enquiry")
    for phase in ("first_contact", "problem_solving", "after_sales"):
        room.contact("enquiry", phase=phase)
    timeline = room.app.files.read.timeline("made-up", made["customer_id"], 10, 0)
    assert {row["phase"] for row in timeline} - {None} == {
        "first_contact",
        "problem_solving",
        "after_sales",
    }
    assert room.file(made["customer_id"])["contacts"] == {
        "count": 4,
        "last_at": "2024-05-06T01:00:00.000Z",
    }


@pytest.mark.rule("A-TRV-05", "A-TRV-11", "A-TRV-09")
def test_who_asks_is_a_potential_customer_and_becomes_an_existing_one(tmp_path: Path) -> None:
    """Promise: one customer whatever line is called; converted with the day, never back by a wrong step."""
    room = file_room(tmp_path, "call-centre")
    customer = room.contact("enquiry", channel="hotline")["customer_id"]
    assert room.contact("enquiry", channel="hotline_800")["customer_id"] == customer
    timeline = room.app.files.read.timeline("made-up", customer, 10, 0)
    assert {row["channel"] for row in timeline} == {"hotline", "hotline_800"}
    assert room.file(customer)["lifecycle"] == "potential"
    room.do("move", id=customer, lifecycle="existing", on="2024-05-06", reason="已下单")
    moves = room.file(customer)["moves"]
    assert (moves[-1]["to"], moves[-1]["on"]) == ("existing", "2024-05-06")
    with pytest.raises(RuleRefused) as refused:
        room.do("move", id=customer, lifecycle="potential", reason="误")
    assert refused.value.rule == "A-TRV-01"


@pytest.mark.rule("B-ECM-05")
def test_the_first_talk_before_a_sale_opens_the_file_of_a_potential_customer(tmp_path: Path) -> None:
    """Promise: nobody has to remember to enter a potential customer."""
    room = file_room(tmp_path, "online-store")
    assert room.file(room.contact("enquiry")["customer_id"])["lifecycle"] == "potential"
    assert room.file(room.contact("need", "13800000002")["customer_id"])["lifecycle"] is None


@pytest.mark.rule("B-STD-12")
def test_a_potential_customer_entered_by_hand_is_followed_up(tmp_path: Path) -> None:
    """Promise: while somebody is followed there is a day of the next step."""
    room = file_room(tmp_path, "call-centre")
    with pytest.raises(RuleRefused) as refused:
        room.register(lifecycle="potential")
    assert refused.value.rule == "B-STD-12"
    customer = room.register(lifecycle="potential", next_follow_on="2024-05-10")
    with pytest.raises(RuleRefused):
        room.do("move", id=customer, reason="已联系")
    room.do("move", id=customer, lifecycle="existing", reason="成交")
    assert room.file(customer)["next_follow_on"] is None


@pytest.mark.rule("A-TRV-06")
def test_a_visitor_is_entered_with_the_intention_to_travel(tmp_path: Path) -> None:
    """Promise: of a visitor the intention is known; of others it need not be."""
    room = file_room(tmp_path, "call-centre")
    with pytest.raises(RuleRefused) as refused:
        room.register(origin="visit")
    assert refused.value.rule == "A-TRV-06"
    visitor = room.register(origin="visit", values={"travel_intention": "十月海南"})
    assert room.file(visitor)["sources"][0]["code"] == "visit"
    room.register("李四", "13800000002", origin="media")


@pytest.mark.rule("A-TRV-01")
def test_existing_relations_are_kept_apart_from_customers_to_be_won(tmp_path: Path) -> None:
    """Promise: fifty and twenty are listed as such, and who was won is no longer one to be won."""
    room = file_room(tmp_path, "call-centre")
    phone = 13800000000
    for state, number in {"existing": 50, "potential": 20}.items():
        for _ in range(number):
            phone += 1
            follow = "2024-05-10" if state == "potential" else None
            room.register(f"客户{phone}", str(phone), lifecycle=state, next_follow_on=follow)
    assert len(room.page(lifecycle="existing", limit=100)) == 50
    assert len(room.page(lifecycle="potential", limit=100)) == 20
    won = room.page(lifecycle="potential")[0]
    room.do("move", id=won, lifecycle="existing", reason="已下单")
    with pytest.raises(RuleRefused) as refused:
        room.do("move", id=won, lifecycle="potential", reason="误")
    assert refused.value.rule == "A-TRV-01"


@pytest.mark.rule("A-JD4-04")
def test_customers_are_listed_and_counted_by_state_and_by_source(tmp_path: Path) -> None:
    """Promise: existing and potential customers, and the channels they came by, add up."""
    room = file_room(tmp_path, "hotel-franchise")
    wanted = {"qcc": 5, "58tc": 3, "hotel_group": 2}
    phone = 13800000000
    for origin, number in wanted.items():
        for _ in range(number):
            phone += 1
            state = "potential" if origin == "qcc" else "existing"
            room.register(f"客户{phone}", str(phone), origin=origin, lifecycle=state)
    assert len(room.page(lifecycle="existing")) == 5
    assert len(room.page(lifecycle="potential", origin="58tc")) == 0
    rows = room.app.files.read.count("made-up", "origin")["rows"]
    assert {row["code"]: row["count"] for row in rows if row["count"]} == wanted


@pytest.mark.rule("A-JD4-03")
def test_each_pain_point_keeps_the_day_it_was_learned(tmp_path: Path) -> None:
    """Promise: what was entered earlier keeps its day when more is learned."""
    room = file_room(tmp_path, "hotel-franchise")
    customer = room.register(values={"pain_points": ["入住率低"]})
    room.clock.advance(timedelta(days=1))
    room.do("update", id=customer, values={"pain_points": ["入住率低", "人手不足"]}, reason="深谈")
    points = room.file(customer)["fields"]["pain_points"]["value"]
    assert points == [{"text": "入住率低", "on": "2024-05-06"}, {"text": "人手不足", "on": "2024-05-07"}]


@pytest.mark.rule("A-HTL-06")
def test_a_key_manager_is_kept_with_style_and_plan(tmp_path: Path) -> None:
    """Promise: the plan made for a hotel is linked to the manager it is made for."""
    room = file_room(tmp_path, "hotel-franchise")
    hotel = room.register("某酒店", kind="company")
    manager = room.register("张经理", "13800000002")
    with pytest.raises(RuleRefused) as refused:
        room.do("relate", id=hotel, kind="key_manager", to=manager, notes={"style": "重成本"})
    assert refused.value.rule == "A-HTL-06"
    notes = {"style": "重成本", "plan": "CP1"}
    room.do("relate", id=hotel, kind="key_manager", to=manager, notes=notes)
    (relation,) = room.file(hotel)["relations"]
    assert (relation["to"], relation["notes"]) == (manager, notes)
    room.do("relate", id=hotel, kind="key_manager", to=manager, ended=True)
    assert room.file(hotel)["relations"] == []


@pytest.mark.rule("A-HTL-17")
def test_hotels_without_the_front_desk_system_are_counted(tmp_path: Path) -> None:
    """Promise: four of twenty are four of twenty."""
    room = file_room(tmp_path, "hotel-franchise")
    for number in range(20):
        values = {"pms_installed": "2024-05-06"} if number >= 4 else {}
        room.register(f"酒店{number}", f"138000001{number:02}", kind="company", values=values)
    counted = room.app.files.read.count("made-up", "field")
    installed = next(row["count"] for row in counted["rows"] if row["code"] == "pms_installed")
    assert (counted["total"], counted["total"] - installed) == (20, 4)


@pytest.mark.rule("A-CLO-03")
def test_a_sales_slip_without_a_key_item_is_refused_and_scored_without_another(tmp_path: Path) -> None:
    """Promise: key items must be there, the others count."""
    room = file_room(tmp_path, "apparel")
    codes = ("shop", "slip_number", "article", "size", "assistant")
    values = dict.fromkeys(codes, "某") | {"bought_on": "2024-05-06", "amount": "99.50"}
    with pytest.raises(RuleRefused) as refused:
        room.register(phone=None, unit="A1", values=values)
    assert refused.value.rule == "A-CLO-03"
    customer = room.register(values=values)
    assert room.file(customer)["quality"]["complete"] == 90
    assert room.page(lacks="birthday") == [customer]
    room.do("update", id=customer, values={"birthday": "1990-01-02"}, reason="补充")
    assert room.file(customer)["quality"]["complete"] == 100
    assert room.page(incomplete=True) == []


@pytest.mark.rule("B-JKC-14")
def test_the_ledger_of_shops_shows_each_with_the_day_it_was_updated(tmp_path: Path) -> None:
    """Promise: one file a shop, updated, found by its unit and its licence."""
    room = file_room(tmp_path, "commercial-plaza")
    values = {"licence_name": "华星服饰有限公司"}
    shop = room.register("华星", kind="company", unit="A12", values=values)
    assert room.find("unit", "a12") == room.find("licence_name", "华星服饰") == [shop]
    room.clock.advance(timedelta(days=1))
    room.do("update", id=shop, values={"phone": "13800000003"}, reason="换号")
    rows = room.app.files.read.page("made-up", {**_NOTHING, "limit": 10, "skip": 0}, full=True)
    assert [(row["unit"], row["updated_on"]) for row in rows] == [("A12", "2024-05-07")]


_NOTHING = dict.fromkeys(
    ("lifecycle", "phase", "class_", "filing", "origin", "lacks", "incomplete", "stale", "on")
)
