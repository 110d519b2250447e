"""The part of the story about what is written down for reports: meetings, a fund, suggestions and their clocks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage
from tests.contract.story_followup_registers import an_older_calendar

SHOP: dict[str, Any] = {"org": "shop-demo", "roles": ("staff",)}
BOSS: dict[str, Any] = {"org": "shop-demo", "roles": ("staff", "manager"), "actor": "u-1005"}
_DAY = timedelta(days=1)


def tell_of_reporting_registers(stage: Stage) -> None:
    """Let a shop meet, keep its fund, and decide what its staff suggest."""
    _a_meeting(stage)
    _the_fund(stage)
    _suggestions(stage)


def _a_meeting(stage: Stage) -> None:
    said = {"held_at": "2026-11-23T08:00:00+08:00", "shared": "退款话术统一。"}
    stage.call("reporting.open_record", **SHOP, register="meeting_minutes", values=said)
    record = _open(stage, SHOP, "meeting_minutes", **said, attendees=[{"who": "u-1001"}, {"who": "u-1002"}])
    stage.ask("reporting.get_record", **BOSS, id=record)
    stage.call("reporting.get_record", **SHOP, id=record)


def _the_fund(stage: Stage) -> None:
    for amount in ("50.00", "100.00"):
        _open(stage, SHOP, "fund_income", amount=amount, fined="u-1002")
    _open(stage, SHOP, "fund_expense", amount="30.00", activity="聚餐")
    stage.ask("reporting.list_balances", **SHOP, stock="fund")
    time = {"opened_from": "2026-11-01T00:00:00+08:00", "opened_before": "2027-12-01T00:00:00+08:00"}
    stage.ask("reporting.register_statistics", **SHOP, register="fund_income", sums=["amount"], **time)
    stage.ask("reporting.export_register", **SHOP, register="fund_income")


def _suggestions(stage: Stage) -> None:
    """One decided late, one given longer, one withdrawn, and three late at once."""
    longer = _suggest(stage)
    stage.ask(
        "reporting.correct_record",
        **SHOP,
        id=longer,
        values={"suggestion": "改用自动回复。"},
        reason="笔误。",
    )
    stage.pass_time(_DAY)
    _act(stage, BOSS, longer, "extend", days=20, reason="trial")
    an_older_calendar(stage, "reporting", longer)
    _act(stage, BOSS, longer, "decide", decision="adopted")
    stage.call("reporting.act_on_record", **SHOP, id=longer, action="decide", values={})
    _act(stage, SHOP, _suggest(stage), "withdraw")
    late = _suggest(stage)
    for _ in range(7):
        stage.pass_time(_DAY)
    stage.ask("reporting.list_records", **SHOP, register="improvement_suggestion", overdue=True)
    _act(stage, BOSS, late, "decide", decision="refused")
    for _ in range(3):
        _suggest(stage)
    stage.pass_time(7 * _DAY)
    stage.services["reporting"].finish_records()
    stage.ask("reporting.describe_register", **SHOP, register="improvement_suggestion")
    time = {"opened_from": "2026-11-01T00:00:00+08:00", "opened_before": "2027-12-01T00:00:00+08:00"}
    stage.ask("reporting.sample_records", **SHOP, register="improvement_suggestion", seed="2026-11", **time)
    stage.ask("reporting.list_missing", **SHOP)


def _suggest(stage: Stage) -> str:
    return _open(stage, SHOP, "improvement_suggestion", suggestion="缩短退款流程。")


def _open(stage: Stage, who: dict[str, Any], register: str, **values: Any) -> str:
    return str(stage.ask("reporting.open_record", **who, register=register, values=values)["record_id"])


def _act(stage: Stage, who: dict[str, Any], record: str, action: str, **values: Any) -> None:
    stage.ask("reporting.act_on_record", **who, id=record, action=action, values=values)
