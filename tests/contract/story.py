"""One story that makes every service say everything it can say, and answers every call at least once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tests.contract.stage import Published, Stage
from tests.contract.story_accounts import tell_of_accounts
from tests.contract.story_audit import audit_everything
from tests.contract.story_dossiers import tell_of_dossiers
from tests.contract.story_duty import tell_of_duty
from tests.contract.story_files import tell_of_files
from tests.contract.story_followup_callbacks import tell_of_callbacks
from tests.contract.story_followup_care import tell_of_care
from tests.contract.story_followup_contacts import tell_of_contacts
from tests.contract.story_followup_people import tell_of_people
from tests.contract.story_followup_quality import tell_of_quality
from tests.contract.story_followup_registers import tell_of_followup_registers
from tests.contract.story_followup_surveys import tell_of_surveys
from tests.contract.story_followup_talks import tell_of_talks
from tests.contract.story_investigations import tell_of_investigations
from tests.contract.story_liability import tell_of_liability
from tests.contract.story_offers import file_with_all, tell_of_offers
from tests.contract.story_path import walk
from tests.contract.story_privacy import tell_of_a_flood, tell_of_privacy, tell_of_wrong_entries
from tests.contract.story_receiving import tell_of_receiving
from tests.contract.story_registers import tell_of_registers
from tests.contract.story_reporting_kpis import tell_of_key_figures
from tests.contract.story_reporting_obligations import tell_of_obligations
from tests.contract.story_reporting_rebuild import tell_of_a_rebuild
from tests.contract.story_reporting_registers import tell_of_reporting_registers
from tests.contract.story_reporting_scorecards import tell_of_scorecards
from tests.contract.story_requests import tell_of_requests
from tests.contract.story_supervision import tell_of_supervision

#: A Monday morning in China, an ordinary working week ahead.
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PLAZA = "plaza-demo"
RETAIL = "retail-demo"
PROPERTY = "property-demo"
HANDLER = ("staff", "complaint_handler", "ops_cs")
CALLER = ("followup_agent",)
BOSS = ("manager", "system", "supervisor")
_HOUR = timedelta(hours=1)


def contact_received(org: str = PLAZA, number: int = 1, **data: Any) -> Published:
    """Return a made-up complaint as the hotline would publish it; ``data`` replaces parts of it."""
    content: dict[str, Any] = {
        "channel": "phone",
        "category": "complaint",
        "received_at": "2026-11-23T08:50:00+08:00",
        "customer": {
            "kind": "person",
            "name": "测试甲",
            "phone": f"138000{number:05}",
            "unit": f"A-{number:03}",
        },
        "text": "三楼扶梯旁一直有异味。",
        "complaint": {"problem": "smell-third-floor"},
    }
    event = {
        "specversion": "1.0",
        "id": f"hl-{number:05}",
        "source": f"/hotline/{org}",
        "type": "contact.received",
        "time": "2026-11-23T08:51:10+08:00",
        "datacontenttype": "application/json",
        "dataschema": "urn:kefu:contact.received:1",
        "org": org,
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "data": content | data,
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    return Published("external", "contact.received", body, user="pub-hotline")


@cache
def told() -> Stage:
    """Tell the story once for all tests; they read what was said and change nothing."""
    return tell()


def tell() -> Stage:
    """Tell the story to services of their own."""
    stage = Stage.at(MONDAY)
    _intake(stage)
    _at_the_plaza(stage)
    _at_the_shop(stage)
    _a_storm(stage)
    tell_of_files(stage)
    _questions(stage)
    tell_of_liability(stage)
    tell_of_offers(
        stage,
        (
            contact_received(number=80, complaint={"problem": "ceiling-fell", "amount": "60000.00"}),
            contact_received(number=81, complaint={"problem": "bag-stained"}),
            contact_received(PROPERTY, 82, complaint={"problem": "pipe-burst"}),
        ),
    )
    shop_claim = _shop_claim() | {"problem": "colour-fades"}
    tell_of_investigations(
        stage,
        (
            contact_received("it-demo", 95, complaint={"problem": "login-fails"}),
            contact_received("it-demo", 96, complaint={"problem": "report-empty"}),
            contact_received(RETAIL, 97, complaint=shop_claim),
        ),
    )
    tell_of_supervision(
        stage,
        (
            contact_received(number=85, complaint={"problem": "window-leaks"}),
            contact_received(number=86, complaint={"problem": "floor-slippery"}),
        ),
    )
    tell_of_receiving(
        stage,
        (
            contact_received(RETAIL, 90, complaint={"problem": "wrong-colour"}),
            contact_received(number=91, channel="audit", complaint={"problem": "loud-music"}),
            contact_received("shop-demo", 92, complaint={"problem": "missing-button"}),
            contact_received(PROPERTY, 93, complaint={"problem": "dark-stairs"}),
        ),
    )
    tell_of_registers(stage)
    tell_of_followup_registers(stage)
    tell_of_talks(stage)
    tell_of_quality(stage)
    tell_of_people(stage)
    tell_of_callbacks(stage)
    tell_of_contacts(stage)
    tell_of_surveys(stage)
    tell_of_care(stage)
    tell_of_dossiers(stage)
    tell_of_duty(stage)
    tell_of_privacy(stage, contact_received(number=70, category="praise", complaint=None))
    tell_of_a_flood(stage, contact_received("it-demo", 71))
    tell_of_wrong_entries(stage)
    plain: dict[str, Any] = {"complaint": None, "taken_by": "u-4001"}
    tell_of_requests(
        stage,
        (
            contact_received("it-demo", 60, category="enquiry", **plain),
            _again(contact_received("it-demo", 60, category="enquiry", **plain), 61),
            contact_received(PROPERTY, 62, category="repair", **plain),
            contact_received(number=63, category="need", **plain),
        ),
    )
    tell_of_accounts(stage)
    tell_of_reporting_registers(stage)
    tell_of_obligations(stage)
    tell_of_key_figures(stage)
    tell_of_scorecards(stage)
    tell_of_a_rebuild(stage)
    audit_everything(stage)
    return stage


def _intake(stage: Stage) -> None:
    stage.publish(contact_received())
    # The same complaint again through another channel, by ten more households, and one that is wrong.
    customer = _data(contact_received())["customer"]
    stage.publish(contact_received(number=2, channel="wechat", customer=customer))
    stage.settle()
    for number in range(3, 13):
        stage.publish(contact_received(number=number))
    wrong = contact_received(number=99, channel="smoke-signals", complaint=None, taken_by="not valid")
    stage.publish(wrong)
    stage.publish(contact_received("retail-demo", 20, complaint=_shop_claim()))
    stage.publish(contact_received("retail-demo", 21, complaint=_shop_claim()))
    stage.settle()
    enquiry = _data(contact_received(number=30)) | {"category": "enquiry", "complaint": None}
    stage.ask("intake.register_contact", org=PLAZA, roles=("staff",), **enquiry)


def _at_the_plaza(stage: Stage) -> None:
    case = stage.ask("complaints.list_cases", org=PLAZA, roles=("staff",))[-1]["case_id"]
    stage.pass_time(_HOUR * 2)
    stage.pass_time(_HOUR * 4)
    _handle(stage, "attempt_contact", case, outcome="unreachable")
    _handle(stage, "attempt_contact", case, outcome="reached")
    _handle(stage, "decide_validity", case, valid=True, ground=None, reason="现场核实属实。")
    _stop_and_extend(stage, case)
    entered: dict[str, Any] = {"step": "enter_content", "filled": {"description": "三楼排风管老化。"}}
    stage.ask("complaints.take_step", org=PLAZA, roles=HANDLER, id=case, **entered)
    _handle(stage, "record_progress", case, text="已通知工程部检修排风。")
    _handle(stage, "reply", case, text="今日先清洁。", final=False, next_reply_at="2026-11-27T09:00:00+08:00")
    _handle(stage, "reply", case, text="排风已修复。", prevention="每周检查一次。")
    stage.pass_time(timedelta(days=4))
    callback = _callback(stage, case)
    _call_back(stage, callback, "unreachable")
    _call_back(stage, callback, "dissatisfied")
    _handle(stage, "reply", case, text="已更换滤网。")
    _call_back(stage, _callback(stage, case), "satisfied")
    # A dozen households have the same problem: the board is told before the case closes.
    file_with_all(stage, PLAZA, case)

    # Another case, refused, told so and thereby closed.
    other = stage.ask("complaints.list_cases", org=PLAZA, roles=("staff",), state="received")[0]["case_id"]
    _handle(stage, "decide_validity", other, valid=False, reason="经核实与商场无关。")
    _handle(stage, "reply", other, text="已向您说明原因。")

    # A third one moves on while its callback is still to be made.
    third = stage.ask("complaints.list_cases", org=PLAZA, roles=("staff",), state="received")[0]["case_id"]
    _handle(stage, "decide_validity", third, valid=True, ground="smell", reason="属实。")
    _handle(stage, "reply", third, text="已处理。")
    closed = next(
        message
        for message in stage.published
        if message.routing_key == "case_closed" and message.document["data"]["because"] == "callback"
    )
    document = closed.document
    document |= {"id": f"{third}.99", "subject": third, "sequence": "99"}
    document["data"] |= {"case_id": third, "rounds": 1}
    stage.publish(Published("complaints", "case_closed", json.dumps(document).encode(), "complaints"))
    stage.settle()


def _stop_and_extend(stage: Stage, case: str) -> None:
    """Let the closing clock stand still for two days, give it more time, and bring out a newer calendar."""
    head: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "cs_head"), "id": case}
    boss: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "manager"), "id": case}
    reason = {"reason": "customer_away", "note": "客户外出，后天联系。"}
    stage.ask("complaints.pause_clocks", **head, clocks=["close"], **reason)
    stage.pass_time(timedelta(days=2))
    stage.ask("complaints.resume_clocks", **head)
    for amount, granted in ((20, False), (18, True)):
        asked = {"clock": "close", "amount": amount, "reason": "several_departments"}
        stage.ask("complaints.request_extension", **head, **asked)
        # Not by whoever asked.
        stage.call("complaints.decide_extension", **boss, clock="close", granted=True)
        stage.ask("complaints.decide_extension", **boss, actor="u-1002", clock="close", granted=granted)
    stage.memories["complaints"].take_calendars_for_old()
    stage.services["complaints"].recompute_clocks()
    stage.settle()


def _at_the_shop(stage: Stage) -> None:
    case, refused = (
        row["case_id"] for row in stage.ask("complaints.list_cases", org=RETAIL, roles=("staff",))
    )
    _handle(stage, "decide_validity", case, org=RETAIL, valid=True, ground="quality_defect", reason="属实。")
    # Refused: out of turn.
    early: dict[str, Any] = {"step": "handling_opinion", "filled": {"opinion": "换货。"}}
    stage.call("complaints.take_step", org=RETAIL, roles=("staff", "handling_dept"), id=case, **early)
    walk(stage, RETAIL, case)
    _handle(stage, "reply", case, org=RETAIL, text="已换货。", prevention="入库抽检。")
    stage.ask("complaints.close_case", org=RETAIL, roles=HANDLER, id=case)
    # Refusals: no ground, no such case, no right, a wrong argument.
    reason = "未说明依据。"
    stage.call("complaints.decide_validity", org=RETAIL, roles=HANDLER, id=refused, valid=True, reason=reason)
    stage.call("complaints.get_case", org=RETAIL, roles=HANDLER, id="cs_none")
    stage.call("complaints.get_case", org=RETAIL, roles=("stranger",), id=case)
    stage.call("complaints.get_case", org=RETAIL, roles=HANDLER, id="", colour="red")


def _a_storm(stage: Stage) -> None:
    """Let more clocks pass at once than are told one by one: of a dozen cases, then of two callbacks."""
    problems = [f"noise-{number}" for number in range(12)]
    for number, problem in enumerate(problems):
        stage.publish(contact_received(number=40 + number, complaint={"problem": problem}))
    stage.settle()
    stage.pass_time(_HOUR)
    cases = stage.ask("complaints.list_cases", org=PLAZA, roles=("staff",), state="received", limit=100)
    for row in [row for row in cases if row["problem"] in problems][:2]:
        _handle(stage, "decide_validity", row["case_id"], valid=True, ground=None, reason="属实。")
        _handle(stage, "reply", row["case_id"], text="已处理。", prevention="每周检查一次。")
    stage.pass_time(timedelta(days=6))


def _questions(stage: Stage) -> None:
    desk: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "supervisor")}
    contact = stage.ask("intake.list_contacts", **desk, category="complaint")[-1]
    stage.ask("intake.get_contact", **desk, id=contact["contact_id"])
    stage.ask("intake.count_contacts", **desk)
    stage.ask("intake.get_contact_history", **desk, id=contact["contact_id"])
    stage.ask("intake.get_customer", **desk, id=contact["customer_id"])
    stage.ask("intake.get_customer", org=PLAZA, roles=("staff", "personal_data"), id=contact["customer_id"])
    rejected = stage.ask("intake.list_rejected", **desk)[0]
    stage.ask("intake.get_rejected", **desk, id=rejected["rejected_id"])
    full = ("supervisor", "personal_data")
    stage.ask("intake.get_rejected", org=PLAZA, roles=full, id=rejected["rejected_id"])

    case = stage.ask("complaints.get_case_of_contact", **desk, contact_id=contact["contact_id"])
    stage.ask("complaints.get_case", **desk, id=case["case_id"])
    stage.ask("complaints.get_case_history", **desk, id=case["case_id"])
    stage.ask("complaints.explain_level", **desk, id=case["case_id"])
    stage.ask("complaints.summarise_cases", **desk)
    stage.ask("complaints.list_cases", **desk, state="overdue")
    boss_of_cases: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "manager")}
    given = stage.ask("complaints.list_cases", **desk, state="open", level="general")[0]
    stage.ask(
        "complaints.assign_case", **boss_of_cases, id=given["case_id"], handler="u-1007", note="熟悉该户"
    )
    stage.ask(
        "complaints.set_level", **boss_of_cases, id=given["case_id"], level="important", reason="影响大"
    )
    stage.ask("complaints.list_cases", **desk, actor="u-1007", mine=True)

    agent: dict[str, Any] = {"org": PLAZA, "roles": CALLER}
    callback = stage.ask("followup.list_callbacks", **agent)[0]
    stage.ask("followup.get_callback", **agent, id=callback["callback_id"])
    stage.ask("followup.get_callback_history", **agent, id=callback["callback_id"])
    message = stage.ask("followup.list_messages", **agent)[0]
    values = {"surname": "测试", "title": "先生", "topic": "异味", "hotline": "400-000-0000"}
    stage.ask("followup.render_message", **agent, id=message["message_id"], values=values)
    stage.call("followup.render_message", **agent, id=message["message_id"])

    boss: dict[str, Any] = {"org": PLAZA, "roles": BOSS, "month": "2026-11"}
    stage.ask("reporting.month_statistics", **boss)
    stage.ask("reporting.kpis", **boss)
    stage.ask("reporting.kpis", org=PLAZA, roles=BOSS, window="2026-Q4", codes=["satisfaction"])
    stage.ask("reporting.kpi_cases", **boss, code="satisfaction")
    stage.ask("reporting.publish_month_report", **boss)
    stage.ask("reporting.get_report", **boss)
    stage.ask("reporting.list_archive", org=PLAZA, roles=BOSS, about=case["case_id"])
    stage.call("reporting.publish_month_report", **(boss | {"month": "2027-11"}))


def _handle(stage: Stage, step: str, case: str, *, org: str = PLAZA, **arguments: Any) -> None:
    stage.ask(f"complaints.{step}", org=org, roles=HANDLER, id=case, **arguments)


def _callback(stage: Stage, case: str) -> str:
    rows = stage.ask("followup.list_callbacks", org=PLAZA, roles=CALLER, case_id=case, state="open")
    return str(rows[0]["callback_id"])


def _call_back(stage: Stage, callback: str, outcome: str) -> None:
    arguments: Mapping[str, Any] = {"id": callback, "outcome": outcome}
    stage.ask("followup.complete_callback", org=PLAZA, actor="u-2001", roles=CALLER, **arguments)


def _again(message: Published, number: int) -> Published:
    """Return another contact of the same customer."""
    document = message.document | {"id": f"hl-{number:05}"}
    return replace(message, body=json.dumps(document, ensure_ascii=False).encode())


def _data(message: Published) -> dict[str, Any]:
    data: dict[str, Any] = message.document["data"]
    return data


def _shop_claim() -> dict[str, Any]:
    return {
        "problem": "torn-seam",
        "complainant_type": "end_consumer",
        "demand": "exchange",
        "amount": "199.00",
    }
