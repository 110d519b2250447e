"""Reports upward of a call centre, and the reports and joint matters of a developer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.intake.requests_world import Desk, organisation, refused

_CODES = {
    "political_or_leak": "supervisor",
    "major_error": "supervisor",
    "danger": "supervisor",
    "beyond_duty": "supervisor",
    "difficult_customer": "manager",
}


@pytest.fixture
def centre(tmp_path: Path) -> Desk:
    """Return the desk of a call centre."""
    return Desk(organisation(tmp_path, "call-centre", roles=("telemarketing",)), tmp_path)


@pytest.mark.rule("B-TEL-01")
@pytest.mark.parametrize("code", _CODES)
def test_each_of_five_codes_has_its_target(centre: Desk, code: str) -> None:
    """Promise: five reasons to report, each with somebody to report to, and no sixth."""
    report = centre.open("report", filled={"code": code, "opinion": "建议上门"})
    assert centre.look(report)["owner"]["role"] == _CODES[code]
    with refused("B-TEL-01"):
        centre.open("report", filled={"code": "weather", "opinion": "x"})


@pytest.mark.rule("B-TEL-02")
def test_who_skips_a_level_in_an_emergency_informs_the_superior_afterwards(centre: Desk) -> None:
    """Promise: a reminder stays until the superior knows; without an emergency nobody skips."""
    said = {"code": "danger", "opinion": "先断电", "skipped": True}
    with refused("B-TEL-02"):
        centre.open("report", filled=said)
    report = centre.open("report", filled=said | {"emergency": True})
    assert [task["code"] for task in centre.look(report)["tasks"]] == ["inform_superior"]
    centre.act(report, "instruct", instruction="疏散")
    centre.act(report, "execute", record="已疏散")
    with refused("B-TEL-02"):
        centre.act(report, "finish")
    centre.act(report, "inform_superior")
    assert centre.act(report, "finish")["closed"] is True


@pytest.mark.rule("B-TEL-03")
def test_a_report_has_an_opinion_and_gets_an_instruction_that_is_carried_out_first(centre: Desk) -> None:
    """Promise: no opinion, no report; the instruction is kept with its time; who disagrees executes, then reports."""
    with refused("B-TEL-03"):
        centre.open("report", filled={"code": "danger"})
    report = centre.open("report", filled={"code": "danger", "opinion": "先断电"})
    with refused("B-TEL-03"):
        centre.act(report, "instruct")
    centre.act(report, "instruct", instruction="不断电")
    with refused("B-TEL-03"):
        centre.act(report, "disagree", disagreement="有风险")
    centre.act(report, "execute", record="已照办")
    centre.act(report, "disagree", disagreement="有风险")
    seen = centre.look(report)
    assert seen["facts"]["instruction"] == "不断电"
    assert seen["done"][0]["at"] == seen["stages"][1]["begun_at"]
    assert [notice["role"] for notice in seen["notices"]] == ["manager"]


@pytest.mark.rule("B-TEL-07")
def test_registrations_enquiries_and_fault_reports_are_taken(centre: Desk) -> None:
    """Promise: three types of business, each a request of its own kind."""
    for number, category in enumerate(("registration", "enquiry", "fault_report"), 1):
        centre.take(number, category=category)
    assert centre.count("kind") == {"registration": 1, "enquiry": 1, "fault_report": 1}


@pytest.fixture
def developer(tmp_path: Path) -> Desk:
    """Return the desk of a developer, its departments and the property company it works with."""
    roles = (
        "cs_head",
        "cs_staff",
        "legal_adviser",
        "general_manager",
        "engineer",
        "cashier",
        "property_company",
    )
    units = {
        code: {"name": code, "leader": leader, "source": "organisation"}
        for code, leader in (
            ("engineering", "engineer"),
            ("finance", "cashier"),
            ("developer", "cs_staff"),
            ("property_company", "property_company"),
        )
    }
    org = organisation(
        tmp_path, "real-estate", roles=(*roles, "marketing_handler"), intake={"requests": {"units": units}}
    )
    return Desk(org, tmp_path)


@pytest.mark.rule("A-RES-08")
def test_reports_are_of_four_kinds_and_three_of_them_end_here(developer: Desk) -> None:
    """Promise: consultation, suggestion and query are tracked to their end; complaints are cases."""
    for number, category in enumerate(("enquiry", "suggestion", "query"), 1):
        request = developer.take(number, category=category)
        developer.act(request, "coordinate", record="已联系工程部")
        with refused("A-RES-08"):
            developer.act(request, "answer")
        developer.act(request, "answer", outcome="已答复")
    developer.deliver(4, category="complaint", complaint={"problem": "noise"})
    assert developer.count("kind", state="closed") == {"enquiry": 1, "suggestion": 1, "query": 1}
    assert developer.app.desk.count(developer.org, None, None) == {
        "enquiry": 1,
        "suggestion": 1,
        "query": 1,
        "complaint": 1,
    }


@pytest.mark.rule("A-RES-06")
def test_a_joint_matter_is_for_the_two_that_have_it(developer: Desk) -> None:
    """Promise: developer and property company see it, a third one does not."""
    request = developer.open("joint", unit="developer")
    part = [{"unit": "property_company", "answer_by": "2026-03-05T18:00:00+08:00"}]
    developer.do("involve_departments", id=request, lead="developer", departments=part)
    for role in ("cs_staff", "property_company"):
        assert developer.look(request, developer.person("x", role))["request_id"] == request
    with refused("A-RES-06"):
        developer.look(request, developer.person("x", "engineer"))


@pytest.mark.rule("A-RES-12")
def test_what_each_department_has_to_do_is_counted(developer: Desk) -> None:
    """Promise: engineering three, finance one."""
    by = "2026-03-05T18:00:00+08:00"
    for number, units in enumerate((["engineering"], ["engineering"], ["engineering", "finance"]), 1):
        request = developer.take(number)
        parts = [{"unit": unit, "answer_by": by} for unit in units]
        developer.do("involve_departments", id=request, lead="developer", departments=parts)
    assert developer.count("department") == {"engineering": 3, "finance": 1}
