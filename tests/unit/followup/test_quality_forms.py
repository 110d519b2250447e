"""Evaluations and audits are forms: items counted, findings with a day, measures that follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.followup.quality_world import Checking, organisation


def audited(number: int, passed: int, **failed: Any) -> list[dict[str, Any]]:
    """Return so many items of which the first ``passed`` pass; what is said of the others is ``failed``."""
    rows = [{"item": f"第{count}项", "passed": count < passed} for count in range(number)]
    return [row | ({} if row["passed"] else failed) for row in rows]


def opened(world: Checking, register: str, **values: Any) -> dict[str, Any]:
    """Return what stands in a new record."""
    record = world.do("open_record", "qc-1", register=register, values=values)
    written: dict[str, Any] = world.do("get_record", "qc-1", id=record["record_id"])["values"]
    return written


@pytest.mark.rule("A-JD13-02")
def test_an_audit_counts_what_passed_and_gives_every_finding_a_day(tmp_path: Path) -> None:
    """Promise: 20 items, 17 passed, 3 findings with due dates; a failed item without a day is refused."""
    world = Checking(organisation(tmp_path, "it-service"))
    failed = {"finding": "无复核记录", "measure": "补复核", "owner": "u-1", "due_on": "2025-05-01"}
    audit = opened(world, "audit", about="P1", items=audited(20, 17, **failed))
    assert [audit[code] for code in ("checked", "passes", "findings")] == ["20", "17", "3"]
    world.react()
    measures = world.do("list_records", "qc-1", register="corrective_measure")
    due = [world.do("get_record", "qc-1", id=row["record_id"])["values"]["due_on"] for row in measures]
    assert due == ["2025-05-01"] * 3
    undated = {"about": "P2", "items": audited(2, 1, finding="无复核记录")}
    lacking = world.refused("open_record", "qc-1", register="audit", values=undated)
    assert lacking.rule == "A-JD13-02"


@pytest.mark.rule("B-OPT-09")
def test_an_inspection_says_against_which_rules_and_how_many_passed(tmp_path: Path) -> None:
    """Promise: against rule set v1, 46 of 50 pass."""
    world = Checking(organisation(tmp_path, "it-service"))
    failed = {"finding": "未按流程", "due_on": "2025-05-01"}
    audit = opened(world, "audit", about="分公司", rule_set="v1", items=audited(50, 46, **failed))
    assert [audit[code] for code in ("rule_set", "checked", "passes")] == ["v1", "50", "46"]


@pytest.mark.rule("A-AFT-13")
def test_an_office_is_audited_by_its_checklist(tmp_path: Path) -> None:
    """Promise: of 10 items of an office 9 pass, and an audit without items is none."""
    world = Checking(organisation(tmp_path, "product-after-sales"))
    audit = opened(world, "office_audit", office="O1", items=audited(10, 9, remark="台账缺页"))
    assert [audit[code] for code in ("office", "checked", "passes")] == ["O1", "10", "9"]
    empty = {"office": "O1", "items": []}
    assert world.refused("open_record", "qc-1", register="office_audit", values=empty).rule == "A-AFT-13"


@pytest.mark.rule("B-SVN-15")
def test_every_finding_of_an_evaluation_becomes_an_improvement(tmp_path: Path) -> None:
    """Promise: 3 findings of the first quarter are 3 measures, once, however often the event comes."""
    world = Checking(organisation(tmp_path, "it-service"))
    findings = [{"finding": f"问题{number}", "measure": f"改进{number}"} for number in range(3)]
    evaluation = opened(world, "service_evaluation", period="2025-Q1", findings=findings)
    assert evaluation["improvements"] == "3"
    world.react()
    world.react()
    measures = world.do("list_records", "qc-1", register="corrective_measure")
    read = [world.do("get_record", "qc-1", id=row["record_id"])["values"] for row in measures]
    assert sorted((row["finding"], row["measure"], row["asked_by"]) for row in read) == [
        (f"问题{number}", f"改进{number}", "B-SVN-15") for number in range(3)
    ]
    idle = {"period": "2025-Q2", "findings": [{"finding": "问题"}]}
    lacking = world.refused("open_record", "qc-1", register="service_evaluation", values=idle)
    assert lacking.rule == "B-SVN-15"
