"""The part of the story about registers: a form from opening to export, and every turn a clock can take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

ESTATE: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "service_desk")}
BOSS: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "supervisor"), "actor": "u-1005"}
LEADER: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "team_leader"), "actor": "u-1006"}
_DAY = timedelta(days=1)


def tell_of_registers(stage: Stage) -> None:
    """Let an estate draw dangerous goods, sell tickets, and keep articles for a while."""
    _dangerous_goods(stage)
    _tickets(stage)
    _deposits(stage)
    _a_log(stage)


def _dangerous_goods(stage: Stage) -> None:
    keeper: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "cleaning_leader")}
    stored = {"item": "alcohol", "quantity": 800, "key_holder": "cleaning_leader"}
    stage.ask("intake.open_record", **keeper, register="dangerous_goods_store", values=stored)
    draw = {"item": "alcohol", "quantity": "500", "purpose": "擦洗扶手", "isolated": True, "locked": True}
    stage.call("intake.open_record", **ESTATE, register="dangerous_goods_use", values=draw)
    record = _open(stage, LEADER, "dangerous_goods_use", **draw)
    _act(stage, LEADER, record, "approve")
    _act(stage, LEADER, record, "hand_out")
    _act(stage, ESTATE, record, "report_incident", incident="打翻一瓶。")
    _act(stage, LEADER, record, "return", used="300", returned="200")
    stage.ask("intake.list_balances", **ESTATE, stock="dangerous_goods")
    stage.ask("intake.describe_register", **ESTATE, register="dangerous_goods_use")
    stage.ask("intake.get_record", **ESTATE, id=record)
    stage.call("intake.get_record", **ESTATE, id="rd_none")
    loan = {"item": "alcohol", "quantity": 10, "borrower": "邻近项目"}
    lent = _open(stage, LEADER, "dangerous_goods_loan", **loan)
    stage.ask("intake.get_record", **BOSS, id=lent)


def _tickets(stage: Stage) -> None:
    record = _open(stage, ESTATE, "ticket_sales", opening=50, price="40.00")
    _act(stage, ESTATE, record, "count", sold=12, closing=37)
    reason = {"reason": "清点时漏数一张。"}
    stage.call("intake.correct_record", **ESTATE, id=record, values={"closing": 38}, **reason)
    stage.ask("intake.correct_record", **BOSS, id=record, values={"closing": 38}, **reason)
    _act(stage, ESTATE, record, "hand_over", cash="480.00", cashier="u-1030")
    figures = {"register": "ticket_sales", "sums": ["takings"], "by": "cashier"}
    stage.ask("intake.register_statistics", **ESTATE, **figures)
    stage.ask("intake.export_register", **ESTATE, register="ticket_sales")
    time = {"opened_from": "2026-11-01T00:00:00+08:00", "opened_before": "2027-03-01T00:00:00+08:00"}
    stage.ask("intake.sample_records", **ESTATE, register="ticket_sales", seed="2026-11", **time)


def _deposits(stage: Stage) -> None:
    """One kept longer and given back in time, one withdrawn, one late, and three late at once."""
    longer = _kept(stage)
    stage.pass_time(4 * _DAY)
    _act(stage, BOSS, longer, "extend", days=20, reason="away")
    _an_older_calendar(stage)
    _act(stage, ESTATE, longer, "finish")
    _act(stage, ESTATE, _kept(stage), "withdraw")
    late = _kept(stage)
    stage.pass_time(7 * _DAY)
    stage.ask("intake.list_records", **ESTATE, register="deposit", overdue=True)
    _act(stage, ESTATE, late, "finish")
    for _ in range(3):
        _kept(stage)
    stage.pass_time(7 * _DAY)


def _kept(stage: Stage) -> str:
    record = _open(stage, ESTATE, "deposit", article="纸箱", kind="storing", need="晚间来取")
    _act(stage, BOSS, record, "approve")
    _act(stage, ESTATE, record, "accept")
    return record


def _an_older_calendar(stage: Stage) -> None:
    """Make open clocks look as if a process before this one had computed them, and compute them again."""
    records = stage.databases["intake"]["records"]
    for row in records.find({"open_calendars": {"$exists": True}}):
        for deadline in row["deadlines"]:
            deadline["calendar_version"] = "cn-before"
        row["open_calendars"] = [f"{row['org']}/cn-before"]
        records.replace_one({"_id": row["_id"]}, row)
    stage.services["intake"].recompute_clocks()
    stage.settle()


def _a_log(stage: Stage) -> None:
    letter = {"title": "保洁合同", "sender": "某公司", "nature": "contract"}
    record = _open(stage, ESTATE, "incoming_document", **letter)
    clerk: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "property_clerk")}
    _act(stage, clerk, record, "receipt")
    stage.ask("intake.list_missing", **ESTATE, register="work_diary")
    stage.services["intake"].finish_records()


def _open(stage: Stage, who: dict[str, Any], register: str, **values: Any) -> str:
    return str(stage.ask("intake.open_record", **who, register=register, values=values)["record_id"])


def _act(stage: Stage, who: dict[str, Any], record: str, action: str, **values: Any) -> None:
    stage.ask("intake.act_on_record", **who, id=record, action=action, values=values)
