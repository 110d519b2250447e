"""Progress again and again, what the customer is told, reports to superiors, referrals, apologies, plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.complaints.domain.states import CaseState
from shared.clocks import State
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.history import timestamp
from tests.unit.complaints.fakes import PROPERTY, RETAIL, SHOP, beijing, called_back, clock, entries, types
from tests.unit.complaints.offer_world import books
from tests.unit.complaints.stepping import EVERYBODY
from tests.unit.complaints.supervision_world import Tower, own_tower

PROGRESS = """
    clocks:
      progress:
        starts: accepted
        ends: progressed
        repeats: true
        duration: {amount: 24, unit: hours, source: B-CPF-05}
"""
OVERRIDES = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
"""


@pytest.mark.rule("B-CPF-05")
def test_a_case_without_progress_for_a_day_is_reminded_of_and_each_entry_begins_the_next_day(
    tmp_path: Path,
) -> None:
    """Guards that every entry meets the running clock and starts the next, and that a breach fires once."""
    tower = own_tower(tmp_path, PROGRESS)
    case = tower.accepted()
    tower.at("2026-03-03 08:00")
    tower.step("progress", case, text="已派单")
    tower.at("2026-03-04 08:00")
    for _ in range(3):
        tower.tick()
    kept = tower.case(case)
    assert types(kept).count("clock_breached") == 1
    assert tower.world.numbers(tower.org, state="overdue")
    tower.step("progress", case, text="已修复")
    states = [each.state for each in tower.case(case).deadlines]
    assert states == [State.MET, State.MET_LATE, State.RUNNING]
    assert clock(tower.case(case), "progress").due_at == beijing("2026-03-05 08:00")


def test_the_last_reply_ends_the_wait_for_progress_and_a_case_opened_again_begins_it_again(
    tmp_path: Path,
) -> None:
    """Guards that nothing ticks while the customer has the result, and that it does again when they are not content."""
    tower = own_tower(tmp_path, PROGRESS)
    case = tower.accepted()
    tower.at("2026-03-02 15:00")
    tower.step("reply", case, text="今日先清洁", final=False)
    assert clock(tower.case(case), "progress").due_at == beijing("2026-03-03 15:00")
    tower.step("reply", case, text="已修复")
    assert not any(each.open for each in tower.case(case).deadlines)
    tower.at("2026-03-05 15:00")
    tower.world.call_back(called_back(tower.case(case), satisfied=False))
    assert clock(tower.case(case), "progress").due_at == beijing("2026-03-06 15:00")
    tower.step("reply", case, text="已再次修复")
    tower.world.call_back(called_back(tower.case(case), "cb_2", satisfied=True))
    assert tower.case(case).state is CaseState.CLOSED
    assert not any(each.open for each in tower.case(case).deadlines)


@pytest.mark.rule("B-RES-15")
def test_an_entry_of_progress_that_the_customer_was_not_told_of_is_flagged(tmp_path: Path) -> None:
    """Guards the data in effect, and that an organisation may time it: told by then, again and again."""
    told = """
      clocks:
        told: {starts: accepted, ends: told, repeats: true, duration: {amount: 2, unit: days, source: organisation}}
"""
    tower = Tower(
        org="est-test", books=books(tmp_path, "est-test", "real-estate", OVERRIDES + told.lstrip("\n"))
    )
    case = tower.accepted()
    tower.step("progress", case, text="已联系施工单位", roles={"complaint_handler"})
    assert [row["flagged"] for row in tower.watch(case)["progress"]] == [True]
    assert clock(tower.case(case), "told").due_at == beijing("2026-03-04 09:00")
    tower.at("2026-03-04 08:59")
    tower.step("progress", case, text="已电话告知客户进展", told=True, roles={"complaint_handler"})
    kept = tower.case(case)
    assert [row["flagged"] for row in tower.watch(kept)["progress"]] == [True, False]
    assert [each.state for each in kept.deadlines if each.name == "told"] == [State.MET, State.RUNNING]
    (said,) = entries(kept, "customer_told")
    assert said.data["told_at"] == timestamp(beijing("2026-03-04 08:59"))


@pytest.mark.rule("A-LOG-51")
def test_no_case_closes_before_its_result_was_fed_back(tmp_path: Path) -> None:
    """Guards that the callback closes only a case whose result was told, and the feedback one that waited for it."""
    feedback = "    supervision:\n      feedback: {of: every, source: A-LOG-51}\n"
    tower = own_tower(tmp_path, feedback)
    case = tower.accepted()
    tower.step("progress", case, text="处理中,已告知客户", told=True)
    tower.step("reply", case, text="已处理")
    tower.world.call_back(called_back(tower.case(case), satisfied=True))
    assert tower.case(case).state is CaseState.REPLIED
    tower.at("2026-03-03 09:00")
    tower.step("progress", case, text="结果已反馈", told=True)
    kept = tower.case(case)
    assert (kept.state, kept.result_told_at) == (CaseState.CLOSED, beijing("2026-03-03 09:00"))


@pytest.mark.rule("A-LOG-87")
def test_a_case_is_followed_its_client_told_and_its_closing_published(tmp_path: Path) -> None:
    """Guards the way of the handbook: accepted, followed, fed back; the reply asks for a callback."""
    tower = own_tower(tmp_path, "    supervision:\n      tell_customer: {value: true, source: A-LOG-87}\n")
    case = tower.accepted()
    tower.step("progress", case, text="已跟进并告知客户", told=True)
    tower.step("reply", case, text="已处理")
    (replied,) = entries(tower.case(case), "case_replied")
    assert replied.data["needs_callback"] is True
    tower.world.call_back(called_back(tower.case(case), satisfied=True))
    assert types(tower.case(case))[-1] == "case_closed"
    assert "customer_told" in types(tower.case(case))


@pytest.mark.rule("A-WHB-12")
def test_a_major_complaint_is_reported_to_the_general_manager_within_two_hours(tmp_path: Path) -> None:
    """Guards who reports, to whom, and that after two hours and a minute it is overdue."""
    two = "            within: {amount: 2, unit: hours, source: organisation}\n"
    text = f"{OVERRIDES}      supervision:\n        reports_up:\n          general_manager:\n{two}"
    tower = Tower(org="pro-test", books=books(tmp_path, "pro-test", "property", text))
    quick, slow = tower.open("ct_1", media=True), tower.open("ct_2", media=True)
    small = tower.open("ct_3")
    assert tower.watch(small)["reports_due"] == []
    tower.at("2026-03-02 10:59")
    arguments = {"id": quick.id, "report": "general_manager"}
    assert tower.refused("report_up", RuleRefused, roles={"staff"}, **arguments).rule == "A-WHB-12"
    tower.do("report_up", roles={"manager"}, text="加盟店重大投诉", **arguments)
    tower.refused("report_up", Conflict, **arguments)
    tower.at("2026-03-02 11:01")
    tower.tick()
    assert clock(tower.case(quick), "report.general_manager").state is State.MET
    assert tower.case(slow).overdue
    (due,) = tower.watch(slow)["reports_due"]
    assert (due["to"], due["due_at"]) == ("general_manager", timestamp(beijing("2026-03-02 11:00")))
    (sent,) = entries(tower.case(quick), "case_reported_up")
    assert (sent.data["to"], sent.data["on_time"]) == ("general_manager", True)


@pytest.mark.rule("A-JD3-03")
def test_a_major_complaint_is_brought_before_the_operations_manager_in_half_an_hour(tmp_path: Path) -> None:
    """Guards the duty in effect for major cases and sudden events, and the half hour an organisation sets."""
    half = "            within: {amount: 30, unit: minutes, source: organisation}\n"
    text = f"{OVERRIDES}      supervision:\n        reports_up:\n          operations_manager:\n{half}"
    plaza = Tower(org="plz-test", books=books(tmp_path, "plz-test", "commercial-plaza", text))
    case, sudden, calm = plaza.open(amount="60000.00"), plaza.open("ct_2"), plaza.open("ct_3")
    assert clock(plaza.case(case), "report.operations_manager").due_at == beijing("2026-03-02 09:30")
    plaza.at("2026-03-02 09:20")
    plaza.counter.do("declare_danger", id=sudden.id, danger="mass_complaint", roles={"complaint_handler"})
    assert clock(plaza.case(sudden), "report.operations_manager").due_at == beijing("2026-03-02 09:50")
    assert plaza.watch(calm)["reports_due"] == []
    plaza.refused("report_up", ValidationFailed, id=calm.id, report="nobody")
    plaza.do("report_up", id=case.id, report="operations_manager")
    assert plaza.watch(case)["reports_due"] == []
    plaza.at("2026-03-02 09:50")
    plaza.tick()
    assert (plaza.case(sudden).overdue, plaza.case(case).overdue) == (True, False)


@pytest.mark.rule("A-AFT-07")
def test_a_sudden_public_event_goes_to_the_vice_president_and_the_planning_department(tmp_path: Path) -> None:
    """Guards both reports, each with its own half hour, and one entry for each."""
    sections = """
    supervision:
      reports_up:
        vice_president: &report
          name: 突发公共事件报营销副总
          to: marketing_vp
          grants: [{role: complaint_handler}]
          endangered: true
          within: {amount: 30, unit: minutes, source: A-AFT-07}
          source: A-AFT-07
        planning: {<<: *report, to: planning_department}
"""
    tower = own_tower(tmp_path, sections)
    case = tower.open(media=True)
    assert [row["to"] for row in tower.watch(case)["reports_due"]] == ["marketing_vp", "planning_department"]
    tower.do("report_up", id=case.id, report="vice_president")
    tower.at("2026-03-02 09:30")
    tower.tick()
    names = [each.data["clock"] for each in entries(tower.case(case), "clock_breached")]
    assert names == ["report.planning"]
    assert types(tower.case(case)).count("case_reported_up") == 1


@pytest.mark.rule("A-RES-04")
def test_a_complaint_about_the_use_of_a_house_goes_to_the_property_company_and_is_late_after_its_day(
    tmp_path: Path,
) -> None:
    """Guards the referral in effect, the time an organisation gives it, and that late shows."""
    extra = """
      supervision:
        referrals:
          property_company: {within: {amount: 3, unit: days, source: organisation}}
"""
    text = OVERRIDES + extra.lstrip("\n")
    tower = Tower(org="est-test", books=books(tmp_path, "est-test", "real-estate", text))
    case = tower.open()
    tower.do("refer_case", id=case.id, department="property_company", text="渗水", roles={"cs_staff"})
    tower.refused(
        "refer_case", Conflict, id=case.id, department="property_company", text="渗水", roles={"cs_staff"}
    )
    tower.at("2026-03-05 09:00")
    tower.tick()
    (row,) = tower.watch(case)["referrals"]
    assert (row["overdue"], row["source"]) == (True, "A-RES-04")
    tower.do("return_referral", id=case.id, referral=1, text="已处理", roles={"cs_staff"})
    (done,) = entries(tower.case(case), "referral_returned")
    assert done.data["on_time"] is False
    tower.refused("return_referral", Conflict, id=case.id, referral=1, text="已处理", roles={"cs_staff"})
    tower.refused("return_referral", ValidationFailed, id=case.id, referral=2, text="已处理")


@pytest.mark.rule("B-DET-08")
def test_a_case_fed_to_a_department_has_that_departments_own_time_and_comes_back_to_be_asked_again(
    tmp_path: Path,
) -> None:
    """Recorded and fed to the department concerned, which helps to solve it; the rest of the case goes on."""
    referrals = """
    supervision:
      referrals:
        operations:
          name: 运营部
          grants: [{role: complaint_handler}]
          returns: [{role: manager}]
          within: {amount: 4, unit: hours, source: B-DET-08}
          source: B-DET-08
        reception:
          name: 前台
          grants: [{role: complaint_handler}]
          returns: [{role: manager}]
          source: B-DET-08
"""
    tower = own_tower(tmp_path, referrals)
    case = tower.open()
    here = {"id": case.id, "text": "请核实当班记录"}
    wrong = tower.refused("refer_case", RuleRefused, **here, department="operations", roles={"manager"})
    assert wrong.rule == "B-DET-08"
    tower.refused("refer_case", ValidationFailed, **here, department="moon")
    tower.do("refer_case", **here, department="operations", roles={"complaint_handler"})
    tower.do("refer_case", **here, department="reception", roles={"complaint_handler"})
    sent, _ = entries(tower.case(case), "case_referred")
    assert (sent.data["department"], sent.data["due_at"]) == ("operations", "2026-03-02T05:00:00.000Z")
    assert "记录" not in str(dict(sent.data))
    # One without a time has no clock, and neither keeps the case from going on.
    assert [deadline.name for deadline in tower.case(case).deadlines] == ["referral.1"]
    tower.refused("refer_case", Conflict, **here, department="operations", roles={"complaint_handler"})
    tower.at("2026-03-02 13:00")
    tower.tick()
    assert [entry.data["clock"] for entry in entries(tower.case(case), "clock_breached")] == ["referral.1"]
    tower.refused(
        "return_referral", RuleRefused, id=case.id, referral=1, text="属实", roles={"complaint_handler"}
    )
    tower.do("return_referral", id=case.id, referral=1, text="属实", roles={"manager"})
    tower.do("refer_case", **here, department="operations", roles={"complaint_handler"})
    assert [each.open for each in tower.case(case).referrals] == [False, True, True]


@pytest.mark.rule("A-RED-14")
def test_a_defect_of_a_house_stays_open_until_engineering_and_the_builder_have_repaired_it(
    tmp_path: Path,
) -> None:
    """Guards that neither the callback nor anybody closes the case before both repairs are confirmed."""
    tower = Tower(org="est-test", books=books(tmp_path, "est-test", "real-estate"))
    case = tower.accepted()
    for department in ("engineering", "builder"):
        tower.do("refer_case", id=case.id, department=department, text="墙体开裂", roles={"cs_staff"})
    tower.world.walk(case)
    tower.step("reply", case, text="已报修", roles={"cs_staff"})
    tower.world.call_back(called_back(tower.case(case), satisfied=True))
    tower.world.walk(case)
    assert tower.case(case).state is CaseState.REPLIED
    for number, state in ((1, CaseState.REPLIED), (2, CaseState.CLOSED)):
        tower.do("return_referral", id=case.id, referral=number, text="已修复", roles={"cs_staff"})
        assert tower.case(case).state is state


@pytest.mark.rule("A-JD15-06", "A-JD5-02")
def test_problems_are_coordinated_with_the_department_that_can_solve_them() -> None:
    """Guards the referrals in effect: a shopping centre's within a day, a housing estate's to engineering."""
    plaza, estate = Tower(), Tower(org=PROPERTY)
    case = plaza.open()
    plaza.do("refer_case", id=case.id, department="operations", text="铺位问题")
    assert clock(plaza.case(case), "referral.1").due_at == beijing("2026-03-03 09:00")
    assert plaza.watch(case)["referrals"][0]["source"] == "A-JD15-06"
    home = estate.open()
    estate.do("refer_case", id=home.id, department="engineering", text="电梯故障", roles={"property_clerk"})
    (sent,) = entries(estate.case(home), "case_referred")
    assert (sent.data["department"], sent.data["source"]) == ("engineering", "A-JD5-02")


@pytest.mark.rule("A-JD1-09")
def test_a_quality_complaint_goes_to_the_quality_department_and_its_progress_is_listed() -> None:
    """Guards the referral in effect and every later entry, in order."""
    chain = Tower(org=RETAIL)
    case = chain.open(complainant_type="end_consumer", demand="exchange")
    chain.world.walk(case)
    chain.step("decide_validity", case, valid=True, ground="quality_defect", reason="开裂", roles=EVERYBODY)
    chain.do("refer_case", id=case.id, department="quality", text="缝线开裂", roles={"ops_cs"})
    for day in ("2026-03-03", "2026-03-04"):
        chain.at(f"{day} 10:00")
        chain.step("progress", case, text="质量部检验中", roles={"complaint_handler"})
    watch = chain.watch(case)
    assert [row["department"] for row in watch["referrals"]] == ["quality"]
    assert [row["at"][:10] for row in watch["progress"]] == ["2026-03-03", "2026-03-04"]


@pytest.mark.rule("B-MBY-28")
def test_a_complaint_is_met_with_an_apology_first_and_reported_by_its_seriousness() -> None:
    """Guards the mark in effect on a decision without one, and the report of what threatens to grow."""
    shop = Tower(org=SHOP)
    rude, polite = shop.open(), shop.open("ct_2")
    shop.step("attempt_contact", polite, outcome="reached", apologised=True)
    for each in (rude, polite):
        shop.step("decide_validity", each, valid=True, reason="属实")
    assert [shop.watch(each)["apology_missing"] for each in (rude, polite)] == [True, False]
    serious = shop.open("ct_3", media=True)
    (due,) = shop.watch(serious)["reports_due"]
    assert (due["to"], due["source"]) == ("supervisor", "B-MBY-28")
    shop.do("report_up", id=serious.id, report="superior")


def test_where_the_rulebook_demands_the_apology_nothing_is_decided_without_it(tmp_path: Path) -> None:
    """Guards the stricter form: refused with the rule, and accepted once the apology was given."""
    tower = own_tower(tmp_path, "    supervision:\n      apology_first: {required: true, source: B-MBY-28}\n")
    case = tower.open()
    with pytest.raises(RuleRefused) as refused:
        tower.step("decide_validity", case, valid=True, reason="属实")
    assert (refused.value.rule, refused.value.problems[0].field) == ("B-MBY-28", "apology")
    tower.step("attempt_contact", case, outcome="reached", apologised=True)
    assert tower.step("decide_validity", case, valid=True, reason="属实").state is CaseState.ACCEPTED


@pytest.mark.rule("B-STD-07")
def test_a_member_is_not_answered_before_there_is_a_plan_and_no_step_is_skipped(tmp_path: Path) -> None:
    """Guards the path in effect: decide, plan, reply; whatever is left out is refused with its rule."""
    tower = Tower(org="mem-test", books=books(tmp_path, "mem-test", "membership"))
    case = tower.accepted()
    bare = tower.open("ct_2")
    with pytest.raises(RuleRefused) as skipped:
        tower.world.do("take_step", bare, step="plan", filled={"plan": "换新"})
    assert skipped.value.problems[0].reason == "decide_validity comes first"
    with pytest.raises(RuleRefused) as refused:
        tower.world.do("take_step", case, step="plan", filled={})
    assert refused.value.rule == "B-MAI-08"


@pytest.mark.rule("B-MAI-08")
def test_a_reply_without_a_plan_is_refused(tmp_path: Path) -> None:
    """Guards that the best plan is found before the customer is answered."""
    tower = Tower(org="mem-test", books=books(tmp_path, "mem-test", "membership"))
    case = tower.open()
    tower.step("decide_validity", case, valid=True, reason="属实")
    with pytest.raises(RuleRefused) as refused:
        tower.step("reply", case, text="已处理")
    assert (refused.value.rule, refused.value.problems[0].reason) == ("B-STD-07", "plan comes first")
    tower.world.do("take_step", case, step="plan", filled={"plan": "换新并致歉"})
    assert tower.step("reply", case, text="已换新").state is CaseState.REPLIED
