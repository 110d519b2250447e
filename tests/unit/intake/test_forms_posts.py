"""Forms that posts of every trade may use: phrases, plans, rooms, answers, support, prices, stock, suggestions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.fakes import IT, beijing
from tests.unit.intake.register_office import Office, organisation, refused

BOSS, HEAD = ("manager",), ("cs_head",)


@pytest.fixture
def office() -> Office:
    return Office(IT)


def fields_of(error: Any) -> list[str]:
    return [problem.field for problem in error.problems]


@pytest.mark.rule("A-JD1-04")
def test_the_phrases_of_an_event_are_used_while_it_lasts_and_not_after(office: Office) -> None:
    """Promise: from 06-16 to 06-20, both days included; before and after the set is refused."""
    phrases: dict[str, Any] = {"event": "年中促销", "begins": "2026-06-16", "ends": "2026-06-20"}
    made = office.open("phrase_set", office.by("u-1", *HEAD), **phrases, phrases=[{"text": "亲，活动中"}])
    for moment, usable in (
        ("2026-06-15 23:59", False),
        ("2026-06-16 00:00", True),
        ("2026-06-18 10:00", True),
        ("2026-06-20 23:59", True),
        ("2026-06-21 00:00", False),
    ):
        office.clock.set(beijing(moment))
        if usable:
            office.act(made, "use", office.by("u-3"))
        else:
            assert refused(made, "use", office.by("u-3"), step=office.act).rule == "A-JD1-04"


@pytest.mark.rule("A-JD3-08")
def test_the_manual_of_june_is_published_by_the_last_of_may_or_it_is_missing(tmp_path: Path) -> None:
    """Promise: a draft does not count; where no department is named nothing is due."""
    org = organisation(tmp_path, "it-service")
    own = tmp_path / "works-demo.yaml"
    own.write_text(
        own.read_text(encoding="utf-8")
        + "overrides:\n  - version: '1'\n    effective_from: 2020-01-01\n    intake:\n      registers:\n"
        "        activity_manual:\n          obligations:\n            monthly:\n"
        "              of: {value: [shop_a], source: organisation}\n",
        encoding="utf-8",
    )
    works = Office(org, tmp_path)
    works.clock.set(beijing("2026-05-20 09:00"))
    manual = works.open("activity_manual", works.by("u-1", *HEAD), department="shop_a", content="六月活动")
    works.clock.set(beijing("2026-06-01 00:00"))
    (missing,) = works.missing("activity_manual")
    assert (missing["for"], missing["source"], missing["last_day"]) == ("shop_a", "A-JD3-08", "2026-05-31")
    works.clock.set(beijing("2026-05-31 18:00"))
    assert refused(manual, "publish", works.by("u-1", *HEAD), step=works.act).rule == "A-JD3-08"
    works.act(manual, "publish", works.by("u-2", *BOSS))
    works.clock.set(beijing("2026-06-01 00:00"))
    assert works.missing("activity_manual") == []
    assert Office(IT).missing("activity_manual") == []


@pytest.mark.rule("A-JD3-09")
def test_four_of_five_tasks_of_a_big_sale_are_eighty_percent(office: Office) -> None:
    """Promise: the share follows from the tasks themselves, also after one of them was put right."""
    tasks = [{"task": f"任务{n}", "done": n < 4} for n in range(5)]
    plan = office.open("promotion_plan", office.by("u-1", *HEAD), promotion="11-11", tasks=tasks)
    assert office.get(plan)["values"]["progress"] == "80"
    done = [{"task": task["task"], "done": True} for task in tasks]
    office.correct(plan, office.by("u-1", *HEAD), "全部完成", tasks=done)
    assert office.get(plan)["values"]["progress"] == "100"
    assert refused(
        "promotion_plan", office.by("u-1", *HEAD), step=office.open, promotion="x", tasks=[]
    ).rule == ("A-JD3-09")


@pytest.mark.rule("A-JD9-04")
def test_help_for_a_big_sale_is_assigned_to_four_people_by_whoever_may(office: Office) -> None:
    """Promise: the four stand in the task; an agent assigns nobody."""
    task: dict[str, Any] = {
        "task": "大促支援",
        "day": "2026-06-18",
        "helpers": [{"helper": f"u-{n}"} for n in range(4)],
    }
    assert refused("helping_task", office.by("u-3"), step=office.open, **task).rule == "A-JD9-04"
    made = office.get(office.open("helping_task", office.by("u-1", *HEAD), **task))
    assert (made["values"]["number"], made["values"]["helpers"][3]["helper"]) == ("4", "u-3")


@pytest.mark.rule("A-JD7-05")
def test_a_room_is_booked_once_for_a_time_and_again_when_the_first_is_cancelled(office: Office) -> None:
    """Promise: three rooms for one order; the same room at the same time is refused, at another it is not."""
    booking: dict[str, Any] = {"order_number": "M1", "seats": "40", "day": "2026-06-10", "at": "09:00"}
    first, *_ = [
        office.open("room_booking", office.by("u-3"), **booking, room=room)
        for room in ("一号", "二号", "三号")
    ]
    other = booking | {"order_number": "M2", "room": "一号"}
    assert refused("room_booking", office.by("u-4"), step=office.open, **other).rule == "A-JD7-05"
    office.open("room_booking", office.by("u-4"), **other | {"at": "14:00"})
    office.act(first, "cancel", office.by("u-3"))
    office.open("room_booking", office.by("u-4"), **other)


@pytest.mark.rule("A-JD9-01")
def test_a_colleagues_question_is_answered_timed_and_found_again(office: Office) -> None:
    """Promise: twelve minutes are twelve minutes, and answers stand in a list."""
    asked = office.open("internal_question", office.by("u-3"), question="如何开发票")
    assert refused(asked, "answer", office.by("u-4"), step=office.act).rule == "A-JD9-01"
    office.clock.set(beijing("2026-03-02 09:12"))
    office.act(asked, "answer", office.by("u-4"), answer="在订单页申请")
    assert office.get(asked)["values"]["took"] == "12"
    assert office.find(register="internal_question", state="answered") == [asked]


@pytest.mark.rule("A-JD10-05")
def test_a_request_for_support_is_answered_by_its_day_or_is_late(office: Office) -> None:
    """Promise: due on 05-08, answered on 05-07 in time; one that nobody answers is late on 05-09."""
    office.clock.set(beijing("2026-05-06 09:00"))
    request: dict[str, Any] = {"from_department": "客服", "department": "仓库", "request": "加派打包"}
    prompt, late = (
        office.open("support_request", office.by("u-3"), **request, due_on="2026-05-08") for _ in range(2)
    )
    office.clock.set(beijing("2026-05-07 15:00"))
    office.act(prompt, "answer", office.by("u-9"))
    office.pass_time(beijing("2026-05-09 00:00"))
    assert office.find(register="support_request", overdue=True) == [late]
    (breach,) = office.told(late, "clock_breached")
    assert (breach["clock"], breach["source"]) == ("answer", "A-JD10-05")
    (met,) = office.told(prompt, "clock_met")
    assert met["on_time"] is True


@pytest.mark.rule("A-JD11-06")
def test_support_for_sales_is_closed_with_its_result(office: Office) -> None:
    """Promise: who asked and what came of it; without a result it stays open."""
    request: dict[str, Any] = {"department": "客服", "request": "协助回访", "due_on": "2026-03-10"}
    nobody = refused("support_request", office.by("u-3"), step=office.open, **request)
    assert (nobody.rule, fields_of(nobody)) == ("A-JD11-06", ["values.from_department"])
    made = office.open("support_request", office.by("u-3"), **request, from_department="销售部")
    office.act(made, "answer", office.by("u-4"))
    empty = refused(made, "close", office.by("u-4"), step=office.act)
    assert (empty.rule, fields_of(empty)) == ("A-JD11-06", ["values.result"])
    office.act(made, "close", office.by("u-4"), result="已回访二十户")
    assert office.get(made)["state"] == "closed"


@pytest.mark.rule("A-JD12-04")
@pytest.mark.parametrize(("price", "fair"), [("80.00", True), ("60.00", True), ("59.99", False)])
def test_a_price_below_the_cost_is_refused(office: Office, price: str, *, fair: bool) -> None:
    """Promise: INSTALL costs 60: 80 and 60 stand, 59.99 does not; an item has one price at a time."""
    item: dict[str, Any] = {"item": "INSTALL", "cost": "60.00", "price": price}
    if not fair:
        assert refused("service_price", office.by("u-2", *BOSS), step=office.open, **item).rule == "A-JD12-04"
        return
    office.open("service_price", office.by("u-2", *BOSS), **item)
    assert refused("service_price", office.by("u-2", *BOSS), step=office.open, **item).rule == "A-JD12-04"


@pytest.mark.rule("A-JD12-06")
def test_two_people_for_a_branch_are_approved_by_somebody_else_and_arrive_on_a_day(office: Office) -> None:
    """Promise: nobody approves their own request, and nobody arrives before the approval."""
    asked = office.open("staff_support", office.by("u-2", *BOSS), branch="B1", people="2")
    early = refused(asked, "arrive", office.by("u-3"), step=office.act, arrived_on="2026-05-08")
    assert early.rule == "A-JD12-06"
    assert refused(asked, "approve", office.by("u-2", *BOSS), step=office.act).rule == "A-JD12-06"
    office.act(asked, "approve", office.by("u-5", *BOSS))
    office.act(asked, "arrive", office.by("u-3"), arrived_on="2026-05-08")
    assert office.get(asked)["values"]["arrived_on"] == "2026-05-08"


@pytest.mark.rule("A-JD12-08")
def test_stock_goes_from_one_place_to_another_and_never_below_nothing(office: Office) -> None:
    """Promise: 10 less 3 are 7 here and 3 there; 8 of 7 are refused and nothing moves."""
    goods: dict[str, Any] = {"item": "滤芯", "place": "A"}
    office.open("stock_received", office.by("u-3"), **goods, quantity="10")
    transfer = goods | {"to_place": "B"}
    office.open("stock_transfer", office.by("u-1", *HEAD), **transfer, quantity="3")
    wrong = refused("stock_transfer", office.by("u-1", *HEAD), step=office.open, **transfer, quantity="8")
    assert wrong.rule == "A-JD12-08"
    data = {"stock": "branch_stock", "item": "滤芯", "limit": 50, "skip": 0}
    rows = office.app.read_registers.list_balances(office.by("u-1"), data)
    assert {row["place"]: row["quantity"] for row in rows} == {"A": "7", "B": "3"}


@pytest.mark.rule("A-JD12-15")
def test_contacts_by_telephone_are_put_beside_those_face_to_face(office: Office) -> None:
    """Promise: 500 by telephone and 60 face to face are 8.3 to one; a month is counted once."""
    may: dict[str, Any] = {"month": "2026-05", "phone": "500", "face": "60"}
    assert office.get(office.open("contact_tally", office.by("u-3"), **may))["values"]["ratio"] == "8.3"
    assert refused("contact_tally", office.by("u-3"), step=office.open, **may).rule == "A-JD12-15"


@pytest.mark.rule("A-JD14-01")
def test_a_suggestion_has_a_day_for_its_answer_and_is_nobody_elses_to_change(office: Office) -> None:
    """Promise: the answer is due on its day, by another person; only whoever made it may put it right."""
    made = office.open("suggestion", office.by("u-2", *BOSS), text="调整班次", answer_by="2026-05-10")
    assert refused(made, office.by("u-9", *BOSS), "改", step=office.correct, text="别的").rule == "A-JD14-01"
    office.correct(made, office.by("u-2", *BOSS), "写清楚", text="调整晚班")
    assert office.get(made)["values"]["text"] == "调整晚班"
    assert refused(made, "answer", office.by("u-2", *BOSS), step=office.act, answer="好").rule == "A-JD14-01"
    office.pass_time(beijing("2026-05-11 00:00"))
    (breach,) = office.told(made, "clock_breached")
    assert breach["source"] == "A-JD14-01"
    office.act(made, "answer", office.by("u-9", *BOSS), answer="采纳")


@pytest.mark.rule("A-JD14-02")
def test_a_suggestion_on_a_clients_demand_is_found_with_the_client(office: Office) -> None:
    """Promise: one about a client names the demand, and stands in the client's list."""
    made: dict[str, Any] = {"text": "延长质保", "answer_by": "2026-05-10", "client": "cu_1"}
    wrong = refused("suggestion", office.by("u-2", *BOSS), step=office.open, **made)
    assert (wrong.rule, fields_of(wrong)) == ("A-JD14-02", ["values.demand"])
    kept = office.open("suggestion", office.by("u-2", *BOSS), **made, demand="D1")
    office.open("suggestion", office.by("u-2", *BOSS), text="其他", answer_by="2026-05-10")
    assert office.find(register="suggestion", where={"client": "cu_1"}) == [kept]


@pytest.mark.rule("A-JD14-07")
def test_a_clients_order_is_followed_to_its_shipping_and_the_client_told_each_time(office: Office) -> None:
    """Promise: placed, in production, shipped with a day: three notices, in this order and no other."""
    order = office.open("client_order", office.by("u-3"), client="cu_1", content="五百套")
    assert refused(order, "ship", office.by("u-3"), step=office.act, ship_on="2026-05-20").rule == "A-JD14-07"
    office.act(order, "produce", office.by("u-3"))
    assert fields_of(refused(order, "ship", office.by("u-3"), step=office.act)) == ["values.ship_on"]
    office.act(order, "ship", office.by("u-3"), ship_on="2026-05-20")
    told = office.told(order, "record_noticed")
    assert [each["source"] for each in told] == ["A-JD14-07"] * 3
    assert office.get(order)["state"] == "shipped"


@pytest.mark.rule("A-JD14-08")
def test_replenishing_shipping_allocating_and_returning_are_orders_to_logistics(office: Office) -> None:
    """Promise: a return of five pieces is such an order with a number; there are four kinds and no fifth."""
    order: dict[str, Any] = {"client": "cu_1", "quantity": "5"}
    numbers = [
        office.get(office.open("logistics_order", office.by("u-3"), **order, kind=kind))["number"]
        for kind in ("return", "replenish", "ship", "allocate")
    ]
    assert [number[-5:] for number in numbers] == ["00001", "00002", "00003", "00004"]
    assert "LO2026" in numbers[0]
    wrong = refused("logistics_order", office.by("u-3"), step=office.open, **order, kind="lend")
    assert wrong.rule == "A-JD14-08"


@pytest.mark.rule("A-JD15-04")
def test_a_visit_is_tied_to_the_clients_problem_until_that_is_solved(office: Office) -> None:
    """Promise: the visit of a day leads to the case, open until there is a result."""
    visit: dict[str, Any] = {"client": "cu_1", "day": "2026-05-06", "problem": "cs_1"}
    made = office.open("client_visit", office.by("u-3"), **visit)
    office.act(made, "follow", office.by("u-3"), progress="已约工程师")
    assert office.find(register="client_visit", where={"problem": "cs_1"}, open=True) == [made]
    assert refused(made, "close", office.by("u-3"), step=office.act).rule == "A-JD15-04"
    office.act(made, "close", office.by("u-3"), result="已解决")
    assert office.find(register="client_visit", where={"problem": "cs_1"}, open=True) == []


def test_who_and_when_of_an_action_are_those_of_this_time(office: Office) -> None:
    """Promise: what is filled in by itself is written anew whenever the action is taken again."""
    phrases: dict[str, Any] = {"event": "长期", "begins": "2026-01-01", "ends": "2026-12-31"}
    made = office.open("phrase_set", office.by("u-1", *HEAD), **phrases, phrases=[{"text": "您好"}])
    for day in ("2026-03-02", "2026-03-05"):
        office.clock.set(beijing(f"{day} 09:00"))
        office.act(made, "use", office.by("u-3"))
        assert office.get(made)["values"]["used_on"] == day
