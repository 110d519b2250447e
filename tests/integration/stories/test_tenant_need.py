"""Told in docs/stories/tenant-need.md: a need, its two time limits, a delay with consent, and the approval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import KefuError, RuleRefused
from tests.integration.bus import Desk, eventually
from tests.integration.events import contact_id_of, enquiry
from tests.integration.stories.stage import Stage, local, telling

_REASON = "配件未到"
_LATER: dict[str, Any] = {"clock": "handled", "amount": 48, "reason": "parts", "note": _REASON}


@pytest.mark.timeout(600)
@pytest.mark.rule("B-JKC-43", "B-JKC-48", "B-JKC-49", "B-JKC-51")
def test_a_need_takes_longer_only_with_consent_and_the_callback_says_why(tmp_path: Path) -> None:
    """Two needs of the same hour: one delayed as the rule says, the other just late."""
    with telling("tenant-need", "plaza-demo", "2025-03-03 10:00", tmp_path) as stage:
        desk, leader = stage.person("desk", "service_desk"), stage.person("leader", "cs_head")
        socket, key = _asks(stage, desk), _asks(stage, desk)
        _on_monday(stage, desk, leader, socket)
        _on_wednesday(stage, desk, leader, socket)
        _the_one_forgotten(stage, desk, leader, key)


def _asks(stage: Stage, desk: Desk) -> str:
    """Let a tenant ask for something; return the request, once it is there."""
    event = enquiry(stage.org, category="need", received_at="2025-03-03T02:00:00Z", text="请加装一个插座")
    stage.bus.publish("hotline", event)

    def there() -> str:
        rows = desk.ask("intake.list_requests", kind="need", order="newest")
        found = [row["request_id"] for row in rows if row["contact_id"] == contact_id_of(event)]
        assert found, "the need is not there yet"
        return str(found[0])

    return eventually(there)


def _on_monday(stage: Stage, desk: Desk, leader: Desk, request: str) -> None:
    seen = desk.ask("intake.get_request", id=request)
    contact = desk.ask("intake.get_contact", id=seen["contact_id"])
    stage.tell("The tenant asks", local(contact["received_at"]))
    stage.tell("The need is a request of the kind", seen["kind"])
    clocks = _clocks(desk, request)
    stage.tell("The department is to be contacted by", local(clocks["department_contact"]["due_at"]))
    stage.tell("The need is to be done by", local(clocks["handled"]["due_at"]))
    stage.at("2025-03-03 10:40")
    _act(desk, request, "contact_department", departments="工程部")
    met = _clocks(desk, request)["department_contact"]
    stage.tell("The department is contacted", local(met["ended_at"]))
    stage.tell("The contact counts as", met["state"])
    refused = _refused(desk, "delay_request", id=request, **_LATER)
    stage.tell("A delay by the desk itself is refused by", refused.rule)
    leader.do("intake.delay_request", id=request, **_LATER)
    longer = _clocks(desk, request)["handled"]["due_at"]
    stage.tell("With the project leader's consent it is to be done by", local(longer))


def _on_wednesday(stage: Stage, desk: Desk, leader: Desk, request: str) -> None:
    stage.at("2025-03-05 09:30")
    _act(desk, request, "finish", outcome="已加装")
    stage.tell("It is done", local(_clocks(desk, request)["handled"]["ended_at"]))
    short = {"id": request, "action": "call_back", "filled": {"callback": "客户满意"}}
    stage.tell("A callback before the approval is refused by", _refused(desk, "act_on_request", **short).rule)
    approval: dict[str, Any] = {"id": request, "action": "approve", "filled": {}}
    stage.tell("An approval by the desk is refused by", _refused(desk, "act_on_request", **approval).rule)
    _act(leader, request, "approve")
    done = desk.ask("intake.get_request", id=request)["done"]
    (approved,) = (row["by"] for row in done if row["action"] == "approve")
    stage.tell("The need is approved by", approved.removeprefix("stf_"))
    stage.tell("A callback without the reason is refused by", _refused(desk, "act_on_request", **short).rule)
    _act(desk, request, "call_back", callback=f"因{_REASON}延期两天，客户理解")
    (closed,) = stage.archive.happened(request, "request_closed")
    stage.tell("The need is closed in time", "yes" if closed["data"]["on_time"] else "no")


def _the_one_forgotten(stage: Stage, desk: Desk, leader: Desk, other: str) -> None:
    def overdue() -> str:
        rows = desk.ask("intake.list_requests", kind="need", state="overdue")
        assert [row["request_id"] for row in rows] == [other]
        return str(_clocks(desk, other)["handled"]["due_at"])

    stage.tell("The other need is overdue since", local(eventually(overdue)))
    _refused(leader, "delay_request", id=other, **_LATER)
    still = desk.ask("intake.get_request", id=other)["overdue"]
    stage.tell("A consent after that leaves it overdue", "yes" if still else "no")


def _act(desk: Desk, request: str, action: str, **filled: Any) -> None:
    desk.do("intake.act_on_request", id=request, action=action, filled=filled)


def _refused(desk: Desk, method: str, **arguments: Any) -> RuleRefused:
    with pytest.raises(KefuError) as refused:
        desk.do(f"intake.{method}", **arguments)
    assert isinstance(refused.value, RuleRefused), refused.value
    return refused.value


def _clocks(desk: Desk, request: str) -> dict[str, Any]:
    return {row["clock"]: row for row in desk.ask("intake.get_request", id=request)["clocks"]}
