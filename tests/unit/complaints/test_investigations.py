"""Investigations: who investigates, what must be written, who approves, who receives it, and what stays on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.clock import FixedClock
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import IT, RETAIL, SHOP, beijing, rulebooks
from tests.unit.complaints.investigation_world import HEAD, INSPECTOR, MANAGER, OWNER, Bureau

MORNING = "2026-03-02 09:00"
POINTS = ("scope_true", "reason_reasonable", "purpose", "analysis", "demand_proper", "other")
PARTS: dict[str, Any] = {
    **dict.fromkeys(("cause", "course", "conclusion", "countermeasure", "prevention"), "已查明"),
    "responsible": ["stf_sewer"],
}
HANDLER = {"staff", "handling_dept"}


@pytest.fixture
def freight(tmp_path: Path) -> Bureau:
    """A logistics company on a Monday morning."""
    return Bureau.freight(tmp_path)


@pytest.fixture
def retail() -> Bureau:
    """A chain of shops on a Monday morning."""
    return Bureau(FixedClock(beijing(MORNING)), RETAIL, rulebooks())


def retail_findings(retail: Bureau) -> str:
    found_id = retail.open(retail.case(), roles=HANDLER)
    retail.do("record_findings", roles=HANDLER, id=found_id, filled=dict.fromkeys(POINTS, "已查明"))
    return found_id


@pytest.mark.rule("B-RET-10")
def test_goods_are_examined_unless_a_reason_says_otherwise(retail: Bureau) -> None:
    """The goods are the rule; papers only, or a visit, is chosen with a reason."""
    case = retail.case()
    for method in ("documents", "on_site"):
        error = retail.refused(
            "open_investigation", RuleRefused, roles=HANDLER, case_id=case.id, method=method
        )
        assert (error.rule, [p.field for p in error.problems]) == ("B-RET-10", ["method_reason"])
    wrong = {"case_id": case.id, "method": "hearsay"}
    retail.refused("open_investigation", ValidationFailed, roles=HANDLER, **wrong)
    assert retail.investigation(retail.open(case, roles=HANDLER)).method == "goods"
    other = retail.open(retail.case(), roles=HANDLER, method="documents", method_reason="货物已销毁")
    assert retail.investigation(other).method == "documents"


@pytest.mark.rule("B-RET-11")
@pytest.mark.parametrize("missing", POINTS)
def test_an_investigation_answers_all_six_points(retail: Bureau, missing: str) -> None:
    """A form without one of them is refused by the article that lists them."""
    found_id = retail.open(retail.case(), roles=HANDLER)
    filled = {point: "已查明" for point in POINTS if point != missing}
    error = retail.refused("record_findings", RuleRefused, roles=HANDLER, id=found_id, filled=filled)
    assert (error.rule, [p.field for p in error.problems]) == ("B-RET-11", [f"filled.{missing}"])


@pytest.mark.rule("B-RET-19")
@pytest.mark.parametrize("missing", sorted(PARTS))
def test_a_report_has_all_six_parts(retail: Bureau, missing: str) -> None:
    """Cause, course, those responsible, conclusion, countermeasure, prevention: none may be left out."""
    found_id = retail_findings(retail)
    filled = {part: words for part, words in PARTS.items() if part != missing}
    error = retail.refused("submit_report", RuleRefused, roles=HANDLER, id=found_id, filled=filled)
    assert (error.rule, [p.field for p in error.problems]) == ("B-RET-19", [f"filled.{missing}"])


def test_the_report_comes_after_the_findings(retail: Bureau) -> None:
    """Nobody concludes before anything was found out."""
    found_id = retail.open(retail.case(), roles=HANDLER)
    error = retail.refused("submit_report", RuleRefused, roles=HANDLER, id=found_id, filled=PARTS)
    assert error.rule == "B-RET-11"


@pytest.mark.rule("B-RET-12")
def test_a_report_goes_to_the_superior_then_to_hr_and_nobody_approves_his_own(retail: Bureau) -> None:
    """Out of turn and by whoever investigated it is refused; the last approval approves it."""
    found_id = retail_findings(retail)
    retail.do("submit_report", roles=HANDLER, id=found_id, filled=PARTS)
    revision: dict[str, Any] = {"id": found_id, "revision": 2}
    early = retail.refused("approve_report", RuleRefused, by="stf_hr", roles={"hr_admin"}, **revision)
    assert (early.rule, early.details["awaits"]) == ("B-RET-12", "handling_superior")
    own = retail.refused("approve_report", RuleRefused, roles={*HANDLER, "handling_superior"}, **revision)
    assert "prepared" in own.message
    states = [
        retail.do("approve_report", by=f"stf_{role}", roles={role}, **revision)["state"]
        for role in ("handling_superior", "hr_admin", "general_manager")
    ]
    assert states == ["submitted", "submitted", "approved"]


def test_a_returned_report_is_written_and_approved_anew(freight: Bureau) -> None:
    """The approvals given are void, and what was read before is not approved by mistake."""
    found_id = freight.open(freight.case())
    freight.met(found_id)
    freight.submit(found_id)
    freight.approve(found_id, HEAD)
    freight.do("return_report", by=MANAGER, id=found_id, revision=1, reason="原因不清")
    freight.refused("approve_report", Conflict, by=HEAD, id=found_id, revision=1)
    answer = freight.submit(found_id, course="叉车操作不当")
    assert (answer["state"], answer["awaits"], answer["revision"]) == ("submitted", ["cs_head"], 2)
    freight.refused("approve_report", Conflict, by=HEAD, id=found_id, revision=1)
    assert freight.approve(found_id)["state"] == "approved"


def test_the_person_complained_about_neither_investigates_nor_approves(freight: Bureau) -> None:
    """Named before or after: what they wrote is approved by nobody, and their approval is not taken."""
    case = freight.case()
    freight.counter.do("name_accused", id=case.id, staff=["stf_other", HEAD])
    error = freight.refused("open_investigation", RuleRefused, case_id=case.id, investigators=["stf_other"])
    assert error.rule == "A-LOG-49"
    found_id = freight.open(case)
    accused = {"by": "stf_other", "roles": {"quality_staff"}}
    filled = {"attendees": ["stf_a"], "item": "x", "cause": "y", "measures": "z"}
    freight.refused(
        "add_investigation_record", RuleRefused, id=found_id, kind="meeting", filled=filled, **accused
    )
    freight.met(found_id)
    freight.refused(
        "submit_report", RuleRefused, id=found_id, filled={"course": "x"}, causes=["loading"], **accused
    )
    freight.submit(found_id)
    freight.refused("approve_report", RuleRefused, by=HEAD, id=found_id, revision=1)
    freight.counter.do("name_accused", id=case.id, staff=[INSPECTOR])
    other_head = {"by": "stf_head_2", "roles": {"cs_head"}, "id": found_id, "revision": 1}
    late = freight.refused("approve_report", RuleRefused, **other_head)
    assert INSPECTOR in late.message


def test_an_approval_of_somebody_found_concerned_afterwards_does_not_count(freight: Bureau) -> None:
    """The place they filled is open again."""
    case = freight.case()
    found_id = freight.open(case)
    freight.met(found_id)
    freight.submit(found_id)
    freight.approve(found_id, HEAD)
    freight.counter.do("name_accused", id=case.id, staff=[HEAD])
    error = freight.refused("approve_report", RuleRefused, by=MANAGER, id=found_id, revision=1)
    assert error.details["awaits"] == "cs_head"


def test_a_case_has_one_investigation_and_a_repeat_is_the_same_one(freight: Bureau) -> None:
    """The same key gives the same answer; another one is told that there is one already."""
    case = freight.case()
    first = freight.do("open_investigation", key="k-1", case_id=case.id)
    assert freight.do("open_investigation", key="k-1", case_id=case.id) == first
    freight.refused("open_investigation", Conflict, key="k-1", case_id=case.id, method_reason="x")
    freight.refused("open_investigation", Conflict, case_id=case.id)
    assert len(freight.events("investigation_opened")) == 1
    freight.refused("investigation", NotFound, id="iv_none")


def test_only_valid_open_cases_are_investigated(freight: Bureau) -> None:
    """What was not found to stand has no cause to be found."""
    fresh = freight.world.open(freight.org, "ct_fresh", problem="p-fresh")
    assert freight.refused("open_investigation", RuleRefused, case_id=fresh.id).rule == "design"


@pytest.mark.rule("A-LOG-63")
def test_only_quality_staff_or_the_post_service_supervisor_set_the_cause(freight: Bureau) -> None:
    """A complaint handler is refused by the rule; both roles may."""
    for number, (by, roles) in enumerate(
        [("stf_q", {"quality_staff"}), ("stf_p", {"post_service_supervisor"})]
    ):
        case = freight.case(problem=f"q-{number}")
        found_id = freight.open(case)
        freight.met(found_id)
        given: dict[str, Any] = {"id": found_id, "filled": {"course": "x"}, "causes": ["papers"]}
        refused = freight.refused(
            "submit_report", RuleRefused, by="stf_h", roles={"complaint_handler", "manager"}, **given
        )
        assert refused.rule == "A-LOG-63"
        freight.do("submit_report", by=by, roles=roles, **given)
        assert freight.investigation(found_id).causes == ("papers",)


def test_a_report_names_leaves_of_the_tree_of_causes(freight: Bureau) -> None:
    """No cause, an inner node and an unknown one are refused; the query finds a leaf under its parent."""
    found_id = freight.open(freight.case())
    freight.met(found_id)
    for causes in ([], ["handling"], ["weather"]):
        given: dict[str, Any] = {"id": found_id, "filled": {"course": "x"}, "causes": causes}
        assert [p.field for p in freight.refused("submit_report", RuleRefused, **given).problems] == [
            "causes"
        ]
    freight.submit(found_id, "loading", "carrier")
    listed = freight.do("investigations", cause="handling")
    assert [row["investigation_id"] for row in listed] == [found_id]
    assert freight.do("investigations", cause="papers") == []
    assert [row["investigation_id"] for row in freight.do("investigations", by=HEAD, mine=True)] == [found_id]
    assert freight.do("investigations", by=MANAGER, mine=True) == []


def test_recurrences_are_counted_on_the_report_and_found_by_the_query(freight: Bureau) -> None:
    """Other cases with the cause in the last 30 days count; an older one, the case itself and drafts do not."""
    old = freight.approved(freight.case())
    freight.at("2026-04-02 09:00")
    recent = [freight.case() for _ in range(2)]
    freight.approved(recent[0])
    freight.approved(recent[1], "papers", "loading")
    draft = freight.open(freight.case())
    now = freight.case()
    found = freight.investigation(freight.approved(now))
    assert found.recurrence.count == 2
    assert set(found.recurrence.case_ids) == {case.id for case in recent}
    assert freight.events("report_approved")[-1].data["recurrences"] == 2
    rows = freight.do("recurrences", cause="loading", besides=now.id)
    assert (rows["count"], {row["case_id"] for row in rows["cases"]}) == (2, {case.id for case in recent})
    page = freight.do("recurrences", cause="handling", limit=1, skip=1)
    assert (page["count"], len(page["cases"])) == (3, 1)
    ids = {row["investigation_id"] for row in freight.do("recurrences", cause="handling")["cases"]}
    assert not ids & {old, draft}
    freight.refused("recurrences", ValidationFailed, cause="weather")


@pytest.mark.rule("A-LOG-64")
def test_a_meeting_on_item_cause_and_measures_comes_before_the_report(freight: Bureau) -> None:
    """Without its record no report; a record lacks neither those present nor item, cause or check of the measures."""
    found_id = freight.open(freight.case())
    given: dict[str, Any] = {"id": found_id, "filled": {"course": "x"}, "causes": ["loading"]}
    assert freight.refused("submit_report", RuleRefused, **given).rule == "A-LOG-64"
    full: dict[str, Any] = {
        "attendees": ["stf_a", "stf_b"],
        "item": "破损",
        "cause": "码放",
        "measures": "有效",
    }
    for missing in full:
        part = {name: words for name, words in full.items() if name != missing}
        error = freight.refused(
            "add_investigation_record", RuleRefused, id=found_id, kind="meeting", filled=part
        )
        assert (error.rule, error.problems[0].field) == ("A-LOG-64", f"filled.{missing}")
    freight.do("add_investigation_record", id=found_id, kind="meeting", filled=full)
    (row,) = freight.do("investigation", id=found_id)["records"]
    assert row["fields"] == full
    assert freight.submit(found_id)["state"] == "submitted"


@pytest.mark.rule("A-LOG-83")
def test_an_approved_report_goes_to_the_departments_and_each_of_them_signs_for_it(freight: Bureau) -> None:
    """Before it is approved nobody receives it; two departments give two receipts, by two people, once."""
    found_id = freight.open(freight.case())
    freight.met(found_id)
    freight.submit(found_id)
    early = freight.refused("acknowledge_report", RuleRefused, by="stf_ops", id=found_id, department="ops")
    assert early.rule == "A-LOG-83"
    assert freight.approve(found_id)["outstanding"] == ["ops", "sales"]
    freight.do("acknowledge_report", by="stf_ops", id=found_id, department="ops")
    freight.refused("acknowledge_report", RuleRefused, by="stf_ops", id=found_id, department="sales")
    freight.refused("acknowledge_report", Conflict, by="stf_two", id=found_id, department="ops")
    freight.refused("acknowledge_report", ValidationFailed, by="stf_two", id=found_id, department="hr")
    answer = freight.do("acknowledge_report", by="stf_sales", id=found_id, department="sales")
    assert answer["outstanding"] == []
    view = freight.do("investigation", id=found_id)
    assert [(row["department"], row["by"]) for row in view["receipts"]] == [
        ("ops", "stf_ops"),
        ("sales", "stf_sales"),
    ]


@pytest.mark.rule("A-LOG-17")
def test_an_operating_error_shows_when_it_was_remedied_and_both_versions_of_the_document(
    freight: Bureau,
) -> None:
    """The record of an amended document is refused without the remedy's time or one of the versions."""
    found_id = freight.open(freight.case())
    full = {
        "document": "运单 W100 附件 D1",
        "version_before": "v1",
        "version_after": "v2",
        "remedied_at": "2026-03-02T10:00:00+08:00",
    }
    for missing in full:
        part = {name: words for name, words in full.items() if name != missing}
        error = freight.refused(
            "add_investigation_record", RuleRefused, id=found_id, kind="amended_document", filled=part
        )
        assert error.rule == "A-LOG-17"
    freight.do("add_investigation_record", id=found_id, kind="amended_document", filled=full)
    (row,) = freight.do("investigation", id=found_id)["records"]
    assert row["fields"] == full | {"remedied_at": "2026-03-02T02:00:00.000Z"}


@pytest.mark.rule("A-LOG-85")
def test_a_clients_opinion_goes_to_the_departments_and_its_tracked_result_after_it(freight: Bureau) -> None:
    """No result of an opinion nobody passed on; both are stored with whom it went to."""
    found_id = freight.open(freight.case())
    result: dict[str, Any] = {"id": found_id, "kind": "opinion_result", "filled": {"result": "已改用木箱"}}
    assert freight.refused("add_investigation_record", RuleRefused, **result).rule == "A-LOG-85"
    opinion = {"departments": ["操作部"], "opinion": "希望改用木箱"}
    freight.do("add_investigation_record", id=found_id, kind="client_opinion", filled=opinion)
    freight.do("add_investigation_record", **result)
    rows = freight.do("investigation", id=found_id)["records"]
    assert [row["fields"] for row in rows] == [opinion, {"result": "已改用木箱"}]


@pytest.mark.rule("A-JD14-09")
def test_an_opinion_is_passed_on_only_with_advice_and_to_superior_and_departments() -> None:
    """Every organisation has the record; without advice it is refused, with it both receivers are named."""
    bureau = Bureau(FixedClock(beijing(MORNING)), IT, rulebooks())
    found_id = bureau.open(bureau.case())
    part = {"superior": "客服经理", "departments": ["质量部"], "opinion": "登录太慢"}
    error = bureau.refused("add_investigation_record", RuleRefused, id=found_id, kind="opinion", filled=part)
    assert (error.rule, error.problems[0].field) == ("A-JD14-09", "filled.advice")
    full = part | {"advice": "增加缓存"}
    bureau.do("add_investigation_record", id=found_id, kind="opinion", filled=full)
    (row,) = bureau.do("investigation", id=found_id)["records"]
    assert (row["fields"]["superior"], row["fields"]["departments"]) == ("客服经理", ["质量部"])


@pytest.mark.rule("A-JD1-09")
def test_a_quality_problem_is_fed_back_and_its_progress_listed_by_day() -> None:
    """Progress follows a feedback; each entry shows its day and who made it."""
    bureau = Bureau(FixedClock(beijing("2026-05-06 09:00")), SHOP, rulebooks())
    found_id = bureau.open(bureau.case())
    early: dict[str, Any] = {"id": found_id, "kind": "progress", "filled": {"progress": "已送检"}}
    assert bureau.refused("add_investigation_record", RuleRefused, **early).rule == "A-JD1-09"
    feedback = {"departments": ["质量部"], "matter": "开线"}
    bureau.do("add_investigation_record", id=found_id, kind="feedback", filled=feedback)
    for day, said in (("2026-05-07", "已送检"), ("2026-05-08", "已出报告")):
        bureau.at(f"{day} 10:00")
        bureau.do("add_investigation_record", id=found_id, kind="progress", filled={"progress": said})
    rows = bureau.do("investigation", id=found_id)["records"]
    assert [(row["kind"], row["at"][:10]) for row in rows] == [
        ("feedback", "2026-05-06"),
        ("progress", "2026-05-07"),
        ("progress", "2026-05-08"),
    ]


@pytest.mark.rule("B-MBY-16")
def test_the_complaint_post_investigates_follows_up_and_reports_to_its_superior() -> None:
    """The investigation shows who looked into it, the notes and what the superior was told; nobody else's post."""
    bureau = Bureau(FixedClock(beijing(MORNING)), SHOP, rulebooks())
    case = bureau.case()
    nobody = bureau.refused("open_investigation", RuleRefused, by=OWNER, case_id=case.id)
    assert nobody.rule == "B-MBY-16"
    found_id = bureau.open(case)
    bureau.do("add_investigation_record", id=found_id, kind="follow_up", filled={"note": "已联系仓库"})
    told = {"superior": "客服主管", "opinion": "要求换货", "result": "已换货"}
    error = bureau.refused(
        "add_investigation_record",
        RuleRefused,
        id=found_id,
        kind="result_report",
        filled={"result": "已换货"},
    )
    assert error.rule == "B-MBY-16"
    bureau.do("add_investigation_record", id=found_id, kind="result_report", filled=told)
    view = bureau.do("investigation", id=found_id)
    assert view["investigators"] == [INSPECTOR]
    assert [row["kind"] for row in view["records"]] == ["follow_up", "result_report"]


@pytest.mark.rule("B-MBY-17")
def test_a_closed_case_is_archived_once_with_summary_analysis_and_appraisal() -> None:
    """Nothing is archived before the case closed; the archive has an id of its own."""
    bureau = Bureau(FixedClock(beijing(MORNING)), SHOP, rulebooks())
    case = bureau.case()
    found_id = bureau.open(case)
    parts = dict.fromkeys(("result_confirmed", "summary", "analysis", "appraisal"), "已确认")
    given: dict[str, Any] = {"id": found_id, "kind": "archive"}
    early = bureau.refused("add_investigation_record", RuleRefused, filled=parts, **given)
    assert early.rule == "B-MBY-17"
    assert bureau.satisfy(case).state.value == "closed"
    for missing in parts:
        part = {name: words for name, words in parts.items() if name != missing}
        bureau.refused("add_investigation_record", RuleRefused, filled=part, **given)
    answer = bureau.do("add_investigation_record", filled=parts, **given)
    assert answer["archive_id"].startswith("rc_")
    assert bureau.do("investigation", id=found_id)["archive_id"] == answer["archive_id"]
    bureau.refused("add_investigation_record", Conflict, filled=parts, **given)


@pytest.mark.rule("B-WWS-09")
def test_what_was_written_first_stays_beside_what_replaced_it_and_a_forged_record_shows(
    retail: Bureau,
) -> None:
    """A correction needs a reason and hides nothing; a value changed behind the service's back is found out."""
    found_id = retail_findings(retail)
    first = dict.fromkeys(POINTS, "已查明")
    second = first | {"scope_true": "数量不符"}
    given: dict[str, Any] = {"id": found_id, "filled": second}
    error = retail.refused("record_findings", RuleRefused, roles=HANDLER, **given)
    assert error.problems[0].field == "reason"
    retail.do("record_findings", by="stf_2", roles=HANDLER, reason="重新清点", **given)
    view = retail.do("investigation", id=found_id)
    assert [(one["fields"]["scope_true"], one["by"], one["reason"]) for one in view["statements"]] == [
        ("已查明", INSPECTOR, None),
        ("数量不符", "stf_2", "重新清点"),
    ]
    assert (view["findings"]["revision"], view["intact"]) == (2, True)
    row = retail.found.investigations.documents[found_id]
    row["statements"][0]["fields"]["scope_true"] = "数量不符"
    assert retail.do("investigation", id=found_id)["intact"] is False


def test_no_event_of_an_investigation_carries_what_was_written(freight: Bureau) -> None:
    """Free text may name people; events tell only that, by whom and under which rule."""
    secret = "张三 13800000000"
    found_id = freight.open(freight.case())
    filled = {"attendees": [secret], "item": secret, "cause": secret, "measures": secret}
    freight.do("add_investigation_record", id=found_id, kind="meeting", filled=filled)
    freight.submit(found_id, course=secret)
    freight.do("return_report", by=HEAD, id=found_id, revision=1, reason=secret)
    said = [str(entry.data) for entry in freight.investigation(found_id).history]
    assert len(said) == 4
    assert not [data for data in said if "张三" in data]
