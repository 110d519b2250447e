"""A cause found over the real bus: a report others approve, the same cause again, and what is done about it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Conflict, KefuError, RuleRefused
from tests.integration.bus import Bus, Desk
from tests.integration.events import complaint, new_problem

IT = "it-demo"
REPORT: dict[str, Any] = {
    "impact": "两小时无法登录",
    "handling": "回退版本",
    "cause": "配置错误",
    "corrective": "修正配置",
    "prevention": "发布前核对配置",
}


def somebody(bus: Bus, name: str, *roles: str) -> Desk:
    return bus.desk(IT, ("staff", *roles), subject=name)


def refused(desk: Desk, method: str, kind: type[KefuError], /, **arguments: Any) -> KefuError:
    """Call what must be refused with an error of ``kind``; return it."""
    with pytest.raises(kind) as error:
        desk.do(f"complaints.{method}", **arguments)
    return error.value


def test_the_same_cause_twice_is_counted_corrected_by_one_and_judged_by_another(bus: Bus) -> None:
    """From two complaints to reports approved in turn, a receipt, a recurrence, and an action done with evidence."""
    desk = bus.desk(IT)
    cases = [_accepted(bus, desk) for _ in range(2)]
    first = _reported(bus, cases[0])
    second = _reported(bus, cases[1])
    assert desk.ask("complaints.get_investigation", id=second)["recurrence"]["count"] >= 1
    found = desk.ask("complaints.list_recurrences", cause="system", besides=cases[1], limit=200)
    assert first in {row["investigation_id"] for row in found["cases"]}
    desk.do("complaints.acknowledge_report", id=second, department="business_department")
    view = desk.ask("complaints.get_investigation", id=second)
    assert (view["state"], view["outstanding"], view["intact"]) == ("approved", [], True)
    needs = desk.ask("complaints.get_requirements", id=cases[1])
    assert needs["investigations"] == {second: "prevented"}

    action_id = _done(bus, cases[1], second)
    assert desk.ask("complaints.get_requirements", id=cases[1])["actions"] == {action_id: "done"}
    checking = {"id": action_id, "effective": True, "finding": "未再发生"}
    # The period in which it can be seen is not over, for whoever may look at all.
    auditor, owner = somebody(bus, "stf_audit", "supervisor"), somebody(bus, "stf_owner", "supervisor")
    assert "own" in refused(owner, "check_action", RuleRefused, **checking).message
    assert "from" in refused(auditor, "check_action", RuleRefused, **checking).details
    rows = desk.ask("complaints.action_effectiveness", cause="release")
    assert [row["cause"] for row in rows] == ["release"]
    # What concerns a case is archived under it.
    desk.archived(cases[1], "investigation_opened", "report_submitted", *["report_reviewed"] * 2)
    desk.archived(cases[1], "report_approved", "report_received", "action_opened", "action_completed")
    assert desk.ask("complaints.get_case_history", id=cases[1])["faults"] == []


def _accepted(bus: Bus, desk: Desk) -> str:
    event = complaint(IT, new_problem())
    bus.publish("hotline", event)
    case_id = str(desk.case_of(event)["case_id"])
    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="核实属实")
    return case_id


def _reported(bus: Bus, case_id: str) -> str:
    """Investigate and let two others approve, each once however often they send it."""
    engineer = somebody(bus, "stf_engineer", "technical_supervisor", "supervisor", "complaint_handler")
    boss, manager = somebody(bus, "stf_boss", "supervisor"), somebody(bus, "stf_manager", "manager")
    found_id = str(engineer.do("complaints.open_investigation", case_id=case_id)["investigation_id"])
    refused(engineer, "open_investigation", Conflict, case_id=case_id)
    wrong = refused(engineer, "submit_report", RuleRefused, id=found_id, filled=REPORT, causes=["system"])
    assert [problem.field for problem in wrong.problems] == ["causes"]
    report: dict[str, Any] = {"id": found_id, "filled": REPORT, "causes": ["release"]}
    engineer.do("complaints.submit_report", **report)
    approval: dict[str, Any] = {"id": found_id, "revision": 1}
    assert "prepared" in refused(engineer, "approve_report", RuleRefused, **approval).message
    refused(manager, "approve_report", RuleRefused, **approval)
    for _ in range(2):
        answer = boss.do("complaints.approve_report", key=f"{found_id}-boss", **approval)
        assert (answer["state"], answer["awaits"]) == ("submitted", ["manager"])
    assert manager.do("complaints.approve_report", **approval)["state"] == "approved"
    return found_id


def _done(bus: Bus, case_id: str, found_id: str) -> str:
    """Draw an action up, approve it, give it more time once, and do it."""
    head, manager = somebody(bus, "stf_head", "cs_head"), somebody(bus, "stf_manager", "manager")
    terms: dict[str, Any] = {
        "kind": "corrective",
        "what": "增加配置核对",
        "department": "rnd",
        "owner": "stf_owner",
    }
    made = head.do("complaints.open_action", case_id=case_id, investigation_id=found_id, **terms)
    action_id = str(made["action_id"])
    assert (made["state"], made["due_at"]) == ("draft", None)
    due = manager.do("complaints.decide_action", id=action_id, approved=True)["due_at"]
    extended = manager.do("complaints.extend_action", id=action_id, amount=9, reason="supplier")
    assert extended["due_at"] > due
    owner = somebody(bus, "stf_owner")
    mine = owner.ask("complaints.list_actions", owner="stf_owner", show="open", case_id=case_id)
    assert [(row["action_id"], row["cause"]) for row in mine] == [(action_id, "release")]
    assert owner.do("complaints.complete_action", id=action_id, evidence="核对单")["state"] == "done"
    return action_id
