"""Told in docs/stories/hazardous-goods-month.md: a month of the store of dangerous goods."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused
from tests.integration.bus import Desk
from tests.integration.stories.stage import Stage, local, telling

_ORGANISATIONS = Path(__file__).with_name("organisations")
_STOCK = "dangerous_goods"
_MARCH = {"opened_from": "2025-03-01T00:00:00+08:00", "opened_before": "2025-04-01T00:00:00+08:00"}


@pytest.mark.timeout(600)
@pytest.mark.rule(
    "B-HAZ-01", "B-HAZ-02", "B-HAZ-05", "B-HAZ-06", "B-HAZ-07", "B-HAZ-08", "B-HAZ-09", "B-DUT-11"
)
def test_a_month_of_the_store_of_dangerous_goods(tmp_path: Path) -> None:
    """What came in is what went out, what came back and what is there; and two people put their names to it."""
    begin = "2025-03-03 09:00"
    org = "estate-store-demo"
    with telling("hazardous-goods-month", org, begin, tmp_path, organisations=_ORGANISATIONS) as stage:
        people = _People(stage)
        _first_delivery(people)
        first = _drawn_and_brought_back(people)
        second = _more_than_there_is(people)
        _a_counter_entry(people)
        third = _an_incident(people)
        _the_end_of_the_month(people)
        _checked_and_exported(people, [first, second, third])


class _People:
    """Who works with the store, and what they do again and again."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.keeper = stage.person("fang", "cleaning_leader")
        self.leader = stage.person("wu", "team_leader")
        self.approver = stage.person("qian", "team_leader")
        self.supervisor = stage.person("sun", "supervisor")
        self.clerk = stage.person("zhou")

    def open(self, desk: Desk, register: str, **values: Any) -> str:
        return str(desk.do("intake.open_record", register=register, values=values)["record_id"])

    def act(self, desk: Desk, record: str, action: str, **values: Any) -> dict[str, Any]:
        answer: dict[str, Any] = desk.do("intake.act_on_record", id=record, action=action, values=values)
        return answer

    def refused(self, what: str, desk: Desk, method: str, **arguments: Any) -> RuleRefused:
        with pytest.raises(RuleRefused) as refused:
            desk.do(f"intake.{method}", **arguments)
        self.stage.tell(what, refused.value.rule)
        return refused.value

    def refused_act(self, what: str, desk: Desk, record: str, action: str, **values: Any) -> RuleRefused:
        return self.refused(what, desk, "act_on_record", id=record, action=action, values=values)

    def left(self, what: str, item: str = "alcohol") -> None:
        rows = self.clerk.ask("intake.list_balances", stock=_STOCK)
        assert all(Decimal(row["quantity"]) >= 0 for row in rows)
        self.stage.tell(what, {row["item"]: row["quantity"] for row in rows}[item])

    def when(self, what: str, record: str, kind: str, *, times: int = 1) -> None:
        events = self.stage.archive.happened(record, kind, times=times)
        self.stage.tell(what, max(local(event["time"]) for event in events))


def _delivery(item: str, quantity: int) -> dict[str, Any]:
    return {"item": item, "quantity": quantity, "key_holder": "cleaning_leader"}


def _draw(quantity: int) -> dict[str, Any]:
    return {
        "item": "alcohol",
        "quantity": quantity,
        "purpose": "擦洗电梯扶手",
        "isolated": True,
        "locked": True,
    }


def _first_delivery(people: _People) -> None:
    """The store is filled by whoever has its key, with what is on the list."""
    petrol: dict[str, Any] = {"register": "dangerous_goods_store", "values": _delivery("petrol", 5)}
    people.refused("A sixth good is refused by", people.keeper, "open_record", **petrol)
    alcohol: dict[str, Any] = petrol | {"values": _delivery("alcohol", 800)}
    people.refused(
        "A delivery written by another leader is refused by", people.leader, "open_record", **alcohol
    )
    stored = people.open(people.keeper, "dangerous_goods_store", **_delivery("alcohol", 800))
    people.when("The first delivery is entered", stored, "record_opened")
    people.left("Alcohol after the first delivery")


def _drawn_and_brought_back(people: _People) -> str:
    """Nothing leaves the store without approval, and by no other hand than the approver's."""
    asked: dict[str, Any] = {"register": "dangerous_goods_use", "values": _draw(500)}
    people.refused("A draw by a clerk is refused by", people.clerk, "open_record", **asked)
    answer = people.leader.do("intake.open_record", **asked)
    record = str(answer["record_id"])
    people.stage.tell("The number of the first draw", answer["number"])
    people.refused_act("Handing out without approval is refused by", people.approver, record, "hand_out")
    people.refused_act("An approval by a clerk is refused by", people.clerk, record, "approve")
    people.act(people.approver, record, "approve")
    people.refused_act(
        "Handing out by another than the approver is refused by", people.leader, record, "hand_out"
    )
    people.left("Alcohol while nothing is handed out")
    people.act(people.approver, record, "hand_out")
    people.left("Alcohol after handing out")
    people.stage.at("2025-03-05 17:00")
    short = {"used": 300, "returned": 100}
    refusal = people.refused_act("Bringing back 100 is refused by", people.leader, record, "return", **short)
    people.stage.tell("It differs by", refusal.details["difference"])
    people.act(people.leader, record, "return", used=300, returned=200)
    people.when("The rest is back", record, "record_acted", times=3)
    people.left("Alcohol after the return")
    return record


def _more_than_there_is(people: _People) -> str:
    """An approved draw waits until there is enough."""
    people.stage.at("2025-03-10 10:00")
    record = people.open(people.leader, "dangerous_goods_use", **_draw(600))
    people.act(people.approver, record, "approve")
    refusal = people.refused_act("Handing out 600 is refused by", people.approver, record, "hand_out")
    people.stage.tell("There is only", refusal.details["left"])
    people.left("Alcohol after that refusal")
    people.when("The second draw is approved", record, "record_acted")
    people.stage.at("2025-03-12 10:00")
    delivery: dict[str, Any] = {"register": "dangerous_goods_store", "values": _delivery("alcohol", 400)}
    first = people.keeper.do("intake.open_record", key="delivery-of-the-twelfth", **delivery)
    again = people.keeper.do("intake.open_record", key="delivery-of-the-twelfth", **delivery)
    assert again == first
    people.when("The second delivery is entered", str(first["record_id"]), "record_opened")
    people.left("Alcohol after a delivery of 400, sent twice")
    people.act(people.approver, record, "hand_out")
    people.left("Alcohol after the second draw")
    people.act(people.leader, record, "return", used=600, returned=0)
    return record


def _a_counter_entry(people: _People) -> None:
    """A digit too many is taken out again by an entry of its own, under two signatures."""
    people.stage.at("2025-03-17 09:00")
    wrong = people.open(people.keeper, "dangerous_goods_store", **_delivery("thinner", 1000))
    people.when("The wrong delivery is entered", wrong, "record_opened")
    people.left("Thinner after the wrong delivery", "thinner")
    change: dict[str, Any] = {"id": wrong, "values": {"quantity": 100}, "reason": "多写一个零"}
    people.refused("Altering the delivery is refused by", people.keeper, "correct_record", **change)
    counter = {"wrong": wrong, "item": "thinner", "reason": "多写一个零"}
    greater = people.open(people.keeper, "dangerous_goods_counter_entry", **counter, quantity=1001)
    people.act(people.leader, greater, "sign")
    people.refused_act("A counter-entry of 1001 is refused by", people.supervisor, greater, "sign")
    entry = people.open(people.keeper, "dangerous_goods_counter_entry", **counter, quantity=900)
    people.act(people.leader, entry, "sign")
    people.left("Thinner after one signature", "thinner")
    people.stage.tell(
        "After two signatures the counter-entry is", people.act(people.supervisor, entry, "sign")["state"]
    )
    people.left("Thinner after a counter-entry of 900", "thinner")
    values = people.clerk.ask("intake.get_record", id=wrong)["values"]
    people.stage.tell("In the wrong delivery still stands", values["quantity"])


def _an_incident(people: _People) -> str:
    """A bottle falls: both ranks hear of it at once; and nothing is lent."""
    people.stage.at("2025-03-20 14:00")
    record = people.open(people.leader, "dangerous_goods_use", **_draw(100))
    people.act(people.approver, record, "approve")
    people.act(people.approver, record, "hand_out")
    people.act(people.clerk, record, "report_incident", incident="打翻一瓶，已通风。")
    notices = people.stage.archive.happened(record, "record_noticed", times=2)
    people.stage.tell("Told of the incident are", ", ".join(sorted(event["data"]["to"] for event in notices)))
    people.stage.tell("They are told by", notices[0]["data"]["source"])
    people.stage.tell("They are told at", local(notices[0]["time"]))
    assert "打翻" not in str(people.stage.archive.ask("reporting.list_archive", about=record, limit=200))
    people.act(people.leader, record, "return", used=100, returned=0)
    loan = {"item": "alcohol", "quantity": 50, "borrower": "邻近项目"}
    lent = people.open(people.leader, "dangerous_goods_loan", **loan)
    people.refused_act("Lending without permission is refused by", people.approver, lent, "lend")
    people.left("Alcohol at the end of the month")
    return record


def _the_end_of_the_month(people: _People) -> None:
    """Counted against the book, a wrong count put right, signed by two; what is missing is found."""
    people.stage.at("2025-03-31 17:00")
    tell = people.stage.tell
    count = people.keeper.do(
        "intake.open_record",
        register="dangerous_goods_count",
        values={"item": "alcohol", "book": 200, "counted": 190},
    )
    record = str(count["record_id"])
    tell("A count of 190 is flagged", ", ".join(count["flags"]))
    people.refused_act("Signing a count that differs is refused by", people.leader, record, "sign")
    corrected = people.keeper.do(
        "intake.correct_record", id=record, values={"counted": 200}, reason="柜底还有一瓶"
    )
    tell("Counted again it is flagged", len(corrected["flags"]))
    (correction,) = people.clerk.ask("intake.get_record", id=record)["corrections"]
    tell("What was counted first stays readable", correction["before"])
    people.refused_act("Whoever counted signing it is refused by", people.keeper, record, "sign")
    assert people.act(people.leader, record, "sign")["state"] == "counted"
    tell("Signed by both ranks it is", people.act(people.supervisor, record, "sign")["state"])
    people.when("It is signed", record, "record_acted", times=2)
    people.stage.at("2025-04-01 09:00")
    missing: dict[str, Any] = {"register": "dangerous_goods_count"}
    rows = people.supervisor.ask("intake.list_missing", **missing)
    tell("In April the count is missing of", ", ".join(row["for"] for row in rows))
    late = people.open(
        people.keeper, "dangerous_goods_count", day="2025-03-31", item="thinner", book=100, counted=100
    )
    people.act(people.leader, late, "sign")
    people.act(people.supervisor, late, "sign")
    people.when("The second count is signed", late, "record_acted", times=2)
    tell("Then are missing", len(people.supervisor.ask("intake.list_missing", **missing)))


def _checked_and_exported(people: _People, draws: list[str]) -> None:
    """Half of the draws are looked at, chosen by nobody; the whole month leaves as a table."""
    wanted: dict[str, Any] = {"register": "dangerous_goods_use"} | _MARCH
    tell = people.stage.tell
    first, second = (
        [row["record_id"] for row in desk.ask("intake.sample_records", **wanted, seed="2025-03")]
        for desk in (people.supervisor, people.clerk)
    )
    assert first == second
    tell("Draws of the month", len(draws))
    tell("Of them are checked", len(first))
    assert set(first) <= set(draws)
    figures = people.supervisor.ask(
        "intake.register_statistics", **wanted, sums=["quantity", "used", "returned"]
    )
    assert figures["total"] == len(draws)
    for name in ("quantity", "used", "returned"):
        tell(f"Sum of what was {'drawn' if name == 'quantity' else name}", figures["sums"][name])
    table = people.supervisor.ask("intake.export_register", **wanted)
    tell("The table has rows", table["rows"])
    lines = table["file"].splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == set(draws)
    assert lines[0].startswith("record_id,number,state")
    assert "领用数量" in lines[0]
