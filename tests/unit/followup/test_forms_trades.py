"""Forms of single trades: what their handbooks have written down, refused, counted and followed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.followup.register_world import Office, beijing, refused


@pytest.mark.rule("A-PRM-07")
def test_an_inspection_with_four_categories_is_incomplete(tmp_path: Path) -> None:
    """Promise: five categories, each scored from 1 to 5; four are refused with the rule, and so is a 6."""
    office = Office(tmp_path, "property")
    scores = {"buildings": 4, "facilities": 4, "security": 5, "traffic": 3}
    assert refused(office.open, "estate_inspection", **scores) == "A-PRM-07"
    assert refused(office.open, "estate_inspection", **scores, cleaning=6) == "A-PRM-07"
    assert office.get(office.open("estate_inspection", **scores, cleaning=5))["values"]["cleaning"] == "5"


@pytest.mark.rule("A-PRM-19")
def test_a_wall_removed_opens_a_violation(tmp_path: Path) -> None:
    """Promise: each violation a check of a renovation finds is one to be handled, told at once to the supervisor."""
    office = Office(tmp_path, "property")
    works = {"unit": "1-101", "begins": "2026-05-01", "works": "厨房改造"}
    renovation = office.open("renovation", **works)
    check = office.open("renovation_check", renovation=renovation, violations=[{"kind": "wall_removal"}])
    clean = office.open("renovation_check", renovation=renovation)
    (violation,) = office.find("renovation_violation", where={"origin": check})
    values = office.get(violation)["values"]
    assert (values["renovation"], values["check"], values["kind"]) == (renovation, check, "wall_removal")
    assert office.find("renovation_violation", where={"origin": clean}) == []
    assert [told["to"] for told in office.told(violation, "record_noticed")] == ["supervisor"]
    assert refused(office.act, violation, "handle") == "A-PRM-19"
    assert office.act(violation, "handle", handled="已恢复墙体")["open"] is False


def _event(office: Office, **values: Any) -> str:
    return office.open("community_event", name="邻里节", held_on="2026-06-01", **values)


@pytest.mark.rule("B-PRO-21")
def test_culture_is_planned_in_december_confirmed_where_it_costs_and_evaluated(tmp_path: Path) -> None:
    """Promise: a plan of a year that has begun, a cost nobody confirmed, an event without evaluation: refused."""
    office = Office(tmp_path, "property")
    plan = {"year_begins": "2026-01-01", "content": "春节、元宵、邻里节"}
    for made_on in ("2026-01-01", "2025-11-30"):
        assert refused(office.open, "culture_plan", **plan, made_on=made_on) == "B-PRO-21"
    planned = office.open("culture_plan", **plan, made_on="2025-12-31")
    assert refused(_event, office, plan=planned, cost="3000.00") == "B-PRO-21"
    assert refused(_event, office, plan=planned, cost="3000.00", committee_confirmed=False) == "B-PRO-21"
    event = _event(office, plan=planned, cost="3000.00", committee_confirmed=True)
    assert refused(office.act, event, "evaluate", participants=40) == "B-PRO-21"
    assert office.find("community_event", state="planned") == [event]
    assert office.act(event, "evaluate", participants=40, evaluation="反响好")["open"] is False
    (row,) = office.missing("culture_plan", at="2027-01-01 09:00")
    assert (row["source"], row["last_day"]) == ("B-PRO-21", "2026-12-31")


@pytest.mark.rule("A-PRM-23")
def test_how_many_took_part_in_an_event_is_stored(tmp_path: Path) -> None:
    """Promise: the event of 1 June with 40 participants says so, and without a number is not evaluated."""
    office = Office(tmp_path, "property")
    event = _event(office)
    assert refused(office.act, event, "evaluate", evaluation="好") == "A-PRM-23"
    office.act(event, "evaluate", participants=40, evaluation="好")
    values = office.get(event)["values"]
    assert (values["held_on"], values["participants"]) == ("2026-06-01", "40")


@pytest.mark.rule("A-WHB-15")
def test_a_problem_is_registered_with_who_handles_it_and_until_when_it_took(tmp_path: Path) -> None:
    """Promise: found at 10:05 and closed at 10:40 took 35 minutes; without a handler it is refused."""
    office = Office(tmp_path, "property")
    problem = {"problem": "系统故障", "found_at": "2026-05-06T10:05:00+08:00"}
    assert refused(office.open, "business_problem", **problem) == "A-WHB-15"
    record = office.open("business_problem", **problem, handler="u-1")
    office.act(record, "close", result="已恢复", closed_at="2026-05-06T10:40:00+08:00")
    assert office.get(record)["values"]["took"] == "35"


@pytest.mark.rule("A-AUT-12")
def test_attendance_of_an_event_is_computed(tmp_path: Path) -> None:
    """Promise: 22 of 30 invited are 73 %; more answers than guests are refused."""
    office = Office(tmp_path, "auto-dealer")
    event = office.open("customer_event", name="自驾游", kind="self_drive", held_on="2026-06-01", invited=30)
    assert refused(office.act, event, "hold", came=22, feedback=23) == "A-AUT-12"
    office.act(event, "hold", came=22, feedback=20)
    assert office.get(event)["values"]["attendance"] == "73"


@pytest.mark.rule("A-LOG-48")
def test_an_inspection_without_finding_is_refused(tmp_path: Path) -> None:
    """Promise: item, finding, inspector and time stand in it, or it is none."""
    office = Office(tmp_path, "logistics")
    assert refused(office.open, "service_inspection", item="窗口服务") == "A-LOG-48"
    at = "2026-05-06T14:20:00+08:00"
    record = office.open(
        "service_inspection", office.by("u-7"), item="窗口服务", finding="良好", inspected_at=at
    )
    values = office.get(record)["values"]
    assert (values["inspector"], values["inspected_at"]) == ("u-7", "2026-05-06T06:20:00.000Z")


@pytest.mark.rule("A-LOG-71")
def test_a_training_links_to_the_phrases_it_teaches(tmp_path: Path) -> None:
    """Promise: version 1 of the phrases is there once, and a training without them is refused."""
    office = Office(tmp_path, "logistics")
    phrases = {"kind": "phrases", "version": 1, "content": "您好，请问有什么可以帮您？"}
    record = office.open("service_phrases", **phrases)
    assert refused(office.open, "service_phrases", **phrases) == "A-LOG-71"
    people = [{"trainee": "u-3"}]
    assert refused(office.open, "phrase_training", trainees=people) == "A-LOG-71"
    office.open("phrase_training", phrases=record, trainees=people)
    assert len(office.find("phrase_training", where={"phrases": record})) == 1


def _agents(passed: int) -> list[dict[str, Any]]:
    return [{"agent": f"u-{number}", "passed": number <= passed} for number in range(1, 7)]


@pytest.mark.rule("B-SHP-07")
def test_a_product_goes_live_when_six_of_six_agents_passed(tmp_path: Path) -> None:
    """Promise: with five of six the listing is blocked by the rule."""
    office = Office(tmp_path, "online-store")
    record = office.open("product_training", product="P9", agents=_agents(5))
    assert refused(office.act, record, "go_live") == "B-SHP-07"
    office.act(record, "note", agents=_agents(6))
    assert office.act(record, "go_live")["state"] == "live"


@pytest.mark.rule("B-MBY-22")
def test_an_untrained_agent_before_a_launch_is_on_the_warning_list(tmp_path: Path) -> None:
    """Promise: the list names products with a launch day and somebody untrained, and no others."""
    office = Office(tmp_path, "online-store")
    warned = office.open("product_training", product="P9", agents=_agents(5), launch_on="2026-06-01")
    office.open("product_training", product="P8", agents=_agents(5))
    office.open("product_training", product="P7", agents=_agents(6), launch_on="2026-06-01")
    assert office.find("product_training", flag="trained") == [warned]
    assert office.told(warned, "record_flagged")[0]["source"] == "B-MBY-22"
    office.act(warned, "note", agents=_agents(6))
    assert office.find("product_training", flag="trained") == []


@pytest.mark.rule("A-ECO-05")
def test_customer_service_sees_a_promotion_the_day_before_it_begins(tmp_path: Path) -> None:
    """Promise: of a promotion from 16 to 20 June the staff is told on the 15th, and not before."""
    office = Office(tmp_path, "online-store")
    days = {"begins": "2026-06-16", "ends": "2026-06-20"}
    record = office.open("promotion", name="年中大促", kind="cross_shop", **days)
    office.pass_time(beijing("2026-06-14 23:00"))
    assert office.told(record, "record_noticed") == []
    office.pass_time(beijing("2026-06-15 00:01"))
    (told,) = office.told(record, "record_noticed")
    assert (told["to"], told["source"]) == ("staff", "A-ECO-05")
    assert refused(
        office.open, "promotion", name="x", kind="outside", begins="2026-06-16", ends="2026-06-15"
    ) == ("A-ECO-05")


@pytest.mark.rule("B-ITS-21")
def test_an_inspection_of_a_project_with_two_findings_gives_two_tasks(tmp_path: Path) -> None:
    """Promise: what the project manager finds is handed on, task by task."""
    office = Office(tmp_path, "it-service")
    rows = [
        {"finding": "文档缺失", "measure": "补齐"},
        {"finding": "工单超时", "measure": "复盘", "owner": "u-4"},
    ]
    record = office.open("quality_inspection", project="P1", findings=rows)
    tasks = office.opened_by(record, "corrective_measure")
    assert sorted((task["finding"], task.get("owner")) for task in tasks) == [
        ("工单超时", "u-4"),
        ("文档缺失", None),
    ]


@pytest.mark.rule("B-ITS-23")
def test_a_visit_report_becomes_action_items_that_have_owners(tmp_path: Path) -> None:
    """Promise: an item without an owner is refused; each of the others is its owner's to do."""
    office = Office(tmp_path, "it-service")
    report: dict[str, Any] = {"customer": "cu_0001", "leader": "u-1"}
    rows = [
        {"opinion": "响应慢", "action": "增设驻场", "owner": "u-4"},
        {"opinion": "文档旧", "action": "更新"},
    ]
    assert refused(office.open, "visit_report", **report, items=rows) == "B-ITS-23"
    rows[1]["owner"] = "u-5"
    record = office.open("visit_report", **report, items=rows)
    assert {task["owner"] for task in office.opened_by(record, "corrective_measure")} == {"u-4", "u-5"}


@pytest.mark.rule("A-HTL-13")
def test_an_assessment_is_followed_by_guidance_that_closes_with_a_result(tmp_path: Path) -> None:
    """Promise: score 78 of a hotel is reported and guided; without a result the guidance is not over."""
    office = Office(tmp_path, "hotel-franchise")
    record = office.open("hotel_assessment", hotel="H1", score=78)
    assert [told["to"] for told in office.told(record, "record_noticed")] == ["manager"]
    (task,) = office.find("hotel_guidance", where={"origin": record})
    assert office.get(task)["values"] == {"hotel": "H1", "assessment": record, "score": "78"}
    assert refused(office.act, task, "close") == "A-HTL-13"
    assert office.act(task, "close", result="复评86分")["open"] is False


@pytest.mark.rule("A-CAT-19")
def test_a_joint_inspection_is_flagged(tmp_path: Path) -> None:
    """Promise: an inspection holds area and finding; one made with others is found by its flag."""
    office = Office(tmp_path, "cable-tv")
    assert refused(office.open, "network_inspection", area="北片") == "A-CAT-19"
    office.open("network_inspection", area="北片", finding="线路老化")
    joint = office.open("network_inspection", area="北片", finding="私接", with_others=True)
    assert office.find("network_inspection", flag="joint") == [joint]


@pytest.mark.rule("A-AFT-03")
def test_a_service_point_below_the_limit_of_the_organisation_opens_a_task(tmp_path: Path) -> None:
    """Promise: below 60 is a task, 60 and 85 are none; without a limit nobody is troubled."""
    office = Office(
        tmp_path,
        "product-after-sales",
        """
service_point_check:
  opens:
    weak:
      register: corrective_measure
      at: opened
      when: {field: score, is: less, value: 60}
      copies: {finding: [remarks, point]}
      fills: {measure: 限期整改}
      source: organisation
""",
    )
    weak = office.open("service_point_check", point="SP1", score=59)
    for score in (60, 85):
        office.open("service_point_check", point="SP2", score=score)
    (task,) = office.find("corrective_measure")
    assert (office.get(task)["origin"], office.get(task)["values"]["finding"]) == (weak, "SP1")


@pytest.mark.rule("A-AFT-09")
def test_a_manager_opens_an_audit_and_a_clerk_does_not(tmp_path: Path) -> None:
    """Promise: the refusal names the manager's duty."""
    office = Office(tmp_path, "product-after-sales")
    assert refused(office.open, "office_audit", office="O1") == "A-AFT-09"
    assert office.open("office_audit", office.by("u-9", "manager"), office="O1")


@pytest.mark.rule("A-AFT-13")
@pytest.mark.rule("A-AFT-17")
def test_an_audit_goes_from_plan_to_close_with_its_days_and_its_checklist(tmp_path: Path) -> None:
    """Promise: planned, visited, reported, closed, each with its day, in this order; 9 of 10 items passed."""
    office = Office(tmp_path, "product-after-sales")
    boss = ("u-9", "manager")
    audit = office.open("office_audit", office.by(*boss), office="O1", planned_on="2026-05-01")
    assert refused(office.act, audit, "report", report="良好") == "A-AFT-17"
    assert refused(office.act, audit, "visit") == "A-AFT-13"
    items = [{"item": f"项目{number}", "passed": number < 10} for number in range(1, 11)]
    office.act(audit, "visit", visited_on="2026-05-10", checklist=items)
    office.act(audit, "report", reported_on="2026-05-15", report="良好")
    office.act(audit, "close", office.by(*boss), closed_on="2026-05-20")
    record = office.get(audit)
    days = [record["values"][f"{step}_on"] for step in ("planned", "visited", "reported", "closed")]
    assert days == ["2026-05-01", "2026-05-10", "2026-05-15", "2026-05-20"]
    assert (record["state"], record["values"]["items"], record["values"]["passed"]) == ("closed", "10", "9")


@pytest.mark.rule("A-TEL-10")
def test_a_referral_creates_a_lead_with_its_referrer(tmp_path: Path) -> None:
    """Promise: who brought the lead stays known, and no event holds the name or the number."""
    office = Office(tmp_path, "call-centre")
    record = office.open("referral", referrer="cu_0001", name="李四", phone="13800000000")
    (lead,) = office.find("sales_lead", where={"origin": record})
    values = office.get(lead, "personal_data")["values"]
    assert (values["referrer"], values["referral"]) == ("cu_0001", record)
    assert office.get(lead)["values"]["phone"] == "***"
    assert not [each for each in office.sent if "13800000000" in str(each.entry.data)]


@pytest.mark.rule("A-SOF-19")
def test_help_with_a_promotion_is_done_by_who_was_asked(tmp_path: Path) -> None:
    """Promise: the task of 1 June is its owner's to finish, and nobody else's."""
    office = Office(tmp_path, "real-estate")
    record = office.open("promotion_task", task="展会派单", day="2026-06-01", owner="u-1")
    assert refused(office.act, record, "finish", office.by("u-2")) == "A-SOF-19"
    assert office.act(record, "finish")["state"] == "done"
