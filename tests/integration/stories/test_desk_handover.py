"""Told in docs/stories/desk-handover.md: a shift handover refused and then signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused
from tests.integration.bus import Desk
from tests.integration.stories.stage import Stage, local, telling

_EARLY: dict[str, Any] = {"desk": "hall", "day": "2025-03-03", "shift": "early"}
_THINGS = ("umbrellas", "walkie_talkies", "gifts", "cash", "keys")


@pytest.mark.timeout(600)
@pytest.mark.rule("B-PLZ-02", "B-PLZ-04", "B-PLZ-07", "B-PLZ-10")
def test_a_handover_is_refused_until_everything_is_explained_accepted_and_answered(tmp_path: Path) -> None:
    """The late shift signs for nothing it was not told, and the early shift stays until it has signed."""
    with telling("desk-handover", "plaza-demo", "2025-03-03 09:20", tmp_path) as stage:
        early, late = stage.person("early", "service_desk"), stage.person("late", "service_desk")
        shift = early.do("intake.attend_shift", action="arrive", **_EARLY)
        stage.tell("The early shift arrives", local(shift["people"][0]["arrived_at"]))
        loan: dict[str, Any] = {"kind": "loan", "text": "外借雨伞", "work": {"quantity": 3}}
        entry = early.do("intake.write_duty_log", desk="hall", **loan)["entry_id"]
        handover = _opened(stage, early, shift["shift_id"])
        _refused(stage, early, late, handover, entry)
        _signed(stage, early, late, handover)
        rows = late.ask("intake.list_duty_work", desk="hall")
        stage.tell("Entries on the late shift's list", len(rows))


def _opened(stage: Stage, early: Desk, shift_id: str) -> str:
    stage.at("2025-03-03 15:20")
    opened = early.do("intake.open_handover", shift_id=shift_id, to_shift="late")
    stage.tell("The handover is opened at 15:20, and the change is at", local(opened["change_at"]))
    headings = {"special_events": "外借雨伞三把", "tasks": "整理会员资料", "policy_news": "无"}
    filled: dict[str, Any] = {"counts": _counts("500"), "headings": headings}
    filled["checks"] = [{"code": "cabinet_closed", "answer": True}]
    entered = early.do("intake.fill_handover", id=opened["handover_id"], part="outgoing", **filled)
    stage.tell("The early shift counts in cash", entered["counts"]["cash"]["handed"])
    return str(opened["handover_id"])


def _refused(stage: Stage, early: Desk, late: Desk, handover: str, entry: str) -> None:
    own: dict[str, Any] = {"id": handover, "part": "incoming"}
    entered = late.do("intake.fill_handover", counts=_counts("490"), **own)
    stage.tell("The late shift counts in cash", entered["counts"]["cash"]["counted"])
    _tell_refused(stage, "Signing over the difference is refused by", late, "sign_handover", **own)
    explained = [{"code": "cash", "explanation": "十元购买电池，有收据"}]
    early.do("intake.fill_handover", id=handover, part="outgoing", counts=explained)
    _tell_refused(
        stage, "Signing without accepting the open work is refused by", late, "sign_handover", **own
    )
    late.do("intake.fill_handover", accepts=[entry], questions=["礼品何时到？"], **own)
    _tell_refused(stage, "Signing with a question open is refused by", late, "sign_handover", **own)
    _tell_refused(stage, "One person signing for both is refused by", early, "sign_handover", **own)


def _signed(stage: Stage, early: Desk, late: Desk, handover: str) -> None:
    answers = [{"no": 1, "text": "明天上午"}]
    early.do("intake.fill_handover", id=handover, part="outgoing", answers=answers)
    pending = late.do("intake.sign_handover", id=handover, part="incoming")
    stage.tell("After one signature it is", pending["state"])
    leave: dict[str, Any] = {"action": "leave", **_EARLY}
    stage.at("2025-03-03 15:50")
    _tell_refused(stage, "Leaving at 15:50 is refused by", early, "attend_shift", **leave)
    stage.at("2025-03-03 16:00")
    what = "Leaving at 16:00 with one signature is refused by"
    _tell_refused(stage, what, early, "attend_shift", **leave)
    done = early.do("intake.sign_handover", id=handover, part="outgoing")
    stage.tell("After two signatures it is", done["state"])
    stage.tell("The shift is then", early.do("intake.attend_shift", **leave)["state"])


def _tell_refused(stage: Stage, what: str, desk: Desk, method: str, /, **arguments: Any) -> None:
    with pytest.raises(RuleRefused) as refused:
        desk.do(f"intake.{method}", **arguments)
    stage.tell(what, refused.value.rule)


def _counts(cash: str) -> list[dict[str, Any]]:
    return [
        {"code": code, "number": cash if code == "cash" else "12", "holders": ["stf_early"]}
        for code in _THINGS
    ]
