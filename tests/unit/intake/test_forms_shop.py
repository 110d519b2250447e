"""What an online shop's desks write down: sales, ideas, stock, parcels, unpaid and paid orders."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake.rulebook import load_rulebooks
from tests.unit.intake.fakes import SHOP, beijing
from tests.unit.intake.register_office import Office, refused

PRE, AFTER, SENDS = ("presale",), ("aftersale",), ("dispatcher",)


@pytest.fixture
def shop() -> Office:
    return Office(SHOP)


@pytest.mark.rule("B-ECM-20")
def test_a_complaint_by_a_customer_leads_to_whoever_served_them(shop: Office) -> None:
    """Promise: product, price and customer stand in every agent's report, and the customer finds the agent."""
    sold: dict[str, Any] = {"product": "台灯", "price": "59.00", "customer": "cu_7"}
    for missing in sold:
        rest = {name: value for name, value in sold.items() if name != missing}
        wrong = refused("sales_report", shop.by("u-3", *PRE), step=shop.open, **rest)
        assert (wrong.rule, [problem.field for problem in wrong.problems]) == (
            "B-ECM-20",
            [f"values.{missing}"],
        )
    report = shop.open("sales_report", shop.by("u-3", *PRE), **sold)
    shop.open("sales_report", shop.by("u-4", *PRE), **sold | {"customer": "cu_8"})
    assert shop.find(register="sales_report", where={"customer": "cu_7"}) == [report]
    assert shop.get(report)["values"]["agent"] == "u-3"
    # Nothing is due of anybody until the shop names its agents.
    shop.pass_time(timedelta(days=1))
    assert shop.missing("sales_report") == []


@pytest.mark.rule("B-SHP-04")
def test_an_idea_is_kept_with_author_and_date_and_a_lost_book_is_paid_for(shop: Office) -> None:
    """Promise: whoever writes stands there by themselves; office goods are drawn against registration."""
    idea = shop.get(shop.open("memo", shop.by("u-3"), kind="idea", text="换包装"))["values"]
    assert (idea["author"], idea["day"]) == ("u-3", "2026-03-02")
    wrong = refused(
        "office_supplies", shop.by("u-3"), step=shop.open, drawn_by="u-3", item="备忘录", quantity="1"
    )
    assert wrong.rule == "B-SHP-04"
    draw: dict[str, Any] = {"drawn_by": "u-3", "item": "备忘录", "quantity": "1", "replaces_lost": True}
    unpaid = refused("office_supplies", shop.by("u-1", "supervisor"), step=shop.open, **draw)
    assert (unpaid.rule, [each.field for each in unpaid.problems]) == ("B-SHP-04", ["values.paid"])
    shop.open("office_supplies", shop.by("u-1", "supervisor"), **draw, paid="12.00")


@pytest.mark.rule("B-SHP-16", "B-MBY-27")
@pytest.mark.parametrize(
    ("listed", "alerted"), [("9", True), ("8", True), ("0", True), ("10", False), ("11", False)]
)
def test_fewer_than_ten_pieces_alert_all_agents_and_the_real_stock_is_told(
    shop: Office, listed: str, *, alerted: bool
) -> None:
    """Promise: 9 alerts everybody at once and 10 nobody; what was found goes round before the record closes."""
    alert = shop.open("stock_alert", shop.by("u-3", *PRE), item="台灯", listed=listed)
    told = [(each["to"], each["source"]) for each in shop.told(alert, "record_noticed")]
    assert told == ([("presale", "B-SHP-16"), ("aftersale", "B-SHP-16")] if alerted else [])
    unknown = refused(alert, "tell", shop.by("u-4", *AFTER), step=shop.act)
    assert (unknown.rule, shop.get(alert)["open"]) == ("B-MBY-27", True)
    shop.act(alert, "tell", shop.by("u-4", *AFTER), found="2")
    rest = shop.told(alert, "record_noticed")[len(told) :]
    assert [(each["to"], each["source"]) for each in rest] == [
        ("presale", "B-MBY-27"),
        ("aftersale", "B-MBY-27"),
    ]


@pytest.mark.rule("A-ECO-02")
def test_requests_are_counted_by_shop(shop: Office) -> None:
    """Promise: the mall's five and the C shop's three stand apart, and there is no third shop."""
    for place in ["mall"] * 5 + ["c_shop"] * 3:
        shop.open("shop_request", shop.by("u-3"), shop=place, content="上新")
    data: dict[str, Any] = {
        "register": "shop_request",
        "by": "shop",
        "sums": [],
        "opened_from": None,
        "opened_before": None,
    }
    figures = shop.app.read_registers.register_statistics(shop.by("u-1"), data)
    assert figures["by_field"] == {"mall": 5, "c_shop": 3}
    assert (
        refused("shop_request", shop.by("u-3"), step=shop.open, shop="d_shop", content="x").rule == "A-ECO-02"
    )


@pytest.mark.rule("A-ECO-03")
def test_a_chat_of_a_member_is_a_contact_of_its_channel(shop: Office) -> None:
    """Promise: 旺旺 is a channel of the shop by the handbook's word, kept and counted."""
    contact = {
        "channel": "wangwang",
        "category": "enquiry",
        "received_at": shop.clock.now(),
        "customer": _customer(),
        "text": "这款有货吗",
        "taken_by": None,
        "complaint": None,
    }
    made = shop.app.desk.register(shop.by("u-3"), contact)
    assert shop.app.desk.contact(SHOP, made["contact_id"])["channel"] == "wangwang"
    assert shop.app.desk.count(SHOP, None, None) == {"enquiry": 1}
    rules = load_rulebooks(Path(__file__).parents[3] / "organisations").for_org(SHOP, shop.clock.now())
    assert rules.source_of("channels.wangwang") == "A-ECO-03"


def _customer() -> Any:
    from services.intake.schemas import CustomerSchema  # noqa: PLC0415

    return CustomerSchema().load({"kind": "person", "name": "测试会员", "phone": "13800000001"})


@pytest.mark.rule("A-ECO-04")
def test_a_parcel_query_goes_to_logistics_with_the_orders_number(shop: Office) -> None:
    """Promise: no query without the number, none for another department, and only logistics answers."""
    wrong = refused("parcel_query", shop.by("u-3", *AFTER), step=shop.open)
    assert (wrong.rule, [each.field for each in wrong.problems]) == ("A-ECO-04", ["values.order_number"])
    asked = shop.open("parcel_query", shop.by("u-3", *AFTER), order_number="O1")
    assert shop.get(asked)["values"]["department"] == "ecommerce_logistics"
    assert [each["to"] for each in shop.told(asked, "record_noticed")] == ["dispatcher"]
    assert refused(asked, "answer", shop.by("u-3", *AFTER), step=shop.act, answer="在途").rule == "A-ECO-04"
    shop.act(asked, "answer", shop.by("u-9", *SENDS), answer="在途")


@pytest.mark.rule("A-JD3-01")
@pytest.mark.parametrize("kind", ["return", "refund"])
def test_returns_and_refunds_are_closed_by_after_sales_alone(shop: Office, kind: str) -> None:
    """Promise: duties are divided; pre-sales may write it down and may not close it."""
    matter = shop.open("aftersale_matter", shop.by("u-3", *PRE), kind=kind, order_number="O1")
    assert refused(matter, "close", shop.by("u-3", *PRE), step=shop.act, result="已退").rule == "A-JD3-01"
    shop.act(matter, "close", shop.by("u-4", *AFTER), result="已退")
    assert refused(
        "aftersale_matter", shop.by("u-3", *PRE), step=shop.open, kind="gift", order_number="O1"
    ).rule == ("A-JD3-01")


@pytest.mark.rule("B-WWS-15")
def test_the_offline_messages_are_answered_before_the_orders_are_looked_at(shop: Office) -> None:
    """Promise: five messages wait; with four answered the orders stay closed."""
    opening = shop.open("opening_check", shop.by("u-3", *PRE), offline_messages="5")
    early = refused(opening, "check_orders", shop.by("u-3", *PRE), step=shop.act, orders="12")
    assert early.rule == "B-WWS-15"
    shop.act(opening, "answer_messages", shop.by("u-3", *PRE), answered="4")
    some = refused(opening, "check_orders", shop.by("u-3", *PRE), step=shop.act, orders="12")
    assert some.rule == "B-WWS-15"
    shop.act(opening, "answer_messages", shop.by("u-3", *PRE), answered="5")
    shop.act(opening, "check_orders", shop.by("u-3", *PRE), orders="12")
    assert shop.get(opening)["state"] == "orders"


@pytest.mark.rule("B-WWS-16")
def test_the_postage_of_an_unpaid_order_becomes_the_real_one_and_the_buyer_confirms(shop: Office) -> None:
    """Promise: 8 becomes 12, not 10; the remark is read first and the goods confirmed last."""
    order = shop.open(
        "unpaid_order", shop.by("u-3", *PRE), order_number="O1", postage="8.00", real_postage="12.00"
    )
    confirmed: dict[str, Any] = {"attributes_confirmed": True}
    assert refused(order, "confirm", shop.by("u-3", *PRE), step=shop.act, **confirmed).rule == "B-WWS-16"
    for wrong in ({"remark_read": True, "adjusted": "10.00"}, {"adjusted": "12.00"}):
        assert refused(order, "adjust", shop.by("u-3", *PRE), step=shop.act, **wrong).rule == "B-WWS-16"
    shop.act(order, "adjust", shop.by("u-3", *PRE), remark_read=True, adjusted="12.00")
    shop.act(order, "confirm", shop.by("u-3", *PRE), **confirmed)
    assert shop.get(order)["values"]["adjusted"] == "12.00"


@pytest.mark.rule("B-WWS-17")
@pytest.mark.parametrize("missing", ["remark_checked", "item_checked", "tracking_number"])
def test_nothing_is_shipped_before_remark_and_goods_are_checked_and_a_tracking_number_is_there(
    shop: Office, missing: str
) -> None:
    """Promise: each of the three by itself stops the parcel; with all of them it goes."""
    order = shop.open("paid_order", shop.by("u-3", *PRE), order_number="O1", goods="台灯 白色", quantity="2")
    ready: dict[str, Any] = {"remark_checked": True, "item_checked": True, "tracking_number": "SF1"}
    rest = {name: value for name, value in ready.items() if name != missing}
    wrong = refused(order, "ship", shop.by("u-9", *SENDS), step=shop.act, **rest)
    assert (wrong.rule, [each.field for each in wrong.problems]) == ("B-WWS-17", [f"values.{missing}"])
    if missing != "tracking_number":
        assert refused(
            order, "ship", shop.by("u-9", *SENDS), step=shop.act, **ready | {missing: False}
        ).rule == ("B-WWS-17")
    shop.act(order, "ship", shop.by("u-9", *SENDS), **ready)
    assert shop.get(order)["state"] == "shipped"


def test_a_day_later_nothing_of_the_shop_is_overdue_by_itself(shop: Office) -> None:
    """Promise: forms that give no time run no clock."""
    shop.open("parcel_query", shop.by("u-3", *AFTER), order_number="O1")
    shop.pass_time(beijing("2026-04-01 09:00"))
    assert shop.find(overdue=True) == []
