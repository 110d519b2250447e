"""An online store's orders, use problems and chase requests."""

from __future__ import annotations

import pytest

from tests.unit.intake.fakes import SHOP, beijing
from tests.unit.intake.requests_world import Desk, instant, refused


@pytest.fixture
def desk() -> Desk:
    """Return the shop's desk at ten in the morning."""
    return Desk(SHOP)


def paid(desk: Desk, number: int = 1, **noted: object) -> str:
    order = desk.take(number, category="order")
    if noted:
        desk.act(order, "note", **noted)
    desk.act(order, "pay")
    return order


@pytest.mark.rule("B-ECM-41")
def test_goods_leave_within_a_day_and_at_the_latest_within_two(desk: Desk) -> None:
    """Promise: paid on the 2nd at 10:00, normally out by the 3rd, a breach at 10:00 on the 4th."""
    order = paid(desk)
    clocks = desk.clocks(order)
    assert instant(clocks["shipping"]) == beijing("2026-03-03 10:00")
    assert instant(clocks["shipping_latest"]) == beijing("2026-03-04 10:00")
    assert {clocks[name]["source"] for name in ("shipping", "shipping_latest")} == {"B-ECM-41"}
    desk.at("2026-03-04 10:01")
    breached = [event["clock"] for event in desk.events("clock_breached")]
    assert breached == ["shipping", "shipping_latest"]


@pytest.mark.rule("B-ECM-13")
def test_a_special_wish_without_a_remark_does_not_ship(desk: Desk) -> None:
    """Promise: the remark is there before the parcel leaves."""
    order = paid(desk, special=True)
    with refused("B-ECM-13"):
        desk.act(order, "ship")
    desk.act(order, "note", remark="送礼，勿放价签")
    assert desk.act(order, "ship")["stage"] == "shipped"


@pytest.mark.rule("B-SHP-10")
def test_a_special_wish_carries_the_red_flag(desk: Desk) -> None:
    """Promise: whoever packs sees it; ordinary orders carry none."""
    special, plain = paid(desk, 1, special=True), paid(desk, 2)
    assert desk.look(special)["facts"]["flag"] == "red"
    assert "flag" not in desk.look(plain)["facts"]


@pytest.mark.rule("B-WWS-22")
def test_what_was_agreed_in_the_chat_is_noted_or_nothing_leaves(desk: Desk) -> None:
    """Promise: a change that is not in the remark blocks shipping."""
    order = paid(desk, changed=True)
    with refused("B-WWS-22"):
        desk.act(order, "ship")
    desk.act(order, "note", change_noted=True)
    desk.act(order, "ship")


@pytest.mark.rule("B-WWS-23")
def test_a_remote_address_is_asked_about_its_courier(desk: Desk) -> None:
    """Promise: no courier is chosen over the customer's head."""
    order = paid(desk, remote=True)
    with refused("B-WWS-23"):
        desk.act(order, "ship")
    desk.act(order, "ship", courier="ems")


@pytest.mark.rule("B-ECM-42")
def test_short_goods_are_a_call_that_ends_in_exchange_or_refund(desk: Desk) -> None:
    """Promise: customer service is told at once; nothing else is an outcome."""
    order = paid(desk, out_of_stock=True)
    (task,) = desk.look(order)["tasks"]
    assert (task["code"], task["to"], task["source"]) == ("contact_customer", "aftersale", "B-ECM-42")
    for outcome in ({}, {"resolution": "wait"}):
        with refused("B-ECM-42"):
            desk.act(order, "settle_shortage", **outcome)
    desk.act(order, "settle_shortage", resolution="refund")
    assert desk.look(order)["tasks"][0]["done_at"] is not None
    assert desk.act(order, "cancel")["closed"] is True


@pytest.mark.rule("B-SHP-11")
def test_an_addition_costs_postage_once_the_order_is_made_and_else_goes_to_its_maker(desk: Desk) -> None:
    """Promise: marked as read, the customer is told of the postage; not marked, the maker adds it at once."""
    made, unmade = paid(desk, 1, marked_read=True), paid(desk, 2)
    (message,) = desk.act(made, "add", record="加一双袜子")["messages"]
    assert "邮费" in message
    assert desk.look(made)["messages"][0]["source"] == "B-SHP-11"
    desk.act(unmade, "add", record="加一双袜子")
    (task,) = desk.look(unmade)["tasks"]
    assert (task["code"], task["to"], task["source"]) == ("add_to_order", "order_maker", "B-SHP-11")


@pytest.mark.rule("B-WWS-24")
def test_a_chase_has_its_order_and_shows_where_the_parcel_is(desk: Desk) -> None:
    """Promise: nobody answers a chase without having looked."""
    with refused("B-WWS-24"):
        desk.open("chase")
    chase = desk.open("chase", filled={"order_no": "SO-1"})
    with refused("B-WWS-24"):
        desk.act(chase, "reply", outcome="在路上")
    desk.act(chase, "look_up", logistics_status="已到达杭州转运中心")
    assert desk.look(chase)["facts"]["logistics_status"] == "已到达杭州转运中心"
    assert desk.act(chase, "reply", outcome="明日送达")["closed"] is True


@pytest.mark.rule("B-ECM-19")
def test_a_days_work_is_done_that_day(desk: Desk) -> None:
    """Promise: opened at 10:00, still open at midnight, overdue."""
    request = desk.take()
    clock = desk.clocks(request)["same_day"]
    assert (instant(clock), clock["source"]) == (beijing("2026-03-03 00:00"), "B-ECM-19")
    desk.at("2026-03-02 23:59")
    assert desk.clocks(request)["same_day"]["state"] == "running"
    desk.at("2026-03-03 00:00")
    assert desk.clocks(request)["same_day"]["state"] == "breached"
    assert [row["request_id"] for row in desk.rows(state="overdue")] == [request]


@pytest.mark.rule("B-ECM-04")
def test_what_is_not_routine_reaches_the_general_manager_at_once(desk: Desk) -> None:
    """Promise: a notice with its time stamp."""
    request = desk.take()
    desk.act(request, "note", non_routine=True)
    (notice,) = desk.look(request)["notices"]
    assert (notice["role"], notice["source"]) == ("general_manager", "B-ECM-04")
    assert instant(notice, "at") == desk.clock.now()


@pytest.mark.rule("B-ECM-06")
def test_help_leaves_the_owner_who_they_are(desk: Desk) -> None:
    """Promise: the supervisor is drawn in, the first owner stays."""
    request = desk.take(taken_by="A1")
    desk.do("accept_request", desk.person("A1", "presale"), id=request)
    desk.do("ask_help", desk.person("A1"), id=request, role="supervisor")
    seen = desk.look(request)
    assert [helper["role"] for helper in seen["helpers"]] == ["supervisor"]
    assert (seen["owner"]["staff"], seen["first_responsible"]["staff"]) == ("A1", "A1")


@pytest.mark.rule("B-ECM-14")
def test_a_use_problem_has_an_owner_and_a_deadline(desk: Desk) -> None:
    """Promise: after-sales has it, by today."""
    request = desk.open("use_problem", customer_id="cu_1")
    seen = desk.look(request)
    assert (seen["owner"]["unit"], seen["owner"]["role"]) == ("aftersale", "aftersale")
    assert seen["due_at"] is not None


def test_who_is_asked_first_answers_until_somebody_accepts(desk: Desk) -> None:
    """Promise: where the name does not stay for good it goes with the request, and not before it is accepted."""
    request = desk.take(taken_by="A1")
    desk.do("transfer_request", id=request, staff="A2", reason="售后问题")
    assert desk.look(request)["first_responsible"]["staff"] == "A1"
    desk.do("accept_request", desk.person("A2"), id=request)
    assert desk.look(request)["first_responsible"]["staff"] == "A2"
