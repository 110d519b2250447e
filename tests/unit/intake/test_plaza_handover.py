"""The handover book of a shopping centre: counted together, asked at once, closed by two people, sealed."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Conflict, RuleRefused
from tests.unit.intake.on_duty import Intake

EARLY = {"desk": "hall", "day": "2025-03-03", "shift": "early"}
LATE = EARLY | {"shift": "late"}
THINGS = ("umbrellas", "walkie_talkies", "gifts", "cash", "keys")
POINTS = ("record_written", "valuables_kept", "register_signed", "power_off", "desk_tidy")


def counts(codes: tuple[str, ...] = THINGS, **numbers: str) -> list[dict[str, Any]]:
    return [{"code": code, "number": numbers.get(code, "500"), "holders": ["mei"]} for code in codes]


def mall() -> tuple[Intake, str]:
    """The early shift of mei, its handover to lan opened before lan arrives and counted by mei alone."""
    intake = Intake("plaza-demo", "2025-03-03 09:20")
    shift = intake.do("attend_shift", "mei", action="arrive", **EARLY)
    intake.at("2025-03-03 15:20")
    opened = intake.do("open_handover", "mei", shift_id=shift["shift_id"], to_shift="late")
    headings = {"special_events": "无", "tasks": "整理会员资料", "policy_news": "新品促销"}
    filled: dict[str, Any] = {"counts": counts(), "headings": headings}
    filled["checks"] = [{"code": "cabinet_closed", "answer": True}]
    intake.do("fill_handover", "mei", id=opened["handover_id"], part="outgoing", **filled)
    return intake, opened["handover_id"]


def refusal(intake: Intake, method: str, who: str, *roles: str, **arguments: Any) -> str | None:
    with pytest.raises(RuleRefused) as refused:
        intake.do(method, who, *roles, **arguments)
    return refused.value.rule


@pytest.mark.rule("B-PLZ-04")
def test_cash_counted_twice_is_equal_or_explained_before_both_sign() -> None:
    """Promise: 500 and 500 sign; 500 and 490 do not, until the one who had it explains."""
    intake, handover = mall()
    late: dict[str, Any] = {"id": handover, "part": "incoming"}
    intake.do("fill_handover", "lan", counts=counts(cash="490"), **late)
    assert refusal(intake, "sign_handover", "lan", **late) == "B-PLZ-04"
    intake.do("fill_handover", "lan", counts=counts(), **late)
    assert intake.do("sign_handover", "lan", **late)["state"] == "pending"
    signed = intake.do("sign_handover", "mei", id=handover, part="outgoing")
    assert signed["state"] == "handed_over"
    assert {row["by"] for row in signed["signatures"]} == {"mei", "lan"}


@pytest.mark.rule("B-PLZ-02")
def test_lent_umbrellas_are_told_to_the_late_shift_and_stand_on_its_list() -> None:
    """Promise: three umbrellas out on loan are still known about in the evening."""
    intake, handover = mall()
    loan: dict[str, Any] = {"kind": "loan", "text": "外借雨伞", "work": {"quantity": 3}}
    entry = intake.do("write_duty_log", "mei", "service_desk", desk="hall", **loan)["entry_id"]
    late: dict[str, Any] = {"id": handover, "part": "incoming"}
    intake.do("fill_handover", "lan", counts=counts(), **late)
    assert refusal(intake, "sign_handover", "lan", **late) == "B-PLZ-02"
    intake.do("fill_handover", "lan", accepts=[entry], **late)
    assert intake.do("sign_handover", "lan", **late)["carried"] == [entry]
    (row,) = intake.do("list_duty_work", "lan", desk="hall")
    assert (row["kind"], row["quantity"]) == ("loan", 3)


@pytest.mark.rule("B-PLZ-03")
@pytest.mark.parametrize("heading", ["tasks", "policy_news"])
def test_the_book_has_todays_tasks_and_the_latest_news(heading: str) -> None:
    """Promise: a new promotion is known to the late shift too."""
    intake = Intake("plaza-demo", "2025-03-03 09:20")
    shift = intake.do("attend_shift", "mei", action="arrive", **EARLY)
    opened = intake.do("open_handover", "mei", shift_id=shift["shift_id"], to_shift="late")
    written = {code: "无" for code in ("special_events", "tasks", "policy_news") if code != heading}
    early: dict[str, Any] = {"id": opened["handover_id"], "part": "outgoing"}
    intake.do("fill_handover", "mei", headings=written, counts=counts(), **early)
    intake.do("fill_handover", "mei", checks=[{"code": "cabinet_closed", "answer": True}], **early)
    assert refusal(intake, "sign_handover", "mei", **early) == "B-PLZ-03"
    intake.do("fill_handover", "mei", headings={heading: "无"}, **early)
    assert intake.do("sign_handover", "mei", **early)["state"] == "pending"


@pytest.mark.rule("B-PLZ-10")
def test_a_question_is_answered_before_the_late_shift_signs() -> None:
    """Promise: nobody signs for what they did not understand."""
    intake, handover = mall()
    late: dict[str, Any] = {"id": handover, "part": "incoming"}
    intake.do("fill_handover", "lan", counts=counts(), questions=["礼品何时到？"], **late)
    assert refusal(intake, "sign_handover", "lan", **late) == "B-PLZ-10"
    answers = [{"no": 1, "text": "明天上午"}]
    intake.do("fill_handover", "mei", id=handover, part="outgoing", answers=answers)
    assert intake.do("sign_handover", "lan", **late)["state"] == "pending"


@pytest.mark.rule("B-PLZ-07")
def test_the_early_shift_leaves_neither_before_the_handover_nor_before_its_end() -> None:
    """Promise: handing over early is no reason to go home early."""
    intake, handover = mall()
    intake.at("2025-03-03 15:40")
    intake.do("fill_handover", "lan", id=handover, part="incoming", counts=counts())
    intake.do("sign_handover", "lan", id=handover, part="incoming")
    intake.at("2025-03-03 16:00")
    leave = {"action": "leave", **EARLY}
    assert refusal(intake, "attend_shift", "mei", **leave) == "B-PLZ-07"
    intake.do("sign_handover", "mei", id=handover, part="outgoing")
    assert intake.do("attend_shift", "mei", **leave)["state"] == "closed"
    handed, signed = mall()
    handed.do("fill_handover", "lan", id=signed, part="incoming", counts=counts())
    handed.do("sign_handover", "lan", id=signed, part="incoming")
    handed.do("sign_handover", "mei", id=signed, part="outgoing")
    handed.at("2025-03-03 15:59")
    assert refusal(handed, "attend_shift", "mei", **leave) == "B-PLZ-07"


def closing() -> tuple[Intake, str]:
    """The late shift of lan, about to close, everything counted and answered but the envelope."""
    intake = Intake("plaza-demo", "2025-03-03 15:20")
    shift = intake.do("attend_shift", "lan", action="arrive", **LATE)
    intake.at("2025-03-03 21:50")
    opened = intake.do("open_handover", "lan", shift_id=shift["shift_id"])
    filled: dict[str, Any] = {"counts": counts(("items", "cash", "keys"))}
    filled["checks"] = [{"code": code, "answer": True} for code in POINTS]
    intake.do("fill_handover", "lan", id=opened["handover_id"], part="outgoing", **filled)
    return intake, opened["handover_id"]


@pytest.mark.rule("B-PLZ-11")
def test_closing_has_five_points_and_an_envelope_with_number_and_receiver() -> None:
    """Promise: the day's cash is in the central control room, and somebody signed for it."""
    intake, handover = closing()
    late: dict[str, Any] = {"id": handover, "part": "outgoing"}
    for point in POINTS:
        wrong = [{"code": point, "answer": False}]
        assert refusal(intake, "fill_handover", "lan", checks=wrong, **late) == "B-PLZ-11"
    assert refusal(intake, "sign_handover", "lan", **late) == "B-PLZ-11"
    envelope = {"number": "E-0303", "receiver": "control-1"}
    intake.do("fill_handover", "lan", envelope=envelope, **late)
    signed = intake.do("sign_handover", "lan", **late)
    assert (signed["state"], signed["envelope"]) == ("pending", envelope)


@pytest.mark.rule("B-PLZ-05", "B-PLZ-09")
def test_the_shift_leader_counts_again_collects_the_keys_and_is_somebody_else() -> None:
    """Promise: two users sign the closing count, the second of them a leader, with every key named."""
    intake, handover = closing()
    envelope = {"number": "E-0303", "receiver": "control-1"}
    intake.do("fill_handover", "lan", id=handover, part="outgoing", envelope=envelope)
    intake.do("sign_handover", "lan", id=handover, part="outgoing")
    leader: dict[str, Any] = {"id": handover, "part": "incoming"}
    assert refusal(intake, "sign_handover", "lan", "supervisor", **leader) == "B-PLZ-05"
    again: dict[str, Any] = {"counts": counts(("items", "cash", "keys"))}
    intake.do("fill_handover", "bo", "supervisor", **again, **leader)
    assert refusal(intake, "sign_handover", "bo", "supervisor", **leader) == "B-PLZ-09"
    collected = [{"code": "keys_collected", "answer": True}]
    intake.do("fill_handover", "bo", "supervisor", checks=collected, **leader)
    assert refusal(intake, "sign_handover", "bo", **leader) == "B-PLZ-05"
    signed = intake.do("sign_handover", "bo", "supervisor", **leader)
    assert signed["state"] == "handed_over"
    assert signed["counts"]["keys"]["holders"] == ["mei"]


@pytest.mark.rule("B-PLZ-01")
def test_the_department_carries_duty_out_and_the_general_manager_supervises() -> None:
    """Promise: the log is written by the department and read by whoever supervises it."""
    intake = Intake("plaza-demo")
    entry: dict[str, Any] = {"desk": "hall", "kind": "work", "text": "开门"}
    assert refusal(intake, "write_duty_log", "bo", "manager", **entry) == "B-PLZ-01"
    intake.do("write_duty_log", "mei", "service_desk", **entry)
    page: dict[str, Any] = {"desk": "hall", "period": "2025-03-03"}
    assert refusal(intake, "get_duty_log", "mei", "service_desk", **page) == "B-PLZ-01"
    assert intake.do("get_duty_log", "bo", "manager", **page)["total"] == 1


def estate_closing(*, locked: bool) -> tuple[Intake, str]:
    intake = Intake("property-demo", "2025-03-03 07:45")
    day = {"desk": "front", "day": "2025-03-03", "shift": "day"}
    shift = intake.do("attend_shift", "jia", action="arrive", **day)
    opened = intake.do("open_handover", "jia", shift_id=shift["shift_id"])
    checks = [{"code": "cabinet_locked", "answer": locked}, {"code": "key_in_office", "answer": True}]
    intake.do("fill_handover", "jia", id=opened["handover_id"], part="outgoing", checks=checks)
    return intake, opened["handover_id"]


@pytest.mark.rule("B-FDK-09")
def test_the_cabinet_is_locked_and_whoever_said_so_bears_what_is_lost() -> None:
    """Promise: "not locked" is refused, and a loss is borne by the one responsible."""
    with pytest.raises(RuleRefused) as refused:
        estate_closing(locked=False)
    assert refused.value.rule == "B-FDK-09"
    intake, handover = estate_closing(locked=True)
    loss = {"id": handover, "text": "对讲机一部"}
    with pytest.raises(Conflict):
        intake.do("record_handover_loss", "head", check="never_asked", **loss)
    noted = intake.do("record_handover_loss", "head", check="cabinet_locked", **loss)
    assert noted["losses"] == [{"check": "cabinet_locked", "text": "对讲机一部", "borne_by": "jia"}]
    (told,) = intake.told("handover_loss_recorded")
    assert (told["borne_by"], told["source"]) == ("jia", "B-FDK-09")


@pytest.mark.rule("B-FDK-05")
def test_a_desk_does_not_close_over_open_work_nobody_accepted() -> None:
    """Promise: unfinished work of the day has a next person before the day ends."""
    intake, handover = estate_closing(locked=True)
    item: dict[str, Any] = {"desk": "front", "kind": "work", "text": "待回电", "work": {}}
    entry = intake.do("write_duty_log", "jia", "duty_staff", **item)["entry_id"]
    intake.do("sign_handover", "jia", id=handover, part="outgoing")
    late: dict[str, Any] = {"id": handover, "part": "incoming"}
    assert refusal(intake, "sign_handover", "yi", **late) == "B-FDK-05"
    intake.do("fill_handover", "yi", accepts=[entry], **late)
    assert intake.do("sign_handover", "yi", **late)["state"] == "handed_over"
