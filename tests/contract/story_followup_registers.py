"""The part of the story about what followup writes down: visits, inspections, gifts, and every turn of a clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

ESTATE: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "service_desk")}
BOSS: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "supervisor"), "actor": "u-1005"}
IT: dict[str, Any] = {"org": "it-demo", "roles": ("staff",)}
PLAZA: dict[str, Any] = {"org": "plaza-demo", "roles": ("staff", "cs_head")}
_DAY = timedelta(days=1)
_SCORES = {"buildings": 4, "facilities": 4, "security": 5, "traffic": 3}


def tell_of_followup_registers(stage: Stage) -> None:
    """Let an estate look itself over, a house send gifts, and a plaza read what a mystery customer saw."""
    _gifts(stage)
    _a_mystery_customer(stage)
    _inspections(stage)
    _measures(stage)


def _gifts(stage: Stage) -> None:
    _open(stage, IT, "gift_store", gift="tea", quantity=30)
    gift = _open(stage, IT, "year_end_gift", customer="cu_0001", gift="tea", quantity=2)
    stage.call("followup.act_on_record", **IT, id=gift, action="send", values={})
    _act(stage, IT, gift, "send", needs="明年扩容。")
    stage.ask("followup.list_balances", **IT, stock="gifts")
    time = {"opened_from": "2026-11-01T00:00:00+08:00", "opened_before": "2027-03-01T00:00:00+08:00"}
    stage.ask(
        "followup.register_statistics", **IT, register="year_end_gift", by="gift", sums=["quantity"], **time
    )


def _a_mystery_customer(stage: Stage) -> None:
    visit = _open(stage, PLAZA, "mystery_visit", welcomed=True, attentive=True, seen="收银员微笑服务。")
    stage.ask("followup.get_record", **PLAZA, id=visit)
    stage.call("followup.get_record", org="plaza-demo", roles=("staff",), id=visit)


def _inspections(stage: Stage) -> None:
    stage.call("followup.open_record", **ESTATE, register="estate_inspection", values=_SCORES)
    record = _open(stage, ESTATE, "estate_inspection", **_SCORES, cleaning=2)
    reason = {"reason": "看错了区域。"}
    stage.call("followup.correct_record", **ESTATE, id=record, values={"cleaning": 1}, **reason)
    stage.ask("followup.correct_record", **BOSS, id=record, values={"cleaning": 1}, **reason)
    stage.ask("followup.describe_register", **ESTATE, register="estate_inspection")
    stage.ask("followup.list_records", **ESTATE, register="estate_inspection")
    stage.ask("followup.export_register", **ESTATE, register="estate_inspection")
    time = {"opened_from": "2026-11-01T00:00:00+08:00", "opened_before": "2027-03-01T00:00:00+08:00"}
    stage.ask("followup.sample_records", **ESTATE, register="estate_inspection", seed="2026-11", **time)
    stage.pass_time(2 * _DAY)
    stage.ask("followup.list_missing", **ESTATE, register="estate_inspection")


def _measures(stage: Stage) -> None:
    """One checked late, one given longer, one withdrawn, and three late at once."""
    longer = _done(stage)
    stage.pass_time(4 * _DAY)
    _act(stage, BOSS, longer, "extend", days=20, reason="away")
    an_older_calendar(stage, "followup", longer)
    _act(stage, BOSS, longer, "check", effective=True)
    _act(stage, BOSS, _done(stage), "withdraw")
    late = _done(stage)
    stage.pass_time(7 * _DAY)
    stage.ask("followup.list_records", **ESTATE, register="corrective_measure", overdue=True)
    _act(stage, BOSS, late, "check", effective=False)
    for _ in range(3):
        _done(stage)
    stage.pass_time(7 * _DAY)
    stage.services["followup"].finish_records()


def _done(stage: Stage) -> str:
    values = {"finding": "楼道堆物。", "measure": "清理并张贴告示。", "owner": "u-1001"}
    record = _open(stage, ESTATE, "corrective_measure", **values)
    _act(stage, ESTATE, record, "complete", evidence="已清理。")
    return record


def an_older_calendar(stage: Stage, service: str, record: str) -> None:
    """Make the clocks of ``record`` look as if a process before this one had computed them, and compute them again.

    Of one record only: those of several would be told in a digest.
    """
    records = stage.databases[service]["records"]
    for row in records.find({"_id": record}):
        for deadline in row["deadlines"]:
            deadline["calendar_version"] = "cn-before"
        row["open_calendars"] = [f"{row['org']}/cn-before"]
        records.replace_one({"_id": row["_id"]}, row)
    stage.services[service].recompute_clocks()
    stage.settle()


def _open(stage: Stage, who: dict[str, Any], register: str, **values: Any) -> str:
    return str(stage.ask("followup.open_record", **who, register=register, values=values)["record_id"])


def _act(stage: Stage, who: dict[str, Any], record: str, action: str, **values: Any) -> None:
    stage.ask("followup.act_on_record", **who, id=record, action=action, values=values)
