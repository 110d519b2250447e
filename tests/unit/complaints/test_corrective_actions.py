"""Corrective actions: approved, done in working time with evidence, extended by authority, checked by somebody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.investigation.states import ActionState
from services.complaints.metrics import ACTIONS_CHECKED
from shared.clock import FixedClock
from shared.clocks import State
from shared.clocks.recomputing import RecomputeClocks
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.ids import CountingIds
from tests.unit.complaints.fakes import PLAZA, beijing, calendars, called_back, rulebooks
from tests.unit.complaints.investigation_world import (
    AUDITOR,
    HEAD,
    INSPECTOR,
    MANAGER,
    OWNER,
    Bureau,
)

MORNING = "2026-03-02 09:00"


@pytest.fixture
def freight(tmp_path: Path) -> Bureau:
    """A logistics company on a Monday morning."""
    return Bureau.freight(tmp_path)


@pytest.mark.rule("A-LOG-65")
def test_a_measure_is_a_draft_until_the_manager_approves_it(freight: Bureau) -> None:
    """Its time begins with the approval; whoever drew it up does not approve it, and nobody works on a draft."""
    action_id = freight.act(freight.case())
    view = freight.do("action", id=action_id)
    assert (view["state"], view["due_at"], view["deadlines"]) == ("draft", None, [])
    freight.refused("complete_action", Conflict, by=OWNER, id=action_id, evidence="x")
    other = freight.refused("decide_action", RuleRefused, by=HEAD, id=action_id, approved=True)
    assert other.rule == "A-LOG-65"
    own = freight.refused(
        "decide_action", RuleRefused, roles={"manager"}, by=INSPECTOR, id=action_id, approved=True
    )
    assert own.rule == "A-LOG-65"
    freight.at("2026-03-03 15:00")
    answer = freight.do("decide_action", by=MANAGER, id=action_id, approved=True)
    # Three working days from the next day: to the end of Friday.
    assert (answer["state"], answer["due_at"]) == ("active", "2026-03-06T16:00:00.000Z")
    freight.refused("decide_action", Conflict, by=MANAGER, id=action_id, approved=False)


def test_working_days_pass_over_the_weekend(freight: Bureau) -> None:
    """Approved on a Thursday, due at the end of the Tuesday after."""
    freight.at("2026-03-05 15:00")
    action_id = freight.active(freight.case())
    assert freight.action(action_id).deadlines[0].due_at == beijing("2026-03-11 00:00")


def test_an_overdue_action_is_told_once_however_often_the_timer_runs(freight: Bureau) -> None:
    """It stays listed as overdue until it is done, and was done late."""
    action_id = freight.active(freight.case())
    freight.at("2026-03-05 23:59")
    freight.tick()
    assert freight.events("action_overdue") == []
    assert freight.events("action_due_soon") != []
    freight.at("2026-03-06 00:00")
    for _ in range(3):
        freight.tick()
    (told,) = freight.events("action_overdue")
    assert (told.data["owner"], told.data["clock"]) == (OWNER, "action_due")
    assert [row["action_id"] for row in freight.do("actions", show="overdue")] == [action_id]
    freight.do("complete_action", by=OWNER, id=action_id, evidence="照片")
    assert freight.do("actions", show="overdue") == []
    assert freight.events("action_completed")[0].data["on_time"] is False
    assert freight.action(action_id).deadlines[0].state is State.MET_LATE


def test_an_action_is_done_late_whether_or_not_the_timer_came_round(freight: Bureau) -> None:
    """The breach is recorded with the completion if nobody recorded it before."""
    action_id = freight.active(freight.case())
    freight.at("2026-03-06 00:00")
    freight.do("complete_action", by=OWNER, id=action_id, evidence="照片")
    freight.tick()
    assert [entry.data["clock"] for entry in freight.events("action_overdue")] == ["action_due"]


def test_more_time_is_given_by_authority_with_a_reason_and_only_so_often(freight: Bureau) -> None:
    """Not by the owner, not for any reason, not twice, not once it is overdue."""
    action_id = freight.active(freight.case(), owner=MANAGER)
    other: dict[str, Any] = {"by": "stf_manager_2", "roles": {"manager"}}
    given: dict[str, Any] = {"id": action_id, "amount": 5, "reason": "supplier"}
    freight.refused("extend_action", RuleRefused, by=HEAD, **given)
    freight.refused("extend_action", RuleRefused, by=MANAGER, **given)
    wrong = freight.refused("extend_action", RuleRefused, **other, **given | {"reason": "holiday"})
    assert wrong.problems[0].field == "reason"
    freight.refused("extend_action", RuleRefused, **other, **given | {"amount": 3})
    assert freight.do("extend_action", **other, **given)["due_at"] == "2026-03-09T16:00:00.000Z"
    freight.refused("extend_action", RuleRefused, **other, **given | {"amount": 9})
    late = freight.active(freight.case())
    freight.at("2026-03-06 00:00")
    freight.tick()
    freight.refused("extend_action", RuleRefused, **other, **given | {"id": late})


def test_whether_it_helped_is_seen_by_somebody_else_after_the_period(freight: Bureau) -> None:
    """Neither owner nor doer, and not before five days; then it is effective for good."""
    action_id = freight.done(freight.case())
    early = freight.do("action", id=action_id)
    assert early["state"] == "done"
    freight.at("2026-03-07 08:59")
    soon = freight.refused("check_action", RuleRefused, by=AUDITOR, id=action_id, effective=True, finding="x")
    assert soon.details["from"] == "2026-03-07T01:00:00.000Z"
    freight.at("2026-03-07 09:00")
    own = freight.refused(
        "check_action", RuleRefused, by=OWNER, roles={"auditor"}, id=action_id, effective=True, finding="x"
    )
    assert "their own" in own.message
    freight.refused("check_action", RuleRefused, by=HEAD, id=action_id, effective=True, finding="x")
    assert [row["action_id"] for row in freight.do("actions", show="to_check")] == [action_id]
    assert freight.check(action_id, effective=True)["state"] == "effective"
    freight.refused("check_action", Conflict, by=AUDITOR, id=action_id, effective=False, finding="x")


def test_what_did_not_help_is_done_again_in_its_whole_time(freight: Bureau) -> None:
    """A second round with a clock of its own; the first one's stays met."""
    action_id = freight.done(freight.case())
    freight.at("2026-03-09 09:00")
    answer = freight.check(action_id, effective=False)
    assert (answer["state"], answer["round"], answer["due_at"]) == ("active", 2, "2026-03-12T16:00:00.000Z")
    freight.do("complete_action", by=OWNER, id=action_id, evidence="照片 2")
    names = [(clock.name, clock.state) for clock in freight.action(action_id).deadlines]
    assert names == [
        ("action_due", State.MET),
        ("action_check", State.MET),
        ("action_due", State.MET),
        ("action_check", State.RUNNING),
    ]


def test_a_check_that_nobody_makes_is_overdue_too(freight: Bureau) -> None:
    """Ten working days after it was done."""
    action_id = freight.done(freight.case())
    freight.at("2026-03-17 00:00")
    freight.tick()
    assert [entry.data["clock"] for entry in freight.events("action_overdue")] == ["action_check"]
    assert freight.action(action_id).overdue


def test_a_withdrawn_action_has_no_clock_and_its_owner_cannot_withdraw_it(freight: Bureau) -> None:
    """Nothing falls due of what is given up; what is done is not given up."""
    action_id = freight.active(freight.case(), owner=HEAD)
    own = {"by": HEAD, "roles": {"manager"}, "id": action_id, "reason": "x"}
    freight.refused("withdraw_action", RuleRefused, **own)
    freight.do("withdraw_action", by=MANAGER, id=action_id, reason="重复")
    freight.at("2026-04-02 09:00")
    freight.tick()
    assert freight.events("action_overdue") == []
    assert freight.action(action_id).deadlines[0].state is State.SUPERSEDED
    freight.refused("withdraw_action", Conflict, by=MANAGER, id=action_id, reason="x")


def test_effectiveness_is_told_by_cause(freight: Bureau) -> None:
    """An action takes the only cause its investigation reported; checks count where they were made."""
    case = freight.case()
    found_id = freight.approved(case, "papers")
    first = freight.done(case, investigation_id=found_id)
    second = freight.done(case, cause="loading")
    freight.active(case, cause="loading")
    freight.act(case)
    freight.at("2026-03-09 09:00")
    freight.check(first, effective=True)
    freight.check(second, effective=False)
    rows = {row["cause"]: row for row in freight.do("effectiveness")}
    assert list(rows) == ["loading", "papers", None]
    assert (rows["papers"]["effective"], rows["papers"]["ineffective"]) == (1, 0)
    assert (rows["loading"]["actions"], rows["loading"]["open"], rows["loading"]["ineffective"]) == (2, 2, 1)
    assert {row["cause"] for row in freight.do("effectiveness", cause="handling")} == {"loading", "papers"}
    assert freight.do("effectiveness", cause="carrier") == []
    wrong = {"case_id": case.id, "kind": "corrective", "what": "x", "department": "ops", "owner": OWNER}
    freight.refused("open_action", ValidationFailed, **wrong, cause="handling")
    freight.refused("open_action", ValidationFailed, **wrong | {"kind": "cosmetic"})
    freight.refused("open_action", NotFound, **wrong, investigation_id="iv_none")


def test_the_same_command_again_changes_nothing(freight: Bureau) -> None:
    """Whoever got no answer sends it again under its key."""
    case = freight.case()
    what = {"case_id": case.id, "kind": "corrective", "what": "x", "department": "ops", "owner": OWNER}
    first = freight.do("open_action", key="k-1", **what)
    assert freight.do("open_action", key="k-1", **what) == first
    decision = {"by": MANAGER, "id": first["action_id"], "approved": True}
    approved = freight.do("decide_action", key="k-2", **decision)
    before = freight.everything()
    assert freight.do("decide_action", key="k-2", **decision) == approved
    assert freight.everything() == before


def test_of_two_who_check_at_once_the_second_is_told(freight: Bureau) -> None:
    """One check counts; the other sees what was found meanwhile."""
    action_id = freight.done(freight.case())
    freight.at("2026-03-09 09:00")

    def between() -> None:
        freight.check(action_id, effective=True, by="stf_audit_2", roles={"auditor"})

    freight.found.actions.between = between
    with pytest.raises(Conflict):
        freight.check(action_id, effective=False)
    assert freight.action(action_id).state is ActionState.EFFECTIVE
    assert len(freight.events("action_checked")) == 1


def test_a_newer_calendar_moves_what_is_due_and_says_so(freight: Bureau) -> None:
    """Clocks in working days are computed again; what is done stays as it was."""
    action_id, done = freight.active(freight.case()), freight.active(freight.case())
    freight.do("complete_action", by=OWNER, id=done, evidence="x")
    for row in freight.found.actions.documents.values():
        for clock in row["deadlines"]:
            clock["calendar_version"] = "cn-before"
            clock["due_at"] -= timedelta(days=1)
    version = calendars().by_name("cn").version
    recompute = RecomputeClocks(
        freight.desk.lists,
        freight.counter.desk.rules,
        freight.clock,
        CountingIds(),
        current=[f"{freight.org}/{version}"],
    )
    assert recompute() is False
    moved = freight.action(action_id).deadlines[0]
    assert (moved.due_at, moved.calendar_version) == (beijing("2026-03-06 00:00"), version)
    told = [entry.data["action_id"] for entry in freight.events("action_recomputed")]
    assert sorted(told) == sorted([action_id, done])
    assert freight.found.behind([f"{freight.org}/{version}"], 10) == []


@pytest.mark.rule("A-JD5-02")
def test_frequent_complaints_get_an_action_with_owner_and_due_date_and_the_overdue_are_listed(
    tmp_path: Path,
) -> None:
    """Any trade has corrective actions; how long one may take is the organisation's word."""
    within = "{amount: 10, unit: working_days, from_next_day: true, end_of_day: true, source: organisation}"
    extra = f"""
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      investigation:
        causes: {{lift: {{name: 电梯, source: organisation}}}}
        actions:
          kinds:
            corrective: {{name: 整改措施, within: {within}, source: organisation}}
"""
    bureau = Bureau.of_profile(tmp_path, "office", extra, at="2026-05-06 09:00")
    cases = [bureau.case(problem=f"lift-{number}") for number in range(8)]
    terms = {
        "by": HEAD,
        "kind": "corrective",
        "what": "更换钢缆",
        "department": "engineering",
        "owner": OWNER,
    }
    refused = bureau.refused("open_action", RuleRefused, **terms | {"by": OWNER}, case_id=cases[0].id)
    assert refused.rule == "A-JD5-02"
    opened = [bureau.do("open_action", **terms, case_id=case.id, cause="lift") for case in cases[:2]]
    assert {action["due_at"] for action in opened} == {"2026-05-19T16:00:00.000Z"}
    assert bureau.do("actions", due_before="2026-05-20T00:00:00+08:00") == []
    assert len(bureau.do("actions", due_before="2026-05-20T00:00:01+08:00", department="engineering")) == 2
    bureau.do("complete_action", by=OWNER, id=opened[0]["action_id"], evidence="验收单")
    bureau.at("2026-05-20 00:00")
    bureau.tick()
    overdue = bureau.do("actions", show="overdue")
    assert [row["action_id"] for row in overdue] == [opened[1]["action_id"]]
    assert (overdue[0]["department"], overdue[0]["owner"]) == ("engineering", OWNER)
    (row,) = bureau.do("effectiveness")
    assert (row["cause"], row["actions"], row["open"], row["overdue"]) == ("lift", 2, 1, 1)


def test_an_action_on_a_closed_case_is_fine_and_on_an_invalid_one_refused() -> None:
    """Prevention outlives the complaint; where nothing stood there is nothing to correct."""
    plaza = Bureau(FixedClock(beijing(MORNING)), PLAZA, rulebooks())
    case = plaza.case()
    answered = plaza.world.answer(plaza.kept(case))
    plaza.world.call_back(called_back(answered, satisfied=True))
    assert plaza.kept(case).state.value == "closed"
    terms = {"by": HEAD, "kind": "corrective", "what": "x", "department": "ops", "owner": OWNER}
    assert plaza.do("open_action", **terms, case_id=case.id)["state"] == "active"
    fresh = plaza.world.open(plaza.org, "ct_fresh", problem="p-fresh")
    plaza.refused("open_action", RuleRefused, **terms, case_id=fresh.id)


def test_a_repeated_check_is_counted_once_in_the_metrics(freight: Bureau) -> None:
    """What operators watch tells of checks, not of how often a caller had to ask."""
    action_id = freight.done(freight.case())
    freight.at("2026-03-09 09:00")
    counter = ACTIONS_CHECKED.labels(effective="true")
    before = counter._value.get()
    for _ in range(2):
        freight.check(action_id, effective=True, key="k-1")
    assert counter._value.get() == before + 1
