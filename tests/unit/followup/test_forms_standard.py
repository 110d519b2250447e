"""Forms every trade keeps: audits with their measures, handovers, rollouts, improvements, events, arrears."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.followup.register_world import By, Office, beijing, refused

FINDINGS: list[dict[str, Any]] = [
    {"finding": f"问题{number}", "measure": "整改", "due_on": "2026-06-01"} for number in (1, 2, 3)
]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, "standard")


def boss(office: Office) -> By:
    return office.by("u-9", "supervisor")


@pytest.mark.rule("B-SVN-15")
def test_an_evaluation_with_three_findings_has_three_improvement_items(office: Office) -> None:
    """Promise: each finding is an item of its own; a period is evaluated once."""
    record = office.open("service_evaluation", boss(office), period="2025-Q1", findings=FINDINGS)
    items = office.opened_by(record, "corrective_measure")
    assert sorted(item["finding"] for item in items) == ["问题1", "问题2", "问题3"]
    assert refused(office.open, "service_evaluation", boss(office), period="2025-Q1") == "B-SVN-15"


@pytest.mark.rule("B-SFM-09")
def test_a_finding_of_an_audit_becomes_a_correction_with_a_date(office: Office) -> None:
    """Promise: the correction is due on the day the finding names, and late after it."""
    record = office.open("internal_audit", boss(office), subject="回访制度", findings=FINDINGS[:1])
    (measure,) = office.find("corrective_measure", where={"origin": record})
    assert (
        office.get(measure)["values"] | {"due_on": "2026-06-01", "asked_by": "B-SFM-09"}
        == (office.get(measure)["values"])
    )
    office.pass_time(beijing("2026-06-01 23:00"))
    assert office.find("corrective_measure", overdue=True) == []
    office.pass_time(beijing("2026-06-02 00:01"))
    assert office.find("corrective_measure", overdue=True) == [measure]


@pytest.mark.rule("A-JD13-02")
def test_an_audit_names_a_finding_with_a_date_for_each_item_that_failed(office: Office) -> None:
    """Promise: 20 items with 17 passed take 3 findings, each with its due date; 2 are refused."""
    audit = {"subject": "客户关系", "items": 20, "passed": 17}
    assert refused(office.open, "internal_audit", boss(office), **audit, findings=FINDINGS[:2]) == "A-JD13-02"
    undated = [*FINDINGS[:2], {"finding": "问题3", "measure": "整改"}]
    assert refused(office.open, "internal_audit", boss(office), **audit, findings=undated) == "A-JD13-02"
    record = office.open("internal_audit", boss(office), **audit, findings=FINDINGS)
    assert office.get(record)["values"]["failed"] == "3"
    assert {each["due_on"] for each in office.opened_by(record, "corrective_measure")} == {"2026-06-01"}


@pytest.mark.rule("A-JD2-03")
def test_a_check_with_two_findings_gives_two_guidance_tasks(office: Office) -> None:
    """Promise: what is found in a delivered project is guided, finding by finding; no finding, no task."""
    rows = [{"finding": "保洁差", "guidance": "加强巡查"}, {"finding": "门岗脱岗", "guidance": "排班调整"}]
    record = office.open("project_check", project="P1", findings=rows)
    assert sorted(each["measure"] for each in office.opened_by(record, "corrective_measure")) == [
        "加强巡查",
        "排班调整",
    ]
    assert office.opened_by(office.open("project_check", project="P2"), "corrective_measure") == []


@pytest.mark.rule("B-STD-05")
def test_a_correction_is_closed_with_evidence_by_somebody_else(office: Office) -> None:
    """Promise: without evidence it is not done, and whoever did it does not check it."""
    record = office.open(
        "corrective_measure", finding="用语不规范", measure="培训", owner="u-1", due_on="2026-05-20"
    )
    assert refused(office.act, record, "complete") == "B-STD-05"
    office.act(record, "complete", evidence="已培训，附签到表")
    same = office.by("u-1", "supervisor")
    assert refused(office.act, record, "check", same, effective=True) == "B-STD-05"
    assert office.act(record, "check", boss(office), effective=True)["state"] == "closed"


@pytest.mark.rule("B-SVN-17")
def test_a_finding_without_correction_date_is_in_the_overdue_list(office: Office) -> None:
    """Promise: a problem nobody set a day for is overdue by the end of its own day, and no longer once it has one."""
    undated = office.open("corrective_measure", finding="漏接", measure="排班", owner="u-1")
    dated = office.open(
        "corrective_measure", finding="漏记", measure="补录", owner="u-1", due_on="2026-05-09"
    )
    office.pass_time(beijing("2026-05-07 00:00"))
    assert office.find("corrective_measure", overdue=True) == [undated]
    (breach,) = office.told(undated, "clock_breached")
    assert breach["source"] == "B-SVN-17"
    office.act(undated, "schedule", due_on="2026-05-20")
    assert office.find("corrective_measure", overdue=True) == []
    office.pass_time(beijing("2026-05-10 00:01"))
    assert office.find("corrective_measure", overdue=True) == [dated]


@pytest.mark.rule("B-SFM-08")
def test_eleven_of_twelve_receipts_are_not_complete(office: Office) -> None:
    """Promise: a rule is communicated when everybody has read it, and not before."""
    readers = [{"reader": f"u-{number}", "read": number < 12} for number in range(1, 13)]
    record = office.open("rule_rollout", boss(office), rule="服务规范", version="v2", readers=readers)
    values = office.get(record)["values"]
    assert (values["read"], values["asked"]) == ("11", "12")
    assert refused(office.act, record, "complete", boss(office)) == "B-SFM-08"
    office.act(record, "note", boss(office), readers=[each | {"read": True} for each in readers])
    assert office.act(record, "complete", boss(office))["state"] == "complete"


@pytest.mark.rule("A-JD11-01")
def test_an_improvement_shows_done_or_overdue(office: Office) -> None:
    """Promise: with due day 30 June one that is finished is done, the other overdue from 1 July on."""
    values = {
        "problem": "首次解决率低",
        "proposal": "知识库",
        "from": 70,
        "target": 80,
        "due_on": "2026-06-30",
    }
    done, late = office.open("improvement", **values), office.open("improvement", **values)
    office.act(done, "finish", result="80%")
    office.pass_time(beijing("2026-06-30 23:59"))
    assert office.find("improvement", overdue=True) == []
    office.pass_time(beijing("2026-07-01 00:01"))
    assert office.find("improvement", overdue=True) == [late]
    assert office.find("improvement", state="done") == [done]
    assert office.told(late, "clock_breached")[0]["source"] == "A-JD11-01"


@pytest.mark.rule("A-JD2-01")
def test_a_project_is_handed_over_after_mock_acceptance_and_review(office: Office) -> None:
    """Promise: neither alone is enough; with both it is allowed."""
    record = office.open("project_handover", project="P1", handover_on="2026-06-01")
    assert refused(office.act, record, "hand_over") == "A-JD2-01"
    office.act(record, "review_plan", guidance="方案可行")
    assert refused(office.act, record, "hand_over") == "A-JD2-01"
    office.act(record, "pass_mock", acceptance="合格")
    assert office.act(record, "hand_over")["state"] == "handed_over"


@pytest.mark.rule("A-JD2-05")
def test_a_project_over_its_risk_limit_is_warned_of_before_the_handover(tmp_path: Path) -> None:
    """Promise: risk 8 of limit 7 is flagged and told when it is assessed; 7 is not, and afterwards it is too late."""
    office = Office(
        tmp_path,
        "standard",
        """
project_handover:
  checks:
    risk:
      holds: {field: risk, is: at_most, value: 7}
      message: the risk is above the limit
      otherwise: flag
      source: organisation
  notices:
    risky: {at: ["flag:risk"], to: manager, why: 交付风险预警, source: organisation}
""",
    )
    risky = office.open("project_handover", project="P1", handover_on="2026-06-01")
    calm = office.open("project_handover", project="P2", handover_on="2026-06-01")
    office.act(risky, "assess", risk=8)
    office.act(calm, "assess", risk=7)
    (warning,) = office.told(risky, "record_noticed")
    assert (warning["to"], warning["why"]) == ("manager", "交付风险预警")
    assert office.find("project_handover", flag="risk") == [risky]
    for step, values in (
        ("pass_mock", {"acceptance": "合格"}),
        ("review_plan", {"guidance": "可"}),
        ("hand_over", {}),
    ):
        office.act(calm, step, **values)
    assert refused(office.act, calm, "assess", risk=9) == "A-JD2-05"


@pytest.mark.rule("A-JD8-05")
def test_how_many_of_the_staff_took_part_is_counted(office: Office) -> None:
    """Promise: 30 sign-ups and 8 of 10 staff are 80 %; more than there are is refused."""
    event: dict[str, Any] = {"name": "邻里节", "held_on": "2026-06-01", "signed_up": 30, "staff_in_all": 10}
    record = office.open("community_event", **event, staff_there=8)
    values = office.get(record)["values"]
    assert (values["signed_up"], values["staff_share"]) == ("30", "80")
    assert refused(office.open, "community_event", **event, staff_there=11) == "A-JD8-05"


@pytest.mark.rule("A-JD8-06")
def test_debtors_nobody_urged_are_listed(office: Office) -> None:
    """Promise: both urges of one stay in the record with their days; the other is in the list of those not urged."""
    urged = office.open("fee_arrears", debtor="cu_0001", owing="2000.00")
    waiting = office.open("fee_arrears", debtor="cu_0002", owing="500.00")
    office.act(urged, "urge", urged_on="2026-05-06")
    office.pass_time(timedelta(days=7))
    office.act(urged, "urge")
    assert [act["sets"]["urged_on"] for act in office.get(urged)["acts"]] == ["2026-05-06", "2026-05-13"]
    assert office.find("fee_arrears", state="not_urged") == [waiting]
    office.act(urged, "pay")
    assert refused(office.act, urged, "urge") == "A-JD8-06"
