"""The part of the story about duty: shifts and their log, a handover, a roster with a swap, visitors, the directory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.contract.stage import Stage

PROPERTY, SHOP = "property-demo", "shop-demo"
_BEIJING = ZoneInfo("Asia/Shanghai")
_COUNTS = ("public_items", "letters", "desk_keys", "room_keys")
_HEADINGS = ("business", "instructions", "suggestions", "complaints", "equipment", "desk_log")


def tell_of_duty(stage: Stage) -> None:
    """Let an estate's day shift hand over, a shop swap a shift and miss somebody, a visitor come, a member leave."""
    # Ten in the morning of the next day, when the shifts of that day are on.
    now = stage.clock.now().astimezone(_BEIJING)
    morning = (now + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    stage.pass_time(morning - now)
    day = morning.date().isoformat()
    entry = _log(stage, day)
    _handover(stage, day, entry)
    _roster(stage, day)
    _visitor(stage, day)
    _directory(stage, day)


def _at(org: str, actor: str, *roles: str) -> dict[str, Any]:
    return {"org": org, "actor": actor, "roles": ("staff", *roles)}


def _log(stage: Stage, day: str) -> str:
    writer = _at(PROPERTY, "u-7001", "duty_staff")
    page: dict[str, Any] = {"desk": "front", "period": day}
    inquiry: dict[str, Any] = {"desk": "front", "kind": "inquiry", "text": "访客询问停车收费。"}
    stage.call("intake.write_duty_log", **writer, **inquiry)
    answered = {"question": "停车如何收费？", "answer": "每小时五元。"}
    opened: dict[str, Any] = {"fields": answered, "unit": "A-301", "work": {"due_on": day}}
    entry = stage.ask("intake.write_duty_log", **writer, **inquiry, **opened)
    stage.ask("intake.get_unit_record", **writer, unit="A-301", month=day[:7])
    stage.ask("intake.list_duty_work", **writer, desk="front")
    late: dict[str, Any] = {"id": entry["entry_id"], "action": "postponed", "text": "等待物业经理答复。"}
    stage.call("intake.follow_duty_work", **writer, **late)
    stage.ask("intake.follow_duty_work", **writer, **late, due_on=day)
    stage.call("intake.sign_duty_log", **writer, **page)
    stage.ask("intake.sign_duty_log", **_at(PROPERTY, "u-7009", "cs_head"), **page)
    stage.ask("intake.get_duty_log", **writer, **page)
    return str(entry["entry_id"])


def _handover(stage: Stage, day: str, entry: str) -> None:
    out, into = _at(PROPERTY, "u-7001", "duty_staff"), _at(PROPERTY, "u-7002", "duty_staff")
    shift: dict[str, Any] = {"desk": "front", "day": day, "shift": "day"}
    here = stage.ask("intake.attend_shift", **out, **shift, action="arrive")
    stage.ask("intake.attend_shift", **out, **shift, action="take_money", amount="60.00")
    opened = stage.ask("intake.open_handover", **out, shift_id=here["shift_id"], to_shift="night")
    stage.call("intake.open_handover", **into, shift_id=here["shift_id"], to_shift="night")
    one: dict[str, Any] = {"id": opened["handover_id"]}
    counts = [{"code": code, "number": "12", "holders": ["u-7001"]} for code in _COUNTS]
    checks = [
        {"code": "desk_tidy", "answer": True},
        {"code": "work_told", "answer": True},
        {"code": "abnormal", "answer": True, "explanation": "大厅灯坏，已报修。"},
    ]
    wrong = [{"code": "abnormal", "answer": True}]
    stage.call("intake.fill_handover", **out, **one, part="outgoing", checks=wrong)
    filled: dict[str, Any] = {"counts": counts, "checks": checks, "headings": dict.fromkeys(_HEADINGS, "无")}
    stage.ask("intake.fill_handover", **out, **one, part="outgoing", **filled)
    stage.ask("intake.sign_handover", **out, **one, part="outgoing")
    stage.call("intake.sign_handover", **into, **one, part="incoming")
    taken: dict[str, Any] = {"counts": [{"code": code, "number": "12"} for code in _COUNTS]}
    stage.ask("intake.fill_handover", **into, **one, part="incoming", accepts=[entry], **taken)
    stage.ask("intake.sign_handover", **into, **one, part="incoming")
    stage.ask("intake.attend_shift", **out, **shift, action="leave")
    stage.ask("intake.get_handover", **out, **one)
    stage.ask("intake.list_handovers", **out, desk="front")
    stage.ask("intake.list_shifts", **out, desk="front", day=day)
    night = shift | {"shift": "night"}
    later = stage.ask("intake.attend_shift", **into, **night, action="arrive")
    closing = stage.ask("intake.open_handover", **into, shift_id=later["shift_id"])
    shut: dict[str, Any] = {"id": closing["handover_id"]}
    locked = [{"code": "cabinet_locked", "answer": True}]
    stage.ask("intake.fill_handover", **into, **shut, part="outgoing", checks=locked)
    loss: dict[str, Any] = {"check": "cabinet_locked", "text": "对讲机一部。"}
    stage.call("intake.record_handover_loss", **out, **one, **loss)
    stage.ask("intake.record_handover_loss", **out, **shut, **loss)


def _roster(stage: Stage, day: str) -> None:
    lead = _at(SHOP, "u-7100")
    rostered = [
        {"staff": "u-7101", "shift": "day", "day": day},
        {"staff": "u-7102", "shift": "day", "day": day},
    ]
    drawn: dict[str, Any] = {"desk": "chat", "first": day, "last": day, "assignments": rostered}
    needed = [{"day": day, "people": 5}]
    stage.ask("intake.check_roster", **lead, **drawn, needed=needed)
    twice = drawn | {"assignments": [*rostered, rostered[0] | {"shift": "early"}]}
    stage.call("intake.draw_roster", **lead, **twice)
    roster = stage.ask("intake.draw_roster", **lead, **drawn, needed=needed)
    one: dict[str, Any] = {"id": roster["roster_id"]}
    offer: dict[str, Any] = {"action": "propose", "to": "u-7103", "shift": "day", "day": day}
    stage.ask("intake.swap_shift", **_at(SHOP, "u-7101"), **one, **offer)
    stage.call("intake.swap_shift", **_at(SHOP, "u-7102"), **one, action="accept", no=1)
    stage.ask("intake.swap_shift", **_at(SHOP, "u-7103"), **one, action="accept", no=1)
    stage.ask("intake.get_roster", **lead, desk="chat", day=day)
    shift: dict[str, Any] = {"desk": "chat", "day": day, "shift": "day"}
    stage.call("intake.attend_shift", **lead, **shift, action="note_absence", staff="u-7101")
    stage.ask("intake.attend_shift", **lead, **shift, action="note_absence", staff="u-7102")


def _visitor(stage: Stage, day: str) -> None:
    guard = _at(PROPERTY, "u-7200")
    visitor: dict[str, Any] = {"desk": "gate", "purpose": "visit", "name": "测试访客", "unit": "A-301"}
    stage.call("intake.check_in_visit", **guard, **(visitor | {"purpose": "lunch"}))
    visit = stage.ask("intake.check_in_visit", **guard, **visitor, fee_due="20.00")
    one: dict[str, Any] = {"id": visit["visit_id"]}
    stage.call("intake.move_visit", **guard, **one, action="call")
    stage.ask("intake.move_visit", **guard, **one, action="identify")
    stage.ask("intake.move_visit", **guard, **one, action="approve")
    stage.ask("intake.get_visit", **guard, code=visit["code"])
    stage.ask("intake.list_visits", **guard, desk="gate", day=day)


def _directory(stage: Stage, day: str) -> None:
    lead = _at(SHOP, "u-7300", "supervisor")
    for staff, post in (("u-7301", "supervisor"), ("u-7302", "presale"), ("u-7303", "presale")):
        place: dict[str, Any] = {"staff": staff, "unit": "customer_service", "post": post}
        stage.ask("intake.enter_member", **lead, **place, skills={"refunds": 3})
        stage.ask("intake.change_member", **lead, staff=staff, action="induct")
    stage.call("intake.enter_member", **lead, staff="u-7304", unit="ninth", post="presale")
    stage.ask("intake.get_superior", **lead, staff="u-7302")
    stage.call("intake.get_superior", **lead, staff="u-7302", to="u-7303")
    stage.ask("intake.list_members", **lead, unit="customer_service", skill="refunds", level=3)
    stage.ask("intake.get_staffing", **lead)
    stage.ask("intake.change_member", **lead, staff="u-7303", action="leave", last=day)
    stage.call("intake.change_member", **lead, staff="u-7303", action="induct")
