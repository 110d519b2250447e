"""Supervision (督办): by hand or by itself, urges that are counted and answered, and what the lists show."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.clocks import State
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.regulations.errors import RegulationError
from tests.unit.complaints.fakes import RETAIL, beijing, clock, entries, types
from tests.unit.complaints.offer_world import books
from tests.unit.complaints.supervision_world import Tower, own_tower

URGES = """
    supervision:
      starts: {grants: [{role: manager}], source: A-LOG-81}
      urges:
        grants: [{role: manager}]
        at_most: {value: 4, source: A-LOG-36}
        apart: {amount: 1, unit: hours, source: A-LOG-36}
        answer_within: {amount: 2, unit: working_hours, source: A-LOG-36}
        escalation: {after: 3, to: general_manager, source: A-LOG-36}
        source: A-LOG-36
      automatic:
        unanswered: {breaches: [urge], supervisor: inspection, source: A-LOG-36}
      feedback: {of: urged, source: A-LOG-36}
"""


@pytest.fixture
def plaza() -> Tower:
    """Return the shopping centre on a Monday morning."""
    return Tower()


@pytest.mark.rule("B-JKC-11")
def test_a_case_put_under_supervision_shows_in_the_supervising_units_list_until_it_is_released(
    plaza: Tower,
) -> None:
    """Guards who may supervise, the unit's own list, and that a release is the end of it."""
    case, other = plaza.open(), plaza.open("ct_2")
    arguments = {"id": case.id, "supervisor": "customer_relations", "reason": "抽查"}
    error = plaza.refused("start_supervision", RuleRefused, roles={"complaint_handler"}, **arguments)
    assert error.rule == "B-JKC-11"
    plaza.do("start_supervision", roles={"supervisor"}, **arguments)
    plaza.do("start_supervision", id=other.id, supervisor="audit", reason="抽查")
    plaza.refused("start_supervision", Conflict, **arguments)
    (row,) = plaza.do("supervised_cases", supervisor="customer_relations")
    assert (row["case_id"], row["supervisors"]) == (case.id, ["customer_relations"])
    assert len(plaza.do("supervised_cases")) == 2
    assert plaza.do("supervised_cases", overdue=True) == []
    plaza.do("end_supervision", **arguments)
    assert plaza.do("supervised_cases", supervisor="customer_relations") == []
    plaza.refused("end_supervision", Conflict, **arguments)
    assert entries(plaza.case(case), "supervision_started")[0].data["source"] == "B-JKC-11"


@pytest.mark.rule("A-JD8-01")
def test_a_major_case_is_listed_to_the_manager_with_its_age_until_it_is_closed(plaza: Tower) -> None:
    """Guards that nobody has to think of it: the level alone puts it on the list, whenever it is reached."""
    plaza.open("ct_small", amount="100.00")
    case = plaza.open(amount="60000.00")
    plaza.at("2026-03-05 10:00")
    (row,) = plaza.do("supervised_cases", supervisor="manager")
    assert (row["case_id"], row["level"], row["age_days"]) == (case.id, "major", 3)
    plaza.step("decide_validity", case, valid=False, reason="不属实")
    plaza.step("reply", case, text="已说明")
    assert plaza.do("supervised_cases", supervisor="manager") == []


@pytest.mark.rule("B-RET-31")
def test_every_case_of_a_chain_of_stores_is_led_by_customer_service_and_supervised_by_hr() -> None:
    """Guards the data in effect: who leads and who supervises, from the first moment on."""
    chain = Tower(org=RETAIL)
    case = chain.open(complainant_type="end_consumer", demand="exchange")
    (watch,) = chain.watch(case)["watches"]
    assert (watch["lead"], watch["supervisor"], watch["source"]) == ("ops_cs", "hr_admin", "B-RET-31")
    assert [row["case_id"] for row in chain.do("supervised_cases", supervisor="hr_admin")] == [case.id]
    error = chain.refused("urge_case", RuleRefused, id=case.id, roles={"ops_cs"})
    assert error.rule == "B-RET-31"
    chain.do("urge_case", id=case.id, roles={"hr_admin"})


@pytest.mark.rule("A-LOG-36")
def test_a_managers_urge_is_counted_and_wants_the_result_fed_back_before_the_case_closes(
    tmp_path: Path,
) -> None:
    """Guards the count, the clock of the answer, and that an urged case does not close without feedback."""
    tower = own_tower(tmp_path, URGES + "    close_condition: {value: reply, source: design}\n")
    case, quiet = tower.accepted(), tower.accepted("ct_2")
    assert tower.refused("urge_case", RuleRefused, id=case.id, roles={"staff"}).rule == "A-LOG-36"
    tower.do("urge_case", id=case.id, roles={"manager"}, text="请尽快处理")
    (urge,) = tower.watch(case)["urges"]
    assert (urge["number"], urge["state"]) == (1, "running")
    assert clock(tower.case(case), "urge.1").due_at == beijing("2026-03-02 11:00")
    for each in (case, quiet):
        tower.step("reply", each, text="已处理")
    assert clock(tower.case(case), "urge.1").state is State.MET
    tower.step("close", quiet)
    with pytest.raises(RuleRefused) as refused:
        tower.step("close", case)
    assert (refused.value.rule, refused.value.problems[0].field) == ("A-LOG-36", "feedback")
    tower.step("progress", case, text="已告知客户结果", told=True)
    assert tower.step("close", case).state == "closed"


def test_urges_are_so_many_so_far_apart_and_the_third_brings_the_case_before_the_general_manager(
    tmp_path: Path,
) -> None:
    """Guards each bound of the rulebook, the escalation once, and that a repeat of a command counts once."""
    tower = own_tower(tmp_path, URGES)
    case = tower.accepted()
    for _ in range(2):
        tower.do("urge_case", id=case.id, key="same")
    assert len(tower.watch(case)["urges"]) == 1
    tower.at("2026-03-02 09:59")
    tower.refused("urge_case", RuleRefused, id=case.id)
    tower.at("2026-03-02 10:00")
    tower.do("urge_case", id=case.id, asked_by="customer")
    assert tower.watch(case)["supervisors"] == []
    tower.at("2026-03-02 10:59")
    tower.step("progress", case, text="已联系维修")
    tower.at("2026-03-02 11:00")
    tower.do("urge_case", id=case.id)
    tower.at("2026-03-02 12:00")
    tower.do("urge_case", id=case.id)
    watch = tower.watch(case)
    assert [urge["escalated_to"] for urge in watch["urges"]] == [None, None, "general_manager", None]
    assert [urge["state"] for urge in watch["urges"]] == ["met", "met", "running", "running"]
    assert watch["supervisors"] == ["general_manager"]
    tower.at("2026-03-03 10:00")
    error = tower.refused("urge_case", RuleRefused, id=case.id)
    assert "no more" in error.message
    assert types(tower.case(case)).count("case_urged") == 4
    assert types(tower.case(case)).count("urges_escalated") == 1


def test_an_urge_nobody_answers_breaches_once_and_puts_the_case_under_supervision(tmp_path: Path) -> None:
    """Guards the breach named in the rulebook: supervision comes with it, in the same write, once."""
    tower = own_tower(tmp_path, URGES)
    case = tower.accepted()
    tower.do("urge_case", id=case.id)
    tower.at("2026-03-02 11:00")
    for _ in range(3):
        tower.tick()
    kept = tower.case(case)
    assert types(kept).count("clock_breached") == types(kept).count("supervision_started") == 1
    (row,) = tower.do("supervised_cases", supervisor="inspection", overdue=True)
    assert (row["unanswered_urges"], row["urges"], row["overdue"]) == (1, 1, True)
    arguments = {"id": case.id, "supervisor": "inspection", "reason": "已办结"}
    assert tower.refused("end_supervision", RuleRefused, **arguments).rule == "A-LOG-81"
    tower.step("progress", case, text="已处理")
    assert clock(tower.case(case), "urge.1").state is State.MET_LATE
    tower.do("end_supervision", **arguments)
    tower.do("urge_case", id=case.id)
    tower.at("2026-03-03 18:00")
    tower.tick()
    assert types(tower.case(case)).count("supervision_started") == 1


@pytest.mark.rule("A-LOG-81")
def test_complaint_staff_hand_a_registered_case_over_and_supervise_it(tmp_path: Path) -> None:
    """Guards the handing over to a department of the rulebook, and the supervision after it."""
    referrals = """
      referrals:
        operations:
          name: 运营部
          grants: [{role: complaint_handler}]
          returns: [{role: complaint_handler}]
          source: A-LOG-81
"""
    tower = own_tower(tmp_path, URGES + referrals.lstrip("\n"))
    case = tower.open()
    arguments = {"id": case.id, "department": "operations", "text": "请协助处理"}
    assert tower.refused("refer_case", RuleRefused, roles={"staff"}, **arguments).rule == "A-LOG-81"
    tower.refused("refer_case", ValidationFailed, **arguments | {"department": "nowhere"})
    tower.do("refer_case", **arguments)
    tower.do("start_supervision", id=case.id, supervisor="complaints", reason="督办")
    watch = tower.watch(case)
    assert [row["department"] for row in watch["referrals"]] == ["operations"]
    assert watch["watches"][0]["source"] == "A-LOG-81"


@pytest.mark.rule("A-JD6-08")
def test_a_sudden_event_has_somebody_who_leads_it_from_the_moment_they_are_named(plaza: Tower) -> None:
    """Guards that the lead is kept with the moment and whoever named it."""
    plaza.at("2026-03-02 10:00")
    case = plaza.open()
    plaza.at("2026-03-02 10:05")
    plaza.do(
        "start_supervision", id=case.id, supervisor="manager", lead="after_sales_team", reason="突发事件"
    )
    (watch,) = plaza.watch(case)["watches"]
    assert (watch["lead"], watch["since"], watch["by"]) == (
        "after_sales_team",
        "2026-03-02T02:05:00.000Z",
        "stf_boss",
    )


def test_a_rulebook_that_supervises_levels_or_breaches_it_does_not_have_is_refused(tmp_path: Path) -> None:
    """Guards against a supervision that could never begin, and against clocks that could never repeat."""
    extra = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      clocks:
        again: {starts: received, ends: closed, repeats: true, duration: {amount: 1, unit: days, source: organisation}}
      supervision:
        automatic:
          odd: {levels: [huge], supervisor: x, source: organisation}
          late: {breaches: [nothing], supervisor: x, source: organisation}
"""
    with pytest.raises(RegulationError) as error:
        books(tmp_path, "bad-test", "commercial-plaza", extra)
    text = str(error.value)
    assert all(part in text for part in ("no level 'huge'", "no clock 'nothing'", "repeats from acceptance"))
