"""Told in docs/stories/dissatisfied-complainant.md: answers that do not satisfy, and the one that does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.bus import Desk
from tests.integration.stories.stage import Stage, local, telling


@pytest.mark.timeout(600)
@pytest.mark.rule("B-SVN-05", "B-SVN-07")
def test_a_complaint_comes_back_until_its_complainant_is_satisfied(tmp_path: Path) -> None:
    """Two answers in vain send the case back; only the word of a satisfied customer closes it."""
    with telling("dissatisfied-complainant", "plaza-demo", "2025-03-03 09:00", tmp_path) as stage:
        desk = stage.person("desk", "service_desk", "complaint_handler", "cs_head", "supervisor")
        event = stage.complains("hotline", "2025-03-03 09:00")
        case = desk.case_of(event, state="received")
        case_id = case["case_id"]
        stage.tell_due("The complainant is to be contacted by", case, "first_contact")
        stage.at("2025-03-03 09:10")
        desk.do("complaints.decide_validity", id=case_id, valid=True, reason="现场核实属实")
        desk.do("complaints.attempt_contact", id=case_id, outcome="reached")
        met = _clock(desk, case_id, "first_contact")
        stage.tell("The first contact counts as", met["state"])
        stage.at("2025-03-03 15:00")
        desk.do("complaints.reply", id=case_id, text="已修复")
        stage.tell_refused("Closing on the answer alone is refused by", desk, "close_case", id=case_id)
        first = _callback(desk, case_id, 1)
        stage.tell("The first callback is due by", local(first["due_at"]))

        stage.at("2025-03-04 09:30")
        stage.tell(
            "The first call, the customer dissatisfied, has the effect", _call(stage, first, "dissatisfied")
        )
        back = desk.case_of(event, state="accepted", rounds=1)
        stage.tell("After it the case is", back["state"])
        stage.at("2025-03-04 11:00")
        desk.do("complaints.reply", id=case_id, text="已更换管道")
        second = _callback(desk, case_id, 2)
        stage.tell("The second callback is due by", local(second["due_at"]))

        stage.at("2025-03-04 16:00")
        stage.tell(
            "The second call, still dissatisfied, has the effect", _call(stage, second, "dissatisfied")
        )
        desk.case_of(event, state="accepted", rounds=2)
        stage.at("2025-03-05 10:00")
        desk.do("complaints.reply", id=case_id, text="已重做防水")
        third = _callback(desk, case_id, 3)
        stage.at("2025-03-05 16:00")
        stage.tell("The third call, the customer satisfied, has the effect", _call(stage, third, "satisfied"))
        closed = desk.case_of(event, state="closed")
        stage.tell("The case is then", closed["state"])
        _what_stays(stage, desk, case_id)


def _what_stays(stage: Stage, desk: Desk, case_id: str) -> None:
    for what, kind, times in (
        ("Answers archived", "case_replied", 3),
        ("Dissatisfied callbacks archived", "callback_unsatisfied", 2),
        ("Times sent back", "case_reopened", 2),
        ("Times closed", "case_closed", 1),
    ):
        stage.tell(what, len(stage.archive.happened(case_id, kind, times=times)))
    history = desk.ask("complaints.get_case_history", id=case_id)
    stage.tell("Faults in the chain of its history", len(history["faults"]))


def _callback(desk: Desk, case_id: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = desk.callbacks_of(case_id, number)[-1]
    assert (found["round"], found["state"]) == (number, "open"), found
    return found


def _call(stage: Stage, callback: dict[str, Any], outcome: str) -> str:
    caller = stage.person("caller", "followup_agent")
    made = caller.do("followup.complete_callback", id=callback["callback_id"], outcome=outcome)
    return str(made["effect"])


def _clock(desk: Desk, case_id: str, name: str) -> dict[str, Any]:
    case = desk.ask("complaints.get_case", id=case_id)
    (found,) = (row for row in case["deadlines"] if row["name"] == name)
    return dict(found)
