"""The part of the story about personal data and the door: read, exported, erased; a publisher throttled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.contract.stage import Published, Stage

PLAZA = "plaza-demo"


def tell_of_privacy(stage: Stage, contact: Published) -> None:
    """Let staff of the plaza ask for, read, export and erase what a customer left in ``contact``."""
    stage.publish(contact)
    # The same wrong event body again later holds the customer's number too.
    stage.publish(_spoilt(contact, "smoke-signals"))
    stage.settle()
    found = stage.ask("intake.list_contacts", org=PLAZA, roles=("staff",), category="praise")
    customer = found[0]["customer_id"]
    agent: dict[str, Any] = {"org": PLAZA, "actor": "u-7001", "roles": ("staff", "service_desk")}
    boss: dict[str, Any] = {"org": PLAZA, "actor": "u-7002", "roles": ("staff", "supervisor")}
    stage.ask("intake.field_catalogue", **agent)
    wanted: dict[str, Any] = {"id": customer, "names": ["phone"], "purpose": "service"}
    stage.call("intake.read_personal_data", **agent, **wanted)
    asked: dict[str, Any] = {"customer_id": customer, "purpose": "service", "reason": "需回电确认。"}
    reading = stage.ask("intake.request_personal_data", **agent, kind="read", **asked)["request_id"]
    stage.call("intake.decide_data_request", **agent, id=reading, granted=True, reason="同意。")
    stage.ask("intake.decide_data_request", **boss, id=reading, granted=True, reason="同意。")
    stage.ask("intake.read_personal_data", **agent, **wanted, request_id=reading)
    stage.ask("intake.set_privacy_flags", **agent, id=customer, opt_out=True)
    stage.call("intake.set_privacy_flags", **agent, id="cu_none", opt_out=True)
    stage.ask("intake.get_privacy", **agent, id=customer)
    stage.call("intake.get_privacy", **agent, id="cu_none")
    _exported(stage, agent)
    stage.call("intake.request_personal_data", org=PLAZA, roles=("staff",), kind="erase", **asked)
    erasing = stage.ask("intake.request_personal_data", **agent, kind="erase", **asked)["request_id"]
    stage.ask("intake.decide_data_request", **boss, id=erasing, granted=True, reason="客户申请。")
    stage.ask("intake.list_data_requests", **boss)
    stage.ask("intake.access_log", **boss, customer_id=customer)
    stage.ask("intake.access_log", **boss, sample_of="2026-11", limit=3)
    stage.call("intake.access_log", **agent)


def _exported(stage: Stage, agent: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"names": ["name", "phone"], "purpose": "marketing", "limit": 2}
    stage.call("intake.export_customers", **agent, **wanted)
    stage.ask("intake.export_customers", org=PLAZA, actor="u-7003", roles=("staff", "manager"), **wanted)


def tell_of_a_flood(stage: Stage, contact: Published) -> None:
    """Let a publisher send more that cannot be taken than is kept of it in an hour."""
    flood: Sequence[Published] = [_spoilt(contact, f"smoke-{number}") for number in range(510)]
    for message in flood:
        stage.publish(message)
    stage.settle()
    stage.ask("intake.list_throttled", org="it-demo", roles=("operator",))


def _spoilt(contact: Published, channel: str) -> Published:
    document = contact.document
    document["data"]["channel"] = channel
    return replace(contact, body=json.dumps(document, ensure_ascii=False).encode())


def tell_of_wrong_entries(stage: Stage) -> None:
    """Let an agent leave out what a contact needs, and a supervisor count it."""
    stage.call("intake.register_contact", org="plaza-demo", actor="u-7001", roles=("staff",), channel="phone")
    stage.settle()
    stage.ask("intake.count_wrong_entries", org="plaza-demo", roles=("supervisor",))
